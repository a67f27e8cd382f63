"""The gateway in transcripts: what goes in at which instant, and what the log says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.account import Retry
from simulator.core.carrier import CARRIERS
from simulator.core.cause import Cause
from simulator.core.command import Cancel, Delete, Feedback, Inject, Redact, Refusal, Touch, Wait
from simulator.core.events import CallbackTried, OptedOut, Rejected, Told
from simulator.core.message import (
    Call,
    Message,
    Outcome,
    OutcomeKind,
    Reason,
    Rejection,
    State,
    Wake,
)
from simulator.dialects import zettai_reach
from tests.worlds import (
    BUSY,
    DAY_US,
    EVERY_STATE,
    HOUR_US,
    LONG_US,
    MINUTE_US,
    OK,
    SECOND_US,
    START_US,
    TIMED_OUT,
    UNREACHABLE,
    URL,
    account,
    advance,
    calls,
    effects,
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

TALKS = habits(noticed=1.0, opened=1.0, reply=1.0)
STOPS = habits(noticed=1.0, opened=1.0, reply=0.0, stop=1.0)
ON_THE_WAY = ["Accepted", "Sending", "Sent"]
ARRIVES = [*ON_THE_WAY, "Delivered", "Receipted"]
RETRY = Retry(delays_us=(10 * SECOND_US, 60 * SECOND_US), timeout_us=15 * SECOND_US)

# Somebody is told of SENDING.
WATCHED: dict[str, Any] = {"notify": 1 << State.SENDING, "callback_url": URL}


def calm(**settings: object) -> World:
    return world(account(**settings), habits=habits())


def refused(by: World, *args: object, at_us: int = START_US) -> Reason:
    answer = by.gateway.submit(args[0], at_us)  # type: ignore[arg-type]
    assert isinstance(answer, Rejection)
    return answer.reason


# Lives.


def test_a_message_that_arrives() -> None:
    here = calm()
    message = send(here, sms())
    run(here, START_US + LONG_US)
    assert kinds(here) == ARRIVES
    assert (message.state, message.fate, message.pending) == (State.DELIVERED, State.DELIVERED, 0)
    assert here.gateway.next_due() is None


def test_a_message_that_is_read_and_answered() -> None:
    here = world(habits=TALKS)
    send(here, sms(can_reply=True))
    run(here, START_US + LONG_US)
    assert kinds(here) == [*ARRIVES, "Noticed", "Opened", "Replied", "Received"]


def test_a_message_that_is_read_where_no_answer_is_carried() -> None:
    here = world(habits=TALKS)
    send(here, sms(can_reply=False))
    run(here, START_US + LONG_US)
    assert kinds(here) == [*ARRIVES, "Noticed", "Opened"]


def test_a_message_to_a_number_that_is_not_in_use() -> None:
    here = world(habits=habits(gone=1.0))
    send(here, sms())
    run(here, START_US + LONG_US)
    assert kinds(here) == [*ON_THE_WAY, "Undelivered", "Receipted"]
    assert here.truth.tally("shop").fated(State.UNDELIVERED) == 1


def test_a_message_to_a_country_without_a_network() -> None:
    here = calm()
    message = send(here, sms("+33612345678", country="FR"))
    run(here, START_US + LONG_US)
    assert kinds(here) == ["Accepted", "Failed", "Receipted"]
    assert (message.state, message.cause) == (State.FAILED, Cause.NO_ROUTE)


def test_a_message_whose_carrier_gives_up_while_the_handset_is_off() -> None:
    here = world(habits=habits(away=1.0))
    to = next(phone(i) for i in range(9000) if _away_for_days(here, phone(i)))
    message = send(here, sms(to, validity_us=HOUR_US))  # of the provider's queue: no matter here
    run(here, START_US + LONG_US)
    tried = kinds(here).count("Attempted")
    assert kinds(here) == [*ON_THE_WAY, *["Attempted"] * tried, "Expired", "Receipted"]
    assert tried >= 2
    assert (message.state, message.cause, message.attempts) == (
        State.EXPIRED,
        Cause.ABSENT,
        tried,
    )
    patience_us = CARRIERS[message.carrier].validity_us
    assert message.fate_us == START_US + patience_us


def _away_for_days(here: World, number: str) -> bool:
    from simulator.core.chance import key_bytes, key_of  # noqa: PLC0415
    from simulator.core.handset import absent_until  # noqa: PLC0415

    person8 = key_bytes(key_of(number))
    people = here.gateway.people
    away = people.persona("JP", person8).away
    carrier = people.carrier(number, "JP", person8)
    until_us = START_US + carrier.validity_us
    instants = range(START_US, until_us + 2 * DAY_US, 10 * MINUTE_US)
    return carrier.name == "softbank" and all(absent_until(away, person8, i) for i in instants)


# Instants.


def test_what_is_submitted_comes_after_every_step_due_by_then() -> None:
    here = calm()
    first = send(here, sms(**WATCHED))
    due_us = here.gateway.next_due()
    assert due_us is not None
    run(here, due_us)
    second = send(here, sms(phone(1)), due_us)
    assert kinds(here) == ["Accepted", "Sending", "Accepted"]
    assert (first.sending_us, second.accepted_us) == (due_us, due_us)


def test_a_world_never_runs_ahead_of_its_agenda() -> None:
    here = calm()
    send(here, sms())
    due_us = here.gateway.next_due()
    assert due_us is not None
    late = send(here, sms(phone(1)), due_us + LONG_US)
    assert late.accepted_us == due_us - 1
    assert here.gateway.instant(due_us + LONG_US) == due_us - 1
    assert here.gateway.next_due() == due_us


def test_time_does_not_go_back() -> None:
    here = calm()
    send(here, sms(), START_US + SECOND_US // 100)
    assert send(here, sms(phone(1)), START_US).accepted_us == START_US + SECOND_US // 100


def test_run_due_stops_between_instants_and_says_whether_it_is_done() -> None:
    here = calm()
    for i in range(30):
        send(here, sms(phone(i), **WATCHED))
    send(here, sms(phone(40), **WATCHED), START_US + 1)
    gateway = here.gateway
    assert gateway.run_due(START_US + SECOND_US // 10, limit=5) == 30  # one instant, whole
    assert gateway.now_us == gateway.next_due() - 1 == START_US + 20_000  # type: ignore[operator]
    assert gateway.run_due(START_US + SECOND_US // 10, limit=5) == 1
    assert gateway.now_us == START_US + SECOND_US // 10


def test_half_an_instant_may_be_run_by_who_asks_for_it() -> None:
    here = calm()
    for i in range(30):
        send(here, sms(phone(i), **WATCHED))
    assert here.gateway.run_due(START_US + 20_000, limit=5, whole=False) == 5
    assert here.gateway.next_due() == START_US + 20_000
    assert send(here, sms(phone(40)), START_US + 20_000).accepted_us == START_US + 20_000


@pytest.mark.parametrize("limit", [1, 3, 500])
def test_the_size_of_a_batch_changes_nothing(limit: int) -> None:
    here, there = (world(habits=TALKS) for _ in range(2))
    for each in (here, there):
        for i in range(20):
            send(each, sms(phone(i), can_reply=True))
    while here.gateway.run_due(START_US + LONG_US, limit=limit) >= limit:
        pass
    run(there, START_US + LONG_US)
    assert here.log.digest() == there.log.digest()


# Refusals.


def test_a_refusal_is_a_fact_and_nothing_is_charged() -> None:
    here = calm()
    here.gateway.submit(Refusal("shop", "+8150", Reason.NOT_MOBILE), START_US)
    assert kinds(here) == ["Rejected"]
    assert here.truth.refused == {("shop", Reason.NOT_MOBILE): 1}
    assert here.ledger.invoices() == []


def test_a_quota_counts_what_was_accepted() -> None:
    here = calm(quota=2)
    send(here, sms())
    here.gateway.submit(Refusal("shop", "+81", Reason.BAD_TO), START_US)
    send(here, sms())
    assert refused(here, sms()) is Reason.OVER_QUOTA
    here.configure(account(quota=3))
    send(here, sms())
    assert kinds(here) == ["Accepted", "Rejected", "Accepted", "Rejected", "Accepted"]


def test_a_reference_may_be_used_once_where_it_must_be_unique() -> None:
    here = calm()
    send(here, sms(reference="a", unique_reference=True))
    assert refused(here, sms(reference="a", unique_reference=True)) is Reason.DUPLICATE_REFERENCE
    send(here, sms(reference="b", unique_reference=True))
    send(here, sms(reference="a"))


def test_no_reference_is_never_a_duplicate() -> None:
    here = calm()
    send(here, sms(unique_reference=True))
    send(here, sms(unique_reference=True))


def test_a_refused_submission_does_not_count_as_the_kth() -> None:
    here, there = calm(quota=1), calm(quota=1)
    keys = []
    for each, tries in ((here, 3), (there, 0)):
        send(each, sms())
        for _ in range(tries):
            assert refused(each, sms()) is Reason.OVER_QUOTA
        each.configure(account(quota=9))
        keys.append(send(each, sms()).key)
    assert keys[0] == keys[1]


# Consent.


def test_stop_is_heeded_until_start() -> None:
    here = calm()
    send(here, sms())
    gateway = here.gateway
    gateway.submit(Inject("shop", phone(0), "12345", "stop"), START_US)
    assert refused(here, sms()) is Reason.OPTED_OUT
    send(here, sms(phone(1)))
    send(here, sms(sender="99999"))
    gateway.submit(Inject("shop", phone(0), "12345", "START"), START_US)
    send(here, sms())
    assert kinds(here) == [
        "Accepted",
        *("Received", "OptedOut"),
        "Rejected",
        *("Accepted", "Accepted"),
        *("Received", "OptedIn"),
        "Accepted",
    ]


def test_saying_stop_twice_is_noted_once_and_other_words_change_nothing() -> None:
    here = calm()
    for body in ("hello", "STOP", "STOP", "HELP", "START", "START"):
        here.gateway.submit(Inject("shop", phone(0), "12345", body), START_US)
    assert kinds(here).count("Received") == 6
    assert [k for k in kinds(here) if k.startswith("Opted")] == ["OptedOut", "OptedIn"]


def test_a_person_who_answers_stop_is_opted_out_of_that_sender() -> None:
    here = world(habits=STOPS)
    send(here, sms(can_reply=True))
    run(here, START_US + LONG_US)
    assert kinds(here)[-3:] == ["Replied", "Received", "OptedOut"]
    (fact,) = [f for f in facts(here) if isinstance(f, OptedOut)]
    assert (fact.account, fact.person, fact.sender) == ("shop", phone(0), "12345")
    assert refused(here, sms(), at_us=START_US + LONG_US) is Reason.OPTED_OUT


def test_an_opt_out_from_one_account_is_none_from_another() -> None:
    here = world(account("a"), account("b"), habits=habits())
    here.gateway.submit(Inject("a", phone(0), "12345", "STOP"), START_US)
    assert refused(here, sms(account="a")) is Reason.OPTED_OUT
    send(here, sms(account="b"))


# Callbacks.


def test_callbacks_come_for_the_states_that_were_asked_for_and_not_for_acceptance() -> None:
    here = calm()
    send(here, sms(notify=EVERY_STATE | 1 << State.ACCEPTED, callback_url=URL))
    found = calls(here, START_US + LONG_US)
    assert [c.state for c in found] == [State.SENDING, State.SENT, State.DELIVERED]
    assert [c.nth for c in found] == [0, 0, 0]
    assert len({c.key for c in found}) == 3


def test_no_callback_is_made_unasked() -> None:
    here = calm()
    send(here, sms())
    assert effects(here, START_US + LONG_US) == []


def test_effects_are_taken_once() -> None:
    here = calm()
    send(here, sms(notify=EVERY_STATE, callback_url=URL))
    assert len(calls(here, START_US + LONG_US)) == 3
    assert here.gateway.take_effects() == []
    here.gateway.submit(Touch(()), START_US)


def test_an_answer_tells_the_customer_and_the_message_is_finished() -> None:
    here = calm()
    message = send(here, sms(notify=1 << State.DELIVERED, callback_url=URL))
    (call,) = calls(here, START_US + LONG_US)
    assert message.key in here.store.live
    here.gateway.settle(call, OK)
    assert kinds(here) == [*ARRIVES, "CallbackTried", "Told"]
    assert (message.told, message.told_us) == (State.DELIVERED, call.due_us)
    assert message.key in here.store.finished


def outcomes_of(here: World, message: Message) -> list[tuple[int, int]]:
    """When each attempt was, in seconds after the first, and which it was."""
    tried = [f for f in facts(here, message.key) if isinstance(f, CallbackTried)]
    return [((f.at_us - tried[0].at_us) // SECOND_US, f.nth) for f in tried]


def test_a_failed_callback_is_repeated_on_virtual_time() -> None:
    here = calm(retry=RETRY)
    message = send(here, sms(notify=1 << State.DELIVERED, callback_url=URL))
    advance(here, answer=lambda call: OK if call.nth == 2 else UNREACHABLE)
    assert kinds(here)[5:] == ["CallbackTried", "CallbackTried", "CallbackTried", "Told"]
    assert outcomes_of(here, message) == [(0, 0), (10, 1), (70, 2)]


def test_an_attempt_that_times_out_takes_the_nominal_timeout() -> None:
    here = calm(retry=RETRY)
    message = send(here, sms(notify=1 << State.DELIVERED, callback_url=URL))
    advance(here, answer=lambda _call: TIMED_OUT)
    assert outcomes_of(here, message) == [(0, 0), (25, 1), (100, 2)]
    assert kinds(here)[-1] == "CallbackAbandoned"


@pytest.mark.parametrize(
    ("outcome", "on_status", "attempts"),
    [
        (BUSY, True, 3),
        (BUSY, False, 1),
        (UNREACHABLE, False, 3),
        (TIMED_OUT, False, 3),
        (Outcome(OutcomeKind.ANSWERED, 302), True, 3),
        (Outcome(OutcomeKind.FORBIDDEN), True, 1),
        (Outcome(OutcomeKind.DROPPED), True, 1),
    ],
)
def test_a_callback_is_abandoned_when_the_table_is_used_up(
    outcome: Outcome, on_status: bool, attempts: int
) -> None:
    here = calm(retry=Retry(RETRY.delays_us, RETRY.timeout_us, on_status))
    message = send(here, sms(notify=1 << State.DELIVERED, callback_url=URL))
    advance(here, answer=lambda _call: outcome)
    assert kinds(here)[5:] == ["CallbackTried"] * attempts + ["CallbackAbandoned"]
    assert message.told is State.ACCEPTED
    tally = here.truth.tally("shop")
    assert (tally.callbacks, tally.callbacks_abandoned) == (attempts, 1)
    assert not here.store.live


def test_bad_input_20_an_hour_of_500_ends_in_abandonment_and_stops_nobody_else() -> None:
    """Two receivers, one of which is broken; the table is 絶対リーチ!'s, of four attempts."""
    here, broken = calm(retry=zettai_reach.RETRY), URL + "/broken"
    watched = {"notify": 1 << State.DELIVERED}
    lost = send(here, sms(callback_url=broken, **watched))
    told = [send(here, sms(phone(i), callback_url=URL, **watched)) for i in range(1, 9)]

    def answer(call: Call) -> Outcome:
        down = call.message.callback_url == broken and call.due_us < START_US + HOUR_US
        return Outcome(OutcomeKind.ANSWERED, 500) if down else OK

    advance(here, answer=answer)
    assert outcomes_of(here, lost) == [(0, 0), (60, 1), (360, 2), (1260, 3)]
    assert kinds(here, lost.key)[-1] == "CallbackAbandoned"
    assert (lost.state, lost.told) == (State.DELIVERED, State.ACCEPTED)
    assert {m.told for m in told} == {State.DELIVERED}
    assert not here.store.live


