"""Claims posted to the control port: kept as they come, for the run that will read them.

The one rule: the last post is the claim; nothing is read here, since only the run's scenario knows
what the bytes mean.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from simulator.web.control_ask import NoQuery, query_of
from simulator.web.control_gate import HttpError

if TYPE_CHECKING:
    from simulator.web.control_panel import Panel

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
