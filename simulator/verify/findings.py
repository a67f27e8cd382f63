"""What a comparison is made of: facts and totals in, findings out.

The one rule: `amount_micros` and `units` of a finding are what is claimed less what is due, so the
sums over the rows' findings are exactly the claims' rows less the facts.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from simulator.core.message import State
from simulator.verify.claims import MICROS, Claim


class Fact(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One accepted message as the judge knows it.

    Attributes:
        key: its identity in the log.
        own_id: the client's reference, empty where the provider was given none.
        provider_id: the provider's id for it.
        fate, known, told: at the handset, to the provider, to the customer.
        units: billed units by the account's policy in the state `told`; 0 if excluded or pending.
        micros: what it costs in the state `told`, fees included, tax excluded.
        policy: the billing policy's label, for people.
        one_failure: this provider tells its customers of every failure alike (絶対リーチ!:
            statusId 3), so that `undelivered` and `failed` are both right.
    """

    key: int
    own_id: str
    provider_id: str
    to: str
    fate: State
    known: State
    told: State
    units: int
    micros: int
    currency: str
    policy: str
    one_failure: bool = False


class Totals(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the ledger's invoices sum to, all months together.

    Attributes:
        tax_micros: the sum of the invoices' taxes, each rounded by itself.
        tax_once_micros: the tax rounded once over all months; right as well, since claims,
            version 1, know no months. None: there was one month.
    """

    subtotal_micros: int
    tax_micros: int
    total_micros: int
    charged_units: int
    excluded_units: int
    currency: str
    tax_once_micros: int | None = None

    @property
    def taxes_micros(self) -> tuple[int, ...]:
        """Every right answer for the tax; the invoices' own comes first."""
        if self.tax_once_micros is None:
            return (self.tax_micros,)
        return (self.tax_micros, self.tax_once_micros)


class FindingKind(Enum):
    """The classes of a difference; the first that applies is the finding's."""

    LOST_BY_SYSTEM = "lost by the system"
    UNKNOWN_TO_US = "unknown to us"
    CLAIMED_TWICE = "claimed twice"
    STATE_DIFFERS = "state differs"
    BILLED_THOUGH_EXCLUDED = "billed though excluded"
    NOT_BILLED_THOUGH_CHARGED = "not billed though charged"
    UNITS_DIFFER = "units differ"
    AMOUNT_DIFFERS = "amount differs"
    CURRENCY_DIFFERS = "currency differs"
    TOTALS_DIFFER = "totals differ"


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
        says = claim and f"claims {claim.state.value}, {_cost(claim, self.currency)}"
        due = (
            fact and f"told {fact.told.name.lower()}, {_cost(fact, fact.currency)} ({fact.policy})"
        )
        if self.kind is FindingKind.LOST_BY_SYSTEM:
            return f"accepted by the provider and not claimed; {due}"
        if self.kind is FindingKind.UNKNOWN_TO_US:
            return f"{says}; the provider never accepted it"
        if self.kind is FindingKind.CLAIMED_TWICE:
            return f"{says}; another row claims the same message; {due}"
        return f"{says}; {due}" if claim and fact else self.detail


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
