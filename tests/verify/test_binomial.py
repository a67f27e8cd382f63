"""The binomial law against exact fractions, and the bounds against published values."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.verify import binomial
from simulator.verify.binomial import at_least, at_most, beyond, bounds, short_of

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=150)
SHARES = st.fractions(0, 1, max_denominator=1000)


def exactly(k: int, n: int, p: Fraction) -> Fraction:
    """P(X <= k), with no rounding at all."""
    terms = (comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(min(k, n) + 1))
    return sum(terms, Fraction(0))


@repeatable
@given(st.integers(0, 120), SHARES, st.data())
def test_tails_are_those_of_exact_fractions(n: int, p: Fraction, data: st.DataObject) -> None:
    k = data.draw(st.integers(-1, n + 1))
    assert at_most(k, n, float(p)) == pytest.approx(float(exactly(k, n, p)), rel=1e-10, abs=1e-14)
    above = float(1 - exactly(k - 1, n, p))
    assert at_least(k, n, float(p)) == pytest.approx(above, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize(
    ("k", "n", "level", "low", "high"),
    [
        # Two-sided 95%, so 97.5% at each end.
        (0, 10, 0.975, 0.0, 0.3085),  # the "rule of three" and its kin: 1 - 0.025**(1/10)
        (5, 10, 0.975, 0.1871, 0.8129),
        (10, 10, 0.975, 0.6915, 1.0),
        (81, 263, 0.975, 0.2527, 0.3676),  # Newcombe 1998, Statistics in Medicine 17:857, table I
        (15, 148, 0.975, 0.0578, 0.1617),  # the same
        (0, 20, 0.975, 0.0, 0.1684),  # the same
        (1, 29, 0.975, 0.0009, 0.1776),  # the same
    ],
)
def test_the_bounds_are_the_published_ones(
    k: int, n: int, level: float, low: float, high: float
) -> None:
    assert bounds(k, n, level) == pytest.approx((low, high), abs=5.1e-5)


@repeatable
@given(st.integers(1, 300), st.floats(0.01, 0.99), st.floats(0.5, 0.999), st.data())
def test_the_decision_is_that_of_the_bound(
    n: int, limit: float, level: float, data: st.DataObject
) -> None:
    k = data.draw(st.integers(0, n))
    low, high = bounds(k, n, level)
    if abs(high - limit) > 1e-9:
        assert (k <= short_of(n, limit, level)) == (high < limit)
    if abs(low - limit) > 1e-9:
        assert (k >= beyond(n, limit, level)) == (low > limit)


@repeatable
@given(st.integers(1, 300), st.floats(0.01, 0.99), st.floats(0.5, 0.999))
def test_what_would_be_caught_is_caught_four_times_in_five(
    n: int, limit: float, level: float
) -> None:
    caught, worst = binomial.caught_below(n, limit, level), short_of(n, limit, level)
    assert (caught is None) == (worst < 0)
    if caught is not None:
        assert caught < limit
        assert at_most(worst, n, caught) == pytest.approx(0.8, abs=1e-9)
    above = binomial.caught_above(n, limit, level)
    if above is not None:
        assert above > limit
        assert at_least(beyond(n, limit, level), n, above) == pytest.approx(0.8, abs=1e-9)


def test_ten_million_tries_are_no_trouble() -> None:
    low, high = bounds(9_500_000, 10_000_000, 0.99)
    assert (low, high) == pytest.approx((0.94983944, 0.95016021), abs=1e-8)  # 0.95 -+ 2.326 sd
    assert at_most(9_500_000, 10_000_000, 0.95) == pytest.approx(0.5, abs=3e-4)
    assert short_of(10_000_000, 0.95, 0.99) == 9_498_395


def test_certain_shares_leave_no_doubt() -> None:
    assert short_of(100, 0.0, 0.99) == -1  # nothing is less than nothing
    assert short_of(100, 1.0, 0.99) == 99  # one miss, and it is not all
    assert beyond(100, 1.0, 0.99) == 101
    assert beyond(100, 0.0, 0.99) == 1
