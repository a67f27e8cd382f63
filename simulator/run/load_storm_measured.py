"""What a storm of callbacks has measured: its metrics, why it may prove nothing, what is shown."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.core.metric import METRIC
from simulator.errors import ProvesNothing
from simulator.load.spread import bounds, in_ms
from simulator.run.load_busy import BUSY_MAX, WINDOW_NS, Sample, busiest
from simulator.run.load_callbacks import read_side
from simulator.run.load_measured import Measured, simulator_reasons
from simulator.run.load_receipts import RECEIPT_QUANTILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from simulator.load.callbacks import CallbackSide
    from simulator.load.offer import Offer
    from simulator.load.spread import Bounds
    from simulator.run.load_receipts import Pace
    from simulator.scenario import Scenario
    from simulator.scenario_load import Load

_MS = 1_000
_OPEN = "callbacks had no 2xx by the end of the drain"


def storm_measured(  # noqa: PLR0913, PLR0917 - a finished load
    out: Path,
    scenario: Scenario,
    offer: Offer,
    pace: Pace,
    ended: Mapping[str, Any],
    released: Mapping[str, Any],
) -> Measured:
    """Read what a storm has measured.

    Args:
        out: the run's folder.
        scenario: of the run.
        offer: its schedule.
        pace: the simulator's clocks.
        ended: what the simulator said at its end.
        released: what it said when the storm was let go; empty: it was not.

    Raises:
        ProvesNothing: there was no storm.
    """
    side, load = read_side(out), scenario.load
    assert load is not None
    if side is None or not released:
        raise ProvesNothing("the storm did not begin")
    since_ns = released["start_us"] * 1_000  # the campaign before was at the system's own pace
    ended = {**ended, "samples": [each for each in ended["samples"] if each[0] >= since_ns]}
    reasons = (*_reasons(side, load), *simulator_reasons(ended))
    known = bounds("receipt", side.callbacks.whole, RECEIPT_QUANTILES, _OPEN)
    return Measured(
        metrics=_metrics(side, released["arrivals"], known),
        least=known.least,
        unknown=known.unknown,
        invalid=reasons,
        section=_section(side, offer, pace, ended, released),
    )


def _metrics(side: CallbackSide, arrivals: int, whole: Bounds) -> dict[str, str | None]:
    of = side.callbacks
    found: dict[str, int | str | None] = {
        **dict.fromkeys(name for name, metric in METRIC.items() if metric.load),
        "arrivals": arrivals,
        "started": of.started,
        "late": of.late,
        "dropped": of.dropped,
        "load_errors": sum(of.failed.values()),
        "refused_connections": of.failed.get("unreachable", 0),
        "achieved_rate": of.sent_per_s or None,
    }
    return {
        **{name: None if n is None else str(n) for name, n in found.items()},
        **whole.metrics,
        **_acknowledged(side),
    }


def _acknowledged(side: CallbackSide) -> dict[str, str | None]:
    return bounds("ack", side.ack, ("p50", "p99"), "").metrics


def _reasons(side: CallbackSide, load: Load) -> Iterator[str]:
    """Say why the storm was not the one that was asked for, by our own fault."""
    if not side.due:
        yield "nothing was sent: no callback was due in the storm"
        return
    if Fraction(side.late, side.due) > load.late.at_most:
        share, most = side.late / side.due, float(load.late.at_most)
        words = f"{share:.1%} of the callbacks were made over {load.late.over_us / _MS:g} ms late"
        yield f"{words} by the simulator itself (at most {most:.1%}): lower the rate"
    if Fraction(side.dropped, side.due) > load.dropped.at_most:
        most = float(load.dropped.at_most)
        words = f"{side.dropped:,} callbacks found the provider's own queue full and were dropped"
        yield f"{words} (at most {most:.1%}): raise dropped.at_most, if that is to be shown"
    if side.unkept:
        yield f"{side.unkept:,} attempts were more than are kept: make the storm shorter"


def _section(
    side: CallbackSide,
    offer: Offer,
    pace: Pace,
    ended: Mapping[str, Any],
    released: Mapping[str, Any],
) -> dict[str, Any]:
    shape = msgspec.to_builtins(offer.shape)
    if "times_us" in shape:
        shape["times_us"] = len(shape["times_us"])
    of = side.callbacks
    return {
        "against": "callbacks",
        "seed": offer.seed,
        "shape": shape,
        "counts": {
            "scheduled": released["arrivals"],
            "started": of.started,
            "late": of.late,
            "dropped": of.dropped,
            "failed": sum(of.failed.values()),
            "results": {"2xx": of.acknowledged, **of.failed},
        },
        "latency_ms": {
            **{name: in_ms(getattr(side, name)) for name in ("lateness", "waited", "ack")},
            "whole": in_ms(of.whole),
        },
        "callbacks": {
            **_taken(side),
            "replies": released["replies"],
            "warm_up": released["warm"],
            "seconds": [_second(msgspec.to_builtins(row)) for row in side.seconds],
        },
        "simulator": {
            "busiest": round(busiest([Sample(*each) for each in ended["samples"]]), 4),
            "at_most": BUSY_MAX,
            "window_s": WINDOW_NS / 1e9,
            "lag_s": round(ended["lag_s"], 6),
            "clock_rate": pace.rate,
        },
    }


def beside(measured: Measured, side: CallbackSide | None) -> Measured:
    """Add how callbacks were taken to what another load has measured."""
    if side is None or not side.due:
        return measured
    section = {**measured.section, "callbacks": {**measured.section["callbacks"], **_taken(side)}}
    metrics = {**measured.metrics, **_acknowledged(side)}
    return msgspec.structs.replace(measured, metrics=metrics, section=section)


def _taken(side: CallbackSide) -> dict[str, Any]:
    of = side.callbacks
    return {
        "ack_ms": in_ms(side.ack),
        "due": of.due,
        "acknowledged": of.acknowledged,
        "repeated": of.repeated,
        "given_up": of.given_up,
        "open": of.open,
        "others": of.others,
        "attempts_due": side.due,
        "repeats": side.repeats,
        "attempts_by_result": {
            name: n for name, n in {"2xx": side.acknowledged, **side.failed}.items() if n
        },
        "dropped": side.dropped,
        "unanswered_at_the_end": side.unanswered,
        "backlog_max": side.backlog_max,
        "drained_s": None if of.drained_us < 0 else of.drained_us / 1e6,
        "under_way_max": side.under_way_max,
        "under_way_limit": side.under_way_limit,
        "knee": {"per_s": side.knee.per_s, "reached": side.knee.reached},
    }


def _second(found: dict[str, Any]) -> dict[str, Any]:
    late, took = found.pop("late_max_us"), found.pop("ack_p99_us")
    return {**found, "late_max_ms": late / _MS, "ack_p99_ms": took / _MS}


def storm_lines(load: Mapping[str, Any]) -> Iterator[str]:
    """Yield what there is to say of a storm besides its times."""
    counts, simulator, taken = load["counts"], load["simulator"], load["callbacks"]
    results = ", ".join(f"{n:,} {name}" for name, n in counts["results"].items() if n)
    beside = f", {taken['others']:,} others beside them" if taken["others"] else ""
    yield (
        f"storm   {counts['scheduled']:,} callbacks, {taken['replies']:,} of them replies{beside}: "
        f"{counts['late']:,} late, {counts['dropped']:,} dropped; in the end "
        f"{results or 'no answers'}"
    )
    if taken["repeats"]:
        tries = ", ".join(f"{n:,} {name}" for name, n in taken["attempts_by_result"].items())
        yield f"tries   {taken['attempts_due']:,}, {taken['repeats']:,} of them repeats: {tries}"
    yield from open_lines(load["latency_ms"]["whole"], "callbacks had no 2xx")
    if taken["warm_up"]:
        yield (
            f"warm-up {taken['warm_up']:,} callbacks before them, and the campaign: "
            "the world's own counts have them in"
        )
    yield from taken_lines(taken)
    yield (
        f"simulator at most {simulator['busiest']:.0%} busy in {simulator['window_s']:g} s "
        f"(limit {simulator['at_most']:.0%}), {simulator['lag_s'] * 1000:.0f} ms behind its clock"
    )


def open_lines(found: Mapping[str, Any], words: str) -> Iterator[str]:
    """Yield how many of some times had not ended, if any."""
    if found["open"]:
        of = found["count"] + found["open"]
        yield f"open    {found['open']:,} of {of:,} {words} by the end of the drain"


def taken_lines(taken: Mapping[str, Any]) -> Iterator[str]:
    """Yield what there is to say of how callbacks were taken."""
    drained, knee = taken["drained_s"], taken["knee"]
    over = f"over {drained:.1f} s after the last was due" if drained is not None else "never over"
    yield f"backlog at most {taken['backlog_max']:,}, {over}; {taken['given_up']:,} given up"
    rate = f"{knee['per_s']:,.0f} a second"
    said = f"{rate}: the backlog stood" if knee["reached"] else f"{rate} were held, or more"
    yield (
        f"knee    {said if knee['per_s'] else 'no rate was held'}; "
        f"at most {taken['under_way_max']} of {taken['under_way_limit']} calls under way"
    )
