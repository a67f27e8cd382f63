"""Scaling: intervals that hold what they promise, and whole numbers that add up."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.message import State
from simulator.core.number import japan_unassigned
from simulator.core.people import Habits, People
from simulator.plan.estimate import apportioned, estimate
from simulator.plan.keys import fate_keys
from simulator.plan.lives import Laws, Lives, lived
from simulator.plan.people import crowd_of
from tests.worlds import START_US

WORLDS, SAMPLE, COMING = 40, 500, 1_000


def lives_of(seed: int, count: int) -> Lives:
    numbers = [japan_unassigned((i * 7_654_321 + seed) % 20_000_000) for i in range(count)]
    people = People(seed, {"JP": Habits("jp-direct", {"gone": 0.05, "absent": 0.2})})
    crowd = crowd_of(people, "JP", numbers)
    return lived(Laws(seed), crowd, fate_keys("", numbers, 0), np.full(count, START_US))


def test_ninety_five_in_a_hundred_campaigns_lie_in_the_interval() -> None:
    held = tried = 0
    for seed in range(WORLDS):
        sample, coming = lives_of(2 * seed, SAMPLE), lives_of(2 * seed + 1, COMING)
        for of in (
            lambda lives: (lives.state == State.DELIVERED).astype(np.int64),
            lambda lives: (lives.cause > 0).astype(np.int64),
            lambda lives: (lives.replied_us > 0).astype(np.int64),
            lambda lives: 3 * (lives.state == State.DELIVERED) - (lives.replied_us > 0),
        ):
            found = estimate(of(sample), COMING)
            held += found.low <= int(of(coming).sum()) <= found.high
            tried += 1
    assert 0.92 <= held / tried <= 0.99  # the seeds are fixed; over 400 worlds it is 95.6%


def test_what_is_the_same_for_everybody_has_no_interval_where_it_is_no_chance() -> None:
    assert estimate(np.full(10, 2), 1_000, by_chance=False) == (2_000, 2_000, 2_000)


def test_what_was_the_same_for_the_sample_by_chance_may_differ_for_others() -> None:
    found = estimate(np.full(10, 2), 1_000)
    assert (found.expected, found.high) == (2_000, 2_000)
    assert 1_000 < found.low < 1_800
    assert estimate(np.full(10_000, 2), 1_000).low > found.low


def test_what_was_never_seen_may_still_come() -> None:
    found = estimate(np.zeros(100, dtype=np.int64), 1_000)
    assert (found.expected, found.low) == (0, 0)
    assert 10 < found.high < 60


def test_a_share_counts_in_its_own_unit() -> None:
    each = np.array([0, 3] * 50)
    one = estimate((each > 0).astype(np.int64), 1_000)
    assert estimate(each, 1_000) == tuple(3 * value for value in one)


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=20), st.integers(0, 10**9))
def test_what_is_shared_out_adds_up(counts: list[int], total: int) -> None:
    found = apportioned(np.array(counts), total)
    assert int(found.sum()) == (total if any(counts) else 0)
    for count, share in zip(counts, found.tolist(), strict=True):
        assert abs(share * sum(counts) - count * total) <= sum(counts)
