"""What the world knows, in the judgement's own values: facts by message, totals, metrics."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from simulator.core.carrier import CARRIERS
from simulator.core.metric import METRIC
from simulator.core.tariff import invoice_tax
from simulator.run.survey import Survey, survey, tellings_of
from simulator.run.world import credentials
from simulator.verify.expect import Seen
from simulator.verify.expect_counts import EVERY, Chosen, Counts
from simulator.verify.findings import MICROS, Totals
from simulator.verify.reconcile import Evidence
from simulator.views.ledger import policy_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.engine.world import World
    from simulator.scenario import Scenario
    from simulator.scenario_expect import Of
    from simulator.verify.claims import Claims
    from simulator.verify.expect import Look
    from simulator.verify.facts import Facts
    from simulator.verify.policy import Policy
    from simulator.verify.rates import Counts as RateCounts
    from simulator.verify.reconcile import Reconciliation

UNMEASURED: Mapping[str, Fraction | None] = {n: None for n, m in METRIC.items() if m.load}
CARRIER_INDEX = {carrier.name: index for index, carrier in CARRIERS.items()}


def facts_of(world: World, scenario: Scenario) -> Facts:
    """Return what is true of each message of the account that the system was given."""
    return surveyed(world, scenario).facts


def surveyed(world: World, scenario: Scenario) -> Survey:
    """Return facts and counts of the account that the system was given."""
    name, _ = credentials(scenario.sut_account)
    return survey(world, name)


def evidence_of(
    world: World, scenario: Scenario, counts: RateCounts, asked: Mapping[int, int]
) -> Evidence:
    """Return what else the judge may look at: what was told when, and the counts of rates.

    `asked`: which of a load's arrivals asked for a message, by its key.
    """
    claims = scenario.sut.claims if scenario.sut else None
    evidence = Evidence(partial(tellings_of, world), counts, asked=asked)
    if claims is None:
        return evidence
    return replace(evidence, late_us=claims.late_after_us, twice_us=claims.twice_within_us)


def totals_of(world: World, scenario: Scenario) -> Totals | None:
    """Return the invoices' sums for that account, or None before it has any."""
    return totals_of_account(world, credentials(scenario.sut_account)[0])


def totals_of_account(world: World, name: str) -> Totals | None:
    """Return the sums of an account's invoices; None before it has any."""
    invoices = [i for i in world.ledger.invoices() if i.account == name]
    if not invoices:
        return None
    policy = policy_of(world.account(name))
    subtotal = sum(i.subtotal_micros for i in invoices)
    return Totals(
        subtotal_micros=subtotal,
        tax_micros=sum(i.tax_micros for i in invoices),
        total_micros=sum(i.total_micros for i in invoices),
        charged_units=sum(i.units for i in invoices),
        excluded_units=sum(i.excluded_units for i in invoices),
        currency=invoices[0].currency,
        tax_once_micros=invoice_tax(policy, subtotal) if len(invoices) > 1 else None,
        tax_bp=policy.tax_bp,
        minor_micros=policy.minor_micros,
        invoices=len(invoices),
    )


def metrics_of(  # noqa: PLR0913, PLR0917 - an expectation may name all of these
    world: World,
    claims: Claims | None,
    reconciliation: Reconciliation | None,
    stragglers: int,
    policy: Policy | None = None,
    chosen: Chosen = EVERY,
    measured: Mapping[str, Fraction | None] = UNMEASURED,
) -> Mapping[str, Fraction | None]:
    """Return every metric that an expectation may name; None: no data. Money is in units.

    What a load has `measured` goes before what the world knows.
    """
    [counts] = (view for view in world.also if isinstance(view, Counts))
    ids = chosen.accounts
    invoices = [i for i in world.ledger.invoices() if ids is None or i.account in ids]

    def money(name: str) -> Fraction:
        return Fraction(sum(getattr(i, f"{name}_micros") for i in invoices), MICROS)

    micros = None if claims is None else claims.totals.total_micros
    total = None if micros is None else Fraction(micros, MICROS)
    found: dict[str, int | Fraction | None] = {
        **counts.values(chosen),
        "charged_units": sum(i.units for i in invoices),
        "excluded_units": sum(i.excluded_units for i in invoices),
        **{name: money(name) for name in ("subtotal", "tax", "total")},
        "stragglers": stragglers,
        "findings": _findings(reconciliation, policy),
        "claimed_delivered": None if claims is None else claims.totals.delivered,
        "claimed_total": total,
    }
    known = {name: None if n is None else Fraction(n) for name, n in found.items()}
    return {**known, **measured}


def _findings(reconciliation: Reconciliation | None, policy: Policy | None) -> int | None:
    if reconciliation is None and policy is None:
        return None
    claimed = len(reconciliation.findings) if reconciliation else 0
    return claimed + (policy.findings if policy else 0)


def look_at(  # noqa: PLR0913, PLR0917 - as above
    world: World,
    scenario: Scenario,
    claims: Claims | None,
    reconciliation: Reconciliation | None,
    stragglers: int,
    policy: Policy | None = None,
    measured: Mapping[str, Fraction | None] = UNMEASURED,
) -> Look:
    """Return what lets expectations see the messages that they are about."""
    ids = {account.name: credentials(account)[0] for account in scenario.accounts}

    def look(of: Of) -> Seen:
        accounts = frozenset(ids[name] for name in of.account or ids)
        chosen = Chosen(
            accounts if of.account else None,
            frozenset(CARRIER_INDEX[name] for name in of.carrier) if of.carrier else None,
            frozenset(of.segment) if of.segment else None,
        )
        billed = {policy_of(world.account(a)).currency for a in accounts & {*world.store.shelves}}
        currency = billed.pop() if len(billed) == 1 else ""
        metrics = metrics_of(world, claims, reconciliation, stragglers, policy, chosen, measured)
        return Seen(metrics, currency)

    return look
