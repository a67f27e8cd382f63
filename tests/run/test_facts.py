"""What the world knows, in the values of the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.metric import METRIC
from simulator.engine.world import World
from simulator.run.facts import facts_of, metrics_of, totals_of
from simulator.run.world import account_of, options_of
from simulator.scenario import METRICS, Scenario, load_scenario
from simulator.verify.claims import ClaimedTotals, Claims
from simulator.verify.reconcile import reconcile
from tests.run.runs import AMERICA, JAPAN, written
from tests.worlds import LONG_US, START_US, advance, phone, sms

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.core.command import Submission

NO_CLAIMS = Claims("JPY", (), ClaimedTotals(0, 0, 0, 0, 0, 0, 0))


def made(folder: Path, base: dict[str, Any] = JAPAN, **sections: Any) -> tuple[Scenario, World]:
    scenario = load_scenario(written(folder, base, **sections), needs_sut=False)
    world = World("test", options_of(scenario))
    for account in scenario.accounts:
        world.configure(account_of(scenario, account, str), START_US)
    return scenario, world


def written_to(world: World, count: int, name: str = "") -> None:
    name = name or next(iter(world.store.shelves))
    for i in range(count):
        asked: Submission = sms(phone(i), account=name, reference=f"letter {i}")
        world.gateway.submit(asked, START_US)


@pytest.mark.parametrize("claims", [None, NO_CLAIMS])
def test_there_is_a_value_for_every_metric_and_no_other(
    tmp_path: Path, claims: Claims | None
) -> None:
    scenario, world = made(tmp_path)
    compared = reconcile(claims, facts_of(world, scenario)) if claims else None
    metrics = metrics_of(world, claims, compared, 0)
    assert sorted(metrics) == sorted(METRICS)
    measured = {name for name in METRICS if METRIC[name].load}  # of a load, and this is none
    unknown = {name for name, value in metrics.items() if value is None} - measured
    assert unknown == (set() if claims else {"findings", "claimed_delivered", "claimed_total"})


def test_the_metrics_count_each_message_once_wherever_it_is(tmp_path: Path) -> None:
    _, world = made(tmp_path)
    written_to(world, 40)
    before = metrics_of(world, None, None, 3)
    assert (before["accepted"], before["in_flight"], before["stragglers"]) == (40, 40, 3)
    advance(world, START_US + LONG_US)
    after = metrics_of(world, None, None, 0)
    ends = ("delivered", "undelivered", "expired", "failed", "in_flight")
    assert sum(after[name] or 0 for name in ends) == 40
    assert after["total"] == (after["subtotal"] or 0) + (after["tax"] or 0)
    assert after["subtotal"] == 15 * (after["charged_units"] or 0)


@pytest.mark.parametrize(("base", "alike"), [(JAPAN, True), (AMERICA, False)], ids=["jp", "us"])
def test_where_a_provider_tells_all_failures_alike_the_judge_knows_it(
    tmp_path: Path, base: dict[str, Any], alike: bool
) -> None:
    scenario, world = made(tmp_path, base)
    written_to(world, 1)
    [fact] = facts_of(world, scenario)
    assert fact.one_failure is alike


def test_only_the_account_that_the_system_was_given_is_judged(tmp_path: Path) -> None:
    accounts = [{"name": name, "dialect": "zettai_reach"} for name in ("one", "other")]
    scenario, world = made(
        tmp_path, world={"lane": "shared"}, accounts=accounts, sut={"account": "other"}
    )
    one, other = world.store.shelves
    written_to(world, 3, one)
    assert facts_of(world, scenario) == []
    assert totals_of(world, scenario) is None
    written_to(world, 2, other)
    assert sorted(fact.own_id for fact in facts_of(world, scenario)) == ["letter 0", "letter 1"]
    totals = totals_of(world, scenario)
    assert totals is not None
    assert totals.subtotal_micros == 0
