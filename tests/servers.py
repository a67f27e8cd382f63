"""A whole server for tests: its own thread and event loop, ports of its own, stepped time."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from simulator.core.number import us_fictional
from simulator.engine.world import DEFAULT, Options, World
from simulator.run.posted import judgement
from simulator.settings import Settings
from simulator.web.server import Server
from tests.worlds import START_US

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

TOKEN = "a-token-for-tests"
SECRET = "0123456789abcdef0123456789abcdef"
SID = "AC" + "a" * 32
MESSAGES = f"/2010-04-01/Accounts/{SID}/Messages.json"
PATIENCE_S = 30.0


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Running:
    """A server that runs in a thread of its own; every method may be called from any other."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.server, self._loop = server, loop
        self.url, self.control_url = server.url, server.control_url

    @property
    def world(self) -> World:
        return self.server.worlds.by_name[DEFAULT]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in the server's thread."""

        async def work() -> Any:
            return function(*args)

        return self.run(work())

    def control(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask the control port; a body goes out as JSON, bytes as they are."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        return request(method, self.control_url + path, data, {**sent, **(headers or {})})

    def get(self, path: str, **query: Any) -> Any:
        """Ask the control port for what must be there."""
        answer = self.control("GET", path + ("?" + urlencode(query) if query else ""))
        assert answer.status == 200, answer
        return answer.json

    def post(self, path: str, body: object = None) -> Any:
        """Ask the control port for what must succeed."""
        answer = self.control("POST", path, body)
        assert answer.status in {200, 201}, answer
        return answer.json

    def twilio(self, to: str | None = None, **form: str) -> Answer:
        """Create a message through the Twilio dialect; `us(0)` is the recipient."""
        fields = {
            "To": us(0) if to is None else to,
            "From": "+15005550006",
            "Body": "Hello",
            **form,
        }
        return request("POST", self.url + MESSAGES, urlencode(fields).encode(), basic())

    def accepted(self, to: str | None = None, **form: str) -> str:
        """Create a message that must be accepted; return its id without the prefix."""
        answer = self.twilio(to, **form)
        assert answer.status == 201, answer
        sid: str = answer.json["sid"]
        return sid.removeprefix("SM")

    def address(self, *, control: bool = False) -> tuple[str, int]:
        """Where to connect a raw socket."""
        parts = urlsplit(self.control_url if control else self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port


def us(i: int) -> str:
    """Number of the i-th American."""
    return us_fictional(i)


def basic(sid: str = SID, secret: str = SECRET) -> dict[str, str]:
    """Twilio's credentials, with the content type of its requests."""
    pair = b64encode(f"{sid}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"}


def request(
    method: str, url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Make one HTTP request."""
    asked = urllib.request.Request(url, data, dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as reply:
            return Answer(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def make_server(
    *,
    rate: float = 0.0,
    base_us: int = START_US,
    open_accounts: bool = True,
    options: Options | None = None,
    **settings: Any,
) -> Server:
    """Make a server on free ports; call it inside its event loop."""
    made = options or Options()
    return Server(
        Settings(**{"port": 0, "control_port": 0, **settings}),
        lambda name: World(name, made),
        token=TOKEN,
        base_us=base_us,
        rate=rate,
        open_accounts=open_accounts,
        judge=judgement,
    )


def until_true(condition: Callable[[], object]) -> None:
    """Give other threads their turn until something has happened."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@contextmanager
def running(*, balanced: bool = True, **how: Any) -> Iterator[Running]:
    """Run a server (see `make_server`) in a thread; at the end its books are `balanced`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="todoku-server", daemon=True)
    thread.start()

    async def begin() -> Server:
        server = make_server(**how)
        await server.start()
        return server

    try:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(PATIENCE_S)
        try:
            yield Running(server, loop)
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(PATIENCE_S)
            faults = {name: world.faults() for name, world in server.worlds.by_name.items()}
            assert not (balanced and any(faults.values())), faults
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()
