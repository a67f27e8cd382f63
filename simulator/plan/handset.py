"""Which handsets cannot be reached: `core/handset.absent_until` for many, asked yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.core.chance import DAY_US, below_many, draw64_many
from simulator.core.handset import DAILY_LENGTH, WEEK_US, WEEKLY_LENGTH
from simulator.plan.keys import high_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.core.chance import Law
    from simulator.core.handset import Absence


class _Spell(NamedTuple):
    """One kind of absence: how often one begins, in which unit of time, how long it lasts."""

    limit: int
    streams: tuple[int, ...]  # whether, when in the unit, how long
    every_us: int
    lasts: Law
    most_us: int


def absent_many(
    model: Absence, persons: NDArray[np.uint64], at_us: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell for each person whether the handset cannot be reached at its instant."""
    absent = np.zeros(len(persons), dtype=np.bool_)
    for spell in (
        _Spell(model.daily, model.streams[:3], DAY_US, DAILY_LENGTH, DAY_US),
        _Spell(model.weekly, model.streams[3:], WEEK_US, WEEKLY_LENGTH, WEEK_US),
    ):
        for back in (0, 1):
            absent[_covered(spell, persons, at_us, back)] = True
    return absent


def _covered(
    spell: _Spell, persons: NDArray[np.uint64], at_us: NDArray[np.int64], back: int
) -> NDArray[np.int64]:
    """Return who is in a spell that began in the unit of the instant, or `back` units before."""
    whether, when, long = spell.streams
    nth = at_us // spell.every_us - back
    rows = np.flatnonzero(below_many(draw64_many(whether, persons, nth), spell.limit))
    if not len(rows):
        return rows
    persons, nth, at_us = persons[rows], nth[rows], at_us[rows]
    into = high_of(draw64_many(when, persons, nth), np.uint64(spell.every_us)).astype(np.int64)
    lasts = np.minimum(spell.lasts.at_many(draw64_many(long, persons, nth)), spell.most_us)
    begin = nth * spell.every_us + into
    return rows[(begin <= at_us) & (at_us < begin + lasts)]
