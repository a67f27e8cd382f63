"""The claimed totals against the claims' own rows and, as far as the rows bear it, the invoice.

The one rule: a difference that the rows' findings explain is not told a second time. So subtotal
and counts are held against the claims' own rows; the tax against the invoice where the rows sum to
the invoice's subtotal, else against its rate; the excluded units, which stand in no row, where
every row matches; and the total against any honest way to its sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.message import State
from simulator.verify.claim_rows import ClaimedState, ClaimRows
from simulator.verify.findings import Finding, FindingKind, counted, money

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.verify.claims import Claims
    from simulator.verify.facts import Facts
    from simulator.verify.findings import Totals

_OWN_ROWS = "its own rows"
_INVOICE = "the invoice"
_FRESH = (State.NONE, State.ACCEPTED, State.SCHEDULED)  # the reply to the request told that much


@dataclass(frozen=True, slots=True)
class Audit:
    """What is wrong with the totals, what was not compared, and why nothing can be concluded."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    invalid: tuple[str, ...]


def audit(claims: Claims, facts: Facts, totals: Totals | None, *, rows_match: bool) -> Audit:
    """Judge the document apart from its rows.

    Args:
        claims, facts, totals: as for `reconcile`.
        rows_match: no row has a finding.
    """
    ours = sorted({*facts.currencies, *([totals.currency] if totals else ())})
    invoice = totals if ours == [claims.currency] else None
    untold = facts.untold
    invalid = tuple(_invalid(claims, facts, totals, ours))
    other = [_currency(claims, ours[0])] if len(ours) == 1 and ours != [claims.currency] else []
    if claims.aggregates:
        found, notes = _aggregates(claims, facts, None if untold else invoice)
        return Audit((*found, *other), notes, invalid)
    rows = ClaimRows.of(claims.rows)
    subtotal = rows.micros_in_all
    findings = [*_counts(claims, rows)]
    compared = []
    said = claims.totals
    taxes: tuple[int, ...] = () if said.tax_micros is None else (said.tax_micros,)
    if invoice and invoice.subtotal_micros == subtotal:
        taxes = invoice.taxes_micros
        compared.append("tax")
    elif invoice and taxes and not invoice.is_tax_on(subtotal, taxes[0]):
        findings.append(_no_tax(claims, taxes[0], subtotal, invoice))
    findings += _amounts(claims, subtotal, taxes)
    if invoice and rows_match and not untold:
        due = invoice.excluded_units
        findings += _differ(claims, "excluded_units", said.excluded_units, due, _INVOICE)
        compared.append("excluded_units")
    stated = {"tax": said.tax_micros, "excluded_units": said.excluded_units}
    skipped = [n for n, value in stated.items() if value is not None and n not in compared]
    why = "there is none" if totals is None else _why(rows_match=rows_match, untold=untold)
    notes = (f"not compared with an invoice: {', '.join(skipped)} ({why})",) if skipped else ()
    return Audit((*findings, *other), notes, invalid)


def _aggregates(
    claims: Claims, facts: Facts, invoice: Totals | None
) -> tuple[list[Finding], tuple[str, ...]]:
    """Hold totals without rows against what was told, and against the invoice."""
    said, told = claims.totals, "what was told"
    found = [
        *_differ(claims, "accepted", said.accepted, len(facts), told),
        *_differ(claims, "delivered", said.delivered, _told(facts, State.DELIVERED), told),
        *_differ(claims, "units", said.units, facts.units_in_all, told),
    ]
    if facts.currencies in ([], [claims.currency]):
        due = facts.micros_in_all
        found += _differ(claims, "subtotal", said.subtotal_micros, due, told)
    if invoice is None:
        names = "excluded_units, tax and total"
        why = "there is none, or it bills more than the customer was told"
        return found, (f"the totals alone are claimed; not compared: {names} ({why})",)
    found += _differ(
        claims, "excluded_units", said.excluded_units, invoice.excluded_units, _INVOICE
    )
    taxes = invoice.taxes_micros
    if said.tax_micros not in taxes:
        found += _differ(claims, "tax", said.tax_micros, taxes[0], _INVOICE)
    if said.total_micros not in {invoice.subtotal_micros + tax for tax in taxes}:
        found += _differ(claims, "total", said.total_micros, invoice.total_micros, _INVOICE)
    return found, ("the totals alone are claimed: no message was judged by itself",)


def _told(facts: Facts, state: State) -> int:
    return int(np.count_nonzero(facts.told == state))


def _why(*, rows_match: bool, untold: int) -> str:
    if not rows_match:
        return "the rows differ already"
    if untold:
        return f"the customer was not told {counted(untold, 'final state')}"
    return "it bills another currency, or more than the customer was told"


def _counts(claims: Claims, rows: ClaimRows) -> Iterator[Finding]:
    said, delivered = claims.totals, rows.count(ClaimedState.DELIVERED)
    yield from _differ(claims, "accepted", said.accepted, len(rows), _OWN_ROWS)
    yield from _differ(claims, "delivered", said.delivered, delivered, _OWN_ROWS)
    yield from _differ(claims, "units", said.units, rows.units_in_all, _OWN_ROWS)


def _amounts(claims: Claims, subtotal: int, taxes: tuple[int, ...]) -> Iterator[Finding]:
    """Compare the amounts; `subtotal` is the rows', `taxes` are all right."""
    said = claims.totals
    yield from _differ(claims, "subtotal", said.subtotal_micros, subtotal, _OWN_ROWS)
    if said.tax_micros is None:
        return
    if said.tax_micros not in taxes:
        yield from _differ(claims, "tax", said.tax_micros, taxes[0], _INVOICE)
    honest = {subtotal + tax for tax in taxes}
    if said.subtotal_micros is not None:
        honest.add(said.subtotal_micros + said.tax_micros)
    if said.total_micros not in honest:
        yield from _differ(claims, "total", said.total_micros, subtotal + taxes[0], _OWN_ROWS)


_MONEY = frozenset({"subtotal", "tax", "total"})


def _differ(claims: Claims, name: str, said: int | None, due: int, by: str) -> Iterator[Finding]:
    if said is None or said == due:
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


def _no_tax(claims: Claims, said: int, subtotal: int, invoice: Totals) -> Finding:
    due, rate = invoice.tax_on(subtotal), f"{invoice.tax_bp / 100:g}%"
    seen, base, right = (money(n, claims.currency) for n in (said, subtotal, due))
    return Finding(
        kind=FindingKind.TOTALS_DIFFER,
        amount_micros=said - due,
        units=0,
        currency=claims.currency,
        total="tax",
        detail=f"totals.tax is {seen}; {rate} of {base} ({_OWN_ROWS}) is {right}",
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
    claims: Claims, facts: Facts, totals: Totals | None, ours: Sequence[str]
) -> Iterator[str]:
    if claims.empty and len(facts):
        yield f"the claims are empty, but the provider accepted {counted(len(facts), 'message')}"
    if len(ours) > 1:
        yield f"billed in {' and '.join(ours)}, but claims, version 1, have one currency"
    elif totals and not _balanced(facts, totals):
        yield "our own books are out of balance: the messages do not sum to the invoice"


def _balanced(facts: Facts, totals: Totals) -> bool:
    if totals.total_micros != totals.subtotal_micros + totals.tax_micros:
        return False
    fresh = np.isin(facts.told, _FRESH) & np.isin(facts.known, _FRESH)
    if ((facts.told != facts.known) & ~fresh).any():
        return True  # the invoice is by what is known, so the two need not agree
    sums = (facts.micros_in_all, facts.units_in_all)
    return sums == (totals.subtotal_micros, totals.charged_units)
