"""Checks on the pace of requests, and on forged callbacks.

The one rule: a pace is judged by the clock that the system has. Where it uses ours that is virtual
time; otherwise it is the instant at which its requests arrived by a real clock.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simulator.core.message import State
from simulator.verify.touch import THROTTLED, Breach, Channel, Found, breach, lasting

if TYPE_CHECKING:
    from simulator.policy_checks import AtMostRate, BacksOff, SignaturesVerified
    from simulator.verify.touch import Touch, Traffic

_NO_ARRIVAL = "when it arrived was not recorded"
_CLAIMED = {  # the state of a forged callback -> what a system that believes it claims
    State.DELIVERED: "delivered",
    State.UNDELIVERED: "undelivered",
    State.EXPIRED: "undelivered",
    State.FAILED: "failed",
    State.CANCELED: "failed",
}


def backs_off(check: BacksOff, traffic: Traffic) -> Found:
    """Find attempts that came too soon after a refusal for too much traffic."""
    arrived, unjudged = _arrived(traffic)
    refusals: dict[tuple[str, str], tuple[int, int]] = {}  # the last one, and how many in a row
    breaches: list[Breach] = []
    seen = 0
    for at_us, touch in arrived:
        who = (touch.account, touch.to)
        last_us, in_a_row = refusals.pop(who, (0, 0))
        if in_a_row:
            seen += 1
            wait_us = min(check.least_us * check.factor ** (in_a_row - 1), check.longest_us)
            if at_us - last_us < wait_us:
                waited, wanted = lasting(at_us - last_us), lasting(round(wait_us))
                words = f"again {waited} after refusal {in_a_row} in a row, not {wanted} or more"
                breaches.append(breach(touch, words))
        if touch.refused in THROTTLED:
            refusals[who] = (at_us, in_a_row + 1)
    return Found(
        breaches, seen, "nothing was refused for too much traffic and tried again", unjudged
    )


def at_most_rate(check: AtMostRate, traffic: Traffic) -> Found:
    """Find each request that is one too many in a window that ends with it."""
    arrived, unjudged = _arrived(traffic)
    words = f"more than {check.count} requests within {lasting(check.within_us)}"
    breaches = [
        breach(touch, words)
        for (first_us, _), (at_us, touch) in zip(arrived, arrived[check.count :], strict=False)
        if at_us - first_us < check.within_us
    ]
    return Found(breaches, len(arrived), "nothing was sent", unjudged)


def signatures_verified(_check: SignaturesVerified, traffic: Traffic) -> Found:
    """Find claims that say what only a callback with a bad signature has said."""
    rows = {}
    for claim in traffic.claims.rows if traffic.claims is not None else ():
        rows[claim.own_id or claim.provider_id] = claim
        rows[claim.provider_id or claim.own_id] = claim
    breaches: list[Breach] = []
    unjudged: Counter[str] = Counter()
    occasions = 0
    for forged in traffic.forged:
        believed = _CLAIMED.get(forged.said)
        row = rows.get(forged.own_id) or rows.get(forged.provider_id)
        if row is None:
            unjudged["the system does not claim its message"] += 1
        elif row.state is None:
            unjudged["the system claims no state of its message"] += 1
        elif believed is None or believed == _CLAIMED.get(forged.told):
            unjudged["it said nothing but the truth"] += 1
        else:
            occasions += 1
            if row.state.value == believed:
                words = f"the claim says {believed}, as only a callback with a bad signature did"
                mine = row.own_id or row.provider_id
                at = Breach(at_us=forged.at_us, to=forged.to, words=words, own_id=mine)
                breaches.append(at)
    without = "no callback with a wrong or stale signature was sent in this run"
    return Found(breaches, occasions, without, unjudged)


def _arrived(traffic: Traffic) -> tuple[list[tuple[int, Touch]], Counter[str]]:
    """Return the requests by the system's clock, in order; and how many have no instant there."""
    unjudged: Counter[str] = Counter()
    found: list[tuple[int, Touch]] = []
    for touch in traffic.touches:
        if touch.channel is not Channel.SMS:
            continue
        asked_us = touch.at_us if touch.asked_us < 0 else touch.asked_us
        at_us = touch.wall_us if traffic.by_wall else asked_us
        if traffic.by_wall and at_us < 0:
            unjudged[_NO_ARRIVAL] += 1
        else:
            found.append((at_us, touch))
    found.sort(key=lambda item: (item[0], item[1].nth))
    return found, unjudged
