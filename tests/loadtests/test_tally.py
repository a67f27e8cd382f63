"""The totals: whatever happens in whatever order, nothing is counted twice or lost."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loadtests.tally import US, Ended, Tally
from simulator.load import outcome as o

LIVES = st.lists(
    st.tuples(
        st.sampled_from(["dropped", "under way", *o.RESULTS]),
        st.integers(0, 300_000),  # us late
        st.integers(0, 3_000_000),  # us of service
        st.booleans(),  # fold after it
    ),
    max_size=40,
)


@given(LIVES, st.integers(0, 10))
def test_the_books_of_a_worker_balance(lives: list[tuple[str, int, int, bool]], warm: int) -> None:
    warm = min(warm, len(lives))
    due = np.arange(len(lives), dtype=np.int64) * 100_000 - warm * 100_000
    tally = Tally(due, warm, 0.0, late_after_us=100_000)
    ticks: dict[int, o.Tick] = {}
    told: list[Ended] = []
    for place, (fate, late, service, fold) in enumerate(lives):
        started = (int(due[place]) + late) / US
        if fate == "dropped":
            tally.dropped(place)
        else:
            tally.started(place, started)
        if fate in o.RESULTS:
            end = Ended(place, started, started + service / US, 201, fate, "", "")
            tally.ended(end)
        if fold:
            told += tally.fold(place + 1, started)[0]
            ticks.update({tick.second: tick for tick in tally.ticks()})
    told += tally.fold(len(lives), len(lives) / 10)[0]
    ticks.update({tick.second: tick for tick in tally.ticks()})

    load, before = tally.counts()
    assert (before.scheduled, load.scheduled) == (warm, len(lives) - warm)
    under_way = sum(fate == "under way" for fate, *_ in lives)
    assert tally.in_flight == under_way
    both = (load, before)
    assert sum(c.started + c.dropped for c in both) == len(lives)
    assert sum(c.finished for c in both) + under_way == sum(c.started for c in both)
    starts = [late for fate, late, *_ in lives if fate != "dropped"]
    assert sum(c.late for c in both) == sum(late > 100_000 for late in starts)
    heard = sum(fate in o.RESULTS and fate not in (o.REFUSED, o.OTHER) for fate, *_ in lives[warm:])
    assert tally.histograms[o.API].count == tally.histograms[o.SERVICE].count == heard
    assert tally.histograms[o.LATENESS].count == load.started
    assert len(told) == sum(c.finished for c in both)
    for field, total in (
        ("started", sum(c.started for c in both)),
        ("finished", sum(c.finished for c in both)),
        ("failed", sum(c.failed for c in both)),
        ("dropped", sum(c.dropped for c in both)),
    ):
        assert sum(getattr(tick, field) for tick in ticks.values()) == total


def test_latencies_run_from_the_instant_that_was_meant() -> None:
    tally = Tally(np.array([0, 1_000_000]), 0, 5.0, late_after_us=100_000)
    tally.started(1, 8.0)
    tally.ended(Ended(1, 8.0, 8.5, 201, o.OK, "", ""))
    tally.fold(2, 9.0)
    api, service, lateness = (tally.histograms[n].max() for n in (o.API, o.SERVICE, o.LATENESS))
    assert [round(us / 1e4) for us in (api, service, lateness)] == [250, 50, 200]


def test_who_finds_every_place_taken_is_counted_apart_with_what_held_them() -> None:
    due = np.arange(6, dtype=np.int64) * 100_000
    tally = Tally(due, 1, 0.0, late_after_us=100_000)
    tally.started(0, 0.0)
    for place in (1, 2, 3):  # the warm-up's one holds the only place
        tally.waits(place)
    tally.fold(4, 0.4, waiting=3, lag_us=7)
    tally.dropped(1)
    tally.ended(Ended(0, 0.0, 0.45, 201, o.OK, "", ""))
    tally.started(2, 0.45)
    tally.ended(Ended(2, 0.45, 0.5, 201, o.OK, "", ""))
    tally.started(3, 0.5)  # 0.2 s after its instant
    tally.ended(Ended(3, 0.5, 0.51, 201, o.OK, "", ""))
    tally.waits(4)
    tally.fold(5, 0.52, lag_us=3_000)  # what it was until its answer had come
    assert tally.crowd == o.Crowd(late=2, dropped=1, oldest_us=450_000, lag_us=3_000)
    tally.started(5, 2.0)  # late by our own fault: there was a place
    tally.fold(6, 2.0, lag_us=9_000)
    assert tally.crowd == o.Crowd(late=2, dropped=1, oldest_us=450_000, lag_us=3_000)


def test_codes_beyond_those_that_are_told_apart_are_counted_together() -> None:
    tally = Tally(np.zeros(300, dtype=np.int64), 0, 0.0, late_after_us=1)
    for place in range(300):
        tally.started(place, 0.0)
        tally.ended(Ended(place, 0.0, 0.0, 400, o.REJECTED, str(place), ""))
    tally.fold(300, 0.0)
    codes = tally.codes()
    assert sum(codes.values()) == 300
    assert codes["other"] == 300 - o.CODES_MAX
