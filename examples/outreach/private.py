"""Loopback and private hosts only: an example must not be able to write to a stranger.

Checked at the start, where it can be said in one line, and again whenever a name is resolved.
"""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult

PRIVATE = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
    )
)


def is_private(address: str) -> bool:
    """Tell whether an IP address is loopback or private."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in network for network in PRIVATE)


def private_url(text: str) -> str:
    """Return the URL without a trailing slash, if all its addresses are private.

    Raises:
        ValueError: it is no http URL, its host is unknown, or one of its addresses is public.
    """
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host:
        message = f"{text!r} is not an http URL"
        raise ValueError(message)
    try:
        found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError as error:
        message = f"{url.host} cannot be resolved ({error.strerror})"
        raise ValueError(message) from error
    for *_, address in found:
        if not is_private(str(address[0])):
            message = f"{url.host} ({address[0]}) is neither loopback nor private: refused"
            raise ValueError(message)
    return text.rstrip("/")


class PrivateResolver(aiohttp.ThreadedResolver):
    """Resolves names, and fails for those whose address has become public."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host, all of them private."""
        found = await super().resolve(host, port, family)
        if not all(is_private(result["host"]) for result in found):
            message = f"{host} is neither loopback nor private"
            raise OSError(message)
        return found
