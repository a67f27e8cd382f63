"""Bugs to order: each makes our claims wrong in one way, so that a judge can be seen to notice.

A bug is one function from an honest claim to a wrong one. A claim it leaves alone is not wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from examples.outreach.claims import NOT_ARRIVED, Claim, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Bug:
    """What goes wrong, in words and in code. The amount is the price of one unit."""

    line: str
    spoil: Callable[[Claim, Decimal], Claim]


def _bill_undelivered(claim: Claim, unit_price: Decimal) -> Claim:
    if claim.state not in NOT_ARRIVED:
        return claim
    amount = claim.segments * unit_price
    return replace(claim, units=claim.segments, amount=amount, excluded_units=0)


def _sent_is_delivered(claim: Claim, _unit_price: Decimal) -> Claim:
    return claim if claim.state == "failed" else replace(claim, state="delivered")


BUGS = {
    "bill-undelivered": Bug("counts cost for messages that never arrived", _bill_undelivered),
    "sent-is-delivered": Bug("claims delivery of all that was sent", _sent_is_delivered),
}


def confession(name: str, claimed: Iterable[Claim], right: Iterable[Claim]) -> str:
    """Return one JSON line for each claim that the bug made wrong, and for no other."""
    lines = [
        {
            "own_id": true.own_id,
            "provider_id": true.provider_id,
            "to": true.to,
            "bug": name,
            "claimed": _essence(wrong),
            "right": _essence(true),
            "amount_wrong": plain(wrong.amount - true.amount),
        }
        for wrong, true in zip(claimed, right, strict=True)
        if wrong != true
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def _essence(claim: Claim) -> dict[str, Any]:
    return {"state": claim.state, "units": claim.units, "amount": plain(claim.amount)}
