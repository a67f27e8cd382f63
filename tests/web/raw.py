"""A client on a raw socket, for requests that no HTTP library would send."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, NamedTuple

from tests.servers import MESSAGES, PATIENCE_S, basic, us

if TYPE_CHECKING:
    from tests.servers import Running

FORM = f"To=%2B{us(0)[1:]}&From=%2B15005550006&Body=Hello".encode()


class Said(NamedTuple):
    """A reply, as it stood on the wire."""

    status: int
    head: bytes
    body: bytes


class Raw:
    """A client that sends exactly what it is told."""

    def __init__(self, server: Running, data: bytes = b"", *, control: bool = False) -> None:
        address = server.address(control=control)
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        self._rest = b""
        self.send(data)

    def __del__(self) -> None:
        if hasattr(self, "socket"):
            self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def flood(self) -> None:
        """Send for ever."""
        while True:
            self.send(bytes(1_000_000))

    def reply(self, *, bodiless: bool = False) -> Said:
        """Read one reply."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        lengths = [
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        length = 0 if bodiless or not lengths else lengths[0]
        while len(self._rest) < length:
            self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return Said(int(head.split()[1]), head, body)

    def closed(self) -> bool:
        """Wait until the server closes, saying nothing more."""
        try:
            return not self._rest and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def reset(self) -> None:
        """Leave with a bang."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _more(self) -> None:
        data = self.socket.recv(65_536)
        assert data, f"closed after {self._rest!r}"
        self._rest += data


def create(
    body: bytes = FORM, *lines: str, version: str = "1.1", length: int | None = None
) -> bytes:
    """Write a create request."""
    size = len(body) if length is None else length
    head = [
        f"POST {MESSAGES} HTTP/{version}",
        "Host: localhost",
        *(f"{name}: {value}" for name, value in basic().items()),
        *(
            lines
            if any(line.startswith("Transfer") for line in lines)
            else (f"Content-Length: {size}", *lines)
        ),
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
