"""A tiny world for outreach: a scripted provider and a stepped clock, and outreach as a process.

Time moves only in `until`, from one wait to the next, and only when outreach says that it is idle.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Answer = Callable[["World", "Sent"], Awaitable[web.StreamResponse] | web.StreamResponse]

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef0123456789abcdef"
ACCOUNT = "AC" + "a" * 32
CLOCK_TOKEN = "clock-token"
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
TOKYO, NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")


def at(text: str, zone: ZoneInfo = TOKYO) -> int:
    """Return a local time as microseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * SECOND_US


@dataclass(frozen=True)
class Sent:
    """A create request that reached the provider."""

    at_us: int
    form: dict[str, str]
    request: web.Request = field(repr=False)

    @property
    def to(self) -> str:
        return self.form.get("phoneNumber") or self.form["To"]

    @property
    def tag(self) -> str:
        return self.form["clientTag"]


@dataclass
class World:
    """Enter it with `async with`; it ends outreach and checks how it ended."""

    log_path: Path
    provider: str = "zettai_reach"
    flags: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    now_us: int = 0
    sent: list[Sent] = field(default_factory=list)
    accepted: list[Sent] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)  # for the next requests; then: accept
    _waits: list[tuple[int, asyncio.Event, asyncio.Event]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/clock", self._clock)
        app.router.add_get("/clock/wait", self._wait)
        app.router.add_post("/p5/api/mt.json", self._create)
        messages = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        app.router.add_post(messages, self._create)
        app.router.add_get(messages, self._list)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self.url = f"http://{host}:{port}"
        self._session = aiohttp.ClientSession()
        await self._start_outreach()
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        self.process.terminate()
        code = await self.process.wait()
        await self._session.close()
        await self._runner.cleanup()
        log = self.log_path.read_text()
        if kind is None:
            assert code == 0, log
            for sent in self.sent:
                assert sent.to not in log, "a number is in the log"
                assert (sent.form.get("message") or sent.form["Body"]) not in log

    async def campaign(self, *recipients: str, name: str = "spring") -> None:
        """Start a campaign and wait until outreach has done all it can at this instant."""
        order = {"name": name, "recipients": recipients}
        assert (await self.call("POST", "/campaigns", json=order))[0] == 202
        await self.quiet()

    async def quiet(self) -> None:
        """Ask until outreach is idle."""
        async with asyncio.timeout(10):
            while (await self.call("GET", "/idle"))[0] != 204:
                pass

    async def until(self, instant_us: int) -> None:
        """Go on to an instant, stopping at each that outreach waits for."""
        await self.quiet()
        while due := sorted(wait[0] for wait in self._waits if wait[0] <= instant_us):
            self.now_us = max(self.now_us, due[0])
            ringing = [wait for wait in self._waits if wait[0] <= self.now_us]
            for _, ring, _ in ringing:
                ring.set()
            for _, _, answered in ringing:
                await answered.wait()
            await self.quiet()
        self.now_us = instant_us

    async def call(self, method: str, path: str, **rest: Any) -> tuple[int, Any]:
        """Call outreach; return the status and the text, or the JSON."""
        async with self._session.request(method, self.own_url + path, **rest) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if text.startswith("{") else text

    async def claims(self) -> dict[str, Any]:
        """Ask for the claims."""
        return (await self.call("GET", "/claims"))[1]

    async def dlr(self, *notices: tuple[str, int, Any]) -> int:
        """Push receipts as 絶対リーチ! does: (clientTag, statusId, separatedSuccessCount)."""
        events = [
            {"type": "DLR", "clientTag": tag, "statusId": str(status), "separatedSuccessCount": n}
            for tag, status, n in notices
        ]
        form = {"json": json.dumps({"eventNotifications": events})}
        return (await self.call("POST", "/receipts", data=form))[0]

    async def signed(self, path: str, *, token: str = SECRET, **form: str) -> int:
        """Call back as Twilio does, signed by its own library."""
        form = {name.replace("_", ""): value for name, value in form.items()}
        signature = RequestValidator(token).compute_signature(self.own_url + path, form)
        headers = {"X-Twilio-Signature": signature, "X-Todoku-Now": str(self.now_us)}
        return (await self.call("POST", path, data=form, headers=headers))[0]

    async def _start_outreach(self) -> None:
        environ = os.environ | {
            "PORT": "0",
            "TODOKU_URL": self.url,
            "TODOKU_CLOCK_URL": f"{self.url}/clock",
            "TODOKU_TOKEN": CLOCK_TOKEN,
            "TODOKU_ACCOUNT": ACCOUNT,
            "TODOKU_SECRET": SECRET,
        }
        with self.log_path.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "examples.outreach", "--provider", self.provider),
                *self.flags,
                cwd=ROOT,
                env=environ | self.environ,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout
        line = (await self.process.stdout.readline()).decode()
        assert line.startswith("listening on 127.0.0.1:"), self.log_path.read_text()
        self.own_url = f"http://{line.split()[-1]}"

    def _now(self) -> dict[str, int]:
        return {"now_us": self.now_us}

    async def _clock(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {CLOCK_TOKEN}"
        return web.json_response(self._now())

    async def _wait(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {CLOCK_TOKEN}"
        wait = (int(request.query["until"]), asyncio.Event(), asyncio.Event())
        self._waits.append(wait)
        try:
            if wait[0] > self.now_us:
                await wait[1].wait()
            reply = web.json_response(self._now())
            with suppress(ConnectionError):  # outreach may have given up this wait for an earlier
                await reply.prepare(request)
                await reply.write_eof()
            return reply
        finally:
            self._waits.remove(wait)
            wait[2].set()

    async def _create(self, request: web.Request) -> web.StreamResponse:
        sent = Sent(self.now_us, dict(await request.post()), request)
        self.sent.append(sent)
        answer = self.answers.popleft() if self.answers else accept
        reply = answer(self, sent)
        reply = reply if isinstance(reply, web.StreamResponse) else await reply
        reply.headers["X-Todoku-Now"] = str(self.now_us)
        return reply

    async def _list(self, request: web.Request) -> web.Response:
        found = [resource(self, sent) for sent in self.accepted if sent.to == request.query["To"]]
        return web.json_response({"messages": found})


def accept(world: World, sent: Sent) -> web.Response:
    """Accept a message, as either provider does."""
    world.accepted.append(sent)
    if world.provider == "twilio":
        return web.json_response(resource(world, sent), status=201)
    return web.json_response({"responseCode": 0, "responseMessage": "Success."})


def resource(world: World, sent: Sent) -> dict[str, Any]:
    """Return a Twilio message."""
    segments = 1 if len(sent.form["Body"]) <= 160 else 2
    return {"sid": sid(world.accepted.index(sent)), "num_segments": str(segments)} | {
        "body": sent.form["Body"],
        "to": sent.to,
    }


def sid(nth: int) -> str:
    """Return the sid of the nth accepted message."""
    return f"SM{nth:032x}"


def answer(status: int, data: dict[str, Any] | None = None, **headers: str) -> Answer:
    """Answer with this, whatever is asked. `Retry_After` becomes Retry-After."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _world, _sent: web.json_response(data or {}, status=status, headers=fields)


def accept_and_hang_up(world: World, sent: Sent) -> web.Response:
    """Accept a message, but break the connection instead of answering."""
    accept(world, sent)
    assert sent.request.transport
    sent.request.transport.abort()
    return web.Response()
