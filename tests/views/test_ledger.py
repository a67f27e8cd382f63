"""The book: its lines add up to the messages' bills, month by month of local time."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.cause import Cause
from simulator.core.command import Cancel
from simulator.core.message import Message, State
from simulator.core.tariff import POLICIES, EntryKind, bill
from simulator.views.ledger import INVOICE_HEAD, Invoice, policy_of
from tests.worlds import (
    DAY_US,
    HOUR_US,
    LONG_US,
    MINUTE_US,
    SECOND_US,
    START_US,
    account,
    campaign,
    habits,
    phone,
    run,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from simulator.engine.world import World

ACCOUNTS = {
    "success": account("success", policy="jp-success-billed"),
    "request": account("request", policy="jp-request-billed"),
    "twilio": account("twilio", policy="twilio"),
    "own": account("own", policy="jp-success-billed", price_micros=8_000_000, tax_bp=800),
}
LONG_TEXT = "あ" * 140  # three segments


def instant(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * SECOND_US


def messages(of: World) -> list[Message]:
    found = [of.store.get(key) for shelf in of.store.shelves.values() for key in shelf.keys]
    return [message for message in found if message is not None and not message.inbound]


def billed(of: World) -> dict[str, Counter[str]]:
    """Add up the bills of every message, one by one."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for message in messages(of):
        policy = policy_of(of.account(message.account))
        due = bill(policy, message.segments, message.state, message.cause)
        sums[message.account].update(
            units=due.units,
            excluded=due.excluded_units,
            pending=message.segments - due.units - due.excluded_units,
            micros=due.micros,
        )
    return sums


