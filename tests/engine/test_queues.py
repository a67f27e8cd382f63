"""Limits of senders: the queue fills at the door, and empties in the agenda's order."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.cause import Cause
from simulator.core.command import Cancel
from simulator.core.events import Rejected
from simulator.core.message import Message, Reason, Rejection, State
from simulator.core.queue import Throughput
from tests.worlds import (
    DAY_US,
    EVERY_STATE,
    HOUR_US,
    LONG_US,
    MINUTE_US,
    SECOND_US,
    START_US,
    URL,
    account,
    advance,
    facts,
    habits,
    kinds,
    phone,
    run,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from simulator.engine.world import World

SLOW = Throughput("12345", 1_000)


def limited(limit: Throughput = SLOW, **more: Any) -> World:
    """One segment a second from 12345, unless told otherwise; people are calm."""
    return world(account(limits=(limit,), **more), habits=habits())


def limit(queue_s: int = 0, patience_s: int = 0) -> Throughput:
    return Throughput("12345", 1_000, queue_s * SECOND_US, patience_s * SECOND_US)


def gaps(messages: list[Message]) -> list[int]:
    instants = sorted(m.sending_us for m in messages)
    return [later - earlier for earlier, later in pairwise(instants)]


def test_a_sender_sends_no_faster_than_its_limit() -> None:
    here = limited()
    messages = [send(here, sms(phone(i))) for i in range(20)]
    run(here, START_US + LONG_US)
    assert gaps(messages) == [SECOND_US] * 19
    assert {m.state for m in messages} == {State.DELIVERED}


def test_a_long_message_takes_as_many_turns_as_it_has_segments() -> None:
    here = limited()
    messages = [send(here, sms(phone(i), "あ" * 200)) for i in range(3)]
    assert messages[0].segments == 3
    run(here, START_US + LONG_US)
    assert gaps(messages) == [3 * SECOND_US] * 2


def test_an_undeclared_sender_has_no_limit_and_waits_for_nobody() -> None:
    here = limited()
    waiting = [send(here, sms(phone(i))) for i in range(10)]
    free = [send(here, sms(phone(i), sender="777")) for i in range(10)]
    run(here, START_US + LONG_US)
    assert {m.sending_us for m in free} == {min(m.sending_us for m in waiting) - 1}


def test_the_limit_of_one_account_is_nothing_to_another() -> None:
    here = world(account("a", limits=(SLOW,)), account("b"), habits=habits())
    for i in range(5):
        send(here, sms(phone(i), account="a"))
    others = [send(here, sms(phone(i), account="b")) for i in range(5)]
    run(here, START_US + LONG_US)
    assert len({m.sending_us for m in others}) == 1


def test_places_in_a_queue_do_not_depend_on_who_came_first() -> None:
    digests = set()
    for shuffle in range(6):
        here = limited()
        order = list(range(40))
        Random(shuffle).shuffle(order)
        for i in order:
            send(here, sms(phone(i), callback_url=URL, notify=EVERY_STATE))
        advance(here)
        digests.add(here.log.digest())
    assert len(digests) == 1


def test_waiting_calls_nobody_back() -> None:
    here = limited()
    notify = EVERY_STATE | 1 << State.ACCEPTED
    for i in range(3):
        send(here, sms(phone(i), callback_url=URL, notify=notify))
    advance(here)
    told = [f.state for f in facts(here) if type(f).__name__ == "Told"]  # type: ignore[attr-defined]
    assert sorted(told) == sorted([State.SENDING, State.SENT, State.DELIVERED] * 3)


def test_a_full_queue_is_refused_at_once_and_the_refusal_says_that_it_is_contended() -> None:
    here = limited(limit(queue_s=3))
    answers = [here.gateway.submit(sms(phone(i)), START_US) for i in range(10)]
    refused = [a for a in answers if isinstance(a, Rejection)]
    assert len(refused) == 6
    assert {r.reason for r in refused} == {Reason.QUEUE_FULL}
    events = [fact for fact in facts(here) if isinstance(fact, Rejected)]
    assert [fact.contended for fact in events] == [True] * 6
    assert here.truth.refused["shop", Reason.QUEUE_FULL] == 6


def test_a_queue_has_room_again_when_it_has_sent_something() -> None:
    here = limited(limit(queue_s=3))
    for i in range(10):
        here.gateway.submit(sms(phone(i)), START_US)
    later_us = START_US + 5 * SECOND_US // 2
    run(here, later_us)
    answers = [here.gateway.submit(sms(phone(i)), later_us) for i in range(5)]
    assert [isinstance(a, Message) for a in answers] == [True, True, False, False, False]


def test_bad_input_13_ten_times_the_rate_is_queued_then_refused_and_fair_to_others() -> None:
    """A minute at ten messages a second, where one is allowed and a minute of them may wait."""
    hog = Throughput("12345", 1_000, MINUTE_US, MINUTE_US)
    here = world(account("hog", limits=(hog,)), account("fair", limits=(SLOW,)), habits=habits())
    accepted, refused = [], 0
    for i in range(600):
        at_us = START_US + i * SECOND_US // 10
        run(here, at_us)
        answer = here.gateway.submit(sms(phone(i), account="hog"), at_us)
        if isinstance(answer, Message):
            accepted.append(answer)
        else:
            refused += 1
        if i % 10 == 0:
            send(here, sms(phone(i), account="fair"), at_us)
    assert 119 <= len(accepted) <= 122
    assert refused == 600 - len(accepted)
    run(here, START_US + LONG_US)
    assert {m.state for m in accepted} == {State.DELIVERED}
    assert max(m.sending_us - m.accepted_us for m in accepted) <= MINUTE_US + SECOND_US
    fair = [here.store.get(key) for key in here.store.shelves["fair"].keys]
    assert max(m.sending_us - m.accepted_us for m in fair if m) < SECOND_US
    assert len(here.gateway.physics.queues) == 2


def test_a_message_whose_turn_comes_too_late_fails_when_its_patience_ends() -> None:
    here = limited(limit(patience_s=5))
    messages = [send(here, sms(phone(i))) for i in range(10)]
    run(here, START_US + LONG_US)
    failed = [m for m in messages if m.state is State.FAILED]
    assert len(failed) == 4  # a turn after exactly 5 s is in time
    assert {m.cause for m in failed} == {Cause.QUEUE_OVERFLOW}
    (waited,) = {m.known_us - m.accepted_us for m in failed}
    assert 5 * SECOND_US <= waited < 6 * SECOND_US
    assert kinds(here, failed[0].key) == ["Accepted", "Failed", "Receipted"]


def test_who_is_taken_back_while_it_waits_leaves_its_place_empty() -> None:
    here = limited()
    messages = [send(here, sms(phone(i))) for i in range(5)]
    at_us = START_US + SECOND_US // 2
    run(here, at_us)
    waiting = sorted((m for m in messages if not m.sending_us), key=lambda m: m.key)
    here.gateway.submit(Cancel(waiting[0].key), at_us)
    run(here, START_US + LONG_US)
    assert waiting[0].state is State.CANCELED
    assert gaps([m for m in messages if m is not waiting[0]])
    assert sum(m.state is State.DELIVERED for m in messages) == 4
    assert not here.store.live


def test_validity_goes_on_in_the_queue() -> None:
    here = limited()
    messages = [send(here, sms(phone(i), validity_us=3 * SECOND_US)) for i in range(6)]
    run(here, START_US + LONG_US)
    assert sum(m.cause is Cause.TOO_LATE for m in messages) == 3


def test_a_limit_may_change_and_go_while_messages_wait() -> None:
    here = limited()
    first = [send(here, sms(phone(i))) for i in range(5)]
    run(here, START_US + SECOND_US // 2)
    here.configure(account(limits=(Throughput("12345", 10_000),)), START_US + SECOND_US // 2)
    second = [send(here, sms(phone(i)), START_US + SECOND_US // 2) for i in range(3)]
    run(here, START_US + HOUR_US)
    assert gaps(first) == [SECOND_US] * 4
    assert gaps(second) == [SECOND_US // 10] * 2
    here.configure(account(), START_US + HOUR_US)
    assert here.gateway.physics.queues == {}
    last = [send(here, sms(phone(i)), START_US + HOUR_US) for i in range(3)]
    run(here, START_US + LONG_US)
    assert gaps(last) == [0, 0]


def test_a_reset_empties_the_queue_and_keeps_the_limit() -> None:
    here = limited(limit(queue_s=3))
    for i in range(10):
        here.gateway.submit(sms(phone(i)), START_US)
    here.reset()
    answers = [here.gateway.submit(sms(phone(i)), START_US) for i in range(10)]
    assert sum(isinstance(a, Message) for a in answers) == 4


@pytest.mark.parametrize("rate", [1_000, 1_000_000])
def test_a_queue_is_two_numbers_however_long_it_is(rate: int) -> None:
    here = limited(Throughput("12345", rate), price_micros=1)
    for i in range(2_000):
        send(here, sms(phone(i % 50)))
    run(here, START_US + DAY_US)
    (queue,) = here.gateway.physics.queues.values()
    assert queue.__slots__ == ("door_us", "free_us", "limit")
    assert not hasattr(queue, "__dict__")
