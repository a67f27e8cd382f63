"""The timeline of a kept message.

A message carries the instants of its main facts, so those are written again from it; only what it
cannot carry (each attempt, each callback, replies) is kept here, encoded, behind its length in two
bytes. A test holds the result against the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.core import events as ev
from simulator.core.message import Message, Origin, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Fold = Callable[[Any, Any], None]

_EXTRA = (
    ev.Attempted,
    ev.Told,
    ev.CallbackTried,
    ev.CallbackAbandoned,
    ev.Replied,
    ev.Received,
    ev.Redacted,
    ev.FeedbackGiven,
    ev.AutoReplied,
    ev.Warned,
    ev.Scheduled,
    ev.Released,
    ev.Queued,
    ev.MediaDeleted,
    ev.ForgeryTried,
)
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(ev.AnyEvent)


class Inbox:
    """Facts by message key, for the inbox and for "what happened to this one"."""

    name = "inbox"

    def __init__(self) -> None:
        self._lines: dict[int, bytes] = {}

    def folds(self) -> Mapping[type[ev.Event], Fold]:
        """Want what a message cannot carry."""
        return {**dict.fromkeys(_EXTRA, self._add), ev.RuleFired: self._fired}

    def _fired(self, event: ev.RuleFired, message: Message | None) -> None:
        if message is not None:  # else a request came to nothing
            self._add(event, message)

    def _add(self, event: ev.Event, _message: Message | None) -> None:
        lines, key, data = self._lines, event.key, _encode(event)
        lines[key] = lines.get(key, b"") + len(data).to_bytes(2, "big") + data

    def timeline(self, message: Message) -> list[ev.Event]:
        """Return the facts about a message, in order of their instants."""
        return sorted((*_carried(message), *self._kept(message.key)), key=lambda f: f.at_us)

    def _kept(self, key: int) -> Iterator[ev.Event]:
        data, at = self._lines.get(key, b""), 0
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            yield _decoder.decode(data[at + 2 : end])
            at = end

    def forget(self, key: int) -> None:
        """Drop a pruned message's timeline."""
        self._lines.pop(key, None)


def _carried(m: Message) -> Iterator[ev.Event]:
    """Write the facts that a message carries, in the order in which they were emitted."""
    if m.inbound or m.origin is Origin.AUTOMATIC:
        return
    yield ev.Accepted(
        m.accepted_us, m.key, m.account, m.to, m.sender, m.encoding, m.segments, m.carrier
    )
    if m.sending_us:
        yield ev.Sending(m.sending_us, m.key)
    if m.sent_us:
        yield ev.Sent(m.sent_us, m.key)
    if m.fate is not State.NONE:
        yield _fate(m)
    if m.known_us:
        yield ev.Receipted(m.known_us, m.key, m.state, m.cause)
    if m.noticed_us:
        yield ev.Noticed(m.noticed_us, m.key)
    if m.opened_us:
        yield ev.Opened(m.opened_us, m.key)
    if m.clicked_us:
        yield ev.Clicked(m.clicked_us, m.key)


def _fate(m: Message) -> ev.Event:
    if m.fate is State.DELIVERED:
        return ev.Delivered(m.fate_us, m.key, m.attempts)
    if m.fate is State.CANCELED:
        return ev.Canceled(m.fate_us, m.key)
    kind = {State.UNDELIVERED: ev.Undelivered, State.EXPIRED: ev.Expired}.get(m.fate, ev.Failed)
    return kind(m.fate_us, m.key, m.fate_cause)
