"""The answers to our calls, read where the provider takes orders from them: TwiML, say."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING

import aiohttp

from simulator.core.message import Outcome, OutcomeKind
from simulator.core.orders import Ordered
from simulator.dialects import READERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.core.message import Call
    from simulator.core.wire import HttpCall
    from simulator.engine.world import World

    Done = Callable[[Outcome], None]

_US_PER_S, _NEVER_US = 1_000_000, 10**15


def obeyed(world: World, call: Call, done: Done) -> Done:
    """Wrap who is told of an outcome, so that the orders in the answer are read before."""

    def read(outcome: Outcome) -> None:
        if outcome.kind is OutcomeKind.ANSWERED and 200 <= outcome.status < 300:
            try:
                outcome = _read(world, call, outcome)
            except Exception as error:  # noqa: BLE001 - an effect without an outcome would stop time
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "an answer could not be read", "exception": error}
                )
        done(outcome)

    return read


def _read(world: World, call: Call, outcome: Outcome) -> Outcome:
    account = world.account(call.message.account)
    orders = READERS[account.dialect](call, account, outcome)
    return Ordered(outcome.kind, outcome.status, orders=orders)


async def answer_of(response: aiohttp.ClientResponse, call: HttpCall, bytes_max: int) -> Outcome:
    """Read an answer to its end, and keep its body if the call wants it.

    Of a body that is too long one byte too many is kept, so that it shows; the rest is left, with
    the connection.
    """
    body = bytearray()
    if not call.wants_body:
        if not response.content.is_eof():
            await _skip_body(response, bytes_max)
        return Outcome(OutcomeKind.ANSWERED, response.status)
    while len(body) <= bytes_max and (chunk := await response.content.readany()):
        body += chunk
    if len(body) > bytes_max:
        response.close()
    kind = response.headers.get("Content-Type", "")
    return Outcome(OutcomeKind.ANSWERED, response.status, bytes(body[: bytes_max + 1]), kind)


async def _skip_body(response: aiohttp.ClientResponse, bytes_max: int) -> None:
    """Read the body to its end, or leave the connection where it is too long."""
    left = bytes_max
    while left >= 0:
        chunk = await response.content.readany()
        if not chunk:
            return
        left -= len(chunk)
    response.close()


@lru_cache(maxsize=64)
def _limits(timeout_us: int, connect_us: int, ours_s: float) -> aiohttp.ClientTimeout:
    total_s = min(ours_s, (timeout_us or _NEVER_US) / _US_PER_S)
    return aiohttp.ClientTimeout(
        total=total_s, sock_connect=min(total_s, (connect_us or _NEVER_US) / _US_PER_S)
    )


def limits_of(call: HttpCall, ours: aiohttp.ClientTimeout) -> aiohttp.ClientTimeout:
    """Return the real time that a call may take: ours, or its own where that is shorter."""
    return _limits(call.timeout_us, call.connect_us, ours.total or _NEVER_US / _US_PER_S)
