"""What the world knows, in the judgement's own values: facts by message, totals, metrics."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from simulator.core.carrier import CARRIERS
from simulator.core.ids import public_id
from simulator.core.message import Origin
from simulator.core.tariff import bill, invoice_tax
from simulator.run.world import credentials
from simulator.verify.claims import MICROS
from simulator.verify.expect import Seen
from simulator.verify.expect_counts import EVERY, Chosen, Counts
from simulator.verify.findings import Fact, Totals
from simulator.views.ledger import policy_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.message import Message
    from simulator.engine.world import World
    from simulator.scenario import Scenario
    from simulator.scenario_expect import Of
    from simulator.verify.claims import Claims
    from simulator.verify.expect import Look
    from simulator.verify.policy import Policy
    from simulator.verify.reconcile import Reconciliation

PREFIX = {"twilio": "SM", "native": "msg_"}
_ONE_FAILURE = frozenset({"zettai_reach"})  # statusId 3 says no more than "failed"
CARRIER_INDEX = {carrier.name: index for index, carrier in CARRIERS.items()}


def facts_of(world: World, scenario: Scenario) -> list[Fact]:
    """Return what is true of each message of the account that the system was given."""
    name, _ = credentials(scenario.sut_account)
    shelf = world.store.shelves.get(name)
    if shelf is None:
        return []
    policy, epoch = policy_of(shelf.account), world.gateway.epoch
    prefix = PREFIX.get(shelf.account.dialect, "")
    facts = []
    for key in shelf.keys:
        message = world.store.get(key)
        if message is None or message.inbound or message.origin is Origin.AUTOMATIC:
            continue
        told = bill(policy, message.segments, message.told, message.cause)
        facts.append(
            Fact(
                key=key,
                own_id=message.reference,
                provider_id=_prefix(message, prefix) + public_id(key, epoch) if prefix else "",
                to=message.to,
                fate=message.fate,
                known=message.state,
                told=message.told,
                units=told.units,
                micros=told.micros,
                currency=policy.currency,
                policy=policy.label,
                one_failure=shelf.account.dialect in _ONE_FAILURE,
            )
        )
    return sorted(facts, key=lambda fact: fact.key)


def _prefix(message: Message, prefix: str) -> str:
    """Return what the provider writes before an id: Twilio has another one with media."""
    return "MM" if message.extra is not None and message.extra.media else prefix


def totals_of(world: World, scenario: Scenario) -> Totals | None:
    """Return the invoices' sums for that account, or None before it has any."""
    name, _ = credentials(scenario.sut_account)
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
    )


def metrics_of(  # noqa: PLR0913, PLR0917 - an expectation may name all of these
    world: World,
    claims: Claims | None,
    reconciliation: Reconciliation | None,
    stragglers: int,
    policy: Policy | None = None,
    chosen: Chosen = EVERY,
) -> Mapping[str, Fraction | None]:
    """Return every metric that an expectation may name; None: no data. Money is in units."""
    [counts] = (view for view in world.also if isinstance(view, Counts))
    ids = chosen.accounts
    invoices = [i for i in world.ledger.invoices() if ids is None or i.account in ids]

    def money(name: str) -> Fraction:
        return Fraction(sum(getattr(i, f"{name}_micros") for i in invoices), MICROS)

    total = None if claims is None else Fraction(claims.totals.total_micros, MICROS)
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
    return {name: None if n is None else Fraction(n) for name, n in found.items()}


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
        metrics = metrics_of(world, claims, reconciliation, stragglers, policy, chosen)
        return Seen(metrics, currency)

    return look
