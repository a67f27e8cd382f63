"""The log: every fact once, a bounded tail in memory; its digest; the recording of commands.

The digest is the sum modulo 2^128 of the events' hashes, with their count: a sum, so that neither
arrival order nor pruning can change it, and a sum of multisets, so that a doubled fact shows.

    append -> encode -> hash -> tail -> sink (a file) -> every view that wants this kind of fact
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from xxhash import xxh3_128_intdigest

from simulator.core.command import Command
from simulator.core.events import KINDS, AnyEvent, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from simulator.core.message import Message

    # A fold names the very kind it wants: (that event, its message or None, its encoding).
    Fold = Callable[[Any, Any, bytes], None]

_MASK = 2**128 - 1
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(AnyEvent)


def decode(data: bytes) -> Event:
    """Return the event that was encoded as `data`."""
    event: Event = _decoder.decode(data)
    return event


class View(Protocol):
    """A fold over the log: a function for each kind of fact that it wants. It never writes."""

    name: str

    def folds(self) -> Mapping[type[Event], Fold]:
        """Return what to call for which kind of fact: (event, its message, its encoding)."""
        ...

    def forget(self, key: int) -> None:
        """Drop what is kept about a message that retention has pruned; never a counter."""
        ...


class Log:
    """The facts of one world.

    Args:
        views: told of each fact, in this order.
        tail: how many encoded events stay in memory.
        sink: receives every encoded event, for the run's folder.
    """

    def __init__(
        self, views: Sequence[View], tail: int, sink: Callable[[bytes], object] | None = None
    ) -> None:
        self.count = 0
        self.tail: deque[bytes] = deque(maxlen=tail)
        self.detached: list[tuple[str, Exception]] = []
        self.views = list(views)
        self._sink = sink
        self._sum = 0
        self._folds: dict[type[Event], tuple[Fold, ...]] = {}
        self._owners: dict[Fold, str] = {}
        self._wire()

    def _wire(self) -> None:
        tables = [view.folds() for view in self.views]
        self._folds = {kind: tuple(t[kind] for t in tables if kind in t) for kind in KINDS}
        for view, table in zip(self.views, tables, strict=True):
            self._owners.update(dict.fromkeys(table.values(), view.name))

    def append(self, event: Event, message: Message | None) -> None:
        """Add a fact and show it to the views."""
        data = _encode(event)
        self.count += 1
        self._sum += xxh3_128_intdigest(data)
        self.tail.append(data)
        if self._sink is not None:
            self._sink(data)
        folds = self._folds[type(event)]
        try:
            for fold in folds:
                fold(event, message, data)
        except Exception as error:  # noqa: BLE001 - whatever a view raises, the log goes on
            self._detach(self._owners[fold], error)
            for later in folds[folds.index(fold) + 1 :]:
                self._show(later, event, message, data)

    def _show(self, fold: Fold, event: Event, message: Message | None, data: bytes) -> None:
        try:
            fold(event, message, data)
        except Exception as error:  # noqa: BLE001 - as above
            self._detach(self._owners[fold], error)

    def _detach(self, name: str, error: Exception) -> None:
        self.detached.append((name, error))
        self.views = [view for view in self.views if view.name != name]
        self._wire()

    def forget(self, key: int) -> None:
        """Tell the views that a message was pruned."""
        for view in self.views:
            try:
                view.forget(key)
            except Exception as error:  # noqa: BLE001 - as above
                self._detach(view.name, error)

    def digest(self) -> str:
        """Return 32 hex digits and the count: equal for equal multisets of facts."""
        return f"{self._sum & _MASK:032x}-{self.count}"

    def since(self, number: int, limit: int) -> tuple[int, Iterable[bytes]]:
        """Return encoded events from the `number`-th on (0-based) and the number of the first.

        What retention has dropped is skipped: compare the returned number with the one asked for.
        """
        first = max(number, self.count - len(self.tail))
        start = first - (self.count - len(self.tail))
        stop = min(start + limit, len(self.tail))
        return first, [self.tail[i] for i in range(start, stop)]


class Settled(msgspec.Struct, frozen=True, gc=False, tag="settled"):
    """A recorded outcome of a callback: an input from outside, like a command."""

    key: int
    nth: int
    kind: int
    status: int


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A command or an outcome, with the virtual instant it took effect at."""

    at_us: int
    what: Command | Settled


_recorded = msgspec.msgpack.Decoder(Recorded)


def encode_recorded(item: Recorded) -> bytes:
    """Return one line of a recording: length-prefixed msgpack."""
    data = _encode(item)
    return len(data).to_bytes(4, "big") + data


def read_recording(data: bytes) -> list[Recorded]:
    """Read a recording back; a cut last record is left out."""
    items: list[Recorded] = []
    at = 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 4 + size > len(data):
            break
        items.append(_recorded.decode(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return items
