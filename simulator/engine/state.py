"""How each fact changes the message it is about: the only place that writes to a live message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from simulator.core import events as ev
from simulator.core.cause import Cause
from simulator.core.faults import Seam
from simulator.core.lifecycle import FATE, KNOWN
from simulator.core.message import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.message import Message

    Change = Callable[[Any, Message], None]  # each names the very kind it folds


# How far a state is on its way; one end may follow another, as a late receipt corrects one.
_STEPS = (State.NONE, State.SCHEDULED, State.ACCEPTED, State.QUEUED, State.SENDING, State.SENT)
_REACHED = {**dict.fromkeys(State, len(_STEPS)), **{state: n for n, state in enumerate(_STEPS)}}


def _known(message: Message, state: State, cause: Cause) -> None:
    if state not in KNOWN[message.state]:
        msg = f"no way from {message.state.name} to {state.name} (message {message.key:016x})"
        raise AssertionError(msg)
    message.state = state
    message.cause = cause


def _fate(message: Message, state: State, cause: Cause, at_us: int) -> None:
    if state not in FATE.get(message.fate, ()):
        msg = f"a fate is final: {message.fate.name} cannot become {state.name}"
        raise AssertionError(msg)
    message.fate, message.fate_cause, message.fate_us = state, cause, at_us


def _sending(event: ev.Event, message: Message) -> None:
    _known(message, State.SENDING, Cause.NONE)
    message.sending_us = event.at_us


def _sent(event: ev.Event, message: Message) -> None:
    _known(message, State.SENT, Cause.NONE)
    message.sent_us = event.at_us


def _attempted(event: ev.Attempted, message: Message) -> None:
    message.attempts = event.nth + 1


def _delivered(event: ev.Delivered, message: Message) -> None:
    message.attempts = event.attempts
    _fate(message, State.DELIVERED, Cause.NONE, event.at_us)


def _undelivered(event: ev.Undelivered, message: Message) -> None:
    _fate(message, State.UNDELIVERED, event.cause, event.at_us)


def _expired(event: ev.Expired, message: Message) -> None:
    _fate(message, State.EXPIRED, event.cause, event.at_us)


def _failed(event: ev.Failed, message: Message) -> None:
    _fate(message, State.FAILED, event.cause, event.at_us)


def _canceled(event: ev.Event, message: Message) -> None:
    _fate(message, State.CANCELED, Cause.CANCELED, event.at_us)


def _scheduled(_event: ev.Event, message: Message) -> None:
    """Say again how it was made: a message that is read back from a log was made of less."""
    message.state = State.SCHEDULED
    if message.told is State.ACCEPTED:
        message.told = State.SCHEDULED


def _released(_event: ev.Event, message: Message) -> None:
    _known(message, State.ACCEPTED, Cause.NONE)


def _queued(_event: ev.Event, message: Message) -> None:
    _known(message, State.QUEUED, Cause.NONE)


def _receipted(event: ev.Receipted, message: Message) -> None:
    _known(message, event.state, event.cause)
    message.known_us = event.at_us


def _told(event: ev.Told, message: Message) -> None:
    state = event.state
    if _REACHED[state] >= _REACHED[message.told]:  # a late "sent" does not undo "delivered"
        message.told, message.told_us = state, event.at_us


def _noticed(event: ev.Event, message: Message) -> None:
    message.noticed_us = event.at_us


def _opened(event: ev.Event, message: Message) -> None:
    message.opened_us = event.at_us


def _clicked(event: ev.Event, message: Message) -> None:
    message.clicked_us = event.at_us


def _replied(event: ev.Event, message: Message) -> None:
    message.replied_us = event.at_us


def _redacted(_event: ev.Event, message: Message) -> None:
    message.body, message.redacted = "", True


def _feedback(event: ev.FeedbackGiven, message: Message) -> None:
    message.feedback = 1 if event.confirmed else 2


def _media_deleted(event: ev.MediaDeleted, message: Message) -> None:
    assert message.extra is not None, f"message {message.key:016x} has no media"
    left = tuple("" if n == event.nth else url for n, url in enumerate(message.extra.media))
    message.extra = replace(message.extra, media=left)


def _deleted(event: ev.Event, message: Message) -> None:
    _redacted(event, message)
    if message.extra is not None:
        message.extra = replace(message.extra, media=tuple("" for _ in message.extra.media))


def _rule_fired(event: ev.RuleFired, message: Message) -> None:
    if event.seam is Seam.REPLY:  # the client never saw that it was accepted
        message.told, message.told_us = State.NONE, 0


CHANGES: Mapping[type[ev.Event], Change] = {
    ev.Sending: _sending,
    ev.Sent: _sent,
    ev.Attempted: _attempted,
    ev.Delivered: _delivered,
    ev.Undelivered: _undelivered,
    ev.Expired: _expired,
    ev.Failed: _failed,
    ev.Canceled: _canceled,
    ev.Receipted: _receipted,
    ev.Told: _told,
    ev.Noticed: _noticed,
    ev.Opened: _opened,
    ev.Clicked: _clicked,
    ev.Replied: _replied,
    ev.Redacted: _redacted,
    ev.Deleted: _deleted,
    ev.FeedbackGiven: _feedback,
    ev.Scheduled: _scheduled,
    ev.Released: _released,
    ev.Queued: _queued,
    ev.MediaDeleted: _media_deleted,
    ev.RuleFired: _rule_fired,
}


def hold(message: Message, steps: int) -> int:
    """Count outstanding steps and callbacks up or down; at 0 the message is finished."""
    message.pending += steps
    return message.pending