def test_a_late_outcome_is_written_at_the_attempts_own_instant() -> None:
    here = calm(retry=RETRY)
    message = send(here, sms(notify=1 << State.DELIVERED, callback_url=URL))
    (call,) = calls(here, START_US + LONG_US)
    here.gateway.settle(call, BUSY)  # a hundred days late
    assert here.gateway.next_due() == message.known_us + 1 + 10 * SECOND_US
    advance(here)
    assert outcomes_of(here, message) == [(0, 0), (10, 1)]
    assert message.told_us == message.known_us + 1 + 10 * SECOND_US


def test_a_received_message_calls_the_inbound_url() -> None:
    here = calm(inbound_url=URL)
    here.gateway.submit(Inject("shop", phone(0), "12345", "Hello?"), START_US)
    (call,) = effects(here, START_US)
    assert isinstance(call, Call)
    assert (call.state, call.message.inbound, call.message.body) == (
        State.RECEIVED,
        True,
        "Hello?",
    )
    assert (call.message.sender, call.message.to) == (phone(0), "12345")
    here.gateway.settle(call, OK)
    assert kinds(here) == ["Received", "CallbackTried", "Told"]


# Taking back, forgetting, feedback.


def test_a_message_can_be_taken_back_before_it_is_sent() -> None:
    here = calm()
    message = send(here, sms(notify=EVERY_STATE, callback_url=URL))
    assert here.gateway.submit(Cancel(message.key), START_US + 1) is message
    advance(here)
    assert kinds(here) == ["Accepted", "Canceled", "Receipted", "CallbackTried", "Told"]
    assert (message.state, message.fate, message.told) == (State.CANCELED,) * 3
    assert not here.store.live


