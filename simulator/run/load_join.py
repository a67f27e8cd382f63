"""The client's books against ours: what was sent, what was accepted, and which is which.

    a row of the books --- provider id, own id, or recipient and order ---> an accepted message

The one rule: every request that was started is found, or is counted under what became of it; an
answer that we did not give, or a message that nobody sent, means that one side's books are wrong.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from simulator.core.ids import public_id
from simulator.core.message import Origin
from simulator.load.books import DROPPED
from simulator.run.load_pairing import Became, Sent, became, by_acceptance, by_start, in_order
from simulator.run.survey import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from simulator.engine.world import World
    from simulator.load.books import Row

JOINED = "joined"
UNTOLD = "accepted, but the client got no answer"
YET_SENT = "refused, and accepted all the same"
UNKNOWN = "answered 2xx, but no message is known"
UNBOOKED = "accepted, but in nobody's books"
TWICE = "one message answered two requests"
NOT_ACCEPTED = "not accepted"
UNSENT = "the system took it, and sent nothing"
NEVER_SENT = "dropped before it was sent"
ROWS_MAX = 1_000  # rows of findings kept; all are counted
_CLASS = {Became.SAID: JOINED, Became.UNSURE: UNTOLD, Became.NEVER: YET_SENT}


class Pair(NamedTuple):
    """A request and the message that it became; `warm`: of the warm-up."""

    n: int
    warm: bool
    intended_us: int
    answered_us: int
    key: int


class Odd(NamedTuple):
    """A row or a message that has no other side, or the wrong one."""

    kind: str
    n: int
    to: str
    words: str


@dataclass(slots=True)
class Joined:
    """The two books beside each other.

    Attributes:
        rows: of the client's books; started: of these, how many were sent.
        counts: by class, warm-up included.
        odd: the first of what does not simply agree.
        asked: by the key of a message, the arrival that asked for it, where that is known; a
            system may have written more than once for one arrival.
    """

    rows: int = 0
    started: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    pairs: list[Pair] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)
    asked: dict[int, int] = field(default_factory=dict)

    def note(self, kind: str, n: int, to: str, words: str = "") -> None:
        """Count something odd, and keep it while there is room."""
        self.counts[kind] += 1
        if len(self.odd) < ROWS_MAX:
            self.odd.append(Odd(kind, n, to, words))

    def pair(self, row: Row, message: Sent) -> None:
        """Note what a request became."""
        found = Pair(row.n, bool(row.warm), row.intended_us, row.answered_us, message.key)
        self.pairs.append(found)
        self.asked[message.key] = row.n
        kind = _CLASS[became(row)]
        if kind == JOINED:
            self.counts[kind] += 1
        else:
            words = row.code or (f"status {row.status}" if row.status else "no answer")
            self.note(kind, row.n, row.recipient, words)


def accepted_in(world: World, epoch_at: Callable[[int], float] = float) -> Iterator[Sent]:
    """Yield every message that customers' own requests became.

    Args:
        world: as it was at the end.
        epoch_at: returns when an instant of the world was, epoch us.
    """
    epoch = world.gateway.epoch
    for account, shelf in world.store.shelves.items():
        prefix = PREFIX.get(shelf.account.dialect, "")
        for message in filter(None, map(world.store.get, shelf.keys)):
            if message.inbound or message.origin is not Origin.CLIENT:
                continue
            written = prefix + public_id(message.key, epoch) if prefix else ""
            at_us = epoch_at(message.accepted_us)
            yield Sent(message.key, account, message.to, message.reference, written, at_us)


def join_gateway(
    rows: Iterable[Row], sent: Iterable[Sent], spelled: Mapping[str, str], *, others_send: bool
) -> Joined:
    """Join the books of a load against the gateway.

    A request that names a message, by either id, is that message's; of several with one own id
    each has a message of its own. Only a message that has no own id can be found by recipient.

    Args:
        rows: of the client.
        sent: from `accepted_in`.
        spelled: from numbers as the list writes them to E.164.
        others_send: a system under test may have sent messages of its own as well.
    """
    found = Joined()
    started, messages = sorted(_started(rows, found), key=by_start), [*sent]
    taken: set[int] = set()
    unnamed = _join_by_provider_id(started, messages, found, taken)
    unnamed = _join_by_own_id(unnamed, messages, found, taken)
    _join_by_person(unnamed, messages, spelled, found, taken)
    for message in () if others_send else messages:
        if message.key not in taken:
            found.note(UNBOOKED, -1, message.to, message.provider_id or message.own_id)
    return found


def _started(rows: Iterable[Row], found: Joined) -> Iterator[Row]:
    """Yield the rows of requests that were sent, counting all of them."""
    for row in rows:
        found.rows += 1
        if row.code == DROPPED or not row.started_us:
            found.counts[NEVER_SENT] += 1
        else:
            found.started += 1
            yield row


def _join_by_provider_id(
    rows: Sequence[Row], messages: Sequence[Sent], found: Joined, taken: set[int]
) -> list[Row]:
    """Join what was answered with our own id of it; return the other rows."""
    named = {(each.account, each.provider_id): each for each in messages if each.provider_id}
    left = []
    for row in rows:
        message = named.get((row.account, row.provider_id))
        if message is None:
            left.append(row)
        elif message.key not in taken:
            taken.add(message.key)
            found.pair(row, message)
        else:
            found.note(TWICE, row.n, row.recipient, row.provider_id)
    return left


def _join_by_own_id(
    rows: Sequence[Row], messages: Sequence[Sent], found: Joined, taken: set[int]
) -> list[Row]:
    """Join what has the client's own id, surest answers first; return the rows that name nothing.

    A refusal of an own id whose message is another request's is no more than a refusal.
    """
    named: defaultdict[tuple[str, str], list[Sent]] = defaultdict(list)
    for message in sorted(messages, key=by_acceptance, reverse=True):
        if message.own_id:
            named[message.account, message.own_id].append(message)
    left = []
    for row in sorted(rows, key=lambda row: became(row).value):
        bearers = named.get((row.account, row.own_id), [])
        while bearers and bearers[-1].key in taken:
            bearers.pop()
        if bearers:
            taken.add(bearers[-1].key)
            found.pair(row, bearers.pop())
        elif (row.account, row.own_id) not in named:
            left.append(row)
        elif became(row) is Became.SAID:
            found.note(TWICE, row.n, row.recipient, row.own_id)
        else:
            found.counts[NOT_ACCEPTED] += 1
    return left


def _join_by_person(
    rows: Sequence[Row],
    messages: Sequence[Sent],
    spelled: Mapping[str, str],
    found: Joined,
    taken: set[int],
) -> None:
    """Join what is left by account and recipient, and say of each row what became of it."""
    asking: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.provider_id and became(row) is Became.SAID:  # none of the ids that we gave
            found.note(UNKNOWN, row.n, row.recipient, row.provider_id)
        else:
            asking[row.account, spelled.get(row.recipient, row.recipient)].append(row)
    answers: defaultdict[tuple[str, str], list[Sent]] = defaultdict(list)
    for message in messages:
        if message.key not in taken and not message.own_id:
            answers[message.account, message.to].append(message)
    for person, theirs in asking.items():
        for row, message in _pairs(found, theirs, answers.get(person, ()), UNKNOWN):
            taken.add(message.key)
            found.pair(row, message)


def _pairs(
    found: Joined, rows: Sequence[Row], messages: Sequence[Sent], lacks: str
) -> Iterator[tuple[Row, Sent]]:
    """Yield one person's requests with their messages, and say what the others have come to.

    Args:
        found: where it is said.
        rows: requests of the person.
        messages: to the person.
        lacks: the class of a request that was taken and has none.
    """
    joined = set()
    for row, message in in_order(rows, messages):
        joined.add(row.n)
        yield row, message
    for row in rows:
        if row.n in joined:
            continue
        if became(row) is Became.SAID:
            found.note(lacks, row.n, row.recipient, row.own_id)
        else:
            found.counts[NOT_ACCEPTED] += 1


def join_system(rows: Iterable[Row], sent: Iterable[Sent], spelled: Mapping[str, str]) -> Joined:
    """Join the books of a load against a system, each start of which is for one person.

    A message whose own id has the arrival's own id in it (a start may be told it as `$arrival`) is
    of that start. The others are joined person by person: the k-th start that can have become a
    message, and the k-th message. The system may write more often than it was asked to, and later.
    """
    found = Joined()
    started = [*_started(rows, found)]
    there = {row.n: spelled.get(row.recipient, row.recipient) for row in started}
    named, unnamed = _by_arrival(started, sent, there)
    asking: defaultdict[str, list[Row]] = defaultdict(list)
    for row in started:
        if messages := named.get(row.n):
            found.pair(row, messages[0])
            found.asked.update((message.key, row.n) for message in messages)
        else:
            asking[there[row.n]].append(row)
    for person, theirs in asking.items():
        for row, message in _pairs(found, theirs, unnamed.get(person, ()), UNSENT):
            found.pair(row, message)
    return found


def _by_arrival(
    rows: Sequence[Row], sent: Iterable[Sent], there: Mapping[int, str]
) -> tuple[Mapping[int, list[Sent]], Mapping[str, list[Sent]]]:
    """Return messages by the arrival that they name, and the others by person; the oldest first."""
    arrival = {row.own_id: row.n for row in rows if row.own_id}
    runs = {own.rpartition("-")[0] for own in arrival}
    pattern = re.compile(rf"(?:{'|'.join(map(re.escape, runs))})-\d+") if runs else None
    named: defaultdict[int, list[Sent]] = defaultdict(list)
    unnamed: defaultdict[str, list[Sent]] = defaultdict(list)
    for message in sorted(sent, key=by_acceptance):
        seen = pattern.search(message.own_id) if pattern and message.own_id else None
        n = arrival.get(seen.group(), -1) if seen else -1
        if there.get(n) == message.to:  # an id that was cut short may name another one
            named[n].append(message)
        else:
            unnamed[message.to].append(message)
    return named, unnamed
