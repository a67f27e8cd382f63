"""A reply written to the socket in one piece: the hot path of the gateway port.

aiohttp asks four things of what a handler returns: `prepare`, `write_eof`, `keep_alive` and
`force_close`. `web.Response` spends much of a small request on headers that here are always the
same; this writes one prebuilt block instead. It serves whole replies to
GET, POST and DELETE; whatever is unusual goes through `web.Response`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp.helpers import rfc822_formatted_time

if TYPE_CHECKING:
    from aiohttp import web

    from simulator.core.wire import HttpReply

NOW_HEADER = "X-Todoku-Now"
_DRAIN_FROM = 65_536  # a reply this large waits until the socket has taken it
_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n" for s in HTTPStatus}
_HTTP_11 = (1, 1)


def block(reply: HttpReply, now_us: int, connection: str = "") -> bytes:
    """Write a reply out whole: head and body, with the world's virtual now.

    Args:
        connection: a header line with its line break, for what is not the rule of HTTP/1.1.
    """
    content = f"Content-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n"
    if reply.status == HTTPStatus.NO_CONTENT:
        content = ""  # RFC 9110: such a reply has neither
    head = (
        f"{_LINES[reply.status]}{content}{NOW_HEADER}: {now_us}\r\n"
        f"Date: {rfc822_formatted_time()}\r\n{connection}"
    )
    for name, value in reply.headers:
        head += f"{name}: {value}\r\n"
    return f"{head}\r\n".encode() + reply.body


class Prompt:
    """One reply of a dialect, with the world's virtual now."""

    __slots__ = ("_closing", "_now_us", "_reply", "_request", "keep_alive")

    def __init__(self, reply: HttpReply, now_us: int) -> None:
        self._reply, self._now_us = reply, now_us
        self._request: web.BaseRequest | None = None
        self._closing = False
        self.keep_alive: bool | None = None

    @property
    def status(self) -> int:
        """The reply's."""
        return self._reply.status

    def force_close(self) -> None:
        """Close the connection after this reply."""
        self._closing = True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write the whole reply."""
        self._request = request
        self.keep_alive = request.keep_alive and not self._closing
        connection = ""
        if not self.keep_alive:
            connection = "Connection: close\r\n"
        elif request.version < _HTTP_11:
            connection = "Connection: keep-alive\r\n"
        transport = request.transport
        if transport is not None and not self._reply.status:
            transport.close()
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client left, or a rule has lost the reply")
        data = block(self._reply, self._now_us, connection)
        transport.write(data)
        request.writer.output_size = len(data)

    async def write_eof(self, _data: bytes = b"") -> None:
        """Wait for a slow client, if the reply is a large one."""
        if self._request is not None and len(self._reply.body) >= _DRAIN_FROM:
            await self._request.writer.drain()
