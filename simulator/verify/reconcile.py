"""The full outer join of claims and facts: each row matches, or is in exactly one class.

The one rule: a claim is judged against what the customer was *told*, and what that costs. What the
provider knows beyond it is `untold`, what happened otherwise at the handset is `carrier_gap`; both
are counted and neither is a finding.

A row whose state is wrong is STATE_DIFFERS, and carries the money that is wrong with it; only a
row whose state is right is in a class of money. Of those: billed or not, then units, then amount.
A wrong row makes the totals wrong too: `totals` tells only what the rows do not explain.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.core.message import FINAL, State
from simulator.verify.claims import ClaimedState
from simulator.verify.findings import Fact, Finding, FindingKind, Totals, counted
from simulator.verify.totals import audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from simulator.verify.claims import Claim, Claims

__all__ = ["CLAIMABLE", "Fact", "Finding", "FindingKind", "Reconciliation", "Totals", "reconcile"]

_IN_FLIGHT = (ClaimedState.ACCEPTED, ClaimedState.SENT)
_NOT_ARRIVED = (ClaimedState.UNDELIVERED, ClaimedState.FAILED)

CLAIMABLE: Mapping[State, tuple[ClaimedState, ...]] = {  # told -> what may then be claimed
    State.NONE: _IN_FLIGHT,  # the reply itself said so
    State.ACCEPTED: _IN_FLIGHT,
    State.SCHEDULED: _IN_FLIGHT,
    State.QUEUED: _IN_FLIGHT,
    State.SENDING: _IN_FLIGHT,
    State.SENT: _IN_FLIGHT,
    State.DELIVERED: (ClaimedState.DELIVERED,),
    State.UNDELIVERED: (ClaimedState.UNDELIVERED,),
    State.EXPIRED: (ClaimedState.UNDELIVERED,),
    State.FAILED: (ClaimedState.FAILED,),
    State.CANCELED: (ClaimedState.FAILED,),
}


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The outcome of a comparison.

    Attributes:
        findings: by class, then ids; the same for the same input.
        counts: findings of every class, zeros included.
        matched: rows without a difference; `claimed`, `accepted`: rows and facts in all.
        amount_micros: what the rows claim too much (negative: too little), millionths of
            `currency`; the sum over the findings about rows, which the totals' do not repeat.
        untold: messages of which the provider knows a final state and the customer does not.
        carrier_gap: messages of which the provider knows something else than what happened.
        notes: what was not compared, and what looked odd without being wrong.
        invalid: why nothing can be concluded; empty if something can.
    """

    findings: tuple[Finding, ...]
    counts: Mapping[FindingKind, int]
    matched: int
    claimed: int
    accepted: int
    amount_micros: int
    currency: str
    untold: int
    carrier_gap: int
    notes: tuple[str, ...]
    invalid: tuple[str, ...]


def reconcile(
    claims: Claims, facts: Sequence[Fact], totals: Totals | None = None
) -> Reconciliation:
    """Compare claims with facts.

    Args:
        claims: of one account.
        facts: every message of this account that the provider accepted, each once.
        totals: of the account's invoices; None if there are none to compare with.
    """
    join = _Join(claims, facts)
    rows = join.findings()
    untold = sum(f.known in FINAL and f.known is not f.told for f in facts)
    document = audit(claims, facts, totals, rows_match=not rows, untold=untold)
    findings = sorted([*rows, *document.findings], key=_order)
    counts = Counter(f.kind for f in findings)
    return Reconciliation(
        findings=tuple(findings),
        counts={kind: counts[kind] for kind in FindingKind},
        matched=join.matched,
        claimed=len(claims.rows),
        accepted=len(facts),
        amount_micros=sum(f.amount_micros for f in rows),
        currency=claims.currency,
        untold=untold,
        carrier_gap=sum(f.fate is not State.NONE and f.fate is not f.known for f in facts),
        notes=(*claims.notes, *join.notes(), *document.notes),
        invalid=document.invalid,
    )


def _order(finding: Finding) -> tuple[int, str, str, int, int, str]:
    fact = finding.fact
    ids = (finding.own_id, finding.provider_id)
    return (_RANK[finding.kind], *ids, finding.row, fact.key if fact else 0, finding.total)


_RANK = {kind: rank for rank, kind in enumerate(FindingKind)}


