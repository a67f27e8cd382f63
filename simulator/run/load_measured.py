"""What a load has measured, and why it may prove nothing; kept in `load.json`.

    outcome.json + books + events.bin, arrivals.bin + what the simulator says of itself -> Measured

The one rule: a number that the generator or the simulator spoilt is no number. Whatever was late by
our own fault, lost or out of balance is a reason (exit 3), each with its one line.
"""

from __future__ import annotations

from array import array
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from simulator.core.metric import METRIC
from simulator.load import outcome as oc
from simulator.load.achieved import achieved
from simulator.load.histogram import Histogram
from simulator.load.spread import spread_of
from simulator.run import load_join as joins
from simulator.run.conductor import LAG_BUDGET_S
from simulator.run.load_busy import BUSY_MAX, WINDOW_NS, Sample, busiest
from simulator.run.load_receipts import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from simulator.load.books import Row
    from simulator.load.offer import Offer
    from simulator.load.outcome import Outcome
    from simulator.load.spread import Bounds, Spread
    from simulator.run.load_join import Joined
    from simulator.scenario_load import Load

FILE = "load.json"
API_QUANTILES = ("p50", "p90", "p99", "p999")
UNANSWERED = "requests were never answered"
_S = 1_000_000


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A load, measured.

    Attributes:
        metrics: a value for each metric of a load, as a fraction; None: no data, or not known.
        least: the least that a metric can be, where that is not its value.
        unknown: why one is not known exactly.
        invalid: why the run proves nothing.
        taken: messages that requests of the load became, those of the warm-up left out; None: not
            told apart.
        refused_fails: connections were refused, and the scenario says that this fails it.
        unanswered: nothing was accepted, because every connection was refused.
        section: what the report shows.
        pace: the simulator's clocks; None: the load came to nothing.
    """

    metrics: dict[str, str | None]
    least: dict[str, str] = {}
    unknown: dict[str, str] = {}
    invalid: tuple[str, ...] = ()
    taken: int | None = None
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


def api_of(outcome: Outcome, offer: Offer) -> Spread:
    """Return from the planned instants to the answers, the arrivals without one among them.

    One that was dropped has waited as long as one may; one that was refused a connection, or lost
    it, has waited in vain, however soon that was known.
    """
    load, times = outcome.load, Histogram()
    if oc.API in outcome.histograms:
        times = Histogram.decode(outcome.histograms[oc.API])
    in_vain = load.results.get(oc.REFUSED, 0) + load.results.get(oc.OTHER, 0)
    least_us = np.array((0, round(offer.drop_after_ms * 1_000)), np.int64)
    return spread_of(times, np.repeat(least_us, (in_vain, load.dropped)))


def metrics_of(outcome: Outcome, rate: Fraction | None, known: Bounds) -> dict[str, str | None]:
    """Return every metric of a load; those of acknowledging are known at the callbacks' edge.

    Args:
        outcome: of the generator.
        rate: at which it has really sent.
        known: from the planned instants to the answers, and to the receipts.
    """
    load = outcome.load
    found: dict[str, Fraction | int | None] = {
        **dict.fromkeys(name for name, metric in METRIC.items() if metric.load),
        "arrivals": load.scheduled,
        "started": load.started,
        "late": load.late,
        "dropped": load.dropped,
        "load_errors": load.failed,
        "refused_connections": load.results.get(oc.REFUSED, 0),
        "achieved_rate": rate,
    }
    return {name: None if n is None else str(n) for name, n in found.items()} | known.metrics


class Sendings:
    """When requests of the load were really sent, seen while its books are read."""

    def __init__(self, outcome: Outcome) -> None:
        self._begins = {each.worker: each.started_at_us for each in outcome.workers}
        self._outcome = outcome
        self._sent_us = array("q")

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows, noting when each was sent, from the start of the load."""
        workers, begin_us = max(self._outcome.expected, 1), self._outcome.started_at_us
        for row in rows:
            if row.started_us and not row.warm:  # both instants are by its own worker's clock
                self._sent_us.append(row.started_us - self._begins.get(row.n % workers, begin_us))
            yield row

    def rate(self, lasts_us: int) -> Fraction | None:
        """Return how many were sent in a second; `lasts_us`: by the schedule."""
        if self._outcome.ended != "finished":  # all of it was not to be
            lasts_us = min(lasts_us, self._outcome.ended_at_us - self._outcome.started_at_us)
        return achieved(np.array(self._sent_us, np.int64), lasts_us)


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
