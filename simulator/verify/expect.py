"""Expectations: a metric, or one over another, against a limit; exactly, or with a confidence.

The one rule: what has no value is not a pass. A metric that is None, a ratio over zero, or a sample
too small ever to fail is NO_DATA. Without `confidence` numbers are compared as they are. With it,
only a value that chance cannot explain fails (`binomial.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from simulator.core.metric import METRIC, MS, PER_S
from simulator.core.metric import MONEY as _MONEY
from simulator.verify import binomial
from simulator.verify.expect_least import Range, range_of
from simulator.verify.expect_words import digits_of, distance, exact, percent, points, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.scenario_expect import Expectation, Measure, Of

Metric: TypeAlias = Fraction | int | Decimal | None

MONEY = frozenset(name for name, metric in METRIC.items() if metric.unit == _MONEY)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an `of:` lets see.

    Attributes:
        metrics: a value for each of `METRICS`; None: not known in this run.
        currency: whose units money is in.
        least: the least that a metric can be, where it is not known exactly; its value is the most.
        unknown: why it is not.
    """

    metrics: Mapping[str, Metric]
    currency: str = ""
    least: Mapping[str, Fraction] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)


Look: TypeAlias = Callable[["Of"], Seen]


class Outcome(Enum):
    """How an expectation ended."""

    PASSED = "passed"
    FAILED = "failed"
    NO_DATA = "no_data"
    NOT_JUDGED = "not_judged"  # the run was stopped for another one


@dataclass(frozen=True, slots=True)
class Confidence:
    """What a sample says of the true share.

    Attributes:
        level: as asked for, 0.5 to less than 1.
        sample: how many messages it rests on.
        low, high: Clopper-Pearson bounds, each one-sided at `level`.
        below, above: the true shares nearest to the limit that such a sample would fail with 80%
            power, on either side; None where no sample of this size can fail on that side.
        failed: chance does not explain what was seen.
    """

    level: float
    sample: int
    low: float
    high: float
    below: float | None
    above: float | None
    failed: bool


@dataclass(frozen=True, slots=True)
class Result:
    """One expectation, judged.

    Attributes:
        name, that: as in the scenario: "delivery-rate", "delivered / accepted".
        value: exact; None without data.
        limit: "at least 95%".
        margin: how far inside the limit; negative: outside. None without data.
        upper: the largest value that holds; None if the limit has no upper end.
        words: all of it in one sentence.
        lower: the smallest value that holds; None if there is no lower end.
        of: "carrier kddi"; empty: all messages.
        excused: without data it is let pass (`if_no_data: pass`).
        warning: it cannot fail the run (`level: warn`).
    """

    name: str
    that: str
    value: Fraction | None
    limit: str
    margin: Fraction | None
    upper: Fraction | None
    outcome: Outcome
    words: str
    lower: Fraction | None = None
    of: str = ""
    excused: bool = False
    warning: bool = False
    confidence: Confidence | None = None

    @property
    def bad(self) -> bool:
        """Whether it does not hold, or could not be judged and must be."""
        if self.outcome is Outcome.NO_DATA:
            return not self.excused
        return self.outcome is Outcome.FAILED

    @property
    def fails(self) -> bool:
        """Whether it fails the run."""
        return self.bad and not self.warning


def evaluate(
    expectations: Iterable[Expectation], seen: Mapping[str, Metric] | Look
) -> tuple[Result, ...]:
    """Judge every expectation.

    Args:
        expectations: of the scenario.
        seen: what each `of:` lets see; or, where none has one, a value for each of `METRICS`.
    """
    look = (lambda _: Seen(seen)) if isinstance(seen, Mapping) else seen
    return tuple(_evaluate(each, look(each.of)) for each in expectations)


def not_judged(expectation: Expectation) -> Result:
    """Return the result of an expectation of a run that was stopped for another one."""
    result = _evaluate(expectation, Seen(dict.fromkeys(METRIC)))
    words = f"{expectation.name}: not judged: the run was stopped before its end"
    return replace(result, outcome=Outcome.NOT_JUDGED, words=words)


@dataclass(frozen=True, slots=True)
class _Limit:
    """An interval, closed where it has an end."""

    words: str
    lower: Fraction | None
    upper: Fraction | None

    def margin(self, value: Fraction) -> Fraction:
        rooms = []
        if self.lower is not None:
            rooms.append(value - self.lower)
        if self.upper is not None:
            rooms.append(self.upper - value)
        return min(rooms)


def _limit(expectation: Expectation, unit: str) -> _Limit:
    share = expectation.that.share

    def said(value: Fraction) -> str:
        return exact(value, share=share) + unit

    if expectation.at_least is not None:
        lower = expectation.at_least
        return _Limit(f"at least {said(lower)}", lower, None)
    if expectation.at_most is not None:
        upper = expectation.at_most
        return _Limit(f"at most {said(upper)}", None, upper)
    if expectation.equals is not None:
        only = expectation.equals
        return _Limit(f"exactly {said(only)}", only, only)
    assert expectation.between is not None, "the scenario's checks let no limit through"
    lower, upper = expectation.between
    return _Limit(f"between {said(lower)} and {said(upper)}", lower, upper)


