"""The knee of a receiver: the highest rate of callbacks that it still acknowledges.

    the backlog stood    what it acknowledged meanwhile is the most that it can
    it never did         the highest rate over some seconds that it has held: it may hold more

The one rule: a backlog stands where calls wait for a place although all places are taken. Calls
that are only slow, or that we ourselves are slow to make, are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

US = 1_000_000
SLICE_US = US // 4
SLICES_MIN = 4  # a second of standing backlog, before its rate is called the knee
TAKEN = 0.9  # of the places, at an instant when some are just being handed on
HELD_S = 3  # a rate counts as held if the backlog has not grown for so long
GROWTH = 0.02  # of what was due: less is no growth
ACKNOWLEDGED = 0.99  # of what was due, for a rate to count as held


class Knee(msgspec.Struct, frozen=True):
    """The highest rate of callbacks that is acknowledged without the backlog growing.

    Attributes:
        per_s: 0: no rate was held.
        reached: the backlog stood, so this is the most that it takes with as many calls under way
            as we allow; else it has held this rate and may hold more.
    """

    per_s: float = 0.0
    reached: bool = False


class Steps(NamedTuple):
    """Begins and ends of intervals, each sorted: how many are open is two look-ups."""

    begun: NDArray[np.int64]
    ended: NDArray[np.int64]

    @classmethod
    def of(cls, begun: NDArray[np.int64], ended: NDArray[np.int64]) -> Steps:
        """Take the columns of one table."""
        return cls(np.sort(begun), np.sort(ended))

    def open_at(self, at_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many had begun and not ended just before these instants."""
        return np.searchsorted(self.begun, at_us) - np.searchsorted(self.ended, at_us)

    def begun_between(
        self, from_us: NDArray[np.int64], to_us: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return how many began between pairs of instants, the second excluded."""
        return np.searchsorted(self.begun, to_us) - np.searchsorted(self.begun, from_us)


def peak(of: Steps) -> int:
    """Return how many intervals are open at most; one that ends makes room for one that begins."""
    if not of.begun.size:
        return 0
    before = np.searchsorted(of.ended, of.begun, side="right")
    return int((np.arange(1, of.begun.size + 1) - before).max())


def knee_of(  # noqa: PLR0913, PLR0917 - three counts of one thing, and where to look
    backlog: Steps,
    waiting: Steps,
    under_way: Steps,
    acknowledged: NDArray[np.int64],
    window: tuple[int, int],
    places: int,
) -> Knee:
    """Find the knee.

    Args:
        backlog: from due to ended.
        waiting: from made ready to begun.
        under_way: from begun to ended.
        acknowledged: instants of 2xx, sorted.
        window: the first instant, and the end.
        places: calls under way at one time that we allow.
    """
    begin_us, end_us = window
    if not backlog.begun.size:
        return Knee()
    last_us = max(end_us, int(acknowledged.max(initial=0)) + 1)
    edges = np.arange(begin_us, last_us + SLICE_US, SLICE_US)
    full = (waiting.open_at(edges) > 0) & (under_way.open_at(edges) >= places * TAKEN)
    stands = full[:-1] & full[1:]
    slices = int(stands.sum())
    taken = int(np.diff(np.searchsorted(acknowledged, edges))[stands].sum())
    if slices >= SLICES_MIN and taken:
        return Knee(round(taken * US / (SLICE_US * slices), 1), reached=True)
    return Knee(_held(backlog, acknowledged, begin_us, end_us))


def _held(backlog: Steps, acknowledged: NDArray[np.int64], begin_us: int, end_us: int) -> float:
    """Return the highest rate over some seconds at whose end no more waited than at its begin."""
    length_us = min(HELD_S * US, end_us - begin_us)
    if length_us <= 0:
        return 0.0
    begins = np.arange(begin_us, end_us - length_us + 1, SLICE_US)
    ends = begins + length_us
    due = backlog.begun_between(begins, ends)
    taken = np.searchsorted(acknowledged, ends) - np.searchsorted(acknowledged, begins)
    growth = backlog.open_at(ends) - backlog.open_at(begins)
    slack = np.maximum(1, np.ceil(due * GROWTH))
    held = (growth <= slack) & (taken >= due * ACKNOWLEDGED - slack)
    return round(float(due[held].max(initial=0)) * US / length_us, 1)
