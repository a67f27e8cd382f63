"""Where our own calls may go: this machine and private networks, never the internet unasked.

The one rule: the address that is judged is the address that is connected to. A host written as an
address is judged in the URL, a name when it is resolved, and what is about to be connected to
passes the gate once more; nothing is looked up a second time in between.

    URL text -> check_url --literal--> judge
                    `-- name --> resolver: lookup -> judge each, keep the allowed --> gate -> socket
"""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from simulator.errors import shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Lookup: TypeAlias = Callable[[str, int], Awaitable[list[str]]]

URL_CHARS_MAX = 8_192
ADDRESSES_MAX = 4  # of one name; each may be tried in turn within one attempt
LOOKUP_TTL_S = 10  # judged addresses are kept this long, so a burst of connections asks once
KEEPALIVE_S = 1.0  # below any receiver's own idle limit, so we never write into its closing

_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1_024
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
_NAME = re.compile(r"(?=.{1,254}$)(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_NUMBERS = re.compile(r"[0-9A-Fa-fXx.]+")
_NUMBER_LAST = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)")

_Network: TypeAlias = IPv4Network | IPv6Network

_NEVER: tuple[tuple[_Network, str], ...] = tuple(
    (ip_network(network), why)
    for network, why in (
        ("0.0.0.0/8", "no address of a host"),
        ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
        ("100.100.100.200/32", "cloud metadata"),  # Alibaba
        ("168.63.129.16/32", "cloud metadata"),  # Azure
        ("192.0.0.192/32", "cloud metadata"),  # Oracle
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("fd00:ec2::/32", "cloud metadata"),  # AWS: 254 is metadata, 23 pod identity
        ("fd20:ce::254/128", "cloud metadata"),  # Google
        ("fd00:42::42/128", "cloud metadata"),  # Scaleway
        ("ff00::/8", "multicast"),
        ("64:ff9b::/96", "an IPv4 address wrapped as NAT64"),
        ("64:ff9b:1::/48", "an IPv4 address wrapped as NAT64"),
        ("2002::/16", "an IPv4 address wrapped as 6to4"),
        ("2001::/32", "an IPv4 address wrapped as Teredo"),
        ("::ffff:0:0:0/96", "an IPv4 address wrapped as SIIT"),
        ("::/96", "unspecified, or an IPv4 address wrapped"),
    )
)
_HOME: tuple[_Network, ...] = tuple(
    ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_LOOPBACK_6 = IPv6Address("::1")
_ISATAP = 0x00005EFE  # upper half of the interface identifier, but for its "universal" bit
_UNIVERSAL = 0x02000000


@dataclass(frozen=True, slots=True)
class Denied:
    """An address or a URL that we do not call, and why, for people."""

    reason: str


class EgressError(Exception):
    """A name turned out, while connecting, to lead where we do not go."""

    def __init__(self, denied: Denied) -> None:
        self.reason = denied.reason
        super().__init__(denied.reason)


@dataclass(frozen=True, slots=True)
class Allow:
    """What `--callback-allow` opens besides loopback and private networks.

    Attributes:
        names: host names, lower case, without a trailing dot; they match exactly.
        networks: addresses and networks.
    """

    names: frozenset[str] = frozenset()
    networks: tuple[_Network, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Allow:
        """Sort entries, each a name, an address or a network, as `settings` has checked them."""
        names, networks = set(), []
        for entry in entries:
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError:
                names.add(_canonical(entry))
        return cls(frozenset(names), tuple(networks))


def judge(address: str, allow: Allow, *, named: bool = False) -> Denied | None:
    """Say whether an address may be connected to.

    Args:
        address: IPv4 or IPv6, numeric; a zone after % does not count.
        allow: what the operator has opened.
        named: the name that led here is one of `allow.names`.

    Returns:
        None where it may.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return Denied(f"{shown(address)} is not an address")
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip == _LOOPBACK_6:
        return None
    never = _never(ip)
    if never:
        return Denied(f"{address} is {never}: never called")
    if named or any(ip in network for network in (*_HOME, *allow.networks)):
        return None
    return Denied(
        f"{address} is not on loopback or a private network: --callback-allow opens others"
    )


def _never(ip: IPv4Address | IPv6Address) -> str:
    for network, why in _NEVER:
        if ip in network:
            return why
    if isinstance(ip, IPv6Address) and (int(ip) >> 32) & 0xFFFFFFFF & ~_UNIVERSAL == _ISATAP:
        return "an IPv4 address wrapped as ISATAP"
    return ""


def check_url(text: str, allow: Allow) -> URL | Denied:
    """Take a URL apart once, for good: what is returned is what is called, byte for byte.

    A URL in ASCII is not requoted, since its receiver checks a signature over it. A host in an odd
    spelling of an address (`127.1`, `0x7f000001`, `2130706433`) becomes that address.

    Args:
        text: as the client gave it.
        allow: what the operator has opened, for hosts that are addresses.
    """
    if len(text) > URL_CHARS_MAX:
        return Denied(f"the URL has {len(text)} characters: at most {URL_CHARS_MAX}")
    if _UNSAFE.search(text):
        return Denied("the URL holds a space or a control character")
    try:
        return _check_parts(URL(text, encoded=text.isascii()), allow)
    except ValueError:  # of the port, of brackets, of a name that has no ASCII form
        return Denied("not a URL: expected http://host:port/path")


def _check_parts(url: URL, allow: Allow) -> URL | Denied:
    if url.scheme not in {"http", "https"}:
        return Denied(f"scheme {shown(url.scheme)}: only http and https are called")
    if "@" in url.raw_authority:
        return Denied("the URL holds credentials")
    if url.port not in _PORTS and (url.port or 0) < _FIRST_FREE_PORT:
        return Denied(f"port {url.port}: only 80, 443 and {_FIRST_FREE_PORT} to 65535 are called")
    return _check_host(url, allow)


def _check_host(url: URL, allow: Allow) -> URL | Denied:
    host = url.raw_host
    if not host:
        return Denied("the URL has no host")
    literal = host if ":" in host else _dotted(host.removesuffix("."))
    if literal and "%" not in literal:
        denied = judge(literal, allow)
        if denied is None and literal != host:
            return url.with_host(literal)
        return denied or url
    if not _NAME.fullmatch(host) or _NUMBER_LAST.fullmatch(_canonical(host)):
        return Denied(f"{shown(host)} is neither a host name nor an address")
    return url


def _dotted(host: str) -> str:
    """Return what the system's resolver makes of numbers: `127.1` is 127.0.0.1; else nothing."""
    if not _NUMBERS.fullmatch(host):
        return ""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return ""


def _canonical(name: str) -> str:
    return name.lower().removesuffix(".")


async def system_lookup(host: str, port: int) -> list[str]:
    """Ask the system's resolver, in its own thread.

    Without AI_ADDRCONFIG, which finds no `localhost` on a machine that has no other interface.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _Judge(AbstractResolver):
    """Resolves a name to those of its addresses that may be called."""

    def __init__(self, allow: Allow, lookup: Lookup) -> None:
        self._allow = allow
        self._lookup = lookup

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp sorts by it
    ) -> list[ResolveResult]:
        found = dict.fromkeys(await self._lookup(host, port))
        named = _canonical(host) in self._allow.names
        verdicts = {address: judge(address, self._allow, named=named) for address in found}
        allowed = [address for address, denied in verdicts.items() if denied is None]
        denied = next(filter(None, verdicts.values()), None)
        if denied and not allowed:
            raise EgressError(Denied(f"{shown(host)}: {denied.reason}"))
        if not allowed:
            raise OSError(f"{shown(host)} has no address")
        return [_result(host, address, port) for address in allowed[:ADDRESSES_MAX]]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=flags
    )


def connector(allow: Allow, lookup: Lookup = system_lookup) -> aiohttp.TCPConnector:
    """Make the only kind of connector that callbacks use; call it inside the event loop.

    Addresses of a name are tried one after the other, never at once (no happy eyeballs). The number
    of connections is the caller's business: its bulkheads bound it.
    """

    def gate(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        denied = judge(str(address[0]), allow, named=bool(allow.names))
        if denied:
            raise EgressError(denied)
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(
        resolver=_Judge(allow, lookup),
        ttl_dns_cache=LOOKUP_TTL_S,
        socket_factory=gate,
        happy_eyeballs_delay=None,
        keepalive_timeout=KEEPALIVE_S,
        limit=0,
    )
