"""A receiver of callbacks that does next to nothing: it counts, notes how late, and answers 204.

    python benchmarks/receiver.py --offset-us N      (ends with its input; see child.py)

Lateness is the virtual instant at which a callback arrives, less the one it was planned for, which
its X-Todoku-Now header tells. The offset turns this machine's monotonic microseconds into virtual
ones; the world's clock has to run at rate 1.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from array import array
from typing import Any

import numpy as np
import uvloop
from child import answer

_REPLY = b"HTTP/1.1 204 No Content\r\n\r\n"
_END = b"\r\n\r\n"
_LENGTH, _NOW = b"\r\nContent-Length: ", b"\r\nX-Todoku-Now: "


class Received:
    """What has come since we were last asked, and in all."""

    def __init__(self, offset_us: int) -> None:
        self.total = 0
        self._offset_us = offset_us
        self._late_us = array("q")

    def add(self, planned_us: int) -> None:
        """Note a callback."""
        self.total += 1
        self._late_us.append(time.monotonic_ns() // 1000 + self._offset_us - planned_us)

    def counters(self) -> dict[str, Any]:
        """Return how many, and how late those since the last question were, in milliseconds."""
        late_us, self._late_us = np.array(self._late_us or [0]), array("q")
        p50, p99, most = np.percentile(late_us, (50, 99, 100)) / 1000
        return {"received": self.total, "p50_ms": p50, "p99_ms": p99, "max_ms": most}


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests may come in pieces, or several at once."""

    def __init__(self, received: Received) -> None:
        self._received = received
        self._data = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Remember where to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take in every whole request."""
        data = self._data + data
        while (head := data.find(_END)) >= 0:
            end = head + len(_END) + _number(data, _LENGTH, head)
            if len(data) < end:
                break
            self._received.add(_number(data, _NOW, head))
            self._transport.write(_REPLY)
            data = data[end:]
        self._data = data


def _number(data: bytes, name: bytes, head: int) -> int:
    """Read a header that is a number; every callback has both."""
    start = data.index(name, 0, head) + len(name)
    stop = data.find(b"\r", start)
    return int(data[start:stop])


async def main() -> None:
    """Listen until input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offset-us", type=int, required=True)
    received = Received(parser.parse_args().offset_us)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(received), "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    async with server:
        await answer({"url": f"http://127.0.0.1:{port}/"}, received.counters)


if __name__ == "__main__":
    uvloop.run(main())
