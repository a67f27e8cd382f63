"""What must hold between the fields of an expectation, and with the rest of the scenario.

The one rule: as in `scenario_checks.py`, the file's text is read, and what has another shape than
expected is passed over, since the models report that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from simulator.core.metric import COUNT, FILTERS, METRIC, MONEY, MS, PER_S, UNITS, is_part
from simulator.errors import KeyPath, did_you_mean, shown
from simulator.quantities import duration_us
from simulator.scenario_expect import LIMITS, Measure, limit, measure, unit_of

if TYPE_CHECKING:
    from simulator.strict_yaml import Node

Found: TypeAlias = Iterator[tuple[KeyPath, str]]


def expect_checks(items: list[dict[str, Node]], around: Around) -> Found:
    """Yield what is wrong between the fields of expectations, and with the rest of the file."""
    for index, item in enumerate(items):
        here: KeyPath = ("expect", index)
        limits = [key for key in LIMITS if key in item]
        if len(limits) != 1:
            seen = " and ".join(limits) or "none"
            yield here, f"needs exactly one of {', '.join(LIMITS)}; seen {seen}"
        try:
            found = measure(item.get("that"))
        except ValueError:
            continue
        currencies = _currencies(item.get("of"), around)
        for key in limits:
            yield from _limit(item[key], (*here, key), found, currencies)
        if len(currencies) > 1 and MONEY in {METRIC[name].unit for name in found.names}:
            billed = " and ".join(sorted(currencies))
            yield (*here, "that"), f"accounts bill in {billed}: add `of: {{account: ...}}`"
        yield from _blind(found, (*here, "that"), around)
        yield from _measured(found, (*here, "that"), around)
        yield from _of(item.get("of"), (*here, "of"), found, around)
        if "confidence" in item and not (found.over and is_part(found.metric, found.over)):
            said = f"{found.words} is no share of messages that are counted among others"
            yield (*here, "confidence"), f"{said}, as delivered / accepted is"
        yield from _abort(item, here, found, around)


@dataclass(frozen=True, slots=True)
class Around:
    """What the rest of the file says that an expectation depends on; None: it cannot be read."""

    blind: bool  # the system makes no claims
    policy: bool  # the traffic is checked, so that there are findings all the same
    currencies: Mapping[str, str]  # of each account
    segments: tuple[str, ...]
    until_us: int | None
    load: bool = False  # it is a load test


def _currencies(of: Node | None, around: Around) -> set[str]:
    """Return what the accounts that are counted are billed in, as far as that can be read."""
    named = of.get("account") if isinstance(of, dict) else None
    names = [named] if isinstance(named, str) else named
    billed = around.currencies
    chosen = [n for n in names if isinstance(n, str)] if isinstance(names, list) else [*billed]
    return {billed[name] for name in chosen if billed.get(name)}


def _blind(found: Measure, here: KeyPath, around: Around) -> Found:
    unclaimed = [name for name in found.names if METRIC[name].claimed]
    if around.policy or around.load:
        unclaimed = [name for name in unclaimed if name != "findings"]
    if around.blind and unclaimed:
        yield here, f"{min(unclaimed)} needs claims: add `sut.claims`, such as GET /claims"


def _measured(found: Measure, here: KeyPath, around: Around) -> Found:
    needs = [name for name in found.names if METRIC[name].load]
    if needs and not around.load:
        yield here, f"{needs[0]} is measured under a load only: add `load:`, and use `todoku load`"


def _of(written: Node | None, here: KeyPath, found: Measure, around: Around) -> Found:
    if not isinstance(written, dict):
        return
    known = {"account": tuple(around.currencies), "segment": around.segments}
    for key in FILTERS:
        if key not in written:
            continue
        deaf = [name for name in found.names if key not in METRIC[name].filters]
        if deaf:
            yield (*here, key), f"{deaf[0]} is not counted by {key}: leave it out"
        names = written[key] if isinstance(written[key], list) else [written[key]]
        for name in names:
            if key in known and isinstance(name, str) and name not in known[key]:
                said = f"no {key} is called {shown(name)}; {did_you_mean(name, known[key])}"
                yield (*here, key), said


def _abort(item: dict[str, Node], here: KeyPath, found: Measure, around: Around) -> Found:
    if "abort_after" not in item:
        return
    where = (*here, "abort_after")
    late = [name for name in found.names if METRIC[name].late]
    if late:
        yield where, f"{late[0]} is known only when the run is over: leave abort_after out"
    if item.get("level") == "warn":
        yield where, "a warning stops nothing: leave abort_after out, or level: warn"
    try:
        after_us = duration_us(item["abort_after"])
    except ValueError:
        return
    if around.until_us is not None and after_us >= around.until_us:
        yield where, "is not before the end of the run (time.until): make it shorter"


def _limit(written: Node, here: KeyPath, found: Measure, currencies: set[str]) -> Found:
    bounds = written if isinstance(written, list) else [written]
    percent = next((b for b in bounds if isinstance(b, str) and b.endswith("%")), None)
    if percent is not None and not found.over:
        yield here, f"{percent} of what? Write `that: one / another`, or a plain number"
    try:
        values = [limit(bound) for bound in bounds]
    except ValueError:
        return
    for unit in (unit_of(bound) for bound in bounds):
        if unit and not _fits(unit, found):
            yield here, f"{found.words} is not counted in {unit}: {_RIGHT[found.unit]}"
            break
        if unit and found.unit == MONEY and currencies and unit not in currencies:
            yield here, f"is in {unit}, but the bill is in {' and '.join(sorted(currencies))}"
            break
    shared = found.over and is_part(found.metric, found.over) and not any(map(unit_of, bounds))
    if shared and values[0] > 1:
        always = "at_most" in here
        said = f"every one of {found.metric} is one of {found.over}, so that no share is over 100%"
        yield here, f"{'always' if always else 'never'} holds: {said}; seen {bounds[0]}"
    if values != sorted(values):
        yield here, f"the lower bound comes first; seen {bounds[0]} before {bounds[-1]}"


def _fits(unit: str, found: Measure) -> bool:
    return found.unit == (unit if unit in _RIGHT else MONEY)


_RIGHT = {
    COUNT: "write a plain number, or one with 件",
    UNITS: "write a plain number, or one with 通",
    MONEY: "write a plain number, or one with the currency, such as 8000 JPY",
    MS: "write milliseconds: a plain number, or one with ms",
    PER_S: "write a number a second, such as 200/s",
    "": "write a plain number or a percentage",
}
