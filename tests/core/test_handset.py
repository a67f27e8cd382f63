"""Handsets: absence can be asked for any instant, in any order, without a history."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.chance import DAY_US, key_bytes, key_of, threshold
from simulator.core.handset import WEEK_US, Absence, absence, absent_until

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)
START_US = 1_748_822_400_000_000
HOUR_US = 3_600_000_000
persons = st.integers(0, 500).map(lambda i: key_bytes(key_of("person", i)))
instants = st.integers(START_US, START_US + 60 * DAY_US)
OFTEN = absence(1, threshold(0.9), threshold(0.3))


def person(i: int) -> bytes:
    return key_bytes(key_of("person", i))


@repeatable
@given(persons, instants, st.floats(0, 1, exclude_max=True))
def test_whoever_is_absent_stays_so_until_the_instant_that_was_named(
    person8: bytes, at_us: int, part: float
) -> None:
    until_us = absent_until(OFTEN, person8, at_us)
    if not until_us:
        return
    between_us = at_us + int(part * (until_us - at_us))
    assert absent_until(OFTEN, person8, between_us) >= until_us
    assert absent_until(OFTEN, person8, until_us) != until_us


@repeatable
@given(persons, instants)
def test_no_absence_lasts_longer_than_a_journey(person8: bytes, at_us: int) -> None:
    until_us = absent_until(OFTEN, person8, at_us)
    assert until_us == 0 or at_us < until_us <= at_us + 6 * DAY_US


@repeatable
@given(persons, instants)
def test_a_spell_is_seen_from_its_first_instant_on(person8: bytes, at_us: int) -> None:
    hour = [at_us + minute * 60_000_000 for minute in range(61)]
    seen = [absent_until(OFTEN, person8, each) for each in hour]
    for before, after, then in zip(seen, seen[1:], hour[1:], strict=False):
        assert before <= then or after >= before


def test_without_spells_a_handset_can_always_be_reached() -> None:
    never = absence(1, 0, 0)
    asked = range(START_US, START_US + 30 * DAY_US, HOUR_US * 7)
    assert {absent_until(never, person(i), at_us) for i in range(50) for at_us in asked} == {0}


def share_absent(model: Absence, people: int, days: int, step_us: int) -> float:
    asked = range(START_US, START_US + days * DAY_US, step_us)
    gone = sum(absent_until(model, person(i), at) > 0 for i in range(people) for at in asked)
    return gone / (people * len(asked))


@pytest.mark.parametrize(("daily", "hours"), [(1.0, 2.64), (0.25, 0.66)])
def test_daily_spells_take_their_share_of_the_day(daily: float, hours: float) -> None:
    # the law's mean, 2.64 h: lognormal with median 1.5 h and 10% over 6 h, cut at a day
    share = share_absent(absence(3, threshold(daily), 0), people=300, days=14, step_us=2 * HOUR_US)
    assert share == pytest.approx(hours / 24, rel=0.08)


def test_weekly_spells_take_their_share_of_the_week() -> None:
    share = share_absent(absence(3, 0, threshold(0.2)), people=800, days=35, step_us=12 * HOUR_US)
    assert share == pytest.approx(0.2 * 3.5 / 7, rel=0.1)


def test_a_spell_goes_on_past_midnight_and_past_the_end_of_the_week() -> None:
    daily, weekly = absence(1, threshold(1.0), 0), absence(1, 0, threshold(1.0))
    midnights = [START_US + day * DAY_US for day in range(20)]
    assert any(absent_until(daily, person(i), at) for i in range(20) for at in midnights)
    weeks = [week * WEEK_US for week in range(START_US // WEEK_US, START_US // WEEK_US + 5)]
    assert any(absent_until(weekly, person(i), at) > at + DAY_US for i in range(20) for at in weeks)


def test_another_seed_is_another_life() -> None:
    asked = range(START_US, START_US + 30 * DAY_US, HOUR_US)
    lives = [
        [absent_until(absence(seed, threshold(0.5), 0), person(1), at) for at in asked]
        for seed in (1, 2)
    ]
    assert lives[0] != lives[1]
