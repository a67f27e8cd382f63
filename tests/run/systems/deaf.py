"""A system that is ready once, and then refuses every connection while it goes on running."""

from __future__ import annotations

import os
import socket
import threading

with socket.create_server(("127.0.0.1", int(os.environ["PORT"]))) as listener:
    connection, _ = listener.accept()
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.close()
threading.Event().wait()
