"""A target for loads: a process of its own that takes every message, and may freeze once.

python tests/loadtests/stub.py [--freeze-at 200 --freeze-s 0.5]     prints its address
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_BODY = b'{"sid":"SM%032d"}'


class Stub(asyncio.Protocol):
    """One connection."""

    taken = 0
    freeze_at, freeze_s = 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._read[:end])
            whole = end + 4 + int(found[1] if found else 0)
            if len(self._read) < whole:
                return
            self._read = self._read[whole:]
            Stub.taken += 1
            if Stub.taken == self.freeze_at:
                time.sleep(self.freeze_s)  # the whole process: nobody is answered meanwhile
            body = _BODY % Stub.taken
            head = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: "
            self._transport.write(head + b"%d\r\n\r\n" % len(body) + body)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--freeze-at", type=int, default=0)
    parser.add_argument("--freeze-s", type=float, default=0.0)
    options = parser.parse_args()
    Stub.freeze_at, Stub.freeze_s = options.freeze_at, options.freeze_s
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", 0, backlog=4096)
    host, port = server.sockets[0].getsockname()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)  # it ends with its parent


asyncio.run(main())
