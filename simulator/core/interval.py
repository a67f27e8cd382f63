"""How sure a count is: an interval for a share that was seen, and one for a count still to come.

Both are score intervals: they stay inside what is possible, and say something at 0 of n as well.
No tables, no chance: closed forms of the same quadratic.
"""

from __future__ import annotations

from math import ceil, floor, sqrt

Z95 = 1.959963984540054  # two-sided 95%
_HALF = 0.5  # correction for continuity: a count is a whole number


def wilson(seen: int, of: int, z: float = Z95) -> tuple[float, float]:
    """Return where a share lies that was seen `seen` times in `of` (Wilson 1927).

    Args:
        seen: 0 to `of`.
        of: independent tries, 1 or more.
        z: of the normal law; the default is 95%, two-sided.
    """
    assert 0 <= seen <= of, (seen, of)
    assert of, "nothing was tried"
    share, weight = seen / of, z * z / of
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * sqrt(share * (1 - share) / of + weight / (4 * of))
    return (0.0 if not seen else middle - half), (1.0 if seen == of else middle + half)


def foreseen(seen: int, of: int, coming: int, z: float = Z95) -> tuple[int, int]:
    """Return the least and the largest count to expect of `coming` tries, after `seen` of `of`.

    It inverts the score test of two proportions, so it holds both the chance of the coming tries
    and what a sample of `of` leaves unknown (Krishnamoorthy and Peng 2011, "joint sampling");
    corrected for continuity.

    Args:
        seen: 0 to `of`.
        of: tries in the sample, 1 or more.
        coming: tries to come, 0 or more.
        z: as in `wilson`.
    """
    assert 0 <= seen <= of, (seen, of)
    assert of, "nothing was tried"
    if not coming:
        return 0, 0
    both = of + coming
    spread = z * z * of * coming / both
    square = of * of + spread
    linear = 2 * of * coming * seen + spread * (both - 2 * seen)
    constant = coming * coming * seen * seen - spread * seen * (both - seen)
    root = sqrt(max(linear * linear - 4 * square * constant, 0.0))
    low, high = (linear - root) / (2 * square), (linear + root) / (2 * square)
    return max(0, ceil(low - _HALF)), min(coming, floor(high + _HALF))
