"""What people write: replies and injected messages, what they wish, what is answered to a wish."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from simulator.core import events as ev
from simulator.core.chance import draw64, key_bytes, key_of, person_key
from simulator.core.command import Inject
from simulator.core.consent import Wish
from simulator.core.extra import Extra
from simulator.core.message import Message, Origin, State
from simulator.core.number import Number, parse
from simulator.core.person import reply_words
from simulator.core.text import count
from simulator.core.trouble import Trouble
from simulator.engine import special

if TYPE_CHECKING:
    from simulator.core.command import Command
    from simulator.core.message import Account
    from simulator.core.person import Reaction
    from simulator.engine.gateway import Gateway


class _Cause(NamedTuple):
    """Where an inbound message comes from.

    Attributes:
        key, fate_key: of the message to be.
        country: of the person, as far as it is known.
        answers: the message that it answers, or 0.
        depth: of the message to be.
    """

    key: int
    fate_key: int
    country: str = ""
    answers: int = 0
    depth: int = 0


def inject(gateway: Gateway, command: Command, at_us: int) -> Message:
    """Let a person write to the account."""
    asked = cast("Inject", command)
    shelf = gateway.store.shelves[asked.account]
    k = shelf.next_k(f"from {asked.person}", None)
    key = key_of("injected", asked.account, asked.person, k)
    fate_key = key_of("injected", shelf.account.lane, asked.person, k)
    return _receive(gateway, shelf.account, asked, _Cause(key, fate_key), at_us)


def replied(gateway: Gateway, message: Message, at_us: int, reaction: Reaction) -> None:
    """Let the person answer a message: a step, but its answer arrives like an injection."""
    gateway.emit(ev.Replied(at_us, message.key, reaction.stops), message)
    bits = draw64(gateway.physics.reply_text, key_bytes(message.fate_key))
    body = "STOP" if reaction.stops else reply_words(message.country, bits)
    words = Inject(message.account, message.to, message.sender, body)
    account = gateway.store.shelves[message.account].account
    cause = _Cause(
        key_of("answer", message.key),
        key_of("answer", message.fate_key),
        message.country,
        message.key,
        message.depth + 1,
    )
    _receive(gateway, account, words, cause, at_us)
    gateway.release(message, 1)


def _receive(
    gateway: Gateway, account: Account, words: Inject, cause: _Cause, at_us: int
) -> Message:
    encoding, segments = count(words.body)
    service = special.service_of(account, words.sender)
    message = Message(
        cause.key,
        cause.fate_key,
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
        depth=cause.depth,
        extra=Extra(service=service.id) if service else None,
    )
    gateway.store.add(message, gateway.store.shelves[account.id])
    received = ev.Received(at_us, cause.key, account.id, words.person, cause.answers)
    gateway.emit(received, message)
    wish = _heed(gateway, account, words, at_us)
    if (answer := account.keywords.answer_to(wish)) and gateway.causes(at_us):
        _answer(gateway, message, cause.country, wish, answer)
    gateway.call(message, State.RECEIVED, at_us)
    gateway.release(message, 1)
    return message


def _heed(gateway: Gateway, account: Account, words: Inject, at_us: int) -> Wish:
    """Note an opt-out or opt-in; return what is to be answered: a wish fulfilled before is not."""
    opted_out = gateway.store.shelves[account.id].opted_out
    pair = (special.scope_of(account, words.sender), words.person)
    wish = account.keywords.wish_of(words.body)
    if wish is Wish.STOP and pair not in opted_out:
        opted_out.add(pair)
        gateway.emit(ev.OptedOut(at_us, 0, account.id, words.person, words.sender), None)
        return wish
    if wish is Wish.START and pair in opted_out:
        opted_out.discard(pair)
        gateway.emit(ev.OptedIn(at_us, 0, account.id, words.person, words.sender), None)
        return wish
    return wish if wish is Wish.HELP else Wish.NOTHING


def _answer(gateway: Gateway, to: Message, country: str, wish: Wish, body: str) -> None:
    """Answer by itself: a message that is handed over, and that nobody is billed for."""
    at_us, sender, person = to.known_us, to.to, to.sender
    if not gateway.replies.may(to.account, (sender, person), at_us):
        loop = Trouble.REPLY_LOOP
        gateway.emit(ev.Warned(at_us, to.key, to.account, loop), to)
        return
    encoding, segments = count(body)
    key = key_of("automatic", to.key)
    if not country and isinstance(found := parse(person), Number):
        country = found.country
    carrier = gateway.people.carrier(person, country, person_key(person))
    message = Message(
        key,
        key_of("automatic", to.fate_key),
        to.account,
        person,
        country,
        sender,
        body,
        encoding,
        segments,
        "",
        "",
        0,
        0,
        can_reply=False,
        carrier=carrier.index,
        accepted_us=at_us,
        state=State.SENT,
        sent_us=at_us,
        told=State.SENT,
        told_us=at_us,
        origin=Origin.AUTOMATIC,
        depth=to.depth + 1,
    )
    gateway.store.add(message, gateway.store.shelves[to.account])
    gateway.emit(ev.AutoReplied(at_us, key, to.account, person, to.key, wish), message)
    gateway.store.finish(message)