@pytest.mark.parametrize("asked", [{}, WATCHED])
def test_a_message_that_has_left_cannot_be_taken_back(asked: Any) -> None:
    here = calm()
    message = send(here, sms(**asked))
    while message.state is State.ACCEPTED:
        run(here, here.gateway.next_due() or 0)
    assert message.state is State.SENDING
    assert refused(here, Cancel(message.key), at_us=START_US + SECOND_US) is Reason.NOT_CANCELABLE
    assert refused(here, Cancel(message.key + 1)) is Reason.NOT_FOUND


def test_a_text_is_forgotten_once_the_message_is_final() -> None:
    here = calm()
    message = send(here, sms())
    assert refused(here, Redact(message.key)) is Reason.NOT_FINISHED
    run(here, START_US + LONG_US)
    here.gateway.submit(Redact(message.key), START_US + LONG_US)
    found = here.store.get(message.key)
    assert found is not None
    assert (found.body, found.redacted) == ("", True)
    assert refused(here, Redact(message.key + 1)) is Reason.NOT_FOUND


def test_a_deleted_message_is_gone_and_its_counters_stay() -> None:
    here = calm()
    message = send(here, sms(reference="a"))
    assert refused(here, Delete(message.key)) is Reason.NOT_FINISHED
    run(here, START_US + LONG_US)
    assert here.gateway.submit(Delete(message.key), START_US + LONG_US) is None
    assert here.store.get(message.key) is None
    assert refused(here, Delete(message.key)) is Reason.NOT_FOUND
    assert message.key not in here.inbox._lines
    assert here.truth.tally("shop").accepted == 1


