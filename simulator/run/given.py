"""What a system under test is given: the contract's first table, and the placeholders."""

from __future__ import annotations

import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Given:
    """What a system under test is told; see the contract's first table."""

    url: str
    control_url: str
    token: str
    clock_url: str
    account: str
    secret: str
    people: str
    run: str = ""
    out: str = ""

    def environment(self, port: int) -> dict[str, str]:
        """Return the contract's environment variables."""
        named = {
            "URL": self.url,
            "CONTROL_URL": self.control_url,
            "TOKEN": self.token,
            "CLOCK_URL": self.clock_url,
            "ACCOUNT": self.account,
            "SECRET": self.secret,
            "PEOPLE": self.people,
            "RUN": self.run,
            "OUT": self.out,
        }
        return {"PORT": str(port), **{f"TODOKU_{name}": text for name, text in named.items()}}

    def fill(self, text: str, port: int, sut_url: str) -> str:
        """Replace `{url}`-style placeholders; other braces stay as they are."""
        names = {name: getattr(self, name) for name in self.__slots__}
        for name, value in {**names, "port": str(port), "sut_url": sut_url}.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
