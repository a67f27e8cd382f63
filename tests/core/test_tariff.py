"""Billing: the lines of the book add up to the bill, whatever a message lives through."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.cause import Cause
from simulator.core.lifecycle import KNOWN
from simulator.core.message import FINAL, State
from simulator.core.tariff import (
    POLICIES,
    Bill,
    Entry,
    EntryKind,
    Moment,
    Policy,
    Unit,
    bill,
    entries,
    invoice_tax,
    priced,
    units_of,
)

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=400)
SUCCESS, REQUEST, TWILIO = (
    POLICIES[name] for name in ("jp-success-billed", "jp-request-billed", "twilio")
)
Path = tuple[State, ...]


def paths(so_far: Path = (State.NONE,)) -> list[Path]:
    """Every way through the table, ended or not, of a message that was sent (not received)."""
    following = sorted(KNOWN[so_far[-1]] - {State.RECEIVED})
    return [so_far] + [path for state in following for path in paths((*so_far, state))]


PATHS = [path for path in paths() if len(path) > 1]
ENDED = [path for path in PATHS if path[-1] in FINAL]
CAUSE = {
    State.UNDELIVERED: Cause.NOT_IN_USE,
    State.EXPIRED: Cause.ABSENT,
    State.FAILED: Cause.NO_ROUTE,
    State.CANCELED: Cause.CANCELED,
}
every_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda p: p.name)


def book(policy: Policy, segments: int, path: Path, cause: Cause = Cause.NONE) -> list[Entry]:
    """Write the lines of one message's life, as the ledger does."""
    return [
        line
        for before, after in pairwise(path)
        for line in entries(policy, segments, before, after, CAUSE.get(after, cause))
    ]


