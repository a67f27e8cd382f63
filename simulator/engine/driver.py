"""The driver: a world's clock in an event loop. The only file of the engine that knows asyncio.

    rate > 0   a tick runs what is due, performs effects, and sleeps until the next due instant
    rate = 0   `advance` walks instant by instant: run all due, perform effects, await their
               outcomes, let the world outside go quiet, then the next instant

A callback takes no virtual time: its outcome is settled at the attempt's own instant, so a planned
retry is never skipped and a real clock leaves the same facts as a stepped one.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from simulator.core.message import Call, Wait, Wake
from simulator.engine.gateway import BATCH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulator.core.message import Command, Outcome
    from simulator.engine.clock import Clock
    from simulator.engine.commands import Answer
    from simulator.engine.world import World

_TICK_S = 0.001  # many steps at once are cheaper than each at its microsecond
_LONG_S = 0.005  # a sleep that a submission may have to cut short


class Perform(Protocol):
    """Does a callback or calls an alarm's URL, and reports how it ended, exactly once."""

    def __call__(self, world: World, effect: Call | Wake, done: Callable[[Outcome], None]) -> None:
        """Begin; `done` is called in this event loop."""


class Driver:
    """One world in time.

    Args:
        world: whose gateway is driven.
        clock: its time; rate 0 for stepped.
        perform: does callbacks and alarms.

    Attributes:
        quiet: awaited after an instant that stirred the world outside.
        stir: told of each such effect, before it is done.
        outstanding: effects begun that have no outcome yet.
    """

    def __init__(self, world: World, clock: Clock, perform: Perform) -> None:
        self.world, self.clock = world, clock
        self.outstanding = 0
        self.quiet: Callable[[], Awaitable[None]] | None = None
        self.stir: Callable[[], None] | None = None
        self.stirred = 0
        self.lag_us_max = 0
        self._perform = perform
        self._waits: dict[int, asyncio.Future[int]] = {}
        self._token = 0
        self._timer: asyncio.TimerHandle | None = None
        self._sleeping_long = False
        self._settled = asyncio.Event()
        self._advancing = asyncio.Lock()
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

    async def wait(self, until_us: int) -> int:
        """Sleep until a virtual instant; return the instant that was reached."""
        if until_us <= self.now():
            return self.now()
        token, future = self._new_wait()
        self.submit(Wait(until_us, token))
        try:
            return await future
        finally:
            self._waits.pop(token, None)

    def alarm(self, until_us: int, url: str) -> None:
        """Have a URL called at a virtual instant."""
        self._token += 1
        self.submit(Wait(until_us, self._token, url))

    def _new_wait(self) -> tuple[int, asyncio.Future[int]]:
        self._token += 1
        future = self._waits[self._token] = asyncio.get_running_loop().create_future()
        return self._token, future

    # Time.

    def start(self) -> None:
        """Begin to tick, if time moves by itself."""
        self._stopped = False
        self._schedule()

    def stop(self) -> None:
        """Stop ticking; sleepers are let go."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for future in self._waits.values():
            future.cancel()

    def set_rate(self, rate: float) -> None:
        """Change the clock's rate from now on."""
        self.clock.set_rate(rate, time.monotonic_ns())
        self._schedule()

    def lag_us(self) -> int:
        """Return by how much virtual time the oldest step that has not run is late."""
        due_us = self.world.gateway.next_due()
        now_us = self.clock.now(time.monotonic_ns())
        return 0 if due_us is None else max(0, now_us - due_us)

    async def advance(self, to_us: int, quantum_us: int = 0) -> int:
        """Move a stepped clock, instant by instant; return the number of instants.

        Args:
            to_us: the instant to reach.
            quantum_us: take everything due within so much time as one instant, its end.
        """
        instants = 0
        async with self._advancing:
            await self._outcomes()
            while (due_us := self.world.gateway.next_due()) is not None and due_us <= to_us:
                target_us = due_us
                if quantum_us:
                    target_us = min(to_us, (due_us // quantum_us + 1) * quantum_us)
                await self._instant(target_us)
                instants += 1
            self.clock.jump(to_us)
            self.world.gateway.run_due(to_us)
        return instants

    async def _instant(self, at_us: int) -> None:
        gateway = self.world.gateway
        self.clock.jump(at_us)
        ran = BATCH
        while ran >= BATCH:
            ran = gateway.run_due(at_us)
            self._do_effects()
            if ran >= BATCH:
                await asyncio.sleep(0)
        await self._outcomes()

    async def _outcomes(self) -> None:
        """Wait until every effect has its outcome and the world outside is quiet."""
        self._do_effects()
        while self.outstanding or self.stirred:
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
            self._do_effects()

    def _do_effects(self) -> None:
        for effect in self.world.gateway.take_effects():
            self.stirred += 1
            if self.stir is not None:
                self.stir()
            if isinstance(effect, Wake) and not effect.url:
                future = self._waits.get(effect.token)
                if future is not None and not future.done():
                    future.set_result(effect.due_us)
                continue
            self.outstanding += 1
            self._perform(self.world, effect, self._settler(effect))

    def _settler(self, effect: Call | Wake) -> Callable[[Outcome], None]:
        gateway = self.world.gateway  # a reset must not hand old outcomes to a new world

        def done(outcome: Outcome) -> None:
            self.outstanding -= 1
            if isinstance(effect, Call):
                gateway.settle(effect, outcome)
                self.poke()
            if not self.outstanding:
                self._settled.set()

        return done

    def _tick(self) -> None:
        self._timer = None
        now_us = self.clock.now(time.monotonic_ns())
        self.lag_us_max = max(self.lag_us_max, self.lag_us())
        ran = self.world.gateway.run_due(now_us)
        self._do_effects()
        self.stirred = 0
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
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(0 if soon else max(seconds, _TICK_S), self._tick)
