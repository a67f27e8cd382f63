"""A target that is all model: a queue behind a token bucket, on a machine that has bad moments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.load.finder import Step

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 10.0
REFUSED_MAX, P99_MS_MAX = 0.01, 250.0  # what is expected of it
HEADROOM = 1.4  # of the queue, over the bucket
BURST_S = 0.1  # of the bucket


class Target:
    """Takes `limit` a second and refuses the rest; what it takes, it queues for.

    Args:
        limit: tokens a second; the queue behind it serves 1.4 times as many.
        seed: of the arrivals' service times, the noise and the bad moments.
        spoilt: chance that a step fails for no reason of the rate's.
        late: chance that the generator was late, so that a step proves nothing.
    """

    def __init__(
        self, limit: float, seed: int, *, spoilt: float = 0.05, late: float = 0.03
    ) -> None:
        self.limit = limit
        self._random = np.random.default_rng(seed)
        self._spoilt, self._late = spoilt, late

    def __call__(self, rate: float) -> Step:
        """Offer a rate for ten seconds; return what came of it."""
        random = self._random
        if random.random() < self._late:
            return Step(rate=rate, met=None, why="arrivals were late beyond the budget")
        offered = max(1, round(rate * SECONDS))
        taken = min(offered, round((BURST_S + SECONDS) * self.limit))
        waits_ms = self._waits_ms(taken)
        p99_ms = float(np.quantile(waits_ms, 0.99)) * random.lognormal(0.0, 0.25)
        if random.random() < self._spoilt:
            p99_ms += 2 * P99_MS_MAX
        refused = 1 - taken / offered
        return Step(
            rate=rate,
            met=refused <= REFUSED_MAX and p99_ms <= P99_MS_MAX,
            why=f"{refused:.1%} were refused, p99 was {p99_ms:.0f} ms",
            achieved=taken / SECONDS,
            p99_ms=p99_ms,
            concurrency=taken / SECONDS * float(waits_ms.mean()) / 1000,
        )

    def _waits_ms(self, count: int) -> np.ndarray:
        """Lindley's recursion: Poisson arrivals, exponential service."""
        sample = min(count, 2_000)
        service = self._random.exponential(1 / (HEADROOM * self.limit), sample)
        gaps = self._random.exponential(SECONDS / count, sample)
        walk = np.cumsum(service - gaps)
        return 1000 * (walk - np.minimum.accumulate(walk) + service)


def limit_of(seed: int) -> float:
    """Return the limit of the nth target: 40 to 8,000 a second, evenly in the ratio."""
    return float(40 * 200 ** np.random.default_rng([seed, 1]).random())


def scripted(*knees: float) -> Callable[[float], Step]:
    """Return a target without noise whose nth step has the nth knee, and then the last one."""
    left = list(knees)

    def measure(rate: float) -> Step:
        knee = left.pop(0) if len(left) > 1 else left[0]
        return Step(rate=rate, met=rate <= knee, why="" if rate <= knee else "too much")

    return measure