def test_whoever_got_a_message_that_was_deleted_may_still_answer_it() -> None:
    here = world(account(inbound_url=URL), habits=STOPS)
    message = send(here, sms(can_reply=True, notify=1 << State.DELIVERED, callback_url=URL))
    (call,) = calls(here, START_US + 20 * SECOND_US)
    here.gateway.submit(Delete(message.key), START_US + 20 * SECOND_US)
    here.gateway.settle(call, OK)
    assert here.store.get(message.key) is None
    advance(here)
    after = kinds(here)[kinds(here).index("Deleted") + 1 :]
    assert after[:5] == ["CallbackTried", "Told", "Noticed", "Opened", "Replied"]
    assert "OptedOut" in after
    assert here.store.get(message.key) is None
    assert message.key not in here.inbox._lines
    assert not here.store.live


def test_feedback_is_noted_on_live_and_finished_messages() -> None:
    here = calm()
    message = send(here, sms())
    here.gateway.submit(Feedback(message.key, confirmed=False), START_US)
    assert message.feedback == 2
    run(here, START_US + LONG_US)
    here.gateway.submit(Feedback(message.key, confirmed=True), START_US + LONG_US)
    found = here.store.get(message.key)
    assert found is not None
    assert found.feedback == 1
    assert refused(here, Feedback(1, confirmed=True)) is Reason.NOT_FOUND


