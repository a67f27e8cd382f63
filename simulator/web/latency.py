"""How long things took: buckets of plain integers, so that an observation costs next to nothing.

A route is a name from a table of routes and never a path, so there are as many as the tables have.
"""

from __future__ import annotations

from bisect import bisect_left

BOUNDS_S = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
OTHER = "other"  # what no route serves
_CLASSES = 6  # of status: hundreds, 0 to 5


class Histogram:
    """Observations by upper bound; the last bucket has none.

    Attributes:
        counts: of each bucket alone, not of those below it.
        sum_s: seconds, all together.
    """

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Return the buckets as Prometheus writes them: bound, and how many were within it."""
        total, found = 0, []
        for bound, n in zip((*map(str, BOUNDS_S), "+Inf"), self.counts, strict=True):
            total += n
            found.append((bound, float(total)))
        return found


class Latency:
    """How long the requests of one port took, by route and class of status."""

    def __init__(self) -> None:
        self.routes: dict[str, list[Histogram]] = {}

    def observe(self, route: str, seconds: float, status: int = 200) -> None:
        """Count one request.

        Args:
            route: its name in a table of routes, or `OTHER`.
            seconds: real time, from the parsed head to the reply.
            status: of the reply.
        """
        row = self.routes.get(route)
        if row is None:
            row = self.routes[route] = [Histogram() for _ in range(_CLASSES)]
        histogram = row[status // 100]  # written out: this is on the way of every request
        histogram.counts[bisect_left(BOUNDS_S, seconds)] += 1
        histogram.sum_s += seconds
