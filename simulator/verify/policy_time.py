"""Checks on the hour and the date, by the recipient's clock: quiet hours, holidays, chosen bands.

The one rule: a span of the day is half open. From 21:00 until 8:00 forbids 21:00:00 itself and
allows 8:00:00 itself; one that ends before it begins goes over midnight. What the clocks show
counts, so a night in which they are moved is an hour longer or shorter.
"""

from __future__ import annotations

from collections import Counter
from datetime import time
from functools import cache
from typing import TYPE_CHECKING

import holidays

from simulator.verify.touch import Found, breach, country_of
from simulator.verify.zones import local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime

    from simulator.policy_checks import InChosenBand, NoHolidays, QuietHours
    from simulator.verify.touch import Breach, Touch, Traffic

    Fault = Callable[[Touch, datetime], str]

_NO_ZONE = "no time zone is known for its country"
_NO_CALENDAR = "no calendar of holidays is known for its country and year"
_NO_BAND = "the person has no hours on record"


def quiet_hours(check: QuietHours, traffic: Traffic) -> Found:
    """Find what was sent in the quiet hours."""
    span = f"{check.start:%H:%M} to {check.until:%H:%M}"

    def fault(_touch: Touch, at: datetime) -> str:
        return f"in quiet hours ({span})" if within(at.time(), check.start, check.until) else ""

    return _by_the_clock(traffic.of(check.channel), check.zone, fault)


def no_holidays(check: NoHolidays, traffic: Traffic) -> Found:
    """Find what was sent on a public holiday."""

    def fault(touch: Touch, at: datetime) -> str:
        name = holiday(country_of(touch.to), at.date())
        return f"on a public holiday ({name})" if name else ""

    touches = traffic.of(check.channel)
    known: list[Touch] = []
    unjudged: Counter[str] = Counter()
    for touch in touches:
        there = local(touch.at_us, country_of(touch.to), check.zone)
        if there is not None and not _has_calendar(country_of(touch.to), there.at.year):
            unjudged[_NO_CALENDAR] += 1
        else:
            known.append(touch)
    return _by_the_clock(known, check.zone, fault, unjudged)


def in_chosen_band(check: InChosenBand, traffic: Traffic) -> Found:
    """Find what came outside the hours that the person has chosen."""
    known: list[Touch] = []
    unjudged: Counter[str] = Counter()
    for touch in traffic.of(check.channel):
        if _band(traffic, touch) is None:
            unjudged[_NO_BAND] += 1
        else:
            known.append(touch)

    def fault(touch: Touch, at: datetime) -> str:
        band = _band(traffic, touch)
        assert band is not None
        if within(at.time(), *band):
            return ""
        return f"outside the hours that the person has chosen ({band[0]:%H:%M} to {band[1]:%H:%M})"

    return _by_the_clock(known, check.zone, fault, unjudged)


def within(at: time, start: time, until: time) -> bool:
    """Tell whether a time of day lies in [start, until), which may go over midnight."""
    if start < until:
        return start <= at < until
    return at >= start or at < until


@cache
def holiday(country: str, day: date) -> str:
    """Return the name of a country's public holiday on this day, or nothing."""
    found = holidays.country_holidays(country, years=day.year, language=_LANGUAGE).get(day)
    return str(found or "")


_LANGUAGE = "en_US"


@cache
def _has_calendar(country: str, year: int) -> bool:
    try:
        calendar = holidays.country_holidays(country)
    except NotImplementedError:
        return False
    return bool(calendar.start_year <= year <= calendar.end_year)


def _band(traffic: Traffic, touch: Touch) -> tuple[time, time] | None:
    person = traffic.people.get(touch.to)
    if person is None or person.band is None:
        return None
    start, until = (time(*divmod(minute % 1440, 60)) for minute in person.band)
    return start, until


def _by_the_clock(
    touches: Iterable[Touch], zone: str | None, fault: Fault, unjudged: Counter[str] | None = None
) -> Found:
    """Hold each touch's local instant against `fault`, which says what is wrong with it."""
    missed: Counter[str] = Counter(unjudged)
    breaches: list[Breach] = []
    occasions = 0
    for touch in touches:
        there = local(touch.at_us, country_of(touch.to), zone)
        if there is None:
            missed[_NO_ZONE] += 1
            continue
        occasions += 1
        if said := fault(touch, there.at):
            caveat = f"; {there.caveat}" if there.caveat else ""
            words = f"{said}: {there.at:%Y-%m-%d %H:%M:%S} {there.at.tzinfo}{caveat}"
            breaches.append(breach(touch, words))
    return Found(breaches, occasions, "nothing was sent", missed)