def booked(of: World) -> dict[str, Counter[str]]:
    """Add up the invoices."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for book in of.ledger.books:
        invoices = [book.invoice(month) for month in book.months]
        for invoice in invoices:
            sums[invoice.account].update(
                units=invoice.units,
                excluded=invoice.excluded_units,
                micros=invoice.subtotal_micros,
            )
        sums[book.account].update(pending=invoices[-1].pending_units)
    return sums


def only(of: World) -> Invoice:
    (invoice,) = of.ledger.invoices()
    return invoice


@settings(derandomize=True, database=None, deadline=None, max_examples=80)
@given(
    st.integers(0, 1000),
    st.sampled_from([0, 5 * SECOND_US, HOUR_US, 3 * DAY_US, LONG_US]),
    st.booleans(),
)
def test_the_book_is_the_sum_of_the_bills_at_any_instant(
    seed: int, after_us: int, cancel: bool
) -> None:
    people = habits(gone=0.2, absent=0.5, away=0.1, reply=0.2, noticed=1.0, opened=1.0)
    here = world(*ACCOUNTS.values(), seed=seed, habits=people)
    for n, name in enumerate(ACCOUNTS):
        for i in range(15):
            abroad = {"to": "+33612345678", "country": "FR"} if i % 7 == n else {}
            late = {"validity_us": 1} if i % 5 == n else {}
            text = LONG_TEXT if i % 2 else "Hello"
            made = {"to": phone(i % 9), "body": text, "account": name, **abroad, **late}
            message = send(here, sms(**made))
            if cancel and i % 4 == 0:
                here.gateway.submit(Cancel(message.key), START_US)
    run(here, START_US + after_us)
    assert booked(here) == billed(here)
    assert here.faults() == []


@pytest.mark.parametrize("name", ACCOUNTS)
def test_provisional_is_what_was_accepted_and_on_no_invoice(name: str) -> None:
    here = world(*ACCOUNTS.values())
    list(campaign(here, 20, 20, gap_us=0, account=name))
    (book,) = (book for book in here.ledger.books if book.account == name)
    lines = book.lines("2025-06")
    (provisional,) = ((n, line) for n, line in lines if line.kind is EntryKind.PROVISIONAL)
    assert provisional[0] == 20
    by_request = name == "request"
    assert only(here).subtotal_micros == (300_000_000 if by_request else 0)
    assert only(here).pending_units == (0 if by_request else 20)


def test_the_same_outcomes_under_success_and_request_billing_differ_by_the_failed_units() -> None:
    here = world(*ACCOUNTS.values(), habits=habits(gone=0.3, away=0.2))
    for name in ("success", "request"):
        for i in range(200):
            send(here, sms(phone(i), LONG_TEXT, account=name))
    run(here, START_US + LONG_US)
    request, success = sorted(here.ledger.invoices(), key=lambda i: i.account)
    assert (request.account, success.account) == ("request", "success")
    assert request.units == 600
    assert request.units - success.units == success.excluded_units > 100
    difference = request.subtotal_micros - success.subtotal_micros
    assert difference == success.excluded_units * 15_000_000


def test_an_invoice_leaves_out_what_never_arrived_by_cause() -> None:
    here = world(habits=habits(gone=0.5))
    list(campaign(here, 100, 100))
    run(here, START_US + LONG_US)
    invoice = only(here)
    tally = here.truth.tally("shop")
    failed = tally.fated(State.UNDELIVERED)
    assert invoice.excluded == {Cause.NOT_IN_USE: failed}
    assert invoice.units == 100 - failed == tally.fated(State.DELIVERED)
    assert invoice.subtotal_micros == invoice.units * 15_000_000
    assert invoice.tax_micros == invoice.units * 1_500_000 // 1_000_000 * 1_000_000
    assert invoice.total_micros == invoice.subtotal_micros + invoice.tax_micros
    assert (invoice.currency, invoice.policy, invoice.month) == (
        "JPY",
        "jp-success-billed",
        "2025-06",
    )


def test_tax_is_rounded_once_per_invoice() -> None:
    here = world(habits=habits())
    list(campaign(here, 3, 3))
    run(here, START_US + LONG_US)
    assert (only(here).subtotal_micros, only(here).tax_micros) == (45_000_000, 4_000_000)


def test_twilios_fee_is_on_the_invoice_beside_no_units() -> None:
    here = world(ACCOUNTS["twilio"])
    for to, more in (("+33612345678", {}), (phone(0), {"validity_us": 1})):
        send(here, sms(to, account="twilio", country="FR" if not more else "JP", **more))
    run(here, START_US + LONG_US)
    invoice = only(here)
    assert (invoice.units, invoice.excluded_units) == (0, 2)
    assert invoice.fees_micros == invoice.subtotal_micros == 1_000
    assert invoice.excluded == {Cause.NO_ROUTE: 1, Cause.TOO_LATE: 1}


# Months.


@pytest.mark.parametrize(
    ("policy", "last_of_june"),
    [
        ("jp-success-billed", instant(2025, 6, 30, 14, 59, 59)),  # in Japan it is nine hours later
        ("twilio", instant(2025, 6, 30, 23, 59, 59)),
    ],
)
def test_months_end_by_the_policys_own_clock(policy: str, last_of_june: int) -> None:
    here = world(account(policy=policy), habits=habits())
    for at_us in (last_of_june, last_of_june + SECOND_US, instant(2025, 7, 31, 12)):
        run(here, at_us)
        send(here, sms(), at_us)
    provisional = {
        month: sum(n for n, line in book.lines(month) if line.kind is EntryKind.PROVISIONAL)
        for book in here.ledger.books
        for month in book.months
    }
    assert provisional == {"2025-06": 1, "2025-07": 2}


def test_what_was_accepted_in_june_and_delivered_in_july_is_on_julys_invoice() -> None:
    here = world(habits=habits())
    midnight = instant(2025, 6, 30, 15)
    send(here, sms(), midnight - 1)
    run(here, midnight + MINUTE_US)
    june, july = here.ledger.invoices()
    assert (june.month, june.units, june.pending_units, june.total_micros) == ("2025-06", 0, 1, 0)
    assert (july.month, july.units, july.pending_units) == ("2025-07", 1, 0)
    assert july.total_micros == 16_000_000


@pytest.mark.parametrize("name", ACCOUNTS)
def test_until_the_end_of_each_month_what_was_accepted_is_charged_left_out_or_open(
    name: str,
) -> None:
    here = world(*ACCOUNTS.values(), habits=habits(gone=0.3, absent=0.5, away=0.1))
    month_ends = [instant(2025, month, 30, 15) for month in (6, 8, 9)]
    for month_end in month_ends:
        for i in range(30):
            run(here, month_end - (30 - i) * SECOND_US)
            send(here, sms(phone(i), account=name), month_end - (30 - i) * SECOND_US)
    run(here, month_ends[-1] + LONG_US)
    invoices = [invoice for invoice in here.ledger.invoices() if invoice.account == name]
    accepted = settled = 0
    for invoice in invoices:
        lines = next(b for b in here.ledger.books if b.account == name).lines(invoice.month)
        accepted += sum(n * line.units for n, line in lines if line.kind is EntryKind.PROVISIONAL)
        settled += invoice.units + invoice.excluded_units
        assert invoice.pending_units == accepted - settled >= 0, invoice
    assert (accepted, invoices[-1].pending_units) == (90, 0)


@pytest.mark.parametrize(("year", "month"), [(2024, 2), (2025, 2), (2025, 12), (2026, 1)])
def test_every_month_has_its_own_sheet_whatever_its_length(year: int, month: int) -> None:
    here = world(account(policy="twilio"), habits=habits())
    turn = instant(year + month // 12, month % 12 + 1, 1)
    book = here.ledger.books[0]
    step = (1, State.NONE, State.ACCEPTED, Cause.NONE)
    for at_us in (turn - 1, turn, instant(year, month, 1), turn - 1):
        book.write(step, at_us)
    sheets = {name: sum(sheet.values()) for name, sheet in book.months.items()}
    following = f"{year + month // 12}-{month % 12 + 1:02d}"
    assert sheets == {f"{year}-{month:02d}": 3, following: 1}
    book.months.clear()


# Accounts.


def test_an_account_begins_a_new_book_with_a_new_policy_and_keeps_it_with_the_same() -> None:
    here = world(account())
    here.configure(account(quota=5))
    assert len(here.ledger.books) == 1
    here.configure(account(price_micros=1))
    assert [book.policy.price_micros for book in here.ledger.books] == [15_000_000, 1]


def test_a_change_of_price_leaves_what_has_ended_at_the_old_one() -> None:
    here = world(account(), habits=habits())
    send(here, sms())
    run(here, START_US + LONG_US)
    here.configure(account(price_micros=1_000_000))
    send(here, sms(), START_US + LONG_US)
    run(here, START_US + 2 * LONG_US)
    assert [i.subtotal_micros for i in here.ledger.invoices()] == [15_000_000, 1_000_000]
    assert here.faults() == []


def test_what_an_account_pays_changes_only_when_no_message_is_under_way() -> None:
    for before, after in product(POLICIES, POLICIES):
        for gone, run_us in product((0.0, 1.0), (0, SECOND_US, 3 * SECOND_US, LONG_US)):
            here = world(account(policy=before), habits=habits(gone=gone))
            list(campaign(here, 20, 20, gap_us=0))
            run(here, START_US + run_us)
            refused = here.configure(account(policy=after, price_micros=7_000_000))
            assert (refused is None) == (run_us == LONG_US)
            list(campaign(here, 5, 5, gap_us=0))
            run(here, START_US + 2 * LONG_US)
            assert here.faults() == []


def test_an_account_without_a_policy_is_billed_by_success() -> None:
    assert policy_of(account()) == POLICIES["jp-success-billed"]


def test_the_invoice_says_that_it_is_simulated() -> None:
    assert INVOICE_HEAD == "試算 (simulated)"
