"""Many customers of one provider, made of one account: a scenario's `load.tenants`.

The one rule: who sends how much is `simulator.load.tenants`; here they only become accounts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.load.tenants import tenants
from simulator.scenario_load_checks import TENANTS_MAX

if TYPE_CHECKING:
    from simulator.accounts import Account
    from simulator.scenario import Scenario

_FIRST_CLIENT = 10_001  # 絶対リーチ!'s ids are digits


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


def weights(scenario: Scenario) -> list[float]:
    """Return each tenant's share of the arrivals, on any scale; 0: it sends nothing this month."""
    dialect, count = scenario.accounts[0].dialect, len(scenario.accounts)
    return [account.weight for account in tenants(dialect, scenario.seed, count)]
