"""Rules as people write them, in a scenario and on the control port: where, for whom, what, when.

    - name: busy-hour
      seam: api
      when: {request: send}
      then: {reject: {status: 429, retry_after: 30s}}
      chance: 20%
      during: {from: 1h, for: 30m}
      at_most: 50

The one rule: a verdict that does nothing at its seam is refused by name, never passed over; a test
holds `docs/faults.md` against `faults.IN_USE`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from simulator import quantities as q
from simulator.accounts import Name, Section, Text
from simulator.core import faults, number
from simulator.core.carrier import CARRIERS
from simulator.core.faults import Asks, Kind, Rule, Seam, When
from simulator.core.message import FINAL, State
from simulator.errors import did_you_mean, shown
from simulator.scenario_checks import COUNTRY_PRESET, START, UNTIL, Dialect
from simulator.verdicts import ENDPOINTS, InShort, OneOrList, Then, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.errors import KeyPath
    from simulator.strict_yaml import Node

RULES_MAX = 100
CONDITIONS_MAX = 1_000
SIGNERS = ("native", "twilio")  # the dialects whose callbacks are signed
STATES = sorted(state.name.lower() for state in (FINAL | faults.STEPS | {State.RECEIVED}))
CARRIER_NAMES = sorted(carrier.name for carrier in CARRIERS.values())
_LIKE_A_NUMBER = re.compile(r"[0-9]{7}")


def _name(value: object) -> object:
    if isinstance(value, str) and _LIKE_A_NUMBER.search(value):
        raise ValueError(f"metrics show it, and {shown(value)} may be somebody's number: no digits")
    return value


def _state(value: object) -> State:
    return State[one_of(value, STATES).upper()]


def _recipient(value: object) -> str:
    found = number.parse(str(value))
    if isinstance(found, number.NumberFault):
        raise ValueError(found.message)  # noqa: TRY004 - a value of the right type
    return found.e164


def _instant(value: object) -> int:
    """Read an instant, or a duration, which stands below every instant that there is."""
    is_instant = isinstance(value, str) and "t" in value.lower()
    return q.instant_us(value) if is_instant else -1 - q.duration_us(value)


def _or_list(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "array", "items": schema}, schema]})


def _many(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


_MANY = BeforeValidator(_many)
_BOUND = Field(strict=False, max_length=CONDITIONS_MAX)
_MOMENT = {"anyOf": [{"pattern": q.INSTANT_PATTERN}, {"pattern": q.DURATION_PATTERN}]}

Texts = Annotated[tuple[Text, ...], _MANY, _BOUND, _or_list({"type": "string"})]
Recipient = Annotated[str, BeforeValidator(_recipient)]
Recipients = Annotated[tuple[Recipient, ...], _MANY, _BOUND, _or_list({"type": "string"})]
Dialects = Annotated[tuple[Dialect, ...], _MANY, _BOUND, _or_list({"enum": [*get_args(Dialect)]})]
Carrier = Annotated[str, BeforeValidator(lambda value: one_of(value, CARRIER_NAMES))]
Carriers = Annotated[tuple[Carrier, ...], _MANY, _BOUND, _or_list({"enum": CARRIER_NAMES})]
Known = Annotated[State, BeforeValidator(_state)]
States = Annotated[tuple[Known, ...], _MANY, _BOUND, _or_list({"enum": STATES})]
Moment = Annotated[int, BeforeValidator(_instant), WithJsonSchema({"type": "string", **_MOMENT})]


class Nth(Section):
    """Which of the requests that fit, from 1, both ends included."""

    first: q.PositiveCount = Field(alias="from")
    last: q.PositiveCount = Field(q.COUNT_MAX, alias="to")


class WhenBody(Section):
    """What a rule looks for; what is left out is not looked at."""

    account: Texts = ()
    dialect: Dialects = ()
    request: Literal["send", "read", "change", "any"] = "send"
    endpoint: str = Field("", max_length=200)
    to: Recipients = ()
    carrier: Carriers = ()
    segment: Texts = ()
    state: States = ()
    nth: Annotated[Nth, InShort("from", "to")] | None = None


class During(Section):
    """Between which instants; a duration counts from the start, or from now on the control port."""

    start: Moment = Field(-1, alias="from")
    until: Moment | None = None
    lasts_us: q.PositiveDuration | None = Field(None, alias="for")

    @model_validator(mode="after")
    def _one_end(self) -> During:
        if self.until is not None and self.lasts_us is not None:
            raise ValueError("until and for both say the end; keep one")
        if self.until is not None:
            (start, end) = self.window(0)
            if (self.start < 0) == (self.until < 0) and end <= start:
                raise ValueError("it ends before it begins")
        return self

    def window(self, base_us: int) -> tuple[int, int]:
        """Return first instant and end, microseconds since 1970; 0: open."""

        def at(moment: int) -> int:
            return moment if moment >= 0 else base_us - 1 - moment

        start_us = at(self.start)
        if self.lasts_us is not None:
            return start_us, start_us + self.lasts_us
        return start_us, 0 if self.until is None else at(self.until)


class RuleBody(Section):
    """A fault: where it acts, on what, what it does, how often."""

    name: Annotated[Name, BeforeValidator(_name)]
    seam: Literal["api", "reply", "carrier", "handset", "receipt", "callback", "smpp"]
    when: WhenBody = Field(default_factory=WhenBody)
    then: Annotated[
        tuple[Then, ...],
        Field(strict=False, min_length=1, max_length=len(Kind)),
        OneOrList(),
    ]
    chance: q.Ratio = 1.0
    during: During | None = None
    at_most: q.PositiveCount | None = None

    @model_validator(mode="after")
    def _sound(self) -> RuleBody:
        for then in self.then:
            if wrong := faults.not_in_use(Seam(self.seam), then.kind):
                raise ValueError(wrong)
        if wrong := faults.objection(self.rule(0)):
            raise ValueError(wrong)
        if (route := self.when.endpoint) and route not in ENDPOINTS:
            raise ValueError(f"no endpoint is {shown(route)}; {did_you_mean(route, ENDPOINTS)}")
        silent = [name for name in self.when.dialect if name not in SIGNERS]
        if silent and any(then.kind is Kind.CORRUPT for then in self.then):
            raise ValueError(f"{silent[0]} does not sign its callbacks: nothing to corrupt")
        return self

    def rule(self, base_us: int, account: Callable[[str], str] = str) -> Rule:
        """Return it as the gateway wants it.

        Args:
            base_us: what durations in `during` count from.
            account: turns the name of an account into its id.
        """
        when, nth = self.when, self.when.nth
        start_us, end_us = (0, 0) if self.during is None else self.during.window(base_us)
        corrupts = any(then.kind is Kind.CORRUPT for then in self.then)
        return Rule(
            self.name,
            Seam(self.seam),
            tuple(then.verdict() for then in self.then),
            When(
                accounts=tuple(account(name) for name in when.account),
                dialects=when.dialect or (SIGNERS if corrupts else ()),
                requests=Asks(when.request),
                endpoint=when.endpoint,
                to=when.to,
                carriers=when.carrier,
                segments=when.segment,
                states=when.state,
                nth_from=nth.first if nth else 0,
                nth_to=nth.last if nth else 0,
            ),
            self.chance,
            start_us,
            end_us,
            -1 if self.at_most is None else self.at_most,
        )


Rules = Annotated[tuple[RuleBody, ...], Field(strict=False, max_length=RULES_MAX)]


def rule_checks(tree: Node) -> Iterator[tuple[KeyPath, str]]:
    """Yield the path and the message of what is wrong between a scenario's rules and its accounts.

    Args:
        tree: the file, as `strict_yaml` read it; what has another shape is reported by the models.
    """
    rules, accounts = _mappings(tree, "rules"), _mappings(tree, "accounts")
    dialects = {str(account.get("name")): account.get("dialect") for account in accounts}
    names = [str(rule.get("name")) for rule in rules]
    for index, rule in enumerate(rules):
        here: KeyPath = ("rules", index)
        if names[index] in names[:index]:
            said = f"{shown(names[index])} is taken by number {names.index(names[index]) + 1}"
            yield (*here, "name"), f"{said}: choose another"
        when = rule.get("when")
        named = when.get("account") if isinstance(when, dict) else None
        asked = [name for name in _many(named) if isinstance(name, str)] if named else []
        for name in asked:
            if name not in dialects:
                said = f"no account is called {shown(name)}; {did_you_mean(name, dialects)}"
                yield (*here, "when", "account"), said
        yield from _segment(when, here, tree)
        spoken = ENDPOINTS.get(str(when.get("endpoint"))) if isinstance(when, dict) else None
        if spoken is not None and spoken not in dialects.values():
            said = f"is {spoken}'s, and no account here speaks {spoken}: nothing would ask for it"
            yield (*here, "when", "endpoint"), said
        yield from _never(rule, here, tree)
        signed = any(dialects.get(name) in SIGNERS for name in asked or dialects)
        if "corrupt" in str(rule.get("then")) and not signed:
            said = f"these accounts' callbacks are not signed; {' and '.join(SIGNERS)} sign theirs"
            yield (*here, "then"), f"nothing to corrupt: {said}"


def _segment(when: Node | None, here: KeyPath, tree: Node) -> Iterator[tuple[KeyPath, str]]:
    """A segment that nobody is of would make a rule that never fires."""
    people = tree.get("people") if isinstance(tree, dict) else None
    people = people if isinstance(people, dict) else {}
    listed = people.get("segments")
    known = [s.get("name") for s in listed if isinstance(s, dict)] if listed else _preset(people)
    wanted = when.get("segment") if isinstance(when, dict) else None
    for name in _many(wanted) if wanted else ():
        if isinstance(name, str) and known and name not in known:
            hint = did_you_mean(name, [str(each) for each in known])
            yield (*here, "when", "segment"), f"no segment is called {shown(name)}; {hint}"


def _never(rule: dict[str, Node], here: KeyPath, tree: Node) -> Iterator[tuple[KeyPath, str]]:
    """A window that is no part of the run would make a rule that never fires."""
    written = tree.get("time") if isinstance(tree, dict) else None
    time = written if isinstance(written, dict) else {}
    if rule.get("during") is None or (isinstance(tree, dict) and "load" in tree):
        return
    try:
        during = During.model_validate(rule["during"])
        lasts_us = q.duration_us(time.get("until", UNTIL))
        counted = during.start < 0 and (during.until is None or during.until < 0)
        begins_us = 0 if counted else q.instant_us(time.get("start", START))
    except ValueError:  # told by the models; or it begins now, whenever that is
        return
    first_us, end_us = during.window(begins_us)
    if first_us >= begins_us + lasts_us:
        said = f"begins when the run is over (time.until {time.get('until', UNTIL)})"
        yield (*here, "during"), f"{said}: the rule would never fire"
    elif 0 < end_us <= begins_us:
        yield (*here, "during"), "is over before the run begins: the rule would never fire"


def _preset(people: dict[str, Node]) -> list[Node]:
    """Return what everybody's segment is called where none are written; empty: not known."""
    country = people.get("country", "jp")
    found = people.get("preset", COUNTRY_PRESET.get(str(country)))
    return [found] if found else []


def _mappings(tree: Node, key: str) -> list[dict[str, Node]]:
    found = tree.get(key) if isinstance(tree, dict) else None
    items = found if isinstance(found, list) else []
    return [item if isinstance(item, dict) else {} for item in items[:RULES_MAX]]
