"""The totals, the invoice, the currency: what the rows do not explain, and what proves nothing."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from simulator.core.message import State
from simulator.verify.claims import ClaimedState, ClaimedTotals
from simulator.verify.findings import FindingKind
from simulator.verify.reconcile import reconcile
from tests.verify.honest_books import YEN, books_of, kinds, with_row, with_rows


def test_empty_claims_are_no_judgement() -> None:
    honest = books_of((State.DELIVERED, 1), (State.DELIVERED, 1))
    judged = honest.judged(with_rows(honest, []))
    assert judged.invalid == ("the claims are empty, but the provider accepted 2 messages",)


def test_empty_claims_are_right_where_nothing_was_accepted() -> None:
    judged = books_of().judged()
    assert (judged.findings, judged.invalid) == ((), ())


def test_a_currency_that_differs_is_one_finding_and_states_are_still_judged() -> None:
    honest = books_of((State.DELIVERED, 1), (State.DELIVERED, 1))
    claims = replace(with_row(honest, 1, state=ClaimedState.SENT), currency="USD")
    judged = honest.judged(claims)
    assert kinds(judged) == [FindingKind.STATE_DIFFERS, FindingKind.CURRENCY_DIFFERS]
    assert judged.amount_micros == 0


def test_messages_billed_in_two_currencies_are_no_judgement() -> None:
    honest = books_of((State.DELIVERED, 1), (State.DELIVERED, 1))
    facts = [honest.facts[0], msgspec.structs.replace(honest.facts[1], currency="USD")]
    judged = reconcile(honest.claims, facts, honest.totals)
    assert judged.invalid == ("billed in JPY and USD, but claims, version 1, have one currency",)


def test_books_out_of_balance_are_no_judgement() -> None:
    honest = books_of((State.DELIVERED, 1))
    totals = msgspec.structs.replace(honest.totals, charged_units=2)
    judged = reconcile(honest.claims, honest.facts, totals)
    assert judged.invalid[0].startswith("our own books are out of balance")


def test_a_tax_that_follows_from_wrong_rows_is_not_a_second_finding() -> None:
    honest = books_of((State.UNDELIVERED, 1), (State.DELIVERED, 1))
    judged = honest.judged(with_row(honest, 0, units=1, micros=15 * YEN))
    assert kinds(judged) == [FindingKind.BILLED_THOUGH_EXCLUDED]
    assert judged.notes == (
        "not compared with an invoice: tax, excluded_units (the rows differ already)",
    )


def test_a_tax_is_held_against_its_rate_where_the_invoice_is_of_other_rows() -> None:
    honest = books_of((State.UNDELIVERED, 1), (State.DELIVERED, 1))
    invoice = msgspec.structs.replace(honest.totals, tax_bp=1000, minor_micros=YEN)
    claims = with_row(honest, 0, units=1, micros=15 * YEN)
    assert kinds(reconcile(claims, honest.facts, invoice)) == [FindingKind.BILLED_THOUGH_EXCLUDED]
    said = msgspec.structs.replace(claims.totals, tax_micros=999 * YEN, total_micros=1029 * YEN)
    judged = reconcile(replace(claims, totals=said), honest.facts, invoice)
    assert kinds(judged) == [FindingKind.BILLED_THOUGH_EXCLUDED, FindingKind.TOTALS_DIFFER]
    assert judged.findings[1].words == (
        "totals.tax is 999 JPY; 10% of 30 JPY (its own rows) is 3 JPY"
    )
    assert judged.findings[1].amount_micros == 996 * YEN
    months = msgspec.structs.replace(invoice, invoices=2)
    assert [months.is_tax_on(30 * YEN, tax * YEN) for tax in (1, 2, 3, 4)] == [0, 1, 1, 0]


def test_aggregates_that_state_nothing_are_empty() -> None:
    honest = books_of((State.DELIVERED, 1))
    nothing = replace(honest.claims, rows=(), totals=ClaimedTotals(), aggregates=True)
    assert honest.judged(nothing).invalid == (
        "the claims are empty, but the provider accepted 1 message",
    )
    one = replace(nothing, totals=ClaimedTotals(accepted=1))
    assert (honest.judged(one).invalid, honest.judged(one).findings) == ((), ())


def test_a_wrong_tax_and_the_total_that_follows_from_it_are_one_finding() -> None:
    honest = books_of((State.DELIVERED, 1))
    totals = msgspec.structs.replace(
        honest.claims.totals, tax_micros=1_500_000, total_micros=16_500_000
    )
    (found,) = honest.judged(replace(honest.claims, totals=totals)).findings
    assert (found.total, found.amount_micros) == ("tax", 500_000)
    assert found.words == "totals.tax is 1.5 JPY; by the invoice 1 JPY"


def test_a_tax_rounded_once_over_two_months_is_right_and_so_is_one_for_each() -> None:
    honest = books_of((State.DELIVERED, 1), (State.DELIVERED, 1))
    by_month = msgspec.structs.replace(
        honest.totals, tax_micros=2 * YEN, total_micros=32 * YEN, tax_once_micros=3 * YEN
    )
    once = honest.claims
    monthly = replace(
        once, totals=msgspec.structs.replace(once.totals, tax_micros=2 * YEN, total_micros=32 * YEN)
    )
    assert once.totals.tax_micros == 3 * YEN
    assert reconcile(once, honest.facts, by_month).findings == ()
    assert reconcile(monthly, honest.facts, by_month).findings == ()
    assert kinds(honest.judged(monthly)) == [FindingKind.TOTALS_DIFFER]


def test_without_an_invoice_the_totals_are_held_against_the_rows_alone_and_it_is_said() -> None:
    honest = books_of((State.DELIVERED, 1))
    totals = msgspec.structs.replace(honest.claims.totals, units=5, tax_micros=0)
    judged = reconcile(replace(honest.claims, totals=totals), honest.facts)
    assert [f.total for f in judged.findings] == ["total", "units"]
    assert judged.notes == ("not compared with an invoice: tax, excluded_units (there is none)",)


def test_what_the_customer_was_not_told_is_counted_and_no_finding() -> None:
    honest = books_of((State.SENT, 1), (State.DELIVERED, 1))
    facts = [msgspec.structs.replace(honest.facts[0], known=State.UNDELIVERED), honest.facts[1]]
    totals = msgspec.structs.replace(honest.totals, excluded_units=1)
    judged = reconcile(honest.claims, facts, totals)
    assert (judged.findings, judged.untold, judged.invalid) == ((), 1, ())
    assert judged.notes == (
        "not compared with an invoice: excluded_units (the customer was not told 1 final state)",
    )


def test_what_happened_otherwise_than_the_carrier_says_is_counted_and_no_finding() -> None:
    honest = books_of((State.DELIVERED, 1), (State.SENT, 1), (State.SENT, 1))
    fates = [State.UNDELIVERED, State.DELIVERED, State.NONE]
    facts = [msgspec.structs.replace(f, fate=s) for f, s in zip(honest.facts, fates, strict=True)]
    judged = reconcile(honest.claims, facts, honest.totals)
    assert (judged.findings, judged.carrier_gap) == ((), 2)


def test_a_row_passes_the_notes_of_the_reading_on() -> None:
    honest = books_of((State.DELIVERED, 1))
    claims = replace(honest.claims, notes=("a byte order mark was passed over",))
    assert honest.judged(claims).notes == ("a byte order mark was passed over",)
