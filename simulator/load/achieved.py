"""The rate that was really sent, which is not what was asked for.

The one rule: of two honest rates the smaller. What was sent after the schedule's end has not been
sent at its rate, and what was held back and then sent all at once has not either.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def achieved(sent_us: NDArray[np.int64], lasts_us: int) -> Fraction | None:
    """Return how many were sent in a second; None: the load had no length.

    It is the smaller of those sent while the schedule lasted, over its length, and all of them
    over the time until the last was sent.

    Args:
        sent_us: when each was sent, from the load's start.
        lasts_us: how long the schedule lasts.
    """
    if lasts_us <= 0:
        return None
    inside = Fraction(int((sent_us < lasts_us).sum()) * 1_000_000, lasts_us)
    took_us = max(lasts_us, int(sent_us.max(initial=0)))
    return min(inside, Fraction(int(sent_us.size) * 1_000_000, took_us))
