"""The claimed totals against the claims' own rows and, as far as the rows bear it, the invoice.

The one rule: a difference that the rows' findings explain is not told a second time. So subtotal
and counts are held against the claims' own rows; the tax against the invoice where the rows sum to
the invoice's subtotal; the excluded units, which stand in no row, where every row matches; and the
total against any honest way to its sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.core.message import State
from simulator.verify.claims import ClaimedState
from simulator.verify.findings import Finding, FindingKind, counted, money

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.verify.claims import Claims
    from simulator.verify.findings import Fact, Totals

_OWN_ROWS = "its own rows"
_INVOICE = "the invoice"
_FRESH = (State.NONE, State.ACCEPTED, State.SCHEDULED)  # the reply to the request told that much


@dataclass(frozen=True, slots=True)
class Audit:
    """What is wrong with the totals, what was not compared, and why nothing can be concluded."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    invalid: tuple[str, ...]


def audit(
    claims: Claims, facts: Sequence[Fact], totals: Totals | None, *, rows_match: bool, untold: int
) -> Audit:
    """Judge the document apart from its rows.

    Args:
        claims, facts, totals: as for `reconcile`.
        rows_match: no row has a finding.
        untold: messages whose final state the provider knows and the customer does not.
    """
    ours = sorted({f.currency for f in facts} | ({totals.currency} if totals else set()))
    invoice = totals if ours == [claims.currency] else None
    subtotal = sum(row.micros for row in claims.rows)
    findings = [*_counts(claims)]
    compared = []
    taxes: tuple[int, ...] = (claims.totals.tax_micros,)
    if invoice and invoice.subtotal_micros == subtotal:
        taxes = invoice.taxes_micros
        compared.append("tax")
    findings += _amounts(claims, subtotal, taxes)
    if invoice and rows_match and not untold:
        due, said = invoice.excluded_units, claims.totals.excluded_units
        findings += _differ(claims, "excluded_units", said, due, _INVOICE)
        compared.append("excluded_units")
    if len(ours) == 1 and ours != [claims.currency]:
        findings.append(_currency(claims, ours[0]))
    skipped = [name for name in ("tax", "excluded_units") if name not in compared]
    why = "there is none" if totals is None else _why(rows_match=rows_match, untold=untold)
    notes = (f"not compared with an invoice: {', '.join(skipped)} ({why})",) if skipped else ()
    return Audit(tuple(findings), notes, tuple(_invalid(claims, facts, totals, ours)))


def _why(*, rows_match: bool, untold: int) -> str:
    if not rows_match:
        return "the rows differ already"
    if untold:
        return f"the customer was not told {counted(untold, 'final state')}"
    return "it bills another currency, or more than the customer was told"


def _counts(claims: Claims) -> Iterator[Finding]:
    said, rows = claims.totals, claims.rows
    delivered = sum(row.state is ClaimedState.DELIVERED for row in rows)
    yield from _differ(claims, "accepted", said.accepted, len(rows), _OWN_ROWS)
    yield from _differ(claims, "delivered", said.delivered, delivered, _OWN_ROWS)
    yield from _differ(claims, "units", said.units, sum(row.units for row in rows), _OWN_ROWS)


def _amounts(claims: Claims, subtotal: int, taxes: tuple[int, ...]) -> Iterator[Finding]:
    """Compare the amounts; `subtotal` is the rows', `taxes` are all right."""
    said = claims.totals
    yield from _differ(claims, "subtotal", said.subtotal_micros, subtotal, _OWN_ROWS)
    if said.tax_micros not in taxes:
        yield from _differ(claims, "tax", said.tax_micros, taxes[0], _INVOICE)
    honest = {said.subtotal_micros + said.tax_micros, *(subtotal + tax for tax in taxes)}
    if said.total_micros not in honest:
        yield from _differ(claims, "total", said.total_micros, subtotal + taxes[0], _OWN_ROWS)


_MONEY = frozenset({"subtotal", "tax", "total"})


def _differ(claims: Claims, name: str, said: int, due: int, by: str) -> Iterator[Finding]:
    if said == due:
        return
    is_money = name in _MONEY
    seen, right = (money(n, claims.currency) if is_money else f"{n:,}" for n in (said, due))
    yield Finding(
        kind=FindingKind.TOTALS_DIFFER,
        amount_micros=said - due if is_money else 0,
        units=0 if is_money else said - due,
        currency=claims.currency,
        total=name,
        detail=f"totals.{name} is {seen}; by {by} {right}",
    )


def _currency(claims: Claims, ours: str) -> Finding:
    return Finding(
        kind=FindingKind.CURRENCY_DIFFERS,
        amount_micros=0,
        units=0,
        currency=claims.currency,
        detail=f"claims amounts in {claims.currency}, billed in {ours}: no amount was compared",
    )


def _invalid(
    claims: Claims, facts: Sequence[Fact], totals: Totals | None, ours: Sequence[str]
) -> Iterator[str]:
    if claims.empty and facts:
        yield f"the claims are empty, but the provider accepted {counted(len(facts), 'message')}"
    if len(ours) > 1:
        yield f"billed in {' and '.join(ours)}, but claims, version 1, have one currency"
    elif totals and not _balanced(facts, totals):
        yield "our own books are out of balance: the messages do not sum to the invoice"


def _balanced(facts: Sequence[Fact], totals: Totals) -> bool:
    if totals.total_micros != totals.subtotal_micros + totals.tax_micros:
        return False
    if any(f.told is not f.known and not (f.told in _FRESH and f.known in _FRESH) for f in facts):
        return True  # the invoice is by what is known, so the two need not agree
    sums = (sum(f.micros for f in facts), sum(f.units for f in facts))
    return sums == (totals.subtotal_micros, totals.charged_units)
