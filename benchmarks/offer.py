"""Open arrivals: requests are sent when they are due, whatever became of those before.

Due is start + i / rate. Each request has a connection to itself, without pipelining; when all are
busy the arrivals wait in line, and how long they waited is told.

    python benchmarks/offer.py --url URL --callback URL --rate 1000      (ends with its input)
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import deque
from typing import Any
from urllib.parse import quote, urlsplit

import uvloop
from child import answer
from harness import BODY, CREATE, CREDENTIALS, PEOPLE, SENDER

_TICK_S = 0.001
_END = b"\r\n\r\n"
_LENGTH = b"\r\nContent-Length: "


class Offer:
    """A pool of connections and what is due.

    Args:
        rate: arrivals a second.
        callback: the StatusCallback of each.
    """

    def __init__(self, rate: float, callback: str) -> None:
        self.free: deque[Connection] = deque()
        self.sent = self.accepted = self.refused = 0
        self._rate = rate
        tail = f"&From={quote(SENDER)}&Body={quote(BODY)}&StatusCallback={quote(callback, '')}"
        size = len("To=%2B81") + 10 + len(tail)
        self._tail = tail.encode()
        self._head = (
            f"POST {CREATE} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {CREDENTIALS}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {size}\r\n\r\nTo=%2B81"
        ).encode()
        self._began_s = self._late_s = 0.0

    def start(self) -> None:
        """Let the first arrival be due now."""
        self._began_s = time.perf_counter()
        self._tick()

    def _tick(self) -> None:
        asyncio.get_running_loop().call_later(_TICK_S, self._tick)
        passed_s = time.perf_counter() - self._began_s
        while self.free and self.sent < passed_s * self._rate:
            self.free.pop().send(self._request(self.sent))
            self.sent += 1
        self._late_s = max(self._late_s, passed_s - self.sent / self._rate)

    def _request(self, i: int) -> bytes:
        line, half = divmod(i * 7919 % PEOPLE, 2)
        return b"%b%d00%07d%b" % (self._head, 9 if half else 7, line, self._tail)

    def counters(self) -> dict[str, Any]:
        """Return what was sent and answered, and the longest wait since the last question."""
        late_s, self._late_s = self._late_s, 0.0
        return {
            "sent": self.sent,
            "accepted": self.accepted,
            "refused": self.refused,
            "late_ms": late_s * 1000,
        }


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._data = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for work."""
        self._transport = transport
        self._offer.free.append(self)

    def send(self, request: bytes) -> None:
        """Send a request."""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """When a reply is whole, count it and be free again."""
        self._data += data
        head = self._data.find(_END)
        if head < 0:
            return
        start = self._data.index(_LENGTH, 0, head) + len(_LENGTH)
        size = int(self._data[start : self._data.find(b"\r", start)])
        if len(self._data) < head + len(_END) + size:
            return
        if self._data.startswith(b"HTTP/1.1 201 "):
            self._offer.accepted += 1
        else:
            self._offer.refused += 1
        self._data = b""
        self._offer.free.append(self)


async def main() -> None:
    """Offer until input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="of the server")
    parser.add_argument("--callback", required=True, help="where status callbacks go")
    parser.add_argument("--rate", type=float, required=True, help="arrivals a second")
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    offer = Offer(options.rate, options.callback)
    to = urlsplit(options.url)
    loop = asyncio.get_running_loop()
    for _ in range(options.connections):
        await loop.create_connection(lambda: Connection(offer), to.hostname, to.port)
    offer.start()
    await answer({}, offer.counters)


if __name__ == "__main__":
    uvloop.run(main())
