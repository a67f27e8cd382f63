"""A listening port that lets in so many at once; whoever comes beyond that waits in the backlog.

asyncio's own server takes every connection there is, until file descriptors run out. This one looks
first how many are inside, and where none can be opened it waits too, and says so once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

BACKLOG = 1024
WAIT_S = 0.05  # between two looks at a full house
_log = logging.getLogger("todoku.web")


class Door:
    """One port of one server.

    Args:
        server: makes a protocol for each connection, and counts them.
        limit: connections inside at once, 1 or more.
    """

    def __init__(self, server: web.Server, limit: int) -> None:
        self._server, self._limit = server, limit
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

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
        self._task = asyncio.create_task(self._serve(listening))
        bound: int = listening.getsockname()[1]
        return bound

    async def close(self) -> None:
        """Listen no more; who is inside stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    async def _serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        told = False
        while True:
            if len(self._server.connections) >= self._limit:
                await asyncio.sleep(WAIT_S)
                continue
            try:
                connection, _ = await loop.sock_accept(listening)
                await loop.connect_accepted_socket(self._server, connection)
            except OSError as error:  # no descriptor is free, or the client has left again
                if not told:
                    _log.warning("cannot take a connection: %s", error.strerror)
                    told = True
                await asyncio.sleep(WAIT_S)
