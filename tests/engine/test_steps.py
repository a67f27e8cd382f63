"""Each step alone: a pure function from (message, instant) to facts and what is next."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core import events as ev
from simulator.core.carrier import CARRIERS, CONGESTION_RETRY_US, DOCOMO, KDDI, QUEUE_US
from simulator.core.cause import Cause
from simulator.core.chance import key_bytes, key_of
from simulator.core.handset import absent_until
from simulator.core.message import Message, State
from simulator.core.people import People
from simulator.engine import steps
from tests.worlds import HOUR_US, MINUTE_US, SECOND_US, START_US, habits, phone

if TYPE_CHECKING:
    from simulator.engine.steps import Step

KEY = 77


@cache
def physics(**rates: float) -> steps.Physics:
    made = steps.Physics(People(1, habits(**rates)))
    made.people.congestion_limit = 0
    return made


def message(to: str | None = None, carrier: int = DOCOMO.index, **fields: Any) -> Message:
    to = phone(0) if to is None else to
    return Message(
        KEY, KEY, "shop", to, "JP", "1", fields.pop("body", "Hello"), 0, 1, "", "", 0,
        fields.pop("validity_us", 0), can_reply=fields.pop("can_reply", True), carrier=carrier,
        accepted_us=START_US, **fields,
    )  # fmt: skip


def run(code: int, to: Message, at_us: int = START_US, nth: int = 0, **more: Any) -> Step:
    laws = more.get("laws", physics())
    return steps.STEPS[code](laws, to, at_us, nth, more.get("data"))


@cache
def absent_person() -> tuple[str, int]:
    """Find someone away at START_US, and until when."""
    away = physics(away=1.0)
    for i in range(1000):
        person8 = key_bytes(key_of(phone(i)))
        until_us = absent_until(away.people.persona("JP", person8).away, person8, START_US)
        if until_us > START_US + 80 * HOUR_US:
            return phone(i), until_us
    raise AssertionError


def test_a_message_waits_in_the_providers_queue_first() -> None:
    assert steps.first(START_US) == (START_US + QUEUE_US, steps.SENDING, None)


def test_the_carrier_acknowledges_before_the_handset_is_tried() -> None:
    facts, ((handover_us, code, rest),) = run(steps.SENDING, message())
    assert facts == (ev.Sending(START_US, KEY),)
    assert code == steps.HANDOVER
    assert isinstance(rest, int)
    under_way = message(state=State.SENDING)
    facts, ((attempt_us, code, _),) = run(steps.HANDOVER, under_way, handover_us, data=rest)
    assert facts == (ev.Sent(handover_us, KEY),)
    assert code == steps.ATTEMPT
    transit_us = attempt_us - START_US - 2
    assert SECOND_US // 4 < transit_us < 20 * SECOND_US
    assert (handover_us - START_US - 1) == transit_us * 599 // 1344


def test_a_country_without_a_network_fails_at_the_provider() -> None:
    facts, following = run(steps.SENDING, message(carrier=0))
    assert facts == (
        ev.Failed(START_US, KEY, Cause.NO_ROUTE),
        ev.Receipted(START_US, KEY, State.FAILED, Cause.NO_ROUTE),
    )
    assert following == ()


def test_validity_that_ran_out_in_the_queue_fails_at_the_provider() -> None:
    late = START_US + 10 * SECOND_US + 1
    facts, following = run(steps.SENDING, message(validity_us=10 * SECOND_US), late)
    assert [type(fact) for fact in facts] == [ev.Failed, ev.Receipted]
    assert following == ()
    facts, _ = run(steps.SENDING, message(validity_us=10 * SECOND_US), late - 1)
    assert facts == (ev.Sending(late - 1, KEY),)


def test_a_handset_in_reach_gets_the_message_and_the_provider_a_receipt() -> None:
    facts, ((receipt_us, code, _),) = run(steps.ATTEMPT, message())
    assert facts == (ev.Delivered(START_US, KEY, 1),)
    assert code == steps.RECEIPT
    assert 200_000 < receipt_us - START_US < 1_600_000


@pytest.mark.parametrize(
    ("rate", "cause"), [("gone", Cause.NOT_IN_USE), ("refuses", Cause.REFUSED)]
)
def test_nobody_there_and_nobody_willing_end_it_at_once(rate: str, cause: Cause) -> None:
    laws = physics(**{rate: 1.0})
    facts, ((_, code, _),) = run(steps.ATTEMPT, message(), laws=laws)
    assert facts == (ev.Undelivered(START_US, KEY, cause),)
    assert code == steps.RECEIPT


def test_kddis_failures_are_known_about_twenty_minutes_later() -> None:
    laws = physics(gone=1.0)
    _, ((receipt_us, _, _),) = run(steps.ATTEMPT, message(carrier=KDDI.index), laws=laws)
    assert 18 * MINUTE_US < receipt_us - START_US < 23 * MINUTE_US


def test_an_absent_handset_is_tried_again_by_the_carriers_table() -> None:
    to, _ = absent_person()
    laws, gaps, at_us = physics(away=1.0), [], START_US
    for nth in range(7):
        facts, ((next_us, code, _),) = run(steps.ATTEMPT, message(to), at_us, nth, laws=laws)
        assert facts == (ev.Attempted(at_us, KEY, nth, Cause.ABSENT),)
        assert code == (nth + 1) << steps.CODE_BITS | steps.ATTEMPT
        gaps.append((next_us - at_us) // MINUTE_US)
        at_us = next_us
    assert gaps == [1, 4, 10, 30, 60, 60, 60]


def test_kddi_tries_twice_and_gives_up() -> None:
    to, _ = absent_person()
    absent, laws = message(to, KDDI.index), physics(away=1.0)
    _, ((next_us, code, _),) = run(steps.ATTEMPT, absent, laws=laws)
    assert next_us == START_US + HOUR_US
    facts, ((_, code, _),) = run(steps.ATTEMPT, absent, next_us, 1, laws=laws)
    assert facts == (ev.Undelivered(next_us, KEY, Cause.ABSENT),)
    assert code == steps.RECEIPT


@pytest.mark.parametrize("own_hours", [0, 2, 100])
def test_patience_is_the_carrier_s_whatever_the_provider_s_queue_allows(own_hours: int) -> None:
    to, _ = absent_person()
    laws, asked = physics(away=1.0), message(to, validity_us=own_hours * HOUR_US)
    patience_us = 72 * HOUR_US
    at_us = START_US + patience_us - 10 * MINUTE_US
    facts, ((end_us, code, cause),) = run(steps.ATTEMPT, asked, at_us, 5, laws=laws)
    assert facts == (ev.Attempted(at_us, KEY, 5, Cause.ABSENT),)
    assert (end_us, code, cause) == (START_US + patience_us, steps.GIVE_UP, Cause.ABSENT)
    facts, ((_, code, _),) = run(steps.GIVE_UP, asked, end_us, data=cause)
    assert facts == (ev.Expired(end_us, KEY, Cause.ABSENT),)
    assert code == steps.RECEIPT


def test_the_end_of_patience_never_lies_in_the_past() -> None:
    to, _ = absent_person()
    late = START_US + 72 * HOUR_US + SECOND_US
    _, ((end_us, code, _),) = run(steps.ATTEMPT, message(to), late, 9, laws=physics(away=1.0))
    assert (end_us, code) == (late + 1, steps.GIVE_UP)


def test_congestion_has_a_gap_of_its_own() -> None:
    laws = steps.Physics(People(1, habits()))
    laws.people.congestion_limit = 2**64
    facts, ((next_us, _, _),) = run(steps.ATTEMPT, message(), laws=laws)
    assert facts == (ev.Attempted(START_US, KEY, 0, Cause.CONGESTION),)
    assert next_us == START_US + CONGESTION_RETRY_US


def test_a_receipt_says_the_fate() -> None:
    fated = message(fate=State.EXPIRED, fate_cause=Cause.ABSENT)
    facts, following = run(steps.RECEIPT, fated)
    assert facts == (ev.Receipted(START_US, KEY, State.EXPIRED, Cause.ABSENT),)
    assert following == ()


def test_a_person_notices_then_opens_then_replies() -> None:
    laws = physics(noticed=1.0, opened=1.0, reply=1.0)
    _, (_, (noticed_us, code, reaction)) = run(steps.ATTEMPT, message(), laws=laws)
    assert code == steps.NOTICE
    facts, ((opened_us, code, reaction),) = run(steps.NOTICE, message(), noticed_us, data=reaction)
    assert (facts, code) == ((ev.Noticed(noticed_us, KEY),), steps.OPEN)
    facts, ((replied_us, code, _),) = run(steps.OPEN, message(), opened_us, data=reaction)
    assert (facts, code) == ((ev.Opened(opened_us, KEY),), steps.REPLY)
    assert START_US < noticed_us < opened_us < replied_us


def test_who_opens_a_text_with_a_link_may_follow_it_beside_replying() -> None:
    laws = physics(noticed=1.0, opened=1.0, reply=1.0, click=1.0)
    linked = message(body="See HTTPS://example.com/a")
    _, (_, (noticed_us, _, reaction)) = run(steps.ATTEMPT, linked, laws=laws)
    (_, ((opened_us, _, _),)) = run(steps.NOTICE, linked, noticed_us, data=reaction)
    facts, following = run(steps.OPEN, linked, opened_us, data=reaction)
    assert facts == (ev.Opened(opened_us, KEY),)
    assert [code for _, code, _ in following] == [steps.REPLY, steps.CLICK]
    clicked_us = following[1][0]
    assert run(steps.CLICK, linked, clicked_us) == ((ev.Clicked(clicked_us, KEY),), ())
    assert clicked_us > opened_us


@pytest.mark.parametrize("body", ["Hello", "", "ftp://example.com/a", "https:// and no more"])
def test_nobody_clicks_where_there_is_no_link(body: str) -> None:
    laws = physics(noticed=1.0, opened=1.0, click=1.0)
    _, (_, (_, _, reaction)) = run(steps.ATTEMPT, message(body=body), laws=laws)
    assert reaction.opened_us
    assert not reaction.clicked_us


def test_who_only_glances_does_no_more() -> None:
    laws = physics(noticed=1.0)
    _, (_, (noticed_us, _, reaction)) = run(steps.ATTEMPT, message(), laws=laws)
    assert run(steps.NOTICE, message(), noticed_us, data=reaction)[1] == ()


def test_the_same_question_has_the_same_answer() -> None:
    laws = physics(away=0.5, noticed=1.0, opened=1.0, reply=0.5)
    for i in range(50):
        to = phone(i)
        assert run(steps.ATTEMPT, message(to), laws=laws) == run(
            steps.ATTEMPT, message(to), laws=laws
        )


def test_a_step_changes_nothing() -> None:
    asked, before = message(), message()
    for code in (steps.SENDING, steps.ATTEMPT, steps.RECEIPT):
        run(code, asked)
    assert asked == before
    assert replace(CARRIERS[asked.carrier]) == DOCOMO
