"""The claims: what we believe happened and expect to pay (`docs/system-under-test.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from examples.outreach.books import Message
    from examples.outreach.provider import Provider

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


def honest(messages: Iterable[Message], provider: Provider) -> list[Claim]:
    """Claim exactly what the books hold."""
    return [_claim(message, *provider.cost(message)) for message in messages]


def report(claims: Sequence[Claim], currency: str, tax_percent: Decimal) -> dict[str, Any]:
    """Return the claims as JSON. Tax is rounded once, on the subtotal."""
    subtotal = sum((claim.amount for claim in claims), Decimal(0))
    step, rounding = TAX_ROUNDING[currency]
    tax = (subtotal * tax_percent / 100).quantize(step, rounding)
    return {
        "currency": currency,
        "messages": [claim.as_json() for claim in claims],
        "totals": {
            "accepted": len(claims),
            "delivered": sum(claim.state == "delivered" for claim in claims),
            "units": sum(claim.units for claim in claims),
            "excluded_units": sum(claim.excluded_units for claim in claims),
            "subtotal": plain(subtotal),
            "tax": plain(tax),
            "total": plain(subtotal + tax),
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
    )
