"""What the world knows, in the judgement's own values: facts by message, totals, metrics."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from simulator.core.ids import public_id
from simulator.core.message import Origin, State
from simulator.core.tariff import bill, invoice_tax
from simulator.run.world import credentials
from simulator.verify.findings import Fact, Totals
from simulator.views.ledger import policy_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.message import Message
    from simulator.engine.world import World
    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims
    from simulator.verify.policy import Policy
    from simulator.verify.reconcile import Reconciliation

PREFIX = {"twilio": "SM", "native": "msg_"}
_ONE_FAILURE = frozenset({"zettai_reach"})  # statusId 3 says no more than "failed"


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


def metrics_of(
    world: World,
    claims: Claims | None,
    reconciliation: Reconciliation | None,
    stragglers: int,
    policy: Policy | None = None,
) -> Mapping[str, Fraction | None]:
    """Return every metric that an expectation may name; None: no data. Money is in units."""
    tallies = list(world.truth.tallies.values())
    invoices = world.ledger.invoices()

    def fate(state: State) -> int:
        return sum(t.fated(state) for t in tallies)

    accepted = sum(t.accepted for t in tallies)
    ends = (State.DELIVERED, State.UNDELIVERED, State.EXPIRED, State.FAILED, State.CANCELED)
    counts: dict[str, int | Fraction | None] = {
        "accepted": accepted,
        "rejected": sum(world.truth.refused.values()),
        "sending": sum(m.state is State.SENDING for m in world.store.live.values()),
        "sent": sum(m.state is State.SENT for m in world.store.live.values()),
        "delivered": fate(State.DELIVERED),
        "undelivered": fate(State.UNDELIVERED),
        "expired": fate(State.EXPIRED),
        "failed": fate(State.FAILED),
        "in_flight": accepted - sum(fate(state) for state in ends),
        "known_delivered": sum(t.known[State.DELIVERED] for t in tallies),
        "told_delivered": sum(t.told[State.DELIVERED] for t in tallies),
        "noticed": sum(t.noticed for t in tallies),
        "opened": sum(t.opened for t in tallies),
        "replied": sum(t.replied for t in tallies),
        "opted_out": sum(t.opted_out for t in tallies),
        "charged_units": sum(i.units for i in invoices),
        "excluded_units": sum(i.excluded_units for i in invoices),
        "subtotal": Fraction(sum(i.subtotal_micros for i in invoices), 1_000_000),
        "tax": Fraction(sum(i.tax_micros for i in invoices), 1_000_000),
        "total": Fraction(sum(i.total_micros for i in invoices), 1_000_000),
        "callbacks_failed": sum(t.callbacks_abandoned for t in tallies),
        "stragglers": stragglers,
        "findings": _findings(reconciliation, policy),
        "claimed_delivered": None if claims is None else claims.totals.delivered,
        "claimed_total": None
        if claims is None
        else Fraction(claims.totals.total_micros, 1_000_000),
    }
    return {name: None if n is None else Fraction(n) for name, n in counts.items()}


def _findings(reconciliation: Reconciliation | None, policy: Policy | None) -> int | None:
    if reconciliation is None and policy is None:
        return None
    claimed = len(reconciliation.findings) if reconciliation else 0
    return claimed + (policy.findings if policy else 0)
