"""A sender's queue: two instants, however long it is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.queue import Queue, Throughput

SECOND_US = 1_000_000
repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=200)


def queue(mps_milli: int = 1_000, queue_s: int = 0, patience_s: int = 0) -> Queue:
    return Queue(Throughput("1", mps_milli, queue_s * SECOND_US, patience_s * SECOND_US))


def test_each_message_has_its_turn_when_the_segments_before_it_have_gone() -> None:
    line = queue()
    turns = [line.place(0, segments) for segments in (1, 3, 1)]
    assert turns == [1, SECOND_US + 1, 4 * SECOND_US + 1]


def test_a_queue_that_is_empty_lets_through_at_once() -> None:
    line = queue()
    assert line.place(7, 1) == 8
    assert line.place(5 * SECOND_US, 1) == 5 * SECOND_US + 1


def test_a_speed_need_not_be_a_whole_number() -> None:
    slow, fast = queue(250), queue(100_000)
    assert [slow.place(0, 1), slow.place(0, 1)] == [1, 4 * SECOND_US + 1]
    assert [fast.place(0, 1), fast.place(0, 1)] == [1, 10_001]


def test_who_would_wait_too_long_takes_no_place() -> None:
    line = queue(patience_s=2)
    assert [line.place(0, 1) for _ in range(5)] == [
        1,
        SECOND_US + 1,
        2 * SECOND_US + 1,
        None,
        None,
    ]
    assert line.place(SECOND_US, 1) == 3 * SECOND_US + 1


def test_whoever_the_door_let_in_is_sent_where_patience_is_as_long_as_the_queue() -> None:
    line, let_in = queue(queue_s=3, patience_s=3), 0
    while not line.is_full(0):
        line.enter(0, 1)
        let_in += 1
    assert [line.place(0, 1) for _ in range(let_in)] == [s * SECOND_US + 1 for s in range(4)]


def test_the_door_closes_when_the_queue_is_full_and_opens_again() -> None:
    line, let_in = queue(queue_s=3), 0
    while not line.is_full(0):
        line.enter(0, 1)
        let_in += 1
    assert let_in == 4  # one under way, three in the queue
    assert line.is_full(SECOND_US - 1)
    assert not line.is_full(SECOND_US)


def test_what_came_by_another_door_counts_too() -> None:
    line = queue(queue_s=3)
    for _ in range(5):
        line.place(0, 1)
    assert line.is_full(0)


def test_without_a_length_it_is_never_full_and_without_patience_nobody_leaves() -> None:
    line = queue()
    for _ in range(10_000):
        line.enter(0, 1)
    assert not line.is_full(0)
    assert line.place(0, 100_000) == 1
    assert line.place(0, 1) == 100_000 * SECOND_US + 1


@repeatable
@given(
    st.integers(1, 10_000_000),
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10)), max_size=30),
)
def test_no_sender_is_ever_faster_than_its_limit(
    mps_milli: int, messages: list[tuple[int, int]]
) -> None:
    line = queue(mps_milli)
    end_us = 0
    for at_us, segments in sorted(messages):
        turn_us = line.place(at_us, segments)
        assert turn_us is not None
        assert turn_us > at_us
        assert turn_us >= end_us
        end_us = turn_us + line.limit.takes_us(segments)
