"""HTTP requests as bytes, and what a status means: what the writers of all dialects share."""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple
from urllib.parse import urlsplit

from simulator.errors import UsageError
from simulator.load import outcome as result

TOO_MANY, BROKEN = 429, 500


class Answer(NamedTuple):
    """What an answer means: how the request ended, the provider's id and its error code."""

    result: str
    provider_id: str = ""
    code: str = ""


def head(url: str, method: str, path: str, kind: str, *credentials: str) -> str:
    """Return the head of a request up to the length of its body."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "User-Agent: todoku"]
    if credentials:
        lines.append(f"Authorization: Basic {b64encode(':'.join(credentials).encode()).decode()}")
    for line in lines:
        if not line.isprintable() or line.count(" ") < 1:
            raise UsageError(f"{line!r} cannot stand in the head of a request")
    return "\r\n".join([*lines, f"Content-Type: {kind}", "Content-Length: "])


def whole(before: str, body: str) -> bytes:
    """Return a head and a body as one request."""
    data = body.encode()
    return f"{before}{len(data)}\r\n\r\n".encode() + data


def read_plain(status: int, _body: bytes) -> Answer:
    """Say what a status means where nothing is known of the body."""
    if 200 <= status < 300:
        return Answer(result.OK)
    return Answer(grade(status))


def grade(status: int) -> str:
    """Return how a request ended that was answered with a status other than 2xx."""
    if status == TOO_MANY:
        return result.THROTTLED
    if 400 <= status < BROKEN:
        return result.REJECTED
    return result.BROKEN if status >= BROKEN else result.OTHER
