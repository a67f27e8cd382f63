"""What a plan costs: the ledger's own invoices, for the same outcomes under every policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.message import State
from simulator.core.number import japan_unassigned
from simulator.core.people import Habits, People
from simulator.core.tariff import POLICIES, invoice_tax
from simulator.plan.campaign import Campaign, Pace, Round, carried_out
from simulator.plan.hours import Hours
from simulator.plan.lives import Laws
from simulator.plan.outcomes import cells
from simulator.run.plan_bills import billed
from tests.worlds import DAY_US, START_US, account, sms, world

if TYPE_CHECKING:
    from simulator.plan.campaign import Sent
    from simulator.run.plan_bills import Billed

PEOPLE, UNITS = 300, 3
HABITS = {"JP": Habits("jp-direct", {"gone": 0.1, "absent": 0.5, "away": 0.4})}
NUMBERS = [japan_unassigned(i * 977) for i in range(PEOPLE)]
BODY = "あ" * 67 * UNITS


def planned(start_us: int = START_US, recipients: int = PEOPLE, country: str = "JP") -> Campaign:
    hours = Hours.of([(start_us, 2**61)])
    pace = Pace(start_us, recipients * UNITS * 1_000_000 // 90_000, {}, hours)  # over a day
    return Campaign(recipients, NUMBERS, country, "", (Round(0, UNITS),), pace)


def sent_from(start_us: int, recipients: int = PEOPLE, country: str = "JP") -> list[Sent]:
    campaign = planned(start_us, recipients, country)
    return carried_out(People(4, HABITS), Laws(4, can_reply=False), campaign, lambda _: None)[1]


def bill_of(name: str, rounds: list[Sent], recipients: int = PEOPLE, **settings: Any) -> Billed:
    outcomes = list(cells(rounds, recipients, PEOPLE))
    return billed(name, account(**settings), outcomes, rounds, planned(recipients=recipients))


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("country", ["JP", "FR"])
@pytest.mark.parametrize("into_month", [0, 28])
def test_the_invoices_are_those_of_the_ledger(name: str, country: str, into_month: int) -> None:
    rounds = sent_from(START_US + into_month * DAY_US, country=country)
    made = world(account(policy=name), seed=4, habits=HABITS)
    for to, at in zip(NUMBERS, rounds[0].accepted_us.tolist(), strict=True):
        while (due_us := made.gateway.next_due()) is not None and due_us <= at:
            made.gateway.run_due(at)
        made.gateway.submit(sms(to, BODY, country=country, can_reply=False), at)
    while (due_us := made.gateway.next_due()) is not None:
        made.gateway.run_due(due_us + DAY_US)
    invoices = bill_of(name, rounds).invoices
    assert list(invoices) == made.ledger.invoices()
    assert len(invoices) == (2 if into_month else 1)


def test_success_and_request_billing_differ_by_exactly_the_failed_units() -> None:
    recipients = 1_234_567
    rounds = sent_from(START_US, recipients)
    success = bill_of("jp-success-billed", rounds, recipients)
    request = bill_of("jp-request-billed", rounds, recipients)
    (paid,), (asked) = success.invoices, request.invoices[0]
    failed = sum(
        cell.units * cell.messages
        for cell in cells(rounds, recipients, PEOPLE)
        if cell.state is not State.DELIVERED
    )
    assert asked.units == UNITS * recipients
    assert asked.units - paid.units == failed == paid.excluded_units
    price = POLICIES["jp-success-billed"].price_micros
    assert asked.subtotal_micros - paid.subtotal_micros == failed * price


def test_a_flat_price_does_not_ask_how_long_a_text_is() -> None:
    rounds = sent_from(START_US)
    flat, by_unit = bill_of("jp-flat-15", rounds), bill_of("jp-success-billed", rounds)
    assert flat.invoices[0].subtotal_micros * UNITS == by_unit.invoices[0].subtotal_micros


def test_tax_is_rounded_once_on_each_invoice() -> None:
    settings = {"price_micros": 3_330_000, "currency": "JPY", "tax_bp": 1_000}
    rounds = sent_from(START_US + 28 * DAY_US)
    bill = bill_of("jp-success-billed", rounds, **settings)
    assert len(bill.invoices) == 2
    for invoice in bill.invoices:
        assert invoice.tax_micros == invoice_tax(bill.policy, invoice.subtotal_micros)
    assert bill.total == sum(i.subtotal_micros + i.tax_micros for i in bill.invoices)


def test_an_accounts_price_holds_only_in_its_own_currency() -> None:
    rounds = sent_from(START_US)
    settings = {"price_micros": 9_000_000, "currency": "JPY"}
    assert bill_of("jp-request-billed", rounds, **settings).policy.price_micros == 9_000_000
    assert bill_of("twilio", rounds, **settings).policy == POLICIES["twilio"]


def test_an_accounts_price_is_not_laid_over_a_flat_one_that_is_not_its_own() -> None:
    rounds = sent_from(START_US)
    for policy, micros in (("jp-success-billed", 15_000_000), ("jp-flat-15", 8_000_000)):
        own = {"price_micros": 8_000_000, "currency": "JPY", "policy": policy}
        assert bill_of("jp-flat-15", rounds, **own).policy.price_micros == micros
        assert bill_of("jp-request-billed", rounds, **own).policy.price_micros == 8_000_000


def test_what_everybody_is_billed_for_has_no_interval_and_what_nobody_escaped_has_one() -> None:
    rounds = sent_from(START_US)
    request = bill_of("jp-request-billed", rounds, 10_000)
    assert request.charged == (30_000, 30_000, 30_000)
    few = Campaign(10_000, NUMBERS[:10], "JP", "", (Round(0, UNITS),), planned().pace)
    nobody_fails = {"JP": Habits("jp-direct", {"gone": 0.0, "absent": 0.0, "away": 0.0})}
    laws = Laws(4, can_reply=False)
    rounds = carried_out(People(4, nobody_fails), laws, few, lambda _: None)[1]
    outcomes = list(cells(rounds, 10_000, 10))
    success = billed("jp-success-billed", account(), outcomes, rounds, few)
    assert success.charged.expected == success.charged.high == 30_000
    assert success.charged.low < 29_000  # of ten people that is all that can be known


def test_the_scaled_outcomes_add_up_and_lie_in_their_intervals() -> None:
    recipients = 10_000_019
    rounds = sent_from(START_US, recipients)
    outcomes = list(cells(rounds, recipients, PEOPLE))
    assert sum(cell.messages for cell in outcomes) == recipients
    for name in POLICIES:
        bill = bill_of(name, rounds, recipients)
        units = sum(invoice.units for invoice in bill.invoices)
        assert bill.charged.low <= units <= bill.charged.high
        assert bill.total_micros.low <= bill.total <= bill.total_micros.high
