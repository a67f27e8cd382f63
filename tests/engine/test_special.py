"""Sends that are not ordinary: scheduled, through a messaging service, with test credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.account import Schedule, Service
from simulator.core.cause import Cause
from simulator.core.command import Cancel, Configure, DeleteMedia, Inject, Redact
from simulator.core.extra import Extra
from simulator.core.message import Account, Message, Reason, Rejection, State
from simulator.core.queue import Throughput
from simulator.engine.waiting import Waiting
from tests.worlds import (
    DAY_US,
    EVERY_STATE,
    HOUR_US,
    START_US,
    URL,
    account,
    advance,
    calls,
    facts,
    fates,
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

POOL = tuple(f"+1202555{n:04}" for n in range(100, 108))
SERVICE = Service("MG1", POOL)
LATER_US = START_US + HOUR_US


def later(send_at_us: int = LATER_US, **more: Any) -> Any:
    return sms(extra=Extra(send_at_us=send_at_us, **more.pop("extra", {})), **more)


def served(to: str | None = None, **more: Any) -> Any:
    return sms(to, sender="", extra=Extra(service="MG1", pool=POOL), **more)


def calm(**settings: Any) -> World:
    return world(account(**settings), habits=habits())


# Scheduled.


def test_a_scheduled_message_waits_for_its_instant_and_then_lives() -> None:
    here = calm()
    message = send(here, later())
    assert (message.state, message.told) == (State.SCHEDULED, State.SCHEDULED)
    run(here, LATER_US - 1)
    assert kinds(here) == ["Accepted", "Scheduled"]
    advance(here)
    assert kinds(here, message.key)[:5] == ["Accepted", "Scheduled", "Released", "Sending", "Sent"]
    released = next(fact for fact in facts(here) if type(fact).__name__ == "Released")
    assert released.at_us == LATER_US
    assert message.state is State.DELIVERED


def test_a_scheduled_message_meets_the_fate_of_one_sent_at_that_instant() -> None:
    def ends(asked: Any, at_us: int) -> set[tuple[object, ...]]:
        here = world(seed=3)
        run(here, at_us - 1)
        for i in range(60):
            here.gateway.submit(asked(phone(i)), at_us)
        advance(here)
        known = (here.store.get(key) for key in here.store.shelves["shop"].keys)
        return {(m.to, m.fate, m.fate_us, m.opened_us) for m in known if m and not m.inbound}

    assert ends(lambda to: later(to=to), START_US) == ends(sms, LATER_US)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(300_000_000, 3_600_000_000), "send 300 to 3600 s ahead"),
        (Schedule(lead_us_min=300_000_000), "send 300 s or more ahead"),
    ],
)
def test_an_instant_out_of_range_is_refused_with_the_range(schedule: Schedule, words: str) -> None:
    here = calm(schedule=schedule)
    said = here.gateway.submit(later(START_US + 1_000_000), START_US)
    assert isinstance(said, Rejection)
    assert said.detail == f"saw an instant 1 s ahead of now; {words}"


def test_validity_begins_at_the_instant_and_not_at_the_request() -> None:
    here = calm()
    message = send(here, later(validity_us=1_000_000))
    advance(here)
    assert message.state is State.DELIVERED


def test_a_scheduled_message_calls_back_about_each_state_that_was_not_told() -> None:
    here = calm()
    notify = EVERY_STATE | 1 << State.ACCEPTED
    send(here, later(callback_url=URL, notify=notify))
    assert [call.state for call in calls(here, START_US + DAY_US)] == [
        State.ACCEPTED,
        State.SENDING,
        State.SENT,
        State.DELIVERED,
    ]


def test_a_canceled_message_is_neither_sent_nor_charged() -> None:
    here = calm(policy="twilio")
    message = send(here, later(extra={"service": "MG1"}))
    assert here.gateway.submit(Cancel(message.key, scheduled=True), START_US + 1) is message
    assert (message.state, message.cause) == (State.CANCELED, Cause.CANCELED)
    advance(here)
    assert kinds(here) == ["Accepted", "Scheduled", "Canceled", "Receipted"]
    (invoice,) = here.ledger.invoices()
    assert (invoice.units, invoice.excluded_units, invoice.total_micros) == (0, 1, 0)
    assert not here.store.live


def test_what_has_left_its_schedule_can_no_longer_be_canceled_as_scheduled() -> None:
    here = calm()
    message = send(here, later())
    run(here, LATER_US)
    assert message.state is State.ACCEPTED
    refused = here.gateway.submit(Cancel(message.key, scheduled=True), LATER_US)
    assert isinstance(refused, Rejection)
    assert refused.reason is Reason.NOT_CANCELABLE
    assert here.gateway.submit(Cancel(message.key), LATER_US) is message


def test_a_scheduled_message_is_under_way_so_terms_and_text_stay() -> None:
    here = calm()
    message = send(here, later())
    refused = here.gateway.submit(Redact(message.key), START_US)
    assert isinstance(refused, Rejection)
    assert refused.reason is Reason.NOT_FINISHED
    refused = here.gateway.submit(Configure(account(policy="twilio")), START_US)
    assert isinstance(refused, Rejection)


@pytest.mark.parametrize(
    ("lead_us", "reason"),
    [
        (300_000_000, None),
        (299_999_999, Reason.BAD_PARAMETER),
        (0, Reason.BAD_PARAMETER),
        (-1, Reason.BAD_PARAMETER),
        (35 * DAY_US, None),
        (35 * DAY_US + 1, Reason.BAD_PARAMETER),
    ],
)
def test_how_far_ahead_is_the_accounts_to_say(lead_us: int, reason: Reason | None) -> None:
    here = calm(schedule=Schedule(300_000_000, 35 * DAY_US))
    answer = here.gateway.submit(later(START_US + lead_us), START_US)
    assert (answer.reason if isinstance(answer, Rejection) else None) is reason


def test_an_account_without_limits_may_schedule_any_instant_to_come() -> None:
    here = calm()
    assert isinstance(here.gateway.submit(later(START_US + 1000 * DAY_US), START_US), Message)
    assert isinstance(here.gateway.submit(later(START_US), START_US), Rejection)


def test_so_many_may_wait_at_a_time_and_the_canceled_and_released_wait_no_longer() -> None:
    here = calm(schedule=Schedule(most=2))
    gateway = here.gateway
    first = send(here, later(LATER_US, to=phone(0)))
    send(here, later(LATER_US + 1, to=phone(1)))
    full = gateway.submit(later(LATER_US, to=phone(2)), START_US)
    assert isinstance(full, Rejection)
    assert full.reason is Reason.SCHEDULE_FULL
    gateway.submit(Cancel(first.key), START_US)
    send(here, later(LATER_US + 2, to=phone(3)))
    assert isinstance(gateway.submit(later(LATER_US, to=phone(4)), START_US), Rejection)
    run(here, LATER_US + 1)
    assert isinstance(gateway.submit(later(LATER_US + 9, to=phone(5)), LATER_US + 1), Message)


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=30), st.integers(0, 60))
def test_the_count_of_waiting_messages_is_that_of_a_plain_list(
    sent: list[tuple[int, bool]], at: int
) -> None:
    waiting = Waiting()
    for key, (due, _) in enumerate(sent):
        waiting.add(due, key)
    for key, (_, canceled) in enumerate(sent):
        if canceled:
            waiting.cancel(key)
    assert waiting.count(at) == sum(due > at and not canceled for due, canceled in sent)
    assert waiting.count(60) == 0


# Through a messaging service.


def test_a_service_chooses_the_sender_and_queues_then() -> None:
    here = calm(services=(SERVICE,))
    message = send(here, served())
    assert message.sender in POOL
    assert message.extra == Extra(service="MG1", chosen=True)
    advance(here)
    assert kinds(here, message.key)[:4] == ["Accepted", "Queued", "Sending", "Sent"]


def test_a_persons_sender_stays_and_people_spread_over_the_pool() -> None:
    here = calm(services=(SERVICE,))
    chosen = {i: send(here, served(phone(i))).sender for i in range(200)}
    assert {i: send(here, served(phone(i))).sender for i in range(200)} == chosen
    shares = [sum(sender == one for sender in chosen.values()) for one in POOL]
    assert all(10 <= n <= 45 for n in shares), shares


def test_a_sender_taken_away_moves_its_own_people_only() -> None:
    here = calm()
    before = {i: send(here, served(phone(i))).sender for i in range(100)}
    for i, sender in before.items():
        asked = sms(phone(i), sender="", extra=Extra(service="MG1", pool=POOL[1:]))
        assert (send(here, asked).sender == sender) == (sender != POOL[0])


def test_the_choice_of_a_sender_moves_no_fate() -> None:
    def lived(asked: Any) -> Any:
        here = world(seed=5)
        for i in range(80):
            send(here, asked(phone(i)))
        advance(here)
        return {who: fate[:4] for who, fate in fates(here).items()}

    assert lived(served) == lived(sms)


def test_nobody_answers_a_name() -> None:
    here = calm()
    for pool, can_reply in ((("Clinic",), False), (("+12025550100",), True)):
        extra = Extra(service="MG1", pool=pool)
        asked = sms(sender="", can_reply=True, extra=extra)
        assert send(here, asked).can_reply is can_reply


def test_a_stop_to_one_sender_of_a_service_stops_the_service() -> None:
    here = calm(services=(SERVICE,))
    stop = Inject("shop", phone(0), POOL[3], "STOP")
    received = here.gateway.submit(stop, START_US)
    assert isinstance(received, Message)
    assert received.extra == Extra(service="MG1")
    for asked in (served(phone(0)), sms(phone(0), sender=POOL[5])):
        refused = here.gateway.submit(asked, START_US)
        assert isinstance(refused, Rejection)
        assert refused.reason is Reason.OPTED_OUT
    assert isinstance(here.gateway.submit(sms(phone(0), sender="+12025550999"), START_US), Message)
    here.gateway.submit(Inject("shop", phone(0), POOL[0], "START"), START_US)
    assert isinstance(here.gateway.submit(served(phone(0)), START_US), Message)


def test_a_service_is_let_in_at_a_full_door_and_fails_in_the_queue() -> None:
    """21611 is for a From, 30001 for a service: Twilio's page on 21611."""
    slow = Throughput(POOL[0], 1_000, queue_us=3_000_000, patience_us=3_000_000)
    here = calm(services=(Service("MG1", POOL[:1]),), limits=(slow,))
    asked = [sms(phone(i), sender="", extra=Extra(service="MG1", pool=POOL[:1])) for i in range(9)]
    sent = [send(here, each) for each in asked]
    later_on = send(here, later(sender=POOL[0]))
    advance(here)
    failed = [message for message in sent if message.state is State.FAILED]
    assert {message.cause for message in failed} == {Cause.QUEUE_OVERFLOW}
    assert 4 <= len(failed) <= 6
    assert later_on.state is State.DELIVERED


# With media; with test credentials.


def test_one_medium_is_forgotten_and_the_others_keep_their_places() -> None:
    here = calm()
    message = send(here, sms(extra=Extra(media=("http://a/1", "http://a/2"))))
    advance(here)
    assert here.gateway.submit(DeleteMedia(message.key, 0), here.gateway.now_us) is None
    kept = here.store.get(message.key)
    assert kept is not None
    assert kept.extra is not None
    assert kept.extra.media == ("", "http://a/2")
    for key, nth in ((message.key, 0), (message.key, 2), (message.key, -1), (7, 0)):
        refused = here.gateway.submit(DeleteMedia(key, nth), here.gateway.now_us)
        assert isinstance(refused, Rejection)
        assert refused.reason is Reason.NOT_FOUND


def test_a_pretended_send_leaves_no_trace_and_no_two_are_one() -> None:
    here = world(Account(id="shop", dialect="native", test=True))
    count = here.log.count
    asked = sms(callback_url=URL, notify=EVERY_STATE, extra=Extra(dry=True))
    keys = {send(here, asked).key for _ in range(3)}
    assert len(keys) == 3
    assert here.log.count == count
    assert not here.store.live
    assert here.gateway.next_due() is None
    assert here.store.shelves["shop"].accepted == 0
