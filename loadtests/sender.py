"""Bytes out, an answer in: geventhttpclient's connections and parser, without its request builder.

The one rule: an exception does not leave here. However a request ends, there is a status (0: none)
and a word for it. A POST is never sent twice.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError, HTTPSocketPoolResponse

from simulator.load.outcome import OTHER, REFUSED, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 16_384


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
        timeout_s: until connected, and of each silence.
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
        try:
            sock = pool.get_socket()
        except OSError as error:
            return _trouble(error)
        try:
            sock.sendall(data)
        except OSError as error:
            pool.release_socket(sock)
            return _trouble(error)
        except BaseException:
            pool.release_socket(sock)
            raise
        try:  # from here on the reply gives the connection back
            reply = HTTPSocketPoolResponse(sock, pool, block_size=_BLOCK, method=method)
            return Reply(reply.get_code(), reply.read())
        except (OSError, HTTPParseError) as error:
            return _trouble(error)

    return send


def _trouble(error: Exception) -> Reply:
    if isinstance(error, TimeoutError):
        return Reply(0, b"", TIMEOUT, "timeout")
    number = getattr(error, "errno", None)
    if isinstance(error, ConnectionRefusedError):
        return Reply(0, b"", REFUSED, "ECONNREFUSED")
    return Reply(0, b"", OTHER, errno.errorcode.get(number or 0, type(error).__name__))
