"""How a webhook is repeated: the account's table, and the overrides in the address's fragment.

    https://example.com/sms#ct=2000&rt=5000&tt=10000&rc=3&rp=5xx,ct

    ct  connect timeout   100-10000 ms      rc  repeats     0-5
    rt  read timeout      100-15000 ms      rp  which failures repeat, by comma: 4xx 5xx ct rt all
    tt  all attempts      100-15000 ms

From Twilio's page on webhook connection overrides. A value out of its range counts as not written
(Twilio logs an error; what it then does is not documented). `e` and `sni` change nothing here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from simulator.core.message import OutcomeKind

if TYPE_CHECKING:
    from simulator.core.account import Retry
    from simulator.core.message import Call

_MS_US = 1_000
_FIELDS_MAX = 20
_NUMBERS = {"ct": (100, 10_000), "rt": (100, 15_000), "tt": (100, 15_000), "rc": (0, 5)}
_POLICIES = frozenset({"4xx", "5xx", "ct", "rt", "all"})


def address_of(call: Call) -> str:
    """Return where a call goes, with the fragment."""
    return call.url or call.message.callback_url


def retry_of(retry: Retry, url: str) -> Retry:
    """Return how calls to an address are repeated, by an account's table."""
    if not retry.by_fragment or "#" not in url:
        return retry
    return _overridden(retry, url.partition("#")[2])


@lru_cache(maxsize=1024)
def _overridden(retry: Retry, fragment: str) -> Retry:
    changes: dict[str, object] = {}
    if fragment.count("&") >= _FIELDS_MAX:
        return retry
    written = dict(parse_qsl(fragment, keep_blank_values=True))
    numbers = {name: _number(written.get(name, ""), *_NUMBERS[name]) for name in _NUMBERS}
    fields = {"ct": "connect_us", "rt": "timeout_us", "tt": "total_us"}
    for name, field in fields.items():
        if (number := numbers[name]) is not None:
            changes[field] = number * _MS_US
    if (repeats := numbers["rc"]) is not None:
        gap_us = retry.delays_us[0] if retry.delays_us else _MS_US * 1_000
        changes["delays_us"] = (gap_us,) * repeats
    policies = set(written.get("rp", "").lower().split(","))
    if policies <= _POLICIES:
        every = "all" in policies
        hundreds = tuple(n for n in (4, 5) if f"{n}xx" in policies)
        changes["on_status"] = every or bool(hundreds)
        changes["hundreds"] = () if every else hundreds
        changes["on_timeout"] = every or "rt" in policies
        changes["on_connect"] = every or "ct" in policies
    return msgspec.structs.replace(retry, **changes)


def _number(text: str, low: int, high: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high))):
        return None
    value = int(text)
    return value if low <= value <= high else None


def next_attempt_us(retry: Retry, call: Call, kind: OutcomeKind, status: int) -> int | None:
    """Return when a failed call is made again; None: never.

    An attempt takes no virtual time unless it times out: then its nominal timeout.
    """
    if call.nth >= len(retry.delays_us):
        return None
    took_us = 0
    if kind is OutcomeKind.ANSWERED:
        wanted = retry.on_status and (not retry.hundreds or status // 100 in retry.hundreds)
    elif kind is OutcomeKind.TIMED_OUT:
        wanted, took_us = retry.on_timeout, retry.timeout_us
    else:
        wanted = retry.on_connect and kind is OutcomeKind.UNREACHABLE
    if not wanted:
        return None
    due_us = call.due_us + 1 + took_us + retry.delays_us[call.nth]
    if retry.total_us and due_us - (call.began_us or call.due_us) > retry.total_us:
        return None
    return due_us
