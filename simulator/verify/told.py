"""What the customer was told of a message, and when: which receipt a wrong claim has ignored.

    told delivered, claimed sent                                     a receipt ignored
    told undelivered, later delivered; claimed undelivered           a late receipt ignored
    told delivered a day after acceptance, claimed undelivered       a late receipt ignored
    told delivered, then sent out of order; claimed sent             the state differs

The one rule: a claim has ignored a receipt if it would be right had that receipt not come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.message import FINAL, State
from simulator.verify.claim_rows import ClaimedState
from simulator.verify.findings import FindingKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from simulator.verify.claim_rows import Claim
    from simulator.verify.facts import Fact

    Tellings = Sequence[tuple[int, State]]  # instants, us, and what was told at them, in order
    TellingsOf = Callable[[int], Tellings]

LATE_US = 24 * 3_600_000_000  # after acceptance: when a final state comes late

_IN_FLIGHT = (ClaimedState.ACCEPTED, ClaimedState.SENT)
NOT_ARRIVED = (ClaimedState.UNDELIVERED, ClaimedState.FAILED)

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


def claimable(told: State, *, one_failure: bool) -> tuple[ClaimedState, ...]:
    """Return the states that may be claimed of a message; `one_failure` as in `Fact`."""
    right = CLAIMABLE.get(told, ())
    return NOT_ARRIVED if one_failure and right and right[0] in NOT_ARRIVED else right


def ignored(claim: Claim, fact: Fact, tellings: Tellings, late_us: int = LATE_US) -> FindingKind:
    """Return the class of a claim whose state is wrong.

    Args:
        claim: what is said.
        fact: what is true.
        tellings: every state that the customer was told of the message.
        late_us: how long after acceptance a final state is late.
    """
    if not tellings or fact.told not in FINAL or claim.state is None:
        return FindingKind.STATE_DIFFERS
    if claim.state in claimable(tellings[-1][1], one_failure=fact.one_failure):
        return FindingKind.STATE_DIFFERS  # the last one won, and should not have
    holds, right = State.NONE, claim.state in CLAIMABLE[State.NONE]
    first: tuple[int, State] | None = None  # the first telling that the claim does not follow
    for at_us, state in tellings:
        if holds in FINAL and state not in FINAL:
            continue
        if claim.state in claimable(state, one_failure=fact.one_failure):
            right, first = True, None
        elif first is None:
            first = (at_us, holds)
        holds = state
    assert first is not None, "what was told last is not what is claimed"
    late = first[1] in FINAL or first[0] - fact.accepted_us > late_us
    if right:
        return FindingKind.LATE_RECEIPT_IGNORED if late else FindingKind.RECEIPT_IGNORED
    if late and claim.state in NOT_ARRIVED:
        return FindingKind.LATE_RECEIPT_IGNORED  # given up before it came
    return FindingKind.STATE_DIFFERS
