"""A campaign: a letter to each person, and two days later a reminder to those who did not react.

A day after a letter we ask once what became of it, if no receipt has told.

`_try` is the whole of it: ask whether the letter is still wanted and whether it is daytime, send
it, act on the outcome.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from examples.outreach.clock import HOUR_US, SECOND_US, daytime
from examples.outreach.provider import Accepted, Later, Letter, Refused
from examples.outreach.texts import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from zoneinfo import ZoneInfo

    from examples.outreach.agenda import Agenda
    from examples.outreach.books import Books
    from examples.outreach.clock import Clock
    from examples.outreach.provider import Provider
    from examples.outreach.texts import Texts
    from examples.outreach.ways import Ways

BACK_OFF_US, BACK_OFF_US_MAX = SECOND_US, HOUR_US  # 1 s, 2 s, 4 s … 1 h; never no pause at all
QUESTIONS_MAX = 12  # an hour apart: after so many without an answer we go by the receipts alone
PATIENCE_US = 24 * HOUR_US  # after its first try: a letter not accepted by then is given up

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A letter on its way to the provider."""

    letter: Letter
    due_us: int
    nth: int = 0
    first_us: int | None = None  # the instant of the first try
    unclear: bool = False  # an earlier try may have been accepted


@dataclass(frozen=True, slots=True)
class Series:
    """A campaign that comes again: how often in all, and at which distance."""

    times: int = 1
    every_us: int = 0


ONCE = Series()


