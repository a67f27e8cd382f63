"""Where a load may go: this machine and private networks, and never a provider.

The one rule: the address that was judged is the one that is loaded. A name becomes its address in
the URL, so that it cannot lead elsewhere afterwards.

    URL -> host -> not a provider's -> its addresses, all private -> URL with the first of them
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simulator.errors import UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ipaddress import IPv4Address

    Lookup = Callable[[str], Sequence[str]]

# Refused by name, wherever they lead: a private address may be a line to the real thing.
PROVIDERS = (
    "amazonaws.com",
    "aossms.com",
    "bird.com",
    "cpaas-karaden.com",
    "infobip.com",
    "messagebird.com",
    "nexmo.com",
    "plivo.com",
    "sinch.com",
    "telnyx.com",
    "twilio.com",
    "vonage.com",
)
_HOME = tuple(
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
_NEVER = tuple(map(ip_network, ("fd00:ec2::/32", "fd20:ce::254/128")))  # clouds' metadata


def target(url: str, lookup: Lookup) -> str:
    """Return the URL to load: `http://127.0.0.1:8080` for `http://localhost:8080/`.

    Args:
        url: scheme, host and perhaps a port, as the operator wrote it.
        lookup: resolves a name to its addresses; may raise OSError.

    Raises:
        UsageError: one line: the load may not go there.
    """
    scheme, host, port = _parts(url)
    if any(f".{host}".endswith(f".{provider}") for provider in PROVIDERS):
        raise UsageError(f"{host} is a provider's: load goes to a simulator, never to a provider")
    try:
        addresses = [ip_address(found.partition("%")[0]) for found in _addresses(host, lookup)]
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(host)} cannot be resolved: {error}") from None
    for address in addresses:
        if not _is_home(address):
            what = host if host == str(address) else f"{host} ({address})"
            raise UsageError(f"{what} is neither loopback nor private: load goes nowhere else")
    first = addresses[0]
    where = f"[{first}]" if isinstance(first, IPv6Address) else str(first)
    return f"{scheme}://{where}{port}"


def _parts(url: str) -> tuple[str, str, str]:
    """Return scheme, host in lower case, and port with its colon."""
    expected = f"expected http://host:port; seen {shown(url)}"
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        raise UsageError(expected) from None
    host = (parts.hostname or "").removesuffix(".")
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        raise UsageError(expected)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise UsageError(f"{expected}; leave out what follows the port")
    return parts.scheme, host, port


def _addresses(host: str, lookup: Lookup) -> Sequence[str]:
    try:
        return (str(ip_address(host)),)
    except ValueError:
        found = lookup(host)
    if not found:
        raise OSError("it has no address")
    return found


def _is_home(address: IPv4Address | IPv6Address) -> bool:
    plain = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    judged = plain or address
    return any(judged in each for each in _HOME) and not any(judged in each for each in _NEVER)
