"""Books of one account, what an honest system claims of them, and how to claim otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from simulator.core.cause import Cause
from simulator.core.message import FINAL, State
from simulator.core.tariff import POLICIES, Bill, Policy, bill, invoice_tax
from simulator.verify.claims import Claim, ClaimedState, ClaimedTotals, Claims
from simulator.verify.facts import Fact
from simulator.verify.findings import FindingKind, Totals
from simulator.verify.reconcile import CLAIMABLE, Reconciliation, reconcile

if TYPE_CHECKING:
    from collections.abc import Sequence

YEN = 1_000_000
JP, US = POLICIES["jp-success-billed"], POLICIES["twilio"]
TOLD = [s for s in State if s in CLAIMABLE]

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=200)


@dataclass(frozen=True)
class Books:
    """What one account really did, and an honest system's view of it."""

    policy: Policy
    facts: tuple[Fact, ...]
    bills: tuple[Bill, ...]
    claims: Claims

    @property
    def totals(self) -> Totals:
        subtotal = sum(b.micros for b in self.bills)
        tax = invoice_tax(self.policy, subtotal)
        return Totals(
            subtotal_micros=subtotal,
            tax_micros=tax,
            total_micros=subtotal + tax,
            charged_units=sum(b.units for b in self.bills),
            excluded_units=sum(b.excluded_units for b in self.bills),
            currency=self.policy.currency,
        )

    def judged(self, claims: Claims | None = None) -> Reconciliation:
        return reconcile(claims or self.claims, self.facts, self.totals)


def totals_of(policy: Policy, rows: Sequence[Claim], excluded: int) -> ClaimedTotals:
    subtotal = sum(r.micros for r in rows)
    tax = invoice_tax(policy, subtotal)
    delivered = sum(r.state is ClaimedState.DELIVERED for r in rows)
    units = sum(r.units for r in rows)
    return ClaimedTotals(len(rows), delivered, units, excluded, subtotal, tax, subtotal + tax)


def books_of(
    *lives: tuple[State, int], policy: Policy = JP, ids: Sequence[str] = (), late: bool = False
) -> Books:
    """Keep honest books of (told, segments); `ids` says which ids each message has: "o", "p", "op".

    `late`: claim "sent" where both are honest.
    """
    facts, bills, rows = [], [], []
    for n, (told, segments) in enumerate(lives):
        due = bill(policy, segments, told, Cause.NONE)
        which = ids[n] if ids else "op"
        fact = Fact(
            key=1000 + n,
            own_id=f"own-{n}" if "o" in which else "",
            provider_id=f"SM{n:032x}",
            to=f"+8190{n:08d}",
            fate=told if told in FINAL else State.NONE,
            known=told,
            told=told,
            units=due.units,
            micros=due.micros,
            currency=policy.currency,
            policy=policy.name,
        )
        provider_id = fact.provider_id if "p" in which else ""
        state = CLAIMABLE[told][-1 if late else 0]
        facts.append(fact)
        bills.append(due)
        rows.append(Claim(f"own-{n}", provider_id, fact.to, state, due.units, due.micros))
    excluded = sum(b.excluded_units for b in bills)
    claims = Claims(policy.currency, tuple(rows), totals_of(policy, rows, excluded))
    return Books(policy, tuple(facts), tuple(bills), claims)


def with_rows(honest: Books, rows: Sequence[Claim]) -> Claims:
    """Claim other rows, and totals that follow from them."""
    totals = totals_of(honest.policy, rows, honest.claims.totals.excluded_units)
    return replace(honest.claims, rows=tuple(rows), totals=totals)


def with_row(honest: Books, row: int, **other: object) -> Claims:
    rows = list(honest.claims.rows)
    rows[row] = msgspec.structs.replace(rows[row], **other)
    return with_rows(honest, rows)


def kinds(judged: Reconciliation) -> list[FindingKind]:
    return [f.kind for f in judged.findings]


@st.composite
def honest_books(draw: st.DrawFn) -> Books:
    lives = draw(
        st.lists(st.tuples(st.sampled_from(TOLD), st.integers(1, 10)), min_size=1, max_size=12)
    )
    n = len(lives)
    ids = draw(st.lists(st.sampled_from(["o", "p", "op"]), min_size=n, max_size=n))
    policy = draw(st.sampled_from(list(POLICIES.values())))
    return books_of(*lives, policy=policy, ids=ids, late=draw(st.booleans()))


@st.composite
def wild_claims(draw: st.DrawFn, honest: Books) -> Claims:
    """Claim anything of anything: known ids, unknown ones, twice, crossed."""
    own = st.sampled_from(["", *(f.own_id for f in honest.facts), "stranger"])
    provider = st.sampled_from(["", *(f.provider_id for f in honest.facts), "SMx"])
    small = st.integers(0, 3)
    row = st.builds(
        Claim, own, provider, st.just("+8190"), st.sampled_from(ClaimedState), small, small
    )
    return with_rows(honest, draw(st.lists(row, max_size=20)))
