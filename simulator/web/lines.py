"""The short way for a callback: plain http to a written-out address, on connections that are kept.

aiohttp's client makes a request object, a response object, timers and tasks for each call: fifty
microseconds, and a message has three. Most receivers are `http://127.0.0.1:port/` or the like, and
of their answer nobody wants more than the status. So there the request is written as one block and
aiohttp's parser reads the answer; https, names and answers that are wanted go through its client.

    call -> a free line, else a new connection -> block -> parser -> status, line is free

`Lines` bounds nothing: its caller's bulkheads do. What is told is told exactly once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import ClientPayloadError
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpResponseParser

from simulator.core.message import Outcome, OutcomeKind
from simulator.web.egress import KEEPALIVE_S, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from yarl import URL

    from simulator.core.wire import HttpCall
    from simulator.web.egress import Allow

    Done = Callable[[Outcome], None]

RESPONSE_BYTES_MAX = 65_536  # of a body, read so that the connection can be used again

_LOOK_S = 0.05  # between two looks at the clock, for lines that wait or idle too long
_DROPPED = Outcome(OutcomeKind.DROPPED)
_FORBIDDEN = Outcome(OutcomeKind.FORBIDDEN)
_TIMED_OUT = Outcome(OutcomeKind.TIMED_OUT)
_UNREACHABLE = Outcome(OutcomeKind.UNREACHABLE)
_ANSWERED = {s: Outcome(OutcomeKind.ANSWERED, s) for s in range(100, 600)}
_SWITCHED, _FINAL_FROM = 101, 200


class Target(NamedTuple):
    """A receiver's URL, taken apart once.

    Attributes:
        host, port: to connect to, the host numeric.
        path: as in the request line.
        head: the header lines that all requests to it begin with.
    """

    host: str
    port: int
    path: str
    head: str

    @classmethod
    def of(cls, url: URL) -> Target | None:
        """Return the target of a URL for the short way, or None.

        Args:
            url: checked by `egress.check_url`, so a host of digits is a judged address.
        """
        host = url.raw_host or ""
        if url.scheme != "http" or not (":" in host or host.replace(".", "").isdecimal()):
            return None
        named = f"[{host}]" if ":" in host else host
        if url.port != 80:
            named = f"{named}:{url.port}"
        head = f"Host: {named}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        return cls(host, url.port or 80, url.raw_path_qs, head)


class Lines:
    """Connections to such receivers.

    Args:
        timeout_s: real time for one attempt: connection, request, answer.
        allow: what may be called besides loopback and private networks.
    """

    def __init__(self, timeout_s: float, allow: Allow) -> None:
        self._timeout_s, self._allow = timeout_s, allow
        self._free: dict[tuple[str, int], deque[Line]] = {}
        self._busy: set[Line] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def call(self, target: Target, call: HttpCall, done: Done) -> None:
        """Send a call; `done` is told later what came of it, unless all is closed before."""
        loop = asyncio.get_running_loop()
        block = _block(target, call)
        if block is None:
            loop.call_soon(done, _FORBIDDEN)
            return
        until_s = loop.time() + self._timeout_s
        free = self._free.get(target[:2])
        while free:
            line = free.pop()  # the one used last, so that the others come to rest
            if line.open:
                self._begin(line, block, until_s, done)
                return
        opening = asyncio.create_task(self._open(target, block, until_s, done))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open(self, target: Target, block: bytes, until_s: float, done: Done) -> None:
        loop = asyncio.get_running_loop()
        outcome = _DROPPED  # if we are closed meanwhile
        line = None
        try:
            if judge(target.host, self._allow) is not None:  # once more, where it is connected to
                outcome = _FORBIDDEN
                return
            async with asyncio.timeout_at(until_s):
                _, line = await loop.create_connection(
                    lambda: Line(self, target[:2], loop), target.host, target.port
                )
        except TimeoutError:
            outcome = _TIMED_OUT
        except OSError:
            outcome = _UNREACHABLE
        finally:
            if line is None:
                done(outcome)
        if line is not None:
            self._begin(line, block, until_s, done)

    def _begin(self, line: Line, block: bytes, until_s: float, done: Done) -> None:
        loop = asyncio.get_running_loop()
        self._busy.add(line)
        line.send(block, until_s, done)
        if self._timer is None:
            self._timer = loop.call_later(min(_LOOK_S, self._timeout_s / 4), self._look)

    def ended(self, line: Line) -> None:
        """Take a line back: for the next call, if it is still good."""
        self._busy.discard(line)
        if line.open:
            self._free.setdefault(line.to, deque()).append(line)

    def _look(self) -> None:
        """Give up what has waited too long, and close what has rested too long."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for line in [line for line in self._busy if line.until_s <= now_s]:
            line.end(_TIMED_OUT, keep=False)
        for to, free in list(self._free.items()):
            while free and (not free[0].open or free[0].free_since_s + KEEPALIVE_S <= now_s):
                free.popleft().close()
            if not free:
                del self._free[to]
        self._timer = None
        if self._busy or self._free:
            self._timer = loop.call_later(min(_LOOK_S, self._timeout_s / 4), self._look)

    async def close(self) -> None:
        """End every call under way as dropped, and close every connection."""
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.sleep(0)  # a task cancelled before its first step would tell nobody
        for opening in tuple(self._opening):
            opening.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for line in tuple(self._busy):
            line.end(_DROPPED, keep=False)
        for free in self._free.values():
            for line in free:
                line.close()
        self._free.clear()


