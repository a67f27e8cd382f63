"""Shapes: whatever is asked, the schedule is sorted, complete, repeatable and divisible."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import UsageError
from simulator.load import shape as s

RATES = st.floats(0, 400, allow_nan=False)
SPANS = st.integers(1, 20_000_000)


def steps(treads: list[tuple[float, int]]) -> s.Steps:
    return s.Steps(tuple(s.Step(rate, for_us) for rate, for_us in treads))


def spike(base: float, peak: float, parts: tuple[int, int, int]) -> s.Spike:
    return s.Spike(base, peak, parts[0], parts[1], sum(parts))


EXACT = st.one_of(
    st.builds(s.Constant, RATES, SPANS),
    st.builds(s.Ramp, RATES, RATES, SPANS),
    st.builds(steps, st.lists(st.tuples(RATES, SPANS), max_size=6)),
    st.builds(spike, RATES, RATES, st.tuples(SPANS, SPANS, SPANS)),
)
SHAPES = st.one_of(
    EXACT,
    st.builds(s.Poisson, RATES, SPANS),
    st.builds(s.Trace, st.lists(SPANS, max_size=50).map(tuple)),
)


@given(SHAPES, st.integers(0, 2**40))
def test_arrivals_are_sorted_and_lie_within_the_load(shape: s.Shape, seed: int) -> None:
    times = s.intended(shape, seed)
    assert times.dtype == np.int64
    assert (np.diff(times) >= 0).all()
    assert ((times >= 0) & (times <= s.lasting_us(shape))).all()


@given(EXACT)
def test_there_are_as_many_as_the_integral_of_the_rate(shape: s.Shape) -> None:
    assert abs(s.intended(shape, 1).size - s.expected(shape)) <= 0.5 + 1e-6


@given(EXACT, st.floats(0, 1))
def test_at_any_instant_as_many_have_come_as_the_rate_has_summed_to(
    shape: s.Shape, part: float
) -> None:
    until = int(s.lasting_us(shape) * part)
    summed, passed = 0.0, 0
    for for_us, start, end in s.pieces(shape):
        here = min(max(until - passed, 0), for_us)
        there = start + (end - start) * here / for_us
        summed, passed = summed + here * (start + there) / 2 / s.US, passed + for_us
    assert abs(int((s.intended(shape, 1) <= until).sum()) - summed) <= 1


@given(SHAPES, st.integers(1, 7))
def test_the_shares_of_all_workers_are_the_schedule(shape: s.Shape, workers: int) -> None:
    times = s.intended(shape, 3)
    shares = [s.share(times, worker, workers) for worker in range(workers)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(times.size))
    sizes = [each.size for each in shares]
    assert max(sizes) - min(sizes) <= 1


@settings(max_examples=20)
@given(RATES, SPANS, st.integers(0, 2**63))
def test_poisson_arrivals_are_the_seed_s(rate: float, for_us: int, seed: int) -> None:
    shape = s.Poisson(rate, for_us)
    assert (s.intended(shape, seed) == s.intended(shape, seed)).all()


def test_another_seed_brings_other_poisson_arrivals_and_their_number_is_poisson_s() -> None:
    shape = s.Poisson(1000, 100 * s.US)
    first, second = s.intended(shape, 1), s.intended(shape, 2)
    assert first.tolist() != second.tolist()
    for times in (first, second):
        assert abs(times.size - 100_000) < 5 * math.sqrt(100_000)
        gaps = np.diff(times)
        assert gaps.std() == pytest.approx(gaps.mean(), rel=0.02)


def test_a_poisson_load_that_is_longer_begins_in_the_same_way() -> None:
    short, long = (s.intended(s.Poisson(50, for_us), 7) for for_us in (s.US, 5 * s.US))
    assert short.tolist() == long[: short.size].tolist()


def test_a_ramp_from_nothing_comes_slowly() -> None:
    times = s.intended(s.Ramp(0, 100, 10 * s.US), 0)
    assert times.size == 500
    assert [int((times < second * s.US).sum()) for second in (1, 2, 5, 10)] == [5, 20, 125, 500]


def test_a_spike_is_where_it_was_put() -> None:
    times = s.intended(s.Spike(10, 100, 2 * s.US, s.US, 5 * s.US), 0)
    assert np.bincount(times // s.US).tolist() == [10, 10, 100, 10, 10]


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (s.Constant(math.nan, 1), "expected a rate"),
        (s.Constant(-1, 1), "seen -1/s"),
        (s.Ramp(0, math.inf, 1), "seen inf/s"),
        (s.Spike(1, 2, 5, 5, 9), "the spike ends after the load"),
        (s.Trace((3, -1)), "no arrival before 0"),
        (s.Constant(1_000_000, 3_600 * s.US), "3,600,000,000 arrivals are more than"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_in_one_line(shape: s.Shape, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        s.intended(shape, 1)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@given(SHAPES)
def test_a_shape_survives_json(shape: s.Shape) -> None:
    assert msgspec.json.decode(msgspec.json.encode(shape), type=s.Shape) == shape
