"""Buckets of plain integers, as Prometheus reads them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from simulator.web.latency import BOUNDS_S, Histogram, Latency

SECONDS = st.lists(st.floats(0, 1e6), max_size=30)


@given(SECONDS)
def test_each_bucket_holds_what_is_within_its_bound(seconds: list[float]) -> None:
    histogram = Histogram()
    for each in seconds:
        histogram.observe(each)
    for bound, n in histogram.cumulative():
        assert n == sum(each <= float(bound) for each in seconds)
    assert histogram.cumulative()[-1] == ("+Inf", len(seconds))
    assert math.isclose(histogram.sum_s, sum(seconds))


def test_the_bounds_rise() -> None:
    assert list(BOUNDS_S) == sorted(set(BOUNDS_S))


def test_routes_and_classes_of_status_are_kept_apart() -> None:
    latency = Latency()
    latency.observe("GET /a", 0.1)
    latency.observe("GET /a", 0.2, 404)
    latency.observe("GET /b", 0.3, 201)
    taken = {name: [sum(each.counts) for each in row] for name, row in latency.routes.items()}
    assert taken == {"GET /a": [0, 0, 1, 0, 1, 0], "GET /b": [0, 0, 1, 0, 0, 0]}
