"""A recording lived again: the same commands at the same instants leave the same facts.

The one rule: what came from outside (commands, outcomes of callbacks) is taken from the recording,
in its order; everything else is computed anew. So a run in real time, whose callbacks were answered
whenever the network liked, has the digest of its replay in stepped time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.message import Call, Outcome, OutcomeKind
from simulator.core.orders import Ordered
from simulator.engine.gateway import BATCH
from simulator.engine.log import Settled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.engine.gateway import Gateway
    from simulator.engine.log import Recorded
    from simulator.engine.world import World

    Calls = dict[tuple[int, int], Call]


class ReplayError(ValueError):
    """The recording does not fit this world: another seed, another version, or parts are lost."""


def replay(world: World, items: Iterable[Recorded], until_us: int = 0) -> None:
    """Live a recording again in a new world.

    Args:
        world: new, of the recorded seed and habits. It may have the accounts already.
        items: what was recorded since the last reset.
        until_us: run on to this instant; callbacks that have no outcome then stay unanswered.

    Raises:
        ReplayError: an outcome belongs to no callback, or a command comes at another instant.
    """
    gateway = world.gateway
    calls: Calls = {}
    for item in items:
        _run(gateway, item.at_us, calls)
        if isinstance(item.what, Settled):
            _settle(gateway, item.what, calls)
            continue
        gateway.submit(item.what, item.at_us)
        if gateway.now_us != item.at_us:
            msg = f"recorded at {item.at_us}, replayed at {gateway.now_us}: {item.what}"
            raise ReplayError(msg)
    _run(gateway, until_us, calls)


def _run(gateway: Gateway, until_us: int, calls: Calls) -> None:
    """Run what is due and keep the callbacks that it asks for."""
    while gateway.run_due(until_us) >= BATCH:
        pass
    for effect in gateway.take_effects():
        if isinstance(effect, Call):
            calls[effect.key, effect.nth] = effect


def _settle(gateway: Gateway, settled: Settled, calls: Calls) -> None:
    call = calls.pop((settled.key, settled.nth), None)
    if call is None:
        msg = f"no callback {settled.key:016x} asks for a {settled.nth + 1}. outcome"
        raise ReplayError(msg)
    kind = OutcomeKind(settled.kind)
    outcome = Outcome(kind, settled.status)
    if settled.orders is not None:
        outcome = Ordered(kind, settled.status, orders=settled.orders)
    gateway.settle(call, outcome)
