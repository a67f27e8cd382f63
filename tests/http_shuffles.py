"""One campaign over HTTP: many clients, a receiver that fails, any order of arrival.

Also a script, to live it in another process:

python -m tests.http_shuffles IDENTITY FIRST LAST     prints a digest for each shuffle, as JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from contextlib import asynccontextmanager
from itertools import groupby
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import aiohttp
import msgspec
import uvloop

from simulator.core.account import Retry
from simulator.core.chance import key_of
from simulator.core.command import Configure, Submission
from simulator.core.number import us_fictional
from simulator.core.people import Habits
from simulator.dialects import twilio
from simulator.engine.world import DEFAULT, Options
from tests.servers import MESSAGES as PATH
from tests.servers import SECRET, SID, TOKEN, basic, make_server
from tests.worlds import DAY_US, HOUR_US, LONG_US, MINUTE_US, SECOND_US, START_US

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

    from simulator.core.message import Account
    from simulator.engine.log import Recorded
    from simulator.engine.world import World
    from simulator.web.server import Server

MESSAGES, PEOPLE, CLIENTS, SHUFFLES = 400, 150, 60, 12
IDENTITIES = ("recipient", "content")
WAVES_US = (0, 1_500_000, 10 * MINUTE_US, 6 * HOUR_US, DAY_US)
END_US = START_US + LONG_US
CALLBACK_TIMEOUT_S = 60.0  # so that no callback times out, however busy this machine is
SENDER = "+15005550006"
CLOCK = "/v1/worlds/default/clock"
_RETRY = Retry(delays_us=(5 * SECOND_US, 60 * SECOND_US, 600 * SECOND_US))
_RATES = {"gone": 0.05, "refuses": 0.03, "absent": 0.3, "away": 0.05}
_UNLUCKY = {"US": Habits("us-generic", _RATES), "JP": Habits("jp-direct", _RATES)}
_CLOSE = b""
_REPLIES = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    _CLOSE,
)

Form = dict[str, str]
Wave = tuple[int, list[Form]]


def campaign(identity: str, phone: Callable[[int], str] = us_fictional) -> list[Wave]:
    """Name instants, and what is sent at each, with several in flight to one person.

    Under identity by content the texts are distinct; under identity by recipient they are equal.
    """
    asked = []
    for i in range(MESSAGES):
        at_us = START_US + WAVES_US[i * len(WAVES_US) // MESSAGES]
        body = f"https://example.com/{i}" if identity == "content" else "https://example.com/a"
        asked.append((at_us, {"To": phone(key_of("whom", i) % PEOPLE), "Body": body}))
    return [(at_us, [form for _, form in wave]) for at_us, wave in groupby(asked, itemgetter(0))]


def options(identity: str, record: Callable[[Recorded], None] | None = None) -> Options:
    """Say what the campaign's world is made of."""
    return Options(seed=15, habits=_UNLUCKY, by_content=identity == "content", record=record)


class Receiver(asyncio.Protocol):
    """One connection to the customer's server: it fails by the hash of (message, status, attempt).

    Args:
        attempts: what has come so far, shared by all connections.
    """

    def __init__(self, attempts: Counter[tuple[str, str]]) -> None:
        self._attempts = attempts
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if not end or len(body) < int(length):
            return
        self._buffer = b""
        fields = dict(parse_qsl(body.decode(), strict_parsing=True))
        about = fields["MessageSid"], fields["SmsStatus"]
        reply = _REPLIES[key_of(*about, self._attempts[about]) % len(_REPLIES)]
        self._attempts[about] += 1
        if reply is _CLOSE:
            self._transport.close()
        else:
            self._transport.write(reply)


