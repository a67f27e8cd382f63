"""The log: every fact once, a bounded tail in memory; its digest; the recording of commands.

The digest is the sum modulo 2^128 of the events' hashes, with their count: a sum, so that neither
arrival order nor pruning can change it, and a sum of multisets, so that a doubled fact shows.

    append -> the message (state.py) -> every view that wants this kind of fact
           -> by the chunk: encode, hash, tail, sink (a file)
"""

from __future__ import annotations

from collections import deque
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from xxhash import xxh3_128_intdigest

from simulator.core.command import Command
from simulator.core.events import KINDS, AnyEvent, Event
from simulator.core.orders import Orders
from simulator.engine.state import CHANGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import IO

    from simulator.core.message import Message
    from simulator.engine.state import Change

    # A fold names the very kind it wants: (that event, its message or None).
    Fold = Callable[[Any, Any], None]

_MASK = 2**128 - 1
_CHUNK = 256  # facts encoded and hashed together
_encode = msgspec.msgpack.Encoder().encode
_decode_chunk = msgspec.msgpack.Decoder(list[bytes]).decode
_decoder = msgspec.msgpack.Decoder(AnyEvent)


def decode(data: bytes) -> Event:
    """Return the event that was encoded as `data`."""
    event: Event = _decoder.decode(data)
    return event


class View(Protocol):
    """A fold over the log: a function for each kind of fact that it wants. It never writes.

    A view that keeps something for each message has a method `forget(key)` as well, and drops it
    there when retention prunes the message; never a counter.
    """

    name: str

    def folds(self) -> Mapping[type[Event], Fold]:
        """Return what to call for which kind of fact, with it and its message."""
        ...


class Log:
    """The facts of one world.

    A fact is in its message and in the views at once; it is encoded and hashed with its neighbours
    a little later, before anybody can ask.

    Args:
        views: told of each fact, in this order.
        tail: how many of the latest events stay in memory.
        sink: receives chunks of encoded events (`read_encoded`), for the run's folder.
        changes: what a fact does to its message.
    """

    def __init__(
        self,
        views: Sequence[View],
        tail: int,
        sink: Callable[[bytes], object] | None = None,
        changes: Mapping[type[Event], Change] = CHANGES,
    ) -> None:
        self.detached: list[tuple[str, Exception]] = []
        self.views = list(views)
        self._sink = sink
        self._changes = changes
        self._fresh: list[Event] = []
        self._hashed = 0
        self._sum = 0
        self._tail_max = tail
        self._chunks: deque[tuple[int, bytes]] = deque()
        self._kept = 0
        self._table: dict[type[Event], tuple[Change | None, tuple[Fold, ...]]] = {}
        self._owners: dict[Fold, str] = {}
        self._forgetful: list[tuple[str, Callable[[int], None]]] = []
        self._wire()

    def _wire(self) -> None:
        tables = [view.folds() for view in self.views]
        self._table = {
            kind: (self._changes.get(kind), tuple(t[kind] for t in tables if kind in t))
            for kind in KINDS
        }
        for view, table in zip(self.views, tables, strict=True):
            self._owners.update(dict.fromkeys(table.values(), view.name))
        self._forgetful = [
            (view.name, view.forget) for view in self.views if hasattr(view, "forget")
        ]

    @property
    def count(self) -> int:
        """How many facts there are."""
        return self._hashed + len(self._fresh)

    def append(self, event: Event, message: Message | None) -> None:
        """Add a fact: change its message, and show it to the views."""
        change, folds = self._table[type(event)]
        if change is not None and message is not None:
            change(event, message)
        self._fresh.append(event)
        try:
            for fold in folds:
                fold(event, message)
        except Exception as error:  # noqa: BLE001 - whatever a view raises, the log goes on
            self._detach(self._owners[fold], error)
            for later in folds[folds.index(fold) + 1 :]:
                self._show(later, event, message)
        if len(self._fresh) >= _CHUNK:
            self._flush()

    def _show(self, fold: Fold, event: Event, message: Message | None) -> None:
        try:
            fold(event, message)
        except Exception as error:  # noqa: BLE001 - as above
            self._detach(self._owners[fold], error)

    def _detach(self, name: str, error: Exception) -> None:
        self.detached.append((name, error))
        self.views = [view for view in self.views if view.name != name]
        self._wire()

    def _flush(self) -> None:
        """Encode and hash the fresh facts, a chunk at a time: loops in C."""
        if not self._fresh:
            return
        encoded = list(map(_encode, self._fresh))
        self._sum += sum(map(xxh3_128_intdigest, encoded))
        chunk = _encode(encoded)
        self._chunks.append((len(encoded), chunk))
        self._hashed += len(encoded)
        self._kept += len(encoded)
        while self._chunks and self._kept - self._chunks[0][0] >= self._tail_max:
            self._kept -= self._chunks.popleft()[0]
        self._fresh.clear()
        if self._sink is not None:
            self._sink(len(chunk).to_bytes(4, "big") + chunk)

    def close(self) -> None:
        """Hand the last facts to the sink."""
        self._flush()

    def forget(self, key: int) -> None:
        """Tell the views that a message was pruned."""
        for name, forget in self._forgetful:
            try:
                forget(key)
            except Exception as error:  # noqa: BLE001 - as above
                self._detach(name, error)

    def digest(self) -> str:
        """Return 32 hex digits and the count: equal for equal multisets of facts."""
        self._flush()
        return f"{self._sum & _MASK:032x}-{self.count}"

    def since(self, number: int, limit: int) -> tuple[int, list[bytes]]:
        """Return encoded events from the `number`-th on (0-based) and the number of the first.

        What retention has dropped is skipped: compare the returned number with the one asked for.
        """
        self._flush()
        at = self.count - self._kept
        first = max(number, self.count - min(self._kept, self._tail_max))
        found: list[bytes] = []
        for size, chunk in self._chunks:
            if at + size > first and len(found) < limit:
                begin = max(0, first - at)
                found += _decode_chunk(chunk)[begin : begin + limit - len(found)]
            at += size
        return first, found


