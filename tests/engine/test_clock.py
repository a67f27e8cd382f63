"""One formula, virtual = base + rate x elapsed; the machine's instants are handed in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.clock import Clock

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)
BASE_US = 1_748_822_400_000_000
SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("rate", "virtual_us"), [(1.0, 5_000_000), (60.0, 300_000_000), (0.5, 2_500_000), (0.0, 0)]
)
def test_virtual_time_runs_at_its_rate(rate: float, virtual_us: int) -> None:
    clock = Clock(BASE_US, rate, mono_ns=7 * SECOND_NS)
    assert clock.now(7 * SECOND_NS) == BASE_US
    assert clock.now(12 * SECOND_NS) == BASE_US + virtual_us


def test_a_stepped_clock_moves_by_jumps_alone_and_only_forward() -> None:
    clock = Clock(BASE_US, 0)
    clock.jump(BASE_US + 10)
    assert clock.now(99 * SECOND_NS) == BASE_US + 10
    clock.jump(BASE_US + 3)
    assert clock.now(0) == BASE_US + 10


def test_a_running_clock_goes_on_from_where_it_jumped_to() -> None:
    clock = Clock(BASE_US, 2.0)
    clock.jump(BASE_US + 60_000_000, mono_ns=SECOND_NS)
    assert clock.now(2 * SECOND_NS) == BASE_US + 62_000_000


def test_a_change_of_rate_does_not_move_the_past() -> None:
    clock = Clock(BASE_US, 1.0)
    clock.set_rate(60.0, 10 * SECOND_NS)
    assert clock.now(10 * SECOND_NS) == BASE_US + 10_000_000
    assert clock.now(11 * SECOND_NS) == BASE_US + 70_000_000
    clock.set_rate(0.0, 11 * SECOND_NS)
    assert clock.now(500 * SECOND_NS) == BASE_US + 70_000_000


def test_a_sleep_is_told_in_real_seconds() -> None:
    assert Clock(BASE_US, 60.0).real_seconds_until(BASE_US + 60_000_000, 0) == 1.0
    assert Clock(BASE_US, 1.0).real_seconds_until(BASE_US - 5, 0) == 0.0
    assert Clock(BASE_US, 0.0).real_seconds_until(BASE_US + 5, 0) is None


@pytest.mark.parametrize("rate", [-1.0, 1e10, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        Clock(BASE_US, rate)
    with pytest.raises(ValueError, match="rate"):
        Clock(BASE_US, 1.0).set_rate(rate, 0)


@repeatable
@given(
    st.floats(0, 1e6),
    st.lists(st.tuples(st.integers(0, 10**12), st.floats(0, 1e6)), max_size=10),
)
def test_virtual_time_never_goes_back(rate: float, changes: list[tuple[int, float]]) -> None:
    clock, mono_ns, seen = Clock(BASE_US, rate), 0, BASE_US
    for later_ns, after in changes:
        mono_ns += later_ns
        assert clock.now(mono_ns) >= seen
        seen = clock.now(mono_ns)
        clock.set_rate(after, mono_ns)
        assert clock.now(mono_ns) == seen
