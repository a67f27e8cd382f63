"""HTTP as values, so that a dialect is a pure function: request in, reply or call out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class HttpRequest(msgspec.Struct, frozen=True, gc=False):
    """A request, whole.

    Attributes:
        method: upper case.
        path: decoded, without the query.
        query: raw query string.
        headers: looked up without regard to case.
        body: at most the server's limit.
        tail: the parts of the path that the route left open, in order.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    tail: tuple[str, ...] = ()


class HttpReply(msgspec.Struct, frozen=True, gc=False):
    """A reply, whole."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


NO_REPLY = HttpReply(0)  # no byte is written, and the connection is closed


class HttpCall(msgspec.Struct, frozen=True, gc=False):
    """A request that we make: a callback.

    Attributes:
        timeout_us, connect_us: shorter limits than the caller's own, in real time; 0: none.
        wants_body: the answer's body goes into the `Outcome`, if it is not too long.
    """

    url: str
    body: bytes
    content_type: str = "application/x-www-form-urlencoded"
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"
    timeout_us: int = 0
    connect_us: int = 0
    wants_body: bool = False

    @property
    def is_special(self) -> bool:
        """Whether more is asked for than the status, in the caller's own time."""
        return self.wants_body or self.timeout_us > 0 or self.connect_us > 0
