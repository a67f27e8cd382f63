"""What is due: a calendar of coarse buckets, in exact order on the way out.

    far   dict of bucket -> unsorted list           append: 0.1 us
    run   the bucket under way, sorted once         pop from its end
    near  a small heap for what comes due inside the bucket under way

Order is (due, key, nth), never arrival: an entry is `(due_us, key, nth, data)`, the first three
are unique together, so `data` is never compared. Nothing is removed: a step that finds its message
elsewhere does nothing.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUCKET_BITS = 20  # about one second of virtual time

Entry = tuple[int, int, int, object]


class Agenda:
    """Everything that is due in one world."""

    def __init__(self) -> None:
        self._far: dict[int, list[Entry]] = {}
        self._buckets: list[int] = []
        self._run: list[Entry] = []
        self._near: list[Entry] = []
        self._current = -1

    def __len__(self) -> int:
        return len(self._run) + len(self._near) + sum(map(len, self._far.values()))

    def data(self) -> Iterator[object]:
        """Yield the data of every entry, in no order."""
        for entries in (self._run, self._near, *self._far.values()):
            yield from (data for _, _, _, data in entries)

    def push(self, entry: Entry) -> None:
        """Add an entry."""
        bucket = entry[0] >> _BUCKET_BITS
        if bucket <= self._current:
            heappush(self._near, entry)
            return
        far = self._far.get(bucket)
        if far is None:
            self._far[bucket] = [entry]
            heappush(self._buckets, bucket)
        else:
            far.append(entry)

    def next_due(self) -> int | None:
        """Return the instant of the first entry, or None."""
        run, near = self._run, self._near
        if run:
            return min(run[-1][0], near[0][0]) if near else run[-1][0]
        if near:
            return near[0][0]
        return self._open_bucket()

    def pop(self, until_us: int) -> Entry | None:
        """Take the first entry that is due at `until_us` or before, or return None."""
        run, near = self._run, self._near
        if run and not near:  # the common case
            return run.pop() if run[-1][0] <= until_us else None
        if not run and not near:
            if self._open_bucket() is None:
                return None
            run = self._run
        if near and (not run or near[0] < run[-1]):
            return heappop(near) if near[0][0] <= until_us else None
        return run.pop() if run[-1][0] <= until_us else None

    def _open_bucket(self) -> int | None:
        """Bring the first far bucket under way and return its first instant."""
        if not self._buckets:
            return None
        self._current = heappop(self._buckets)
        self._run = self._far.pop(self._current)
        self._run.sort(reverse=True)
        return self._run[-1][0]
