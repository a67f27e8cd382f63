"""One walk over a world's messages: the facts, and the counts that named rates are made of.

The one rule: each message is looked at once, in the order of keys, and nothing but columns is kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from xxhash import xxh3_64_intdigest

from simulator.core import events as ev
from simulator.core.cause import Cause
from simulator.core.chance import key_of
from simulator.core.consent import Wish
from simulator.core.ids import public_id
from simulator.core.message import FINAL, Origin, State
from simulator.core.tariff import bill
from simulator.core.text import has_link
from simulator.verify.facts import Fact, Facts
from simulator.verify.rates import WITHIN_US, Counts
from simulator.views.ledger import policy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.message import Message
    from simulator.engine.store import Shelf
    from simulator.engine.world import World
    from simulator.verify.told import Tellings

PREFIX = {"twilio": "SM", "native": "msg_"}
_ONE_FAILURE = frozenset({"zettai_reach"})  # statusId 3 says no more than "failed"
_UNREACHABLE = frozenset({Cause.REFUSED, Cause.ABSENT})


@dataclass(frozen=True, slots=True)
class Survey:
    """What one account's messages are.

    Attributes:
        facts: by key.
        truth: what happened; told: what the customer could know.
    """

    facts: Facts
    truth: Counts
    told: Counts


def survey(world: World, account: str) -> Survey:
    """Look at every message of an account once; one that is not there has none."""
    shelf = world.store.shelves.get(account)
    walk = _Walk(world, shelf)
    facts = Facts.of(walk.facts() if shelf else ())
    return Survey(facts, walk.truth.counts(), walk.told.counts())


def tellings_of(world: World, key: int) -> Tellings:
    """Return every state that the customer was told of a message, with its instant."""
    message = world.store.get(key)
    if message is None:
        return ()
    facts = world.inbox.timeline(message)
    return [(fact.at_us, fact.state) for fact in facts if isinstance(fact, ev.Told)]


@dataclass(slots=True)
class _Tally:
    """Counts of one level while the walk goes on."""

    reads: bool
    n: Counter[str] = field(default_factory=Counter)
    people: set[str] = field(default_factory=set)
    contacts: set[str] = field(default_factory=set)
    micros: int = 0

    def counts(self) -> Counts:
        n = self.n
        return Counts(
            accepted=n["accepted"],
            sent=n["sent"],
            delivered=n["delivered"],
            reachable=n["accepted"] - n["unreachable"],
            ended=n["ended"],
            people=len(self.people),
            replied=n["replied"],
            contacts=len(self.contacts),
            units=n["units"],
            cost=Fraction(self.micros, 1_000_000),
            noticed=n["noticed"] if self.reads else None,
            opened=n["opened"] if self.reads else None,
            clicked=n["clicked"] if n["links"] else None,
        )


class _Walk:
    def __init__(self, world: World, shelf: Shelf | None) -> None:
        self._world, self._shelf = world, shelf
        self.truth, self.told = _Tally(reads=True), _Tally(reads=False)

    def facts(self) -> Iterator[Fact]:
        """Yield the facts by key, counting them on the way."""
        assert self._shelf is not None
        shelf, world = self._shelf, self._world
        policy, epoch = policy_of(shelf.account), world.gateway.epoch
        prefix = PREFIX.get(shelf.account.dialect, "")
        opted_out = self._opt_outs(shelf)
        for key in sorted(shelf.keys):
            message = world.store.get(key)
            if message is None or message.inbound or message.origin is Origin.AUTOMATIC:
                continue
            cause = message.cause if message.told is message.state else Cause.NONE
            due = bill(policy, message.segments, message.told, message.cause)
            self._count(message, due.units, due.micros)
            yield Fact(
                key=key,
                own_id=message.reference,
                provider_id=_prefix(message, prefix) + public_id(key, epoch) if prefix else "",
                to=message.to,
                fate=message.fate,
                known=message.state,
                told=message.told,
                units=due.units,
                micros=due.micros,
                currency=policy.currency,
                policy=policy.label,
                one_failure=shelf.account.dialect in _ONE_FAILURE,
                cause=cause,
                accepted_us=message.accepted_us,
                told_us=message.told_us,
                text=0 if message.redacted else xxh3_64_intdigest(_text(message)),
                opted_out=opted_out.get(message.to, False),
            )

    def _opt_outs(self, shelf: Shelf) -> dict[str, bool | None]:
        """Return whether the customer was told that a person opted out; None: not told all."""
        found: dict[str, bool | None] = {}
        heard = (self._world.store.get(key) for key in shelf.keys)
        inbound = [m for m in heard if m is not None and m.inbound]
        for message in sorted(inbound, key=lambda m: (m.accepted_us, m.key)):
            wish = shelf.account.keywords.wish_of(message.body)
            if wish in (Wish.STOP, Wish.START):
                told = message.told is State.RECEIVED
                found[message.sender] = (wish is Wish.STOP) if told else None
        return found

    def _count(self, message: Message, units: int, micros: int) -> None:
        truth, told = self.truth, self.told
        for tally, state, cause in (
            (truth, message.fate, message.fate_cause),
            (told, message.told, message.cause),
        ):
            n = tally.n
            n["accepted"] += 1
            tally.people.add(message.to)
            n["delivered"] += state is State.DELIVERED
            n["ended"] += state in FINAL
            n["unreachable"] += state in FINAL and cause in _UNREACHABLE
            n["units"] += units
            tally.micros += micros
        truth.n["sent"] += bool(message.sent_us)
        told.n["sent"] += message.told in FINAL or message.told is State.SENT
        if message.noticed_us:
            truth.n["noticed"] += message.noticed_us - message.fate_us <= WITHIN_US
        truth.n["opened"] += bool(message.opened_us)
        if message.clicked_us or has_link(message.body):  # the page behind it is the customer's
            for tally in (truth, told):
                tally.n["links"] += 1
                tally.n["clicked"] += bool(message.clicked_us)
        if message.replied_us:
            truth.n["replied"] += 1
            truth.contacts.add(message.to)
            answer = self._world.store.get(key_of("answer", message.key))
            if answer is not None and answer.told is State.RECEIVED:
                told.n["replied"] += 1
                told.contacts.add(message.to)


def _prefix(message: Message, prefix: str) -> str:
    """Return what the provider writes before an id: Twilio has another one with media."""
    return "MM" if message.extra is not None and message.extra.media else prefix


def _text(message: Message) -> bytes:
    return message.body.encode("utf-8", "surrogatepass")
