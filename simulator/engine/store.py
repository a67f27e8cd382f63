"""Messages by key, and per account: their order, references, and who has opted out.

A live message is a struct; a finished one is packed to bytes. Retention prunes the oldest finished
messages and their indexes, never a counter. What grows with the population and not with the
traffic is one integer per (account, recipient): how many messages it has had.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from typing import TYPE_CHECKING

import msgspec
from xxhash import xxh3_64_intdigest

from simulator.core.message import Account, Message
from simulator.engine.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.engine.once import Keys

pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(Message).decode
_COMPACT_AT = 1024  # dead keys at the front of a shelf before it is compacted


class Shelf:
    """What one account has: its settings, its messages in order of acceptance, its opt-outs."""

    def __init__(self, account: Account, number: int) -> None:
        self.account, self.number = account, number
        self.accepted = 0
        self.keys = array("Q")
        self.instants = array("Q")  # of acceptance, beside keys
        self.dead = 0
        self.counts: dict[str | int, int] = {}
        self.references: dict[int, int] = {}
        self.opted_out: set[tuple[str, str]] = set()
        self.used_keys: Keys | None = None  # idempotency keys, once there is one
        self.waiting = Waiting()

    def next_k(self, recipient: str, body: str | None) -> int:
        """Return how many messages with this identity were accepted before, and count this one."""
        name = recipient if body is None else _hash(recipient + "\0" + body)
        k = self.counts.get(name, 0)
        self.counts[name] = k + 1
        return k

    def so_far(self, recipient: str, body: str | None) -> int:
        """Return how many messages with this identity were accepted so far."""
        return self.counts.get(recipient if body is None else _hash(recipient + "\0" + body), 0)

    def key_of_reference(self, reference: str) -> int | None:
        """Return the key of the message with this reference, if it is still kept."""
        return self.references.get(_hash(reference))

    def refer(self, reference: str, key: int) -> None:
        """Note a reference."""
        self.references[_hash(reference)] = key

    def unrefer(self, reference: str, key: int) -> None:
        """Drop a message's reference, unless a later message has taken it over."""
        if reference and self.references.get(name := _hash(reference)) == key:
            del self.references[name]


class Store:
    """The messages of one world.

    Args:
        retention: how many finished messages are kept, 1 or more.
        forget: called with the key of each pruned message.
    """

    def __init__(self, retention: int, forget: Callable[[int], None]) -> None:
        self.retention = retention
        self.pruned = 0
        self.live: dict[int, Message] = {}
        self.finished: dict[int, bytes] = {}
        self._order: deque[int] = deque()  # keys as they were finished
        self._of: deque[int] = deque()  # beside each: its shelf's number, doubled; odd: it refers
        self._numbered: list[Shelf] = []
        self._stale: Counter[int] = Counter()  # entries of `_order` that no longer hold
        self.shelves: dict[str, Shelf] = {}
        self._deleted: set[int] = set()  # by the client, while steps are still due
        self._forget = forget

    def open(self, account: Account) -> None:
        """Make the shelf of a new account."""
        shelf = Shelf(account, 2 * len(self._numbered))
        self._numbered.append(shelf)
        self.shelves[account.id] = shelf

    def add(self, message: Message, shelf: Shelf) -> None:
        """Keep a new message."""
        self.live[message.key] = message
        shelf.keys.append(message.key)
        shelf.instants.append(message.accepted_us)
        if message.reference:
            shelf.refer(message.reference, message.key)

    def get(self, key: int) -> Message | None:
        """Return a message: the live one itself, or a copy of a finished one."""
        if key in self._deleted:
            return None
        message = self.live.get(key)
        if message is None and (packed := self.finished.get(key)) is not None:
            return unpack(packed)
        return message

    def finish(self, message: Message) -> None:
        """Pack a message whose every step is done, and prune the oldest beyond retention."""
        self.live.pop(message.key, None)
        if message.key in self._deleted:
            self._deleted.discard(message.key)
            self.drop(message)
            return
        finished, key = self.finished, message.key
        finished[key] = pack(message)
        self._order.append(key)
        number = self.shelves[message.account].number
        self._of.append(number + 1 if message.reference else number)
        while len(finished) > self.retention:
            self._prune()

    def _prune(self) -> None:
        """Forget the message that was finished first; a dict has no cheap first entry."""
        key, number = self._order.popleft(), self._of.popleft()
        if key in self._stale:
            self._stale[key] -= 1
            if not self._stale[key]:
                del self._stale[key]
            return
        packed = self.finished.pop(key)
        shelf = self._numbered[number >> 1]
        if number & 1:
            shelf.unrefer(_decode_head(packed).reference, key)
        self._forgotten(key, shelf)

    def revive(self, message: Message) -> None:
        """Make a finished message live again, since a new step concerns it."""
        if self.finished.pop(message.key, None) is not None:
            self._stale[message.key] += 1
            self.live[message.key] = message

    def rewrite(self, message: Message) -> None:
        """Put back a changed copy of a finished message."""
        if message.key in self.finished:
            self.finished[message.key] = pack(message)

    def delete(self, message: Message) -> None:
        """Hide a message at once, and forget it when its last step is done."""
        if message.key in self.live:
            self._deleted.add(message.key)
            self.shelves[message.account].unrefer(message.reference, message.key)
        else:
            self.drop(message)

    def drop(self, message: Message) -> None:
        """Forget a finished message."""
        if self.finished.pop(message.key, None) is not None:
            self._stale[message.key] += 1
        shelf = self.shelves[message.account]
        shelf.unrefer(message.reference, message.key)
        self._forgotten(message.key, shelf)

    def _forgotten(self, key: int, shelf: Shelf) -> None:
        self.pruned += 1
        shelf.dead += 1
        if shelf.dead > _COMPACT_AT and shelf.dead * 2 > len(shelf.keys):
            live, finished = self.live, self.finished
            kept = [i for i, k in enumerate(shelf.keys) if k in finished or k in live]
            shelf.keys = array("Q", (shelf.keys[i] for i in kept))
            shelf.instants = array("Q", (shelf.instants[i] for i in kept))
            shelf.dead = 0
        self._forget(key)

    def has(self, key: int) -> bool:
        """Tell whether a message is kept."""
        return key in self.live or key in self.finished

    def walk(self, shelf: Shelf, at_us: int, step: int) -> Iterator[Message]:
        """Yield kept messages accepted at `at_us` and then older (step -1) or newer (+1) ones.

        Messages of one instant come in order of their keys, so that order of arrival cannot show.
        """
        keys, instants = shelf.keys, shelf.instants
        low, high = bisect_left(instants, at_us), len(keys)
        if step < 0:
            low, high = 0, bisect_right(instants, at_us)
        while low < high:
            instant = instants[high - 1 if step < 0 else low]
            first = bisect_left(instants, instant, low, high)
            last = bisect_right(instants, instant, low, high)
            for key in sorted(keys[first:last], reverse=step < 0):
                if (message := self.get(key)) is not None:
                    yield message
            low, high = (low, first) if step < 0 else (last, high)


def _hash(text: str) -> int:
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


class _Head(msgspec.Struct, array_like=True):
    """The first fields of a packed message; the rest is passed over."""

    key: msgspec.Raw
    fate_key: msgspec.Raw
    account: msgspec.Raw
    to: msgspec.Raw
    country: msgspec.Raw
    sender: msgspec.Raw
    body: msgspec.Raw
    encoding: msgspec.Raw
    segments: msgspec.Raw
    reference: str


_decode_head = msgspec.msgpack.Decoder(_Head).decode
