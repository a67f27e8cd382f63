"""A server as a process of its own, and a customer's server that notes what it is called with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from tests.servers import PATIENCE_S, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
START = "2026-03-02T00:00:00Z"  # 09:00 in Japan
RATE = 3_000.0
CLOCK = "/v1/worlds/default/clock"


class Served:
    """The process, seen from outside: where it listens, and its control port."""

    def __init__(self, greeting: dict[str, str]) -> None:
        self.url, self.control_url = greeting["gateway"], greeting["control"]
        self.tls_url = greeting.get("tls", "").partition(" ")[0]
        self._token = greeting["token"]

    def ask(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        """Ask the control port for what must succeed."""
        url = self.control_url + path + ("?" + urlencode(query) if query else "")
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        answer = request(method, url, data, headers)
        assert answer.status in {200, 201}, answer
        return answer.json

    def account(self, name: str, **settings: Any) -> None:
        """Make or change an account."""
        self.ask("PUT", f"/v1/worlds/default/accounts/{name}", settings)

    def reply(self, account: str, person: str, sender: str, body: str) -> None:
        """Let a person write to an account's sender."""
        words = {"account": account, "from": person, "to": sender, "body": body}
        self.ask("POST", "/v1/worlds/default/replies", words)

    def now_us(self) -> int:
        now: int = self.ask("GET", CLOCK)["now_us"]
        return now

    def pass_time(self, us: int) -> None:
        """Let the clock run for so much virtual time."""
        self.ask("GET", f"{CLOCK}/wait", until=self.now_us() + us)

    def advance(self, us: int) -> None:
        """Move a stepped clock; afterwards every callback on the way has been answered."""
        self.ask("POST", f"{CLOCK}/advance", {"by_us": us})

    @contextmanager
    def stepped(self) -> Iterator[None]:
        """Let time stand still but for `advance`."""
        self.ask("POST", f"{CLOCK}/rate", {"rate": 0})
        try:
            yield
        finally:
            self.ask("POST", f"{CLOCK}/rate", {"rate": RATE})


@contextmanager
def serving(*flags: str) -> Iterator[Served]:
    """Start `todoku serve` on free ports; at the end its books balance and it stops cleanly."""
    command = [sys.executable, "-m", "simulator", "serve", "--port", "0", "--control-port", "0"]
    command += ["--rate", str(RATE), "--start", START, "--seed", "15", *flags]
    env = {name: value for name, value in os.environ.items() if not name.startswith("TODOKU_")}
    with (
        TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            greeting: dict[str, str] = {}
            for line in process.stdout:
                name, _, rest = line.partition(" ")
                greeting[name] = rest.strip()
                if name == "state":
                    break
            served = Served(greeting)
            yield served
            assert served.ask("GET", "/v1/worlds/default")["faults"] == []
        finally:
            process.terminate()
            last_words, _ = process.communicate(timeout=PATIENCE_S)
            errors.seek(0)
            assert (process.returncode, last_words, errors.read()) == (0, "stopped\n", "")


class Post(NamedTuple):
    """One webhook as it arrived."""

    url: str
    headers: dict[str, str]
    fields: dict[str, str]
    body: bytes = b""


class Said(NamedTuple):
    """An answer to a webhook."""

    status: int
    body: str = ""
    kind: str = "text/xml"


def twiml(inside: str) -> Said:
    """Answer with TwiML."""
    return Said(200, f"<Response>{inside}</Response>")


class Receiver:
    """A customer's server in a thread of its own; it answers 204 unless told otherwise.

    Attributes:
        answers: by path, what to answer; it is called with the request's fields.
        mute: so many of the next requests are noted, and left without an answer.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[dict[str, str]], Said]] = {}
        self.mute = 0
        self._posts: deque[Post] = deque()
        self._arrived = threading.Condition()
        self._server = _Http(("127.0.0.1", 0), _handler(self._note))
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"

    def posts(self, path: str) -> list[Post]:
        """Return what has arrived under a path so far."""
        with self._arrived:
            return [post for post in self._posts if post.url.startswith(self.base + path)]

    def wait_for(self, path: str, n: int = 1) -> list[Post]:
        """Return what has arrived under a path, as soon as it is as much as this."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.posts(path)) >= n, PATIENCE_S)
            return self.posts(path)

    def _note(self, path: str, headers: dict[str, str], body: bytes) -> Said | None:
        """Note a request; return what is answered, or None: nothing at all."""
        place, _, query = path.partition("?")
        text = body.decode() if body else query
        fields = {}
        if headers.get("Content-Type") != "application/json":
            fields = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))
        with self._arrived:
            self._posts.append(Post(self.base + path, headers, fields, body))
            self._arrived.notify_all()
            self.mute -= 1
            if self.mute >= 0:
                return None
        answer = self.answers.get(place)
        return Said(204) if answer is None else answer(fields)

    @contextmanager
    def open(self) -> Iterator[Receiver]:
        thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="receiver", daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(PATIENCE_S)


class _Http(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def _handler(
    note: Callable[[str, dict[str, str], bytes], Said | None],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            said = note(self.path, dict(self.headers.items()), body)
            if said is None:
                self.close_connection = True
                return
            data = said.body.encode()
            self.send_response(said.status)
            if said.status != 204:
                self.send_header("Content-Type", said.kind)
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(OSError):  # who called may have had enough
                self.wfile.write(data)

        do_GET = do_POST  # noqa: N815 - the name that http.server wants

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
