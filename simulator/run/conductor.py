"""The conductor: moves virtual time from the start to the horizon, and only when all is quiet.

    quiet = no request in flight, no callback unanswered, and the system's `idle` says so
            (without `idle`: a short real grace since the last activity; reads are no activity)

A request that arrives while it is nobody's turn came after its instant had been left: a straggler.
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
_POLL_S = 0.0005
_POLL_MAX_S = 0.02
_SLICES = 200  # of the horizon, for progress


class Conductor:
    """Moves one world's time for one system under test."""

    def __init__(self, server: Server, driver: Driver, system: System) -> None:
        self._server, self.driver, self._system = server, driver, system
        self._their_turn = False
        self._heard_at = time.monotonic()
        self.stragglers = 0
        self.instants = 0
        server.front.heard = self._heard

    def _heard(self, _world: str, changes: bool) -> None:
        if not changes:
            return
        self._heard_at = time.monotonic()
        if not self._their_turn and self.driver.clock.rate == 0:
            self.stragglers += 1

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
        self._their_turn = True
        await start()
        await self._quiet()
        driver.quiet, driver.stir = self._quiet, self._stir
        begin_us = driver.now()
        for n in range(1, _SLICES + 1):
            to_us = begin_us + (until_us - begin_us) * n // _SLICES
            self.instants += await driver.advance(to_us, quantum_us)
            step(to_us)
            await asyncio.sleep(0)
        if self._system.sut.idle is None:
            await asyncio.sleep(LISTEN_S)

    async def flowing(
        self, start: Callable[[], Awaitable[None]], until_us: int, step: Callable[[int], None]
    ) -> None:
        """Begin the campaign and let real or scaled time pass until `until_us`."""
        driver = self.driver
        await start()
        while (now_us := driver.clock.now(time.monotonic_ns())) < until_us:
            self._check_alive()
            left_s = (until_us - now_us) / (driver.clock.rate * 1e6)
            await asyncio.sleep(min(left_s, 0.2))
            step(now_us)
        await self._server.caller.drained()
        lag_s = driver.lag_us_max / (driver.clock.rate * 1e6)
        if lag_s > LAG_BUDGET_S:
            words = f"the world fell {lag_s:.1f} s behind its clock (budget {LAG_BUDGET_S:g} s)"
            raise ProvesNothing(f"{words}: ask for a lower rate or stepped time")

    def _stir(self) -> None:
        self._their_turn = True

    async def _quiet(self) -> None:
        """Return when nothing more will happen at this instant; then it is nobody's turn."""
        front, pause = self._server.front, _POLL_S
        while True:
            self._check_alive()
            seen = front.requests
            if front.in_flight or self.driver.outstanding:
                calm = False
            elif self._system.sut.idle is not None:
                calm = await self._system.idle({NOW_HEADER: str(self.driver.now())})
            else:
                calm = time.monotonic() - self._heard_at >= GRACE_S
            if calm and seen == front.requests and not front.in_flight:
                self._their_turn = False
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _POLL_MAX_S)

    def _check_alive(self) -> None:
        if not self._system.alive():
            last = "".join(f"\n  | {line}" for line in self._system.last_lines())
            raise ProvesNothing(f"the system under test ended in the middle of the run{last}")
