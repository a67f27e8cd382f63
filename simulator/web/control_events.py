"""The control port's facts: pages of the log, and the log as it grows, as server-sent events.

    event: fact      id: its number    data: the fact
    event: skipped                     data: {"skipped": n}   the subscriber was too slow
    event: reset                       data: {"epoch": n}     the world began anew; numbers too
    : quiet                            a comment, so that dead connections show

Nothing is queued for a subscriber: the log's own tail is the buffer, looked at ten times a second.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from aiohttp import web

from simulator.engine.log import decode
from simulator.web import control_show as show
from simulator.web.control_ask import EventsQuery, StreamQuery, query_of
from simulator.web.control_gate import HttpError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.engine.driver import Driver
    from simulator.engine.log import Log
    from simulator.web.control_panel import Panel
    from simulator.web.control_show import Json

STREAMS_MAX = 100
BEHIND_MAX = 10_000  # facts that a subscriber may lag; what is older is skipped, and said so
POLL_S = 0.1
HEARTBEAT_S = 15.0
_BATCH = 500  # facts written at once


async def events(panel: Panel, request: web.Request) -> web.Response:
    """Answer with facts from a number on."""
    world = panel.driver(request).world
    query = query_of(request, EventsQuery)
    first, found = _facts(world.log.since(query.since, query.limit), world.gateway.epoch)
    return web.json_response(
        {
            "first": first,
            "next": first + len(found),
            "count": world.log.count,
            "digest": world.log.digest(),
            "events": found,
        }
    )


def _facts(since: tuple[int, Iterable[bytes]], epoch: int) -> tuple[int, list[Json]]:
    first, lines = since
    found = [
        {"number": first + i, **show.event(decode(line), epoch)} for i, line in enumerate(lines)
    ]
    return first, found


async def stream(panel: Panel, request: web.Request) -> web.StreamResponse:
    """Send the log as it grows, until the client leaves, or the world or the server ends."""
    driver = panel.driver(request)
    query = query_of(request, StreamQuery)
    since = query.since
    last = request.headers.get("Last-Event-ID", "")
    if since is None and last.isascii() and last.isdecimal():
        since = int(last[:18]) + 1
    if panel.streams >= STREAMS_MAX:
        raise HttpError(429, f"{STREAMS_MAX} streams are open; close one")
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    log = driver.world.log
    number = log.count if since is None else since
    panel.streams += 1
    try:
        await response.prepare(request)
        await _pump(panel, driver, response, log, number)
    finally:
        panel.streams -= 1
    return response


async def _pump(
    panel: Panel, driver: Driver, response: web.StreamResponse, log: Log, number: int
) -> None:
    world, written_at = driver.world, time.monotonic()
    drivers = panel.server.drivers
    while panel.server.ready() and drivers.get(world.name) is driver:
        lines = []
        if world.log is not log:
            log, number = world.log, 0
            lines.append(_line("reset", {"epoch": world.gateway.epoch}))
        number = min(number, log.count)
        first, found = _facts(
            log.since(max(number, log.count - BEHIND_MAX), _BATCH), world.gateway.epoch
        )
        if first > number:
            lines.append(_line("skipped", {"skipped": first - number}))
        lines += [_line("fact", fact, fact["number"]) for fact in found]
        number = first + len(found)
        if not lines and time.monotonic() - written_at >= HEARTBEAT_S:
            lines.append(": quiet\n\n")
        if lines:
            await response.write("".join(lines).encode())
            written_at = time.monotonic()
        if len(found) < _BATCH:
            await asyncio.sleep(POLL_S)


def _line(kind: str, data: Json, number: int | None = None) -> str:
    numbered = "" if number is None else f"id: {number}\n"
    return f"event: {kind}\n{numbered}data: {json.dumps(data)}\n\n"
