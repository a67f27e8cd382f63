"""People: two stages of reading, one law for replies, stages in their order."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from simulator.core.chance import MASK, key_bytes, key_of, ladder
from simulator.core.person import (
    JP_DIRECT,
    PRESETS,
    RATE_NAMES,
    REPLY_GENERAL,
    Persona,
    Reaction,
    compile_persona,
    rates_of,
    react,
    reaction_streams,
    reply_words,
    segment_of,
)

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)
MINUTE_US = 60_000_000
NOW_US = 1_748_822_400_000_000
PEOPLE = 60_000


def persona(seed: int = 1, preset: str = "jp-direct", **rates: float) -> Persona:
    return compile_persona(seed, preset, PRESETS[preset], rates)


def reaction(
    who: Persona, i: int, *, seed: int = 1, can_reply: bool = True, has_link: bool = False
) -> Reaction:
    fate8, streams = key_bytes(key_of("message", i)), reaction_streams(seed)
    return react(who, streams, fate8, NOW_US, can_reply=can_reply, has_link=has_link)


@cache
def reactions(**rates: float) -> list[Reaction]:
    who, streams = persona(**rates), reaction_streams(1)
    keys = (key_bytes(key_of("message", i)) for i in range(PEOPLE))
    return [react(who, streams, fate8, NOW_US, can_reply=True, has_link=True) for fate8 in keys]


def share(found: list[Any]) -> float:
    return len(found) / PEOPLE


def test_nine_in_ten_delivered_messages_are_noticed_within_half_an_hour() -> None:
    soon = [r for r in reactions() if 0 < r.noticed_us <= NOW_US + 30 * MINUTE_US]
    assert share(soon) == pytest.approx(0.90, abs=0.005)


def test_half_of_the_delivered_messages_are_noticed_within_three_minutes() -> None:
    soon = [r for r in reactions() if 0 < r.noticed_us <= NOW_US + 3 * MINUTE_US]
    assert share(soon) == pytest.approx(0.50, abs=0.01)


def test_86_percent_of_the_delivered_messages_are_opened_in_the_end() -> None:
    assert share([r for r in reactions() if r.opened_us]) == pytest.approx(0.86, abs=0.005)


def test_nearly_all_are_noticed_in_the_end() -> None:
    assert share([r for r in reactions() if r.noticed_us]) == pytest.approx(0.983, abs=0.002)


def test_replies_and_stops_keep_their_shares_of_the_delivered() -> None:
    found = reactions(reply=0.3, stop=0.05)
    assert share([r for r in found if r.stops]) == pytest.approx(0.05, abs=0.003)
    assert share([r for r in found if r.replied_us and not r.stops]) == pytest.approx(
        0.3 * (1 - 0.05 / 0.86), abs=0.006
    )


@pytest.mark.parametrize(("minutes", "expected"), [(15, 0.43), (45, 0.60)])
def test_replies_come_by_the_published_law(minutes: int, expected: float) -> None:
    replies = [r for r in reactions(reply=0.86, stop=0.0) if r.replied_us]
    soon = [r for r in replies if r.replied_us <= NOW_US + minutes * MINUTE_US]
    assert len(soon) / len(replies) == pytest.approx(expected, abs=0.006)
    assert REPLY_GENERAL.at(int(expected * 2**64)) == pytest.approx(minutes * MINUTE_US, rel=0.01)


def in_order(r: Reaction) -> bool:
    if r.clicked_us and not 0 < r.opened_us < r.clicked_us:
        return False
    if r.replied_us:
        return NOW_US < r.noticed_us < r.opened_us < r.replied_us
    if r.opened_us:
        return NOW_US < r.noticed_us < r.opened_us and not r.stops
    return (r.noticed_us == 0 or r.noticed_us > NOW_US) and not r.stops


def test_every_stage_comes_after_the_one_before() -> None:
    assert all(in_order(r) for r in reactions())
    assert all(in_order(r) for r in reactions(reply=0.86, stop=0.0))


@repeatable
@given(
    st.integers(0, MASK),
    st.integers(0, 10**6),
    st.dictionaries(st.sampled_from(RATE_NAMES[4:]), st.floats(0, 1)),
    st.booleans(),
    st.booleans(),
)
def test_stages_are_ordered_whatever_the_rates(
    seed: int, i: int, rates: dict[str, float], can_reply: bool, has_link: bool
) -> None:
    try:
        who = persona(seed, **rates)
    except ValueError:
        return  # a contradiction, refused
    found = reaction(who, i, seed=seed, can_reply=can_reply, has_link=has_link)
    assert in_order(found)
    assert has_link or not found.clicked_us
    assert can_reply or not found.replied_us


def test_where_no_reply_is_carried_reading_is_the_same_or_later() -> None:
    who = persona(reply=0.86)
    for i in range(500):
        silent, talking = reaction(who, i, can_reply=False), reaction(who, i)
        assert bool(silent.noticed_us) == bool(talking.noticed_us)
        assert bool(silent.opened_us) == bool(talking.opened_us)
        assert silent.opened_us >= talking.opened_us
        if not talking.replied_us:
            assert silent == talking


def test_raising_one_rate_changes_only_those_between_the_two_quantiles() -> None:
    few, more = reactions(reply=0.10), reactions(reply=0.12)
    changed = [(a, b) for a, b in zip(few, more, strict=True) if a != b]
    assert share(changed) == pytest.approx(0.02, abs=0.002)
    assert all(not a.replied_us and b.replied_us for a, b in changed)


def test_a_link_changes_nothing_that_a_person_does_but_the_click() -> None:
    who = persona(click=0.5, reply=0.4)
    for i in range(500):
        plain, linked = reaction(who, i), reaction(who, i, has_link=True)
        assert plain == replace(linked, clicked_us=0)


def test_a_click_is_drawn_apart_from_the_reply_and_may_come_before_or_after_it() -> None:
    found = reactions(opened=0.98, reply=0.49, stop=0.0, click=0.49)
    both = [r for r in found if r.replied_us and r.clicked_us]
    assert share(both) == pytest.approx(0.98 * 0.25, abs=0.01)
    assert 0 < sum(r.clicked_us < r.replied_us for r in both) < len(both)


def test_four_in_a_hundred_delivered_links_are_clicked_half_of_them_within_15_seconds() -> None:
    clicks = [r for r in reactions() if r.clicked_us]
    assert share(clicks) == pytest.approx(0.04, abs=0.003)
    soon = [r for r in clicks if r.clicked_us - r.opened_us <= 15_000_000]
    assert len(soon) / len(clicks) == pytest.approx(0.5, abs=0.04)


def test_clicks_that_nobody_named_are_at_most_the_openings() -> None:
    few = {"opened": 0.01, "noticed": 0.9, "reply": 0.0, "stop": 0.0}
    assert rates_of(JP_DIRECT, few)["click"] == 0.01
    assert rates_of(JP_DIRECT, {})["click"] == 0.04


@pytest.mark.parametrize("certain", ["noticed", "opened", "click", "reply", "stop"])
def test_what_is_certain_happens_to_everyone(certain: str) -> None:
    names = {"stop": "stops", "reply": "replied_us", "click": "clicked_us"}
    field = names.get(certain, f"{certain}_us")
    rest = {"reply": 0.0} if certain == "stop" else {}
    who = persona(**{certain: 1.0}, **rest)
    found = [reaction(who, i, has_link=True) for i in range(2000)]
    assert all(getattr(r, field) for r in found)


def test_raising_a_late_stage_raises_the_earlier_ones_that_were_not_named() -> None:
    assert persona(opened=1.0) == persona(opened=1.0, noticed=1.0)
    assert persona(reply=1.0) == persona(reply=1.0, opened=1.0, noticed=1.0)
    assert persona(click=1.0) == persona(click=1.0, opened=1.0, noticed=1.0)


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ({"opened": 0.9, "noticed": 0.5}, r"opened \(0.9\) cannot exceed noticed \(0.5\)"),
        ({"reply": 0.9, "opened": 0.5}, r"reply \(0.9\) cannot exceed opened \(0.5\)"),
        ({"click": 0.9, "opened": 0.5}, r"click \(0.9\) cannot exceed opened \(0.5\)"),
        ({"stop": 0.9, "opened": 0.5}, r"stop \(0.9\) cannot exceed opened \(0.5\)"),
        ({"reply": 0.9, "noticed": 0.5}, r"opened \(0.9\) cannot exceed noticed \(0.5\)"),
        ({"openend": 0.9}, "unknown rate 'openend'; known are gone, "),
        ({"gone": 1.5}, "between 0 and 1"),
    ],
)
def test_rates_that_contradict_each_other_are_refused(rates: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        persona(**rates)


def test_a_persona_without_readers_divides_nothing_by_zero() -> None:
    none = persona(noticed=0.0, opened=0.0, reply=0.0, stop=0.0)
    assert {reaction(none, i) for i in range(500)} == {Reaction(0, 0, 0, stops=False)}


def test_every_rate_of_a_preset_can_be_overridden() -> None:
    for name in RATE_NAMES:
        assert persona(**{name: 0.97 * getattr(JP_DIRECT, name).value}) != persona()


def test_each_preset_compiles_as_it_is() -> None:
    assert {persona(preset=name).name for name in PRESETS} == set(PRESETS)
    assert JP_DIRECT.opened.value == 0.86


def test_a_segment_is_drawn_by_its_share() -> None:
    limits = ladder([1, 3])
    drawn = [segment_of(limits, 99, key_bytes(key_of(i))) for i in range(20_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(0.75, abs=0.01)
    assert segment_of((2**64,), 99, b"anything") == 0


def test_people_answer_in_the_language_of_their_country() -> None:
    words = {reply_words("JP", bits << 62) for bits in range(4)}
    assert len(words) == 4
    assert all(not text.isascii() for text in words)
    assert all(reply_words(country, MASK).isascii() for country in ("US", "ZZ"))
