"""The rate that was really sent: the smaller of two honest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.load.achieved import achieved

if TYPE_CHECKING:
    from fractions import Fraction

S = 1_000_000


def at(*seconds: float) -> Fraction | None:
    return achieved(np.array([round(s * S) for s in seconds], np.int64), 3 * S)


def evenly(n: int, seconds: float) -> list[float]:
    return [i * seconds / n for i in range(n)]


def test_a_load_that_kept_its_schedule_has_the_rate_of_it() -> None:
    assert at(*evenly(120, 3)) == 40


def test_what_was_sent_over_four_times_the_schedule_was_sent_at_a_quarter_of_its_rate() -> None:
    rate = at(*evenly(120, 12))
    assert rate is not None
    assert 9.9 < rate <= 10


def test_what_was_held_back_and_sent_all_at_once_was_not_sent_at_its_rate_either() -> None:
    assert at(*([3.1] * 120)) == 0
    assert at(*evenly(60, 3), *([3.05] * 60)) == 20


def test_what_was_never_sent_is_no_rate() -> None:
    assert at() == 0
    assert achieved(np.zeros(1, np.int64), 0) is None
