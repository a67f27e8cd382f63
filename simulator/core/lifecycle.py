"""The life of a message as a table. An absent entry *is* the error.

What the provider knows:

    ACCEPTED -> (QUEUED ->) SENDING -> SENT -> DELIVERED | UNDELIVERED | EXPIRED
     ^  |                      |
     |  |                      +-> FAILED
     |  +-> FAILED | CANCELED
    SCHEDULED -> CANCELED

A message through a messaging service is QUEUED when its sender has been chosen.

`UNDELIVERED -> DELIVERED` and `EXPIRED -> DELIVERED` are receipts that correct themselves.
What happens at the handset is one step, from NONE to one of the fates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.message import State

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN: Mapping[State, frozenset[State]] = {
    State.NONE: frozenset({State.ACCEPTED, State.SCHEDULED, State.RECEIVED}),
    State.SCHEDULED: frozenset({State.ACCEPTED, State.CANCELED}),
    State.ACCEPTED: frozenset({State.QUEUED, State.SENDING, State.FAILED, State.CANCELED}),
    State.QUEUED: frozenset({State.SENDING, State.FAILED, State.CANCELED}),
    State.SENDING: frozenset({State.SENT, State.FAILED}),
    State.SENT: frozenset({State.DELIVERED, State.UNDELIVERED, State.EXPIRED}),
    State.DELIVERED: frozenset(),
    State.UNDELIVERED: frozenset({State.DELIVERED}),
    State.EXPIRED: frozenset({State.DELIVERED}),
    State.FAILED: frozenset(),
    State.CANCELED: frozenset(),
    State.RECEIVED: frozenset(),
}

FATE: Mapping[State, frozenset[State]] = {
    State.NONE: frozenset(
        {State.DELIVERED, State.UNDELIVERED, State.EXPIRED, State.FAILED, State.CANCELED}
    ),
}


def diagram() -> str:
    """Draw `KNOWN` as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2"]
    for state, following in KNOWN.items():
        start = "[*]" if state is State.NONE else state.name
        lines += [f"    {start} --> {after.name}" for after in sorted(following)]
    return "\n".join(lines)
