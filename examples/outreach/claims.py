"""The claims: what we believe happened and expect to pay (`docs/system-under-test.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from examples.outreach.books import Books, Message
    from examples.outreach.provider import Provider
    from examples.outreach.ways import Ways

ZERO = Decimal(0)
NOT_ARRIVED = frozenset({"undelivered", "failed"})
TAX_ROUNDING = {"JPY": (Decimal(1), ROUND_DOWN), "USD": (Decimal("0.01"), ROUND_HALF_UP)}


@dataclass(frozen=True, slots=True)
class Claim:
    """What we say of one accepted message."""

    own_id: str
    provider_id: str | None
    to: str
    state: str
    units: int
    amount: Decimal
    segments: int
    excluded_units: int  # left out of the bill because the message did not arrive
    text: str = ""  # what else we know of it, and do not say
    receipts: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return one row of `messages`."""
        return {
            "own_id": self.own_id,
            "provider_id": self.provider_id,
            "to": self.to,
            "state": self.state,
            "units": self.units,
            "amount": plain(self.amount),
        }


@dataclass(frozen=True, slots=True)
class Terms:
    """What a unit costs without tax, and the tax."""

    unit_price: Decimal
    tax_percent: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """All claims, the tax on them, and the delivery rate as a count of how many."""

    claims: Sequence[Claim]
    tax: Decimal
    reached: tuple[int, int]


def statement(books: Books, provider: Provider, ways: Ways, terms: Terms) -> Statement:
    """Claim what the books hold."""
    said = [
        ways.claim(_claim(message, *provider.cost(message)), terms.unit_price)
        for message in books.messages(ways.holds)
    ]
    amounts = [claim.amount for claim in said]
    tax = ways.tax(amounts, terms.tax_percent, provider.currency)
    return Statement(said, tax, ways.reached([claim.state for claim in said]))


def as_it_is(claim: Claim, _unit_price: Decimal) -> Claim:
    """Return a claim as the books have it."""
    return claim


def tax(amounts: list[Decimal], percent: Decimal, currency: str) -> Decimal:
    """Return the tax on amounts, rounded once, on their sum."""
    step, rounding = TAX_ROUNDING[currency]
    return (sum(amounts, ZERO) * percent / 100).quantize(step, rounding)


def reached(states: Sequence[str]) -> tuple[int, int]:
    """Return the delivery rate (到達率): how many were delivered, of all that were accepted."""
    return states.count("delivered"), len(states)


def report(said: Statement, currency: str) -> dict[str, Any]:
    """Return the claims as JSON."""
    claims = said.claims
    subtotal = sum((claim.amount for claim in claims), ZERO)
    delivered, accepted = said.reached
    return {
        "currency": currency,
        "messages": [claim.as_json() for claim in claims],
        "rates": [{"name": "delivery_rate", "count": delivered, "of": accepted}],
        "totals": {
            "accepted": len(claims),
            "delivered": sum(claim.state == "delivered" for claim in claims),
            "units": sum(claim.units for claim in claims),
            "excluded_units": sum(claim.excluded_units for claim in claims),
            "subtotal": plain(subtotal),
            "tax": plain(said.tax),
            "total": plain(subtotal + said.tax),
        },
    }


def plain(amount: Decimal) -> str:
    """Write an amount without exponent or needless zeros."""
    return f"{amount.normalize():f}"


def _claim(message: Message, units: int, amount: Decimal) -> Claim:
    state = message.told.state
    left_out = message.segments if state in NOT_ARRIVED and not units else 0
    return Claim(
        own_id=message.own_id,
        provider_id=message.provider_id,
        to=message.to,
        state=state,
        units=units,
        amount=amount,
        segments=message.segments,
        excluded_units=left_out,
        text=message.text,
        receipts=message.receipts,
    )
