"""Faults as values: where a rule may act, what it does there, and when.

    API       a request, before it is carried out
    REPLY     the answer to a request that was carried out
    RECEIPT   between fate and known: the carrier's receipt on its way to the provider
    CALLBACK  between known and told: the provider's call on its way to the customer

The one rule: the first rule that does not pass wins, and each firing is a fact. Whether one fires
is a draw from the fate key of the message and the rule's name, so neither order nor concurrency nor
clock can change whom it hits. The exceptions are `nth` and `at_most` on API and REPLY, which count
arrivals: contended, and labelled so.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from simulator.core.message import FINAL, State
from simulator.core.trouble import Forgery

if TYPE_CHECKING:
    from collections.abc import Mapping

ALWAYS = 1.0


class Seam(Enum):
    """A place where a rule may act."""

    API = "api"
    REPLY = "reply"
    CARRIER = "carrier"
    HANDSET = "handset"
    RECEIPT = "receipt"
    CALLBACK = "callback"
    SMPP = "smpp"


class Kind(Enum):
    """What a verdict is called; `IN_USE` says where which of them does something."""

    PASS = "pass"  # noqa: S105 - a verdict
    DELAY = "delay"
    REJECT = "reject"
    LOSE = "lose"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    HANG = "hang"
    DISCONNECT = "disconnect"
    CORRUPT = "corrupt"
    HOLD = "hold"


_LATE_OR_NEVER = (Kind.DELAY, Kind.DUPLICATE, Kind.REORDER, Kind.LOSE)
IN_USE: Mapping[Seam, tuple[Kind, ...]] = {
    Seam.API: (Kind.REJECT,),
    Seam.REPLY: (Kind.LOSE,),
    Seam.CARRIER: (),
    Seam.HANDSET: (),
    Seam.RECEIPT: (*_LATE_OR_NEVER, Kind.HOLD),
    Seam.CALLBACK: (*_LATE_OR_NEVER, Kind.CORRUPT, Kind.HOLD),
    Seam.SMPP: (),
}
AT_THE_EDGE = frozenset({Seam.API, Seam.REPLY})
ALONE = frozenset({Kind.REJECT, Kind.LOSE, Kind.HOLD})
STEPS = frozenset(
    {State.ACCEPTED, State.QUEUED, State.SENDING, State.SENT}
)  # callbacks that others follow


class Delay(msgspec.Struct, frozen=True, gc=False, tag="delay"):
    """It comes later, by a drawn time from `low_us` to `high_us`."""

    low_us: int
    high_us: int


class Reject(msgspec.Struct, frozen=True, gc=False, tag="reject"):
    """The request is refused in the provider's own error form; nothing was done.

    Attributes:
        status: HTTP status, 429 or 5xx.
        retry_after_s: of the Retry-After header; -1: none.
    """

    status: int
    retry_after_s: int = -1


class Lose(msgspec.Struct, frozen=True, gc=False, tag="lose"):
    """It never comes. Of a reply: the connection is closed without one."""


class Duplicate(msgspec.Struct, frozen=True, gc=False, tag="duplicate"):
    """It comes `copies` more times, each `after_us` after the one before."""

    copies: int
    after_us: int


class Reorder(msgspec.Struct, frozen=True, gc=False, tag="reorder"):
    """What comes later overtakes it.

    A receipt waits for a drawn part of `within_us`, so that those of other messages overtake it; a
    callback waits for the next one about its message, for `within_us` at most.
    """

    within_us: int


class Corrupt(msgspec.Struct, frozen=True, gc=False, tag="corrupt"):
    """Two forged calls come, one before the genuine one and one after it; both lie about the end.

    Whoever trusts them is wrong, whether the first or the last call counts for him.
    """

    forgery: Forgery


class Hold(msgspec.Struct, frozen=True, gc=False, tag="hold"):
    """It waits for the end of the rule's window, and the backlog comes in the order of waiting.

    Without such an end it waits until it is released, or the rule is taken away.

    Attributes:
        release_milli: how many come in a thousand seconds from then on; 0: all at once.
    """

    release_milli: int = 0


Verdict = Delay | Reject | Lose | Duplicate | Reorder | Corrupt | Hold

KINDS: Mapping[type[Verdict], Kind] = {
    Delay: Kind.DELAY,
    Reject: Kind.REJECT,
    Lose: Kind.LOSE,
    Duplicate: Kind.DUPLICATE,
    Reorder: Kind.REORDER,
    Corrupt: Kind.CORRUPT,
    Hold: Kind.HOLD,
}


class Asks(Enum):
    """What a request asks for."""

    SEND = "send"
    READ = "read"
    CHANGE = "change"
    ANY = "any"  # and whatever cannot be read


class When(msgspec.Struct, frozen=True, gc=False):
    """What a rule looks for; what is empty is not looked at.

    Attributes:
        accounts, dialects: whose traffic.
        requests: what is asked for; endpoint: a route, such as "POST /p5/api/mt.json".
        to: recipients, E.164; carriers, segments: of the recipient.
        states: that a receipt or a callback tells.
        nth_from, nth_to: which of the requests that fit so far, from 1, both ends included; 0: any.
    """

    accounts: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    requests: Asks = Asks.SEND
    endpoint: str = ""
    to: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    nth_from: int = 0
    nth_to: int = 0


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A fault: where, for whom, what, how often, and when.

    Attributes:
        then: one verdict, or several that go together.
        chance: that it fires for what fits, 0 to 1.
        from_us, until_us: the instants between which it may fire, the second excluded; 0: open.
        at_most: how often it fires; -1: any number.
    """

    name: str
    seam: Seam
    then: tuple[Verdict, ...]
    when: When = When()
    chance: float = ALWAYS
    from_us: int = 0
    until_us: int = 0
    at_most: int = -1

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What its verdicts are called."""
        return tuple(KINDS[type(verdict)] for verdict in self.then)

    @property
    def counts_arrivals(self) -> bool:
        """Whether who came first decides whom it hits."""
        return self.seam in AT_THE_EDGE and (self.at_most >= 0 or self.when.nth_from > 0)


class Subject(NamedTuple):
    """What a rule is held against; what does not apply is empty."""

    account: str
    dialect: str = ""
    to: str = ""
    carrier: str = ""
    segment: str = ""
    state: State = State.NONE
    asks: Asks = Asks.ANY
    endpoint: str = ""


def fits(when: When, subject: Subject) -> bool:
    """Tell whether a rule looks for this."""
    return (
        (not when.accounts or subject.account in when.accounts)
        and (not when.dialects or subject.dialect in when.dialects)
        and (not when.to or subject.to in when.to)
        and (not when.carriers or subject.carrier in when.carriers)
        and (not when.segments or subject.segment in when.segments)
        and (not when.states or subject.state in when.states)
        and (not when.endpoint or subject.endpoint == when.endpoint)
    )


def asked_for(when: When, subject: Subject) -> bool:
    """Tell whether a rule at the edge looks for this kind of request."""
    return when.requests is Asks.ANY or when.requests is subject.asks


def objection(rule: Rule) -> str | None:
    """Say what is wrong with a rule as a whole, or None."""
    seam, kinds = rule.seam, rule.kinds
    for kind in kinds:
        if wrong := not_in_use(seam, kind):
            return wrong
        if kinds.count(kind) > 1:
            return f"{kind.value} is written twice"
        if kind is Kind.CORRUPT and Kind.REORDER in kinds and seam is Seam.CALLBACK:
            return "corrupt is about ends and reorder about steps on the way: write two rules"
        if kind in ALONE and len(kinds) > 1:
            return f"{kind.value} goes with nothing else; seen {' and '.join(_names(kinds))}"
    return _misplaced(rule.when, seam) or _wrong_states(rule)


def not_in_use(seam: Seam, kind: Kind) -> str | None:
    """Say that a verdict does nothing at a seam, and which do; None: it is in use."""
    used = IN_USE[seam]
    if kind in used:
        return None
    if kind is Kind.PASS:
        return "a rule that passes does nothing; remove it"
    if not used:
        return f"no rule acts at seam {seam.value} yet; seams in use: {', '.join(_seams())}"
    there = ", ".join(_names(used))
    return f"{kind.value} is not in use at seam {seam.value} yet; in use there: {there}"


def _names(kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    return tuple(kind.value for kind in kinds)


def _seams() -> tuple[str, ...]:
    return tuple(seam.value for seam, kinds in IN_USE.items() if kinds)


def _misplaced(when: When, seam: Seam) -> str | None:
    """Say which condition does not belong to this seam."""
    edge = {"nth": when.nth_from, "endpoint": when.endpoint, "request": when.requests != Asks.SEND}
    later = {"carrier": when.carriers, "segment": when.segments, "state": when.states}
    wrong, places = (later, "receipt and callback") if seam in AT_THE_EDGE else (edge, "api, reply")
    found = next((name for name, given in wrong.items() if given), None)
    return None if found is None else f"when.{found} belongs to seams {places}, not {seam.value}"


def _wrong_states(rule: Rule) -> str | None:
    """Say which state a verdict cannot be about: lies are about ends, only steps are overtaken."""
    if rule.seam is not Seam.CALLBACK:
        receipts = (State.DELIVERED, State.UNDELIVERED, State.EXPIRED)
        strange = [s for s in rule.when.states if s not in receipts]
        return f"no receipt says {strange[0].name.lower()}" if strange else None
    for state in rule.when.states:
        if Kind.CORRUPT in rule.kinds and state not in FINAL:
            return f"corrupt lies about an end, and {state.name.lower()} is none"
        if Kind.REORDER in rule.kinds and state not in STEPS:
            return f"reorder at seam callback: nothing comes after {state.name.lower()}"
    return None
