"""Arrivals at their instants: one dispatcher, and greenlets that are used again.

The one rule: nothing the target does holds the dispatcher up. An arrival whose instant has come is
handed to an idle greenlet; if all that may be are busy, it waits in line, and its latency runs from
the instant it was meant for. It is counted late, or dropped, but never moved.

    dispatcher -> idle greenlet, or a new one up to in_flight, or the line -> act(place)
"""

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING

import gevent
from gevent import get_hub, getcurrent
from gevent.pool import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TICK_S = 0.0005  # the loop's timers are no finer


class Pace:
    """Plays a schedule once.

    Args:
        due_s: instants of the arrivals, sorted, on `perf_counter`'s scale.
        act: does arrival number `place` of `due_s`; called in a greenlet of the pool; must not
            raise.
        drop: is told of an arrival that is given up.
        wait: is told of an arrival that finds all of `in_flight` busy.
        in_flight: most greenlets.
        queue: most arrivals in line.
        drop_after_s: how long an arrival may wait.
    """

    def __init__(  # noqa: PLR0913 - the limits belong together
        self,
        due_s: Sequence[float],
        act: Callable[[int], None],
        drop: Callable[[int], None],
        wait: Callable[[int], None],
        *,
        in_flight: int,
        queue: int,
        drop_after_s: float,
    ) -> None:
        self._due_s, self._act, self._drop, self._wait = due_s, act, drop, wait
        self._in_flight, self._queue, self._drop_after_s = in_flight, queue, drop_after_s
        self._idle: list[gevent.Greenlet] = []
        self._line: deque[int] = deque()
        self._pool = Group()
        self.arrived = 0  # how many instants have come

    @property
    def waiting(self) -> int:
        """How many arrivals are in line."""
        return len(self._line)

    @property
    def busy(self) -> int:
        """How many greenlets are at work."""
        return len(self._pool) - len(self._idle)

    def play(self) -> None:
        """Let every arrival come, and wait until the last is over."""
        due_s, total = self._due_s, len(self._due_s)
        while self.arrived < total:
            now = perf_counter()
            while self.arrived < total and due_s[self.arrived] <= now:
                self._arrive(self.arrived)
                self.arrived += 1
            if self.arrived < total:
                gevent.sleep(max(due_s[self.arrived] - perf_counter(), _TICK_S))
        while self._line or self.busy:
            self._expire()
            gevent.sleep(0.01)

    def stop(self) -> None:
        """End what is under way."""
        self._line.clear()
        self._pool.kill()

    def _arrive(self, place: int) -> None:
        if self._idle:
            get_hub().loop.run_callback(self._idle.pop().switch, place)
        elif len(self._pool) < self._in_flight:
            self._pool.add(gevent.spawn(self._work, place))
        else:
            self._wait(place)
            self._expire()
            if len(self._line) < self._queue:
                self._line.append(place)
            else:
                self._drop(place)

    def _expire(self) -> None:
        """Give up what has waited too long; who came first has waited longest."""
        line, limit = self._line, perf_counter() - self._drop_after_s
        while line and self._due_s[line[0]] < limit:
            self._drop(line.popleft())

    def _work(self, place: int) -> None:
        act, line, idle, hub, me = self._act, self._line, self._idle, get_hub(), getcurrent()
        while True:
            act(place)
            self._expire()
            if line:
                place = line.popleft()
            else:
                idle.append(me)
                place = hub.switch()
