"""One step of a search over callbacks, read from the report that its storm left.

The one rule: a storm has no generator of its own; the simulator calls, and the system answers. So
what the simulator could not send because the system held every call that may be under way is the
system's failure, as long as the simulator had time left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.load.bottleneck import Signs, overwhelmed
from simulator.load.finder import Step

if TYPE_CHECKING:
    from collections.abc import Mapping

_OVERWHELMED = "it held every call that may be under way, and could not keep up"


def storm_step(
    load: Mapping[str, Any], rate: float, *, met: bool | None, why: str, seconds: float
) -> tuple[Step, Signs]:
    """Return a step, and what it showed besides.

    Args:
        load: the report's section of a load against callbacks.
        rate: callbacks a second that were due.
        met, why: the load's verdict.
        seconds: how long it took, all in all.
    """
    signs = _signs(load)
    if met is None and load["counts"]["dropped"] and overwhelmed(signs):
        met, why = False, _OVERWHELMED
    lasted_s = max(1.0, load["counts"]["scheduled"] / rate)
    whole, ack = load["latency_ms"]["whole"], load["latency_ms"]["ack"]
    known = whole["count"] + whole["open"] > 0
    step = Step(
        rate=rate,
        met=met,
        why=why,
        achieved=_achieved(load, lasted_s),
        p50_ms=_quantile(whole, "p50") if known else None,
        p99_ms=_quantile(whole, "p99") if known else None,
        concurrency=ack["count"] / lasted_s * ack["mean"] / 1_000 if ack["count"] else None,
        seconds=seconds,
    )
    return step, signs


def _signs(load: Mapping[str, Any]) -> Signs:
    taken = load["callbacks"]
    tried = max(1, sum(taken["attempts_by_result"].values()))
    return Signs(
        against="callbacks",
        simulator=load["simulator"]["busiest"],
        broken=1 - taken["attempts_by_result"].get("2xx", 0) / tried,
        places=taken["under_way_max"] / max(1, taken["under_way_limit"]),
    )


def _achieved(load: Mapping[str, Any], lasted_s: float) -> float:
    """Return how many attempts were acknowledged in a second while they were due.

    The last second is left out where there are others: the storm may have ended within it.
    """
    whole = max(1, round(lasted_s) - 1)
    rows = [row for row in load["callbacks"]["seconds"] if row["at_s"] < whole]
    return sum(int(row["acknowledged"]) for row in rows) / whole


def _quantile(found: Mapping[str, Any], name: str) -> float | None:
    """Return a quantile, or the least that it can be where it is not known."""
    value = found["at_least"].get(name) if found[name] is None else found[name]
    return None if value is None else float(value)
