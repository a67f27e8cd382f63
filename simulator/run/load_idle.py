"""When a system under load has come to rest, so that what it claims is about all that it sent.

    drain, until all is quiet and nobody will wake in it -> hold the clock -> `idle` -> claims

The one rule: claims are not read of a system that says it is busy. It would be told that it lost
what it was about to write down.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from simulator.errors import ProvesNothing
from simulator.web.prompt import NOW_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.engine.driver import Driver
    from simulator.run.sut import System

IDLE_S = 60.0  # real time; a system that goes on for longer after a load is not soon at rest
_PAUSE_S, _PAUSE_S_MAX = 0.01, 0.2


def wakes_s(driver: Driver) -> float | None:
    """Return in how much real time the next of those wakes who sleep by our clock; None: nobody."""
    due_us = min((wait.until_us for wait in driver.world.gateway.waits.values()), default=None)
    return None if due_us is None else (due_us - driver.now()) / ((driver.clock.rate or 1.0) * 1e6)


def is_quiet(news: Mapping[str, Any], left_s: float) -> bool:
    """Tell whether nothing is in flight, nor anybody about to wake.

    Args:
        news: what the simulator has said last.
        left_s: of the drain: whoever sleeps for longer will not have his turn.
    """
    if not news:
        return False
    arrived = news["accepted"] == news["fated"] == news["known"]
    wakes_s = news["wakes_s"]
    if wakes_s is not None and wakes_s < left_s:
        return False
    return bool(arrived) and not (news["unanswered"] or news["requests"])


async def at_rest(system: System, now_us: int, timeout_s: float) -> None:
    """Return when the system says that nothing is left to do, if it can say so.

    Args:
        system: as it is; the clock stands.
        now_us: where the clock stands.
        timeout_s: of the system; no more than a minute of it is spent here.

    Raises:
        ProvesNothing: it does not say so in time, or does not answer.
    """
    if system.sut.idle is None:
        return
    within_s, pause_s = min(timeout_s, IDLE_S), _PAUSE_S
    try:
        async with asyncio.timeout(within_s):
            while not await system.idle({NOW_HEADER: str(now_us)}):
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_S_MAX)
    except TimeoutError:
        line = f"{system.sut.idle.method} {system.sut.idle.path}"
        raise ProvesNothing(
            f"the system under test was still busy {within_s:g} s after the load ({line}), so its "
            "claims would not be about all that it sends: lower the rate, or see what keeps it busy"
        ) from None
