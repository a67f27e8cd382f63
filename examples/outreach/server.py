"""The HTTP surface: campaigns in, callbacks in, claims out."""

from __future__ import annotations

import asyncio
import csv
import logging
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aiohttp import web

from examples.outreach import claims
from examples.outreach.books import Message
from examples.outreach.campaign import Series
from examples.outreach.clock import HOUR_US, real_s
from examples.outreach.provider import Callback
from examples.outreach.texts import Texts, redacted, segments
from examples.outreach.ways import HONEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal
    from pathlib import Path

    from examples.outreach.agenda import Agenda
    from examples.outreach.books import Books
    from examples.outreach.bucket import Bucket
    from examples.outreach.bugs import Witness
    from examples.outreach.campaign import Campaigns
    from examples.outreach.clock import Clock
    from examples.outreach.provider import Provider
    from examples.outreach.ways import Ways

BODY_BYTES_MAX = 64 * 1024 * 1024  # a list of some millions of recipients
TIMES_MAX, HOURS_MAX = 1_000, 10_000
CAMPAIGN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_NOBODY: frozenset[str] = frozenset()

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surface:
    """The handlers. Each has done all it has to do when it answers."""

    campaigns: Campaigns
    books: Books
    agenda: Agenda
    clock: Clock
    provider: Provider
    terms: claims.Terms
    people: Path | None
    ways: Ways
    witness: Witness | None = None  # of a bug
    bug_log: Path | None = None
    bucket: Bucket | None = None  # of --limit

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
            order = await request.json()
            name, numbers, texts = self._order(order)
            series = series_of(order)
            unwilling = unwilling_in(self.people, _changed(self.people)) if self.people else _NOBODY
        except (ValueError, OSError) as error:
            return web.json_response({"error": str(error)}, status=400)
        if self.bucket and (wait_s := self.bucket.take(len(numbers), real_s())):
            return _too_many(wait_s)
        count = await self.campaigns.open(name, numbers, texts, series=series, unwilling=unwilling)
        if count is None:
            return web.json_response({"error": f"{name} has been opened before"}, status=409)
        return web.json_response({"campaign": name, "recipients": count}, status=202)

    async def status(self, request: web.Request) -> web.Response:
        """Take receipts from the provider."""
        try:
            callback, signed = await self._callback(request)
            receipts = self.provider.receipts(callback)
        except ValueError as error:
            return _unreadable(request, error)
        self.books.add_receipts(receipts, self.clock.now_us, signed=signed)
        return web.Response()

    async def inbound(self, request: web.Request) -> web.Response:
        """Take what a person wrote. The empty TwiML says that we answer nothing."""
        try:
            callback, _ = await self._callback(request)
            told = self.provider.inbound(callback)
        except ValueError as error:
            return _unreadable(request, error)
        self.books.note_person(told.number, opted_out=told.stop)
        log.info("%s %s", redacted(told.number), "opts out" if told.stop else "replies")
        return web.Response(text="<Response/>", content_type="text/xml")

    async def claims(self, _request: web.Request) -> web.Response:
        """Answer with what we believe happened, and expect to pay."""
        said = claims.statement(self.books, self.provider, self.ways, self.terms)
        if self.witness and self.bug_log:
            right = claims.statement(self.books, self.provider, HONEST, self.terms)
            self.bug_log.write_text(self.witness.confession(said, right, self._strays()), "utf-8")
        return web.json_response(claims.report(said, self.provider.currency))

    def _strays(self) -> Iterator[tuple[str, Decimal]]:
        for told in self.books.strays():
            count = segments(self.provider.texts.opening)
            yield told.ref, self.provider.cost(Message(told.ref, None, "", count, told))[1]

    def _order(self, order: object) -> tuple[str, list[str], Texts | None]:
        name = order.get("name") if isinstance(order, dict) else None
        if not isinstance(name, str) or not CAMPAIGN_NAME.fullmatch(name):
            raise ValueError("name: up to 64 letters, digits, _ or -")
        assert isinstance(order, dict)
        numbers = order.get("recipients")
        if numbers is None:
            numbers = read_people(self.people)
        if not isinstance(numbers, list) or not all(isinstance(n, str) for n in numbers):
            raise ValueError("recipients: a list of phone numbers, each a string")
        text, reminder = order.get("text", ""), order.get("reminder", "")
        if not all(isinstance(words, str) for words in (text, reminder)):
            raise ValueError("text, reminder: what to say, and what to say two days later")
        return name, numbers, Texts(text, reminder) if text else None

    async def _callback(self, request: web.Request) -> tuple[Callback, bool]:
        """Read a callback, if it is the provider's; and tell whether its signature holds."""
        callback = Callback(str(request.url), request.headers, await request.read())
        signed = self.provider.genuine(callback)
        if not self.ways.believed(request.path, signed):
            log.warning("%s with a bad signature is ignored", request.path)
            raise web.HTTPForbidden
        self.clock.hear(request.headers)
        return callback, signed


def _too_many(wait_s: float) -> web.Response:
    """Refuse what is above the limit, before anything of it is kept."""
    after_s = math.ceil(wait_s)
    error = f"more than we take in a second; come again in {after_s} s"
    return web.json_response({"error": error}, status=429, headers={"Retry-After": str(after_s)})


def _unreadable(request: web.Request, error: ValueError) -> web.Response:
    log.warning("%s with something else is ignored: %s", request.path, error)
    return web.Response(status=400, text=f"{error}\n")


def series_of(order: dict[str, Any]) -> Series:
    """Return how often a campaign is to come, and every how many hours: `times`, `every_hours`."""
    times, hours = str(order.get("times", "1")), str(order.get("every_hours", "1"))
    for name, text, most in (("times", times, TIMES_MAX), ("every_hours", hours, HOURS_MAX)):
        if not text.isdecimal() or not 1 <= int(text) <= most:
            message = f"{name}: a whole number from 1 to {most}"
            raise ValueError(message)
    return Series(int(times), int(hours) * HOUR_US)


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns


@lru_cache(maxsize=1)
def unwilling_in(path: Path, _changed_at: int) -> frozenset[str]:
    """Return who has not agreed, by the list; it is read again when it has changed."""
    return frozenset(read_people(path, consent="no"))


def read_people(path: Path | None, consent: str = "") -> list[str]:
    """Return the numbers of a CSV file with a header `number,name,segment,consent`.

    With `consent` ("yes" or "no") only those of whom it says that; a list need not say.
    """
    if path is None:
        raise ValueError("no recipients, and TODOKU_PEOPLE is not set")
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if "number" not in (rows.fieldnames or ()):
            message = f"{path} has no column 'number'"
            raise ValueError(message)
        return [row["number"] for row in rows if consent in ("", row.get("consent"))]
