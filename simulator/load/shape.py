"""The shape of a load: how many arrivals a second, and so the instant of every arrival.

The one rule: the schedule is a function of the shape and the seed, made before the load starts;
nothing that the target does can move an arrival. Rates are arrivals a second of real time: a scaled
world makes its own time faster, not the load.

    shape -> pieces, on each the rate is a straight line -> their integral, inverted at n + 1/2
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np

from simulator.core.chance import draw64_many, stream_named
from simulator.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

US = 1_000_000
ARRIVALS_MAX = 50_000_000  # 400 MB of instants
RATE_MAX = 1_000_000.0
_POISSON = "gaps between the arrivals of a load"
_SLICE = 1 << 16


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="shape"):
    """What every shape says: durations are microseconds of real time, rates arrivals a second."""


class Constant(_Shape, frozen=True, tag="constant"):
    """The same distance between all arrivals."""

    rate: float
    for_us: int


class Poisson(_Shape, frozen=True, tag="poisson"):
    """Arrivals that know nothing of each other, as people's are; drawn by the seed."""

    rate: float
    for_us: int


class Ramp(_Shape, frozen=True, tag="ramp"):
    """From one rate to another along a straight line."""

    from_rate: float
    to_rate: float
    for_us: int


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tread of `Steps`."""

    rate: float
    for_us: int


class Steps(_Shape, frozen=True, tag="steps"):
    """One constant rate after another."""

    steps: tuple[Step, ...]


class Spike(_Shape, frozen=True, tag="spike"):
    """A base rate for `for_us`, and from `at_us` on for `spike_us` the peak instead."""

    base: float
    peak: float
    at_us: int
    spike_us: int
    for_us: int


class Trace(_Shape, frozen=True, tag="trace"):
    """Arrivals as they were once seen: microseconds from the first instant."""

    times_us: tuple[int, ...]


Shape: TypeAlias = Constant | Poisson | Ramp | Steps | Spike | Trace
Piece: TypeAlias = tuple[int, float, float]  # lasting us, rate at its start, rate at its end


def pieces(shape: Shape) -> tuple[Piece, ...]:
    """Return the rate of a shape as straight lines; a trace has none."""
    match shape:
        case Constant(rate, for_us) | Poisson(rate, for_us):
            return ((for_us, rate, rate),)
        case Ramp(from_rate, to_rate, for_us):
            return ((for_us, from_rate, to_rate),)
        case Steps(steps):
            return tuple((step.for_us, step.rate, step.rate) for step in steps)
        case Spike(base, peak, at_us, spike_us, for_us):
            after = for_us - at_us - spike_us
            return ((at_us, base, base), (spike_us, peak, peak), (after, base, base))
        case Trace():
            return ()


def lasting_us(shape: Shape) -> int:
    """Return how long a shape lasts: microseconds."""
    if isinstance(shape, Trace):
        return max(shape.times_us, default=0)
    return sum(for_us for for_us, _, _ in pieces(shape))


def first_rate(shape: Shape) -> float:
    """Return the rate a shape begins with: what a warm-up has."""
    return next((rate for _, rate, _ in pieces(shape)), 0.0)


def expected(shape: Shape) -> float:
    """Return how many arrivals a shape means: the integral of its rate."""
    if isinstance(shape, Trace):
        return float(len(shape.times_us))
    return math.fsum(for_us * (start + end) / 2 / US for for_us, start, end in pieces(shape))


def check(shape: Shape) -> None:
    """Refuse a shape that cannot be.

    Raises:
        UsageError: what is wrong with it, in one line.
    """
    for for_us, start, end in pieces(shape):
        if for_us < 0:
            raise UsageError("the spike ends after the load: expected at + its own for <= for")
        for rate in (start, end):
            if not (math.isfinite(rate) and 0 <= rate <= RATE_MAX):
                raise UsageError(f"expected a rate of 0/s to {RATE_MAX:,.0f}/s; seen {rate:g}/s")
    if isinstance(shape, Trace) and any(at < 0 for at in shape.times_us):
        raise UsageError("a trace counts from its first instant: no arrival before 0")
    if expected(shape) > ARRIVALS_MAX:
        words = f"{expected(shape):,.0f} arrivals are more than {ARRIVALS_MAX:,}"
        raise UsageError(f"{words}: ask for a lower rate or a shorter time")


def intended(shape: Shape, seed: int) -> NDArray[np.int64]:
    """Return the instant of every arrival: microseconds since the load starts, sorted.

    Raises:
        UsageError: see `check`.
    """
    check(shape)
    match shape:
        case Trace(times_us):
            return np.sort(np.array(times_us, dtype=np.int64))
        case Poisson(rate, for_us):
            return _poisson(rate, for_us, seed)
    starts, parts, passed, before = 0, [], 0.0, 0
    for for_us, start, end in pieces(shape):
        passed += for_us * (start + end) / 2 / US
        until = math.floor(passed + 0.5 + 1e-9)  # how many have come when this piece ends
        numbers = np.arange(before, until) + 0.5 - (passed - for_us * (start + end) / 2 / US)
        parts.append(starts + _inverted(np.maximum(numbers, 0.0), start, end, for_us))
        starts, before = starts + for_us, until
    times = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    return np.maximum.accumulate(times) if times.size else times


def share(times: NDArray[np.int64], worker: int, workers: int) -> NDArray[np.int64]:
    """Return the numbers of one worker's arrivals: arrival n is worker n mod workers's.

    Args:
        times: of all arrivals, from `intended`; so `times[share(times, w, of)]` are its instants.
        worker: from 0.
        workers: how many there are.
    """
    assert 0 <= worker < workers
    return np.arange(worker, times.size, workers, dtype=np.int64)


def _inverted(
    passed: NDArray[np.float64], start: float, end: float, for_us: int
) -> NDArray[np.int64]:
    """Return when so many arrivals have passed in a piece: us from its start.

    start t + a t^2 / 2 = passed, solved in the form that loses nothing where a is near 0.
    """
    slope = (end - start) / (for_us / US) if for_us else 0.0
    root = np.sqrt(np.maximum(start * start + 2 * slope * passed, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        seconds = np.where(passed > 0, 2 * passed / (start + root), 0.0)
    us: NDArray[np.int64] = np.minimum(np.rint(seconds * US), for_us).astype(np.int64)
    return us


def _poisson(rate: float, for_us: int, seed: int) -> NDArray[np.int64]:
    """Return arrivals with exponential gaps, each gap drawn by its number."""
    stream, mean_us = stream_named(seed, _POISSON), US / rate if rate else math.inf
    parts, last, numbered = [], 0.0, 0
    while rate and last < for_us:
        keys = np.arange(numbered, numbered + _SLICE, dtype=np.uint64)
        uniform = ((draw64_many(stream, keys) >> np.uint64(11)) + 0.5) * 2.0**-53
        times = last + np.cumsum(-np.log(uniform)) * mean_us
        parts.append(times)
        last, numbered = float(times[-1]), numbered + _SLICE
    found = np.concatenate(parts) if parts else np.zeros(0)
    us: NDArray[np.int64] = np.floor(found[found < for_us]).astype(np.int64)
    return us
