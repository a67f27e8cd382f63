"""The control port's clock: look at it, sleep by it, be called by it, move it.

A sleep and an alarm are entries of the world's agenda, so stepped time never jumps over them; a
pending one is not activity and holds nothing up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from simulator.core.written import rfc3339
from simulator.web import control_show as show
from simulator.web.control_ask import (
    ADVANCE_US_MAX,
    END_US,
    AdvanceBody,
    AlarmBody,
    NoQuery,
    RateBody,
    WaitQuery,
    body_of,
    query_of,
)
from simulator.web.control_gate import HttpError

if TYPE_CHECKING:
    from simulator.engine.driver import Driver
    from simulator.web.control_panel import Panel


async def clock(panel: Panel, request: web.Request) -> web.Response:
    """Answer with the virtual now."""
    query_of(request, NoQuery)
    return web.json_response(show.clock(panel.driver(request)))


async def wait(panel: Panel, request: web.Request) -> web.Response:
    """Answer when an instant is reached; a client that leaves is forgotten."""
    driver = panel.driver(request)
    until_us = query_of(request, WaitQuery).until
    _check_room(driver)
    async with driver.slept(until_us) as now_us:
        if now_us < until_us:
            raise HttpError(503, "the server stops before that instant")
        reply = web.json_response(show.clock(driver))
        await reply.prepare(request)
        await reply.write_eof()  # the sleeper is told before time may move on
    return reply


async def alarm(panel: Panel, request: web.Request) -> web.Response:
    """Plan a call at an instant; one that has passed comes next."""
    driver = panel.driver(request)
    asked = await body_of(request, AlarmBody, panel.server.settings.body_timeout_s)
    url = panel.callable_url("url", asked.url)
    at_us = asked.at_us if asked.at is None else asked.at
    assert at_us is not None
    _check_room(driver)
    panel.stir(driver)
    driver.alarm(at_us, url)
    return web.json_response({**show.instant("at", at_us), "url": url}, status=201)


def _check_room(driver: Driver) -> None:
    if driver.crowded:
        raise HttpError(429, "too many sleeps and alarms are pending in this world")


async def advance(panel: Panel, request: web.Request) -> web.Response:
    """Move a stepped clock; answer when all instants on the way have been lived through."""
    driver = panel.driver(request)
    asked = await body_of(request, AdvanceBody, panel.server.settings.body_timeout_s)
    _check_still(driver)
    if driver.clock.rate != 0:
        raise HttpError(409, f"the clock runs at rate {driver.clock.rate:g}; set rate 0 first")
    now_us = driver.now()
    to_us = _goal(asked, now_us)
    if to_us < now_us:
        raise HttpError(409, f"time does not run back: it is {rfc3339(now_us)}")
    if to_us > now_us + ADVANCE_US_MAX:
        raise HttpError(400, "an advance is of ten years at most; repeat it")
    if to_us >= END_US:
        raise HttpError(409, f"time ends at {rfc3339(END_US)}")
    instants = await driver.advance(to_us)
    if driver.now() < to_us:
        raise HttpError(503, f"the server stops; it is {rfc3339(driver.now())}")
    return web.json_response({**show.clock(driver), "instants": instants})


def _goal(asked: AdvanceBody, now_us: int) -> int:
    for goal_us in (asked.to, asked.to_us):
        if goal_us is not None:
            return goal_us
    return now_us + (asked.by or 0) + (asked.by_us or 0)


async def rate(panel: Panel, request: web.Request) -> web.Response:
    """Let time run at another rate, or stand still."""
    driver = panel.driver(request)
    asked = await body_of(request, RateBody, panel.server.settings.body_timeout_s)
    _check_still(driver)
    driver.set_rate(asked.rate)
    return web.json_response(show.clock(driver))


def _check_still(driver: Driver) -> None:
    if driver.advancing:
        raise HttpError(409, "an advance is under way; wait for its end")
