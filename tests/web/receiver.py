"""A customer's server on loopback, and ways for it to behave."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from simulator.core.wire import HttpCall
from simulator.web.callbacks import Caller
from simulator.web.egress import Allow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from simulator.core.message import Outcome

    Act = Callable[["Receiver", asyncio.StreamWriter], Awaitable[None]]

PATIENCE_S = 30.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver:
    """A customer's server on loopback: notes each request, then does what `act` does."""

    def __init__(self, act: Act, greeting: bytes = b"") -> None:
        self.act = act
        self.greeting = greeting
        self.requests: list[bytes] = []
        self.connections = 0
        self.open = self.open_most = 0
        self.bytes_sent = 0
        self.released = asyncio.Event()
        self.server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        self.server.close()

    def url(self, path: str = "", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.server.sockets[0].getsockname()[1]}/{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.open_most = max(self.open, self.open_most)
        writer.write(self.greeting)
        with suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                self.requests.append(head + await reader.readexactly(int(length or 0)))
                await self.act(self, writer)
        self.open -= 1
        writer.close()


def says(reply: bytes, *, close: bool = False) -> Act:
    async def act(_: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        if close:
            writer.close()

    return act


async def hang(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    await receiver.released.wait()
    writer.write(OK)


async def reset(_: Receiver, writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def drip(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not receiver.released.is_set():
        writer.write(b".")
        await writer.drain()
        with suppress(TimeoutError):
            await asyncio.wait_for(receiver.released.wait(), 0.02)


async def flood(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    while receiver.bytes_sent < 1_000_000_000:
        writer.write(bytes(65_536))
        await writer.drain()
        receiver.bytes_sent += 65_536


@asynccontextmanager
async def calling(**settings: Any) -> AsyncIterator[Caller]:
    limits = {"timeout_s": PATIENCE_S, "concurrency": 32, "queue_limit": 1_000, "allow": Allow()}
    caller = Caller(**(limits | settings))
    await caller.start()
    try:
        yield caller
    finally:
        await caller.close()
    assert caller.outstanding == 0


async def outcome(caller: Caller, url: str, world: str = "w", **call: Any) -> Outcome:
    told: asyncio.Queue[Outcome] = asyncio.Queue()
    caller.submit(world, HttpCall(url, **({"body": b"a=b"} | call)), told.put_nowait)
    return await told.get()
