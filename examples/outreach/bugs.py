"""Bugs to order: each is one of our `Ways` put wrong, so that a judge can be seen to notice.

    --bug NAME --bug-log FILE     FILE says what the bug has made wrong by the time of the claims

A `Witness` decides beside the bug as an honest system would, and notes where the two differ. For
the claims that is done at the end: they are made twice, and compared.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from examples.outreach import books, claims
from examples.outreach.claims import NOT_ARRIVED, Claim, plain
from examples.outreach.clock import HOUR_US
from examples.outreach.ways import HONEST, Ways

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    from examples.outreach.books import Receipt
    from examples.outreach.provider import Later, Letter

DECIDED_ON_THE_WAY = ("dialled", "may_write", "daytime", "pause_us")  # before the claims are made
LATE_US = 24 * HOUR_US
IMPATIENCE_US = 500_000


@dataclass(frozen=True, slots=True)
class Bug:
    """What goes wrong, the scenario that must find it, and how it is found there.

    Attributes:
        found: the class of the findings, the name of a policy check, or that of an expectation.
        also: classes that some of the same messages fall into.
    """

    line: str
    killer: str
    found: str
    ways: Ways
    also: tuple[str, ...] = ()


def _bill_undelivered(claim: Claim, unit_price: Decimal) -> Claim:
    if claim.state not in NOT_ARRIVED:
        return claim
    amount = claim.segments * unit_price
    return replace(claim, units=claim.segments, amount=amount, excluded_units=0)


def _sent_is_delivered(claim: Claim, _unit_price: Decimal) -> Claim:
    return claim if claim.state == "failed" else replace(claim, state="delivered")


def _bill_per_receipt(claim: Claim, _unit_price: Decimal) -> Claim:
    times = max(claim.receipts, 1)
    return replace(claim, units=claim.units * times, amount=claim.amount * times)


def _bill_characters(claim: Claim, unit_price: Decimal) -> Claim:
    units = -(-len(claim.text) // (160 if claim.text.isascii() else 70))
    return replace(claim, units=units, amount=units * unit_price) if claim.units else claim


def _count_messages(claim: Claim, unit_price: Decimal) -> Claim:
    return replace(claim, units=1, amount=unit_price) if claim.units else claim


def _tax_per_line(amounts: list[Decimal], percent: Decimal, currency: str) -> Decimal:
    return sum((claims.tax([amount], percent, currency) for amount in amounts), claims.ZERO)


def _of_those_who_could_be_reached(states: Sequence[str]) -> tuple[int, int]:
    delivered, accepted = claims.reached(states)
    return delivered, accepted - sum(map(states.count, NOT_ARRIVED))


def _ignore_late(holds: Receipt, receipts: Iterable[Receipt]) -> Receipt:
    return books.fold(holds, [told for told in receipts if told.at_us - holds.at_us <= LATE_US])


def _last_wins(holds: Receipt, receipts: Iterable[Receipt]) -> Receipt:
    return [holds, *(told for told in receipts if told.signed)][-1]


def _lose_failures(holds: Receipt, receipts: Iterable[Receipt]) -> Receipt:
    return books.fold(holds, [told for told in receipts if told.state not in NOT_ARRIVED])


def _trust(holds: Receipt, receipts: Iterable[Receipt]) -> Receipt:
    return books.fold(holds, [replace(told, signed=True) for told in receipts])


def _any_hour(_letter: Letter, now_us: int, _zone: ZoneInfo) -> int:
    return now_us


def _at_once(_letter: Letter, _later: Later, _nth: int) -> int:
    return IMPATIENCE_US


def _under_a_new_id(letter: Letter) -> tuple[Letter, bool]:
    return replace(letter, campaign=letter.campaign + "x"), False


def _as_a_whole_number(number: str, country_code: str) -> str | None:
    right = HONEST.dialled(number, country_code)
    return str(int(number)) if right and number.isdecimal() else right


def _as_it_was_before_060(number: str, country_code: str) -> str | None:
    right = HONEST.dialled(number, country_code)
    return None if right and right.startswith("+8160") else right


BILLING, RATE, LATE = "billing-exclusion", "delivery-rate", "late-and-out-of-order-receipts"
POLICY, LONG = "contact-policy", "long-messages"

BUGS = {
    "bill-undelivered": Bug(
        "counts cost for messages that never arrived",
        *(BILLING, "billed though excluded"),
        Ways(claim=_bill_undelivered),
    ),
    "bill-per-receipt": Bug(
        "counts the cost again with each receipt of a message",
        *(LATE, "units differ"),
        Ways(claim=_bill_per_receipt),
    ),
    "bill-characters-not-segments": Bug(
        "divides the characters of a text by 70 (or 160), however it is cut",
        *(LONG, "units differ"),
        Ways(claim=_bill_characters),
    ),
    "count-messages-as-units": Bug(
        "counts messages (件) where units (通) are billed",
        *(LONG, "units differ"),
        Ways(claim=_count_messages),
    ),
    "round-tax-per-line": Bug(
        "rounds the tax of each message instead of the invoice's",
        *(BILLING, "totals differ"),
        Ways(tax=_tax_per_line),
    ),
    "sent-is-delivered": Bug(
        "claims delivery of all that was sent",
        *(RATE, "state differs"),
        Ways(claim=_sent_is_delivered),
    ),
    "rate-by-other-definition": Bug(
        "leaves out of the delivery rate whoever was not reached",
        *(RATE, "definition differs"),
        Ways(reached=_of_those_who_could_be_reached),
    ),
    "ignore-late-receipt": Bug(
        "does not listen to receipts later than a day after the message",
        *(LATE, "late receipt ignored"),
        Ways(holds=_ignore_late),
    ),
    "last-receipt-wins": Bug(
        "believes the receipt that came last, whatever came before",
        *(LATE, "state differs"),
        Ways(holds=_last_wins),
    ),
    "lose-on-callback-error": Bug(
        "answers 200 when it cannot read a receipt with an error, which so never comes again",
        *(LATE, "receipt ignored"),
        Ways(holds=_lose_failures),
        also=("late receipt ignored", "state differs"),
    ),
    "trust-unsigned": Bug(
        "believes callbacks whose signature does not hold",
        *(LATE, "state differs"),
        Ways(believed=lambda _path, _signed: True, holds=_trust),
    ),
    "double-send-on-timeout": Bug(
        "sends again, as a new message, what may have been accepted",
        *("ambiguous-timeouts", "sent twice"),
        Ways(again=_under_a_new_id),
    ),
    "no-backoff": Bug(
        "tries again after half a second, whatever the provider asks",
        *(POLICY, "backs_off"),
        Ways(pause_us=_at_once),
    ),
    "ignore-stop": Bug(
        "goes on writing to people who have said STOP",
        *("opt-out", "no_send_after_opt_out"),
        Ways(may_write=lambda _letter, _books: True),
    ),
    "ignore-quiet-hours": Bug(
        "sends at night",
        *(POLICY, "quiet_hours"),
        Ways(daytime=_any_hour),
    ),
    "drop-leading-zero": Bug(
        "reads phone numbers as whole numbers",
        *(RATE, "everybody was written to"),
        Ways(dialled=_as_a_whole_number),
    ),
    "refuse-060": Bug(
        "takes numbers that begin with 060 for no mobile ones",
        *(RATE, "everybody was written to"),
        Ways(dialled=_as_it_was_before_060),
    ),
}


class Witness:
    """Stands beside a bug, and notes each letter or number that it decides wrongly about."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.noted: dict[Letter | str, None] = {}
        bug = BUGS[name].ways
        watched = {way: self._watched(way, bug) for way in DECIDED_ON_THE_WAY}
        self.ways = replace(bug, **watched)

    def _watched(self, way: str, bug: Ways) -> Callable[..., Any]:
        honest, wrong = getattr(HONEST, way), getattr(bug, way)
        if wrong is honest:
            return wrong

        def decide(about: Letter | str, *rest: Any) -> Any:
            said = wrong(about, *rest)
            if said != honest(about, *rest):
                self.noted[about] = None
            return said

        return decide

    def confession(
        self, said: claims.Statement, right: claims.Statement, strays: Iterable[tuple[str, Decimal]]
    ) -> str:
        """Return a JSON line for each thing that the bug made wrong, and for no other.

        `strays` are messages that the provider tells of and the books do not know, with their cost.
        """
        lines = [*self._of_claims(said.claims, right.claims), *self._of_sums(said, right)]
        lines += [self._line(about) for about in self.noted]
        if self.ways.again is not HONEST.again:
            lines += [self._line(ref, amount_wrong=plain(-cost)) for ref, cost in strays]
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)

    def _of_claims(
        self, claimed: Sequence[Claim], right: Sequence[Claim]
    ) -> Iterator[dict[str, Any]]:
        for wrong, true in zip(claimed, right, strict=True):
            if wrong != true:
                yield {
                    "own_id": true.own_id,
                    "provider_id": true.provider_id,
                    "to": true.to,
                    "bug": self.name,
                    "claimed": _essence(wrong),
                    "right": _essence(true),
                    "amount_wrong": plain(wrong.amount - true.amount),
                }

    def _of_sums(self, said: claims.Statement, right: claims.Statement) -> Iterator[dict[str, Any]]:
        if said.claims != right.claims:
            return  # they are wrong with it, and no mistake of their own
        if said.tax != right.tax:
            wrong = plain(said.tax - right.tax)
            yield {"total": "tax", "bug": self.name, "amount_wrong": wrong}
        if said.reached != right.reached:
            yield {"total": "rates.delivery_rate", "bug": self.name, "amount_wrong": "0"}

    def _line(self, about: Letter | str, amount_wrong: str = "0") -> dict[str, Any]:
        own_id, to = (about, about) if isinstance(about, str) else (about.own_id, about.to)
        return {"own_id": own_id, "to": to, "bug": self.name, "amount_wrong": amount_wrong}


def _essence(claim: Claim) -> dict[str, Any]:
    return {"state": claim.state, "units": claim.units, "amount": plain(claim.amount)}
