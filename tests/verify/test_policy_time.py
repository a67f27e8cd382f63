"""Hours and holidays, by the recipient's clock."""

from __future__ import annotations

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.number import _COUNTRIES, NumberKind
from simulator.verify.policy_time import holiday, within
from simulator.verify.touch import Person, Traffic, country_of, kind_of
from simulator.verify.zones import ASSUMED, ZONES, local
from tests.verify.touches import EPOCH, JOE, KEN, MIKA, MONDAY, at, broken, call, found, sms

LENDER = {"from": "21:00", "until": "8:00"}
times = st.times()
instants = st.integers(0, 4_000_000_000_000_000)


@pytest.mark.parametrize(
    ("clock", "quiet"),
    [
        ("07:59:59.999999", True),
        ("08:00", False),
        ("20:59:59.999999", False),
        ("21:00", True),
        ("23:59:59.999999", True),
        ("00:00", True),
    ],
)
def test_quiet_hours_begin_on_the_stroke_and_end_before_it(clock: str, quiet: bool) -> None:
    instant = at(f"2026-03-02 {clock}")
    assert broken("quiet_hours", sms(instant), **LENDER) == ([instant] if quiet else [])


@given(times, times, times)
def test_a_span_and_its_complement_share_the_day(at: time, start: time, until: time) -> None:
    if start != until:
        assert within(at, start, until) != within(at, until, start)


@given(times, times)
def test_a_span_holds_its_start_and_not_its_end(start: time, until: time) -> None:
    assert within(start, start, until)
    if start != until:
        assert not within(until, start, until)


@given(instants)
def test_quiet_hours_are_judged_as_python_reads_the_clock_in_new_york(at_us: int) -> None:
    there = (EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo("America/New_York"))
    quiet = there.hour >= 21 or there.hour < 8
    assert bool(broken("quiet_hours", sms(at_us, JOE), **LENDER)) == quiet


@given(instants)
def test_japan_has_one_offset_for_ever(at_us: int) -> None:
    there = local(at_us, "JP")
    assert there is not None
    assert there.at.replace(tzinfo=None) - (EPOCH + timedelta(microseconds=at_us)).replace(
        tzinfo=None
    ) in (timedelta(hours=9), timedelta(hours=10))  # summer time ended in 1951; none since


@pytest.mark.parametrize(
    ("utc", "quiet"),
    [
        ("2026-03-07 12:59", True),  # the day before clocks go forward: 7:59 EST
        ("2026-03-07 13:00", False),
        ("2026-03-08 11:59", True),  # the day they did: 7:59 EDT, an hour earlier
        ("2026-03-08 12:00", False),
        ("2026-11-01 12:59", True),  # the day they went back
        ("2026-11-01 13:00", False),
    ],
)
def test_where_clocks_are_moved_the_hour_on_the_wall_counts(utc: str, quiet: bool) -> None:
    instant = at(utc, timedelta())
    assert bool(broken("quiet_hours", sms(instant, JOE), **LENDER)) == quiet


def test_each_recipient_has_a_clock_of_their_own() -> None:
    ten_in_tokyo = MONDAY  # 20:00 on Sunday in New York
    assert broken("quiet_hours", sms(ten_in_tokyo), sms(ten_in_tokyo, JOE), **LENDER) == []
    assert broken("quiet_hours", sms(ten_in_tokyo, JOE), **{"from": "20:00", "until": "8:00"})


def test_an_assumed_zone_is_said_with_the_breach_and_can_be_given() -> None:
    instant = at("2026-03-02 03:30", timedelta())  # 22:30 in New York, 19:30 in Los Angeles
    traffic = Traffic([sms(instant, JOE)])
    (breach,) = found("quiet_hours", traffic, **LENDER).breaches
    assert "America/New_York is assumed: numbers of US lie in several zones" in breach.words
    assert found("quiet_hours", traffic, **LENDER, zone="America/Los_Angeles").breaches == []
    (sure,) = found("quiet_hours", Traffic([sms(at("2026-03-02 22:00"))]), **LENDER).breaches
    assert "assumed" not in sure.words


def test_where_no_zone_is_known_it_says_so_and_judges_nothing() -> None:
    judged = found("quiet_hours", Traffic([sms(MONDAY, "+37212345678")]), **LENDER)
    assert judged.occasions == 0
    assert judged.unjudged == {"no time zone is known for its country": 1}


def test_every_country_that_numbers_name_has_a_zone() -> None:
    assert set(_COUNTRIES.values()) <= set(ZONES)
    for zone in ZONES.values():
        assert ZoneInfo(zone)
    assert "US" in ASSUMED
    assert "JP" not in ASSUMED
    assert (country_of(MIKA), kind_of(MIKA)) == ("JP", NumberKind.MOBILE)


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        ("2026-01-01", True),
        ("2026-01-02", False),
        ("2026-02-11", True),
        ("2026-05-06", True),  # the substitute for Sunday the 3rd
        ("2026-09-22", True),  # between two holidays
        ("2026-12-31", False),
    ],
)
def test_japanese_holidays_are_known_with_their_substitutes(day: str, is_one: bool) -> None:
    assert bool(holiday("JP", date.fromisoformat(day))) == is_one
    noon = at(f"{day} 12:00")
    assert broken("no_holidays", sms(noon)) == ([noon] if is_one else [])


def test_a_holiday_begins_and_ends_at_the_recipients_midnight() -> None:
    before, first = at("2026-02-10 23:59:59.999999"), at("2026-02-11 00:00")
    last, after = at("2026-02-11 23:59:59.999999"), at("2026-02-12 00:00")
    touches = [sms(instant) for instant in (before, first, last, after)]
    assert broken("no_holidays", *touches) == [first, last]
    assert broken("no_holidays", sms(first, JOE)) == []


def test_beyond_the_calendar_nothing_is_said_to_hold() -> None:
    judged = found("no_holidays", Traffic([sms(at("2150-01-01 12:00"))]))
    assert judged.occasions == 0
    assert sum(judged.unjudged.values()) == 1


def test_the_hours_that_a_person_has_chosen_are_kept_where_they_are_on_record() -> None:
    evening = {MIKA: Person(band=(18 * 60, 20 * 60)), KEN: Person()}
    early, fine = call(at("2026-03-02 17:59")), call(at("2026-03-02 18:00"))
    judged = found("in_chosen_band", Traffic([early, fine, call(MONDAY, KEN)], people=evening))
    assert [b.at_us for b in judged.breaches] == [early.at_us]
    assert judged.unjudged == {"the person has no hours on record": 1}


def test_what_was_refused_reached_nobody_at_night() -> None:
    assert broken("quiet_hours", sms(at("2026-03-02 23:00"), refused="over_quota"), **LENDER) == []


def test_an_instant_is_shown_on_the_recipients_clock() -> None:
    (breach,) = found("quiet_hours", Traffic([sms(at("2026-03-02 22:15:30"))]), **LENDER).breaches
    assert "2026-03-02 22:15:30 Asia/Tokyo" in breach.words
