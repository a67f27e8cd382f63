"""The named rates of a run: as they are, and as the customer could know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.verify.rates import RATES, value_of

if TYPE_CHECKING:
    from fractions import Fraction

    from simulator.verify.rates import Counts, NamedRate

DIGITS = 6  # behind the point


def rates_of(truth: Counts, told: Counts) -> list[dict[str, Any]]:
    """Return every named rate; null where nobody can know it, or its denominator is 0.

    Args:
        truth: what happened; told: what the customer was told.
    """
    return [
        {
            "name": rate.name,
            "japanese": rate.japanese,
            "formula": rate.formula,
            "truth": _side(rate, truth),
            "told": _side(rate, told),
        }
        for rate in RATES.values()
    ]


def _side(rate: NamedRate, counts: Counts) -> dict[str, Any]:
    return {
        "count": _number(getattr(counts, rate.numerator, None)),
        "of": _number(getattr(counts, rate.denominator, None)),
        "value": _number(value_of(rate, counts)),
    }


def _number(value: Fraction | int | None) -> int | float | None:
    if value is None or isinstance(value, int):
        return value
    return round(float(value), DIGITS)
