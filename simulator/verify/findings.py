"""What a comparison is made of: facts and totals in, findings out.

The one rule: `amount_micros` and `units` of a finding are what is claimed less what is due, so the
sums over the rows' findings are exactly the claims' rows less the facts.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from simulator.core.cause import Cause
from simulator.verify.claim_rows import Claim
from simulator.verify.facts import Fact

MICROS = 1_000_000


class Totals(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the ledger's invoices sum to, all months together.

    Attributes:
        tax_micros: the sum of the invoices' taxes, each rounded by itself.
        tax_once_micros: the tax rounded once over all months; right as well, since claims,
            version 1, know no months. None: there was one month.
        tax_bp, minor_micros: the rate, and what a tax is rounded down to; -1: not known.
        invoices: how many there were, each with a tax of its own.
    """

    subtotal_micros: int
    tax_micros: int
    total_micros: int
    charged_units: int
    excluded_units: int
    currency: str
    tax_once_micros: int | None = None
    tax_bp: int = -1
    minor_micros: int = 1
    invoices: int = 1

    @property
    def taxes_micros(self) -> tuple[int, ...]:
        """Every right answer for the tax; the invoices' own comes first."""
        if self.tax_once_micros is None:
            return (self.tax_micros,)
        return (self.tax_micros, self.tax_once_micros)

    def tax_on(self, subtotal_micros: int) -> int:
        """Return the tax on another subtotal, rounded once."""
        return subtotal_micros * self.tax_bp // 10_000 // self.minor_micros * self.minor_micros

    def is_tax_on(self, subtotal_micros: int, tax_micros: int) -> bool:
        """Tell whether a tax may be that on another subtotal: any split over the months will do."""
        most = self.tax_on(subtotal_micros)
        least = most - (self.invoices - 1) * self.minor_micros
        return self.tax_bp < 0 or least <= tax_micros <= most


class FindingKind(Enum):
    """The classes of a difference; the first that applies is the finding's."""

    LOST_BY_SYSTEM = "lost by the system"
    UNKNOWN_TO_US = "unknown to us"
    CLAIMED_TWICE = "claimed twice"
    SENT_TWICE = "sent twice"
    STATE_DIFFERS = "state differs"
    RECEIPT_IGNORED = "receipt ignored"
    LATE_RECEIPT_IGNORED = "late receipt ignored"
    BILLED_THOUGH_EXCLUDED = "billed though excluded"
    NOT_BILLED_THOUGH_CHARGED = "not billed though charged"
    UNITS_DIFFER = "units differ"
    AMOUNT_DIFFERS = "amount differs"
    RECIPIENT_DIFFERS = "recipient differs"
    OPT_OUT_DIFFERS = "opt-out differs"
    CURRENCY_DIFFERS = "currency differs"
    TOTALS_DIFFER = "totals differ"
    RATE_DIFFERS = "rate differs"
    DEFINITION_DIFFERS = "definition differs"
    CANNOT_BE_KNOWN = "cannot be known"

    @property
    def code(self) -> str:
        """The class as machines call it: "state-differs"."""
        return self.value.replace(" ", "-")


class Finding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A difference: of one row (`claim`, `fact` or both are there), or of the whole document.

    Attributes:
        amount_micros: claimed less due, millionths of `currency`; 0 where that differs itself.
        units: claimed less due; for totals of messages, messages.
        currency: the claims'.
        row: index in `messages`, -1 where there is no claim.
        total: which of the claimed totals, as in `tax`; empty otherwise.
        detail: words for a finding about the whole document.
    """

    kind: FindingKind
    amount_micros: int
    units: int
    currency: str
    row: int = -1
    claim: Claim | None = None
    fact: Fact | None = None
    total: str = ""
    detail: str = ""

    @property
    def own_id(self) -> str:
        """The client's id of the message, by the claim or else by the fact."""
        return (self.claim and self.claim.own_id) or (self.fact.own_id if self.fact else "")

    @property
    def provider_id(self) -> str:
        """The provider's id of the message, by the fact or else by the claim."""
        if self.fact:
            return self.fact.provider_id
        return self.claim.provider_id if self.claim else ""

    @property
    def to(self) -> str:
        """The recipient, by the fact or else by the claim; not redacted."""
        if self.fact:
            return self.fact.to
        return self.claim.to if self.claim else ""

    @property
    def words(self) -> str:
        """The difference in words, without ids and numbers of people."""
        claim, fact = self.claim, self.fact
        says = claim and f"claims {_state(claim)}{_cost(claim, self.currency)}"
        due = fact and (
            f"told {fact.told.name.lower()}{_why(fact)}, "
            f"{_cost(fact, fact.currency)} ({fact.policy})"
        )
        if self.kind in _WORDS:
            return _WORDS[self.kind].format(says=says or "not claimed", due=due)
        if self.kind is FindingKind.OPT_OUT_DIFFERS and claim and fact:
            return f"claims {_OUT[claim.opted_out]}; told {_OUT[fact.opted_out]}"
        return f"{says}; {due}" if claim and fact else self.detail


_WORDS = {
    FindingKind.SENT_TWICE: "{says}; the provider accepted it a second time; {due}",
    FindingKind.LOST_BY_SYSTEM: "accepted by the provider and not claimed; {due}",
    FindingKind.UNKNOWN_TO_US: "{says}; the provider never accepted it",
    FindingKind.CLAIMED_TWICE: "{says}; another row claims the same message; {due}",
    FindingKind.RECIPIENT_DIFFERS: "{says}, to another person than the one it was sent to; {due}",
}
_OUT = {True: "opted out", False: "not opted out", None: "nothing of opting out"}


def _state(claim: Claim) -> str:
    return f"{claim.state.value}, " if claim.state else ""


def _why(fact: Fact) -> str:
    return "" if fact.cause is Cause.NONE else f" ({fact.cause.name.lower().replace('_', ' ')})"


def money(micros: int, currency: str) -> str:
    """Write an amount exactly: "7,470 JPY", "0.0083 USD"."""
    whole, rest = divmod(abs(micros), MICROS)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' if micros < 0 else ''}{whole:,}{fraction} {currency}"


def counted(number: int, word: str) -> str:
    """Write "1 unit", "2 units"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _cost(of: Claim | Fact, currency: str) -> str:
    return f"{counted(of.units, 'unit')}, {money(of.micros, currency)}"
