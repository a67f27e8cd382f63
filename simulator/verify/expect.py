"""Expectations: a metric, or one over another, against a limit; compared exactly.

The one rule: what has no value is not a pass. A metric that is None, or a ratio over zero, is
NO_DATA. Numbers are fractions until they are shown, and shown with enough digits that a failure
never looks like its own limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from simulator.scenario import Expectation, Measure

    Metric: TypeAlias = Fraction | int | Decimal | None

MONEY = frozenset({"subtotal", "tax", "total", "claimed_total"})
DIGITS_MAX = 12
PERCENT_DIGITS = 2
NUMBER_DIGITS = 6


class Outcome(Enum):
    """How an expectation ended."""

    PASSED = "passed"
    FAILED = "failed"
    NO_DATA = "no_data"


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
    """

    name: str
    that: str
    value: Fraction | None
    limit: str
    margin: Fraction | None
    upper: Fraction | None
    outcome: Outcome
    words: str


def evaluate(
    expectations: Iterable[Expectation], metrics: Mapping[str, Metric]
) -> tuple[Result, ...]:
    """Judge every expectation.

    Args:
        expectations: of the scenario.
        metrics: a value for each of `METRICS`; None: not known in this run. Money in currency
            units.
    """
    return tuple(_evaluate(expectation, metrics) for expectation in expectations)


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


def _limit(expectation: Expectation, *, share: bool) -> _Limit:
    if expectation.at_least is not None:
        lower = expectation.at_least
        return _Limit(f"at least {_exact(lower, share=share)}", lower, None)
    if expectation.at_most is not None:
        upper = expectation.at_most
        return _Limit(f"at most {_exact(upper, share=share)}", None, upper)
    if expectation.equals is not None:
        only = expectation.equals
        return _Limit(f"exactly {_exact(only, share=share)}", only, only)
    assert expectation.between is not None, "the scenario's checks let no limit through"
    lower, upper = expectation.between
    words = f"between {_exact(lower, share=share)} and {_exact(upper, share=share)}"
    return _Limit(words, lower, upper)


def _evaluate(expectation: Expectation, metrics: Mapping[str, Metric]) -> Result:
    measure = expectation.that
    that = f"{measure.metric} / {measure.over}" if measure.over else measure.metric
    share = bool(measure.over) and (measure.metric in MONEY) == (measure.over in MONEY)
    limit = _limit(expectation, share=share)
    value = _value(measure, metrics)
    if isinstance(value, str):
        margin, outcome, value_or_none = None, Outcome.NO_DATA, None
        said = f"no data, {value}"
    else:
        margin, value_or_none = limit.margin(value), value
        outcome = Outcome.PASSED if margin >= 0 else Outcome.FAILED
        digits = _digits(value, (limit.lower, limit.upper), share=share)
        said = f"{_shown(value, digits, share=share)} ({that}), {_verdict(margin, share=share)}"
    words = f"{expectation.name}: expected {limit.words}; {said}"
    return Result(
        name=expectation.name,
        that=that,
        value=value_or_none,
        limit=limit.words,
        margin=margin,
        upper=limit.upper,
        outcome=outcome,
        words=words,
    )


def _value(measure: Measure, metrics: Mapping[str, Metric]) -> Fraction | str:
    """Return the value, or why there is none."""
    parts = [measure.metric] + ([measure.over] if measure.over else [])
    values = []
    for name in parts:
        assert name in metrics, f"the caller has no metric {name}"
        metric = metrics[name]
        if metric is None:
            return f"{name} is not known in this run"
        values.append(Fraction(metric))
    if len(values) == 1:
        return values[0]
    return values[0] / values[1] if values[1] else f"{measure.over} is 0"


def _verdict(margin: Fraction, *, share: bool) -> str:
    how = "holds" if margin >= 0 else "fails"
    if not margin:
        return f"{how} exactly"
    room = abs(margin)
    far = _shown(room, _digits(room, (Fraction(0),), share=share), share=share)
    return f"{how} by {far.removesuffix('%')} points" if share else f"{how} by {far}"


def _digits(value: Fraction, others: Iterable[Fraction | None], *, share: bool) -> int:
    """Return the fewest digits, from the usual up, that tell a value from those it is not."""
    digits = PERCENT_DIGITS if share else NUMBER_DIGITS
    scale = 100 if share else 1
    for other in others:
        if other is None or other == value:
            continue
        mine, its = value * scale, other * scale
        while digits < DIGITS_MAX and round(mine, digits) == round(its, digits):
            digits += 1
    return digits


def _shown(value: Fraction, digits: int, *, share: bool) -> str:
    """Write a percentage with all its digits, a number without needless zeros."""
    if share:
        return f"{_fixed(value * 100, digits)}%"
    return _fixed(value, digits).rstrip("0").rstrip(".")


def _exact(value: Fraction, *, share: bool) -> str:
    """Write a limit as people did: no needless zeros."""
    text = _shown(value * (100 if share else 1), DIGITS_MAX, share=False)
    return f"{text}%" if share else text


def _fixed(value: Fraction, digits: int) -> str:
    scaled = round(abs(value) * 10**digits)
    whole, rest = divmod(scaled, 10**digits)
    return f"{'-' if value < 0 and scaled else ''}{whole:,}.{rest:0{digits}d}"
