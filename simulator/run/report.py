"""The report: one document, the same byte for byte for the same seed except for its key `wall`.

    document(judged) -> dict -> report.json;   findings_csv(document);   show.py -> terminal

Numbers of recipients are shortened and there are no bodies: a report may be shown to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.core.carrier import CARRIERS
from simulator.core.message import CONTENDED, State
from simulator.core.metric import METRIC, MONEY, REAL
from simulator.run import rules_report
from simulator.run.policy_report import section
from simulator.run.report_findings import decimal, findings_csv, findings_of, shortened
from simulator.run.report_rates import rates_of
from simulator.verify.expect import Outcome
from simulator.views.ledger import INVOICE_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from fractions import Fraction

    from simulator.engine.world import World
    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims
    from simulator.verify.expect import Result
    from simulator.verify.policy import Policy
    from simulator.verify.rates import Counts
    from simulator.verify.reconcile import Reconciliation
    from simulator.verify.verdict import Verdict

__all__ = ["Judged", "decimal", "document", "findings_csv", "shortened"]

SCHEMA = "todoku/report/1"
_LEVEL_STATES = (
    State.DELIVERED,
    State.UNDELIVERED,
    State.EXPIRED,
    State.FAILED,
    State.CANCELED,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A finished run and what was found; one that was `cut` ended before its time."""

    scenario: Scenario
    world: World
    claims: Claims | None
    reconciliation: Reconciliation | None
    results: Sequence[Result]
    verdict: Verdict
    stragglers: int
    cut: bool
    strangers: int = 0
    metrics: Mapping[str, Fraction] = field(default_factory=dict)
    bodies: bool = False
    stopped: bool = False
    policy: Policy | None = None
    rates: tuple[Counts, Counts] | None = None  # as they are, and as told
    load: Mapping[str, Any] | None = None  # of a load test


def document(judged: Judged) -> dict[str, Any]:
    """Return the report as plain values; money is a decimal string of the currency."""
    scenario, world = judged.scenario, judged.world
    return {
        "schema": SCHEMA,
        "verdict": {
            "exit_code": int(judged.verdict.exit_code),
            "words": judged.verdict.words,
        },
        "validity": {
            "proves": not judged.verdict.invalid,
            "why": [" ".join(why.split()) for why in judged.verdict.invalid],
        },
        "scenario": {
            "name": scenario.name,
            "title": scenario.title,
            "seed": scenario.seed,
            "people": scenario.people.count,
            "numbers": scenario.people.numbers,
            "preset": scenario.people.preset,
            "time": scenario.time.mode,
            "identity": scenario.world.identity,
        },
        "departures": _departures(scenario),
        "notes": _notes(judged),
        "repeatable": _repeatable(judged),
        "expectations": [_result(result) for result in judged.results],
        "metrics": _metrics(judged.metrics),
        "totals": _both_sides(judged),
        "rules": rules_report.section(world),
        "rates": rates_of(*judged.rates) if judged.rates else [],
        "truth": _truth(world),
        "invoices": _invoices(world),
        "findings": findings_of(judged),
        "digest": world.log.digest(),
        "policy": section(judged.policy, whole=judged.bodies),
        **({} if judged.load is None else {"load": judged.load}),
    }


def _departures(scenario: Scenario) -> list[str]:
    found = [
        f"account {account.name}: replies come from +81 although this provider has none there"
        for account in scenario.accounts
        if account.two_way
    ]
    if scenario.people.numbers == "assignable":
        found.append("numbers look like people's (assignable); nothing left this machine")
    return found


def _notes(judged: Judged) -> list[str]:
    """Say what is odd without being wrong, and what the comparison could not see."""
    found = list(judged.reconciliation.notes) if judged.reconciliation else []
    for name, tally in sorted(judged.world.truth.tallies.items()):
        if tally.callbacks_abandoned:
            found.append(
                f"account {name}: {tally.callbacks_abandoned:,} callbacks were given up without a "
                f"2xx, so what they said was never told; claims are held against what was told"
            )
    for (name, trouble), n in sorted(judged.world.truth.warned.items()):
        words = f"{trouble.name.lower().replace('_', ' ')} ({int(trouble)})"
        found.append(f"account {name}: {n:,} times a webhook or its answer was in trouble: {words}")
    if judged.world.store.pruned:
        found.append(
            f"{judged.world.store.pruned:,} messages were forgotten (world.retention): the counts "
            "hold them all, rates and firings are of the others"
        )
    if judged.strangers:
        found.append(f"{judged.strangers:,} messages went to numbers outside the campaign")
    asked = [rule.name for rule in judged.scenario.rules]
    return [*found, *rules_report.notes(judged.world, asked)]


