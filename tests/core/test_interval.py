"""Intervals: against published values, against counting, and at the ends."""

from __future__ import annotations

from math import ceil, comb, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.interval import foreseen, wilson


@pytest.mark.parametrize(
    ("seen", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 1998;17:857, table I, method 3 (score).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_wilson_interval_is_the_published_one(
    seen: int, of: int, low: float, high: float
) -> None:
    assert wilson(seen, of) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_holds_what_was_seen_and_mirrors(pair: tuple[int, int]) -> None:
    seen, of = pair
    low, high = wilson(seen, of)
    assert 0 <= low <= seen / of <= high <= 1
    assert wilson(of - seen, of) == pytest.approx((1 - high, 1 - low))


@given(
    st.integers(1, 100_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))),
    st.integers(0, 10**8),
)
def test_what_is_foreseen_holds_its_mean_and_is_possible(
    pair: tuple[int, int], coming: int
) -> None:
    seen, of = pair
    low, high = foreseen(seen, of, coming)
    mean = coming * seen / of
    assert 0 <= low <= ceil(mean)
    assert floor(mean) <= high <= coming
    assert low <= high


@given(st.integers(1, 100_000), st.integers(0, 10**8))
def test_what_always_happened_is_foreseen_to_happen_always(of: int, coming: int) -> None:
    assert foreseen(of, of, coming)[1] == coming
    assert foreseen(0, of, coming)[0] == 0


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.98])
def test_of_the_counts_to_come_about_95_in_100_lie_where_foreseen(share: float) -> None:
    of, coming = 400, 50

    def law(n: int) -> list[float]:
        return [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]

    held = sum(
        p * sum(law(coming)[low : high + 1])
        for seen, p in enumerate(law(of))
        if p > 1e-9
        for low, high in [foreseen(seen, of, coming)]
    )
    assert held > 0.93
