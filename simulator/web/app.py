"""The gateway port: aiohttp's request in, a dialect's reply out, in numbered phases.

1. find the route            4. the gateway carries it out (or reads)
2. read the body, bounded    5. the dialect renders the reply
3. the dialect parses        6. it goes out with the virtual now

Nothing is awaited between 3 and 6, so the order of commands is the order of parsed requests.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from aiohttp import StreamReader, web

from simulator.core.command import Aimed, Refusal
from simulator.core.message import Reason, Rejection
from simulator.core.query import ByReference, Find, Page
from simulator.core.wire import HttpRequest
from simulator.dialects import DIALECTS
from simulator.dialects.shape import Ask, Desk, Refused, Reply
from simulator.engine.read import act, read
from simulator.engine.world import DEFAULT
from simulator.web.latency import OTHER, Latency
from simulator.web.prompt import NOW_HEADER, Prompt, block
from simulator.web.routes import Match, Table
from simulator.web.ruled import Judged
from simulator.web.turnstile import Turnstile

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.http_parser import RawRequestMessage

    from simulator.core.wire import HttpReply
    from simulator.dialects.shape import Result
    from simulator.engine.driver import Driver
    from simulator.engine.world import Worlds

_TOO_LARGE = Rejection(Reason.TOO_LARGE, detail="request body")
_QUERIES = (Find, ByReference, Page)


class Front:
    """What answers on the gateway port.

    Args:
        worlds: behind it.
        driver: of a world by name.
        open_accounts: make an unknown account at first sight, in world `default`.
        body_timeout_s: longest wait for a request body.
        body_limit: bytes, after inflation.
        accounts_max: accounts in all worlds; an unknown one beyond is not made.
    """

    def __init__(  # noqa: PLR0913 - each is named at the call
        self,
        worlds: Worlds,
        driver: Callable[[str], Driver],
        *,
        open_accounts: bool,
        body_timeout_s: float,
        body_limit: int = 262_144,
        accounts_max: int = 10_000,
    ) -> None:
        self.worlds = worlds
        self.in_flight = 0
        self.requests = 0
        self.latency = Latency()
        self.draining = False
        self.heard: Callable[[str, bool], None] | None = None
        self._turnstile = Turnstile(worlds.concurrency)
        self._driver = driver
        self._desk = Desk(worlds.accounts, open_accounts, accounts_max)
        self._body_timeout_s = body_timeout_s
        self._body_limit = body_limit
        self._table = Table(
            (name, route) for name, dialect in DIALECTS.items() for route in dialect.ROUTES
        )

    async def __call__(self, request: web.BaseRequest) -> web.Response | Prompt:
        """Answer one request."""
        began_s = time.perf_counter()
        self.in_flight += 1
        self.requests += 1
        path, _, query = request.raw_path.partition("?")
        if "%" in path:
            path = request.path
        match = self._table.find(request.method, path)
        try:
            reply = await self._answer(request, match, path, query)
        finally:
            self.in_flight -= 1
        label = match.label if isinstance(match, Match) else OTHER
        self.latency.observe(label, time.perf_counter() - began_s, reply.status)
        return reply

    def at_once(self, message: RawRequestMessage, payload: StreamReader) -> bytes | None:
        """Answer a request whose body is all there, without a task.

        Args:
            message: the head, as aiohttp's parser read it; it keeps the connection alive.
            payload: the body, at its end.

        Returns:
            The whole reply, or None: the request is not one for this way, and was not touched.
        """
        method, path = message.method, message.path
        path, _, query = path.partition("?")
        if self.draining or "%" in path or payload.total_bytes > self._body_limit:
            return None
        if self.worlds.concurrency or self.worlds.ruled:
            return None  # requests under way are counted, and replies lost, where they can be
        match = self._table.find(method, path)
        if not isinstance(match, Match):
            return None
        began_s = time.perf_counter()
        self.requests += 1
        wire = HttpRequest(method, path, query, message.headers, payload.read_nowait(), match.tail)
        asked = match.route.parse(wire, self._desk)
        world = self.worlds.of_account.get(asked.account)
        driver = self._driver(world.name if world is not None else DEFAULT)
        reply, now_us = self._carry_out(match, asked, driver)
        self.latency.observe(match.label, time.perf_counter() - began_s, reply.status)
        return block(reply, now_us)

    async def _answer(
        self, request: web.BaseRequest, match: Match | tuple[str, ...], path: str, query: str
    ) -> web.Response | Prompt:
        if self.draining:
            stopping = self._refusal(503, "stopping", "this server is being stopped")
            stopping.force_close()
            return stopping
        if not isinstance(match, Match):
            return self._nowhere(request, match)
        body: bytes | Rejection = b""
        if request.can_read_body:
            try:
                body = await self._body(request)
            except ConnectionError:  # the client left in the middle: nobody reads this
                return self._refusal(400, "malformed", "the body breaks off")
        if isinstance(body, Rejection):
            reply = Prompt(*self._carry_out(match, Refused(body), self._driver(DEFAULT)))
            reply.force_close()
            return reply
        wire = HttpRequest(
            request.method,
            path,
            query,
            request.headers,
            body,
            match.tail,
        )
        asked = match.route.parse(wire, self._desk)
        world = self.worlds.of_account.get(asked.account)
        driver = self._driver(world.name if world is not None else DEFAULT)
        if self.worlds.concurrency:
            async with self._turnstile.through(asked) as let:
                return Prompt(*self._carry_out(match, let, driver))
        return Prompt(*self._carry_out(match, asked, driver))

    async def _body(self, request: web.BaseRequest) -> bytes | Rejection:
        if "Expect" in request.headers and request.headers["Expect"].lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # the reply has not begun
        try:
            if request.content.is_eof():  # all of it has come: no need to wait for anything
                body = request.content.read_nowait()
                return body if len(body) <= self._body_limit else _TOO_LARGE
            async with asyncio.timeout(self._body_timeout_s):
                return await self._rest(request.content)
        except TimeoutError:
            return Rejection(Reason.TOO_SLOW, detail=f"no body within {self._body_timeout_s:g} s")
        except web.RequestPayloadError:
            return Rejection(Reason.MALFORMED, detail="request body")

    async def _rest(self, content: StreamReader) -> bytes | Rejection:
        """Read a body that is still coming, up to the limit."""
        body = bytearray()
        while not content.at_eof():
            body += await content.readany()
            if len(body) > self._body_limit:
                return _TOO_LARGE
        return bytes(body)

    def _carry_out(
        self, match: Match, asked: Ask | Refused, driver: Driver
    ) -> tuple[HttpReply, int]:
        """Let the gateway do it and the dialect say it; return that, and the virtual now."""
        gateway = driver.world.gateway
        now_us = driver.clock.now(time.monotonic_ns())
        if self.heard is not None:
            reads = isinstance(asked, Ask) and isinstance(asked.what, _QUERIES)
            self.heard(driver.world.name, not reads)
        judged: Judged | None = None
        if self.worlds.ruled and driver.world.name in self.worlds.ruled:
            judged = Judged(driver.world, match, asked, now_us)
            if judged.reply is not None:
                return judged.reply, gateway.now_us
        result: Result
        if isinstance(asked, Refused):
            result = asked.rejection
            gateway.submit(Refusal(asked.account, asked.to, result.reason), now_us)
        else:
            if asked.opens is not None:
                self.worlds.configure(asked.opens, now_us=now_us)
            if isinstance(asked.what, _QUERIES):
                result = read(gateway, asked.what, now_us)
            elif isinstance(asked.what, Aimed):
                assert asked.about is not None, f"about which message? {asked.what!r}"
                result = act(gateway, asked.about, asked.what, now_us)
            else:
                result = gateway.submit(asked.what, now_us)
        driver.poke()
        at_us = gateway.now_us
        account = self.worlds.accounts.get(asked.account)
        reply = match.route.render(asked, result, Reply(account, gateway.epoch, at_us))
        return (reply if judged is None else judged.after(result, reply)), at_us

    def _nowhere(self, request: web.BaseRequest, methods: tuple[str, ...]) -> web.Response:
        if methods:
            words = f"{request.method} is not served here; {', '.join(methods)} is"
            reply = self._refusal(405, "method_not_allowed", words)
            reply.headers["Allow"] = ", ".join(methods)
            return reply
        words = f"no simulated provider serves {request.path[:200]}"
        return self._refusal(404, "not_found", words)

    def _refusal(self, status: int, code: str, words: str) -> web.Response:
        """Answer what belongs to no provider."""
        now_us = self._driver(DEFAULT).now()
        body = {"error": code, "message": words}
        return web.json_response(body, status=status, headers={NOW_HEADER: str(now_us)})
