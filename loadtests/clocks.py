"""Another clock, read from here: the best of ten round trips.

The one rule: the reading lay somewhere within its round trip, so half of the quickest is what it
may be wrong by. That is measured, kept and shown.
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, NamedTuple
from urllib.request import ProxyHandler, Request, build_opener

import msgspec

from simulator.load.outcome import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

TRIPS = 10
_TIMEOUT_S = 2.0


class Reading(NamedTuple):
    """What a clock showed: epoch us of its own, and how fast it runs."""

    there_us: int
    rate: float = 1.0


class _Shown(msgspec.Struct):
    now_us: int
    rate: float


def now_us() -> int:
    """Return the epoch of this machine's clock."""
    return time_ns() // 1_000


def best_of(ask: Callable[[], Reading], trips: int = TRIPS) -> Clock:
    """Read a clock several times, and keep the reading with the quickest round trip."""
    found = []
    for _ in range(trips):
        left = now_us()
        there, rate = ask()
        back = now_us()
        uncertainty = max((back - left + 1) // 2, 1)
        found.append(Clock((left + back) // 2, there, rate, uncertainty))
    return min(found, key=lambda clock: clock.uncertainty_us)


def run_clock(url: str, token: str) -> Clock | None:
    """Read the run's clock (the contract's `$TODOKU_CLOCK_URL`); None: it does not answer."""
    opener = build_opener(ProxyHandler({}))
    request = Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - ours

    def ask() -> Reading:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            shown = msgspec.json.decode(answer.read(), type=_Shown)
        return Reading(shown.now_us, shown.rate)

    try:
        return best_of(ask)
    except (OSError, msgspec.DecodeError):
        return None