def test_a_touch_tells_what_is_new_once() -> None:
    here = calm()
    message = send(here, sms())
    for _ in range(2):
        here.gateway.submit(Touch((message.key, 99)), START_US)
    run(here, START_US + LONG_US)
    for _ in range(2):
        here.gateway.submit(Touch((message.key, 99)), START_US + LONG_US)
    (told,) = [f for f in facts(here) if isinstance(f, Told)]
    assert (told.state, told.by_read, told.at_us) == (State.DELIVERED, True, START_US + LONG_US)


# Waits.


def test_a_wait_ends_at_its_instant() -> None:
    here = calm()
    here.gateway.submit(Wait(START_US + HOUR_US, 7, URL), START_US)
    assert here.gateway.next_due() == START_US + HOUR_US
    assert effects(here, START_US + HOUR_US - 1) == []
    assert effects(here, START_US + HOUR_US) == [Wake(7, START_US + HOUR_US, URL)]
    assert here.gateway.waits == {}
    assert kinds(here) == []


def test_a_wait_for_the_past_comes_next() -> None:
    here = calm()
    here.gateway.submit(Wait(START_US - HOUR_US, 7), START_US)
    assert effects(here, START_US + 1) == [Wake(7, START_US + 1)]


# Keys.


def test_the_kth_message_to_a_person_is_the_same_whoever_else_is_written_to() -> None:
    here, there = calm(), calm()
    alone = [send(here, sms()).key for _ in range(3)]
    mixed = []
    for i in (0, 5, 3, 0, 7, 7, 0):
        key = send(there, sms(phone(i))).key
        mixed += [key] if i == 0 else []
    assert alone == mixed
    assert len(set(alone)) == 3


def test_under_content_identity_the_words_are_part_of_the_key() -> None:
    here, there = (world(habits=habits(), by_content=True) for _ in range(2))
    keys = {body: send(here, sms(body=body)).key for body in ("one", "two", "three")}
    assert {b: send(there, sms(body=b)).key for b in ("three", "one", "two")} == keys
    assert send(here, sms(body="one")).key not in keys.values()


def test_a_rejection_holds_no_key() -> None:
    here = calm(quota=0)
    assert refused(here, sms()) is Reason.OVER_QUOTA
    (fact,) = [f for f in facts(here) if isinstance(f, Rejected)]
    assert (fact.key, fact.reason) == (0, Reason.OVER_QUOTA)
