"""How many requests of one account are under way: one too many is refused at once.

The one rule: who has a limit waits one turn of the loop before its command is carried out, so that
whatever has come at the same time is counted; who has none never comes here. Which of them is
refused follows arrival: contended.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from simulator.core.message import Reason, Rejection
from simulator.dialects.shape import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from simulator.dialects.shape import Ask


class Turnstile:
    """The requests under way of the accounts that have a limit.

    Args:
        limits: by account id; somebody else changes them.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self._under_way: dict[str, int] = {}

    @asynccontextmanager
    async def through(self, asked: Ask | Refused) -> AsyncIterator[Ask | Refused]:
        """Count a request as under way while the body runs; yield it, or that it is refused."""
        name = asked.account
        limit = self._limits.get(name)
        if limit is None:
            yield asked
            return
        before = self._under_way.get(name, 0)
        if before >= limit:
            seen = f"{limit} requests of this account are under way"
            yield Refused(Rejection(Reason.TOO_MANY_REQUESTS, detail=seen), name)
            return
        self._under_way[name] = before + 1
        try:
            await asyncio.sleep(0)
            yield asked
        finally:
            left = self._under_way[name] - 1
            if left:
                self._under_way[name] = left
            else:
                del self._under_way[name]
