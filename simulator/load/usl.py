"""The universal scalability law, fitted to the steps of a load, with how sure that is.

    X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))

X is throughput, N how many are under way at once; lambda is what one alone gets done, sigma what
they wait for each other (contention), kappa what they must tell each other (coherency). With
kappa > 0 there is a peak, at N = sqrt((1 - sigma) / kappa), after which more load gets less done.
After N. J. Gunther, "Guerrilla Capacity Planning" (2007), chapters 4 to 6, and "A General Theory of
Computational Scalability Based on Rational Functions" (2008, arXiv:0808.1431).

The one rule: what the data cannot tell is not told. N / X is linear in 1/lambda, sigma/lambda and
kappa/lambda, so the fit is a linear one, its errors relative, and the intervals of sigma, kappa and
the peak are those of ratios (E. C. Fieller, "Some problems in interval estimation", 1954). Below
one at a time nothing can contend: there the denominator stays 1.
"""

from __future__ import annotations

from math import atan, cos, inf, pi, sin, sqrt
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

LOADS_MIN = 5  # different ones: three parameters, and two more to see how far off they are
SPREAD_MIN = 2.0  # of the highest load over 1 or the lowest, whichever is more
_ROUNDS = 3  # of weights: the error is relative to the fit, which is not known at first
_HALVINGS = 60
_EXACT = 1e-9  # a smaller standard error is that of the arithmetic


