"""What `todoku explain` says of rules: each in one line, and which of two goes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.quantities import US_PER_S
from simulator.run.expanded import duration, instant, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.rules import During, RuleBody, WhenBody
    from simulator.scenario import Scenario
    from simulator.verdicts import Then

_EDGE = ("api", "reply")


def rules_asked(scenario: Scenario) -> Iterator[dict[str, str]]:
    """Yield every rule: its name, its seam, what it does, and to whom."""
    for body in scenario.rules:
        what = " and ".join(map(_verdict, body.then))
        whom = "; ".join(_conditions(body))
        yield {"rule": body.name, "seam": body.seam, "what": what, "whom": whom}


def rules_precedence(scenario: Scenario) -> Iterator[str]:
    """Yield which rule goes first where two fit."""
    for seam in dict.fromkeys(body.seam for body in scenario.rules):
        names = [body.name for body in scenario.rules if body.seam == seam]
        if len(names) > 1:
            order = ", ".join(names)
            yield f"rules at seam {seam}: the first that fires wins, in this order: {order}"


def rules_cannot(scenario: Scenario) -> Iterator[str]:
    """Yield which rules keep the run from being repeated."""
    for body in scenario.rules:
        if body.seam in _EDGE and (body.at_most or body.when.nth):
            yield f"the same again for sure: rule {body.name} counts arrivals"


def _verdict(then: Then) -> str:  # noqa: PLR0911 - one for each kind
    if then.delay is not None:
        low, high = duration(then.delay.low_us), duration(then.delay.high_us)
        return f"delay {low}" if low == high else f"delay {low} to {high}"
    if then.reject is not None:
        again = then.reject.retry_after_us
        later = "" if again is None else f", again after {-(-again // US_PER_S)} s"
        return f"reject with {then.reject.status}{later}"
    if then.duplicate is not None:
        return f"{then.duplicate.copies} more after {duration(then.duplicate.after_us)} each"
    if then.reorder is not None:
        return f"let others overtake it, within {duration(then.reorder.within_us)}"
    if then.hold is not None:
        rate = then.hold.release_milli / 1_000
        return f"hold, then {f'{rate:g} a second' if rate else 'all at once'}"
    if then.corrupt is not None:
        return f"forge two with a {then.corrupt.replace('_', ' ')}"
    return then.kind.value


def _conditions(body: RuleBody) -> Iterator[str]:
    yield f"{percent(body.chance)} of {_what(body)}"
    yield from _when(body.when)
    if body.during is not None:
        yield _window(body.during)
    if body.at_most is not None:
        yield f"at most {body.at_most} times"


def _what(body: RuleBody) -> str:
    if body.seam in _EDGE:
        return {"any": "requests"}.get(body.when.request, f"{body.when.request} requests")
    return f"{body.seam}s"


def _when(when: WhenBody) -> Iterator[str]:
    states = tuple(state.name.lower() for state in when.state)
    for name, values in (
        *(("account", when.account), ("dialect", when.dialect), ("to", when.to)),
        *(("carrier", when.carrier), ("segment", when.segment), ("state", states)),
    ):
        if values:
            yield f"{name} {' or '.join(values)}"
    if when.endpoint:
        yield when.endpoint
    if when.nth is not None:
        yield f"number {when.nth.first} to {when.nth.last}"


def _window(during: During) -> str:
    def at(moment: int) -> str:
        return instant(moment) if moment >= 0 else duration(-1 - moment)

    if during.lasts_us is not None:
        return f"from {at(during.start)} for {duration(during.lasts_us)}"
    return f"from {at(during.start)}" + (
        "" if during.until is None else f" until {at(during.until)}"
    )
