"""What is to be done, and when: one heap, one outstanding sleep, a few errands at a time.

Order is (due, key), so it does not depend on who came first. A gate stands before every errand: a
hold, when the provider has asked us to wait.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from examples.outreach.clock import Clock


@dataclass(frozen=True, order=True, slots=True)
class Errand:
    """Something to do at an instant, not before."""

    due_us: int
    key: str
    do: Callable[[], Awaitable[None]] = field(compare=False)


class Agenda:
    """Carries out errands when they are due, in batches of at most `concurrency`."""

    def __init__(self, clock: Clock, concurrency: int) -> None:
        self._clock = clock
        self._concurrency = concurrency
        self._errands: list[Errand] = []
        self._running = 0
        self._held_until_us = 0
        self._news = asyncio.Event()
        self._stopping = False
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_us = 0

    def at(self, due_us: int, key: str, do: Callable[[], Awaitable[None]]) -> None:
        """Put down an errand."""
        heappush(self._errands, Errand(due_us, key, do))
        self._news.set()

    def hold(self, until_us: int) -> None:
        """Start nothing before an instant."""
        self._held_until_us = max(self._held_until_us, until_us)

    def stop(self) -> None:
        """Start nothing more; `run` returns when the errands under way have ended."""
        self._stopping = True
        self._news.set()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do until the clock moves, and we are sure to be woken."""
        if self._news.is_set() or self._running:
            return False
        due_us = self._next_us()
        asleep_us = self._clock.asleep_until_us
        if due_us is None:
            return True
        if asleep_us is None or asleep_us <= self._clock.now_us:
            return False  # not asleep yet, or the wake-up is on its way
        return asleep_us <= due_us

    async def run(self) -> None:
        """Carry out errands until stopped. An error in one of them ends the run."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                self._news.clear()
                self._start_what_is_due(group)
                self._set_alarm(group)
                await self._news.wait()
            if self._alarm:
                self._alarm.cancel()

    def _next_us(self) -> int | None:
        if not self._errands:
            return None
        return max(self._errands[0].due_us, self._held_until_us, self._clock.now_us)

    def _start_what_is_due(self, group: asyncio.TaskGroup) -> None:
        """Start a batch when the last one is through.

        What one of a batch learns (a hold, say) holds for the next batch, whoever was answered
        first: so the same answers lead to the same day.
        """
        if self._running:
            return
        while self._running < self._concurrency:
            due_us = self._next_us()
            if due_us is None or due_us > self._clock.now_us:
                return
            self._running += 1
            group.create_task(self._carry_out(heappop(self._errands)))

    async def _carry_out(self, errand: Errand) -> None:
        try:
            await errand.do()
        finally:
            self._running -= 1
            self._news.set()

    def _set_alarm(self, group: asyncio.TaskGroup) -> None:
        due_us = self._next_us()
        if due_us is None or self._running:
            return  # whoever changes this brings news
        if self._alarm and not self._alarm.done():
            if self._alarm_us <= due_us:
                return  # it rings in time, perhaps too early, which is harmless
            self._alarm.cancel()
        self._alarm_us = due_us
        self._alarm = group.create_task(self._ring(due_us))

    async def _ring(self, due_us: int) -> None:
        await self._clock.until(due_us)
        self._news.set()
