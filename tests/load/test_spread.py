"""Quantiles of times, some of which had not ended: what is known of them, and no more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.load.histogram import Histogram
from simulator.load.spread import Spread, bounds, in_ms, spread, spread_of

TIMES = st.lists(st.integers(0, 10**6), max_size=200)
NAMES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}


def of(ended: list[int], open_: list[int] | None = None) -> Spread:
    return spread(np.array(ended, np.int64), np.array(open_ or [], np.int64))


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=300))
def test_a_quantile_is_the_smallest_time_within_which_the_share_lies(times: list[int]) -> None:
    found, n = spread(np.array(times, np.int64)), len(times)
    for value, share in ((found.p50_us, 0.5), (found.p90_us, 0.9), (found.p99_us, 0.99)):
        assert sum(t <= value for t in times) >= share * n - 1e-9
        assert sum(t < value for t in times) < share * n
    assert (found.max_us, found.n) == (max(times), n)


def test_a_few_quick_receipts_do_not_speak_for_the_many_that_did_not_come() -> None:
    found = of([10_000] * 9, [3_000_000 + n for n in range(191)])
    assert (found.n, found.open, found.mean_us) == (9, 191, None)
    assert found.p50_us is found.p99_us is found.max_us is None
    assert found.least_us["p50"] == 3_000_000 + 100 - 9 - 1
    assert found.least_us["p99"] == 3_000_000 + 198 - 9 - 1


def test_a_quantile_below_the_open_ones_is_known() -> None:
    found = of([1_000 * n for n in range(1, 96)], [500_000] * 5)
    assert (found.p50_us, found.p90_us, found.p99_us) == (50_000, 90_000, None)
    assert found.least_us == {"p99": 500_000, "p999": 500_000, "max": 500_000}


def test_what_may_still_end_sooner_than_others_did_leaves_a_quantile_vague() -> None:
    found = of([5_000, 5_000, 5_000, 9_000], [1_000])
    assert (found.p90_us, found.least_us["p90"]) == (None, 9_000)
    assert (found.p50_us, "p50" in found.least_us) == (5_000, False)
    assert of([5_000, 9_000], [1_000]).least_us["p50"] == 5_000  # between 5 and 9


def test_metrics_are_values_or_the_least_of_them_with_the_reason() -> None:
    found = bounds("receipt", of([1_500] * 2, [7_000] * 2), ("p50", "p99"), "had not come")
    assert found.metrics == {"receipt_p50": "3/2", "receipt_p99": None}
    assert found.least == {"receipt_p99": "7"}
    assert found.unknown == {"receipt_p99": "p99 is not known: 2 of 4 had not come"}
    assert bounds("ack", of([]), ("p50",), "").metrics == {"ack_p50": None}


def test_the_report_shows_both_counts_and_what_is_known_at_least() -> None:
    shown = in_ms(of([1_500] * 2, [7_000] * 2))
    assert (shown["count"], shown["open"], shown["p50"], shown["p99"]) == (2, 2, 1.5, None)
    assert shown["at_least"] == {"p90": 7.0, "p99": 7.0, "p999": 7.0, "max": 7.0}


@settings(derandomize=True, database=None, deadline=None, max_examples=80)
@given(TIMES, TIMES, st.lists(st.integers(0, 10**6), min_size=200, max_size=200))
def test_whatever_the_open_ones_come_to_lies_within_what_was_told(
    ended: list[int], open_: list[int], more: list[int]
) -> None:
    found = of(ended, open_)
    whole = sorted([*ended, *(a + b for a, b in zip(open_, more, strict=False))])
    for name, share in NAMES.items() if whole else ():
        truth = whole[max(0, math.ceil(round(len(whole) * share * 1_000) / 1_000) - 1)]
        value = found.value(name)
        assert found.least_us.get(name, value) <= truth
        assert value is None or truth <= value


@pytest.mark.parametrize("name", NAMES)
def test_of_nothing_there_is_no_value(name: str) -> None:
    assert of([]).value(name) is None


@given(
    st.lists(st.integers(0, 2_000), max_size=60),
    st.lists(st.integers(0, 2_000), max_size=20),
)
def test_a_histogram_s_quantiles_are_those_of_its_values_and_of_what_never_ended(
    ended: list[int], open_: list[int]
) -> None:
    times = Histogram()  # up to 2,047 us a cell is one value
    times.record(ended)
    found = spread_of(times, np.array(open_, np.int64))
    assert found == of(ended, open_)


def test_both_bounds_are_those_of_either() -> None:
    api, receipt = (of([1_000, 2_000], open_) for open_ in ([], [3_000]))
    both = bounds("api", api, ["p99"], "no") | bounds("receipt", receipt, ["p99"], "out")
    assert both.metrics == {"api_p99": "2", "receipt_p99": None}
    assert both.least == {"receipt_p99": "3"}
    assert both.unknown == {"receipt_p99": "p99 is not known: 1 of 3 out"}
