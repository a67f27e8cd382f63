"""From a sample to all: a count, and where it lies in 95% of such campaigns.

The one rule: a person is one try, however many messages or units it takes, since what happens to
one person's messages is not independent.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.core.interval import Z95, foreseen

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Estimate(NamedTuple):
    """What to expect of a number of people: 95% of campaigns lie between `low` and `high`."""

    expected: float
    low: float
    high: float

    def times(self, factor: float) -> Estimate:
        """Return it in another unit."""
        return Estimate(*(value * factor for value in self))


def estimate(each: NDArray[np.integer], coming: int, *, by_chance: bool = True) -> Estimate:
    """Return what a quantity adds up to over `coming` people.

    Args:
        each: the quantity of each person of the sample.
        coming: how many people there will be.
        by_chance: it may differ from person to person, even where it is the same for the sample.
    """
    of = len(each)
    values = np.unique(each)
    if len(values) == 1 and values[0] and not by_chance:
        return Estimate(*[float(values[0]) * coming] * 3)
    if len(values) == 1 or (len(values) == 2 and values[0] == 0):  # some or nothing: a share
        return share(int(np.count_nonzero(each)), of, coming).times(int(values[-1]) or 1)
    mean, spread = float(each.mean()), float(each.std())
    half = Z95 * spread * sqrt(coming * (1 + coming / of))
    return Estimate(mean * coming, max(0.0, mean * coming - half), mean * coming + half)


def share(seen: int, of: int, coming: int) -> Estimate:
    """Return how many of `coming` people are to be expected, after `seen` of `of`."""
    low, high = foreseen(seen, of, coming)
    return Estimate(coming * seen / of, low, high)


def apportioned(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Share out a whole number in the proportions of counts: largest remainders, first come first.

    Args:
        counts: 0 or more each, with a positive sum if `total` is.
        total: what the answer adds up to.
    """
    of = int(counts.sum())
    if not of:
        return counts.copy()
    quotas = [divmod(int(count) * total, of) for count in counts]
    found = np.array([whole for whole, _ in quotas], dtype=np.int64)
    rest = total - int(found.sum())
    by_remainder = sorted(range(len(quotas)), key=lambda i: (-quotas[i][1], i))
    found[by_remainder[:rest]] += 1
    return found
