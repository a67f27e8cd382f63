"""Claims posted to the control port: kept as they come, for the run that will read them.

The one rule: the last post is the claim; nothing is read as it comes, since only the run's scenario
knows what the bytes mean. Who asks for a judgement without a run says that they are version 1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.engine.world import World
from simulator.verify.claim_codes import ClaimsError
from simulator.web.control_ask import JudgementQuery, NoQuery, query_of
from simulator.web.control_gate import HttpError

if TYPE_CHECKING:
    from simulator.web.control_panel import Panel

# Judges claims of a world's account: the bytes, the region of its numbers, how many rows to list.
Judge = Callable[[World, str, bytes, str, int], dict[str, Any]]

POSTED_BYTES_MAX = 1 << 28
POST_S_MAX = 60.0  # real time that one post may take


@dataclass(slots=True)
class Posted:
    """What was posted to one world.

    Attributes:
        data: of the last post; kind: its Content-Type.
        times: how many posts there were.
        came: set by the first.
    """

    data: bytes = b""
    kind: str = ""
    times: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)


async def post(panel: Panel, request: web.Request) -> web.Response:
    """Keep a system's claims."""
    query_of(request, NoQuery)
    world = panel.driver(request).world.name
    data = bytearray()
    try:
        async with asyncio.timeout(POST_S_MAX):
            async for chunk in request.content.iter_any():
                data += chunk
                if len(data) > POSTED_BYTES_MAX:
                    words = f"claims of more than {POSTED_BYTES_MAX} bytes; use a file or a query"
                    raise HttpError(413, words)
    except TimeoutError:
        raise HttpError(408, f"no whole body within {POST_S_MAX:g} s; post it at once") from None
    if not data:
        raise HttpError(400, "there is no body: post the claims")
    posted = panel.server.posted.setdefault(world, Posted())
    posted.data, posted.kind = bytes(data), request.content_type
    posted.times += 1
    posted.came.set()
    return web.json_response({"bytes": len(data), "times": posted.times}, status=202)


async def judgement(panel: Panel, request: web.Request) -> web.Response:
    """Compare the last post with the world as it is now; the world waits meanwhile."""
    asked = query_of(request, JudgementQuery)
    world, judge = panel.driver(request).world, panel.server.judge
    posted = panel.server.posted.get(world.name)
    if posted is None:
        raise HttpError(409, "no claims were posted: POST them to this world's /claims before")
    if judge is None:
        raise HttpError(409, "this server does not judge; `todoku serve` does")
    accounts = sorted(world.store.shelves)
    account = asked.account or (accounts[0] if len(accounts) == 1 else "")
    if not account:
        raise HttpError(409, f"there are {len(accounts)} accounts here; say which: ?account=ID")
    if account not in world.store.shelves:
        raise HttpError(404, f"no account {account[:64]!r} in this world")
    try:
        found = judge(world, account, posted.data, asked.region, asked.rows)
    except ClaimsError as error:
        raise HttpError(422, str(error)) from None
    return web.json_response(found)
