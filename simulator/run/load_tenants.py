"""Many customers of one provider, made of one account: who sends how much of a load.

The one rule: a tenant's share is a draw by its number, so more tenants change nobody's share of
those who were there. Volumes are heavy-tailed, as customers' are: some send nearly everything.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simulator.core.chance import draw64, key_bytes, stream_named
from simulator.scenario_load_checks import TENANTS_MAX

if TYPE_CHECKING:
    from simulator.accounts import Account
    from simulator.scenario import Scenario

ACTIVE = 0.8  # of all customers send something in a month; a provider says 75% or more
_TAIL = 1.2  # Pareto: a fifth of those who send make about four fifths of it
_FIRST_CLIENT = 10_001  # 絶対リーチ!'s ids are five digits


def tenanted(scenario: Scenario) -> Scenario:
    """Return the scenario with its tenants as accounts; itself where it has none."""
    load = scenario.load
    if load is None or load.tenants is None:
        return scenario
    [first] = scenario.accounts
    accounts = tuple(_tenant(first, n) for n in range(load.tenants))
    world = scenario.world
    lane = world.lane or "own"
    return scenario.model_copy(
        update={"accounts": accounts, "world": world.model_copy(update={"lane": lane})}
    )


def _tenant(first: Account, n: int) -> Account:
    update: dict[str, object] = {"name": f"{first.name}-{n + 1:0{len(str(TENANTS_MAX - 1))}d}"}
    if first.dialect == "zettai_reach":
        update["id"] = str(_FIRST_CLIENT + n)
    return first.model_copy(update=update)


def weights(seed: int, tenants: int) -> list[float]:
    """Return each tenant's share of the arrivals, on any scale; 0: it sends nothing this month."""
    ranked = sorted(range(tenants), key=lambda n: _drawn(seed, "tenant is idle", n))
    silent = set(ranked[: math.floor(tenants * (1 - ACTIVE))])
    return [0.0 if n in silent else _volume(seed, n) for n in range(tenants)]


def _volume(seed: int, n: int) -> float:
    return float((1 - _drawn(seed, "volume of a tenant", n)) ** (-1 / _TAIL))


def _drawn(seed: int, what: str, n: int) -> float:
    return float((draw64(stream_named(seed, what), key_bytes(n)) >> 11) * 2.0**-53)