def totals(lines: list[Entry]) -> tuple[int, int, int]:
    """Charged units, excluded units and money of some lines."""
    units: Counter[EntryKind] = Counter()
    for line in lines:
        units[line.kind] += line.units
    paid = sum(line.micros for line in lines if line.kind is not EntryKind.PROVISIONAL)
    charged = units[EntryKind.CHARGE] + units[EntryKind.REVERSAL]
    return charged, units[EntryKind.EXCLUSION], paid


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy that a price list could state."""
    dead_ends = {State.FAILED, State.CANCELED}
    return replace(
        draw(st.sampled_from([SUCCESS, REQUEST, TWILIO])),
        unit=draw(st.sampled_from(Unit)),
        price_micros=draw(st.integers(0, 10**8)),
        charge_at=draw(st.sampled_from(Moment)),
        excluded=draw(st.frozensets(st.sampled_from(sorted(FINAL - {State.DELIVERED})))),
        fee_micros=draw(st.integers(0, 10**6)),
        fee_states=draw(st.frozensets(st.sampled_from(sorted(dead_ends)))),
        fee_exempt=draw(st.frozensets(st.sampled_from(Cause))),
    )


@repeatable
@given(policies(), st.integers(1, 10), st.sampled_from(PATHS))
def test_the_lines_of_every_life_add_up_to_its_bill(
    policy: Policy, segments: int, path: Path
) -> None:
    due = bill(policy, segments, path[-1], CAUSE.get(path[-1], Cause.NONE))
    assert totals(book(policy, segments, path)) == (due.units, due.excluded_units, due.micros)


@repeatable
@given(policies(), st.integers(1, 10), st.sampled_from(PATHS))
def test_each_message_has_exactly_one_net_outcome(
    policy: Policy, segments: int, path: Path
) -> None:
    due = bill(policy, segments, path[-1], CAUSE.get(path[-1], Cause.NONE))
    units = units_of(policy, segments)
    pending = units - due.units - due.excluded_units
    assert sorted((due.units, due.excluded_units, pending)) == [0, 0, units]
    assert due.final == (path[-1] in FINAL)
    assert not (due.final and pending)


@every_policy
@pytest.mark.parametrize("path", PATHS, ids=lambda p: "-".join(state.name for state in p[1:]))
def test_the_ledgers_short_cuts_write_the_same_lines(policy: Policy, path: Path) -> None:
    """It sees neither SENDING, QUEUED, a release, nor which state came before SENT."""
    steps = {
        State.SCHEDULED: (State.NONE, State.ACCEPTED),
        State.ACCEPTED: (State.NONE, State.ACCEPTED),
        State.SENT: (State.SENDING, State.SENT),
    }
    sent = State.SENT in path
    seen = []
    for after in path[1:]:
        released = after is State.ACCEPTED and State.SCHEDULED in path
        if released or after in {State.SENDING, State.QUEUED}:
            continue
        before, after_ = steps.get(after, (State.SENT if sent else State.ACCEPTED, after))
        seen += entries(policy, 2, before, after_, CAUSE.get(after, Cause.NONE))
        if after in FINAL:
            break
    cut = path[: next((i + 1 for i, state in enumerate(path) if state in FINAL), len(path))]
    assert seen == book(policy, 2, cut)


@every_policy
def test_every_accepted_message_is_first_estimated(policy: Policy) -> None:
    first, *rest = entries(policy, 3, State.NONE, State.ACCEPTED, Cause.NONE)
    units = 3 if policy.unit is Unit.SEGMENT else 1
    assert first == Entry(EntryKind.PROVISIONAL, units, units * policy.price_micros)
    assert bool(rest) == (policy.charge_at is Moment.REQUEST)


def lived(*states: State) -> Path:
    return (State.NONE, State.ACCEPTED, State.SENDING, *states)


def lines_of(policy: Policy, path: Path, cause: Cause = Cause.NONE) -> list[tuple[str, int, int]]:
    return [(line.kind.value, line.units, line.micros) for line in book(policy, 2, path, cause)]


def test_success_billing_charges_what_arrived_and_excludes_the_rest_at_nothing() -> None:
    assert lines_of(SUCCESS, lived(State.SENT, State.DELIVERED)) == [
        ("provisional", 2, 30_000_000),
        ("charge", 2, 30_000_000),
    ]
    assert lines_of(SUCCESS, lived(State.SENT, State.UNDELIVERED)) == [
        ("provisional", 2, 30_000_000),
        ("exclusion", 2, 0),
    ]


def test_an_exclusion_names_its_cause() -> None:
    *_, last = book(SUCCESS, 1, lived(State.SENT, State.UNDELIVERED))
    assert (last.kind, last.cause) == (EntryKind.EXCLUSION, Cause.NOT_IN_USE)


def test_a_receipt_that_corrects_itself_takes_the_exclusion_back() -> None:
    lines = lines_of(SUCCESS, lived(State.SENT, State.UNDELIVERED, State.DELIVERED))
    assert lines[1:] == [
        ("exclusion", 2, 0),
        ("exclusion", -2, 0),
        ("charge", 2, 30_000_000),
    ]


def test_request_billing_charges_at_once_and_never_gives_back() -> None:
    for path in ENDED:
        assert lines_of(REQUEST, path) == [
            ("provisional", 2, 30_000_000),
            ("charge", 2, 30_000_000),
        ]


def test_what_is_charged_at_submission_and_excluded_at_the_end_is_reversed() -> None:
    policy = replace(TWILIO, excluded=frozenset({State.UNDELIVERED}))
    lines = lines_of(policy, lived(State.SENT, State.UNDELIVERED))
    assert lines[1:] == [("charge", 2, 16_600), ("reversal", -2, -16_600), ("exclusion", 2, 0)]


def test_twilio_charges_the_undelivered_and_takes_a_fee_for_the_failed() -> None:
    undelivered = bill(TWILIO, 2, State.UNDELIVERED, Cause.ABSENT)
    assert undelivered == Bill(2, 0, 16_600, final=True)
    assert bill(TWILIO, 2, State.FAILED, Cause.NO_ROUTE) == Bill(0, 2, 1_000, final=True)
    failed = (State.NONE, State.ACCEPTED, State.FAILED)
    assert lines_of(TWILIO, failed)[1:] == [("exclusion", 2, 0), ("fee", 0, 1_000)]


def test_twilios_fee_spares_the_exempt_codes_and_the_canceled() -> None:
    assert bill(TWILIO, 2, State.FAILED, Cause.TOO_LATE) == Bill(0, 2, 0, final=True)
    assert bill(TWILIO, 2, State.CANCELED, Cause.CANCELED) == Bill(0, 2, 0, final=True)
    lines = entries(TWILIO, 2, State.SENDING, State.FAILED, Cause.TOO_LATE)
    assert [line.kind for line in lines] == [EntryKind.EXCLUSION]


@repeatable
@given(st.lists(st.tuples(st.sampled_from(ENDED), st.integers(1, 10)), max_size=50))
def test_success_and_request_billing_differ_by_exactly_the_failed_units(
    lives: list[tuple[Path, int]],
) -> None:
    failed_units = sum(n for path, n in lives if path[-1] is not State.DELIVERED)
    by_success = [bill(SUCCESS, n, path[-1], CAUSE.get(path[-1], Cause.NONE)) for path, n in lives]
    by_request = [bill(REQUEST, n, path[-1], CAUSE.get(path[-1], Cause.NONE)) for path, n in lives]
    assert sum(b.excluded_units for b in by_success) == failed_units
    difference = sum(b.micros for b in by_request) - sum(b.micros for b in by_success)
    assert difference == failed_units * SUCCESS.price_micros


def test_tax_is_rounded_once_and_down_to_the_yen() -> None:
    one = bill(SUCCESS, 1, State.DELIVERED, Cause.NONE).micros
    assert invoice_tax(SUCCESS, one) == 1_000_000  # of 1.5 yen
    assert invoice_tax(SUCCESS, 3 * one) == 4_000_000  # of 4.5 yen, not three times 1
    assert invoice_tax(TWILIO, one) == 0


@repeatable
@given(st.integers(0, 10**13), st.integers(0, 2500), st.sampled_from([1_000_000, 10_000]))
def test_tax_is_less_than_one_minor_unit_below_the_exact_amount(
    subtotal: int, tax_bp: int, minor: int
) -> None:
    tax = invoice_tax(replace(SUCCESS, tax_bp=tax_bp, minor_micros=minor), subtotal)
    assert tax % minor == 0
    assert 0 <= subtotal * tax_bp - tax * 10_000 < minor * 10_000


def test_a_unit_is_a_segment_or_a_message() -> None:
    assert units_of(SUCCESS, 7) == 7
    assert units_of(replace(SUCCESS, unit=Unit.MESSAGE), 7) == 1


def test_an_account_may_have_its_own_price_currency_and_tax() -> None:
    own = priced(SUCCESS, 8_500_000, "USD", 0)
    assert (own.price_micros, own.currency, own.tax_bp) == (8_500_000, "USD", 0)
    assert own.minor_micros == 10_000
    assert priced(SUCCESS) == SUCCESS
    assert priced(SUCCESS, price_micros=0).price_micros == 0


@every_policy
def test_a_policy_names_its_source_and_no_vendor_is_vouched_for(policy: Policy) -> None:
    assert POLICIES[policy.name] is policy
    assert "not verified" in policy.cite
    assert policy.excluded <= FINAL - {State.DELIVERED}
    assert policy.price_micros > 0
