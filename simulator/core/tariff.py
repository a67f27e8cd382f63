"""Billing policies as data, and the two pure functions that read them: `entries` and `invoice_tax`.

Providers disagree on who pays for an undelivered message, so a policy is a row of a table. The one
rule: money is an integer of millionths of the currency unit, and tax is rounded once per rate per
invoice. Names say what a policy is, not whose.

    accepted -> provisional        (an estimate; on no invoice)
    charge moment -> charge        (or, at the end:) exclusion, 0, with the cause
    excluded after a charge -> reversal + exclusion;   some policies add a fee
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from simulator.core.cause import Cause
from simulator.core.message import FINAL, State

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR_US = 3_600_000_000


class Unit(Enum):
    """What is counted."""

    SEGMENT = "segment"  # 通: one for each 70/67 UCS-2 or 160/153 GSM 7-bit part
    MESSAGE = "message"  # 件


class Moment(Enum):
    """When a charge becomes due."""

    REQUEST = "request"
    SUBMITTED = "submitted"
    DELIVERED = "delivered"


class EntryKind(Enum):
    """A line of the book."""

    PROVISIONAL = "provisional"
    CHARGE = "charge"
    EXCLUSION = "exclusion"
    REVERSAL = "reversal"
    FEE = "fee"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: `units` and signed `micros` of the account's currency; `cause` for exclusions."""

    kind: EntryKind
    units: int
    micros: int
    cause: Cause = Cause.NONE


@dataclass(frozen=True, slots=True)
class Policy:
    """Who pays for what, when.

    Attributes:
        name, label: neutral names; the label is what Japanese price lists say.
        unit: what is counted; `price_micros`: for one, millionths of `currency`.
        charge_at: the moment of the charge.
        excluded: final states that cost nothing.
        fee_micros: for each message that ends in `fee_states`, except for `fee_exempt` causes.
        tax_bp: tax in hundredths of a percent of the subtotal, rounded down to `minor_micros`.
        utc_offset_us: of the wall clock that months end by.
        flat: its price is part of it, so that beside other policies an account's own price is not
            laid over it.
        cite: where the rule is from, and how sure.
    """

    name: str
    label: str
    unit: Unit
    price_micros: int
    currency: str
    charge_at: Moment
    excluded: frozenset[State]
    cite: str
    fee_micros: int = 0
    fee_states: frozenset[State] = frozenset()
    fee_exempt: frozenset[Cause] = frozenset()
    tax_bp: int = 0
    minor_micros: int = 1_000_000
    utc_offset_us: int = 0
    flat: bool = False


_NOT_DELIVERED = FINAL - {State.DELIVERED}
_JST = 9 * HOUR_US

POLICIES: Mapping[str, Policy] = {
    p.name: p
    for p in (
        Policy(
            name="jp-success-billed",
            label="成功課金",
            unit=Unit.SEGMENT,
            price_micros=15_000_000,
            currency="JPY",
            charge_at=Moment.DELIVERED,
            excluded=_NOT_DELIVERED,
            tax_bp=1000,
            utc_offset_us=_JST,
            cite="KDDI Message Cast and 2-way routes of Japanese providers do not bill what was "
            "not delivered; 15 yen is the list price of INST Messenger. Example, not verified.",
        ),
        Policy(
            name="jp-request-billed",
            label="リクエスト課金",
            unit=Unit.SEGMENT,
            price_micros=15_000_000,
            currency="JPY",
            charge_at=Moment.REQUEST,
            excluded=frozenset(),
            tax_bp=1000,
            utc_offset_us=_JST,
            cite="1-way international routes bill each accepted request. Example, not verified.",
        ),
        Policy(
            name="jp-flat-15",
            label="1件15円一律",
            unit=Unit.MESSAGE,
            price_micros=15_000_000,
            currency="JPY",
            charge_at=Moment.DELIVERED,
            excluded=_NOT_DELIVERED,
            tax_bp=1000,
            utc_offset_us=_JST,
            flat=True,
            cite="15 yen is the list price of INST Messenger; that a long text costs no more, and "
            "that what was not delivered costs nothing, are assumed. Example, not verified.",
        ),
        Policy(
            name="twilio",
            label="per segment once handed to the carrier",
            unit=Unit.SEGMENT,
            price_micros=8_300,
            currency="USD",
            charge_at=Moment.SUBMITTED,
            excluded=frozenset({State.FAILED, State.CANCELED}),
            fee_micros=1_000,
            fee_states=frozenset({State.FAILED}),
            fee_exempt=frozenset({Cause.TOO_LATE, Cause.SUSPENDED, Cause.UNKNOWN, Cause.PUMPING}),
            minor_micros=10_000,
            cite="Twilio support 223181728 (undelivered is charged) and 27502337507483 (0.001 USD "
            "for a failed message since 2024-09-30, exempt codes such as 30036). The price is an "
            "assumed example. Not affiliated, not verified.",
        ),
    )
}


