"""The judgement of a run that is over, the same at its end and from its folder.

world, claims, Ended -> facts -> reconcile -> expectations (-> baseline) -> verdict -> Judged
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from simulator.core.orders import CAUSED_MAX
from simulator.run.facts import UNMEASURED, evidence_of, look_at, surveyed, totals_of
from simulator.run.load_reading import asked_in
from simulator.run.people import numbers_of
from simulator.run.policy import policy_of_run
from simulator.run.report import Judged
from simulator.scenario_expect import Expectation, Of
from simulator.verify.expect import Outcome, evaluate, not_judged
from simulator.verify.expect_baseline import against
from simulator.verify.findings import counted
from simulator.verify.reconcile import Reconciliation, reconcile
from simulator.verify.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from simulator.engine.world import World
    from simulator.run.kept import Ended
    from simulator.run.load_measured import Measured
    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims
    from simulator.verify.expect import Look
    from simulator.verify.expect_baseline import Baseline
    from simulator.verify.facts import Fact

REFUSED = "the target refuses no connection"  # the name of an expectation


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line wants of the judgement.

    Attributes:
        bodies: whole numbers and texts in the report.
        baseline: an earlier report to hold this run against.
        encoding: of the tables for a spreadsheet, one of `sheet.SHEET_ENCODINGS`.
    """

    bodies: bool = False
    baseline: Baseline | None = None
    encoding: str = "utf-8-sig"


def judged(  # noqa: PLR0913, PLR0917 - what is judged, and how it is wanted
    scenario: Scenario,
    world: World,
    out: Path,
    claims: Claims | None,
    ended: Ended,
    wanted: Wanted,
    load: Measured | None = None,
) -> Judged:
    """Judge a run; `out` is its folder, `load` what was measured where it was a load."""
    known = surveyed(world, scenario)
    facts = known.facts
    reconciliation: Reconciliation | None = None
    if claims is not None:
        evidence = evidence_of(world, scenario, known.told, asked_in(out, scenario, world, load))
        reconciliation = reconcile(claims, facts, totals_of(world, scenario), evidence)
    policy = policy_of_run(scenario, out, claims)
    measured = load.values() if load else UNMEASURED
    look = look_at(world, scenario, claims, reconciliation, ended.stragglers, policy, measured)
    look = _bounded(look, load)
    if ended.stopped:
        results = tuple(
            evaluate([each], look)[0] if each.name == ended.stopped else not_judged(each)
            for each in scenario.expect
        )
    else:
        results = evaluate(scenario.expect, look)
        if wanted.baseline is not None:
            results += against(wanted.baseline, results)
    if load is not None:
        results += evaluate(_accepts_connections(load), look)
    invalid = [*ended.invalid]
    if not invalid:
        invalid += _worthless(scenario, world, claims, look, load, stopped=bool(ended.stopped))
    verdict = judge(
        results,
        reconciliation,
        invalid,
        interrupted=ended.interrupted,
        policy=policy,
        stopped=ended.stopped,
    )
    return Judged(
        scenario,
        world,
        claims,
        reconciliation,
        results,
        verdict,
        ended.stragglers,
        ended.cut,
        _strangers(facts, scenario),
        {name: Fraction(n) for name, n in look(Of()).metrics.items() if n is not None},
        wanted.bodies,
        bool(ended.stopped),
        policy,
        (known.truth, known.told),
        load.section if load else None,
    )


def _bounded(look: Look, load: Measured | None) -> Look:
    """Add what a load knows only the bounds of."""
    if load is None or not load.least:
        return look
    least = {name: Fraction(n) for name, n in load.least.items()}
    return lambda of: replace(look(of), least=least, unknown=load.unknown)


def _accepts_connections(load: Measured) -> Iterator[Expectation]:
    """Yield what is expected where refused connections are to fail a load (`load.refused`)."""
    if load.refused_fails:
        asked = {"name": REFUSED, "that": "refused_connections", "equals": "0"}
        yield Expectation.model_validate(asked)


def stops(scenario: Scenario, look: Look, elapsed_us: int) -> str:
    """Return the name of the first expectation that ends the run now, or nothing."""
    for each in scenario.expect:
        if each.abort_after_us is None or elapsed_us < each.abort_after_us:
            continue
        if evaluate([each], look)[0].outcome is Outcome.FAILED:
            return each.name
    return ""


def none_taken(load: Measured) -> str:
    """Say of a load of which no message was accepted whether anything was sent."""
    sent = int(load.values().get("started") or 0)
    if not sent:
        return "nothing was sent: no message was accepted"
    ends = "what they ended in is `load.counts` in report.json"
    return f"no message was accepted of {sent:,} requests: {ends}"


def _worthless(  # noqa: PLR0913 - all that a judgement rests on
    scenario: Scenario,
    world: World,
    claims: Claims | None,
    look: Look,
    load: Measured | None,
    *,
    stopped: bool,
) -> Iterator[str]:
    """Say why this run proves nothing, whatever the numbers are."""
    metrics = look(Of()).metrics
    if load is not None and not metrics["accepted"]:
        if not load.unanswered:  # it fails, then
            yield none_taken(load)
    elif not metrics["accepted"]:
        idle = scenario.sut is not None and scenario.sut.idle is not None
        brief = " (without `idle`, time waits only a moment for a system to act)"
        yield "nothing was sent: no message was accepted" + ("" if idle else brief)
    yield from (f"the books are out of balance: {fault}" for fault in world.faults())
    if world.truth.cuts:
        words = f"{world.truth.cuts} instants were cut: each caused more than {CAUSED_MAX:,} steps"
        yield f"{words} itself, so something answers itself without end"
    if world.store.pruned and claims is not None:
        words = f"{world.store.pruned} messages were pruned and cannot be judged one by one"
        yield f"{words}: raise world.retention"
    pending = int(metrics["callbacks_pending"] or 0)
    if pending and not stopped:
        words = f"{counted(pending, 'callback')} still undelivered at the horizon"
        longer = "load.drain" if load else "time.until"
        yield f"{words}, each with another attempt to come: make {longer} longer"


def _strangers(facts: Sequence[Fact], scenario: Scenario) -> int:
    """Count messages to numbers that are not among the campaign's people."""
    people = set(numbers_of(scenario))
    return sum(fact.to not in people for fact in facts)
