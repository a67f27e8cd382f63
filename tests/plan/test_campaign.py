"""A planned campaign: its pace, its hours, whom it writes to again; and the engine living it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from simulator.core.cause import Cause
from simulator.core.message import Message, State
from simulator.core.number import japan_unassigned
from simulator.core.people import Habits, People
from simulator.plan.campaign import Campaign, Pace, Round, carried_out
from simulator.plan.hours import Hours
from simulator.plan.lives import Laws
from tests.worlds import DAY_US, HOUR_US, SECOND_US, START_US, sms, world

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.plan.campaign import Sent
    from simulator.plan.people import Crowd

PEOPLE = 400
HABITS = {"JP": Habits("jp-direct", {"absent": 0.4, "away": 0.3, "reply": 0.4, "stop": 0.15})}
NUMBERS = [japan_unassigned(i * 977) for i in range(PEOPLE)]
DAYTIME = Hours.of([(START_US + n * DAY_US, START_US + n * DAY_US + HOUR_US) for n in range(30)])
WEEK_US = 7 * DAY_US


def went(
    rounds: Sequence[Round], recipients: int = PEOPLE, **pace: Any
) -> tuple[Crowd, list[Sent]]:
    settings = {"rate_micro": 100_000_000, "slots_micro": {}, "hours": DAYTIME, **pace}
    campaign = Campaign(recipients, NUMBERS, "JP", "", rounds, Pace(START_US, **settings))
    return carried_out(People(8, HABITS), Laws(8), campaign, lambda _: None)


def test_the_engine_lives_the_same_campaign() -> None:
    again = Round(WEEK_US, 1, has_link=True)
    rounds = (Round(0, 1), again, Round(9 * DAY_US, 1, unless="delivered"))
    _, sent = went(rounds, rate_micro=1_000_000)
    made = world(seed=8, habits=HABITS, retention=10 * PEOPLE)
    plan = sorted(
        (int(at), n, place, NUMBERS[row])
        for n, each in enumerate(sent)
        for place, (row, at) in enumerate(zip(each.rows, each.accepted_us, strict=True))
    )
    messages: dict[tuple[int, int], Message] = {}
    for at, n, place, to in plan:
        while (due_us := made.gateway.next_due()) is not None and due_us <= at:
            made.gateway.run_due(at)
        body = "https://example.com/a" if rounds[n].has_link else "Hello"
        answer = made.gateway.submit(sms(to, body, can_reply=True), at)
        assert isinstance(answer, Message), answer  # nobody who has said STOP is written to
        messages[n, place] = answer
    while (due_us := made.gateway.next_due()) is not None:
        made.gateway.run_due(due_us + DAY_US)
    for n, each in enumerate(sent):
        for place in range(len(each.rows)):
            message = made.store.get(messages[n, place].key)
            assert message is not None
            lives = each.lives
            assert message.fate == lives.state[place]
            assert message.fate_us == lives.fate_us[place]
            assert message.known_us == lives.known_us[place]
            assert message.clicked_us == lives.clicked_us[place]
            assert message.replied_us == lives.replied_us[place]
    assert [bool(each.lives.clicked_us.any()) for each in sent] == [False, True, False]


def test_a_reminder_goes_to_all_who_are_not_known_to_be_reached_and_to_nobody_else() -> None:
    _, (first, second) = went((Round(0, 1), Round(2 * DAY_US, 2, unless="delivered")))
    at_us = first.accepted_us + 2 * DAY_US
    reached = (first.lives.state == State.DELIVERED) & (first.lives.known_us <= at_us)
    assert first.rows[~reached].tolist() == second.rows.tolist()
    assert 0 < len(second.rows) < PEOPLE
    assert (second.accepted_us >= at_us[second.rows]).all()


def test_a_number_that_is_known_not_to_be_in_use_may_be_spared() -> None:
    later = Round(2 * DAY_US, 2, unless="delivered")
    _, (first, second) = went((Round(0, 1), later))
    _, (_, fewer) = went((Round(0, 1), replace(later, spares_gone=True)))
    gone = first.lives.cause == Cause.NOT_IN_USE
    assert gone.any()
    assert fewer.rows.tolist() == [row for row in second.rows.tolist() if not gone[row]]


def test_a_reminder_may_spare_those_who_have_replied() -> None:
    _, (first, second) = went((Round(0, 1), Round(2 * DAY_US, 2, unless="replied")))
    replied = (first.lives.replied_us > 0) & (first.lives.replied_us <= START_US + 2 * DAY_US)
    assert set(second.rows) == set(np.flatnonzero(~replied))


def test_who_has_said_stop_gets_nothing_more() -> None:
    _, (first, second) = went((Round(0, 1), Round(80 * DAY_US, 1)), hours=Hours.of([(0, 2**61)]))
    assert set(second.rows) == set(np.flatnonzero(~first.lives.stops))
    assert first.lives.stops.any()


def test_nothing_goes_outside_the_hours_nor_faster_than_provider_and_carriers_take() -> None:
    slots = {"docomo": 60_000, "kddi": 1_000_000_000}
    crowd, (sent,) = went((Round(0, 2),), rate_micro=1_000_000, slots_micro=slots)
    work = DAYTIME.work(sent.accepted_us)
    assert DAYTIME.wall(work).tolist() == sent.accepted_us.tolist()
    names = np.array([carrier.name for carrier in crowd.carriers])[crowd.carrier]
    docomo = work[names == "docomo"]
    assert np.diff(docomo).min() >= 2 * SECOND_US * 1000 // 60
    others = work[names != "docomo"]
    assert np.diff(others).min() >= 2 * SECOND_US
    assert sent.ends_us["docomo"] == docomo[-1] + 2 * 1_000_000_000 // 60
    assert sent.ends_us["docomo"] > sent.ends_us[""]  # a share of 40%, and 6% of the speed


@pytest.mark.parametrize("recipients", [PEOPLE, 1_000_000, 999_999_937])
def test_the_sample_keeps_the_provider_busy_for_all(recipients: int) -> None:
    _, (sent,) = went((Round(0, 1),), recipients, hours=Hours.of([(START_US, 2**61)]))
    needed_us = recipients * SECOND_US / 100
    assert abs(sent.ends_us[""] - needed_us) <= PEOPLE  # rounding: a microsecond each
    assert sent.accepted_us[0] == START_US


def test_a_later_round_goes_when_the_one_before_has_gone() -> None:
    _, (first, second) = went((Round(0, 1), Round(HOUR_US, 1)), recipients=1_000_000)
    assert DAYTIME.work(second.accepted_us)[0] >= first.ends_us[""]
    assert second.queued
    _, (_, calm) = went((Round(0, 1), Round(2 * DAY_US, 1)))
    assert not calm.queued
