"""Who takes the callbacks where a load has no system under test: it answers 204, and counts.

    python -m simulator.run.load_receiver          (speaks in lines: load_child.py)

The one rule: it does next to nothing, so that what is measured is the sender.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import TYPE_CHECKING, Any, cast

import uvloop

from simulator.run.load_child import serve_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

_REPLY = b"HTTP/1.1 204 No Content\r\n\r\n"
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,9})", re.IGNORECASE)
_HEAD_BYTES_MAX = 65_536


class Received:
    """How many have come, and when the first and the last: epoch microseconds."""

    def __init__(self) -> None:
        self.total = self.first_us = self.last_us = 0

    def add(self) -> None:
        """Note one."""
        self.last_us = time.time_ns() // 1000
        self.first_us = self.first_us or self.last_us
        self.total += 1

    def counters(self) -> Mapping[str, Any]:
        """Return them."""
        return {"received": self.total, "first_us": self.first_us, "last_us": self.last_us}


class Connection(asyncio.Protocol):
    """One connection that is kept; requests may come in pieces, or several at once."""

    def __init__(self, received: Received) -> None:
        self._received = received
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's are of no class of asyncio

    def data_received(self, data: bytes) -> None:
        """Take in every whole request."""
        assert self._transport is not None
        data = self._data + data
        while (head := data.find(_END)) >= 0:
            found = _LENGTH.search(data, 0, head)
            end = head + len(_END) + (int(found[1]) if found else 0)
            if len(data) < end:
                break
            self._received.add()
            self._transport.write(_REPLY)
            data = data[end:]
        if _END not in data and len(data) > _HEAD_BYTES_MAX:
            self._transport.close()
        self._data = data


async def main() -> None:
    """Listen until input ends."""
    received = Received()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(received), "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]

    async def told() -> Mapping[str, Any]:
        return received.counters()

    async with server:
        ready = {"url": f"http://127.0.0.1:{port}"}
        await serve_lines(ready, {"count": told}, received.counters)


if __name__ == "__main__":
    uvloop.run(main())
    sys.exit(0)
