"""The allowed hours of a plan: what the scenario's policy (or `--quiet`) leaves of each day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from simulator.plan.hours import Hours
from simulator.policy_checks import NoHolidays, QuietHours
from simulator.scenario_policy import asked_of
from simulator.verify.policy_time import holiday, within
from simulator.verify.zones import ASSUMED, ZONES, local

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simulator.scenario import Scenario

DAYS_MAX = 3 * 366  # as far as a plan looks
_MICROS = 1_000_000
_DAY = timedelta(days=1)
Window = tuple[int, int]


class Closed(NamedTuple):
    """When nothing may be sent: hours of each day, or public holidays (`span` None)."""

    zone: str
    country: str
    span: tuple[time, time] | None
    by: str

    def __str__(self) -> str:
        what = "public holidays" if self.span is None else "{:%H:%M} to {:%H:%M}".format(*self.span)
        assumed = (
            " (assumed)" if self.country in ASSUMED and ZONES[self.country] == self.zone else ""
        )
        return f"not {what}, {self.zone}{assumed}"


def closed_by(scenario: Scenario) -> list[Closed]:
    """Return what the scenario's policy forbids an SMS by the clock."""
    country = scenario.people.country.upper()
    found = []
    for asked in asked_of(scenario.policy):
        check = asked.check
        if isinstance(check, (QuietHours, NoHolidays)) and check.channel in ("sms", "any"):
            zone = check.zone or ZONES[country]
            span = (check.start, check.until) if isinstance(check, QuietHours) else None
            found.append(Closed(zone, country, span, f"policy: {asked.name}"))
    return found


def hours_of(closed: Sequence[Closed], start_us: int) -> Hours:
    """Return the windows in which may be sent, from a start on; one without an end if it may be."""
    until_us = start_us + DAYS_MAX * 86_400 * _MICROS
    windows = [(start_us, until_us)]
    for zone in sorted({each.zone for each in closed}):
        mine = [each for each in closed if each.zone == zone]
        windows = _both(windows, _open(mine, zone, start_us))
    return Hours.of(windows)


def _open(closed: Sequence[Closed], zone: str, start_us: int) -> list[Window]:
    """Return the windows of one clock, from the day before the start on."""
    there = local(start_us, closed[0].country, zone)
    assert there is not None
    edges = {time(0), *(edge for each in closed if each.span for edge in each.span)}
    first = there.at.date() - _DAY
    pieces: list[Window] = []
    instants = [
        datetime.combine(first + n * _DAY, edge, ZoneInfo(zone))
        for n in range(DAYS_MAX + 2)
        for edge in sorted(edges)
    ]
    for here, following in pairwise(instants):
        window = _micros(here), _micros(following)
        if window[0] < window[1] and not any(_is_closed(each, here) for each in closed):
            pieces.append(window)
    return _joined(pieces)


def _is_closed(each: Closed, here: datetime) -> bool:
    if each.span is None:
        return _is_holiday(each.country, here.date())
    return within(here.time(), *each.span)


def _is_holiday(country: str, day: date) -> bool:
    return bool(holiday(country, day))


def _joined(windows: Iterable[Window]) -> list[Window]:
    """Make one window of those that touch."""

    def add(found: list[Window], window: Window) -> list[Window]:
        if found and found[-1][1] >= window[0]:
            found[-1] = found[-1][0], window[1]
        else:
            found.append(window)
        return found

    return reduce(add, windows, [])


def _both(some: Sequence[Window], others: Sequence[Window]) -> list[Window]:
    """Return what lies in a window of each."""
    found: list[Window] = []
    i = j = 0
    while i < len(some) and j < len(others):
        opens, closes = max(some[i][0], others[j][0]), min(some[i][1], others[j][1])
        if opens < closes:
            found.append((opens, closes))
        if some[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return _joined(found)


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * _MICROS
