"""Every bug of the example is caught by the scenario that names it, and the honest system by none.

The runs are real: `todoku run`, the example as its own process, sockets between them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from examples.outreach.bugs import BUGS
from simulator.verify.findings import FindingKind
from tests.last_words import say
from tests.run.mutants import SCENARIOS, Runs, Trial, amounts, cpu_seconds, found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.run.runs import Ran

SECONDS_MAX = 6.0
MUTANTS = {name: Trial(bug.killer, name) for name, bug in BUGS.items()}
HONEST = {scenario: Trial(scenario) for scenario in SCENARIOS}
CLASSES = {kind.value for kind in FindingKind}
RATES = {FindingKind.RATE_DIFFERS.value}  # a rate is wrong with the states it is made of
BROKEN = {  # one change of the data, and the lesson does not hold any more
    "billing-exclusion": ("accounts.0.billing", "jp-request-billed"),
    "delivery-rate": ("people.segments.0.with.gone", "40%"),
    "long-messages": ("sut.start.body.text", "【とどく歯科】検診の時期です。"),
    "ambiguous-timeouts": ("rules.0.chance", "97%"),
    "contact-policy": ("policy.0.quiet_hours.until", "10:00"),
    "late-and-out-of-order-receipts": ("time.until", "1d"),
    "opt-out": ("accounts.0.inbound", "{sut_url}/nobody-listens"),
}


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Runs]:
    """Make all the runs, two at a time, and say in the end how they went."""
    broken = [Trial(scenario, change=change) for scenario, change in BROKEN.items()]
    trials = [*HONEST.values(), *MUTANTS.values(), *broken]
    began = cpu_seconds()
    runs = Runs(trials, tmp_path_factory.mktemp("mutants"))
    try:
        yield runs
        spent = cpu_seconds() - began
        caught = sum(runs[trial].caught for trial in MUTANTS.values())
        passed = sum(runs[trial].ran.code == 0 for trial in HONEST.values())
        said = [
            *(one.line for one in runs.all()),
            f"{len(trials)} runs, {spent:.0f} s of CPU",
            f"mutants caught: {caught}/{len(MUTANTS)}",
            f"honest runs passed: {passed}/{len(HONEST)}",
        ]
        say(pytestconfig, said)
        assert spent < SECONDS_MAX * len(trials)  # a busy machine makes runs longer, not dearer
    finally:
        runs.stop()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_honest_system_passes_without_a_finding(tried: Runs, scenario: str) -> None:
    ran = tried[HONEST[scenario]].ran
    assert ran.code == 0, ran
    assert ran.report["findings"]["count"] == 0
    assert ran.report.get("policy", {}).get("count", 0) == 0


@pytest.mark.parametrize("bug", MUTANTS)
def test_a_mutant_is_caught_with_exactly_what_it_confesses(tried: Runs, bug: str) -> None:
    one = tried[MUTANTS[bug]]
    assert one.caught, one.ran
    kinds, rows = found(one.ran.report)
    confessed = one.confessed
    assert confessed
    if BUGS[bug].found in CLASSES:
        assert {BUGS[bug].found} <= kinds <= {BUGS[bug].found, *BUGS[bug].also} | RATES
        rows = [row for row in rows if row.get("kind") not in RATES]
        assert amounts(rows, "amount") == amounts(confessed, "amount_wrong")
        wrong = sum(Decimal(line["amount_wrong"]) for line in confessed)
        assert sum(Decimal(row["amount"]) for row in rows) == wrong
    elif one.ran.report.get("policy", {}).get("rows"):
        assert kinds == {BUGS[bug].found}
        assert {_about(row) for row in rows} == {_about(line) for line in confessed}
    else:
        assert BUGS[bug].found in kinds
        honest = tried[HONEST[BUGS[bug].killer]].ran
        assert _accepted(honest) - _accepted(one.ran) == len(confessed)


def _accepted(ran: Ran) -> int:
    return int(ran.report["totals"]["accepted"]["todoku"])


def _about(row: Mapping[str, Any]) -> str:
    """Return whom a breach or a confession is about: recipients are shortened in a report."""
    return str(row["to"])[-4:]


@pytest.mark.parametrize("scenario", BROKEN)
def test_one_change_of_the_data_breaks_a_lesson(tried: Runs, scenario: str) -> None:
    one = tried[Trial(scenario, change=BROKEN[scenario])]
    assert one.ran.code == 1, one.ran


def test_every_bug_names_a_scenario_that_there_is() -> None:
    assert {trial.scenario for trial in MUTANTS.values()} <= set(SCENARIOS)
