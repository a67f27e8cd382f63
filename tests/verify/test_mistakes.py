"""Honest claims have no finding; one mistake has one, of the right class, with its exact amount."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from examples.outreach import claims as books
from examples.outreach.bugs import BUGS, Witness
from simulator.core.message import State
from simulator.core.tariff import POLICIES, Policy
from simulator.verify.claims import ClaimedState, ClaimedTotals, Claims, parse_claims
from simulator.verify.findings import FindingKind
from simulator.verify.reconcile import CLAIMABLE
from tests.verify.honest_books import (
    TOLD,
    YEN,
    Books,
    books_of,
    honest_books,
    repeatable,
    with_row,
    with_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.verify.facts import Fact


@repeatable
@given(honest_books())
def test_honest_claims_have_no_finding(honest: Books) -> None:
    judged = honest.judged()
    assert judged.findings == ()
    assert judged.matched == len(honest.facts) == judged.claimed == judged.accepted
    assert (judged.notes, judged.invalid, judged.amount_micros) == ((), (), 0)


Mistake = tuple[Claims, FindingKind, int]


def another_state(honest: Books, n: int, fact: Fact) -> Mistake:
    wrong = next(s for s in ClaimedState if s not in CLAIMABLE[fact.told])
    return with_row(honest, n, state=wrong), FindingKind.STATE_DIFFERS, 0


def another_state_and_its_bill(honest: Books, n: int, fact: Fact) -> Mistake:
    wrong = next(s for s in ClaimedState if s not in CLAIMABLE[fact.told])
    claims = with_row(honest, n, state=wrong, units=99, micros=fact.micros + 7 * YEN)
    return claims, FindingKind.STATE_DIFFERS, 7 * YEN


def billed_though_excluded(honest: Books, n: int, fact: Fact) -> Mistake:
    assume(not fact.units)
    claims = with_row(honest, n, units=2, micros=fact.micros + 30 * YEN)
    return claims, FindingKind.BILLED_THOUGH_EXCLUDED, 30 * YEN


def billed_without_units_though_excluded(honest: Books, n: int, fact: Fact) -> Mistake:
    assume(not fact.units and not fact.micros)
    return with_row(honest, n, micros=1), FindingKind.BILLED_THOUGH_EXCLUDED, 1


def not_billed_though_charged(honest: Books, n: int, fact: Fact) -> Mistake:
    assume(fact.units or fact.micros)  # a fee alone is a charge as well
    claims = with_row(honest, n, units=0, micros=0)
    return claims, FindingKind.NOT_BILLED_THOUGH_CHARGED, -fact.micros


def other_units(honest: Books, n: int, fact: Fact) -> Mistake:
    assume(fact.units)
    return with_row(honest, n, units=fact.units + 1), FindingKind.UNITS_DIFFER, 0


def other_units_and_their_price(honest: Books, n: int, fact: Fact) -> Mistake:
    assume(fact.units)
    claims = with_row(honest, n, units=fact.units + 1, micros=fact.micros + 15 * YEN)
    return claims, FindingKind.UNITS_DIFFER, 15 * YEN


def another_amount(honest: Books, n: int, fact: Fact) -> Mistake:
    assume(fact.micros)
    return with_row(honest, n, micros=fact.micros + 1), FindingKind.AMOUNT_DIFFERS, 1


def a_lost_row(honest: Books, n: int, fact: Fact) -> Mistake:
    rows = [row for m, row in enumerate(honest.claims.rows) if m != n]
    return with_rows(honest, rows), FindingKind.LOST_BY_SYSTEM, -fact.micros


def an_invented_row(honest: Books, n: int, _fact: Fact) -> Mistake:
    row = honest.claims.rows[n]
    stranger = msgspec.structs.replace(row, own_id="stranger", provider_id="", micros=3 * YEN)
    claims = with_rows(honest, [stranger, *honest.claims.rows])
    return claims, FindingKind.UNKNOWN_TO_US, 3 * YEN


def a_row_claimed_again(honest: Books, n: int, fact: Fact) -> Mistake:
    row = honest.claims.rows[n]
    claims = with_rows(honest, [*honest.claims.rows, row])
    return claims, FindingKind.CLAIMED_TWICE, fact.micros


def another_currency(honest: Books, _n: int, _fact: Fact) -> Mistake:
    return replace(honest.claims, currency="EUR"), FindingKind.CURRENCY_DIFFERS, 0


def another_total(name: str) -> Callable[[Books, int, Fact], Mistake]:
    def mistake(honest: Books, _n: int, _fact: Fact) -> Mistake:
        totals = honest.claims.totals
        wrong = msgspec.structs.replace(totals, **{name: getattr(totals, name) + 1})
        amount = 1 if name.endswith("_micros") else 0
        return replace(honest.claims, totals=wrong), FindingKind.TOTALS_DIFFER, amount

    mistake.__name__ = f"another_total_{name}"
    return mistake


MISTAKES = [
    another_state,
    another_state_and_its_bill,
    billed_though_excluded,
    billed_without_units_though_excluded,
    not_billed_though_charged,
    other_units,
    other_units_and_their_price,
    another_amount,
    a_lost_row,
    an_invented_row,
    a_row_claimed_again,
    another_currency,
    *map(another_total, ClaimedTotals.__struct_fields__),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.__name__)
@settings(repeatable, max_examples=60)
@given(honest=honest_books(), data=st.data())
def test_one_mistake_is_one_finding_of_its_class_with_its_amount(
    mistake: Callable[[Books, int, Fact], Mistake], honest: Books, data: st.DataObject
) -> None:
    n = data.draw(st.integers(0, len(honest.facts) - 1))
    claims, kind, amount = mistake(honest, n, honest.facts[n])
    judged = honest.judged(claims)
    assert [(f.kind, f.amount_micros) for f in judged.findings] == [(kind, amount)]
    assert judged.counts == {k: int(k is kind) for k in FindingKind}
    assert judged.amount_micros == (0 if kind is FindingKind.TOTALS_DIFFER else amount)
    assert judged.findings[0].words


def test_a_forgotten_fee_is_a_charge_that_is_not_billed() -> None:
    honest = books_of((State.FAILED, 3), policy=POLICIES["twilio"])
    (found,) = honest.judged(with_row(honest, 0, micros=0)).findings
    assert (found.kind, found.amount_micros) == (FindingKind.NOT_BILLED_THOUGH_CHARGED, -1000)


def example_claims(honest: Books) -> list[books.Claim]:
    """Make the outreach example's own claims of these books."""
    return [
        books.Claim(
            own_id=claim.own_id,
            provider_id=claim.provider_id or None,
            to=claim.to,
            state=claim.state.value,
            units=claim.units,
            amount=Decimal(claim.micros) / YEN,
            segments=2,
            excluded_units=due.excluded_units,
        )
        for claim, due in zip(honest.claims.rows, honest.bills, strict=True)
    ]


