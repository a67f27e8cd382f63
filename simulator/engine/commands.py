"""What each command does, once the gateway has fixed its instant; a table of plain functions.

A command writes facts through `Gateway.emit` and puts steps on the agenda; it decides nothing that
need not be answered to the caller at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from simulator.core import events as ev
from simulator.core.chance import draw64, key_bytes, key_of, message_key, person_key
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
from simulator.core.consent import Wish, wish_of
from simulator.core.message import FINAL, Cause, Message, Reason, Rejection, State
from simulator.core.person import reply_words
from simulator.core.text import count
from simulator.engine import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.command import Command
    from simulator.core.message import Account
    from simulator.core.person import Reaction
    from simulator.engine.gateway import Gateway
    from simulator.engine.store import Shelf

Answer = Message | Rejection | None


def send(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Accept a submission, or refuse it for consent, a used reference or a quota."""
    asked = cast("Submission", command)
    shelf = gateway.store.shelves[asked.account]
    rejection = _objection(shelf, asked)
    if rejection is not None:
        gateway.emit(ev.Rejected(at_us, 0, asked.account, asked.to, rejection.reason), None)
        return rejection
    body = asked.body if gateway.by_content else None
    k = shelf.next_k(asked.to, body)
    key = message_key(asked.account, asked.to, k, body)
    person8 = person_key(asked.to)
    carrier = gateway.people.carrier(asked.to, asked.country, person8).index
    message = Message(
        key,
        message_key(shelf.account.lane, asked.to, k, body),
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
    )
    shelf.accepted += 1
    gateway.store.add(message, shelf)
    gateway.emit(
        ev.Accepted(
            at_us,
            key,
            asked.account,
            asked.to,
            asked.sender,
            asked.encoding,
            asked.segments,
            carrier,
        ),
        message,
    )
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


def refuse(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Note a request that a dialect refused."""
    asked = cast("Refusal", command)
    gateway.emit(ev.Rejected(at_us, 0, asked.account, asked.to, asked.reason), None)
    return None


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
    gateway.emit(ev.AccountOpened(at_us, 0, account.id, account.dialect, account.policy), None)
    return None


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


def inject(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Let a person write to the account."""
    asked = cast("Inject", command)
    shelf = gateway.store.shelves[asked.account]
    k = shelf.next_k(f"from {asked.person}", None)
    key = key_of("injected", asked.account, asked.person, k)
    return _receive(gateway, shelf.account, asked, key, at_us, answers=0)


def replied(gateway: Gateway, message: Message, at_us: int, reaction: Reaction) -> None:
    """Let the person answer a message: a step, but its answer arrives like an injection."""
    gateway.emit(ev.Replied(at_us, message.key, reaction.stops), message)
    bits = draw64(gateway.physics.reply_text, key_bytes(message.fate_key))
    body = "STOP" if reaction.stops else reply_words(message.country, bits)
    words = Inject(message.account, message.to, message.sender, body)
    account = gateway.store.shelves[message.account].account
    key = key_of("answer", message.key)
    _receive(gateway, account, words, key, at_us, answers=message.key)
    gateway.release(message, 1)


def _receive(  # noqa: PLR0913 - one caller has a reply, the other an injection
    gateway: Gateway, account: Account, words: Inject, key: int, at_us: int, *, answers: int
) -> Message:
    encoding, segments = count(words.body)
    message = Message(
        key,
        key,
        account.id,
        words.sender,
        "",
        words.person,
        words.body,
        encoding,
        segments,
        "",
        account.inbound_url,
        1 << State.RECEIVED if account.inbound_url else 0,
        0,
        can_reply=False,
        carrier=0,
        accepted_us=at_us,
        inbound=True,
        state=State.RECEIVED,
        known_us=at_us,
        pending=1,
    )
    gateway.store.add(message, gateway.store.shelves[account.id])
    gateway.emit(ev.Received(at_us, key, account.id, words.person, answers), message)
    _heed(gateway, account, words, at_us)
    gateway.call(message, State.RECEIVED, at_us)
    gateway.release(message, 1)
    return message


def _heed(gateway: Gateway, account: Account, words: Inject, at_us: int) -> None:
    """Note an opt-out or opt-in."""
    opted_out = gateway.store.shelves[account.id].opted_out
    pair = (words.sender, words.person)
    wish = wish_of(words.body)
    if wish is Wish.STOP and pair not in opted_out:
        opted_out.add(pair)
        gateway.emit(ev.OptedOut(at_us, 0, account.id, words.person, words.sender), None)
    elif wish is Wish.START and pair in opted_out:
        opted_out.discard(pair)
        gateway.emit(ev.OptedIn(at_us, 0, account.id, words.person, words.sender), None)


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
