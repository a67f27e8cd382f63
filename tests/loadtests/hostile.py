"""Targets that behave badly, one way each: a listener on a real socket, a thread for each caller.

python -m tests.loadtests.hostile WAY PORT     for `sut.command`; GET /health is answered well
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Way = Callable[[socket.socket], object]  # what is true: the connection is kept

_DRIP_S = 0.05
_ENOUGH = 1 << 16
_LENGTH = b"content-length"
_NEVER = threading.Event()  # what it waits for does not come


def _say(data: bytes) -> Way:
    """Return a way: say so, and close."""
    return lambda sock: sock.sendall(data)


def _answered(status: str, body: bytes, before: bytes = b"") -> Way:
    """Return a way: answer by the rules, whatever it says, and keep the connection."""
    return lambda sock: sock.sendall(before + whole(status, body)) or True


def _hang(_sock: socket.socket) -> None:
    _NEVER.wait()


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _drip(sock: socket.socket) -> None:
    for byte in b"HTTP/1.1 201 Created\r\nContent-Length: 9000\r\n\r\n" + b" " * 9000:
        sock.sendall(bytes([byte]))
        _NEVER.wait(_DRIP_S)


def _for_ever(start: bytes, more: bytes) -> Way:
    def say(sock: socket.socket) -> None:
        sock.sendall(start)
        while True:
            sock.sendall(more)

    return say


def whole(status: str, body: bytes) -> bytes:
    """Return an answer as it should be."""
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


_MADE = b"HTTP/1.1 201 Created\r\n"
WAYS: dict[str, Way] = {
    "hang": _hang,
    "close": lambda sock: None,
    "reset": _reset,
    "binary": _say(bytes(range(256)) * 4 + b"\r\n\r\n"),
    "ssh": _say(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "cut head": _say(b"HTTP/1.1 201 Cre"),
    "headers": _say(_MADE + b"Content-Length: 100\r\n\r\n"),
    "cut body": _say(_MADE + b'Content-Length: 100\r\n\r\n{"sid":'),
    "bad chunks": _say(_MADE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx"),
    "bad header": _say(_MADE + b"X-\xff\xfe: \x80\xff\r\nContent-Length: 2\r\n\r\n{}"),
    "no json": _answered("201 Created", b"<html>"),
    "no text": _answered("201 Created", b'{"sid":"\xff\xfe"}'),
    "deep json": _answered("201 Created", b'{"x":' + b"[" * 50_000),
    "switch": _say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhello"),
    "continue": _answered("201 Created", b'{"sid":"SM1"}', b"HTTP/1.1 100 Continue\r\n\r\n"),
    "500": _answered("500 Internal Server Error", b"no"),
    "999": _answered("999 Odd", b"{}"),
    "twice": _answered("201 Created", b'{"sid":"SM1"}', whole("201 Created", b'{"sid":"SM1"}')),
    "drip": _drip,
    "endless body": _for_ever(_MADE + b"Content-Length: 99999999999\r\n\r\n", b" " * _ENOUGH),
    "endless head": _for_ever(_MADE, b"X-More: " + b"x" * 1000 + b"\r\n"),
    "endless wait": _for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


def serve(way: Way, listener: socket.socket) -> None:
    """Answer every caller in this way, each in a thread, until the listener is closed."""
    with contextlib.suppress(OSError):
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=_answer, args=(way, sock), daemon=True).start()


def _answer(way: Way, sock: socket.socket) -> None:
    with contextlib.suppress(OSError), sock, sock.makefile("rb") as asked:
        kept: object = True
        while kept and (line := asked.readline()):
            head = iter(asked.readline, b"\r\n")
            lengths = [
                int(text.partition(b":")[2]) for text in head if text[:14].lower() == _LENGTH
            ]
            asked.read(sum(lengths))
            if line.startswith(b"GET /health"):
                sock.sendall(whole("200 OK", b"{}"))
            else:
                kept = way(sock)


@contextmanager
def hostile(way: str) -> Iterator[str]:
    """Listen; give the address."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        threading.Thread(target=serve, args=(WAYS[way], listener), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=1024) as given:
        serve(WAYS[sys.argv[1]], given)
