"""A latency histogram: HDR (three digits, 1 us to 1 h), in numpy; merged by adding.

The one rule: a merge loses nothing. Every histogram has the same cells, so the sum of the parts
is the whole, cell by cell. On the wire it is the published HdrHistogram V2 format, written and
read by the library `hdrhistogram` (extra [load]), which is imported only there.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from numpy.typing import NDArray

LOWEST_US, HIGHEST_US, DIGITS = 1, 3_600_000_000, 3
_HALF_BITS = 10  # of 2,048 cells in a bucket, half repeat the one before it
_HALF, _MASK = 1 << _HALF_BITS, (2 << _HALF_BITS) - 1
_BUCKETS = 22  # 2,048 << 21 is the first power that holds an hour
CELLS = (_BUCKETS + 1) * _HALF


class Histogram:
    """How often each latency was seen."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(CELLS, dtype=np.int64)

    @property
    def count(self) -> int:
        """How many values there are."""
        return int(self.counts.sum())

    def record(self, values_us: NDArray[np.int64] | Iterable[int]) -> None:
        """Add many values at once: microseconds; below 0 counts as 0, above an hour as an hour."""
        values = values_us if isinstance(values_us, np.ndarray) else np.array([*values_us])
        if values.size:
            self.counts += np.bincount(cells(values.astype(np.int64)), minlength=CELLS)

    def add(self, other: Histogram) -> None:
        """Add all of another histogram."""
        self.counts += other.counts

    def percentile(self, percent: float) -> int:
        """Return the least value that so many percent do not exceed, to its cell: us; 0 of nothing.

        The rank is rounded up: of 160 values the 99th percentile is the 159th (the library
        `hdrhistogram` rounds to the nearest, the 158th, which 98.75% do not exceed).
        """
        total = self.count
        if not total:
            return 0
        rank = max(ceil(Fraction(str(min(percent, 100.0))) * total / 100), 1)
        return self.at(rank) if percent else _lowest(self._cell(rank))

    def at(self, rank: int) -> int:
        """Return the value of this rank, from 1 to `count`: the highest of its cell, us."""
        return _lowest(self._cell(rank) + 1) - 1

    def _cell(self, rank: int) -> int:
        return int(np.searchsorted(np.cumsum(self.counts), rank))

    def above(self, limit_us: int) -> int:
        """Return how many values lie above a limit, to the cell."""
        return int(self.counts[int(cells(np.array([limit_us]))[0]) + 1 :].sum())

    def mean(self) -> float:
        """Return the mean of the middles of the cells: us."""
        filled = np.flatnonzero(self.counts)
        middles = np.array([(_lowest(int(c)) + _lowest(int(c) + 1) - 1) / 2 for c in filled])
        return float((middles * self.counts[filled]).sum() / max(self.count, 1))

    def max(self) -> int:
        """Return the highest value of the highest filled cell: us; 0 of nothing."""
        return self.percentile(100.0)

    def sparse(self) -> tuple[tuple[int, int], ...]:
        """Return the filled cells, as (cell, count)."""
        filled = np.flatnonzero(self.counts)
        return tuple(zip(filled.tolist(), self.counts[filled].tolist(), strict=True))

    def add_sparse(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Add what `sparse` has said."""
        for cell, count in pairs:
            self.counts[cell] += count

    def encode(self) -> str:
        """Return it as HdrHistogram V2, compressed, in base64."""
        library = _library(LOWEST_US, HIGHEST_US, DIGITS)
        np.frombuffer(library.counts, dtype=np.int64)[:] = self.counts
        filled = np.flatnonzero(self.counts)
        if filled.size:
            library.set_internal_tacking_values(int(filled[0]), int(filled[-1]), self.count)
        text: str = library.encode().decode("ascii")
        return text

    @classmethod
    def decode(cls, text: str) -> Histogram:
        """Read what `encode` has written.

        Raises:
            ValueError: it is none of ours.
        """
        from hdrh.histogram import HdrHistogram  # noqa: PLC0415 - extra [load]

        found = cls()
        library = HdrHistogram.decode(text)
        same = (library.lowest_trackable_value, library.significant_figures, library.counts_len)
        if same != (LOWEST_US, DIGITS, CELLS):
            raise ValueError(f"expected a histogram of 1 us to 1 h in 3 digits; seen {same}")
        counts = np.frombuffer(library.counts, dtype=np.int64)
        found.counts[: counts.size] = counts
        return found


def cells(values_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cell of each value, as HdrHistogram numbers them."""
    values = np.clip(values_us, 0, HIGHEST_US)
    bits = np.frexp((values | _MASK).astype(np.float64))[1].astype(np.int64)
    bucket = bits - (_HALF_BITS + 1)
    return ((bucket + 1) << _HALF_BITS) + (values >> bucket) - _HALF


def _lowest(cell: int) -> int:
    """Return the lowest value of a cell: us."""
    bucket, sub = (cell >> _HALF_BITS) - 1, (cell & (_HALF - 1)) + _HALF
    return sub - _HALF if bucket < 0 else sub << bucket


def _library(lowest: int, highest: int, digits: int) -> Any:
    from hdrh.histogram import HdrHistogram  # noqa: PLC0415 - extra [load]

    return HdrHistogram(lowest, highest, digits)
