"""Histograms: ours and the published library's are one, and merging loses nothing."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.load.histogram import CELLS, HIGHEST_US, Histogram, cells

hdrh = pytest.importorskip("hdrh.histogram", reason="extra [load] not installed")

VALUES = st.one_of(
    st.integers(0, HIGHEST_US),
    st.integers(0, 5_000),
    st.integers(0, 31).map(lambda bits: 1 << bits),
    st.integers(1, 31).map(lambda bits: (1 << bits) - 1),
)
MANY = st.lists(VALUES, max_size=200)


def of(values: list[int]) -> Histogram:
    made = Histogram()
    made.record(values)
    return made


def library(values: list[int]) -> hdrh.HdrHistogram:
    made = hdrh.HdrHistogram(1, HIGHEST_US, 3)
    for value in values:
        assert made.record_value(value)
    return made


@given(MANY)
def test_the_cells_are_the_library_s(values: list[int]) -> None:
    theirs = library(values)
    assert theirs.counts_len == CELLS
    assert of(values).counts.tolist() == list(theirs.counts)


@given(st.lists(VALUES, min_size=1, max_size=200), st.sampled_from([1, 50, 90, 99, 99.9, 100]))
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(
    values: list[int], percent: float
) -> None:
    rank = math.ceil(Fraction(str(percent)) * len(values) / 100)
    least = sorted(values)[rank - 1]
    assert of(values).percentile(percent) == library(values).get_highest_equivalent_value(least)


@given(MANY, st.integers(0, 100))
def test_no_percentile_is_below_the_library_s_and_whole_ranks_are_the_same(
    values: list[int], percent: int
) -> None:
    ours, theirs = of(values).percentile(percent), library(values).get_value_at_percentile(percent)
    assert ours == theirs if len(values) * percent % 100 == 0 else ours >= theirs


@given(MANY)
def test_the_encoding_is_the_library_s_and_comes_back(values: list[int]) -> None:
    ours = of(values)
    assert Histogram.decode(ours.encode()).counts.tolist() == ours.counts.tolist()
    theirs = hdrh.HdrHistogram.decode(ours.encode())
    assert theirs.get_total_count() == len(values)
    assert theirs.get_value_at_percentile(100) == ours.percentile(100)
    written = library(values).encode().decode()
    assert Histogram.decode(written).counts.tolist() == ours.counts.tolist()


@given(MANY, MANY)
def test_the_sum_of_the_parts_is_the_whole(some: list[int], others: list[int]) -> None:
    merged = of(some)
    merged.add(of(others))
    rebuilt = of(some)
    rebuilt.add_sparse(of(others).sparse())
    whole = of([*some, *others])
    assert merged.counts.tolist() == rebuilt.counts.tolist() == whole.counts.tolist()


@given(st.lists(VALUES, min_size=1, max_size=200))
def test_three_digits_are_kept(values: list[int]) -> None:
    assert of(values).max() == pytest.approx(max(values), rel=0.001, abs=0.5)
    assert of(values).mean() == pytest.approx(np.mean(values), rel=0.001, abs=0.5)


@given(MANY, VALUES)
def test_what_lies_above_a_limit_is_counted_to_the_cell(values: list[int], limit: int) -> None:
    [edge] = cells(np.array([limit]))
    assert of(values).above(limit) == sum(int(cells(np.array([v]))[0]) > edge for v in values)


def test_nothing_recorded_has_no_latency() -> None:
    empty = Histogram()
    assert (empty.count, empty.percentile(99), empty.max(), empty.mean()) == (0, 0, 0, 0.0)


def test_what_is_beyond_the_range_is_kept_at_its_ends() -> None:
    made = of([-5, HIGHEST_US * 10])
    assert made.count == 2
    assert made.percentile(0) == 0
    assert made.max() == pytest.approx(HIGHEST_US, rel=0.001)


def test_a_histogram_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a histogram of 1 us to 1 h"):
        Histogram.decode(hdrh.HdrHistogram(1, 1000, 2).encode().decode())


def test_the_library_is_asked_for_only_to_read_and_write() -> None:
    seen = (
        "import sys; from simulator.load.histogram import Histogram; Histogram().record([1]);"
        "print([n for n in ('hdrh', 'locust', 'gevent', 'asyncio') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
