"""What policy is judged on: touches of people, in order, and what the system had been told of them.

The one rule: `nth` is the place in the run's log. It alone says what came before what; instants say
how far apart. A channel that does not exist yet (mail, call) is a touch like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from simulator.core.message import CONTENDED, Reason, State
from simulator.core.number import Number, NumberKind, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from simulator.verify.claims import Claims

THROTTLED = frozenset(reason.value for reason in CONTENDED | {Reason.THROTTLED})


class Channel(Enum):
    """How a person is reached; the value is the word of a scenario."""

    SMS = "sms"
    MAIL = "mail"
    CALL = "call"


CHANNELS = frozenset({Channel.SMS})  # that a run of today has


class Touch(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One attempt of the system to reach a person, accepted or refused.

    Attributes:
        nth: its place in the run's log.
        at_us: its instant, virtual; of a scheduled message, when it was released.
        asked_us: when it was asked for, virtual; -1: at that same instant.
        to: E.164, or an address of mail.
        sender: as given; of a call, the calling number.
        text: None: not known.
        own_id: the client's reference, or the number of the message.
        refused: why it reached nobody: a `Reason`'s value, "canceled", "scheduled" (not released in
            this run); empty: it was accepted.
        answered: of a call, whether somebody answered.
        wall_us: when it arrived by a real clock, from any beginning; -1: not known.
    """

    nth: int
    at_us: int
    to: str
    channel: Channel = Channel.SMS
    account: str = ""
    sender: str = ""
    text: str | None = None
    own_id: str = ""
    refused: str = ""
    answered: bool = False
    wall_us: int = -1
    asked_us: int = -1


class News(Enum):
    """What a system can come to know of a person."""

    OPTED_OUT = "opted out"
    OPTED_IN = "opted in"
    GONE = "number not in use"
    ANSWERED = "answered"


class Notice(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """From here on the system knows it, or could: it was told, or the person did it."""

    nth: int
    at_us: int
    person: str
    news: News


class Person(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is on record about one recipient.

    Attributes:
        consent: whether the person has agreed to be contacted.
        business: a business, which some rules give longer.
        band: the hours that the person has chosen, minutes of the day from and until.
    """

    consent: bool = True
    business: bool = False
    band: tuple[int, int] | None = None


class Forged(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A callback that was sent with a wrong or stale signature, and what it said.

    Attributes:
        said: the state in it; `told`: what the system had rightly been told by then, or later.
    """

    at_us: int
    to: str
    own_id: str
    provider_id: str
    said: State
    told: State


@dataclass(frozen=True, slots=True)
class Traffic:
    """All that policy is judged on.

    Attributes:
        touches, notices: in the order of the log.
        people: the scenario's, by number.
        channels: those that exist in this run.
        by_wall: short waits are judged by the real clock, since the system has no other.
        two_way: replies can come back to the system.
        forged: None: no rule of this run sends such callbacks.
    """

    touches: Sequence[Touch]
    notices: Sequence[Notice] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    channels: frozenset[Channel] = CHANNELS
    by_wall: bool = False
    two_way: bool = True
    forged: Sequence[Forged] = ()
    claims: Claims | None = None

    def of(self, channel: str) -> list[Touch]:
        """Return the accepted touches of a channel, or of "any"."""
        accepted = (t for t in self.touches if not t.refused)
        return [t for t in accepted if channel in ("any", t.channel.value)]

    def business(self, number: str) -> bool:
        """Tell whether a recipient is on record as a business."""
        person = self.people.get(number)
        return person is not None and person.business


def by_person(touches: Iterable[Touch]) -> dict[str, list[Touch]]:
    """Return each person's touches, in order."""
    found: dict[str, list[Touch]] = {}
    for touch in touches:
        found.setdefault(touch.to, []).append(touch)
    return found


def in_order(traffic: Traffic, *news: News) -> Iterator[Touch | Notice]:
    """Yield all touches, and the notices of these kinds, as they followed each other."""
    items: list[Touch | Notice] = [*traffic.touches]
    items += [notice for notice in traffic.notices if notice.news in news]
    yield from sorted(items, key=lambda item: item.nth)


def country_of(to: str) -> str:
    """Return the country of a number, "ZZ" if it is not known."""
    found = parse(to)
    return found.country if isinstance(found, Number) else "ZZ"


def kind_of(to: str) -> NumberKind:
    """Return what a number's plan says it is."""
    found = parse(to)
    return found.kind if isinstance(found, Number) else NumberKind.UNKNOWN


class Breach(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One touch, or its want, against a rule; `words` hold no number and no text of a person."""

    at_us: int
    to: str
    words: str
    own_id: str = ""
    channel: Channel = Channel.SMS


def breach(touch: Touch, words: str) -> Breach:
    """Make the breach of a touch."""
    return Breach(
        at_us=touch.at_us, to=touch.to, words=words, own_id=touch.own_id, channel=touch.channel
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found.

    Attributes:
        occasions: how often the rule could have been broken.
        without: why there was no occasion, in words.
        unjudged: how many touches it could not judge, by the reason.
    """

    breaches: list[Breach]
    occasions: int
    without: str
    unjudged: Mapping[str, int] = field(default_factory=dict)


def lasting(us: int) -> str:
    """Write a span in the largest unit that fits: "7 d", "1.5 h", "0.25 s"."""
    for unit, size in (("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000)):
        if us >= size:
            return f"{us / size:.6g} {unit}"
    return f"{us / 1_000_000:.6g} s"
