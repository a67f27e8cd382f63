"""Claimed rates against the counts: right, wrong, right by another definition, or not to be known.

The one rule: a claimed rate is compared as it was written; 96.3% is right for any value that is
rounded or cut to it. The words of a finding say both numbers and both denominators.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import msgspec

from simulator.errors import did_you_mean, shown
from simulator.verify.claim_codes import ClaimCode
from simulator.verify.findings import Finding, FindingKind
from simulator.verify.rates import DENOMINATORS, RATES, NamedRate, by_any_name, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.verify.rates import Counts
    from simulator.verify.strict_json import Report

RATES_MAX = 100
_WRITTEN = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,12}))?(%?)")
_WHAT = 'write the rate as text, such as "96.3%" or "0.963"'


class WrittenRate(msgspec.Struct, forbid_unknown_fields=True):
    """A rate as a system writes it: a value, a count over another, or both."""

    name: Annotated[str, msgspec.Meta(max_length=64)]
    value: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    formula: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    count: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None
    of: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None


class ClaimedRate(msgspec.Struct, frozen=True):
    """A rate that a system claims; `step`: what the last written digit is worth."""

    rate: NamedRate
    written: str = ""
    value: Fraction | None = None
    step: Fraction = Fraction(0)
    count: int | None = None
    of: int | None = None


def read_rate(found: WrittenRate, path: str, report: Report) -> ClaimedRate | None:
    """Find the rate that is meant; or report what is wrong, and return None."""
    rate = by_any_name(found.name)
    if rate is None:
        known = f"unknown rate {shown(found.name)}; {did_you_mean(found.name, RATES)}"
        report.add(f"{path}.name", known, ClaimCode.RATE)
        return None
    if found.formula is not None:
        forms = {_plain(r.formula): r for r in RATES.values() if r.numerator == rate.numerator}
        named = forms.get(_plain(found.formula))
        if named is None:
            known = " or ".join(repr(r.formula) for r in forms.values())
            said = f"unknown formula {shown(found.formula)}; write {known}"
            report.add(f"{path}.formula", said, ClaimCode.RATE)
            return None
        rate = named
    if found.value is None and (found.count is None or found.of is None):
        report.add(path, "has neither a value nor a count and an `of`", ClaimCode.RATE)
        return None
    value, step = None, Fraction(0)
    if found.value is not None:
        match = _WRITTEN.fullmatch(found.value)
        if match is None:
            said = f"{shown(found.value)} is not a rate; {_WHAT}"
            report.add(f"{path}.value", said, ClaimCode.RATE)
            return None
        whole, digits, percent = match[1], match[2] or "", match[3]
        step = Fraction(1, 10 ** len(digits) * (100 if percent else 1))
        value = int(whole + digits) * step
    return ClaimedRate(rate, found.value or "", value, step, found.count, found.of)


def judge_rates(claimed: Sequence[ClaimedRate], counts: Counts, currency: str) -> Iterator[Finding]:
    """Judge claimed rates by what the customer was told."""
    for one in claimed:
        found = _judge(one, counts)
        if found is not None:
            kind, words = found
            yield Finding(
                kind=kind,
                amount_micros=0,
                units=0,
                currency=currency,
                total=f"rates.{one.rate.name}",
                detail=f"{one.rate.name} ({one.rate.japanese}): {words}",
            )


def _judge(claimed: ClaimedRate, counts: Counts) -> tuple[FindingKind, str] | None:
    rate = claimed.rate
    says = f"claims {_said(claimed)}"
    if rate.needs and getattr(counts, rate.numerator, None) is None:
        return _NONE, f"{says}, which nobody can know of a plain SMS: {_WHY[rate.needs]}"
    right = value_of(rate, counts)
    if right is None:
        return _NONE, f"{says}, but {rate.denominator} is 0: there is no such rate"
    due = f"{rate.formula} is {_counts(rate.numerator, rate.denominator, counts)}"
    numerator, denominator = getattr(counts, rate.numerator), getattr(counts, rate.denominator)
    right_count = claimed.count in (None, numerator)
    right_of = claimed.of in (None, denominator)
    if right_count and right_of and (claimed.value is None or _agrees(claimed, right)):
        return None
    for name in DENOMINATORS if right_count else ():
        other = getattr(counts, name)
        same = claimed.of in (None, other) and other
        if same and (claimed.value is None or _agrees(claimed, Fraction(numerator) / other)):
            words = f"{says}, which is {_counts(rate.numerator, name, counts)}; {due}"
            return FindingKind.DEFINITION_DIFFERS, words
    if right_count and claimed.count is not None and not right_of:
        words = f"{says}: the right count over a number that is none of ours; {due}"
        return FindingKind.DEFINITION_DIFFERS, words
    return FindingKind.RATE_DIFFERS, f"{says}; {due}"


_NONE = FindingKind.CANNOT_BE_KNOWN
_WHY = {
    "read receipts": "no carrier tells who has seen it",
    "links": "no message of this run has a link",
    "calls": "there are no calls in this run",
}


def _agrees(claimed: ClaimedRate, value: Fraction) -> bool:
    assert claimed.value is not None
    return -claimed.step / 2 <= value - claimed.value < claimed.step


def _said(claimed: ClaimedRate) -> str:
    parts = [claimed.written] if claimed.written else []
    if claimed.count is not None and claimed.of is not None:
        parts.append(f"{claimed.count:,} of {claimed.of:,}")
    return ", ".join(parts)


def _counts(numerator: str, denominator: str, counts: Counts) -> str:
    above, below = getattr(counts, numerator), getattr(counts, denominator)
    above = f"{above:,}" if isinstance(above, int) else f"{float(above):,g}"
    return f"{numerator} {above} / {denominator} {below:,}"


def _plain(formula: str) -> str:
    return re.sub(r"[\s_()]", "", formula)
