"""The driver: a world's clock in an event loop. The only file of the engine that knows asyncio.

    rate > 0   a tick runs what is due, performs effects, and sleeps until the next due instant
    rate = 0   `advance` walks instant by instant: run all due, perform effects, await their
               outcomes, let the world outside go quiet, then the next instant

A callback takes no virtual time: its outcome is settled at the attempt's own instant, so a planned
retry is never skipped and a real clock leaves the same facts as a stepped one. Stepped time can
wait, so there effects are begun only as fast as they end; the loop is never held for long.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, Protocol

from simulator.core.command import Wait
from simulator.core.message import Call, Wake
from simulator.engine.gateway import BATCH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from simulator.core.command import Answer, Command
    from simulator.core.message import Effect, Outcome
    from simulator.engine.clock import Clock
    from simulator.engine.world import World

WAITS_MAX = 10_000  # sleeps and alarms of one world that have not come due
OUTSTANDING_MAX = 1_000  # effects under way at once while time stands still for them

_TICK_S = 0.001  # many steps at once are cheaper than each at its microsecond
_LONG_S = 0.005  # a sleep that a submission may have to cut short
_NAP_S_MAX = 3600.0  # event loops do not take any number of seconds
_HOLD_NS = 2_000_000  # an advance gives the others of its loop a turn this often


class Perform(Protocol):
    """Does a callback or calls an alarm's URL, and reports how it ended, exactly once."""

    def __call__(self, world: World, effect: Call | Wake, done: Callable[[Outcome], None]) -> None:
        """Begin; `done` is called in this event loop."""


class _Sleep(NamedTuple):
    """Everyone who sleeps until one instant."""

    until_us: int
    sleepers: list[asyncio.Future[None]]