def _repeatable(judged: Judged) -> dict[str, Any]:
    """Say whether the same seed will give the same facts, and if not, why."""
    why = [*rules_report.contended(judged.world)]
    if judged.stragglers:
        why.append(f"{judged.stragglers} requests came after their instant had been left")
    contended = sum(n for (_, r), n in judged.world.truth.refused.items() if r in CONTENDED)
    if contended:
        why.append(f"{contended} refusals by a shared limit depend on who came first")
    if judged.cut and not judged.stopped:
        why.append("the run was cut short, by something outside virtual time")
    if judged.scenario.time.mode != "stepped":
        why.append(f"{judged.scenario.time.mode} time: the system's own pace decides the instants")
    return {"answer": "no" if why else "yes", "why": why, "stragglers": judged.stragglers}


def _result(result: Result) -> dict[str, Any]:
    sure = result.confidence
    return {
        "name": result.name,
        "that": result.that,
        "of": result.of,
        "level": "warn" if result.warning else "fail",
        "outcome": result.outcome.value,
        "holds": not result.bad and result.outcome is not Outcome.NOT_JUDGED,
        "limit": result.limit,
        "value": None if result.value is None else float(result.value),
        "exact": None if result.value is None else str(result.value),
        "margin": None if result.margin is None else float(result.margin),
        "confidence": sure
        and {
            "level": sure.level,
            "sample": sure.sample,
            "low": sure.low,
            "high": sure.high,
            "would_catch_below": sure.below,
            "would_catch_above": sure.above,
        },
        "words": result.words,
    }


def _metrics(metrics: Mapping[str, Fraction]) -> dict[str, int | float | str]:
    """Write counts as numbers, what was measured as measured, and money as a decimal string."""
    return {name: _METRIC_AS.get(METRIC[name].unit, int)(value) for name, value in metrics.items()}


_METRIC_AS: Mapping[str, Callable[[Fraction], int | float | str]] = {
    MONEY: lambda value: decimal(int(value * 1_000_000)),
    **dict.fromkeys(REAL, lambda value: round(float(value), 3)),
}


def _both_sides(judged: Judged) -> dict[str, Any]:
    """Put the four totals, and the money, of both sides beside each other."""
    claims = judged.claims.totals if judged.claims else None
    world = judged.world
    tallies = world.truth.tallies.values()
    invoices = world.ledger.invoices()
    return {
        "accepted": _pair(sum(t.accepted for t in tallies), claims.accepted if claims else None),
        "delivered": _pair(
            sum(t.fated(State.DELIVERED) for t in tallies), claims.delivered if claims else None
        ),
        "charged_units": _pair(sum(i.units for i in invoices), claims.units if claims else None),
        "excluded_units": _pair(
            sum(i.excluded_units for i in invoices), claims.excluded_units if claims else None
        ),
        "total": _pair(
            decimal(sum(i.total_micros for i in invoices)),
            decimal(claims.total_micros) if claims and claims.total_micros is not None else None,
        ),
    }


def _pair(todoku: int | str, system: int | str | None) -> dict[str, int | str | None]:
    return {"todoku": todoku, "system": system}


def _truth(world: World) -> dict[str, Any]:
    """Count every account's messages on the three levels; the gap is the carrier's."""
    accounts = {}
    for name, tally in sorted(world.truth.tallies.items()):
        fates = {s.name.lower(): tally.fated(s) for s in _LEVEL_STATES if tally.fated(s)}
        causes: dict[str, int] = {}
        for (state, cause, carrier), n in sorted(tally.fate.items()):
            if state is not State.DELIVERED:
                causes[f"{CARRIERS[carrier].name}: {cause.name.lower()}"] = n
        known_final = sum(tally.known.values())
        accounts[name] = {
            "accepted": tally.accepted,
            "in_flight": tally.accepted - sum(fates.values()),
            "fate": fates,
            "known": {s.name.lower(): n for s, n in sorted(tally.known.items())},
            "told": {s.name.lower(): n for s, n in sorted(tally.told.items())},
            "gap_known_to_fate": sum(fates.values()) - known_final,
            "causes": causes,
            "noticed": tally.noticed,
            "opened": tally.opened,
            "clicked": tally.clicked,
            "replied": tally.replied,
            "opted_out": tally.opted_out,
            "callbacks": tally.callbacks,
            "callbacks_abandoned": tally.callbacks_abandoned,
        }
    refused = {f"{a}: {r.value}": n for (a, r), n in world.truth.refused.items()}
    return {"accounts": accounts, "refused": dict(sorted(refused.items()))}


def _invoices(world: World) -> dict[str, Any]:
    rows = [
        {
            "account": i.account,
            "month": i.month,
            "currency": i.currency,
            "policy": i.policy,
            "units": i.units,
            "excluded_units": i.excluded_units,
            "excluded_by_cause": {c.name.lower(): n for c, n in i.excluded.items()},
            "pending_units": i.pending_units,
            "fees": decimal(i.fees_micros),
            "subtotal": decimal(i.subtotal_micros),
            "tax": decimal(i.tax_micros),
            "total": decimal(i.total_micros),
        }
        for i in world.ledger.invoices()
    ]
    return {"head": INVOICE_HEAD, "rows": rows}
