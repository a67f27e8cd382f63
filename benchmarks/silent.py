"""A crowd of connections that say nothing, or half a head; who is shown out comes again.

python benchmarks/silent.py --url URL --count 5000      (ends with its input; see child.py)
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any
from urllib.parse import urlsplit

import uvloop
from child import answer
from harness import CREATE

from simulator.web.descriptors import room_for

_HALF = f"POST {CREATE} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ".encode()
_AT_ONCE = 100  # connections being made
_PAUSE_S = 0.01


class Crowd:
    """So many connections, always.

    Args:
        host, port: of the server.
        count: how many.
    """

    def __init__(self, host: str, port: int, count: int) -> None:
        self.inside = self.shown_out = self.failed = 0
        self.full = asyncio.Event()
        self._host, self._port, self._count = host, port, count
        self._coming = 0

    async def fill(self) -> None:
        """Bring in whoever is missing, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            missing = self._count - self.inside - self._coming
            for _ in range(min(missing, _AT_ONCE - self._coming)):
                self._coming += 1
                loop.create_task(self._come())  # noqa: RUF006 - it ends by itself
            if self.inside >= self._count:
                self.full.set()
            await asyncio.sleep(_PAUSE_S)

    async def _come(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: Silent(self), self._host, self._port)
        except OSError:
            self.failed += 1
        finally:
            self._coming -= 1

    def counters(self) -> dict[str, Any]:
        """Return how many are inside, and how many were shown out so far."""
        return {"inside": self.inside, "shown_out": self.shown_out, "failed": self.failed}


class Silent(asyncio.Protocol):
    """One connection: every other one begins a request and leaves it there."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Say little."""
        crowd = self._crowd
        crowd.inside += 1
        if crowd.inside % 2:
            transport.write(_HALF)

    def connection_lost(self, _error: Exception | None) -> None:
        """Be missed."""
        self._crowd.inside -= 1
        self._crowd.shown_out += 1


async def main() -> None:
    """Be there until input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="of the server")
    parser.add_argument("--count", type=int, default=5_000)
    options = parser.parse_args()
    if room_for(options.count) < options.count:
        raise SystemExit(f"the limit of open files is too low for {options.count} connections")
    to = urlsplit(options.url)
    assert to.hostname is not None
    assert to.port is not None
    crowd = Crowd(to.hostname, to.port, options.count)
    filling = asyncio.create_task(crowd.fill())
    await crowd.full.wait()
    await answer({}, crowd.counters)
    filling.cancel()


if __name__ == "__main__":
    uvloop.run(main())
