"""One step of a search, read from what its `todoku load` left: its report, outcome and offer.

The one rule: whether a step is met is the load's own verdict, with one exception. Where arrivals
were late or dropped because the target held every place in flight while generator and simulator
had time left, the load proves nothing about its latencies, and yet all about the rate: it failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.core.message import CONTENDED
from simulator.errors import ExitCode, ProvesNothing, TodokuError
from simulator.load import offer as offers
from simulator.load import outcome as outcomes
from simulator.load.bottleneck import Signs, overwhelmed
from simulator.load.finder import Step
from simulator.run.capacity_storm import storm_step

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from simulator.load.outcome import Outcome

_OVERWHELMED = "it held every place in flight, and could not keep up"


class Measured(msgspec.Struct, frozen=True):
    """A step, what it showed besides, and the folder it left."""

    step: Step
    signs: Signs
    folder: str


def measured(folder: Path, rate: float, code: ExitCode, words: str, seconds: float) -> Measured:
    """Return what a load at one rate has measured.

    Args:
        folder: of its `todoku load`.
        rate: offered, arrivals a second.
        code, words: its verdict.
        seconds: how long it took, all in all.
    """
    met = {ExitCode.OK: True, ExitCode.FAILED: False}.get(code)
    why = "" if met else words.partition(": ")[2] or words
    load = _report(folder).get("load") or {}
    if load.get("against") == "callbacks":
        step, signs = storm_step(load, rate, met=met, why=why, seconds=seconds)
        return Measured(step, signs, folder.name)
    try:
        outcome = outcomes.read(folder / "outcome.json")
        offer = offers.read(folder / "offer.json")
    except (ProvesNothing, TodokuError):
        return Measured(Step(rate=rate, met=None, why=why, seconds=seconds), Signs(), folder.name)
    signs = _signs(outcome, offer.in_flight * offer.workers, _report(folder))
    if met is None and outcome.ended == "finished" and overwhelmed(signs):
        met, why = False, _OVERWHELMED
    step = Step(
        rate=rate,
        met=met,
        why=why,
        achieved=_achieved(outcome, rate),
        p50_ms=_ms(outcome, "p50_us"),
        p99_ms=_ms(outcome, "p99_us"),
        concurrency=_concurrency(outcome, rate),
        seconds=seconds,
    )
    return Measured(step, signs, folder.name)


def _signs(outcome: Outcome, places: int, report: dict[str, Any]) -> Signs:
    results, finished = outcome.load.results, max(1, outcome.load.finished)
    broken = (outcomes.BROKEN, outcomes.REFUSED, outcomes.TIMEOUT, outcomes.OTHER)
    cpu = [_mean(each.cpu for each in w.health if each.second >= 0) for w in outcome.workers]
    refused: dict[str, int] = report.get("truth", {}).get("refused", {})
    for_limits = sum(n for who, n in refused.items() if who.rpartition(": ")[2] in _LIMITS)
    in_flight = max((second.in_flight for second in outcome.seconds), default=0)
    return Signs(
        against=outcome.against,
        generator=max((share for share in cpu if share is not None), default=None),
        simulator=report.get("load", {}).get("simulator", {}).get("busiest"),
        throttled=results.get(outcomes.THROTTLED, 0) / finished,
        broken=sum(results.get(name, 0) for name in broken) / finished,
        limited=min(1.0, for_limits / finished),
        places=in_flight / places,
    )


_LIMITS = frozenset(reason.value for reason in CONTENDED)


def _achieved(outcome: Outcome, rate: float) -> float:
    """Return how much was finished without a failure in a second while it was offered.

    The last second is left out where there are others: the load may have ended within it.
    """
    lasted = max(1, round(outcome.load.scheduled / rate))
    whole = max(1, lasted - 1)
    during = [each for each in outcome.seconds if 0 <= each.second < whole]
    return sum(each.finished - each.failed for each in during) / whole


def _concurrency(outcome: Outcome, rate: float) -> float | None:
    """Return how many requests were under way on average, refused ones too (Little's law)."""
    service = outcome.latency.get(outcomes.SERVICE)
    if service is None or not service.count:
        return None
    lasted_s = max(1.0, outcome.load.scheduled / rate)
    return service.count / lasted_s * service.mean_us / 1e6


def _ms(outcome: Outcome, name: str) -> float | None:
    api = outcome.latency.get(outcomes.API)
    return getattr(api, name) / 1000 if api is not None and api.count else None


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


def _report(folder: Path) -> dict[str, Any]:
    try:
        found = msgspec.json.decode((folder / "report.json").read_bytes())
    except (OSError, msgspec.MsgspecError):
        return {}
    return found if isinstance(found, dict) else {}