class Estimate(msgspec.Struct, frozen=True):
    """A value with its interval; a bound that the data does not give is None."""

    value: float
    low: float | None
    high: float | None


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted law.

    Attributes:
        throughput_of_one: lambda, a second.
        contention: sigma, 0 or more.
        coherency: kappa, 0 or more.
        peak_load: where throughput is highest; None where the data cannot tell.
        peak_throughput: how high it is there, a second.
        confidence: of every interval.
        error: the relative standard deviation of the throughput around the fit.
        words: what this says, and what it cannot say, one sentence each, without full stops.
    """

    throughput_of_one: Estimate
    contention: Estimate
    coherency: Estimate
    peak_load: Estimate | None
    peak_throughput: Estimate | None
    confidence: float
    error: float
    words: tuple[str, ...]

    def throughput(self, load: float) -> float:
        """Return what the law says of a load."""
        more = max(load - 1, 0.0)
        waits = 1 + self.contention.value * more + self.coherency.value * load * more
        return self.throughput_of_one.value * load / waits


class Untold(msgspec.Struct, frozen=True):
    """Why there is no fit, in words."""

    words: str


def fit(
    loads: Sequence[float], throughputs: Sequence[float], confidence: float = 0.95
) -> Law | Untold:
    """Fit the law.

    Args:
        loads: how many were under way at once, on average; more than 0.
        throughputs: what was done then, a second; more than 0.
        confidence: of the intervals, two-sided.
    """
    n, x = np.asarray(loads, np.float64), np.asarray(throughputs, np.float64)
    usable = (n > 0) & (x > 0)
    n, x = n[usable], x[usable]
    different = len(np.unique(n))
    if different < LOADS_MIN:
        steps = "1 load" if different == 1 else f"{different} loads"
        return Untold(f"{steps}, and a fit of three parameters wants {LOADS_MIN} or more")
    highest, lowest = float(n.max()), max(1.0, float(n.min()))
    if highest / lowest < SPREAD_MIN:
        seen = f"at most {highest:.3g} were under way at once, and at least {n.min():.3g}"
        return Untold(f"{seen}: they never got into each other's way, and that is what it is about")
    linear = _Linear(n, n / x, confidence)
    return _law(linear, highest, confidence)


class _Linear:
    """n / x = a + b (n - 1) + c n (n - 1), by least squares of the relative error."""

    def __init__(self, n: Vector, y: Vector, confidence: float) -> None:
        more = np.maximum(n - 1, 0.0)
        table = np.stack([np.ones_like(n), more, n * more], axis=1)
        scale = table.max(axis=0)  # so that no column drowns another
        near = y
        for _ in range(_ROUNDS):
            weighed = table / scale / near[:, None]
            solved, *_ = np.linalg.lstsq(weighed, y / near, rcond=None)
            fitted = np.maximum(table / scale @ solved, y.min() / 10)
            near = fitted
        left = y / near - 1
        freedom = len(y) - 3
        self.error = sqrt(float(left @ left) / freedom)
        self.t = student(freedom, confidence)
        self.value: Vector = solved / scale
        self._table, self._y = table, y
        inverse = np.linalg.pinv(weighed.T @ weighed)
        self.variance: Vector = max(self.error, _EXACT) ** 2 * inverse / np.outer(scale, scale)

    def of(self, row: Sequence[float]) -> tuple[float, float]:
        """Return a linear combination of the three, and its variance."""
        h = np.asarray(row)
        return float(h @ self.value), max(0.0, float(h @ self.variance @ h))

    def share(self, row: Sequence[float], below: Sequence[float]) -> tuple[float, float]:
        """Return the interval of a ratio of two combinations (Fieller); infinite: no bound."""
        top, top_var = self.of(row)
        under, under_var = self.of(below)
        both = float(np.asarray(row) @ self.variance @ np.asarray(below))
        t2 = self.t * self.t
        two, one, none = under**2 - t2 * under_var, top * under - t2 * both, top**2 - t2 * top_var
        if two <= 0:
            return -inf, inf
        off = sqrt(max(0.0, one**2 - two * none))
        return (one - off) / two, (one + off) / two

    def within_bounds(self) -> Vector:
        """Return the three with neither contention nor coherency below nothing."""
        keep = [0, *(column for column in (1, 2) if self.value[column] > 0)]
        found: Vector = np.zeros(3)
        while True:
            weighed = self._table[:, keep] / self._y[:, None]
            solved, *_ = np.linalg.lstsq(weighed, np.ones_like(self._y), rcond=None)
            if len(keep) == 3 or (solved[1:] >= 0).all():
                break
            keep = keep[:1]
        found[keep] = self.value if len(keep) == 3 else solved
        return found


def _law(linear: _Linear, highest: float, confidence: float) -> Law | Untold:
    a, b, c = (float(each) for each in linear.within_bounds())
    alone, alone_var = linear.of((1, 0, 0))
    off = linear.t * sqrt(alone_var)
    if a <= 0 or alone <= off:
        return Untold("the steps lie too far from any such law to tell what one alone gets done")
    contention = _interval(b / a, *linear.share((0, 1, 0), (1, 0, 0)))
    coherency = _interval(c / a, *linear.share((0, 0, 1), (1, 0, 0)))
    peak = _peak(linear, (a, b, c)) if (coherency.low or 0) > 0 else None
    return Law(
        throughput_of_one=Estimate(1 / a, 1 / (alone + off), 1 / (alone - off)),
        contention=contention,
        coherency=coherency,
        peak_load=peak[0] if peak else None,
        peak_throughput=peak[1] if peak else None,
        confidence=confidence,
        error=linear.error,
        words=tuple(_words(contention, peak, highest)),
    )


def _peak(linear: _Linear, abc: tuple[float, float, float]) -> tuple[Estimate, Estimate] | None:
    """Return where the peak is, and how high; None: contention alone is more than there is."""
    a, b, c = abc
    if a <= b or c <= 0:
        return None
    at = sqrt((a - b) / c)
    low, high = linear.share((1, -1, 0), (0, 0, 1))
    load = Estimate(at, sqrt(max(low, 0.0)), None if high == inf else sqrt(max(high, 0.0)))
    # Where it is highest its slope is nothing, so that the place adds no error of the first order.
    row = (1 / at, 1 - 1 / at, at - 1) if at > 1 else (1 / at, 0.0, 0.0)
    inverse, variance = linear.of(row)
    off = linear.t * sqrt(variance)
    most = 1 / (inverse - off) if inverse > off else None
    return load, Estimate(1 / float(np.asarray(row) @ abc), 1 / (inverse + off), most)


def _interval(value: float, low: float, high: float) -> Estimate:
    """Return an estimate of what cannot be below nothing; its interval holds the value itself."""
    return Estimate(
        value,
        None if low == -inf else max(0.0, min(low, value)),
        None if high == inf else max(high, value),
    )


def _words(
    contention: Estimate,
    peak: tuple[Estimate, Estimate] | None,
    highest: float,
) -> list[str]:
    words = []
    if peak is not None:
        load, most = peak
        words.append(f"throughput peaks at {most.value:.3g}/s with {load.value:.3g} under way")
        if load.value > highest:
            words.append(f"that lies beyond the {highest:.3g} that were seen: a forecast")
    else:
        words.append(
            f"throughput never turned down up to {highest:.3g} under way, "
            "so the data cannot tell whether there is a peak, or where"
        )
    if not contention.low:
        words.append("that they wait for each other cannot be told from chance")
    return words


def student(freedom: int, confidence: float) -> float:
    """Return the two-sided quantile of Student's t: 2.571 for 5 degrees of freedom at 0.95.

    Args:
        freedom: 1 or more.
        confidence: more than 0, less than 1.
    """
    low, high = 0.0, 1.0
    while _inside(high, freedom) < confidence:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _inside(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return high


def _inside(t: float, freedom: int) -> float:
    """Return P(|T| < t): Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(freedom))
    squared = cos(angle) ** 2
    if freedom % 2:
        term = total = cos(angle) if freedom > 1 else 0.0
        for k in range(3, freedom, 2):
            term *= squared * (k - 1) / k
            total += term
        return 2 / pi * (angle + sin(angle) * total)
    term = total = 1.0
    for k in range(2, freedom, 2):
        term *= squared * (k - 1) / k
        total += term
    return sin(angle) * total
