"""Drivers for tests: a calm world, and somebody who plays whoever performs effects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from simulator.engine import driver as driver_module
from simulator.engine.clock import Clock
from simulator.engine.driver import Driver
from tests.worlds import EVERY_STATE, OK, START_US, URL, habits, world

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from simulator.core.message import Call, Outcome, Wake
    from simulator.engine.world import World

FAST = 1e9  # a virtual day in 86 microseconds
SPEAKS = {"callback_url": URL, "notify": EVERY_STATE}


class Performer:
    """Performs effects: at once with `outcome`, or when told to."""

    def __init__(self, outcome: Outcome | None = OK) -> None:
        self.outcome = outcome
        self.begun: list[Call | Wake] = []
        self.waiting: list[Callable[[Outcome], None]] = []
        self.most = 0

    def __call__(self, _world: World, effect: Call | Wake, done: Callable[[Outcome], None]) -> None:
        self.begun.append(effect)
        self.waiting.append(done)
        self.most = max(self.most, len(self.waiting))
        if self.outcome is not None:
            asyncio.get_running_loop().call_soon(self.answer, self.outcome)

    def answer(self, outcome: Outcome = OK) -> None:
        self.waiting.pop(0)(outcome)


def driver_of(
    perform: Performer | None = None, rate: float = 0.0, *accounts: Any, **options: Any
) -> Driver:
    """Make a driver of a calm world at `START_US`; call it inside the loop for a moving clock."""
    made = world(*accounts, **{"habits": habits(), **options})
    clock = Clock(START_US, rate, driver_module.time.monotonic_ns())
    return Driver(made, clock, perform or Performer())


async def slept(driver: Driver, until_us: int) -> int:
    """Sleep until a virtual instant; return the instant at the end."""
    async with driver.slept(until_us) as now_us:
        return now_us


async def turns(n: int = 20) -> None:
    """Give everything else in the loop its turn."""
    for _ in range(n):
        await asyncio.sleep(0)


def go(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())
