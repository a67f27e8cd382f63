"""Named rates: a closed list, each with its formula, its denominator and its Japanese name.

    到達率 (delivery_rate)             delivered / accepted
    到達率 (delivery_rate_reachable)   delivered / (accepted - refused - out_of_range_or_off)

The one rule: a rate is counts over counts, and a rate whose counts nobody can have has no value.
docs/rates.md is this table; a test holds them against each other.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

WITHIN_US = 30 * 60_000_000  # of 認識率, unless said otherwise

LINKS, READS, CALLS = "links", "read receipts", "calls"


class NamedRate(msgspec.Struct, frozen=True):
    """A rate as the table has it.

    Attributes:
        name, japanese: how it is called.
        formula: what it is, in names of `Counts`.
        needs: the channel without which nobody can know it; empty: SMS is enough.
        money: its value is an amount of money, not a share.
    """

    name: str
    japanese: str
    formula: str
    numerator: str
    denominator: str
    needs: str = ""
    money: bool = False


RATES: Mapping[str, NamedRate] = {
    rate.name: rate
    for rate in (
        NamedRate("delivery_rate", "到達率", "delivered / accepted", "delivered", "accepted"),
        NamedRate(
            "delivery_rate_reachable",
            "到達率 (受信拒否・圏外・電源OFFを除く)",
            "delivered / (accepted - refused - out_of_range_or_off)",
            "delivered",
            "reachable",
        ),
        NamedRate(
            "recognition_rate",
            "認識率",
            "noticed within t / delivered",
            "noticed",
            "delivered",
            READS,
        ),
        NamedRate("open_rate", "開封率", "opened / delivered", "opened", "delivered", READS),
        NamedRate("click_rate", "クリック率", "clicked / delivered", "clicked", "delivered", LINKS),
        NamedRate("reply_rate", "返信率", "replied / delivered", "replied", "delivered"),
        NamedRate(
            "contact_rate", "コンタクト率", "talked_to / called", "talked_to", "called", CALLS
        ),
        NamedRate("connection_rate", "接続率", "connected / calls", "connected", "calls", CALLS),
        NamedRate(
            "call_back_rate", "折返し率", "called_back / missed", "called_back", "missed", CALLS
        ),
        NamedRate("answer_rate", "応答率", "answered / called_us", "answered", "called_us", CALLS),
        NamedRate(
            "touches_per_contact",
            "1コンタクトあたりの接触回数",
            "accepted / contacts",
            "accepted",
            "contacts",
        ),
        NamedRate(
            "cost_per_contact",
            "コンタクト単価",
            "cost / contacts",
            "cost",
            "contacts",
            money=True,
        ),
    )
}
Counted = int | Fraction | None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What rates are made of, on one level: what happened, or what the customer was told.

    Attributes:
        people: different recipients of the accepted messages.
        reachable: accepted, less those that the subscriber refused or whose handset was out of
            range or off to the end.
        noticed: within `WITHIN_US` of delivery; None where nobody can know.
        clicked: whose link was followed; None where no message had one.
        contacts: different people who replied.
        units: charged, 通.
        cost: of the currency, tax excluded.
    """

    accepted: int
    sent: int
    delivered: int
    reachable: int
    ended: int
    people: int
    replied: int
    contacts: int
    units: int
    cost: Fraction
    noticed: int | None = None
    opened: int | None = None
    clicked: int | None = None


DENOMINATORS = ("accepted", "reachable", "delivered", "sent", "ended", "people", "units")


def value_of(rate: NamedRate, counts: Counts) -> Fraction | None:
    """Return a rate's value; None where a count is not known, or the denominator is 0."""
    numerator: Counted = getattr(counts, rate.numerator, None)
    denominator: Counted = getattr(counts, rate.denominator, None)
    if numerator is None or not denominator:
        return None
    return Fraction(numerator) / Fraction(denominator)


def by_any_name(name: str) -> NamedRate | None:
    """Find a rate by its name or its Japanese one; 到達率 alone is the first of the two."""
    return RATES.get(name) or _JAPANESE.get(name)


_JAPANESE = {rate.japanese: rate for rate in RATES.values()}
