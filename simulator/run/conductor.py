"""The conductor: moves virtual time from the start to the horizon, and only when all is quiet.

    quiet = no request in flight, no callback or wake-up unanswered, and the system's `idle` says so
            (without `idle`: a short real grace since the last activity; reads are no activity)

A request that arrives while it is nobody's turn came after its instant had been left: a straggler.
Real and scaled time wait for nobody; there the horizon is the one instant that can be missed.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from simulator.errors import ProvesNothing
from simulator.web.prompt import NOW_HEADER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulator.engine.driver import Driver
    from simulator.run.sut import System
    from simulator.web.server import Server

GRACE_S = 0.05  # real time without activity, for a system without `idle`
LISTEN_S = 1.0  # at the end, for what such a system still does
LAG_BUDGET_S = 2.0  # real time by which a world may fall behind its clock
LATE_SHARE = 0.01  # of the requests in scaled time, which may come after the horizon
_POLL_S = 0.0005
_POLL_MAX_S = 0.02
_SLICES = 200  # of the horizon, for progress
_STEP_S = 0.2  # the same, where time flows


class Conductor:
    """Moves one world's time for one system under test.

    Attributes:
        stragglers: requests that came after their instant had been left.
        instants: how many stepped time went through.
        awaited: whom time waits for, in words, for when it waits too long.
    """

    def __init__(self, server: Server, driver: Driver, system: System) -> None:
        self._server, self.driver, self._system = server, driver, system
        self._their_turn = True
        self._heard_at = time.monotonic()
        self._heard_count = 0
        self.stragglers = 0
        self.instants = 0
        self.awaited = "the start"
        server.front.heard = self._heard

    def _heard(self, _world: str, changes: bool) -> None:
        if not changes:
            return
        self._heard_at = time.monotonic()
        self._heard_count += 1
        self.stragglers += not self._their_turn

    async def stepped(
        self,
        start: Callable[[], Awaitable[None]],
        until_us: int,
        quantum_us: int,
        step: Callable[[int], None],
    ) -> None:
        """Begin the campaign and walk to `until_us`, instant by instant.

        Args:
            start: sends the request that starts the campaign; a coroutine function.
            until_us: the horizon.
            quantum_us: see `Driver.advance`.
            step: told each reached instant, for progress.
        """
        driver = self.driver
        await start()
        await self._quiet()
        driver.quiet, driver.stir = self._quiet, self._stir
        begin_us = driver.now()
        for n in range(1, _SLICES + 1):
            to_us = begin_us + (until_us - begin_us) * n // _SLICES
            self.instants += await driver.advance(to_us, quantum_us)
            step(to_us)
            await asyncio.sleep(0)
        await self._listen()

    async def flowing(
        self,
        start: Callable[[], Awaitable[None]],
        until_us: int,
        rate: float,
        step: Callable[[int], None],
    ) -> None:
        """Begin the campaign, let real or scaled time pass until `until_us`, and stop it there.

        Raises:
            ProvesNothing: the world fell behind its clock, or the system behind the world.
        """
        driver = self.driver
        driver.set_rate(rate)
        await start()
        self.awaited = "the horizon"
        while (now_us := driver.clock.now(time.monotonic_ns())) < until_us:
            self._check_alive()
            step(now_us)
            await asyncio.sleep(min((until_us - now_us) / (rate * 1e6), _STEP_S))
        lag_us = max(driver.lag_us_max, driver.lag_us())
        driver.set_rate(0)
        self._their_turn = False
        before = self._heard_count
        await driver.advance(driver.clock.now(time.monotonic_ns()))
        await self._quiet()
        await self._listen()
        step(driver.now())
        lag_s = lag_us / (rate * 1e6)
        if lag_s > LAG_BUDGET_S:
            words = f"the world fell {lag_s:.1f} s behind its clock (budget {LAG_BUDGET_S:g} s)"
            raise ProvesNothing(f"{words}: ask for a lower rate or stepped time")
        late = self._heard_count - before
        if rate > 1 and late > LATE_SHARE * self._heard_count:
            words = f"{late} of {self._heard_count} requests came after the horizon"
            raise ProvesNothing(f"{words}: ask for a lower rate or stepped time")

    def _stir(self) -> None:
        self._their_turn = True

    async def _quiet(self) -> None:
        """Return when nothing more will happen at this instant; then it is nobody's turn."""
        pause = _POLL_S
        self._heard_at = time.monotonic()  # it was stirred just now
        while True:
            self._check_alive()
            seen = self._seen()
            self.awaited = self._busy()
            if not self.awaited:
                calm = await self._calm()
                if calm and seen == self._seen() and not self._busy():
                    self._their_turn = False
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _POLL_MAX_S)

    def _seen(self) -> tuple[int, int]:
        return self._server.front.requests, self._heard_count

    def _busy(self) -> str:
        if self._server.front.in_flight:
            return "the end of a request in flight"
        return "an answer to a callback or an alarm" if self.driver.outstanding else ""

    async def _calm(self) -> bool:
        """Tell whether the system has nothing left to do, as far as one can know."""
        if self._system.sut.idle is None:
            self.awaited = "a moment without activity"
            return time.monotonic() - self._heard_at >= GRACE_S
        self.awaited = "`idle` to answer 204"
        return await self._system.idle({NOW_HEADER: str(self.driver.now())})

    async def _listen(self) -> None:
        if self._system.sut.idle is None:
            await asyncio.sleep(LISTEN_S)

    def _check_alive(self) -> None:
        if ended := self._system.ended():
            raise ProvesNothing(f"{ended} in the middle of the run")
