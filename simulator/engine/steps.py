"""What happens next to one message: pure functions from (message, instant) to facts and next steps.

Four tracks, each with at most one outstanding step:

    carriage   (RELEASE ->) (QUEUE ->) SENDING -> HANDOVER -> ATTEMPT (-> ATTEMPT ...) | GIVE_UP
    receipt    RECEIPT
    person     NOTICE -> OPEN -> REPLY
    link                 OPEN -> CLICK

A step decides from the message's keys and its own due instant, never from who came first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.core import events as ev
from simulator.core.carrier import (
    CARRIER_ACK_DEN,
    CARRIER_ACK_NUM,
    CARRIERS,
    CHOICE_US,
    CONGESTION_RETRY_US,
    NO_ROUTE,
    QUEUE_US,
)
from simulator.core.cause import Cause
from simulator.core.chance import Purpose, draw64, key_bytes, once, person_key, stream_of
from simulator.core.handset import absent_until
from simulator.core.message import State
from simulator.core.person import Reaction, react, reaction_streams
from simulator.core.text import has_link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.carrier import Carrier
    from simulator.core.extra import Extra
    from simulator.core.message import Message
    from simulator.core.people import People
    from simulator.core.queue import Queue

    StepOf = Callable[["Physics", Message, int, int, Any], "Step"]

# Step codes, the low bits of an agenda entry's nth; the repeat count stands above them.
# What stands before RECEIPT is nothing to a message that has met its fate: canceled, say.
RELEASE, QUEUE, SENDING, HANDOVER, ATTEMPT, GIVE_UP = range(1, 7)
RECEIPT, NOTICE, OPEN, CLICK, REPLY, CALLBACK, WAIT, ORDERS = range(7, 15)
CODE_BITS = 5
CODE_MASK = (1 << CODE_BITS) - 1

Next = tuple[int, int, object]  # due_us, nth << CODE_BITS | code, data
Step = tuple[tuple[ev.Event, ...], tuple[Next, ...]]


class Physics:
    """The world's laws, compiled for one seed: what every step reads and none writes.

    The exception is `queues`, of the senders that have a limit: by (account, sender), a place in
    one is taken in the order of the agenda.
    """

    def __init__(self, people: People) -> None:
        seed = people.seed
        self.people = people
        self.queues: dict[tuple[str, str], Queue] = {}
        self.transit = stream_of(seed, Purpose.TRANSIT)
        self.gone = stream_of(seed, Purpose.GONE)
        self.refuses = stream_of(seed, Purpose.REFUSES)
        self.congestion = stream_of(seed, Purpose.CONGESTION)
        self.receipt_delay = stream_of(seed, Purpose.RECEIPT_DELAY)
        self.reply_text = stream_of(seed, Purpose.REPLY_TEXT)
        self.reaction = reaction_streams(seed)
        self.sender = stream_of(seed, Purpose.SENDER)


def first(at_us: int, extra: Extra | None = None) -> Next:
    """Return the first step of a message accepted, or released, at `at_us`."""
    if extra is None:
        return at_us + QUEUE_US, SENDING, None
    if extra.send_at_us > at_us:
        return extra.send_at_us, RELEASE, None
    return (at_us + CHOICE_US, QUEUE, None) if extra.service else (at_us + QUEUE_US, SENDING, None)


def release(_physics: Physics, message: Message, at_us: int, _nth: int, _data: None) -> Step:
    """Let a scheduled message's instant come."""
    return (ev.Released(at_us, message.key),), (first(at_us, message.extra),)


def assign(_physics: Physics, message: Message, at_us: int, _nth: int, _data: None) -> Step:
    """Put a messaging service's message into its sender's queue."""
    return (ev.Queued(at_us, message.key),), (first(at_us),)


def sending(
    physics: Physics, message: Message, at_us: int, nth: int, overflows: bool | None
) -> Step:
    """Take the message from the provider's queue, or fail it there; the first time, queue it."""
    carrier = CARRIERS[message.carrier]
    if carrier is NO_ROUTE:
        return _fail(message, at_us, Cause.NO_ROUTE)
    if overflows:
        return _fail(message, at_us, Cause.QUEUE_OVERFLOW)
    if physics.queues and not nth:
        queue = physics.queues.get((message.account, message.sender))
        if queue is not None:
            return _queued(queue, message, at_us)
    if message.validity_us and at_us > message.begins_us + message.validity_us:
        return _fail(message, at_us, Cause.TOO_LATE)
    ack_us, rest_us = _transit(physics, message, carrier)
    return (ev.Sending(at_us, message.key),), ((at_us + ack_us, HANDOVER, rest_us),)


def _queued(queue: Queue, message: Message, at_us: int) -> Step:
    """Wait for the message's turn, or for the end of patience."""
    turn_us = queue.place(at_us, message.segments)
    if turn_us is None:
        return (), ((at_us + queue.limit.patience_us, 1 << CODE_BITS | SENDING, True),)
    return (), ((turn_us, 1 << CODE_BITS | SENDING, None),)


def handover(_physics: Physics, message: Message, at_us: int, _nth: int, rest: int) -> Step:
    """Hand the message to the carrier, which takes `rest` more microseconds to the handset."""
    return (ev.Sent(at_us, message.key),), ((at_us + rest, ATTEMPT, None),)


