"""Time: the clock of the world we are in, or the one on the wall, and the quiet hours.

Instants are integers, microseconds since 1970. Nothing else here reads a clock or sleeps.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import aiohttp

from examples.outreach.private import PrivateResolver

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
QUIET_FROM, QUIET_TO = 21, 8  # local hours: nothing is sent from 21:00 until 08:00
NOW_HEADER = "X-Todoku-Now"

ASK_TIMEOUT_S = 10.0  # real seconds, as below
RECONNECT_S = 0.2
RECONNECTS = 50

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def real_s() -> float:
    """Return seconds of real time, from whenever; they never go back."""
    return time.monotonic()


def daytime(instant_us: int, zone: ZoneInfo) -> int:
    """Return the instant itself, or, in the quiet hours, the next 08:00 in that zone."""
    local = (_EPOCH + timedelta(microseconds=instant_us)).astimezone(zone)
    if QUIET_TO <= local.hour < QUIET_FROM:
        return instant_us
    if local.hour >= QUIET_FROM:
        local += timedelta(days=1)
    opening = local.replace(hour=QUIET_TO, minute=0, second=0, microsecond=0)
    return (opening - _EPOCH) // timedelta(microseconds=1)


class Clock(Protocol):
    """What the rest of the system knows of time."""

    @property
    def now_us(self) -> int:
        """The latest instant we know of, without asking."""

    @property
    def asleep_until_us(self) -> int | None:
        """The instant of the sleep that is under way, if one is."""

    def hear(self, headers: Mapping[str, str]) -> None:
        """Learn the time from the headers of a reply or a callback."""

    async def ask(self) -> int:
        """Ask for the time and return it."""

    async def until(self, due_us: int) -> None:
        """Sleep until about an instant; whoever needs to be sure looks again."""

    async def close(self) -> None:
        """Give back what the clock holds."""


class WallClock:
    """Real time."""

    def __init__(self) -> None:
        self.asleep_until_us: int | None = None

    @property
    def now_us(self) -> int:
        """The latest instant we know of, without asking."""
        return time.time_ns() // 1000

    def hear(self, headers: Mapping[str, str]) -> None:
        """Learn nothing: the wall knows better."""

    async def ask(self) -> int:
        """Return the time."""
        return self.now_us

    async def until(self, due_us: int) -> None:
        """Sleep until an instant is reached."""
        self.asleep_until_us = due_us
        try:
            await asyncio.sleep(max(0, due_us - self.now_us) / SECOND_US)
        finally:
            self.asleep_until_us = None

    async def close(self) -> None:
        """Give back nothing."""


class WorldClock:
    """The clock behind `TODOKU_CLOCK_URL`, which may stand still or leap.

    Whoever moves it asks us first whether we are idle, and must not get a yes before it has got our
    request to be woken. So `asleep_until_us` is set only when the clock has answered a question
    that we asked after that request.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=PrivateResolver()),
            headers={"Authorization": f"Bearer {token}"},
            raise_for_status=True,
        )
        self.now_us = 0
        self.asleep_until_us: int | None = None

    def hear(self, headers: Mapping[str, str]) -> None:
        """Learn the time from the headers of a reply or a callback."""
        heard = headers.get(NOW_HEADER, "")
        if heard.isdecimal() and len(heard) < 20:
            self.now_us = max(self.now_us, int(heard))

    async def ask(self) -> int:
        """Ask for the time and return it.

        Raises:
            ConnectionError: the clock has not answered, however often it was asked.
        """
        for _ in range(RECONNECTS):
            try:
                return await self._get("", ASK_TIMEOUT_S)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(RECONNECT_S)
        message = f"the clock at {self._url} does not answer"
        raise ConnectionError(message)

    async def until(self, due_us: int) -> None:
        """Sleep until an instant is reached, however often the connection is lost meanwhile."""
        while await self.ask() < due_us:
            fence = asyncio.create_task(self._confirm(due_us))
            try:
                await self._get(f"/wait?until={due_us}")
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(RECONNECT_S)
            finally:
                fence.cancel()
                self.asleep_until_us = None

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _confirm(self, due_us: int) -> None:
        await self.ask()
        self.asleep_until_us = due_us

    async def _get(self, path: str, timeout_s: float | None = None) -> int:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        url = self._url + path
        async with self._session.get(url, timeout=timeout, allow_redirects=False) as reply:
            self.now_us = max(self.now_us, int((await reply.json())["now_us"]))
            return self.now_us
