"""What a load has measured, and why it may prove nothing; kept in `load.json`.

    outcome.json + books + events.bin, arrivals.bin + what the simulator says of itself -> Measured

The one rule: a number that the generator or the simulator spoilt is no number. Whatever was late by
our own fault, lost or out of balance is a reason (exit 3), each with its one line.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.core.metric import METRIC
from simulator.load import outcome as oc
from simulator.run import load_join as joins
from simulator.run.conductor import LAG_BUDGET_S
from simulator.run.load_busy import BUSY_MAX, WINDOW_NS, Sample, busiest
from simulator.run.load_receipts import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from simulator.load.histogram import Histogram
    from simulator.load.outcome import Outcome
    from simulator.run.load_join import Joined
    from simulator.run.load_receipts import Heard
    from simulator.scenario_load import Load

FILE = "load.json"
_S = 1_000_000


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A load, measured.

    Attributes:
        metrics: a value for each metric of a load, as a fraction; None: no data.
        invalid: why the run proves nothing.
        refused_fails: connections were refused, and the scenario says that this fails it.
        unanswered: nothing was accepted, because every connection was refused.
        section: what the report shows.
        pace: the simulator's clocks; None: the load came to nothing.
    """

    metrics: dict[str, str | None]
    invalid: tuple[str, ...] = ()
    refused_fails: int = 0
    unanswered: bool = False
    section: dict[str, Any] = {}
    pace: Pace | None = None

    def values(self) -> Mapping[str, Fraction | None]:
        """Return the metrics as numbers."""
        return {name: None if n is None else Fraction(n) for name, n in self.metrics.items()}


def keep(measured: Measured, folder: Path) -> None:
    """Keep it in a run's folder."""
    data = msgspec.json.format(msgspec.json.encode(measured), indent=1)
    (folder / FILE).write_bytes(data + b"\n")


def kept_in(folder: Path) -> Measured | None:
    """Return what a run's folder keeps; None: it was no load, or came to nothing."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Measured)
    except (OSError, msgspec.MsgspecError):
        return None


def nothing(reason: str) -> Measured:
    """Return what a load has measured that left no outcome."""
    return Measured(
        metrics=dict.fromkeys(n for n, m in METRIC.items() if m.load), invalid=(reason,)
    )


def metrics_of(
    outcome: Outcome, lasts_s: float, receipt: Histogram, heard: Heard
) -> dict[str, str | None]:
    """Return every metric of a load.

    Args:
        outcome: of the generator.
        lasts_s: how long the arrivals lasted by the schedule, without the warm-up.
        receipt: from the planned instants to the receipts.
        heard: of callbacks.
    """
    load, api = outcome.load, outcome.latency.get(oc.API)
    found: dict[str, Fraction | int | None] = {
        "arrivals": load.scheduled,
        "started": load.started,
        "late": load.late,
        "dropped": load.dropped,
        "load_errors": load.failed,
        "refused_connections": load.results.get(oc.REFUSED, 0),
        "achieved_rate": Fraction(load.started) / Fraction(lasts_s) if lasts_s else None,
    }
    for name in ("p50", "p90", "p99", "p999"):
        us = getattr(api, f"{name}_us") if api is not None and api.count else None
        found[f"api_{name}"] = None if us is None else Fraction(us, 1000)
    for name, histogram in (("receipt", receipt), ("ack", heard.acknowledged)):
        for percent in (50, 99):
            ms = Fraction(histogram.percentile(percent), 1000) if histogram.count else None
            found[f"{name}_p{percent}"] = ms
    return {name: None if n is None else str(n) for name, n in found.items()}


def simulator_reasons(ended: Mapping[str, Any]) -> Iterator[str]:
    """Say why the simulator's own part spoils the numbers.

    Args:
        ended: what it said at its end (`load_served.py`).
    """
    busy = busiest([Sample(*each) for each in ended["samples"]])
    if busy > BUSY_MAX:
        window = f"over {WINDOW_NS / 1e9:g} s"
        words = f"the simulator's event loop was busy {busy:.0%} {window} (at most {BUSY_MAX:.0%})"
        yield f"{words}, so it was the bottleneck: lower the rate, or give it a core of its own"
    if ended["lag_s"] > LAG_BUDGET_S:
        words = (
            f"the world fell {ended['lag_s']:.1f} s behind its clock (budget {LAG_BUDGET_S:g} s)"
        )
        yield f"{words}: ask for a lower rate"


def book_reasons(joined: Joined, outcome: Outcome, load: Load, *, cut: bool) -> Iterator[str]:
    """Say where the two books do not join.

    Args:
        joined: the books beside each other.
        outcome: of the generator, which counts what it has started.
        load: of the scenario.
        cut: it was interrupted, or a worker was lost, so that rows may be missing.
    """
    counts = joined.counts
    for kind in (joins.UNKNOWN, joins.TWICE):
        if counts[kind]:
            yield f"the books do not join: {counts[kind]:,} times {kind}"
    if cut:
        return
    under_way = outcome.in_flight
    if counts[joins.UNBOOKED] > under_way:
        yield f"the books do not join: {counts[joins.UNBOOKED]:,} messages {joins.UNBOOKED}"
    started = outcome.load.started + outcome.warm.started
    if not started - under_way <= joined.started <= started:
        words = f"the generator counts {started:,} requests and its books hold {joined.started:,}"
        yield f"the books do not join: {words} (against: {load.against})"
