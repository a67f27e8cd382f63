"""Bytes out, an answer in: geventhttpclient's connections and parser, without its request builder.

The one rule: an exception does not leave here. However a request ends, there is a status (0: none)
and a word for it, within its time: one byte now and then does not make it longer. A POST is never
sent twice.
"""

from __future__ import annotations

import errno
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError, HTTPSocketPoolResponse

from simulator.load.outcome import OTHER, REFUSED, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from gevent.socket import socket
    from geventhttpclient.connectionpool import ConnectionPool

_BLOCK = 16_384
_LEAST_S = 0.001  # 0 would be: not to wait at all, which is another error
BYTES_MAX = 1 << 20  # of an answer; a message's has a few hundred


class Reply(NamedTuple):
    """What came back; `trouble`: the result if there was no answer, with `code` for why."""

    status: int
    body: bytes
    trouble: str = ""
    code: str = ""


def sender(url: str, *, connections: int, timeout_s: float) -> Callable[[str, bytes], Reply]:
    """Return what sends one request and waits for its answer.

    Args:
        url: `http://host:port` of the target.
        connections: most at once; each is kept and used again, the warmest first.
        timeout_s: of a request, from the wish to send it to the last byte of its answer.
    """
    client = HTTPClient.from_url(
        url,
        concurrency=connections,
        connection_timeout=timeout_s,
        network_timeout=timeout_s,
        insecure=True,  # a simulator's own certificate, as FastHttpUser takes it
    )
    pool = client._connection_pool  # noqa: SLF001 - its requests are built for each call

    def send(method: str, data: bytes) -> Reply:
        until_s = perf_counter() + timeout_s
        try:
            sock = pool.get_socket()
        except OSError as error:
            return _trouble(error)
        try:
            _wait(sock, until_s)
            sock.sendall(data)
        except OSError as error:
            pool.release_socket(sock)
            return _trouble(error)
        except BaseException:
            pool.release_socket(sock)
            raise
        try:  # from here on the reply gives the connection back
            reply = _Response(sock, pool, until_s, method)
            return Reply(reply.get_code(), reply.read())
        except (OSError, HTTPParseError, ValueError) as error:
            return _trouble(error)

    return send


class TooLongError(HTTPParseError):  # type: ignore[misc] # its base has no types
    """An answer of more than `BYTES_MAX`: nothing that a message could have."""


class _Response(HTTPSocketPoolResponse):  # type: ignore[misc] # no types
    """An answer that is over in its time, however it trickles, and of a length that can be kept."""

    def __init__(self, sock: socket, pool: ConnectionPool, until_s: float, method: str) -> None:
        self._until_s, self._bytes = until_s, 0
        super().__init__(sock, pool, block_size=_BLOCK, method=method)

    def feed(self, data: bytes) -> None:
        """Take in what has come."""
        super().feed(data)
        if self._sock is None:
            return  # it is whole, and the connection has been given back
        self._bytes += len(data)
        if self._bytes > BYTES_MAX:
            raise TooLongError
        _wait(self._sock, self._until_s)

    def _on_message_complete(self) -> None:
        """Keep the connection after a 1xx: its answer is still to come."""
        if self.get_code() >= HTTPStatus.OK:
            super()._on_message_complete()
        else:
            self.message_complete = True


def _wait(sock: socket, until_s: float) -> None:
    """Have the socket wait no longer than until an instant.

    Raises:
        TimeoutError: it has passed.
    """
    left_s = until_s - perf_counter()
    if left_s <= 0:
        raise TimeoutError
    sock.settimeout(max(left_s, _LEAST_S))


def _trouble(error: Exception) -> Reply:
    if isinstance(error, TimeoutError):
        return Reply(0, b"", TIMEOUT, "timeout")
    number = getattr(error, "errno", None)
    if isinstance(error, ConnectionRefusedError):
        return Reply(0, b"", REFUSED, "ECONNREFUSED")
    return Reply(0, b"", OTHER, errno.errorcode.get(number or 0, type(error).__name__))
