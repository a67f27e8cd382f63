"""Times of which some had not ended when it was over: their exact quantiles, as far as known.

    ended     1  2  3  5            rank 3 of 6 is 3, whatever the open ones come to
    open      2+ 4+                 rank 6 of 6 is not known: at least 5

The one rule: what had not ended counts. It lies beyond everything that had, so a quantile that
falls among it is not known (None); the least that it can be is (`least_us`). Figures of those that
ended alone would call a target quick that answers one in twenty.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from simulator.load.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_SHARES = {"p50": 500, "p90": 900, "p99": 990, "p999": 999, "max": 1_000}
NONE_OPEN: NDArray[np.int64] = np.zeros(0, np.int64)


class Spread(msgspec.Struct, frozen=True):
    """Mean and exact quantiles of `n` times that ended and `open` that did not, microseconds.

    All are 0 where there is neither; None: not known, because it depends on what was open.

    Attributes:
        least_us: the least that a quantile can be, by name, where that is not its value.
    """

    n: int = 0
    mean_us: int | None = 0
    p50_us: int | None = 0
    p90_us: int | None = 0
    p99_us: int | None = 0
    p999_us: int | None = 0
    max_us: int | None = 0
    open: int = 0
    least_us: dict[str, int] = {}

    def value(self, name: str) -> int | None:
        """Return a quantile by its name, such as "p99"; None: not known, or of nothing."""
        found: int | None = getattr(self, f"{name}_us")
        return found if self.n + self.open else None


def spread(ended_us: NDArray[np.int64], open_us: NDArray[np.int64] = NONE_OPEN) -> Spread:
    """Return exact quantiles: the smallest time within which at least such a share lies.

    Args:
        ended_us: how long each took that ended.
        open_us: how long each of the others had taken when it was over.
    """
    n, total = int(ended_us.size), int(ended_us.size + open_us.size)
    if not total:
        return Spread()
    most, least = np.sort(ended_us), np.sort(np.concatenate([ended_us, open_us]))
    places = {name: max(0, math.ceil(total * q / 1_000) - 1) for name, q in _SHARES.items()}
    values = [int(most[place]) if place < n else None for place in places.values()]
    p50, p90, p99, p999, longest = values
    at_least = {name: int(least[place]) for name, place in places.items()}
    told = {name: us for (name, us), v in zip(at_least.items(), values, strict=True) if us != v}
    mean = round(ended_us.mean()) if n == total else None
    return Spread(n, mean, p50, p90, p99, p999, longest, total - n, told)


def spread_of(times: Histogram, open_us: NDArray[np.int64] = NONE_OPEN) -> Spread:
    """Return the quantiles of a histogram, to its cells, beside times that never ended."""
    n, total = times.count, times.count + int(open_us.size)
    if not total:
        return Spread()
    floor = Histogram()
    floor.add(times)
    floor.record(open_us)
    ranks = {name: max(1, math.ceil(total * q / 1_000)) for name, q in _SHARES.items()}
    values = [times.at(rank) if rank <= n else None for rank in ranks.values()]
    p50, p90, p99, p999, longest = values
    at_least = {name: floor.at(rank) for name, rank in ranks.items()}
    told = {name: us for (name, us), v in zip(at_least.items(), values, strict=True) if us != v}
    mean = round(times.mean()) if n == total else None
    return Spread(n, mean, p50, p90, p99, p999, longest, total - n, told)


def in_ms(found: Spread) -> dict[str, object]:
    """Return it for a report, in milliseconds; `at_least` has what is not known otherwise."""

    def ms(us: int | None) -> float | None:
        return None if us is None else us / 1_000

    names = ("mean", *_SHARES)
    shown = {name: ms(getattr(found, f"{name}_us")) for name in names}
    least = {name: us / 1_000 for name, us in found.least_us.items()}
    return {"count": found.n, "open": found.open, **shown, "at_least": least}


class Bounds(msgspec.Struct, frozen=True):
    """Quantiles as metrics, by name, in exact milliseconds as text.

    Attributes:
        metrics: the values; None: no data, or not known.
        least: the least that one can be, where that is not its value.
        unknown: why one is not known exactly.
    """

    metrics: dict[str, str | None]
    least: dict[str, str]
    unknown: dict[str, str]

    def __or__(self, other: Bounds) -> Bounds:
        """Return those of both."""
        return Bounds(
            self.metrics | other.metrics, self.least | other.least, self.unknown | other.unknown
        )


def bounds(prefix: str, found: Spread, names: Iterable[str], what: str) -> Bounds:
    """Return quantiles as metrics.

    Args:
        prefix: of the metrics' names, such as "receipt".
        found: of what.
        names: which of them, such as "p99".
        what: had not come, for people: "receipts had not come by the end of the drain".
    """
    values = {name: found.value(name) for name in names}
    some = f"{found.open:,} of {found.n + found.open:,} {what}"
    least = {name: us for name, us in found.least_us.items() if name in values}
    return Bounds(
        {f"{prefix}_{name}": None if us is None else _ms(us) for name, us in values.items()},
        {f"{prefix}_{name}": _ms(us) for name, us in least.items()},
        {f"{prefix}_{name}": f"{name} is not known: {some}" for name in least},
    )


def _ms(us: int) -> str:
    return str(Fraction(us, 1_000))
