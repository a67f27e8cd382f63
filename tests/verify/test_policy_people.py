"""Who is contacted, how often, and after what."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.verify.touch import News, Person, Traffic
from tests.verify.touches import (
    DAY,
    HOUR,
    JOE,
    KEN,
    MIKA,
    MINUTE,
    MONDAY,
    broken,
    call,
    found,
    mail,
    news,
    sms,
)

OUT, BACK, GONE, ANSWERED = News.OPTED_OUT, News.OPTED_IN, News.GONE, News.ANSWERED
gaps = st.lists(st.integers(0, 5 * DAY), max_size=12)


def instants(of: list[int]) -> list[int]:
    """Add gaps up."""
    found, now = [], MONDAY
    for gap in of:
        now += gap
        found.append(now)
    return found


# Opt-out.


def test_nothing_may_follow_an_opt_out_that_the_system_was_told_of() -> None:
    early, late = sms(MONDAY), sms(MONDAY + HOUR)
    traffic = Traffic([early, late], [news(MONDAY + MINUTE, OUT)])
    judged = found("no_send_after_opt_out", traffic)
    assert [b.at_us for b in judged.breaches] == [late.at_us]
    assert judged.occasions == 1


def test_a_refused_attempt_after_an_opt_out_counts_as_well() -> None:
    traffic = Traffic([sms(MONDAY + HOUR, refused="opted_out")], [news(MONDAY, OUT)])
    assert found("no_send_after_opt_out", traffic).breaches


def test_the_log_says_what_came_first_where_instants_are_equal() -> None:
    before = Traffic([sms(MONDAY, nth=1)], [news(MONDAY, OUT, nth=2)])
    after = Traffic([sms(MONDAY, nth=3)], [news(MONDAY, OUT, nth=2)])
    assert not found("no_send_after_opt_out", before).breaches
    assert found("no_send_after_opt_out", after).breaches


def test_another_person_may_be_written_to() -> None:
    traffic = Traffic([sms(MONDAY + HOUR, KEN)], [news(MONDAY, OUT)])
    assert not found("no_send_after_opt_out", traffic).breaches


def test_who_has_opted_in_again_may_be_written_to() -> None:
    told = [news(MONDAY, OUT), news(MONDAY + HOUR, BACK)]
    traffic = Traffic([sms(MONDAY + 2 * HOUR)], told)
    assert not found("no_send_after_opt_out", traffic).breaches


@pytest.mark.parametrize(("minutes", "wrong"), [((1,), 0), ((1, 2), 1), ((5,), 0), ((6,), 1)])
def test_one_confirmation_within_its_time_is_let_be(minutes: tuple[int, ...], wrong: int) -> None:
    touches = [sms(MONDAY + n * MINUTE) for n in minutes]
    traffic = Traffic(touches, [news(MONDAY, OUT)])
    assert len(found("no_send_after_opt_out", traffic, confirmation="5m").breaches) == wrong


def test_grace_is_what_was_already_under_way() -> None:
    traffic = Traffic([sms(MONDAY + 9), sms(MONDAY + 10)], [news(MONDAY, OUT)])
    judged = found("no_send_after_opt_out", traffic, grace="0.01ms")
    assert [b.at_us for b in judged.breaches] == [MONDAY + 10]


def test_without_an_opt_out_there_was_no_occasion() -> None:
    assert found("no_send_after_opt_out", Traffic([sms(MONDAY)])).occasions == 0


# Numbers.


def test_nothing_may_follow_the_news_that_a_number_is_gone() -> None:
    traffic = Traffic([sms(MONDAY), sms(MONDAY + DAY)], [news(MONDAY + HOUR, GONE)])
    assert [b.at_us for b in found("no_send_to_gone", traffic).breaches] == [MONDAY + DAY]


@pytest.mark.parametrize(
    ("number", "kind"),
    [("+81312345678", "landline"), ("+81120123456", "toll_free"), ("+815012345678", "ip_phone")],
)
def test_a_landline_is_no_number_for_an_sms(number: str, kind: str) -> None:
    (breach,) = found("no_send_to_landline", Traffic([sms(MONDAY, number)])).breaches
    assert breach.words == f"an SMS to a number that is {kind}"


def test_a_plan_that_does_not_tell_them_apart_is_said_and_not_held() -> None:
    judged = found("no_send_to_landline", Traffic([sms(MONDAY, JOE), sms(MONDAY)]))
    assert judged.occasions == 1
    assert sum(judged.unjudged.values()) == 1
    assert found("no_send_to_landline", Traffic([sms(MONDAY, "+18005550123")])).breaches


# Consent.


def test_consent_is_on_record_or_it_is_not() -> None:
    people = {MIKA: Person(), KEN: Person(consent=False)}
    traffic = Traffic([sms(MONDAY), sms(MONDAY, KEN), sms(MONDAY, JOE)], people=people)
    words = [b.words for b in found("consent_on_record", traffic).breaches]
    assert words == [
        "no consent is on record",
        "the recipient is not among the scenario's people",
    ]


# How often.


@given(gaps, st.integers(1, 4), st.integers(1, 10 * DAY))
def test_no_window_holds_more_than_allowed_unless_it_is_found(
    of: list[int], count: int, window: int
) -> None:
    when = instants(of)
    given = {"count": str(count), "in": f"{window / 1000:.3f}ms"}
    wrong = broken(
        "at_most_per_window", *(sms(now, nth=n + 1) for n, now in enumerate(when)), **given
    )
    for n, now in enumerate(when):
        held = sum(now - window < earlier <= now for earlier in when[: n + 1])
        assert (held > count) == (wrong.count(now) > 0) or when.count(now) > 1
    assert bool(wrong) == any(
        sum(now - window < other <= now for other in when) > count for now in when
    )


def test_a_window_is_half_open() -> None:
    touches = [sms(MONDAY), sms(MONDAY + DAY), sms(MONDAY + 7 * DAY)]
    assert broken("at_most_per_window", *touches, count="2", **{"in": "7d"}) == []
    sooner = [*touches[:2], sms(MONDAY + 7 * DAY - 1)]
    assert broken("at_most_per_window", *sooner, count="2", **{"in": "7d"}) == [sooner[-1].at_us]


def test_a_business_has_a_longer_window_of_its_own() -> None:
    people = {KEN: Person(business=True)}
    touches = [sms(MONDAY + n * 5 * DAY, to) for n in range(3) for to in (MIKA, KEN)]
    judged = found(
        "at_most_per_window",
        Traffic(touches, people=people),
        **{"count": "2", "in": "7d", "business": "14d"},
    )
    assert [b.to for b in judged.breaches] == [KEN]


def test_without_a_window_the_whole_run_counts_and_channels_are_counted_apart() -> None:
    touches = [call(MONDAY), sms(MONDAY), call(MONDAY + 30 * DAY), mail(MONDAY)]
    assert broken("at_most_per_window", *touches, count="1", channel="call") == [MONDAY + 30 * DAY]
    assert broken("at_most_per_window", *touches, count="1", channel="sms") == []


@given(gaps, st.integers(1, 10 * DAY))
def test_a_text_comes_again_too_soon_if_the_gap_is_shorter(of: list[int], window: int) -> None:
    when = instants(of)
    wrong = broken(
        "no_duplicate_text",
        *(sms(now, nth=n + 1) for n, now in enumerate(when)),
        **{"in": f"{window / 1000:.3f}ms"},
    )
    assert wrong == [later for earlier, later in pairwise(when) if later - earlier < window]


def test_another_text_or_person_is_no_duplicate_and_a_refused_one_was_not_sent() -> None:
    touches = [sms(MONDAY), sms(MONDAY, text="Bye"), sms(MONDAY, KEN)]
    assert broken("no_duplicate_text", *touches, sms(MONDAY + 1, refused="over_quota")) == []


def test_a_text_that_is_not_known_is_not_judged() -> None:
    judged = found("no_duplicate_text", Traffic([sms(MONDAY, text=None)]))
    assert (judged.occasions, judged.unjudged) == (0, {"its text is not known": 1})


# When to stop.


def test_after_two_without_an_answer_there_is_no_third() -> None:
    touches = [sms(MONDAY + n * DAY) for n in range(4)]
    assert broken("stop_after_unanswered", *touches, count="2") == [
        MONDAY + 2 * DAY,
        MONDAY + 3 * DAY,
    ]
    answered = Traffic(touches, [news(MONDAY + DAY + 1, ANSWERED)])
    assert not found("stop_after_unanswered", answered, count="2").breaches


def test_after_a_week_it_is_over_and_for_a_business_after_two() -> None:
    people = {KEN: Person(business=True)}
    touches = [sms(MONDAY + n * DAY, to) for n in (0, 7, 8, 14, 15) for to in (MIKA, KEN)]
    judged = found("stop_after", Traffic(touches, people=people), span="7d", business="14d")
    late = [(b.to, (b.at_us - MONDAY) // DAY) for b in judged.breaches]
    assert late == [(MIKA, 8), (MIKA, 14), (MIKA, 15), (KEN, 15)]


def test_no_word_of_a_breach_holds_a_number_or_a_text() -> None:
    touches = [sms(MONDAY), sms(MONDAY + 1), sms(MONDAY, "+81312345678")]
    traffic = Traffic(touches, [news(MONDAY - 1, OUT), news(MONDAY - 1, GONE)])
    for check, asked in (
        ("no_send_after_opt_out", {}),
        ("no_send_to_gone", {}),
        ("no_send_to_landline", {}),
        ("consent_on_record", {}),
        ("at_most_per_window", {"count": "1"}),
        ("no_duplicate_text", {}),
        ("stop_after_unanswered", {"count": "1"}),
    ):
        breaches = found(check, traffic, **asked).breaches
        assert breaches
        assert not any(MIKA in b.words or "Hello" in b.words for b in breaches)
