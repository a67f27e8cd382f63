"""A measure of which only bounds are known, against a limit: what is known may suffice.

    receipt_p99 is at least 1,500 ms     at most 500 ms: fails    at most 10 s: no data

The one rule: it is judged only where every value that it may have would be judged the same.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.scenario_expect import Measure
    from simulator.verify.expect import Metric


class Range(NamedTuple):
    """Between which two a measure lies, both included; `high` None: nobody knows.

    Attributes:
        why: it is not known exactly.
    """

    low: Fraction
    high: Fraction | None
    why: str

    def holds(self, lower: Fraction | None, upper: Fraction | None) -> bool | None:
        """Tell whether it lies within a limit; None: that is not known."""
        high = self.high
        if upper is not None and self.low > upper:
            return False
        if lower is not None and high is not None and high < lower:
            return False
        above = lower is None or self.low >= lower
        below = upper is None or (high is not None and high <= upper)
        return True if above and below else None


def range_of(
    measure: Measure,
    metrics: Mapping[str, Metric],
    least: Mapping[str, Fraction],
    unknown: Mapping[str, str],
) -> Range | None:
    """Return between which two a measure lies; None: it is known exactly, or not at all.

    Args:
        measure: of the expectation.
        metrics: the most that each metric can be; None: that is not known.
        least: the least, of those that are not known exactly.
        unknown: why they are not.
    """
    vague = [name for name in measure.names if name in least]
    if not vague or any(metrics[n] is None for n in measure.names if n not in least):
        return None
    ends = [(least.get(n), metrics[n]) for n in measure.names]
    lows = [Fraction(most or 0) if low is None else low for low, most in ends]
    highs = [None if most is None else Fraction(most) for _, most in ends]
    why = unknown[vague[0]]
    if measure.over is None:
        return Range(lows[0], highs[0], why)
    low = lows[0] / highs[1] if highs[1] else Fraction(0)
    high = highs[0] / lows[1] if highs[0] is not None and lows[1] else None
    return Range(low, high, why)
