"""What each command does, once the gateway has fixed its instant; a table of plain functions.

A command writes facts through `Gateway.emit` and puts steps on the agenda; it decides nothing that
need not be answered to the caller at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from simulator.core import events as ev
from simulator.core.chance import key_of, message_key, person_key
from simulator.core.command import (
    Answer,
    Cancel,
    Configure,
    Delete,
    DeleteMedia,
    Feedback,
    Fire,
    Inject,
    Redact,
    Refusal,
    Release,
    SetRules,
    Submission,
    Touch,
    Wait,
)
from simulator.core.lifecycle import KNOWN
from simulator.core.message import (
    CONTENDED,
    FINAL,
    Message,
    Origin,
    Reason,
    Rejection,
    State,
)
from simulator.core.queue import Queue
from simulator.engine import aimed, once, special, steps
from simulator.engine.detours import fire, release, set_rules
from simulator.engine.inbound import inject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.command import Command
    from simulator.core.message import Account
    from simulator.engine.gateway import Gateway
    from simulator.engine.store import Shelf


def send(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Accept a submission, or refuse it for consent, a used reference, a quota or a full queue."""
    asked = cast("Submission", command)
    shelf = gateway.store.shelves[asked.account]
    state = State.ACCEPTED
    if asked.extra is not None:
        if asked.extra.dry:
            return special.pretended(shelf, asked, at_us)
        state = State.SCHEDULED if asked.extra.send_at_us else state
        asked = special.with_sender(gateway.physics, asked)
    rejection = _objection(gateway, shelf, asked, at_us)
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
    carrier = gateway.people.carrier(asked.to, asked.country, person_key(asked.to)).index
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
        state=state,
        told=state,
        told_us=at_us,
        feedback=2 if asked.extra is not None and asked.extra.feedback else 0,
        pending=1,
        origin=origin,
        depth=depth,
        extra=asked.extra,
    )
    shelf.accepted += 1
    gateway.store.add(message, shelf)
    accepted = ev.Accepted(
        at_us, key, asked.account, asked.to, asked.sender, asked.encoding, asked.segments, carrier
    )
    gateway.emit(accepted, message)
    if state is State.SCHEDULED:
        special.scheduled(gateway, shelf, message)
    due_us, nth, data = steps.first(at_us, asked.extra)
    gateway.agenda.push((due_us, key, nth, data))
    return message


def _objection(gateway: Gateway, shelf: Shelf, asked: Submission, at_us: int) -> Rejection | None:
    if (
        shelf.opted_out
        and (special.scope_of(shelf.account, asked.sender), asked.to) in shelf.opted_out
    ):
        return Rejection(Reason.OPTED_OUT, detail=asked.to)
    if asked.unique_reference and shelf.key_of_reference(asked.reference) is not None:
        return Rejection(Reason.DUPLICATE_REFERENCE, detail=asked.reference)
    quota = shelf.account.quota
    if 0 <= quota <= shelf.accepted:
        return Rejection(Reason.OVER_QUOTA, detail=f"{quota} messages")
    if asked.extra is not None and asked.extra.send_at_us:
        return special.unschedulable(shelf, asked.extra.send_at_us, at_us)
    return _at_the_door(gateway, asked, at_us) if gateway.physics.queues else None


def _at_the_door(gateway: Gateway, asked: Submission, at_us: int) -> Rejection | None:
    """Let a message into its sender's queue, if it has one and there is room.

    A message through a service, or for later, is let in anyhow and fails in the queue if it must.
    """
    if asked.extra is not None and (asked.extra.service or asked.extra.send_at_us):
        return None
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


_UNDER_WAY = frozenset(KNOWN) - FINAL - {State.NONE, State.RECEIVED}


def touch(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Note that the customer has read these messages."""
    for key in cast("Touch", command).keys:
        message = gateway.store.get(key)
        if message is not None and message.told is not message.state:
            gateway.emit(ev.Told(at_us, key, message.state, by_read=True), message)
            gateway.store.rewrite(message)
    return None


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
    Cancel: aimed.cancel,
    Redact: aimed.redact,
    Delete: aimed.delete,
    DeleteMedia: aimed.delete_media,
    Feedback: aimed.feedback,
    Wait: wait,
    SetRules: set_rules,
    Fire: fire,
    Release: release,
    **once.VERBS,
}
