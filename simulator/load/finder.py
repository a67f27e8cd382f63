"""The knee of a system: the highest rate of arrivals at which it still meets what is expected.

    climb (x 2, x 2, ...) until a step fails  ->  bisection in the ratio  ->  once more at the knee

The one rule: what to do next is a function of the steps so far, so that a search needs no socket,
no clock and no memory of its own. A step that fails is asked again wherever being wrong about it
would cost more than the answer may be off, and two of three count. The knee itself has to be met
twice, and a rate that failed early is asked again where everything up to it was met. A step that
proves nothing (the generator was late) says nothing about the system: it is repeated, and after
that the search ends with words.
"""

from __future__ import annotations

from enum import Enum
from math import ceil, floor, inf, log, log2, log10, sqrt
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_DIGITS = 3  # of a rate that is asked for: 707/s, not 707.1067811865476/s
_MAJORITY, _MAJORITY_AGAIN = 2, 3  # of at most three; of five, for what had been settled
_EARLY = 4  # a bracket so many times as wide as it may be in the end, in the logarithm
_FAILS_TWICE = 1.5  # steps for one rate, where every other one fails and is asked again


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to search.

    Attributes:
        first: the first rate, arrivals a second.
        least, most: rates that are never gone beyond.
        factor: from one step of the climb to the next, more than 1.
        within: how far apart the knee and the lowest rate that fails may be: 0.05 is 5%.
        wanted: a rate that is to be decided even where it lies inside the last bracket.
        steps_max: steps in all, repeats among them.
        again_max: repeats of a step that proves nothing.
    """

    first: float = 50.0
    least: float = 1.0
    most: float = 10_000.0
    factor: float = 2.0
    within: float = 0.05
    wanted: float | None = None
    steps_max: int = 30
    again_max: int = 2


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a load at one rate.

    Attributes:
        rate: offered, arrivals a second.
        met: whether all that was expected was met; None: the step proves nothing.
        why: what was not met, or why it proves nothing, in words.
        achieved: finished without a failure, a second.
        p50_ms, p99_ms: latency from the intended instant; None: nothing finished.
        concurrency: under way on average: achieved x mean latency (Little's law).
        seconds: how long the step took, all in all.
    """

    rate: float
    met: bool | None
    why: str = ""
    achieved: float = 0.0
    p50_ms: float | None = None
    p99_ms: float | None = None
    concurrency: float | None = None
    seconds: float = 0.0


class Ask(msgspec.Struct, frozen=True):
    """The next step wanted: its rate, why, and about how many come after it."""

    rate: float
    why: str
    left: int


