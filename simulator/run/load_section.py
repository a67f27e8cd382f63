"""The report's part about a load: `load` in report.json, the same numbers for the terminal."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import msgspec

from simulator import __version__
from simulator.load.spread import in_ms
from simulator.run.load_busy import BUSY_MAX, WINDOW_NS, Sample, busiest
from simulator.run.load_receipts import offset_us
from simulator.run.report_findings import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.load.offer import Offer
    from simulator.load.outcome import Counts, Latency, Outcome, Worker
    from simulator.load.spread import Spread
    from simulator.run.load_join import Joined
    from simulator.run.load_receipts import Heard, Pace

ODD_SHOWN = 100
_MS = 1000


def section_of(  # noqa: PLR0913 - all that a load leaves
    *,
    offer: Offer,
    outcome: Outcome,
    joined: Joined,
    api: Spread,
    receipt: Spread,
    heard: Heard,
    ended: Mapping[str, Any],
    pace: Pace,
) -> dict[str, Any]:
    """Return the section; latencies are milliseconds of real time."""
    shape = msgspec.to_builtins(offer.shape)
    if "times_us" in shape:
        shape["times_us"] = len(shape["times_us"])
    latency: dict[str, Any] = {
        name: _latency(each) for name, each in sorted(outcome.latency.items())
    }
    latency |= {"api": in_ms(api), "receipt": in_ms(receipt), "callback": in_ms(heard.callback)}
    return {
        "against": outcome.against,
        "seed": outcome.seed,
        "shape": shape,
        "ended": outcome.ended,
        "counts": _counts(outcome.load),
        "warm_up": {
            **_counts(outcome.warm),
            "accepted": sum(pair.warm for pair in joined.pairs),
        },
        "in_flight": outcome.in_flight,
        "codes": outcome.codes,
        "latency_ms": latency,
        "seconds": [_second(msgspec.to_builtins(each)) for each in outcome.seconds],
        "generator": {
            "expected": outcome.expected,
            "reported": outcome.reported,
            "lost": list(outcome.lost),
            "workers": [_worker(each, pace) for each in outcome.workers],
        },
        "simulator": _simulator(ended, pace),
        "books": {
            "rows": joined.rows,
            "started": joined.started,
            "counts": dict(sorted((k, n) for k, n in joined.counts.items() if n)),
            "odd": [
                {**each._asdict(), "to": shortened(each.to)} for each in joined.odd[:ODD_SHOWN]
            ],
        },
        "callbacks": {
            "attempts": heard.tries,
            "answered": heard.answered,
            "unanswered_at_the_end": ended["unanswered"],
        },
        "versions": {
            "todoku": __version__,
            "locust": _version("locust"),
            "python": platform.python_version(),
        },
    }


def _simulator(ended: Mapping[str, Any], pace: Pace) -> dict[str, Any]:
    return {
        "busiest": round(busiest([Sample(*each) for each in ended["samples"]]), 4),
        "at_most": BUSY_MAX,
        "window_s": WINDOW_NS / 1e9,
        "lag_s": round(ended["lag_s"], 6),
        "clock_rate": pace.rate,
    }


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        "scheduled": counts.scheduled,
        "started": counts.started,
        "late": counts.late,
        "dropped": counts.dropped,
        "failed": counts.failed,
        "results": counts.results,
    }


def _latency(found: Latency) -> dict[str, int | float]:
    fields = ("mean", "p50", "p90", "p99", "p999", "max")
    shown = {name: round(getattr(found, f"{name}_us") / _MS, 3) for name in fields}
    return {"count": found.count, **shown}


def _second(found: dict[str, Any]) -> dict[str, Any]:
    p50, p99 = found.pop("p50_us"), found.pop("p99_us")
    return {**found, "p50_ms": p50 / _MS, "p99_ms": p99 / _MS}


def _worker(found: Worker, pace: Pace) -> dict[str, Any]:
    clock = found.clock
    return {
        "worker": found.worker,
        "name": found.name,
        "lost": found.lost,
        "started": found.load.started,
        "cpu_max": round(max((each.cpu for each in found.health), default=0.0), 3),
        "lag_ms_max": max((each.lag_us for each in found.health), default=0) / _MS,
        "clock_ahead_ms": None if clock is None else round(-offset_us(clock, pace) / _MS, 3),
        "clock_uncertainty_ms": None if clock is None else clock.uncertainty_us / _MS,
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