@dataclass(frozen=True, slots=True)
class Campaigns:
    """Sends the letters of all campaigns."""

    provider: Provider
    books: Books
    agenda: Agenda
    clock: Clock
    zone: ZoneInfo
    remind_after_us: int
    ask_after_us: int
    ways: Ways

    async def open(
        self,
        name: str,
        numbers: Iterable[str],
        texts: Texts | None,
        *,
        series: Series = ONCE,
        unwilling: frozenset[str] = frozenset(),
    ) -> int | None:
        """Start a campaign; return how many people it is for, or None if it exists already.

        Without `texts` it has the provider's own. Who is `unwilling` is not written to. Of a
        series, the others follow by themselves.
        """
        now_us = await self.clock.ask()
        if not self.books.open_campaign(name):
            return None
        texts = texts or self.provider.texts
        without = _dialled(unwilling, self.ways.dialled, self.provider.country_code)
        people = [number for number in self._reachable(numbers) if number not in without]
        if without:
            log.info("%d people have not agreed to be written to", len(without))
        if series.times > 1:
            again = partial(self._follow, name, 2, people, texts, series)
            self.agenda.at(now_us + series.every_us, f"{name} 2", again)
        for index, number in enumerate(people, start=1):
            self._plan(
                Attempt(Letter(name, index, 1, number, texts.opening, texts.reminder), now_us)
            )
        log.info("campaign %s opens for %d people", name, len(people))
        return len(people)

    async def _follow(
        self, name: str, nth: int, numbers: Sequence[str], texts: Texts | None, series: Series
    ) -> None:
        """Start the nth campaign of a series, and plan the next."""
        if nth < series.times:
            again = partial(self._follow, name, nth + 1, numbers, texts, series)
            self.agenda.at(self.clock.now_us + series.every_us, f"{name} {nth + 1}", again)
        await self.open(f"{name}-{nth}", numbers, texts)

    def _reachable(self, numbers: Iterable[str]) -> list[str]:
        """Return each number once, as the provider wants it."""
        code = self.provider.country_code
        found = {self.ways.dialled(number, code): number for number in numbers}
        if unreachable := found.pop(None, None):
            log.warning("some numbers cannot be written to, such as %s", redacted(unreachable))
        return [number for number in found if number]

    def _plan(self, attempt: Attempt) -> None:
        self.agenda.at(attempt.due_us, attempt.letter.own_id, partial(self._try, attempt))

    async def _try(self, attempt: Attempt) -> None:
        if not self._wanted(attempt):
            return
        letter = attempt.letter
        due_us = self.ways.daytime(letter, self.clock.now_us, self.zone)
        if due_us > self.clock.now_us:
            self._plan(replace(attempt, due_us=due_us))
            return
        match await self.provider.send(letter, unclear=attempt.unclear):
            case Accepted() as accepted:
                self.books.accept(letter, accepted, self.clock.now_us)
                self._plan_question(letter, accepted, self.ask_after_us)
                if letter.nth == 1 and letter.reminder:
                    self._plan_reminder(letter)
            case Refused(why, opted_out):
                if opted_out:
                    self.books.note_person(letter.to, opted_out=True)
                log.info("%s to %s is refused: %s", letter.own_id, redacted(letter.to), why)
            case Later() as later:
                await self._try_later(attempt, later)

    def _wanted(self, attempt: Attempt) -> bool:
        letter = attempt.letter
        if letter.nth == 2 and not attempt.unclear and self._has_reacted(letter):
            return False
        if not attempt.unclear and self.books.gone(letter.to):
            return False
        return self.ways.may_write(letter, self.books)

    def _has_reacted(self, letter: Letter) -> bool:
        if self.provider.wants_reply:
            return self.books.replied(letter.to)
        return self.books.delivered(replace(letter, nth=1).own_id)

    def _plan_reminder(self, letter: Letter) -> None:
        reminder = replace(letter, nth=2, text=letter.reminder)
        self._plan(Attempt(reminder, self.clock.now_us + self.remind_after_us))

    def _plan_question(
        self, letter: Letter, accepted: Accepted, after_us: int, nth: int = 0
    ) -> None:
        ask = partial(self._ask, letter, accepted, nth)
        self.agenda.at(self.clock.now_us + after_us, f"{letter.own_id} ?", ask)

    async def _ask(self, letter: Letter, accepted: Accepted, nth: int) -> None:
        """Ask once what became of a letter, if no receipt has told; some are lost on the way."""
        if self.books.ended(letter.own_id):
            return
        told = await self.provider.ask(letter.own_id, accepted.provider_id)
        if not isinstance(told, Later):
            self.books.add_receipts(told, self.clock.now_us)
        elif nth < QUESTIONS_MAX:
            self._plan_question(letter, accepted, BACK_OFF_US_MAX, nth + 1)

    async def _try_later(self, attempt: Attempt, later: Later) -> None:
        letter, due_us = attempt.letter, attempt.due_us
        now_us = await self.clock.ask()
        first_us = attempt.first_us or now_us
        wait_us = self.ways.pause_us(letter, later, attempt.nth)
        if now_us + wait_us > first_us + PATIENCE_US:
            log.warning("%s to %s is given up: %s", letter.own_id, redacted(letter.to), later.why)
            return
        log.info("%s again in %d s: %s", letter.own_id, wait_us // SECOND_US, later.why)
        if later.throttled:
            self.agenda.hold(now_us + wait_us)  # for all letters; this one keeps its place
            unclear = attempt.unclear
        else:
            due_us = now_us + wait_us
            letter, unclear = self.ways.again(letter)
        self._plan(Attempt(letter, due_us, attempt.nth + 1, first_us, unclear))


@lru_cache(maxsize=1)  # the same list for every campaign, as long as it does not change
def _dialled(
    numbers: frozenset[str], dialled: Callable[[str, str], str | None], code: str
) -> frozenset[str]:
    return frozenset(found for number in numbers if (found := dialled(number, code)))


def may_write(letter: Letter, books: Books) -> bool:
    """Tell whether a person has not asked us to stop."""
    return not books.opted_out(letter.to)


def daytime_for(_letter: Letter, now_us: int, zone: ZoneInfo) -> int:
    """Return the instant when a letter may go: now, or after the quiet hours."""
    return daytime(now_us, zone)


def pause_us(_letter: Letter, later: Later, nth: int) -> int:
    """Return how long to wait before a letter is tried again: as asked, or longer each time."""
    if later.after_us is not None:
        return max(later.after_us, BACK_OFF_US)
    return min(BACK_OFF_US << nth, BACK_OFF_US_MAX)


def again(letter: Letter) -> tuple[Letter, bool]:
    """Return what goes out after a try that may have been accepted, and whether that is unclear."""
    return letter, True
