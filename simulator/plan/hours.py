"""The hours in which a sender may send, laid end to end: working time, and back to the clock.

wall   ..[####].....[####].....[####]..
work     [####][####][####]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Hours:
    """Windows, in order and apart: each opens at an instant and closes before another."""

    opens_us: NDArray[np.int64]
    closes_us: NDArray[np.int64]
    worked_us: NDArray[np.int64] = field(init=False)  # before each window

    def __post_init__(self) -> None:
        lengths = self.closes_us - self.opens_us
        assert (lengths > 0).all(), "a window without a length"
        assert (self.opens_us[1:] > self.closes_us[:-1]).all(), "windows that touch"
        object.__setattr__(self, "worked_us", np.cumsum(lengths) - lengths)

    @staticmethod
    def of(windows: Sequence[tuple[int, int]]) -> Hours:
        """Make them of (opens, closes), microseconds since 1970."""
        opens, closes = np.array(windows, dtype=np.int64).reshape(-1, 2).T
        return Hours(opens.copy(), closes.copy())

    @property
    def total_us(self) -> int:
        """All working time there is."""
        return int(self.worked_us[-1] + self.closes_us[-1] - self.opens_us[-1])

    def work(self, wall_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how much working time lies before each instant."""
        window = np.maximum(np.searchsorted(self.opens_us, wall_us, side="right") - 1, 0)
        inside = np.minimum(wall_us, self.closes_us[window]) - self.opens_us[window]
        return self.worked_us[window] + np.maximum(inside, 0)

    def wall(self, work_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first instant before which so much working time lies, and that is in hours.

        Beyond all working time it goes on past the last window, as if that did not close.
        """
        window = np.searchsorted(self.worked_us, work_us, side="right") - 1
        return self.opens_us[window] + (work_us - self.worked_us[window])
