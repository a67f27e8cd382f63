"""The report: one document, the same byte for byte for the same seed except for its key `wall`.

    document(judged) -> dict -> report.json;   findings_csv(document);   show.py -> terminal

Numbers of recipients are shortened and there are no bodies: a report may be shown to anybody.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.core.carrier import CARRIERS
from simulator.core.message import CONTENDED, State
from simulator.views.ledger import INVOICE_HEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.engine.world import World
    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims
    from simulator.verify.expect import Result
    from simulator.verify.reconcile import Reconciliation
    from simulator.verify.verdict import Verdict

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


def document(judged: Judged) -> dict[str, Any]:
    """Return the report as plain values; money is a decimal string of the currency."""
    scenario, world = judged.scenario, judged.world
    return {
        "schema": SCHEMA,
        "verdict": {
            "exit_code": int(judged.verdict.exit_code),
            "words": judged.verdict.words,
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
        "totals": _both_sides(judged),
        "truth": _truth(world),
        "invoices": _invoices(world),
        "findings": _findings(judged.reconciliation),
        "digest": world.log.digest(),
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
    if judged.strangers:
        found.append(f"{judged.strangers:,} messages went to numbers outside the campaign")
    return found


def _repeatable(judged: Judged) -> dict[str, Any]:
    """Say whether the same seed will give the same facts, and if not, why."""
    why = []
    if judged.stragglers:
        why.append(f"{judged.stragglers} requests came after their instant had been left")
    contended = sum(n for (_, r), n in judged.world.truth.refused.items() if r in CONTENDED)
    if contended:
        why.append(f"{contended} refusals by a shared limit depend on who came first")
    if judged.cut:
        why.append("the run was cut short, by something outside virtual time")
    if judged.scenario.time.mode != "stepped":
        why.append(f"{judged.scenario.time.mode} time: the system's own pace decides the instants")
    return {"answer": "no" if why else "yes", "why": why, "stragglers": judged.stragglers}


def _result(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "that": result.that,
        "outcome": result.outcome.value,
        "words": result.words,
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
            decimal(claims.total_micros) if claims else None,
        ),
    }


def _pair(todoku: int | str, system: int | str | None) -> dict[str, int | str | None]:
    return {"todoku": todoku, "system": system}


def decimal(micros: int) -> str:
    """Write millionths as a decimal number without trailing zeros."""
    whole, part = divmod(abs(micros), 1_000_000)
    sign = "-" if micros < 0 else ""
    return f"{sign}{whole}.{part:06d}".rstrip("0").rstrip(".")


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


def _findings(reconciliation: Reconciliation | None) -> dict[str, Any]:
    if reconciliation is None:
        return {"judged": False, "count": 0, "rows": []}
    rows = [
        {
            "kind": f.kind.value,
            "own_id": f.own_id,
            "provider_id": f.provider_id,
            "to": shortened(f.to),
            "words": f.words,
            "units": f.units,
            "amount": decimal(f.amount_micros),
        }
        for f in reconciliation.findings
    ]
    return {
        "judged": True,
        "matched": reconciliation.matched,
        "count": len(rows),
        "amount": decimal(sum(f.amount_micros for f in reconciliation.findings)),
        "rows": rows,
    }


def shortened(number: str) -> str:
    """Hide the middle of a number: +8190***4567."""
    if not number:
        return ""
    return f"{number[:5]}***{number[-4:]}" if len(number) > 9 else "***"


def findings_csv(report: dict[str, Any]) -> str:
    """Return all findings as CSV; cells that a spreadsheet would run begin with a blank."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((*_TEXTS, *_NUMBERS))
    for row in report["findings"]["rows"]:
        texts = [_cell(row[column] or "") for column in _TEXTS]
        writer.writerow([*texts, *(row[column] for column in _NUMBERS)])
    return text.getvalue()


_TEXTS = ("kind", "own_id", "provider_id", "to", "words")
_NUMBERS = ("units", "amount")


def _cell(text: str) -> str:
    return f" {text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
