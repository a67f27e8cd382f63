"""The full outer join of claims and facts: each row matches, or is in exactly one class.

The one rule: a claim is judged against what the customer was *told*, and what that costs. What the
provider knows beyond it is `untold`, what happened otherwise at the handset is `carrier_gap`; both
are counted and neither is a finding.

A row whose state is wrong is STATE_DIFFERS (or one of the two that say which receipt it ignored),
and carries the money that is wrong with it; only a row whose state is right is in a class of money.
Who it went to, and who opted out, are classes of rows that are right in all of these.
Of those: billed or not, then units, then amount. A message that repeats another is SENT_TWICE,
claimed or not. A wrong row makes the totals wrong too: `totals` tells only what the rows do not
explain. What a system does not say is taken to be right, and said to be unsaid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from simulator.core.message import FINAL, State
from simulator.verify import told, twice
from simulator.verify.claim_rows import STATES, ClaimedState, ClaimRows
from simulator.verify.columns import Column, exact_sum
from simulator.verify.facts import Fact, Facts
from simulator.verify.findings import Finding, FindingKind, Totals, counted
from simulator.verify.found import NONE, RANKS, Findings, Judgements
from simulator.verify.join import Joined, elsewhere, join
from simulator.verify.rate_claims import judge_rates
from simulator.verify.told import CLAIMABLE
from simulator.verify.totals import audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from simulator.verify.claims import Claims
    from simulator.verify.rates import Counts
    from simulator.verify.told import TellingsOf

__all__ = ["CLAIMABLE", "Fact", "Finding", "FindingKind", "Reconciliation", "Totals", "reconcile"]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The outcome of a comparison.

    Attributes:
        findings: by class, then ids; the same for the same input; each made when asked for.
        counts, amounts: findings of every class, and what they claim too much; zeros included.
        pairs: of the rows whose state is wrong, how often which was claimed instead of which.
        matched: rows without a difference; `claimed`, `accepted`: rows and facts in all.
        amount_micros: what the rows claim too much (negative: too little), millionths of
            `currency`; the sum over the findings about rows, which the totals' do not repeat.
        untold: messages of which the provider knows a final state and the customer does not.
        carrier_gap: messages of which the provider knows something else than what happened.
        notes: what was not compared, and what looked odd without being wrong.
        invalid: why nothing can be concluded; empty if something can.
        rows: the class of every row of either side, those that match included.
    """

    findings: Sequence[Finding]
    counts: Mapping[FindingKind, int]
    amounts: Mapping[FindingKind, int]
    pairs: Mapping[tuple[str, str], int]
    matched: int
    claimed: int
    accepted: int
    amount_micros: int
    currency: str
    untold: int
    carrier_gap: int
    notes: tuple[str, ...]
    invalid: tuple[str, ...]
    rows: Judgements = field(compare=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What else is known beside the facts.

    Attributes:
        tellings_of: what the customer was told of a message (by its key), and when; without it no
            ignored receipt is told from another wrong state.
        counts: what claimed rates are judged by, as told; None: they are not.
        late_us: how long after acceptance a receipt is late.
        twice_us: how soon the same text to the same person is a repetition.
        asked: which request asked for a message, by its key (`twice.twins`).
    """

    tellings_of: TellingsOf = lambda _key: ()
    counts: Counts | None = None
    late_us: int = told.LATE_US
    twice_us: int = twice.WITHIN_US
    asked: Mapping[int, int] = field(default_factory=dict)


def reconcile(
    claims: Claims,
    facts: Sequence[Fact],
    totals: Totals | None = None,
    evidence: Evidence | None = None,
) -> Reconciliation:
    """Compare claims with facts.

    Args:
        claims: of one account.
        facts: every message of this account that the provider accepted, each once.
        totals: of the account's invoices; None if there are none to compare with.
        evidence: what else is known; None: nothing.
    """
    rows, ours = ClaimRows.of(claims.rows), Facts.of(facts)
    evidence = evidence or Evidence()
    judgements, joined = _Judge(rows, ours, claims, evidence).judged()
    wrong = int(np.count_nonzero(judgements.kind != NONE))
    document = audit(claims, ours, totals, rows_match=not wrong)
    rates = _rates(claims, rows, evidence)
    findings = Findings(judgements, (*document.findings, *rates))
    return Reconciliation(
        findings=findings,
        counts=findings.counts(),
        amounts=findings.amounts(),
        pairs=_pairs(judgements),
        matched=len(judgements.kind) - wrong,
        claimed=len(rows),
        accepted=len(ours),
        amount_micros=exact_sum(judgements.micros),
        currency=claims.currency,
        untold=ours.untold,
        carrier_gap=ours.carrier_gap,
        notes=(*claims.notes, *_notes(rows, ours, joined), *document.notes),
        invalid=document.invalid,
        rows=judgements,
    )


def _rates(claims: Claims, rows: ClaimRows, evidence: Evidence) -> Sequence[Finding]:
    """Judge the claimed rates: by the claims' own rows, as totals are, or else by what was told."""
    counts = evidence.counts
    if counts is None:
        return ()
    if "state" in rows.said and not claims.aggregates:
        counts = msgspec.structs.replace(
            counts,
            accepted=len(rows),
            delivered=rows.count(ClaimedState.DELIVERED),
            reachable=len(rows) - counts.accepted + counts.reachable,
        )
    return tuple(judge_rates(claims.rates, counts, claims.currency))


class _Judge:
    def __init__(self, rows: ClaimRows, facts: Facts, claims: Claims, evidence: Evidence) -> None:
        self._rows, self._facts, self._evidence = rows, facts, evidence
        self._currency, self._aggregates = claims.currency, claims.aggregates

    def judged(self) -> tuple[Judgements, Joined]:
        """Put each row of either side into its class: first the claims, then what nobody claims."""
        rows, facts = self._rows, self._facts
        joined = join(rows, facts, self._alike)
        place, again = joined.place, joined.again
        about = np.flatnonzero((place != NONE) & ~again)
        at = place[about]
        units, micros = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        units[about] = facts.units[at] if "units" in rows.said else rows.units[about]
        priced = facts.by_terms(lambda terms: terms.currency == self._currency)
        comparable = priced[at] & ("amount" in rows.said)
        micros[about] = np.where(comparable, facts.micros[at], rows.micros[about])
        kind = np.full(len(rows), NONE, np.int16)
        kind[about] = self._kinds(about, at, units[about], micros[about])
        evidence = self._evidence
        repeats = twice.twins(facts, joined.taken, evidence.twice_us, evidence.asked)
        kind[about[repeats[at]]] = RANKS[FindingKind.SENT_TWICE]
        kind[again] = RANKS[FindingKind.CLAIMED_TWICE]
        kind[place == NONE] = RANKS[FindingKind.UNKNOWN_TO_US]
        lost = np.flatnonzero(~joined.taken & (not self._aggregates))
        lost_kind = np.full(len(lost), RANKS[FindingKind.LOST_BY_SYSTEM], np.int16)
        lost_kind[repeats[lost]] = RANKS[FindingKind.SENT_TWICE]
        judgements = Judgements(
            rows,
            facts,
            self._currency,
            kind=np.concatenate((kind, lost_kind)),
            row=np.concatenate((np.arange(len(rows)), np.full(len(lost), NONE))),
            place=np.concatenate((place, lost)),
            units=np.concatenate((rows.units - units, -facts.units[lost])),
            micros=np.concatenate(
                (rows.micros - micros, np.where(priced[lost], -facts.micros[lost], 0))
            ),
        )
        return judgements, joined

    def _alike(self, row: int, place: int) -> bool:
        """Tell whether a claim says of a fact what is true of it."""
        rows, facts = self._rows, self._facts
        units = "units" not in rows.said or rows.units[row] == facts.units[place]
        micros = "amount" not in rows.said or rows.micros[row] == facts.micros[place]
        one = self._facts.all_terms[facts.terms[place]].one_failure
        return bool(_RIGHT[int(one), facts.told[place], rows.state[row]] and units and micros)

    def _kinds(self, about: Column, at: Column, units: Column, micros: Column) -> Column:
        """Return the class of claims that have a fact each; `units` and `micros` are due."""
        rows, facts = self._rows, self._facts
        said_units, said_micros = rows.units[about], rows.micros[about]
        one = facts.by_terms(lambda terms: terms.one_failure)[at].astype(np.int8)
        wrong_state = ~_RIGHT[one, facts.told[at], rows.state[about]]
        billed = ((said_units != 0) | (said_micros != 0)) & _claims_money(rows)
        charged = (units != 0) | (micros != 0)
        excluded = ((said_units != 0) & (units == 0)) | (billed & ~charged)
        outs = rows.opted_out[about], facts.opted_out[at]
        other_out = (outs[0] >= 0) & (outs[1] >= 0) & (outs[0] != outs[1])
        unmoneyed = (
            (other_out, FindingKind.OPT_OUT_DIFFERS),
            (elsewhere(rows, facts, about, at), FindingKind.RECIPIENT_DIFFERS),
        )
        classes = (
            (said_micros != micros, FindingKind.AMOUNT_DIFFERS),
            (said_units != units, FindingKind.UNITS_DIFFER),
            (charged & ~billed, FindingKind.NOT_BILLED_THOUGH_CHARGED),
            (excluded, FindingKind.BILLED_THOUGH_EXCLUDED),
        )
        money = (said_units != units) | (said_micros != micros)
        kind = np.full(len(at), NONE, np.int16)
        for where, found in (*unmoneyed, *((where & money, found) for where, found in classes)):
            kind[where] = RANKS[found]  # the last that applies is the row's
        kind[wrong_state] = RANKS[FindingKind.STATE_DIFFERS]
        for index in np.flatnonzero(wrong_state & np.isin(facts.told[at], _FINALS)).tolist():
            kind[index] = self._ignored(int(about[index]), int(at[index]))
        return kind

    def _ignored(self, row: int, place: int) -> int:
        tellings = self._evidence.tellings_of(int(self._facts.key[place]))
        if not tellings:
            return RANKS[FindingKind.STATE_DIFFERS]
        claim, fact = self._rows[row], self._facts[place]
        return RANKS[told.ignored(claim, fact, tellings, self._evidence.late_us)]


def _claims_money(rows: ClaimRows) -> bool:
    return bool({"units", "amount"} & rows.said)


def _right() -> Column:
    """Return whether a state may be claimed: by `one_failure`, what was told, and its code."""
    table = np.zeros((2, max(State) + 1, len(STATES)), np.bool_)
    table[:, :, 0] = True  # who says no state says no wrong one
    for one in (False, True):
        for state in State:
            for claimed in told.claimable(state, one_failure=one):
                table[int(one), state, STATES.index(claimed)] = True
    return table


_RIGHT = _right()
_WIDTH = max(State) + 1
_FINALS = np.array(sorted(FINAL))
_WRONG_STATES = (
    FindingKind.STATE_DIFFERS,
    FindingKind.RECEIPT_IGNORED,
    FindingKind.LATE_RECEIPT_IGNORED,
)


def _pairs(judgements: Judgements) -> Mapping[tuple[str, str], int]:
    """Count the rows whose state is wrong by what is claimed and what was told."""
    wrong = np.flatnonzero(np.isin(judgements.kind, [RANKS[kind] for kind in _WRONG_STATES]))
    claimed = judgements.rows.state[judgements.row[wrong]].astype(np.int64)
    code = claimed * _WIDTH + judgements.facts.told[judgements.place[wrong]]
    found = {}
    for pair, n in enumerate(np.bincount(code).tolist()):
        if n:
            state, was = STATES[pair // _WIDTH], State(pair % _WIDTH)
            found[state.value if state else "", was.name.lower()] = n
    return found


def _notes(rows: ClaimRows, facts: Facts, joined: Joined) -> Iterator[str]:
    """Say what looked odd without being wrong."""
    about = np.flatnonzero((joined.place != NONE) & ~joined.again)
    at = joined.place[about]
    other_to = ~rows.to.same(about, facts.to, at) & ~elsewhere(rows, facts, about, at)
    if "to" in rows.said and (n := int(np.count_nonzero(other_to))):
        yield f"{counted(n, 'row')} joined by id, with another recipient than ours"
    strange = rows.own_id.there[about] & facts.own_id.there[at]
    strange &= ~rows.own_id.same(about, facts.own_id, at)
    strange |= rows.provider_id.there[about] & ~rows.provider_id.same(about, facts.provider_id, at)
    if n := int(np.count_nonzero(strange)):
        yield f"{counted(n, 'row')} joined by one id, with the other not ours"
    if n := int(np.count_nonzero(joined.by_recipient & (joined.place != NONE))):
        yield f"{counted(n, 'row')} joined by recipient, for want of an id"
    unsaid = [name for name in ("state", "units", "amount") if name not in rows.said]
    if unsaid and len(rows):
        yield f"not claimed, so not judged: {', '.join(unsaid)}"