def priced(policy: Policy, price_micros: int = -1, currency: str = "", tax_bp: int = -1) -> Policy:
    """Return the policy with an account's own price, currency and tax, where it has them."""
    return replace(
        policy,
        price_micros=price_micros if price_micros >= 0 else policy.price_micros,
        currency=currency or policy.currency,
        tax_bp=tax_bp if tax_bp >= 0 else policy.tax_bp,
        minor_micros=_MINOR.get(currency, policy.minor_micros),
    )


_MINOR = {"JPY": 1_000_000, "USD": 10_000, "EUR": 10_000, "GBP": 10_000}


def units_of(policy: Policy, segments: int) -> int:
    """Return how many billed units a message of so many segments is."""
    return segments if policy.unit is Unit.SEGMENT else 1


def entries(
    policy: Policy, segments: int, before: State, after: State, cause: Cause
) -> tuple[Entry, ...]:
    """Return the lines that a message's step from one known state to the next writes.

    Args:
        policy: of the account.
        segments: 1 or more.
        before, after: states the provider knows; `before` is NONE at acceptance.
        cause: of the receipt.
    """
    units = units_of(policy, segments)
    amount = units * policy.price_micros
    charge = Entry(EntryKind.CHARGE, units, amount)
    if before is State.NONE:
        first = Entry(EntryKind.PROVISIONAL, units, amount)
        return (first, charge) if policy.charge_at is Moment.REQUEST else (first,)
    charged = _is_charged(policy, before)
    lines: list[Entry] = []
    if after in policy.excluded:
        if charged:
            lines.append(Entry(EntryKind.REVERSAL, -units, -amount, cause))
        if before not in policy.excluded:
            lines.append(Entry(EntryKind.EXCLUSION, units, 0, cause))
    elif before in policy.excluded:  # a receipt that corrects itself: no longer left out
        lines += [Entry(EntryKind.EXCLUSION, -units, 0, cause), charge]
    elif not charged and _is_charged(policy, after):
        lines.append(charge)
    if after in policy.fee_states and cause not in policy.fee_exempt and policy.fee_micros:
        lines.append(Entry(EntryKind.FEE, 0, policy.fee_micros, cause))
    return tuple(lines)


def _is_charged(policy: Policy, state: State) -> bool:
    if policy.charge_at is Moment.REQUEST:
        return state not in policy.excluded
    if state in FINAL:
        return state not in policy.excluded
    return policy.charge_at is Moment.SUBMITTED and state is State.SENT


@dataclass(frozen=True, slots=True)
class Bill:
    """The net outcome of one message: exactly one of charged, excluded, pending.

    Attributes:
        units: billed units, 0 if excluded or pending.
        excluded_units: units left out, 0 otherwise.
        micros: to pay, fees included, millionths of the currency.
        final: false while pending, and while a charge may still be reversed.
    """

    units: int
    excluded_units: int
    micros: int
    final: bool


def bill(policy: Policy, segments: int, state: State, cause: Cause) -> Bill:
    """Return what one message costs as things stand; the ledger's sums must equal these."""
    units = units_of(policy, segments)
    fee = policy.fee_micros if state in policy.fee_states and cause not in policy.fee_exempt else 0
    final = state in FINAL
    if state in policy.excluded:
        return Bill(0, units, fee, final)
    if _is_charged(policy, state):
        return Bill(units, 0, units * policy.price_micros + fee, final)
    return Bill(0, 0, fee, final)


def invoice_tax(policy: Policy, subtotal_micros: int) -> int:
    """Return the tax on a subtotal, rounded down once to the currency's minor unit, micros."""
    exact = subtotal_micros * policy.tax_bp // 10_000
    return exact // policy.minor_micros * policy.minor_micros