def example_statement(rows: list[books.Claim], policy: Policy) -> books.Statement:
    amounts, percent = [row.amount for row in rows], Decimal(policy.tax_bp) / 100
    tax = books.tax(amounts, percent, policy.currency)
    return books.Statement(rows, tax, books.reached([row.state for row in rows]))


def example_report(said: books.Statement, policy: Policy) -> Claims:
    return parse_claims(msgspec.json.encode(books.report(said, policy.currency)))


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda p: p.name)
@pytest.mark.parametrize(
    ("bug", "kind"),
    [
        ("bill-undelivered", FindingKind.BILLED_THOUGH_EXCLUDED),
        ("sent-is-delivered", FindingKind.STATE_DIFFERS),
    ],
)
def test_the_findings_are_exactly_what_the_example_confesses(
    bug: str, kind: FindingKind, policy: Policy
) -> None:
    honest = books_of(*((told, 2) for told in TOLD * 3), policy=policy)
    price = Decimal(policy.price_micros) / YEN
    rows = example_claims(honest)
    right = example_statement(rows, policy)
    spoil = BUGS[bug].ways.claim
    wrong = example_statement([spoil(claim, price) for claim in rows], policy)
    lines = Witness(bug).confession(wrong, right, ()).splitlines()
    confessed = [msgspec.json.decode(line) for line in lines]
    assert honest.judged(example_report(right, policy)).findings == ()

    judged = honest.judged(example_report(wrong, policy))
    assert {f.kind for f in judged.findings} == ({kind} if confessed else set())
    assert {(f.own_id, Decimal(f.amount_micros) / YEN) for f in judged.findings} == {
        (line["own_id"], Decimal(line["amount_wrong"])) for line in confessed
    }
    assert len(judged.findings) == len(confessed)
    assert confessed or policy.name == "jp-request-billed"  # where all is billed, it is no bug
    assert Decimal(judged.amount_micros) / YEN == sum(Decimal(x["amount_wrong"]) for x in confessed)
