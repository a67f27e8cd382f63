"""The binomial law, exactly enough: tails, the Clopper-Pearson bounds, and what a sample can show.

The one rule: a decision is a tail of the binomial law at the limit itself, so no quantile of a
beta law is inverted for it: the upper bound at c lies below a limit p if, and only if,
P(X <= k | n, p) < 1 - c. Bounds are bisections of the same tail, for showing.

Terms are Loader's saddle-point form (C. Loader, "Fast and accurate computation of binomial
probabilities", 2000): about 14 digits for any n. A tail is summed outward from its largest term,
some ten standard deviations, so a million tries cost a few thousand additions.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p, pi, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_STEPS = 60  # of a bisection: 2**-60 of the unit interval
_SERIES_FROM = 16
_NEAR = 0.1
_TINY = 1e-18
POWER = 0.8


def at_most(k: int, n: int, p: float) -> float:
    """Return P(X <= k) of n tries at p.

    Args:
        k: any whole number; below 0 it is never, from n on it is certain.
        n: 0 or more.
        p: 0 to 1.
    """
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    if k < n * p:
        return min(1.0, _downward(k, n, p))
    return max(0.0, 1.0 - _downward(n - k - 1, n, 1.0 - p))


def at_least(k: int, n: int, p: float) -> float:
    """Return P(X >= k) of n tries at p; see `at_most`."""
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    if k > n * p:
        return min(1.0, _downward(n - k, n, 1.0 - p))
    return max(0.0, 1.0 - _downward(k - 1, n, p))


def _downward(k: int, n: int, p: float) -> float:
    """Sum the terms k, k - 1, ... while they matter."""
    term = total = _term(k, n, p)
    odds = (1.0 - p) / p if p else 0.0
    while k > 0 and term > total * _TINY:
        term *= k * odds / (n - k + 1)
        total += term
        k -= 1
    return total


def _term(k: int, n: int, p: float) -> float:
    """P(X = k), 0 <= k <= n."""
    if p in (0.0, 1.0):
        return float(k == n * p)
    if k in (0, n):
        return exp(n * (log1p(-p) if k == 0 else log(p)))
    error = _stirling(n) - _stirling(k) - _stirling(n - k)
    away = _deviance(k, n * p) + _deviance(n - k, n * (1.0 - p))
    return exp(error - away) * sqrt(n / (2 * pi * k * (n - k)))


def _stirling(n: int) -> float:
    """Return log(n!) less Stirling's formula for it."""
    if n < _SERIES_FROM:
        return lgamma(n + 1.0) - (n + 0.5) * log(n) + n - 0.5 * log(2 * pi)
    square = float(n) * n
    inner = 1 / 1260 - (1 / 1680 - (1 / 1188) / square) / square
    return (1 / 12 - (1 / 360 - inner / square) / square) / n


def _deviance(x: float, mean: float) -> float:
    """Return x log(x / mean) + mean - x, without cancellation where the two are near."""
    apart = x - mean
    if abs(apart) >= _NEAR * (x + mean):
        return x * log(x / mean) + mean - x
    v = apart / (x + mean)
    total, power, nth = apart * v, 2 * x * v, 1
    while True:
        power *= v * v
        nth += 2
        after = total + power / nth
        if after == total:
            return total
        total = after


@lru_cache(maxsize=1024)
def bounds(k: int, n: int, confidence: float) -> tuple[float, float]:
    """Return the lower and the upper Clopper-Pearson bound, each one-sided at `confidence`.

    Args:
        k: successes, 0 to n.
        n: independent tries, 1 or more.
        confidence: 0.5 to less than 1.
    """
    assert 0 <= k <= n, (k, n)
    assert n, "nothing was tried"
    chance = 1.0 - confidence
    low = 0.0 if k == 0 else _where(lambda p: at_least(k, n, p) >= chance)
    high = 1.0 if k == n else _where(lambda p: at_most(k, n, p) < chance)
    return low, high


@lru_cache(maxsize=1024)
def short_of(n: int, limit: float, confidence: float) -> int:
    """Return the largest count whose upper bound lies below `limit`; -1: none of n does."""
    return _last(n, lambda k: at_most(k, n, limit) < 1.0 - confidence)


def beyond(n: int, limit: float, confidence: float) -> int:
    """Return the least count whose lower bound lies above `limit`; n + 1: none of n does."""
    return n - short_of(n, 1.0 - limit, confidence)


@lru_cache(maxsize=1024)
def caught_below(n: int, limit: float, confidence: float) -> float | None:
    """Return the true share nearest below `limit` that n tries would show with 80% power."""
    worst = short_of(n, limit, confidence)
    if worst < 0:
        return None
    return _where(lambda p: at_most(worst, n, p) < POWER)


def caught_above(n: int, limit: float, confidence: float) -> float | None:
    """Return the true share nearest above `limit` that n tries would show with 80% power."""
    found = caught_below(n, 1.0 - limit, confidence)
    return None if found is None else 1.0 - found


def _where(is_beyond: Callable[[float], bool]) -> float:
    """Return the share at which a condition begins to hold, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if is_beyond(middle):
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _last(n: int, holds: Callable[[int], bool]) -> int:
    """Return the last of 0..n for which a condition holds that once ends; -1: it never does."""
    low, high = -1, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
