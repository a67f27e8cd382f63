"""The timeline of each kept message: its encoded facts, each behind its length in two bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.core import events as ev

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.message import Message

    Fold = Callable[[Any, Any, bytes], None]

_KINDLESS = (ev.AccountOpened, ev.Rejected, ev.OptedOut, ev.OptedIn)
_decoder = msgspec.msgpack.Decoder(ev.AnyEvent)


class Inbox:
    """Facts by message key, for the inbox and for "what happened to this one"."""

    name = "inbox"

    def __init__(self) -> None:
        self._lines: dict[int, bytes] = {}

    def folds(self) -> Mapping[type[ev.Event], Fold]:
        """Want everything that is about a message."""
        return {kind: self._add for kind in ev.KINDS if kind not in _KINDLESS}

    def _add(self, event: ev.Event, _message: Message | None, data: bytes) -> None:
        lines, key = self._lines, event.key
        lines[key] = lines.get(key, b"") + len(data).to_bytes(2, "big") + data

    def timeline(self, key: int) -> list[ev.Event]:
        """Return the facts about a message, in order of their instants."""
        data = self._lines.get(key, b"")
        facts: list[ev.Event] = []
        at = 0
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            facts.append(_decoder.decode(data[at + 2 : end]))
            at = end
        return sorted(facts, key=lambda fact: fact.at_us)

    def forget(self, key: int) -> None:
        """Drop a pruned message's timeline."""
        self._lines.pop(key, None)
