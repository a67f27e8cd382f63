"""The client's books against ours: what was sent, what was accepted, and which is which.

    a row of the books --- provider id, own id, or recipient and order ---> an accepted message

The one rule: every request that was started is found, or is counted under what became of it; an
answer that we did not give, or a message that nobody sent, means that one side's books are wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from simulator.core.ids import public_id
from simulator.core.message import Origin
from simulator.load.books import DROPPED
from simulator.run.survey import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from simulator.engine.world import World
    from simulator.load.books import Row

JOINED = "joined"
UNTOLD = "accepted, but the client got no answer"
UNKNOWN = "answered 2xx, but no message is known"
UNBOOKED = "accepted, but in nobody's books"
TWICE = "one message answered two requests"
NOT_ACCEPTED = "not accepted"
UNSENT = "the system took it, and sent nothing"
NEVER_SENT = "dropped before it was sent"
ROWS_MAX = 1_000  # rows of findings kept; all are counted


class Sent(NamedTuple):
    """A message that we accepted, as far as books can name it."""

    key: int
    account: str
    to: str
    own_id: str
    provider_id: str


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
    """

    rows: int = 0
    started: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    pairs: list[Pair] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)

    def note(self, kind: str, n: int, to: str, words: str = "") -> None:
        """Count something odd, and keep it while there is room."""
        self.counts[kind] += 1
        if len(self.odd) < ROWS_MAX:
            self.odd.append(Odd(kind, n, to, words))


def accepted_in(world: World) -> Iterator[Sent]:
    """Yield every message that customers' own requests became, in the order of acceptance."""
    epoch = world.gateway.epoch
    for account, shelf in world.store.shelves.items():
        prefix = PREFIX.get(shelf.account.dialect, "")
        found = (world.store.get(key) for key in shelf.keys)
        own = [m for m in found if m is not None and not m.inbound and m.origin is Origin.CLIENT]
        for message in sorted(own, key=lambda m: (m.accepted_us, m.key)):
            written = prefix + public_id(message.key, epoch) if prefix else ""
            yield Sent(message.key, account, message.to, message.reference, written)


def join_gateway(
    rows: Iterable[Row], sent: Iterable[Sent], spelled: Mapping[str, str], *, others_send: bool
) -> Joined:
    """Join the books of a load against the gateway.

    Args:
        rows: of the client.
        sent: from `accepted_in`.
        spelled: from numbers as the list writes them to E.164.
        others_send: a system under test may have sent messages of its own as well.
    """
    found, ours = Joined(), _Ours(sent)
    unnamed = [row for row in _started(rows, found) if not _by_name(found, row, ours)]
    for row in sorted(unnamed, key=lambda row: (row.started_us, row.n)):
        waiting = ours.left((row.account, spelled.get(row.recipient, row.recipient)))
        if 200 <= row.status < 300:
            found.note(UNKNOWN, row.n, row.recipient, row.provider_id or row.own_id)
        elif waiting and (row.status == 0 or row.status >= 500):
            ours.taken.add(waiting[0].key)
            _pair(found, row, waiting.popleft())
        else:
            found.counts[NOT_ACCEPTED] += 1
    for message in () if others_send else ours.rest():
        found.note(UNBOOKED, -1, message.to, message.provider_id or message.own_id)
    return found


class _Ours:
    """Accepted messages by what a row may call them; those that no row has taken yet."""

    def __init__(self, sent: Iterable[Sent]) -> None:
        self.by_id: dict[tuple[str, str], Sent] = {}
        self.taken: set[int] = set()
        self._by_place: defaultdict[tuple[str, str], deque[Sent]] = defaultdict(deque)
        for message in sent:
            for name in filter(None, (message.provider_id, message.own_id)):
                self.by_id[message.account, name] = message
            self._by_place[message.account, message.to].append(message)

    def left(self, place: tuple[str, str]) -> deque[Sent]:
        """Return what is left of an account and a recipient, the oldest first."""
        waiting = self._by_place[place]
        while waiting and waiting[0].key in self.taken:
            waiting.popleft()
        return waiting

    def rest(self) -> Iterator[Sent]:
        """Yield what nobody has taken."""
        everyone = (message for each in self._by_place.values() for message in each)
        return (message for message in everyone if message.key not in self.taken)


def _started(rows: Iterable[Row], found: Joined) -> Iterator[Row]:
    """Yield the rows of requests that were sent, counting all of them."""
    for row in rows:
        found.rows += 1
        if row.code == DROPPED or not row.started_us:
            found.counts[NEVER_SENT] += 1
        else:
            found.started += 1
            yield row


def _by_name(found: Joined, row: Row, ours: _Ours) -> bool:
    """Join a row that names its message; tell whether it did."""
    named = _named(row, ours.by_id)
    if named is None:
        return False
    if named.key in ours.taken:
        found.note(TWICE, row.n, row.recipient, row.provider_id or row.own_id)
    else:
        ours.taken.add(named.key)
        _pair(found, row, named)
    return True


def _named(row: Row, by_id: Mapping[tuple[str, str], Sent]) -> Sent | None:
    """Return the message that a row names; a refused one is named by nobody."""
    for name in (row.provider_id, row.own_id):
        if name and (message := by_id.get((row.account, name))):
            return message
    return None


def _pair(found: Joined, row: Row, message: Sent) -> None:
    pair = Pair(row.n, bool(row.warm), row.intended_us, row.answered_us, message.key)
    found.pairs.append(pair)
    if 200 <= row.status < 300:
        found.counts[JOINED] += 1
    else:
        words = row.code or (f"status {row.status}" if row.status else "no answer")
        found.note(UNTOLD, row.n, row.recipient, words)


def join_system(rows: Iterable[Row], sent: Iterable[Sent], spelled: Mapping[str, str]) -> Joined:
    """Join the books of a load against a system: the k-th start for somebody and its k-th message.

    The system may write more often than it was asked to (a reminder), and later.
    """
    found = Joined()
    by_person: defaultdict[str, deque[Sent]] = defaultdict(deque)
    for message in sent:
        by_person[message.to].append(message)
    for row in sorted(_started(rows, found), key=lambda row: (row.started_us, row.n)):
        waiting = by_person[spelled.get(row.recipient, row.recipient)]
        if waiting:
            _pair(found, row, waiting.popleft())
        elif 200 <= row.status < 300:
            found.note(UNSENT, row.n, row.recipient, "not until the end of the drain")
        else:
            found.counts[NOT_ACCEPTED] += 1
    return found
