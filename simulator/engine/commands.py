"""What each command does, once the gateway has fixed its instant; a table of plain functions.

A command writes facts through `Gateway.emit` and puts steps on the agenda; it decides nothing that
need not be answered to the caller at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from simulator.core import events as ev
from simulator.core.chance import key_of, message_key, person_key
from simulator.core.command import (
    Cancel,
    Configure,
    Delete,
    Feedback,
    Inject,
    Redact,
    Refusal,
    Submission,
    Touch,
    Wait,
)
from simulator.core.message import (
    CONTENDED,
    FINAL,
    Cause,
    Message,
    Origin,
    Reason,
    Rejection,
    State,
)
from simulator.core.queue import Queue
from simulator.engine import steps
from simulator.engine.inbound import inject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.command import Command
    from simulator.core.message import Account
    from simulator.engine.gateway import Gateway
    from simulator.engine.store import Shelf

Answer = Message | Rejection | None


def send(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Accept a submission, or refuse it for consent, a used reference, a quota or a full queue."""
    asked = cast("Submission", command)
    shelf = gateway.store.shelves[asked.account]
    rejection = _objection(shelf, asked)
    if rejection is None and gateway.physics.queues:
        rejection = _at_the_door(gateway, asked, at_us)
    if rejection is not None:
        return _reject(gateway, asked, rejection, at_us)
    if (caused := asked.caused) is None:
        body = asked.body if gateway.by_content else None
        k = shelf.next_k(asked.to, body)
        key = message_key(asked.account, asked.to, k, body)
        fate_key = message_key(shelf.account.lane, asked.to, k, body)
        origin, depth = Origin.CLIENT, 0
    else:
        key, fate_key, origin, depth = caused.key, caused.fate_key, caused.origin, caused.depth
    person8 = person_key(asked.to)
    carrier = gateway.people.carrier(asked.to, asked.country, person8).index
    message = Message(
        key,
        fate_key,
        asked.account,
        asked.to,
        asked.country,
        asked.sender,
        asked.body,
        asked.encoding,
        asked.segments,
        asked.reference,
        asked.callback_url,
        asked.notify,
        asked.validity_us,
        asked.can_reply,
        carrier,
        at_us,
        told=State.ACCEPTED,
        told_us=at_us,
        pending=1,
        origin=origin,
        depth=depth,
    )
    shelf.accepted += 1
    gateway.store.add(message, shelf)
    accepted = ev.Accepted(
        at_us, key, asked.account, asked.to, asked.sender, asked.encoding, asked.segments, carrier
    )
    gateway.emit(accepted, message)
    due_us, nth, data = steps.first(at_us)
    gateway.agenda.push((due_us, key, nth, data))
    return message


def _objection(shelf: Shelf, asked: Submission) -> Rejection | None:
    if shelf.opted_out and (asked.sender, asked.to) in shelf.opted_out:
        return Rejection(Reason.OPTED_OUT, detail=asked.to)
    if asked.unique_reference and shelf.key_of_reference(asked.reference) is not None:
        return Rejection(Reason.DUPLICATE_REFERENCE, detail=asked.reference)
    quota = shelf.account.quota
    if 0 <= quota <= shelf.accepted:
        return Rejection(Reason.OVER_QUOTA, detail=f"{quota} messages")
    return None


def _at_the_door(gateway: Gateway, asked: Submission, at_us: int) -> Rejection | None:
    """Let a message into its sender's queue, if it has one and there is room."""
    queue = gateway.physics.queues.get((asked.account, asked.sender))
    if queue is None:
        return None
    if queue.is_full(at_us):
        return Rejection(Reason.QUEUE_FULL, detail=asked.sender)
    queue.enter(at_us, asked.segments)
    return None


def refuse(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Note a request that a dialect refused."""
    asked = cast("Refusal", command)
    _reject(gateway, asked, Rejection(asked.reason), at_us)
    return None


def _reject(gateway: Gateway, asked: Submission | Refusal, why: Rejection, at_us: int) -> Rejection:
    contended = why.reason in CONTENDED
    refused = ev.Rejected(at_us, 0, asked.account, asked.to, why.reason, contended)
    gateway.emit(refused, None)
    return why


def configure(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Make an account or change its settings; what it pays changes only between messages."""
    account = cast("Configure", command).account
    shelf = gateway.store.shelves.get(account.id)
    if shelf is not None and terms(account) != terms(shelf.account) and busy(gateway, account.id):
        return Rejection(Reason.NOT_FINISHED, "policy", "messages are under way")
    if shelf is None:
        gateway.store.open(account)
    else:
        shelf.account = account
    _limit(gateway, account)
    gateway.emit(ev.AccountOpened(at_us, 0, account.id, account.dialect, account.policy), None)
    return None


def _limit(gateway: Gateway, account: Account) -> None:
    """Set how fast the account's senders send; a queue that there is goes on, at the new speed."""
    queues = gateway.physics.queues
    named = {limit.sender: limit for limit in account.limits}
    for pair in [pair for pair in queues if pair[0] == account.id and pair[1] not in named]:
        del queues[pair]
    for sender, limit in named.items():
        queue = queues.setdefault((account.id, sender), Queue(limit))
        queue.limit = limit


def terms(account: Account) -> tuple[str, int, str, int]:
    """Return what an account pays by."""
    return account.policy, account.price_micros, account.currency, account.tax_bp


def busy(gateway: Gateway, account: str) -> bool:
    """Tell whether an account has messages whose end the provider does not know yet."""
    live = gateway.store.live.values()
    return any(m.account == account and m.state in _UNDER_WAY for m in live)


_UNDER_WAY = frozenset({State.ACCEPTED, State.SENDING, State.SENT})


def touch(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Note that the customer has read these messages."""
    for key in cast("Touch", command).keys:
        message = gateway.store.get(key)
        if message is not None and message.told is not message.state:
            gateway.emit(ev.Told(at_us, key, message.state, by_read=True), message)
            gateway.store.rewrite(message)
    return None


def cancel(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Take back a message that still waits at the provider."""
    message = gateway.store.get(cast("Cancel", command).key)
    if message is None:
        return Rejection(Reason.NOT_FOUND)
    if message.state is not State.ACCEPTED:
        return Rejection(Reason.NOT_CANCELABLE, detail=message.state.name.lower())
    gateway.emit(ev.Canceled(at_us, message.key), message)
    gateway.emit(ev.Receipted(at_us, message.key, State.CANCELED, Cause.CANCELED), message)
    gateway.call(message, State.CANCELED, at_us)
    return message


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


def wait(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Put somebody's sleep, or alarm, on the agenda; one already due comes next."""
    asked = cast("Wait", command)
    gateway.waits[asked.token] = asked
    due_us = max(asked.until_us, at_us + 1)
    gateway.agenda.push((due_us, key_of("wait", asked.token), steps.WAIT, asked))
    return None


VERBS: Mapping[type[Command], Callable[[Gateway, Command, int], Answer]] = {
    Submission: send,
    Refusal: refuse,
    Configure: configure,
    Touch: touch,
    Inject: inject,
    Cancel: cancel,
    Redact: redact,
    Delete: delete,
    Feedback: feedback,
    Wait: wait,
}