class Driver:
    """One world in time.

    Args:
        world: whose gateway is driven.
        clock: its time; rate 0 for stepped.
        perform: does callbacks and alarms.
        outstanding_max: effects under way at once in stepped time, 1 or more.

    Attributes:
        quiet: awaited after an instant that stirred the world outside.
        stir: told of each such effect, before it is done.
        outstanding: effects begun that have no outcome yet, sleepers that wake up among them.
        advancing: whether an `advance` is under way.
    """

    def __init__(
        self, world: World, clock: Clock, perform: Perform, outstanding_max: int = OUTSTANDING_MAX
    ) -> None:
        self.world, self.clock = world, clock
        self.outstanding = 0
        self.quiet: Callable[[], Awaitable[None]] | None = None
        self.stir: Callable[[], None] | None = None
        self.stirred = 0
        self.lag_us_max = 0
        self._perform = perform
        self._outstanding_max = outstanding_max
        self._effects: deque[Effect] = deque()
        self._sleeps: dict[int, _Sleep] = {}
        self._tokens: dict[int, int] = {}
        self._numbers = count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._sleeping_long = False
        self._settled = asyncio.Event()
        self._turn = asyncio.Lock()
        self._turn_ns = 0
        self._stopped = False

    # Commands from outside.

    def now(self) -> int:
        """Return the virtual instant at which something submitted now takes effect."""
        return self.world.gateway.instant(self.clock.now(time.monotonic_ns()))

    def submit(self, command: Command) -> Answer:
        """Submit a command now."""
        answer = self.world.gateway.submit(command, self.clock.now(time.monotonic_ns()))
        self.poke()
        return answer

    def poke(self) -> None:
        """See to it that something newly due is not slept over."""
        if self._sleeping_long or (self._timer is None and self.clock.rate > 0):
            self._schedule()

    @property
    def crowded(self) -> bool:
        """Whether no further sleep or alarm may be planned."""
        return len(self.world.gateway.waits) >= WAITS_MAX

    @asynccontextmanager
    async def slept(self, until_us: int) -> AsyncIterator[int]:
        """Sleep until a virtual instant; time stands still until the body has told the sleeper.

        Yields the instant at the end, earlier if stopped. Sleeps until one instant share an entry
        of the agenda, which stays when its sleepers have left, for those who come again.
        """
        if until_us <= self.now() or self._stopped:
            yield self.now()
            return
        token = self._tokens.get(until_us)
        if token is None:
            token = self._tokens[until_us] = next(self._numbers)
            self._sleeps[token] = _Sleep(until_us, [])
            self.submit(Wait(until_us, token))
        sleepers = self._sleeps[token].sleepers
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleepers.append(future)
        try:
            await future
            yield self.now()
        finally:
            sleepers.remove(future)
            if future.done() and not future.cancelled():  # it was let go
                self._end()

    def alarm(self, until_us: int, url: str) -> None:
        """Have a URL called at a virtual instant."""
        self.submit(Wait(until_us, next(self._numbers), url))

    # Time.

    def start(self) -> None:
        """Begin to tick, if time moves by itself."""
        self._stopped = False
        self._schedule()

    def stop(self) -> None:
        """Stop ticking and advancing; sleepers are let go."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for sleep in self._sleeps.values():
            self._let_go(sleep)

    def set_rate(self, rate: float) -> None:
        """Change the clock's rate from now on; not while advancing."""
        assert not self.advancing, "two movers of one clock"
        self.clock.set_rate(rate, time.monotonic_ns())
        self._schedule()

    def lag_us(self) -> int:
        """Return by how much virtual time the oldest step that has not run is late."""
        due_us = self.world.gateway.next_due()
        return 0 if due_us is None else max(0, self.clock.now(time.monotonic_ns()) - due_us)

    @property
    def advancing(self) -> bool:
        """Whether an advance is under way."""
        return self._turn.locked()

    async def advance(self, to_us: int, quantum_us: int = 0) -> int:
        """Move a stepped clock, instant by instant; return the number of instants.

        If it is cancelled, or the driver stopped, time stays at the instant it has reached.

        Args:
            to_us: the instant to reach.
            quantum_us: take everything due within so much time as one instant, its end.
        """
        instants = 0
        async with self._turn:
            self._turn_ns = time.monotonic_ns()
            await self._outcomes()
            while (due_us := self.world.gateway.next_due()) is not None and due_us <= to_us:
                if self._stopped:
                    return instants
                target_us = due_us
                if quantum_us:
                    target_us = min(to_us, (due_us // quantum_us + 1) * quantum_us)
                await self._instant(target_us)
                instants += 1
            self.clock.jump(to_us)
            self.world.gateway.run_due(to_us)
        return instants

    async def _instant(self, at_us: int) -> None:
        """Run all that is due; only then is the world outside told, so it sees no half instant."""
        gateway = self.world.gateway
        self.clock.jump(at_us)
        while gateway.run_due(at_us, whole=False) >= BATCH:
            await self._breathe()
        await self._breathe()
        await self._outcomes()

    async def _breathe(self) -> None:
        if time.monotonic_ns() - self._turn_ns > _HOLD_NS:
            await asyncio.sleep(0)
            self._turn_ns = time.monotonic_ns()

    async def _outcomes(self) -> None:
        """Wait until every effect has its outcome and the world outside is quiet."""
        self._take_effects()
        while self._effects or self.outstanding or self.stirred:
            while self._effects and self.outstanding < self._outstanding_max:
                self._begin(self._effects.popleft())
            if self.outstanding:
                self._settled.clear()
                await self._settled.wait()
            elif self.quiet is None:
                self.stirred = 0
                await asyncio.sleep(0)
            else:
                seen = self.stirred
                await self.quiet()
                self.stirred -= seen
            self._effects.extend(self.world.gateway.take_caused())

    def _take_effects(self) -> None:
        self._effects.extend(self.world.gateway.take_effects())

    def _begin(self, effect: Effect) -> None:
        self.stirred += 1
        if self.stir is not None:
            self.stir()
        if isinstance(effect, Wake) and not effect.url:
            sleep = self._sleeps.pop(effect.token, None)
            if sleep is not None:
                del self._tokens[sleep.until_us]
                self._let_go(sleep)
            return
        self.outstanding += 1
        self._perform(self.world, effect, self._settler(effect))

    def _settler(self, effect: Call | Wake) -> Callable[[Outcome], None]:
        gateway = self.world.gateway  # a reset must not hand old outcomes to a new world

        def done(outcome: Outcome) -> None:
            self._end()
            if isinstance(effect, Call):
                gateway.settle(effect, outcome)
                self.poke()

        return done

    def _let_go(self, sleep: _Sleep) -> None:
        for future in sleep.sleepers:
            if not future.done():
                self.outstanding += 1
                future.set_result(None)

    def _end(self) -> None:
        self.outstanding -= 1
        self._settled.set()

    def _tick(self) -> None:
        self._timer = None
        ran = 0
        try:
            self.lag_us_max = max(self.lag_us_max, self.lag_us())
            ran = self.world.gateway.run_due(self.clock.now(time.monotonic_ns()))
            self._take_effects()
            while self._effects:
                self._begin(self._effects.popleft())
            self.stirred = 0
        finally:  # whatever a bug breaks, time goes on
            self._schedule(soon=ran >= BATCH)

    def _schedule(self, *, soon: bool = False) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sleeping_long = False
        if self._stopped or self.clock.rate == 0:
            return
        due_us = self.world.gateway.next_due()
        if due_us is None:
            return
        seconds = self.clock.real_seconds_until(due_us, time.monotonic_ns()) or 0.0
        self._sleeping_long = seconds > _LONG_S
        delay_s = 0 if soon else min(max(seconds, _TICK_S), _NAP_S_MAX)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)