def read_encoded(data: bytes) -> list[bytes]:
    """Split what a sink was given into encoded events; a cut last chunk is left out."""
    return [event for chunk in _framed(BytesIO(data)) for event in _decode_chunk(chunk)]


def events_in(file: IO[bytes]) -> Iterator[Event]:
    """Yield the events of a file that was a sink, one chunk in memory at a time."""
    return (decode(event) for chunk in _framed(file) for event in _decode_chunk(chunk))


def recorded_in(file: IO[bytes]) -> Iterator[Recorded]:
    """Yield the records of a file that was a recording, one in memory at a time."""
    return map(_recorded.decode, _framed(file))


def _framed(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what stands behind its length in four bytes; what is cut at the end is left out."""
    while len(head := file.read(4)) == 4:
        size = int.from_bytes(head, "big")
        data = file.read(size)
        if len(data) < size:
            return
        yield data


class Settled(msgspec.Struct, frozen=True, gc=False, tag="settled"):
    """A recorded outcome of a callback: an input from outside, like a command."""

    key: int
    nth: int
    kind: int
    status: int
    orders: Orders | None = None


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A command or an outcome, with the virtual instant it took effect at.

    Attributes:
        key: of the message that it made or changed; 0: none, or it was refused.
    """

    at_us: int
    what: Command | Settled
    key: int = 0


_recorded = msgspec.msgpack.Decoder(Recorded)


def encode_recorded(item: Recorded) -> bytes:
    """Return one line of a recording: length-prefixed msgpack."""
    data = _encode(item)
    return len(data).to_bytes(4, "big") + data


def read_recording(data: bytes) -> list[Recorded]:
    """Read a recording back; a cut last record is left out."""
    return list(recorded_in(BytesIO(data)))