class Line(BaseProtocol):
    """One connection: at rest, or with one call under way.

    Attributes:
        to: address and port.
        until_s: when the call under way is given up; `free_since_s`: since when it rests.
    """

    __slots__ = ("_body", "_closing", "_done", "_lines", "_status", "free_since_s", "to", "until_s")

    def __init__(self, lines: Lines, to: tuple[str, int], loop: asyncio.AbstractEventLoop) -> None:
        parser: Any = HttpResponseParser(
            self,
            loop,
            RESPONSE_BYTES_MAX,
            payload_exception=ClientPayloadError,
            read_until_eof=True,
            auto_decompress=False,
        )
        super().__init__(loop, parser)
        self.to = to
        self.until_s = self.free_since_s = 0.0
        self._lines = lines
        self._done: Done | None = None
        self._status = 0
        self._body: Any = None
        self._closing = False

    @property
    def open(self) -> bool:
        """Whether a call can be sent on it."""
        return self.transport is not None and not self.transport.is_closing()

    def send(self, block: bytes, until_s: float, done: Done) -> None:
        """Begin a call."""
        self.until_s, self._done = until_s, done
        if self.transport is None:  # it was closed as soon as it was opened
            self._loop.call_soon(self.end, _UNREACHABLE)
            return
        self.transport.write(block)

    def end(self, outcome: Outcome, *, keep: bool = True) -> None:
        """End the call under way, if there is one, and be free or closed."""
        done, self._done, self._body = self._done, None, None
        if not keep:
            self.close()
        if done is None:
            return
        self.free_since_s = self._loop.time()
        self._lines.ended(self)
        done(outcome)

    def close(self) -> None:
        """Close the connection; it has no call any more, or one that is being given up."""
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on in the answer; whatever comes unasked closes the line."""
        if self._done is None or self._parser is None:
            self.close()
            return
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
        except (HttpProcessingError, ClientPayloadError):
            self.end(_UNREACHABLE, keep=False)
            return
        self._closing = self._closing or upgraded
        for head, body in messages:
            if self._body is not None:
                self._closing = True  # a second answer to one question
            elif head.code >= _FINAL_FROM or head.code == _SWITCHED:
                self._status, self._body = head.code, body
            self._closing = self._closing or head.should_close
        if self._body is None:
            return
        if self._body.exception() is not None:
            self.end(_UNREACHABLE, keep=False)
        elif self._body.is_eof():
            self.end(_answered(self._status), keep=not self._closing)
        elif self._body.total_bytes > RESPONSE_BYTES_MAX:
            self.end(_answered(self._status), keep=False)

    def eof_received(self) -> None:
        """Let the connection be closed."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the call: an answer without a length ends so, any other is cut off."""
        outcome = _UNREACHABLE
        body, parser = self._body, self._parser
        if body is not None and parser is not None and exc is None:
            try:
                parser.feed_eof()
            except (HttpProcessingError, ClientPayloadError):
                body = None
            if body is not None and body.is_eof() and body.exception() is None:
                outcome = _answered(self._status)
        super().connection_lost(exc)
        self._parser = None
        self.end(outcome)


def _answered(status: int) -> Outcome:
    return _ANSWERED.get(status) or Outcome(OutcomeKind.ANSWERED, status)


def _block(target: Target, call: HttpCall) -> bytes | None:
    """Write a request; None if a header holds what HTTP cannot carry."""
    lines = [f"{call.method} {target.path} HTTP/1.1\r\n{target.head}"]
    agent = "User-Agent: todoku\r\n"
    for name, value in call.headers:
        if name == "User-Agent":
            agent = ""
        lines.append(f"{name}: {value}\r\n")
    length = f"Content-Length: {len(call.body)}\r\n" if call.body or call.method != "GET" else ""
    lines.append(f"{agent}{length}Content-Type: {call.content_type}\r\n\r\n")
    head = "".join(lines)
    breaks = len(call.headers) + 6 + bool(agent) + bool(length)
    if head.count("\n") != breaks or head.count("\r") != breaks or "\0" in head:
        return None
    return head.encode() + call.body
