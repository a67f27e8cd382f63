"""Handsets: when one cannot be reached. Recomputed from the person's key, never stored.

Two kinds of absence, so that any instant can be asked without a history:
a *daily spell* (battery, underground, flight mode; hours) and a *weekly spell* (journey, broken
phone; days). A handset is absent while any spell covers the instant.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.core.chance import (
    DAY_US,
    MASK,
    PHI,
    Purpose,
    lognormal_through,
    stream_of,
    uniform,
)
from simulator.core.chance import draw64 as _draw64
from simulator.core.chance import once as _once

WEEK_US = 7 * DAY_US
DAILY_LENGTH = lognormal_through(0.5, 5400, 0.9, 6 * 3600, "daily spell: 1.5 h, 10% over 6 h")
WEEKLY_LENGTH = uniform(1 * DAY_US, 6 * DAY_US)
_DAYS_MAX = 64


@dataclass(frozen=True, slots=True)
class Absence:
    """The streams and thresholds of absence in one world.

    Attributes:
        daily, weekly: thresholds of a spell's starting on a day, in a week.
        streams: of the spell, its start and its length; daily first.
        days: by day, the streams of the four draws that say whether there is a spell at all; a
            memo, since nearly all attempts ask about the same few days.
    """

    daily: int
    weekly: int
    streams: tuple[int, int, int, int, int, int]
    days: dict[int, tuple[int, int, int, int]] = field(default_factory=dict, compare=False)


def absence(seed: int, daily: int, weekly: int) -> Absence:
    """Prepare absence for a world with this seed."""
    purposes = (
        Purpose.DAILY_SPELL,
        Purpose.DAILY_START,
        Purpose.DAILY_LENGTH,
        Purpose.WEEKLY_SPELL,
        Purpose.WEEKLY_START,
        Purpose.WEEKLY_LENGTH,
    )
    a, b, c, d, e, f = (stream_of(seed, p) for p in purposes)
    return Absence(daily, weekly, (a, b, c, d, e, f))


def absent_until(model: Absence, person8: bytes, at_us: int) -> int:
    """Return when the spell that covers `at_us` ends, or 0 if the handset can be reached.

    Args:
        model: from `absence`.
        person8: the person's key.
        at_us: the instant, microseconds since 1970.
    """
    day = at_us // DAY_US
    today, yesterday, this_week, last_week = model.days.get(day) or _remember(model, day)
    daily, weekly = model.daily, model.weekly
    if (
        _once(person8, today) >= daily
        and _once(person8, yesterday) >= daily
        and _once(person8, this_week) >= weekly
        and _once(person8, last_week) >= weekly
    ):
        return 0
    return _end_of_spell(model, person8, at_us)


def _remember(model: Absence, day: int) -> tuple[int, int, int, int]:
    """Work out the streams of one day's draws: of it and the day before, of its week and before."""
    if len(model.days) >= _DAYS_MAX:
        model.days.clear()
    spell, far, week = model.streams[0], model.streams[3], day // 7
    found = (
        (spell + day * PHI) & MASK,
        (spell + (day - 1) * PHI) & MASK,
        (far + week * PHI) & MASK,
        (far + (week - 1) * PHI) & MASK,
    )
    return model.days.setdefault(day, found)


def _end_of_spell(model: Absence, person8: bytes, at_us: int) -> int:
    """Return when the last spell that covers an instant ends, or 0."""
    spell, start, length, far, far_start, far_length = model.streams
    day, until = at_us // DAY_US, 0
    for d in (day, day - 1):
        if _draw64(spell, person8, d) < model.daily:
            begin = d * DAY_US + (_draw64(start, person8, d) * DAY_US >> 64)
            lasts = min(DAILY_LENGTH.at(_draw64(length, person8, d)), DAY_US)
            until = max(until, _covers(begin, lasts, at_us))
    week = at_us // WEEK_US
    for w in (week, week - 1):
        if _draw64(far, person8, w) < model.weekly:
            begin = w * WEEK_US + (_draw64(far_start, person8, w) * WEEK_US >> 64)
            until = max(
                until, _covers(begin, WEEKLY_LENGTH.at(_draw64(far_length, person8, w)), at_us)
            )
    return until


def _covers(begin: int, length: int, at_us: int) -> int:
    return begin + length if begin <= at_us < begin + length else 0
