"""A listening port that lets in so many at once; whoever comes beyond that waits in the backlog.

asyncio's own server takes every connection there is, until file descriptors run out. This one looks
first how many are inside, and where none can be opened it waits too, and says so once. Who has not
sent the head of a first request after a while is shown out, so that silence cannot fill the house;
later silences end at aiohttp's keep-alive limit. TLS handshakes are waited for beside the door.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp import web
    from aiohttp.web_protocol import RequestHandler

BACKLOG = 1024
WAIT_S = 0.05  # between two looks at a full house
LOOKS = 20  # for the silent, while one may be silent: few are shown out at once
AT_ONCE = 50  # shown out, before the others of the loop get a turn
_log = logging.getLogger("todoku.web")


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may stay.

    Attributes:
        limit: connections inside at once, 1 or more.
        head_s: real time for the handshake, if any, and the head of the first request.
    """

    limit: int
    head_s: float


class Door:
    """One port of one server.

    Args:
        name: of the port, for the metrics.
        server: makes a protocol for each connection, and counts them.
        rules: how many, and how long they may be silent.
        tls: where the port speaks TLS.
    """

    def __init__(
        self, name: str, server: web.Server, rules: Rules, tls: SSLContext | None = None
    ) -> None:
        self.name = name
        self._server, self._rules, self._tls = server, rules, tls
        self._socket: socket.socket | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._shaking: set[asyncio.Task[None]] = set()
        self._told = False

    @property
    def inside(self) -> int:
        """How many connections there are."""
        server = self._server
        return len(server._connections) + len(self._shaking)  # noqa: SLF001 - `connections` copies

    async def open(self, host: str, port: int) -> int:
        """Listen; return the port, which 0 leaves to the system.

        Raises:
            OSError: as the system says it.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
        listening.setblocking(False)
        self._socket = listening
        loops = (self._serve(listening), self._show_out())
        self._tasks = [asyncio.create_task(each) for each in loops]
        bound: int = listening.getsockname()[1]
        return bound

    async def close(self) -> None:
        """Listen no more; who is inside stays."""
        tasks = [*self._tasks, *self._shaking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    async def _serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if self.inside >= self._rules.limit:
                await asyncio.sleep(WAIT_S)
                continue
            try:
                connection, _ = await loop.sock_accept(listening)
                if self._tls is None:
                    await loop.connect_accepted_socket(self._server, connection)
                else:
                    task = asyncio.create_task(self._shake(connection, self._tls))
                    self._shaking.add(task)
                    task.add_done_callback(self._shaking.discard)
            except OSError as error:  # no descriptor is free, or the client has left again
                if not self._told:
                    _log.warning("cannot take a connection: %s", error.strerror)
                    self._told = True
                await asyncio.sleep(WAIT_S)

    async def _shake(self, connection: socket.socket, tls: SSLContext) -> None:
        """Let a handshake take its time; whoever breaks it off is no news."""
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            await loop.connect_accepted_socket(
                self._server, connection, ssl=tls, ssl_handshake_timeout=self._rules.head_s
            )

    async def _show_out(self) -> None:
        """Close what has not sent one whole head in time: half a head is no better than silence."""
        loop, pause_s = asyncio.get_running_loop(), self._rules.head_s / LOOKS
        patience_s = pause_s * (LOOKS - 1.5)  # beyond the first look, which came within a pause
        silent: dict[RequestHandler, float] = {}
        while True:
            await asyncio.sleep(pause_s)
            now = loop.time()
            inside = tuple(self._server._connections)  # noqa: SLF001 - as above
            silent = {each: silent.get(each, now) for each in inside if _is_silent(each)}
            too_long = [each for each, since in silent.items() if now - since > patience_s]
            for place, each in enumerate(too_long, start=1):
                if _is_silent(each):
                    each.force_close()
                if place % AT_ONCE == 0:
                    await asyncio.sleep(0)


def _is_silent(connection: RequestHandler) -> bool:
    return connection._request_count == 0  # noqa: SLF001 - aiohttp keeps the count to itself
