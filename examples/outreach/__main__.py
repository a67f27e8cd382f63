"""Start outreach: `python -m examples.outreach --help`."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from examples.outreach import settings as settings_module
from examples.outreach.agenda import Agenda
from examples.outreach.books import Books
from examples.outreach.bucket import Bucket
from examples.outreach.bugs import Witness
from examples.outreach.campaign import Campaigns
from examples.outreach.claims import Terms
from examples.outreach.clock import HOUR_US, WallClock, WorldClock
from examples.outreach.native import Native
from examples.outreach.private import PrivateResolver
from examples.outreach.provider import Account, Wire
from examples.outreach.server import Surface
from examples.outreach.twilio import Twilio
from examples.outreach.ways import HONEST
from examples.outreach.zettai_reach import ZettaiReach

if TYPE_CHECKING:
    from examples.outreach.clock import Clock
    from examples.outreach.provider import Provider
    from examples.outreach.settings import Settings

GRACE_S = 2.0  # real seconds for the last replies of our server when we stop

log = logging.getLogger("outreach")


def main() -> None:
    """Read the settings, take the port, and serve until SIGTERM."""
    settings = settings_module.read(sys.argv[1:])
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="outreach: %(message)s")
    try:
        listener = socket.create_server((settings.host, settings.port))
    except OSError as error:
        sys.exit(f"outreach: cannot listen on {settings.host}:{settings.port}: {error.strerror}")
    try:
        asyncio.run(serve(settings, listener))
    except* ConnectionError as group:
        sys.exit(f"outreach: {group.exceptions[0]}")


async def serve(settings: Settings, listener: socket.socket) -> None:
    """Build the system from its parts, and run it."""
    async with AsyncExitStack() as stack:
        clock: Clock = WallClock()
        if settings.clock_url:
            clock = WorldClock(settings.clock_url, settings.token)
        stack.push_async_callback(clock.close)
        witness = Witness(settings.bug) if settings.bug else None
        ways = witness.ways if witness else HONEST
        books = Books(settings.database, ways.holds)
        stack.callback(books.close)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=PrivateResolver()),
            timeout=aiohttp.ClientTimeout(total=settings.timeout_s),
        )
        await stack.enter_async_context(session)

        address = f"{settings.host}:{listener.getsockname()[1]}"
        own_url = settings.own_url or f"http://{address}"
        provider = _provider(settings, session, clock, books, own_url)
        agenda = Agenda(clock, settings.concurrency)
        remind_after_us = round(settings.remind_after_hours * HOUR_US)
        zone = settings.zone
        times = (remind_after_us, round(settings.ask_after_hours * HOUR_US))
        campaigns = Campaigns(provider, books, agenda, clock, zone, *times, ways)
        terms = Terms(settings.unit_price, settings.tax_percent)
        bucket = Bucket(settings.limit) if settings.limit else None
        told = (settings.people, ways, witness, settings.bug_log, bucket)
        surface = Surface(campaigns, books, agenda, clock, provider, terms, *told)

        runner = web.AppRunner(surface.app(), access_log=None, shutdown_timeout=GRACE_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
        print(f"listening on {address}", flush=True)

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, agenda.stop)
        await agenda.run()
        log.info("stopped")


def _provider(
    settings: Settings, session: aiohttp.ClientSession, clock: Clock, books: Books, own_url: str
) -> Provider:
    account = Account(
        settings.url, settings.account, settings.secret, settings.sender, settings.unit_price
    )
    if settings.provider == "zettai_reach":
        return ZettaiReach(account, Wire(session, clock))
    auth = aiohttp.BasicAuth(settings.account, settings.secret)
    if settings.provider == "native":
        return Native(account, Wire(session, clock, auth), own_url)
    return Twilio(account, Wire(session, clock, auth), own_url, books)


if __name__ == "__main__":
    main()
