"""A storm of callbacks, conducted: the system sends, the carrier is out, the backlog comes.

    campaign -> all quiet, and enough receipts wait -> released on schedule -> drain

The one rule: nothing of the storm is due before the system has sent what it has to send, so that
it is the callbacks that it is loaded with, and not its own campaign.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.errors import ProvesNothing
from simulator.run.people import listed
from simulator.web.prompt import NOW_HEADER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from simulator.run.load_child import Child
    from simulator.run.load_receipts import Pace
    from simulator.run.sut import System
    from simulator.scenario import Scenario

_LOOK_S = 0.1
_QUIET_S = 0.5  # nothing new is sent for so long, and the system is idle
_SETTLE_S = 0.5
_ASK_S = 30.0


@dataclass(frozen=True, slots=True)
class StormRun:
    """Who takes part in a storm.

    Attributes:
        simulator: in its own process, its clock under way.
        idle: asks the system whether nothing is left to do.
        alive: raises where one of them is gone.
        progress: told the phase, how far it is, and the simulator's news.
    """

    scenario: Scenario
    simulator: Child
    system: System
    pace: Pace
    idle: Callable[[], Awaitable[bool]]
    alive: Callable[[], None]
    progress: Callable[[str, float, Mapping[str, Any]], None]

    async def conducted(self) -> Mapping[str, Any]:
        """Return what was released, when all of it is over or the drain is.

        Raises:
            ProvesNothing: fewer receipts came to wait than the storm has.
        """
        load = self.scenario.load
        assert load is not None
        await self.system.begin(list(listed(self.scenario)), {NOW_HEADER: str(self._now_us())})
        released = await self._waiting(load.campaign_us / 1e6)
        await self._pass("storm", released["ends_in_s"])
        await self.simulator.ask("over", _ASK_S)
        await self._drained(load.drain_us / 1e6)
        return released

    def _now_us(self) -> int:
        since_us = time.time_ns() // 1_000 - self.pace.epoch_us
        return self.pace.virtual_us + int(since_us * self.pace.rate)

    async def _waiting(self, most_s: float) -> dict[str, Any]:
        """Release the storm when the system has sent everything and enough waits."""
        began = calm_at = time.monotonic()
        seen = 0
        while True:
            held, now = await self.simulator.ask("held", _ASK_S), time.monotonic()
            self.alive()
            self.progress("campaign", min((now - began) / most_s, 1.0), self.simulator.news)
            if held["accepted"] != seen or held["requests"] or not await self.idle():
                seen, calm_at = held["accepted"], now
            late = now - began >= most_s
            if late or (seen and now - calm_at >= _QUIET_S):
                released = await self.simulator.ask("release", _ASK_S)
                if "missing" not in released:
                    return released
                if late:
                    raise ProvesNothing(str(released["missing"]))
            await asyncio.sleep(_LOOK_S)

    async def _pass(self, phase: str, whole_s: float) -> None:
        began = time.monotonic()
        while (passed_s := time.monotonic() - began) < whole_s:
            self.alive()
            self.progress(phase, passed_s / whole_s, self.simulator.news)
            await asyncio.sleep(min(_LOOK_S, whole_s - passed_s))

    async def _drained(self, most_s: float) -> None:
        """Wait until nothing of the storm is left, repeats among it, or as long as was said."""
        began = calm_at = time.monotonic()
        while (now := time.monotonic()) - began < most_s:
            self.alive()
            self.progress("drain", (now - began) / most_s, self.simulator.news)
            left = (await self.simulator.ask("left", _ASK_S))["left"]
            if left or not await self.idle():
                calm_at = time.monotonic()
            elif now - calm_at >= _SETTLE_S:
                return
            await asyncio.sleep(_LOOK_S)
