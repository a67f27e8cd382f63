"""How busy a loop is: sliding windows over samples; and one meter on a real thread."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.run.load_busy import Meter, Sample, busiest, share

S = 1_000_000_000
STEPS = st.lists(st.tuples(st.integers(1, 3 * S), st.floats(0, 1)), max_size=60)


def sampled(steps: list[tuple[int, float]]) -> list[Sample]:
    found, at_ns, busy_ns = [Sample(0, 0)], 0, 0
    for passed_ns, part in steps:
        at_ns, busy_ns = at_ns + passed_ns, busy_ns + int(passed_ns * part)
        found.append(Sample(at_ns, busy_ns))
    return found


def test_five_busy_seconds_among_quiet_minutes_are_found() -> None:
    quiet, busy = [(S, 0.1)] * 60, [(S, 0.95)] * 5
    assert busiest(sampled(quiet + busy + quiet)) == pytest.approx(0.95)


def test_a_burst_shorter_than_the_window_is_spread_over_it() -> None:
    assert busiest(sampled([(S, 0.0)] * 9 + [(S, 1.0)] + [(S, 0.0)] * 9)) == pytest.approx(0.2)


def test_a_run_shorter_than_the_window_counts_as_a_whole() -> None:
    assert busiest(sampled([(S, 0.5), (S, 1.0)])) == pytest.approx(0.75)
    assert busiest([]) == busiest([Sample(5, 5)]) == 0.0


@settings(derandomize=True, database=None, deadline=None)
@given(STEPS)
def test_no_window_is_busier_than_the_busiest(steps: list[tuple[int, float]]) -> None:
    samples = sampled(steps)
    most = busiest(samples, 5 * S)
    assert 0 <= most <= 1
    for first, one in enumerate(samples):
        later = (s for s in samples[first:] if s.at_ns - one.at_ns >= 5 * S)
        if (shortest := next(later, None)) is not None:
            before = [s for s in samples if shortest.at_ns - s.at_ns >= 5 * S]
            assert share(before[-1], shortest) <= most + 1e-9


def test_a_meter_sees_a_thread_at_work() -> None:
    meter = Meter()
    meter.take()
    until_ns = time.thread_time_ns() + 20_000_000
    while time.thread_time_ns() < until_ns:
        pass
    meter.take()
    first, last = meter.samples
    assert last.busy_ns - first.busy_ns >= 10_000_000
    assert meter.latest() == share(first, last)
