"""How an expectation's numbers are written: so that a failure never looks like its own limit.

The one rule: numbers are fractions until they are shown, and shown with enough digits to tell the
value from whatever it is not.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DIGITS_MAX = 12
PERCENT_DIGITS = 2
NUMBER_DIGITS = 6


def digits_of(value: Fraction, others: Iterable[Fraction | None], *, share: bool) -> int:
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


def shown(value: Fraction, digits: int, *, share: bool) -> str:
    """Write a percentage with all its digits, a number without needless zeros."""
    if share:
        return f"{_fixed(value * 100, digits)}%"
    return _fixed(value, digits).rstrip("0").rstrip(".")


def exact(value: Fraction, *, share: bool) -> str:
    """Write a limit as people did: no needless zeros."""
    text = shown(value * (100 if share else 1), DIGITS_MAX, share=False)
    return f"{text}%" if share else text


def _fixed(value: Fraction, digits: int) -> str:
    scaled = round(abs(value) * 10**digits)
    whole, rest = divmod(scaled, 10**digits)
    return f"{'-' if value < 0 and scaled else ''}{whole:,}.{rest:0{digits}d}"


def distance(room: Fraction, *, share: bool) -> str:
    """Write how far two values are apart: "2.40 points" for shares."""
    far = shown(room, digits_of(room, (Fraction(0),), share=share), share=share)
    return f"{far.removesuffix('%')} points" if share else far


def percent(value: float) -> str:
    """Write a computed share, which is no exact one."""
    return f"{100 * value:.{PERCENT_DIGITS}f}%"


def points(apart: float) -> str:
    """Write how far two computed shares are apart."""
    return f"{100 * apart:.{PERCENT_DIGITS}f} points"