class _Join:
    """Joins by own id where claim and fact have one, otherwise by the provider's."""

    def __init__(self, claims: Claims, facts: Sequence[Fact]) -> None:
        self._claims, self._facts = claims, facts
        self._own: dict[str, int] = {}
        self._twins: dict[str, list[int]] = {}  # own ids that the provider accepted repeatedly
        self._provider: dict[str, int] = {}
        self._taken = bytearray(len(facts))
        self._other_to = self._other_id = 0
        self.matched = 0
        for place, fact in enumerate(facts):
            if fact.own_id and self._own.setdefault(fact.own_id, place) != place:
                twins = self._twins.setdefault(fact.own_id, [self._own[fact.own_id]])
                twins.append(place)
            if fact.provider_id:
                first = self._provider.setdefault(fact.provider_id, place)
                assert first == place, f"two facts with the provider's id {fact.provider_id}"
        for twins in self._twins.values():
            twins.sort(key=lambda place: facts[place].key)

    def findings(self) -> list[Finding]:
        """Judge each row of either side once."""
        found: list[Finding] = []
        for row, claim in enumerate(self._claims.rows):
            place = self._place(claim)
            finding = self._judge(row, claim, place)
            if finding is None:
                self.matched += 1
            else:
                found.append(finding)
        lost = (fact for fact, taken in zip(self._facts, self._taken, strict=True) if not taken)
        return [*found, *map(self._lost, lost)]

    def notes(self) -> Iterator[str]:
        """Say what looked odd without being wrong."""
        if self._other_to:
            yield f"{counted(self._other_to, 'row')} joined by id, with another recipient than ours"
        if self._other_id:
            yield f"{counted(self._other_id, 'row')} joined by one id, with the other not ours"

    def _place(self, claim: Claim) -> int:
        """Return the fact's place, or -1."""
        place = self._own.get(claim.own_id, -1) if claim.own_id else -1
        if place >= 0 and claim.own_id not in self._twins:
            return place
        by_provider = self._provider.get(claim.provider_id, -1) if claim.provider_id else -1
        if place < 0:
            return by_provider
        twins = self._twins[claim.own_id]
        if by_provider in twins:
            return by_provider
        return next((twin for twin in twins if not self._taken[twin]), twins[0])

    def _judge(self, row: int, claim: Claim, place: int) -> Finding | None:
        currency = self._claims.currency
        if place < 0 or self._taken[place]:
            kind = FindingKind.UNKNOWN_TO_US if place < 0 else FindingKind.CLAIMED_TWICE
            fact = None if place < 0 else self._facts[place]
            units, micros = 0, 0
        else:
            self._taken[place] = 1
            fact = self._facts[place]
            self._other_to += claim.to != fact.to
            self._other_id += _strange_id(claim, fact)
            units = fact.units
            micros = fact.micros if fact.currency == currency else claim.micros
            found = _kind(claim, fact, micros)
            if found is None:
                return None
            kind = found
        return Finding(
            kind=kind,
            amount_micros=claim.micros - micros,
            units=claim.units - units,
            currency=currency,
            row=row,
            claim=claim,
            fact=fact,
        )

    def _lost(self, fact: Fact) -> Finding:
        currency = self._claims.currency
        return Finding(
            kind=FindingKind.LOST_BY_SYSTEM,
            amount_micros=-fact.micros if fact.currency == currency else 0,
            units=-fact.units,
            currency=currency,
            fact=fact,
        )


def _kind(claim: Claim, fact: Fact, micros: int) -> FindingKind | None:
    right = CLAIMABLE[fact.told]
    if fact.one_failure and right[0] in _NOT_ARRIVED:
        right = _NOT_ARRIVED
    if claim.state not in right:
        return FindingKind.STATE_DIFFERS
    if claim.units == fact.units and claim.micros == micros:
        return None
    billed, charged = claim.units or claim.micros, fact.units or fact.micros
    if (claim.units and not fact.units) or (billed and not charged):
        return FindingKind.BILLED_THOUGH_EXCLUDED
    if charged and not billed:
        return FindingKind.NOT_BILLED_THOUGH_CHARGED
    return FindingKind.UNITS_DIFFER if claim.units != fact.units else FindingKind.AMOUNT_DIFFERS


def _strange_id(claim: Claim, fact: Fact) -> bool:
    own = bool(claim.own_id and fact.own_id) and claim.own_id != fact.own_id
    return own or (bool(claim.provider_id) and claim.provider_id != fact.provider_id)