def attempt(physics: Physics, message: Message, at_us: int, nth: int, _data: None) -> Step:
    """Try to put the message on the handset."""
    key, people = message.key, physics.people
    person8 = person_key(message.to)
    persona = people.persona(message.country, person8)
    if once(person8, physics.gone) < persona.gone:
        return _undelivered(physics, message, at_us, Cause.NOT_IN_USE)
    if once(person8, physics.refuses) < persona.refuses:
        return _undelivered(physics, message, at_us, Cause.REFUSED)
    fate8 = key_bytes(message.fate_key)
    bits = draw64(physics.congestion, fate8, nth) if nth else once(fate8, physics.congestion)
    if bits < people.congestion_limit:
        return _again(physics, message, at_us, nth, Cause.CONGESTION)
    if absent_until(persona.away, person8, at_us):
        return _again(physics, message, at_us, nth, Cause.ABSENT)
    law = CARRIERS[message.carrier].receipt_delivered
    receipt = (at_us + 1 + law.at(once(fate8, physics.receipt_delay)), RECEIPT, None)
    reaction = react(
        persona,
        physics.reaction,
        fate8,
        at_us,
        can_reply=message.can_reply,
        has_link=has_link(message.body),
    )
    delivered = (ev.Delivered(at_us, key, nth + 1),)
    if not reaction.noticed_us:
        return delivered, (receipt,)
    return delivered, (receipt, (reaction.noticed_us, NOTICE, reaction))


def give_up(physics: Physics, message: Message, at_us: int, _nth: int, cause: Cause) -> Step:
    """Let a message expire at the end of its validity."""
    return (ev.Expired(at_us, message.key, cause),), (_failed_receipt(physics, message, at_us),)


def receipt(_physics: Physics, message: Message, at_us: int, _nth: int, _data: None) -> Step:
    """Let the provider know the fate."""
    return (ev.Receipted(at_us, message.key, message.fate, message.fate_cause),), ()


def notice(_physics: Physics, message: Message, at_us: int, _nth: int, reaction: Reaction) -> Step:
    """Let the person see the banner."""
    following = ((reaction.opened_us, OPEN, reaction),) if reaction.opened_us else ()
    return (ev.Noticed(at_us, message.key),), following


def opening(_physics: Physics, message: Message, at_us: int, _nth: int, reaction: Reaction) -> Step:
    """Let the person read the message."""
    following: tuple[Next, ...] = ()
    if reaction.replied_us:
        following = ((reaction.replied_us, REPLY, reaction),)
    if reaction.clicked_us:
        following += ((reaction.clicked_us, CLICK, None),)
    return (ev.Opened(at_us, message.key),), following


def click(_physics: Physics, message: Message, at_us: int, _nth: int, _data: None) -> Step:
    """Let the person follow the link."""
    return (ev.Clicked(at_us, message.key),), ()


def _transit(physics: Physics, message: Message, carrier: Carrier) -> tuple[int, int]:
    """Return the times from the provider's queue to the carrier, and on to the handset."""
    transit = carrier.transit.at(once(key_bytes(message.fate_key), physics.transit))
    ack = transit * CARRIER_ACK_NUM // CARRIER_ACK_DEN
    return 1 + ack, 1 + transit - ack


def _fail(message: Message, at_us: int, cause: Cause) -> Step:
    """Fail at the provider, which knows it at once."""
    key = message.key
    return (
        ev.Failed(at_us, key, cause),
        ev.Receipted(at_us, key, State.FAILED, cause),
    ), ()


def _undelivered(physics: Physics, message: Message, at_us: int, cause: Cause) -> Step:
    return (ev.Undelivered(at_us, message.key, cause),), (_failed_receipt(physics, message, at_us),)


def _failed_receipt(physics: Physics, message: Message, at_us: int) -> Next:
    law = CARRIERS[message.carrier].receipt_failed
    bits = once(key_bytes(message.fate_key), physics.receipt_delay)
    return at_us + 1 + law.at(bits), RECEIPT, None


def _again(physics: Physics, message: Message, at_us: int, nth: int, cause: Cause) -> Step:
    """Plan another attempt by the carrier's schedule, or the end of its patience."""
    carrier = CARRIERS[message.carrier]
    if carrier.retries is not None and nth >= carrier.retries:
        return _undelivered(physics, message, at_us, cause)
    gap = carrier.retry_us[min(nth, len(carrier.retry_us) - 1)]
    if cause is Cause.CONGESTION:
        gap = CONGESTION_RETRY_US
    deadline = message.begins_us + carrier.validity_us
    tried = (ev.Attempted(at_us, message.key, nth, cause),)
    if at_us + gap > deadline:
        return tried, ((max(deadline, at_us + 1), GIVE_UP, cause),)
    return tried, ((at_us + gap, (nth + 1) << CODE_BITS | ATTEMPT, None),)


# By code. The data of an entry is what the step before put there for this one.
STEPS: Mapping[int, StepOf] = {
    RELEASE: release,
    QUEUE: assign,
    SENDING: sending,
    HANDOVER: handover,
    ATTEMPT: attempt,
    GIVE_UP: give_up,
    RECEIPT: receipt,
    NOTICE: notice,
    OPEN: opening,
    CLICK: click,
}
