"""Working time and the clock: there and back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.plan.hours import Hours

LENGTHS = st.lists(st.tuples(st.integers(1, 1_000), st.integers(1, 1_000)), min_size=1, max_size=8)


def made(lengths: list[tuple[int, int]]) -> Hours:
    """Windows by how long it was closed before each, and how long it is open."""
    ends = np.cumsum(np.array(lengths).ravel()).reshape(-1, 2)
    return Hours.of([(int(opens), int(closes)) for opens, closes in ends])


@given(LENGTHS, st.data())
def test_working_time_comes_back_from_the_clock(
    lengths: list[tuple[int, int]], data: st.DataObject
) -> None:
    hours = made(lengths)
    work = np.array(data.draw(st.lists(st.integers(0, hours.total_us - 1), min_size=1)))
    wall = hours.wall(work)
    assert hours.work(wall).tolist() == work.tolist()
    for at in wall:
        assert any(o <= at < c for o, c in zip(hours.opens_us, hours.closes_us, strict=True))


@given(LENGTHS, st.integers(0, 20_000))
def test_what_is_wanted_while_it_is_closed_goes_when_it_opens(
    lengths: list[tuple[int, int]], at: int
) -> None:
    hours = made(lengths)
    wanted = np.array([at])
    if hours.work(wanted)[0] < hours.total_us:
        goes = hours.wall(hours.work(wanted))[0]
        assert goes >= at
        later = hours.opens_us[hours.opens_us > at]
        inside = any(o <= at < c for o, c in zip(hours.opens_us, hours.closes_us, strict=True))
        assert goes == (at if inside else later[0])


def test_the_hours_of_two_days_are_laid_end_to_end() -> None:
    hours = Hours.of([(10, 20), (30, 40)])
    assert hours.total_us == 20
    assert hours.wall(np.array([0, 9, 10, 19])).tolist() == [10, 19, 30, 39]
    assert hours.work(np.array([0, 10, 15, 25, 30, 100])).tolist() == [0, 0, 5, 10, 10, 20]
