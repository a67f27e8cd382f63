"""Attempts taken together by callback: counted once, and timed from the first due instant."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.message import OutcomeKind
from simulator.load.by_callback import Attempts, Callbacks, Window, by_callback, grouped
from simulator.load.callbacks import callback_side

S = 1_000_000
DROPPED, TIMED_OUT = -OutcomeKind.DROPPED, -OutcomeKind.TIMED_OUT
END_US, OVER_US, STOPPED_US = 2 * S, 20 * S, 21 * S


class Tried(NamedTuple):
    """An attempt: of which callback, when it was due, how long it took, and how it ended."""

    key: int
    due_us: int
    how: int = 200
    took_us: int = 1_000
    nth: int = 0
    placed_us: int = 0


def columns(*tried: Tried) -> Attempts:
    due = np.array([t.due_us for t in tried], np.int64)
    placed = due + np.array([t.placed_us for t in tried], np.int64)
    took = np.array([t.took_us for t in tried], np.int64)
    how, nth = (np.array([t[i] for t in tried], np.int64) for i in (2, 4))
    key = np.array([t.key for t in tried], np.uint64)
    return Attempts(due, placed, placed, placed + took, how, nth, key)


def window(keys: list[int] | None = None, pending: tuple[int, ...] = ()) -> Window:
    wanted = None if keys is None else np.array(keys, np.uint64)
    left = np.array(pending, np.uint64)
    return Window(0, END_US, OVER_US, STOPPED_US, keys=wanted, pending=left)


def of(*tried: Tried, **more: Any) -> Callbacks:
    attempts = columns(*tried)
    return by_callback(attempts, grouped(attempts), window(**more))


def repeated(key: int, at_us: int, *hows: int, every_us: int = 2_500_000) -> list[Tried]:
    return [Tried(key, at_us + n * every_us, how, nth=n) for n, how in enumerate(hows)]


def test_a_callback_counts_from_its_first_due_to_its_2xx_however_often_it_was_tried() -> None:
    found = of(*repeated(2**64 - 1, 1_000, 500, 503, 200), Tried(5, 0))
    assert (found.due, found.started, found.acknowledged, found.repeated) == (2, 2, 2, 1)
    assert (found.failed, found.given_up, found.open) == ({}, 0, 0)
    assert (found.whole.p50_us, found.whole.max_us) == (1_000, 5_001_000)
    assert found.drained_us == 5_001_000


def test_repeats_after_the_window_belong_to_it_and_to_the_attempts() -> None:
    attempts = columns(*repeated(1, 1_999_999, 500, 200), Tried(2, END_US))
    found = callback_side(attempts, window(), under_way_limit=9)
    assert (found.due, found.repeats, found.acknowledged, found.failed) == (2, 1, 1, {"5xx": 1})
    assert (found.callbacks.due, found.callbacks.acknowledged) == (1, 1)
    assert found.ack.max_us == 1_000  # of one attempt


def test_what_was_given_up_is_an_error_once_and_longer_than_all_that_came() -> None:
    tried = [Tried(n, 0) for n in range(9)]
    found = of(*tried, *repeated(100, 1_000, 500, 500, 404))
    assert (found.due, found.acknowledged, found.given_up, found.open) == (10, 9, 1, 0)
    assert found.failed == {"4xx": 1}  # by its last attempt, so that no share exceeds the whole
    assert (found.whole.p90_us, found.whole.p99_us) == (1_000, None)
    assert found.whole.least_us["p99"] == OVER_US - 1_000
    assert found.drained_us == 5_001_000  # until it was given up


def test_what_waits_for_another_attempt_is_open_and_nothing_is_over() -> None:
    found = of(*repeated(7, 0, 500, 500), Tried(8, 0), pending=(7,))
    assert (found.given_up, found.open, found.drained_us) == (0, 1, -1)
    assert found.failed == {"5xx": 1}


def test_an_attempt_that_was_open_to_the_last_is_unanswered() -> None:
    found = of(Tried(7, 0, DROPPED, STOPPED_US), Tried(8, 0))
    assert (found.started, found.open, found.failed) == (2, 1, {"unanswered": 1})
    assert (found.dropped, found.drained_us) == (0, -1)


def test_what_found_our_queue_full_never_started() -> None:
    found = of(Tried(1, 5, DROPPED, 0), Tried(2, 5), *repeated(3, 5, 500, DROPPED))
    assert (found.started, found.dropped, found.given_up) == (2, 1, 2)
    assert found.failed == {"dropped": 1}


def test_callbacks_beside_the_storm_are_counted_apart() -> None:
    found = of(Tried(1, 0), Tried(2, 0, TIMED_OUT), Tried(3, 0), keys=[1, 3, 99])
    assert (found.due, found.others, found.failed) == (2, 1, {})


def test_what_we_made_late_is_late_once_and_sent_at_its_own_time() -> None:
    late = Tried(1, S, placed_us=5 * S)
    found = of(late, Tried(2, 0), *repeated(3, 0, 500, 200))
    assert (found.late, found.sent_per_s) == (1, "1/2")  # 3 callbacks, the last after 6 s


def test_of_nothing_there_is_nothing() -> None:
    found = of()
    assert (found.due, found.whole.n, found.drained_us, found.sent_per_s) == (0, 0, 0, "0")


HOWS = st.lists(st.sampled_from([200, 500, 404, TIMED_OUT]), min_size=1, max_size=4)


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(st.lists(HOWS, max_size=30), st.sets(st.integers(0, 29)))
def test_every_callback_ends_in_one_way_and_no_share_exceeds_the_whole(
    callbacks: list[list[int]], pending: set[int]
) -> None:
    tried = [each for key, hows in enumerate(callbacks) for each in repeated(key, key, *hows)]
    found = of(*tried, pending=tuple(pending))
    good = sum(any(how == 200 for how in hows) for hows in callbacks)
    assert found.due == found.started == len(callbacks)
    assert found.acknowledged == found.whole.n == good
    assert found.given_up + found.open == found.whole.open == sum(found.failed.values())
    assert found.acknowledged + found.given_up + found.open == found.due
