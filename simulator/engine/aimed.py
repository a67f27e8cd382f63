"""What the commands about one message do: cancel, redact, delete, delete a medium, feedback.

The one rule: what is forgotten is forgotten at once, and no counter and no charge with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from simulator.core import events as ev
from simulator.core.cause import Cause
from simulator.core.message import FINAL, Message, Reason, Rejection, State

if TYPE_CHECKING:
    from simulator.core.command import Cancel, Command, Delete, DeleteMedia, Feedback, Redact
    from simulator.engine.gateway import Gateway

Answer = Message | Rejection | None


def cancel(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Take back a message that still waits at the provider."""
    asked = cast("Cancel", command)
    message = gateway.store.get(asked.key)
    if message is None:
        return Rejection(Reason.NOT_FOUND)
    waits = message.state is State.SCHEDULED
    if not waits and (asked.scheduled or message.state not in _CANCELABLE):
        return Rejection(Reason.NOT_CANCELABLE, detail=message.state.name.lower())
    if waits:
        gateway.store.shelves[message.account].waiting.cancel(message.key)
    gateway.emit(ev.Canceled(at_us, message.key), message)
    gateway.emit(ev.Receipted(at_us, message.key, State.CANCELED, Cause.CANCELED), message)
    gateway.call(message, State.CANCELED, at_us)
    return message


_CANCELABLE = frozenset({State.ACCEPTED, State.QUEUED})


def redact(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Forget the text of a finished message."""
    found = _final(gateway, cast("Redact", command).key)
    if isinstance(found, Message):
        gateway.emit(ev.Redacted(at_us, found.key), found)
        gateway.store.rewrite(found)
    return found


def delete(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Forget a finished message."""
    found = _final(gateway, cast("Delete", command).key)
    if isinstance(found, Message):
        gateway.emit(ev.Deleted(at_us, found.key), found)
        gateway.store.delete(found)
        return None
    return found


def feedback(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Note whether the message did its work."""
    asked = cast("Feedback", command)
    message = gateway.store.get(asked.key)
    if message is None:
        return Rejection(Reason.NOT_FOUND)
    gateway.emit(ev.FeedbackGiven(at_us, message.key, asked.confirmed), message)
    gateway.store.rewrite(message)
    return message


def _final(gateway: Gateway, key: int) -> Message | Rejection:
    message = gateway.store.get(key)
    if message is None:
        return Rejection(Reason.NOT_FOUND)
    if message.state not in FINAL and message.state is not State.RECEIVED:
        return Rejection(Reason.NOT_FINISHED, detail=message.state.name.lower())
    return message


def delete_media(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Forget one medium of a message."""
    asked = cast("DeleteMedia", command)
    message = gateway.store.get(asked.key)
    media = () if message is None or message.extra is None else message.extra.media
    if message is None or not 0 <= asked.nth < len(media) or not media[asked.nth]:
        return Rejection(Reason.NOT_FOUND)
    gateway.emit(ev.MediaDeleted(at_us, message.key, asked.nth), message)
    gateway.store.rewrite(message)
    return None
