"""The HTTP surface: campaigns in, callbacks in, claims out."""

from __future__ import annotations

import asyncio
import csv
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from examples.outreach import bugs, claims
from examples.outreach.provider import Callback
from examples.outreach.texts import redacted

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from examples.outreach.agenda import Agenda
    from examples.outreach.books import Books
    from examples.outreach.campaign import Campaigns
    from examples.outreach.clock import Clock
    from examples.outreach.provider import Provider

BODY_BYTES_MAX = 64 * 1024 * 1024  # a list of some millions of recipients
CAMPAIGN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Billing:
    """How the claims are made, and if so, how they are made wrong."""

    unit_price: Decimal
    tax_percent: Decimal
    bug: str | None
    bug_log: Path | None


@dataclass(frozen=True, slots=True)
class Surface:
    """The handlers. Each has done all it has to do when it answers."""

    campaigns: Campaigns
    books: Books
    agenda: Agenda
    clock: Clock
    provider: Provider
    billing: Billing
    people: Path | None

    def app(self) -> web.Application:
        """Return the routes as an application."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/health", self.health)
        app.router.add_get("/idle", self.idle)
        app.router.add_get("/claims", self.claims)
        app.router.add_post("/campaigns", self.open_campaign)
        app.router.add_post(self.provider.status_path, self.status)
        if self.provider.inbound_path:
            app.router.add_post(self.provider.inbound_path, self.inbound)
        return app

    async def health(self, _request: web.Request) -> web.Response:
        """Answer: we are there."""
        return web.Response(text="ok\n")

    async def idle(self, request: web.Request) -> web.Response:
        """Answer 204 when nothing is left to do at this instant, 409 when something is."""
        self.clock.hear(request.headers)  # so that a sleep that is over does not count as one
        await asyncio.sleep(0)  # a wake-up that has arrived before this question goes first
        return web.Response(status=204 if self.agenda.idle else 409)

    async def open_campaign(self, request: web.Request) -> web.Response:
        """Start a campaign, for the people named or for those of `TODOKU_PEOPLE`."""
        try:
            name, numbers = self._order(await request.json())
        except (ValueError, OSError) as error:
            return web.json_response({"error": str(error)}, status=400)
        count = await self.campaigns.open(name, numbers)
        if count is None:
            return web.json_response({"error": f"{name} has been opened before"}, status=409)
        return web.json_response({"campaign": name, "recipients": count}, status=202)

    async def status(self, request: web.Request) -> web.Response:
        """Take receipts from the provider."""
        try:
            receipts = self.provider.receipts(await self._callback(request))
        except ValueError as error:
            return _unreadable(request, error)
        self.books.add_receipts(receipts)
        return web.Response()

    async def inbound(self, request: web.Request) -> web.Response:
        """Take what a person wrote. The empty TwiML says that we answer nothing."""
        try:
            told = self.provider.inbound(await self._callback(request))
        except ValueError as error:
            return _unreadable(request, error)
        self.books.note_person(told.number, opted_out=told.stop)
        log.info("%s %s", redacted(told.number), "opts out" if told.stop else "replies")
        return web.Response(text="<Response/>", content_type="text/xml")

    async def claims(self, _request: web.Request) -> web.Response:
        """Answer with what we believe happened, or, under a bug, with something else."""
        right = claims.honest(self.books.messages(), self.provider)
        billing, claimed = self.billing, right
        if billing.bug:
            spoil = bugs.BUGS[billing.bug].spoil
            claimed = [spoil(claim, billing.unit_price) for claim in right]
            if billing.bug_log:
                billing.bug_log.write_text(bugs.confession(billing.bug, claimed, right))
        return web.json_response(
            claims.report(claimed, self.provider.currency, billing.tax_percent)
        )

    def _order(self, order: object) -> tuple[str, list[str]]:
        name = order.get("name") if isinstance(order, dict) else None
        if not isinstance(name, str) or not CAMPAIGN_NAME.fullmatch(name):
            raise ValueError("name: up to 64 letters, digits, _ or -")
        assert isinstance(order, dict)
        numbers = order.get("recipients")
        if numbers is None:
            numbers = read_people(self.people)
        if not isinstance(numbers, list) or not all(isinstance(n, str) for n in numbers):
            raise ValueError("recipients: a list of phone numbers, each a string")
        return name, numbers

    async def _callback(self, request: web.Request) -> Callback:
        """Read a callback, if it is the provider's."""
        callback = Callback(str(request.url), request.headers, await request.read())
        if not self.provider.genuine(callback):
            log.warning("%s with a bad signature is ignored", request.path)
            raise web.HTTPForbidden
        self.clock.hear(request.headers)
        return callback


def _unreadable(request: web.Request, error: ValueError) -> web.Response:
    log.warning("%s with something else is ignored: %s", request.path, error)
    return web.Response(status=400, text=f"{error}\n")


def read_people(path: Path | None) -> list[str]:
    """Return the numbers of a CSV file with a header `number,name,segment`."""
    if path is None:
        raise ValueError("no recipients, and TODOKU_PEOPLE is not set")
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if "number" not in (rows.fieldnames or ()):
            message = f"{path} has no column 'number'"
            raise ValueError(message)
        return [row["number"] for row in rows]
