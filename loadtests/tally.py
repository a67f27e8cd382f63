"""One worker's running totals: counted at once, sorted into seconds and cells in small batches.

The one rule: at an arrival only lists grow. Every tenth of a second they are emptied into counts,
histograms, seconds and book lines, with numpy where there are many.

    started(), ended(), dropped() -> lists -> fold() -> Counts, Histogram, Tick, books
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from simulator.load import outcome as o
from simulator.load.histogram import Histogram, cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

US = 1_000_000


class Ended(NamedTuple):
    """A request that is over; instants on `perf_counter`'s scale."""

    place: int
    started_s: float
    answered_s: float
    status: int
    result: str
    code: str
    provider_id: str


class Tally:
    """Counts of one worker's share.

    Args:
        due_us: instants of its arrivals, from the load's start, sorted.
        warm: how many of them are the warm-up's.
        start_s: the load's start on `perf_counter`'s scale.
        late_after_us: from when on a start is late.
    """

    def __init__(
        self, due_us: NDArray[np.int64], warm: int, start_s: float, late_after_us: float
    ) -> None:
        self._due_us, self._warm, self._start_s = due_us, warm, start_s
        self._late_after_us = late_after_us
        self._starts: list[tuple[int, float]] = []
        self._ends: list[Ended] = []
        self._drops: list[int] = []
        self._arrived = 0
        self.in_flight = 0
        self.histograms = {name: Histogram() for name in (o.API, o.SERVICE, o.LATENESS)}
        self._seconds = _Seconds(due_us)
        self._halves = (_Half(), _Half())  # load, warm-up
        self._codes: Counter[str] = Counter()
        self._waited = np.zeros(due_us.size, dtype=np.bool_)
        self._crowded = False
        self._under_way: dict[int, float] = {}  # the oldest first
        self.crowd = o.Crowd()

    def waits(self, place: int) -> None:
        """Note that an arrival found every place in flight taken."""
        self._waited[place] = self._crowded = True

    def started(self, place: int, at_s: float) -> None:
        """Note that an arrival was begun."""
        self.in_flight += 1
        self._starts.append((place, at_s))

    def ended(self, end: Ended) -> None:
        """Note that a request is over."""
        self.in_flight -= 1
        self._ends.append(end)

    def dropped(self, place: int) -> None:
        """Note that an arrival was given up."""
        self._drops.append(place)

    def fold(
        self, arrived: int, now_s: float, waiting: int = 0, lag_us: int = 0
    ) -> tuple[Sequence[Ended], Sequence[int]]:
        """Take in what has been noted since the last time; return it, for the books.

        Args:
            arrived: how many instants have come.
            now_s: on `perf_counter`'s scale.
            waiting: how many arrivals wait for a place in flight.
            lag_us: how late the loop has just woken.
        """
        starts, self._starts = self._starts, []
        ends, self._ends = self._ends, []
        drops, self._drops = self._drops, []
        self._come(arrived)
        if starts:
            self._fold_starts(starts)
        if self._crowded or waiting:
            self._see_crowd(ends, now_s, lag_us)
        if ends:
            self._fold_ends(ends)
        given_up = np.array(drops, dtype=np.int64)
        self._count_crowd("dropped", given_up)
        for half, many in self._split(given_up):
            half.dropped += many.size
            self._seconds.add("dropped", self._due_us[many])
        self._seconds.now(int((now_s - self._start_s) // 1), self.in_flight)
        return ends, drops

    def counts(self) -> tuple[o.Counts, o.Counts]:
        """Return the counts of the load and of the warm-up."""
        load, warm = (half.counts() for half in self._halves)
        return load, warm

    def codes(self) -> dict[str, int]:
        """Return how often each status and code of a refusal or failure was seen."""
        return dict(self._codes)

    def ticks(self) -> tuple[o.Tick, ...]:
        """Return the seconds that have changed since the last time."""
        return self._seconds.changed()

    def _come(self, arrived: int) -> None:
        load, warm = self._halves
        warm.scheduled, load.scheduled = min(arrived, self._warm), max(arrived - self._warm, 0)
        self._arrived = arrived

    def _split(self, places: NDArray[np.int64]) -> tuple[tuple[_Half, NDArray[np.int64]], ...]:
        load, warm = self._halves
        return (load, places[places >= self._warm]), (warm, places[places < self._warm])

    def _us(self, at_s: Sequence[float]) -> NDArray[np.int64]:
        """Return instants as microseconds from the load's start."""
        us: NDArray[np.int64] = np.rint((np.array(at_s) - self._start_s) * US).astype(np.int64)
        return us

    def _fold_starts(self, starts: Sequence[tuple[int, float]]) -> None:
        places = np.array([place for place, _ in starts])
        at_us = self._us([at for _, at in starts])
        lateness = at_us - self._due_us[places]
        late = lateness > self._late_after_us
        for half, many in self._split(places):
            half.started += many.size
        for half, many in self._split(places[late]):
            half.late += many.size
        self._count_crowd("late", places[late])
        self._under_way.update(starts)
        self.histograms[o.LATENESS].record(lateness[places >= self._warm])
        self._seconds.add("started", at_us)

    def _fold_ends(self, ends: Sequence[Ended]) -> None:
        places = np.array([end.place for end in ends])
        begun, over = self._us([e.started_s for e in ends]), self._us([e.answered_s for e in ends])
        heard = np.array([end.result not in (o.REFUSED, o.OTHER) for end in ends])
        counted = heard & (places >= self._warm)
        api = over - self._due_us[places]
        self.histograms[o.API].record(api[counted])
        self.histograms[o.SERVICE].record((over - begun)[counted])
        bad = np.zeros(len(ends), dtype=np.bool_)
        for index, end in enumerate(ends):
            del self._under_way[end.place]
            self._halves[end.place < self._warm].results[end.result] += 1
            if end.result != o.OK:
                bad[index] = end.result != o.OPTED_OUT
                self._code(f"{end.status} {end.code}".strip())
        self._seconds.add("finished", over)
        self._seconds.add("failed", over[bad])
        self._seconds.latencies(over[heard], api[heard])

    def _count_crowd(self, name: str, places: NDArray[np.int64]) -> None:
        """Count those of the load that had found every place taken."""
        many = int(self._waited[places[places >= self._warm]].sum())
        if many:
            more = {name: getattr(self.crowd, name) + many}
            self.crowd = msgspec.structs.replace(self.crowd, **more)

    def _see_crowd(self, ends: Sequence[Ended], now_s: float, lag_us: int) -> None:
        """Note how long the oldest request has been without its answer, and how we are."""
        self._crowded = False
        place, since_s = next(iter(self._under_way.items()), (-1, now_s))
        now_s = next((end.answered_s for end in ends if end.place == place), now_s)
        self.crowd = msgspec.structs.replace(
            self.crowd,
            oldest_us=max(self.crowd.oldest_us, round((now_s - since_s) * US)),
            lag_us=max(self.crowd.lag_us, lag_us),
        )

    def _code(self, code: str) -> None:
        known = code in self._codes or len(self._codes) < o.CODES_MAX
        self._codes[code if known else "other"] += 1


class _Half:
    """The counts of the load or of the warm-up, while they change."""

    def __init__(self) -> None:
        self.scheduled = self.started = self.late = self.dropped = 0
        self.results: Counter[str] = Counter()

    def counts(self) -> o.Counts:
        results = dict(self.results)
        return o.Counts(self.scheduled, self.started, self.late, self.dropped, results)


class _Seconds:
    """The timeline: for each second its counts and cells, and which have changed."""

    def __init__(self, due_us: NDArray[np.int64]) -> None:
        seconds, counts = np.unique(due_us // US, return_counts=True)
        self._scheduled = dict(zip(seconds.tolist(), counts.tolist(), strict=True))
        self._counts: dict[int, Counter[str]] = {}
        self._cells: dict[int, Counter[int]] = {}
        self._changed: set[int] = set()

    def add(self, name: str, at_us: NDArray[np.int64]) -> None:
        for second, count in _by_second(at_us):
            self._of(second)[name] += count

    def latencies(self, at_us: NDArray[np.int64], values_us: NDArray[np.int64]) -> None:
        seconds = at_us // US
        for second, _ in _by_second(at_us):
            found, counts = np.unique(cells(values_us[seconds == second]), return_counts=True)
            into = self._cells.setdefault(second, Counter())
            for cell, count in zip(found.tolist(), counts.tolist(), strict=True):
                into[cell] += count

    def now(self, second: int, in_flight: int) -> None:
        """Note what is under way at an instant of a second: the last one stands."""
        if second in self._scheduled or in_flight:
            self._of(second)["in_flight"] = in_flight

    def changed(self) -> tuple[o.Tick, ...]:
        changed, self._changed = self._changed, set()
        return tuple(self._tick(second) for second in sorted(changed))

    def _of(self, second: int) -> Counter[str]:
        self._changed.add(second)
        return self._counts.setdefault(second, Counter())

    def _tick(self, second: int) -> o.Tick:
        pairs = tuple(sorted(self._cells.get(second, {}).items()))
        scheduled = self._scheduled.get(second, 0)
        return o.Tick(second, scheduled=scheduled, cells=pairs, **self._counts[second])


def _by_second(at_us: NDArray[np.int64]) -> list[tuple[int, int]]:
    seconds, counts = np.unique(at_us // US, return_counts=True)
    return list(zip(seconds.tolist(), counts.tolist(), strict=True))
