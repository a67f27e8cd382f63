"""The dispatcher: every arrival is done or given up, and never more at once than may be."""

from __future__ import annotations

from collections import Counter
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

gevent = pytest.importorskip("gevent", reason="extra [load] not installed")

from loadtests.pace import Pace  # noqa: E402 - not without gevent


class Stage:
    """Notes what was done, and how many at once."""

    def __init__(self, turns: int) -> None:
        self.done: list[int] = []
        self.dropped: list[int] = []
        self.waited: list[int] = []
        self.now = self.most = 0
        self._turns = turns

    def act(self, place: int) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(self._turns):
            gevent.sleep(0)
        self.now -= 1
        self.done.append(place)

    def pace(self, due_s: list[float], in_flight: int, queue: int, drop_after_s: float) -> Pace:
        return Pace(
            due_s,
            self.act,
            self.dropped.append,
            self.waited.append,
            in_flight=in_flight,
            queue=queue,
            drop_after_s=drop_after_s,
        )


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(1, 8),
    st.integers(0, 20),
    st.integers(0, 5),
    st.sampled_from([0.0, 10.0]),
)
def test_every_arrival_is_done_once_or_given_up(
    count: int, in_flight: int, queue: int, turns: int, drop_after_s: float
) -> None:
    stage = Stage(turns)
    pace = stage.pace([perf_counter()] * count, in_flight, queue, drop_after_s)
    pace.play()
    assert Counter(stage.done) + Counter(stage.dropped) == Counter(range(count))
    assert stage.most <= in_flight
    assert (pace.arrived, pace.waiting, pace.busy) == (count, 0, 0)
    pace.stop()


def test_with_room_enough_nothing_is_given_up_and_greenlets_are_used_again() -> None:
    stage = Stage(1)
    start = perf_counter()
    pace = stage.pace([start + i * 0.0005 for i in range(200)], 50, 0, 10.0)
    pace.play()
    assert sorted(stage.done) == list(range(200))
    assert stage.dropped == []
    assert stage.waited == []
    assert stage.most < 50


def test_a_line_that_is_full_drops_who_comes_last() -> None:
    stage = Stage(3)
    stage.pace([0.0] * 10, 2, 3, 1e9).play()
    assert stage.dropped == [5, 6, 7, 8, 9]
    assert stage.waited == [2, 3, 4, 5, 6, 7, 8, 9]
    assert stage.done == [0, 1, 2, 3, 4]


def test_who_has_waited_too_long_is_dropped_and_the_others_are_not() -> None:
    now = perf_counter()
    stage = Stage(3)
    stage.pace([now - 20, now - 20, now - 20, now], 1, 10, 10.0).play()
    assert stage.done == [0, 3]
    assert stage.dropped == [1, 2]


def test_what_is_under_way_can_be_stopped() -> None:
    stage = Stage(1_000_000)
    pace = stage.pace([0.0] * 5, 2, 5, 1e9)
    playing = gevent.spawn(pace.play)
    gevent.sleep(0.01)
    playing.kill()
    pace.stop()
    assert (stage.done, pace.waiting) == ([], 0)
