"""How a system took its callbacks, from columns: against a receiver of so many places."""

from __future__ import annotations

from heapq import heapify, heapreplace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.message import OutcomeKind
from simulator.load.by_callback import Attempts, Window
from simulator.load.callbacks import CallbackSide, callback_side
from simulator.load.spread import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

US = 1_000_000
LONG_US = 1_000 * US


def served(due: Sequence[int], places: int, takes_us: int, how: int = 200) -> Attempts:
    """Serve calls in their order by so many places, each call for so long."""
    free = [0] * places
    heapify(free)
    begun = []
    for at_us in sorted(due):
        begun.append(max(at_us, free[0]))
        heapreplace(free, begun[-1] + takes_us)
    ended = [us + takes_us for us in begun]
    columns = (sorted(due), sorted(due), begun, ended, [how] * len(begun), [0] * len(begun))
    return Attempts(*(np.array(column, np.int64) for column in columns), own_keys(len(begun)))


def own_keys(n: int) -> NDArray[np.uint64]:
    """Make each attempt the only one at its callback."""
    return np.arange(n, dtype=np.uint64)


def at_once(due: NDArray[np.int64], ended: NDArray[np.int64], how: NDArray[np.int64]) -> Attempts:
    """Attempts that nobody had to wait for."""
    return Attempts(due, due, due, ended, how, np.zeros(due.size, np.int64), own_keys(due.size))


def side(of: Attempts, end_us: int = LONG_US, **more: Any) -> CallbackSide:
    limit = more.pop("under_way_limit", 10)
    window = Window(0, end_us, **{"over_us": end_us, "stopped_us": 10 * LONG_US, **more})
    return callback_side(of, window, under_way_limit=limit)


def evenly(per_s: int, seconds: int) -> list[int]:
    return [n * US // per_s for n in range(per_s * seconds)]


def test_a_receiver_that_keeps_up_has_no_backlog_and_may_take_more() -> None:
    found = side(served(evenly(200, 6), places=10, takes_us=20_000), 6 * US)
    assert (found.due, found.acknowledged, found.dropped, found.failed) == (1_200, 1_200, 0, {})
    assert found.ack == Spread(1_200, 20_000, 20_000, 20_000, 20_000, 20_000, 20_000)
    assert found.lateness.max_us == 0
    assert (found.knee.per_s, found.knee.reached) == (200.0, False)
    assert found.backlog_max == found.under_way_max == 4


def test_a_backlog_that_stands_shows_the_most_that_a_receiver_takes() -> None:
    found = side(served(evenly(700, 6), places=10, takes_us=20_000), 6 * US)  # 500 a second
    assert found.knee.reached
    assert found.knee.per_s == pytest.approx(500, rel=0.02)
    assert found.under_way_max == 10
    assert found.backlog_max == pytest.approx(6 * 200, abs=20)
    assert found.callbacks.drained_us == pytest.approx(6 * 200 / 500 * US, rel=0.02)
    assert found.ack.max_us == 20_000  # the system was as fast as ever: it is the wait that grew
    whole = found.callbacks.whole
    assert whole.max_us == pytest.approx(found.callbacks.drained_us, abs=US // 10)


def test_everything_at_once_shows_the_same_knee() -> None:
    found = side(served([5] * 3_000, places=10, takes_us=20_000), US)
    assert found.backlog_max == 3_000
    assert found.knee.per_s == pytest.approx(500, rel=0.02)
    assert [row.backlog for row in found.seconds][:3] == [2_510, 2_010, 1_510]


def test_a_slow_receiver_with_places_left_is_not_at_its_knee() -> None:
    found = side(served(evenly(5, 8), places=10, takes_us=US), 8 * US)
    assert (found.knee.per_s, found.knee.reached) == (5.0, False)


def test_calls_that_we_make_late_are_no_backlog_of_the_receiver() -> None:
    due = np.zeros(2_000, np.int64)
    begun = np.arange(2_000) * 1_000
    good, first = np.full(2_000, 200), np.zeros(2_000, np.int64)
    columns = (due, begun, begun, begun + 500, good, first, own_keys(2_000))
    found = side(Attempts(*columns), US, late_after_us=999_000)
    assert not found.knee.reached
    assert (found.lateness.max_us, found.late, found.waited.max_us) == (1_999_000, 1_000, 0)


def test_a_receiver_that_fails_holds_no_rate() -> None:
    found = side(served(evenly(100, 6), places=10, takes_us=1_000, how=503), 6 * US)
    assert found.failed == {"5xx": 600}
    assert (found.knee.per_s, found.acknowledged, found.ack.n) == (0.0, 0, 0)
    assert [row.failed for row in found.seconds] == [100] * 6


def test_what_ended_without_an_answer_is_named_by_how() -> None:
    kinds = [-kind for kind in OutcomeKind if kind is not OutcomeKind.ANSWERED]
    how = np.array([200, 204, 302, 404, 404, *kinds])
    at = np.arange(how.size, dtype=np.int64)
    found = side(at_once(at, at + 1, how))
    assert found.failed == {
        **{f"{n}xx": n - 2 for n in (3, 4)},
        **dict.fromkeys(("unreachable", "timed_out", "forbidden"), 1),
    }
    assert (found.acknowledged, found.dropped, found.attempted) == (2, 1, 8)


def test_what_was_open_when_all_was_stopped_is_backlog_to_the_end() -> None:
    at = np.arange(4, dtype=np.int64) * US
    how = np.array([200, -OutcomeKind.DROPPED, 200, -OutcomeKind.DROPPED])
    found = side(at_once(at, np.array([1, 9 * US, 2 * US, 9 * US]), how), stopped_us=9 * US)
    assert (found.unanswered, found.dropped, found.callbacks.drained_us) == (2, 0, -1)
    assert [row.backlog for row in found.seconds] == [0, 1, 1, 2]


def test_only_what_was_due_in_the_window_counts() -> None:
    window = Window(2 * US, 5 * US, LONG_US, LONG_US)
    found = callback_side(served(evenly(10, 9), 10, 1_000), window, under_way_limit=9)
    assert found.due == 30
    assert [row.due for row in found.seconds] == [10, 10, 10]


def test_repeats_are_attempts_and_counted_apart() -> None:
    at = np.arange(3, dtype=np.int64)
    good, nth = np.full(3, 200), np.array([0, 1, 2])
    found = side(Attempts(at, at, at, at + 1, good, nth, own_keys(3)))
    assert (found.due, found.repeats) == (3, 2)


def test_of_nothing_there_is_nothing() -> None:
    none = np.zeros(0, np.int64)
    found = side(at_once(none, none, none))
    assert (found.due, found.seconds, found.knee.per_s, found.ack) == (0, (), 0.0, Spread())


def test_it_is_written_and_read_back() -> None:
    found = side(served(evenly(20, 2), 2, 30_000))
    assert msgspec.json.decode(msgspec.json.encode(found), type=CallbackSide) == found


@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 5 * US), max_size=400), st.integers(1, 8), st.integers(1, US // 5))
def test_the_timeline_sums_to_the_whole(due: list[int], places: int, takes_us: int) -> None:
    found = side(served(due, places, takes_us), under_way_limit=places)
    assert sum(row.due for row in found.seconds) == found.due == len(due)
    assert sum(row.acknowledged for row in found.seconds) == found.acknowledged == len(due)
    assert found.under_way_max <= places
    assert all(row.backlog <= found.backlog_max for row in found.seconds)
    assert found.lateness.max_us == 0
