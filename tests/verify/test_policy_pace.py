"""Rates, waits after a refusal, and callbacks that lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.message import State
from simulator.verify.claims import Claim, ClaimedState, ClaimedTotals, Claims
from simulator.verify.touch import Forged, Touch, Traffic
from tests.verify.touches import KEN, MIKA, MONDAY, SECOND, broken, found, sms

FULL = "over_quota"


@given(st.lists(st.integers(0, 3 * SECOND), max_size=30), st.integers(1, 5))
def test_no_second_has_more_requests_than_agreed_unless_it_is_found(
    gaps: list[int], count: int
) -> None:
    when = [MONDAY + sum(gaps[: n + 1]) for n in range(len(gaps))]
    touches = [sms(now, nth=n + 1) for n, now in enumerate(when)]
    wrong = broken("at_most_rate", *touches, count=str(count))
    crowded = any(sum(now - SECOND < other <= now for other in when) > count for now in when)
    assert bool(wrong) == crowded


def test_refused_requests_count_in_the_rate_whoever_they_are_for() -> None:
    touches = [sms(MONDAY), sms(MONDAY + 1, KEN, refused=FULL), sms(MONDAY + 2)]
    assert broken("at_most_rate", *touches, count="2") == [MONDAY + 2]
    assert broken("at_most_rate", *touches, count="2", **{"in": "0.002ms"}) == []


@pytest.mark.parametrize(
    ("factor", "seconds", "wrong"),
    [
        ("1", (0, 1, 2), 0),
        ("1", (0, 0.9), 1),
        ("2", (0, 1, 3, 7), 0),
        ("2", (0, 1, 2), 1),
        ("2", (0, 3, 5, 9), 0),
        ("2", (0, 1, 3, 7, 11), 1),
    ],
)
def test_waits_after_refusals_are_long_enough(
    factor: str, seconds: tuple[float, ...], wrong: int
) -> None:
    touches = [sms(MONDAY + round(s * SECOND), refused=FULL) for s in seconds]
    given = {"least": "1s", "factor": factor, "longest": "5s"}
    assert len(broken("backs_off", *touches, **given)) == wrong


def test_a_wait_is_at_most_the_longest_and_ends_with_acceptance() -> None:
    refused = [sms(MONDAY + n * SECOND, refused=FULL) for n in range(6)]
    assert broken("backs_off", *refused, least="1s", factor="10", longest="1s") == []
    again = [sms(MONDAY, refused=FULL), sms(MONDAY + SECOND), sms(MONDAY + SECOND + 1)]
    assert broken("backs_off", *again) == []


def test_other_people_and_other_refusals_need_no_wait() -> None:
    assert broken("backs_off", sms(MONDAY, refused=FULL), sms(MONDAY + 1, KEN)) == []
    assert broken("backs_off", sms(MONDAY, refused="bad_to"), sms(MONDAY + 1)) == []
    assert found("backs_off", Traffic([sms(MONDAY, refused=FULL)])).occasions == 0


def test_where_the_system_has_its_own_clock_arrival_is_what_counts() -> None:
    touches = [sms(MONDAY + n * SECOND, wall_us=n) for n in range(3)]
    assert not found("at_most_rate", Traffic(touches), count="1").breaches
    assert len(found("at_most_rate", Traffic(touches, by_wall=True), count="1").breaches) == 2
    judged = found("at_most_rate", Traffic([sms(MONDAY)], by_wall=True), count="1")
    assert (judged.occasions, judged.unjudged) == (0, {"when it arrived was not recorded": 1})


# Forged callbacks.


def claims(state: ClaimedState) -> Claims:
    row = Claim("own-1", "", MIKA, state, 1, 0)
    return Claims("JPY", (row,), ClaimedTotals(0, 0, 0, 0, 0, 0, 0))


def forged(said: State, told: State, own_id: str = "own-1") -> Forged:
    return Forged(at_us=MONDAY, to=MIKA, own_id=own_id, provider_id="", said=said, told=told)


def lied_to(state: ClaimedState, lie: Forged) -> Traffic:
    sent: list[Touch] = [sms(MONDAY)]
    return Traffic(sent, forged=[lie], claims=claims(state))


def test_a_claim_that_only_a_forged_callback_supports_is_found() -> None:
    lie = forged(State.DELIVERED, State.UNDELIVERED)
    (breach,) = found("signatures_verified", lied_to(ClaimedState.DELIVERED, lie)).breaches
    assert "claim says delivered" in breach.words
    assert breach.own_id == "own-1"
    assert not found("signatures_verified", lied_to(ClaimedState.UNDELIVERED, lie)).breaches


def test_a_forged_callback_that_says_the_truth_or_of_nothing_claimed_shows_nothing() -> None:
    true = lied_to(ClaimedState.DELIVERED, forged(State.DELIVERED, State.DELIVERED))
    lost = lied_to(ClaimedState.DELIVERED, forged(State.DELIVERED, State.SENT, "own-2"))
    for traffic in (true, lost):
        judged = found("signatures_verified", traffic)
        assert (judged.occasions, sum(judged.unjudged.values())) == (0, 1)


def test_without_forged_callbacks_nothing_can_be_said() -> None:
    judged = found("signatures_verified", Traffic([sms(MONDAY)]))
    assert judged.occasions == 0
    assert "no callback with a wrong or stale signature was sent" in judged.without