def _evaluate(expectation: Expectation, seen: Seen) -> Result:
    measure, share = expectation.that, expectation.that.share
    unit = f" {seen.currency}" if seen.currency and measure.unit == _MONEY else ""
    unit = {MS: " ms", PER_S: "/s"}.get(measure.unit, unit)
    limit = _limit(expectation, unit)
    about = measure.words + (f" of {expectation.of.words}" if expectation.of.words else "")
    value = _value(measure, seen.metrics)
    sure: Confidence | str | None = None
    asked = limit.words
    if expectation.confidence is not None:
        asked += f" with {exact(expectation.confidence, share=True)} confidence"
        if not isinstance(value, str):
            sure = _sure(expectation, limit, seen.metrics)
    if isinstance(sure, str):
        value, sure = sure, None
    margin, value_or_none, outcome = None, None, Outcome.NO_DATA
    vague = range_of(measure, seen.metrics, seen.least, seen.unknown)
    if vague is not None:
        value_or_none, margin, outcome, said = _vague(vague, limit, about, unit, share=share)
    elif isinstance(value, str):
        said = f"no data, {value}"
    else:
        margin, value_or_none = limit.margin(value), value
        good = margin >= 0 if sure is None else not sure.failed
        outcome = Outcome.PASSED if good else Outcome.FAILED
        digits = digits_of(value, (limit.lower, limit.upper), share=share)
        shows = shown(value, digits, share=share) + unit
        said = f"{shows} ({about}), {_verdict(margin, limit, outcome, sure, share=share)}"
    return Result(
        name=expectation.name,
        that=measure.words,
        value=value_or_none,
        limit=asked,
        margin=margin,
        upper=limit.upper,
        outcome=outcome,
        words=f"{expectation.name}: expected {asked}; {said}",
        lower=limit.lower,
        of=expectation.of.words,
        excused=expectation.if_no_data == "pass",
        warning=expectation.level == "warn",
        confidence=sure,
    )


def _vague(
    vague: Range, limit: _Limit, about: str, unit: str, *, share: bool
) -> tuple[Fraction | None, Fraction | None, Outcome, str]:
    """Judge a measure of which only bounds are known: value, margin, outcome, words."""
    ends = (limit.lower, limit.upper)
    low, high = vague.low, vague.high

    def said(value: Fraction) -> str:
        return shown(value, digits_of(value, ends, share=share), share=share) + unit

    known = f"at least {said(low)}" + (f" and at most {said(high)}" if high is not None else "")
    holds = vague.holds(*ends)
    if holds is None:
        return None, None, Outcome.NO_DATA, f"no data, {vague.why} ({about} is {known})"
    margins = [limit.margin(end) for end in (low, high) if end is not None]
    margin = min(margins) if holds else max(margins)
    way = f"{'holds' if holds else 'fails'} by {distance(abs(margin), share=share)} or more"
    if not holds:
        return None, margin, Outcome.FAILED, f"{known} ({about}), {way}: {vague.why}"
    return high or low, margin, Outcome.PASSED, f"{known} ({about}), {way}"


def _value(measure: Measure, metrics: Mapping[str, Metric]) -> Fraction | str:
    """Return the value, or why there is none."""
    values = []
    for name in measure.names:
        assert name in metrics, f"the caller has no metric {name}"
        metric = metrics[name]
        if metric is None:
            return f"{name} is not known in this run"
        values.append(Fraction(metric))
    if len(values) == 1:
        return values[0]
    return values[0] / values[1] if values[1] else f"{measure.over} is 0"


def _sure(
    expectation: Expectation, limit: _Limit, metrics: Mapping[str, Metric]
) -> Confidence | str:
    """Return what the sample says, or why it says nothing."""
    assert expectation.confidence is not None
    level = float(expectation.confidence)
    k, n = (int(metrics[name] or 0) for name in expectation.that.names)
    assert 0 <= k <= n, f"{expectation.that.words}: {k} of {n} is no share"
    low = None if limit.lower is None or limit.lower > 1 else float(limit.lower)
    high = None if limit.upper is None or limit.upper > 1 else float(limit.upper)
    below = None if low is None else binomial.caught_below(n, low, level)
    above = None if high is None else binomial.caught_above(n, high, level)
    if below is None and above is None:
        return f"{n:,} messages are too few to ever fail it"
    short = low is not None and k <= binomial.short_of(n, low, level)
    over = high is not None and k >= binomial.beyond(n, high, level)
    least, most = binomial.bounds(k, n, level)
    return Confidence(level, n, least, most, below, above, failed=short or over)


def _verdict(
    margin: Fraction, limit: _Limit, outcome: Outcome, sure: Confidence | None, *, share: bool
) -> str:
    how = "holds" if outcome is Outcome.PASSED else "fails"
    if sure is None:
        return f"{how} by {distance(abs(margin), share=share)}" if margin else f"{how} exactly"
    words = f"{how}: {sure.sample:,} messages say {percent(sure.low)} to {percent(sure.high)}"
    told = []
    if sure.below is not None and limit.lower is not None:
        told.append(f"{points(float(limit.lower) - sure.below)} too little")
    if sure.above is not None and limit.upper is not None:
        told.append(f"{points(sure.above - float(limit.upper))} too much")
    return f"{words}, and would catch {' or '.join(told)} (80% power)"