class Stage:
    """A server, its receiver, and a client with many connections, in one event loop."""

    def __init__(self, server: Server, http: aiohttp.ClientSession, callback_url: str) -> None:
        self.server, self.callback_url = server, callback_url
        self._http = http

    @property
    def world(self) -> World:
        return self.server.worlds.by_name[DEFAULT]

    def account(self) -> Account:
        """Make the customer's account as it is to be: unanswered callbacks are repeated."""
        made = twilio.new_account(SID, SECRET)
        return msgspec.structs.replace(made, retry=_RETRY, inbound_url=self.callback_url)

    def configure(self, account: Account) -> None:
        driver = self.server.driver(DEFAULT)
        self.server.worlds.configure(account, now_us=driver.now())
        driver.poke()

    async def post(self, form: Form) -> None:
        """Send one message; the person may have said STOP."""
        fields = {"From": SENDER, "StatusCallback": self.callback_url, **form}
        status, seen = await self.submit(PATH, fields, basic())
        assert status == 201 or seen["code"] == 21610, seen

    async def submit(self, path: str, form: Form, headers: Form | None = None) -> tuple[int, Any]:
        """Post a form to the gateway port; return status and reply."""
        url = self.server.url + path
        async with self._http.post(url, data=form, headers=headers) as reply:
            return reply.status, await reply.json()

    async def crowd(self, forms: list[Form]) -> None:
        """Let many clients send it all, each the next one."""
        left = list(forms)

        async def client() -> None:
            while left:
                await self.post(left.pop())

        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def ask(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        """Ask the clock, on the control port."""
        url, headers = self.server.control_url + CLOCK + path, {"Authorization": f"Bearer {TOKEN}"}
        more = {"json": body, "params": query, "headers": headers}
        async with self._http.request(method, url, **more) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.json()

    async def advance(self, to_us: int) -> None:
        await self.ask("POST", "/advance", {"to_us": to_us})

    async def finish(self) -> str:
        """Let every life end, whatever the clock did so far; return the digest."""
        await self.ask("POST", "/rate", {"rate": 0})
        await self.advance(END_US)
        return self.world.log.digest()


@asynccontextmanager
async def stage(
    identity: str, *, rate: float = 0.0, record: Callable[[Recorded], None] | None = None
) -> AsyncIterator[Stage]:
    """Start everything, on free ports; at the end the books must balance."""
    attempts: Counter[tuple[str, str]] = Counter()
    loop = asyncio.get_running_loop()
    receiver = await loop.create_server(lambda: Receiver(attempts), "127.0.0.1", 0, backlog=256)
    callback_url = f"http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/"
    server = make_server(
        rate=rate, options=options(identity, record), callback_timeout_s=CALLBACK_TIMEOUT_S
    )
    await server.start()
    connector = aiohttp.TCPConnector(limit=CLIENTS)
    try:
        async with aiohttp.ClientSession(connector=connector) as http:
            here = Stage(server, http, callback_url)
            yield here
            assert here.world.faults() == []
    finally:
        await server.stop()
        receiver.close()


async def live(identity: str, shuffle: int) -> Stage:
    """Live the campaign in stepped time: a wave arrives, and is answered, in any order."""
    chance = Random(shuffle)
    async with stage(identity) as here:
        here.configure(here.account())
        for at_us, forms in campaign(identity):
            await here.advance(at_us)
            chance.shuffle(forms)
            await here.crowd(forms)
        await here.finish()
        return here


async def live_by_clock(
    identity: str, rate: float, waves_us: Iterable[int], record: Callable[[Recorded], None]
) -> str:
    """Live the campaign while the clock runs, with its waves when this has passed; the digest."""
    async with stage(identity, rate=rate, record=record) as here:
        here.configure(here.account())
        for after_us, (_, forms) in zip(waves_us, campaign(identity), strict=True):
            await here.ask("GET", "/wait", until=START_US + after_us)
            await here.crowd(forms)
        return await here.finish()


async def relive(identity: str, recording: list[Recorded]) -> str:
    """Send what was recorded again, at the same instants of stepped time; return the digest."""
    async with stage(identity) as here:
        for item in recording:
            if isinstance(item.what, Configure | Submission):
                await here.advance(item.at_us)
            if isinstance(item.what, Configure):
                here.configure(here.account())
            elif isinstance(item.what, Submission):
                await here.post({"To": item.what.to, "Body": item.what.body})
        return await here.finish()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in an event loop of the kind that `todoku serve` has."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def main(arguments: list[str]) -> None:
    """Print what was asked for."""
    identity, first, last = arguments
    lives = [run(live(identity, n)) for n in range(int(first), int(last))]
    print(json.dumps([here.world.log.digest() for here in lives]))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