class End(Enum):
    """How a search ended."""

    KNEE = "knee"  # found, within what was asked
    BEYOND = "beyond"  # even the highest rate that may be asked is met
    NEVER = "never"  # not even the lowest one is
    BROKE = "broke"  # a step proved nothing, again and again
    STEPS = "steps"  # out of steps


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search came to.

    Attributes:
        end: how it ended; a knee was found only at KNEE.
        knee: the highest rate that was met; None: none was.
        fails_at: the lowest rate that failed; None: none did.
        words: all this for people, without a full stop.
    """

    end: End
    knee: float | None
    fails_at: float | None
    words: str


def find(measure: Callable[[float], Step], plan: Plan) -> tuple[Found, list[Step]]:
    """Search by calling `measure` with each rate; return what was found, and every step."""
    steps: list[Step] = []
    while isinstance(wanted := following(plan, steps), Ask):
        steps.append(measure(wanted.rate))
    return wanted, steps


def following(plan: Plan, steps: Sequence[Step]) -> Ask | Found:
    """Return what to do after these steps: one more, or the end.

    Args:
        plan: how to search.
        steps: all so far, in order, each at the rate that was asked for.
    """
    seen = _Seen(plan, steps)
    if seen.idle > plan.again_max:
        return seen.end(End.BROKE)
    wanted = seen.next()
    if isinstance(wanted, Ask) and len(steps) >= plan.steps_max:
        return seen.end(End.STEPS)
    return wanted


def knees(steps: Iterable[Step]) -> list[Step]:
    """Return the steps that say something of the system, by rate."""
    return sorted((step for step in steps if step.met is not None), key=lambda step: step.rate)


class _Seen:
    """What the steps so far say.

    Attributes:
        low: the highest rate that is met; None: none yet.
        high: the lowest rate that fails; None: none yet.
        doubt: a rate that has to be asked again.
        idle: steps in a row, the last ones, that proved nothing.
    """

    def __init__(self, plan: Plan, steps: Sequence[Step]) -> None:
        self._plan = plan
        self._counts: dict[float, list[int]] = {}  # rate -> failed, met
        self._early: set[float] = set()  # failed while the bracket was wide
        self.low: float | None = None
        self.high: float | None = None
        self.doubt: float | None = None
        self.idle = 0
        self._last = steps[-1] if steps else None
        for step in steps:
            self._add(step)

    def _add(self, step: Step) -> None:
        if step.met is None:
            self.idle += 1
            self.doubt = step.rate
            return
        self.idle = 0
        counts = self._counts.setdefault(step.rate, [0, 0])
        counts[step.met] += 1
        self.doubt = None
        if self._is_settled(step.rate, *counts):
            self._settle(step.rate, met=counts[1] > counts[0])
        else:
            self.doubt = step.rate

    def _is_settled(self, rate: float, failed: int, met: int) -> bool:
        if rate == self.high:
            return max(failed, met) >= _MAJORITY_AGAIN
        if not failed or max(failed, met) >= _MAJORITY:
            return True
        return not met and rate != self.low and self._is_near(2)

    def _is_near(self, times: int) -> bool:
        """Tell whether the bracket is at most so many times as wide as it may be in the end."""
        if self.low is None or self.high is None:
            return False
        return self.high / self.low <= (1 + self._plan.within) ** times

    def _settle(self, rate: float, *, met: bool) -> None:
        if not met and not self._is_near(_EARLY):
            self._early.add(rate)
        settled = {other: met > failed for other, (failed, met) in self._counts.items()}
        self.high = min((other for other, is_met in settled.items() if not is_met), default=None)
        below = self.high if self.high is not None else inf
        met_below = (other for other, is_met in settled.items() if is_met and other < below)
        self.low = max(met_below, default=None)

    def next(self) -> Ask | Found:
        """Return the next step, or the end."""
        low, high = self.low, self.high
        if self.doubt is not None:
            why = "it proved nothing" if self.idle else "in doubt"
            return self._ask(self.doubt, f"again: {why}")
        if low is not None and high is not None:
            return self._between(low, high)
        return self._outward(low, high)

    def _outward(self, low: float | None, high: float | None) -> Ask | Found:
        plan = self._plan
        if low is not None:
            if low >= plan.most:
                return self.end(End.BEYOND)
            return self._ask(min(_round(low * plan.factor), plan.most), "up")
        if high is None:
            return self._ask(plan.first, "the first")
        if high <= plan.least:
            return self.end(End.NEVER)
        return self._ask(max(_round(high / plan.factor), plan.least), "down")

    def _between(self, low: float, high: float) -> Ask | Found:
        middle = _round(sqrt(low * high))
        if not self._is_near(1) and low < middle < high:
            return self._ask(middle, f"between {low:g} and {high:g}")
        if self._plan.wanted is not None and low < self._plan.wanted < high:
            return self._ask(self._plan.wanted, "what is wanted")
        if self._counts[low][1] < _MAJORITY:
            return self._ask(low, "once more at the knee")
        if high in self._early and self._counts[high][0] < _MAJORITY_AGAIN:
            return self._ask(high, "once more above the knee")
        return self.end(End.KNEE)

    def _ask(self, rate: float, why: str) -> Ask:
        return Ask(rate, why, max(0, min(self._left(), self._plan.steps_max)))

    def _left(self) -> int:
        """Return about how many steps there will be after the next one."""
        wide = self._plan.factor
        if self.low is not None and self.high is not None:
            wide = self.high / self.low
        halvings = ceil(log2(max(1.0, log(wide) / log(1 + self._plan.within))))
        open_end = self.low is None or self.high is None
        doubted = _FAILS_TWICE * max(0, halvings - 1)  # the last ones are near, and asked once
        return floor(doubted + open_end + 0.5) + (0 if self._is_near(1) else 1)

    def end(self, end: End) -> Found:
        """Return what a search that ends here has come to."""
        return Found(end=end, knee=self.low, fails_at=self.high, words=self._words(end))

    def _words(self, end: End) -> str:
        last, low, high = self._last, self.low, self.high
        known = f"{low:g}/s is met" if low is not None else "no rate was met"
        if high is not None:
            known += f", {high:g}/s is not"
        if end is End.KNEE:
            return f"the knee is at {low:g}/s: {known}"
        if end is End.BEYOND:
            return f"there is no knee up to {low:g}/s: everything was met"
        if end is End.NEVER:
            return f"not even {high:g}/s is met, so it is not a matter of load: {self._said(last)}"
        if end is End.STEPS:
            return f"{self._plan.steps_max} steps were not enough: {known}"
        assert last is not None
        times = f"{self.idle} times" if self.idle > 1 else "once"
        return f"{last.rate:g}/s proved nothing ({times}): {self._said(last)}; {known}"

    @staticmethod
    def _said(step: Step | None) -> str:
        return (step.why if step else "") or "no reason was given"


def _round(rate: float) -> float:
    """Return a rate as people write it, in three digits."""
    return round(rate, _DIGITS - 1 - floor(log10(rate)))
