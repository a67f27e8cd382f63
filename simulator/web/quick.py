"""The gateway port's connections: a request that has come whole is answered where it arrives.

aiohttp starts a task for each request and hands it a request object; of a hundred microseconds that
takes a tenth. A small request is usually all there when its first bytes are, and nothing has to be
awaited to answer it, so it is answered inside `data_received`. Whatever is unusual goes aiohttp's
own way: a body still coming, HTTP/1.0, `Connection: close`, an upgrade, a client that does not
read. aiohttp's parser reads both, and both end in `Front`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

if TYPE_CHECKING:
    from simulator.web.app import Front


LOG = logging.getLogger("todoku.web.http")  # for what aiohttp has to say of both ports


def _is_ours(record: logging.LogRecord) -> bool:
    """Leave out what is the client's own fault: it has been told, and anyone may do it all day."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


LOG.addFilter(_is_ours)
_BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Connection(RequestHandler):
    """One connection of the gateway port; see the module."""

    __slots__ = ("_front",)

    def __init__(self, front: Front, manager: web.Server, **limits: Any) -> None:
        super().__init__(manager, **limits)
        self._front = front

    def data_received(self, data: bytes) -> None:
        """Answer what is whole; leave the rest to the task of this connection."""
        waiter = self._waiter
        if waiter is None or waiter.done() or self._paused:
            super().data_received(data)  # the task is at work: it answers in order
            return
        self._waiter = None  # so that the task is not woken for what we do ourselves
        super().data_received(data)
        messages = self._messages
        if not self._buffer_paused:  # else a long pipeline, which the task takes up bit by bit
            while messages and self._answered(*messages[0]):
                messages.popleft()
        if waiter.done() or self.transport is None:
            return
        self._waiter = waiter
        if messages or self._force_close or self._close:
            waiter.set_result(None)

    def _answered(self, message: Any, payload: Any) -> bool:
        """Answer a request at once, if that can be done."""
        if (
            type(message) is not RawRequestMessage
            or message.should_close
            or message.version != HttpVersion11
            or message.upgrade
            or not payload.is_eof()
            or payload.exception() is not None
            or self._paused
            or self._reading_paused
            or self.transport is None
        ):
            return False
        try:
            data = self._front.at_once(message, payload)
        except Exception as error:  # noqa: BLE001 - a bug; this client is told, the others go on
            self.log_exception("Error handling request", exc_info=error)
            self.transport.write(_BROKEN)
            self.transport.close()
            return True
        if data is None:
            return False
        if self._manager is not None and self._parser is not None:  # there while connected
            self._manager.requests_count += 1
            self._parser.message_consumed()
        self.transport.write(data)
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        return True


class QuickServer(web.Server):
    """aiohttp's low-level server, with these connections.

    Args:
        front: answers, at once or later.
        limits: as of `RequestHandler`.
    """

    def __init__(self, front: Front, **limits: Any) -> None:
        answer: Any = front  # `Prompt` is a response by duck typing
        super().__init__(answer, access_log=None, **limits)
        self._front = front
        self._limits = {"access_log": None, **limits}

    def __call__(self) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self._front, self, loop=asyncio.get_running_loop(), **self._limits)
