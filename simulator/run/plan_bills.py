"""What a plan costs under each billing policy: the invoices of the same outcomes, side by side.

The one rule: the ledger's own book writes them, from the same steps that a world writes, so tax is
rounded once on each invoice, and two policies differ by nothing but their rules.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from simulator.core.cause import Cause
from simulator.core.message import State
from simulator.core.tariff import POLICIES, Moment, Policy, bill, invoice_tax, priced
from simulator.plan.estimate import Estimate, estimate
from simulator.plan.outcomes import by_month, summed
from simulator.views.ledger import Book, Invoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from simulator.core.message import Account
    from simulator.plan.campaign import Campaign, Sent
    from simulator.plan.outcomes import Cell
    from simulator.views.ledger import Step


class Billed(NamedTuple):
    """The invoices under one policy, by month; totals are millionths of the currency, with tax."""

    policy: Policy
    invoices: Sequence[Invoice]
    charged: Estimate
    excluded: Estimate
    total_micros: Estimate

    @property
    def total(self) -> int:
        """What is to pay in all."""
        return sum(invoice.total_micros for invoice in self.invoices)


def billed(
    name: str,
    account: Account,
    cells: Sequence[Cell],
    rounds: Sequence[Sent],
    campaign: Campaign,
) -> Billed:
    """Return what outcomes cost under a policy.

    Args:
        name: of the policy; the account's own price holds where the currency is the same, but for
            a flat price that is not the account's own policy.
        account: whose price it is.
        cells: the outcomes, scaled.
        rounds: of the sample, for the intervals.
        campaign: what was planned.
    """
    policy = _priced(POLICIES[name], account)
    people = len(campaign.numbers)
    all_alike = policy.charge_at is Moment.REQUEST and not (policy.excluded or policy.fee_micros)
    by_chance = campaign.by_chance or not all_alike
    book = Book(account.id, policy)
    for cell in cells:
        _write(book, cell)
    invoices = [book.invoice(month) for month in sorted(book.months)]

    def of(field: str) -> Estimate:
        def figure(units: int, state: State, cause: Cause) -> int:
            return int(getattr(bill(policy, units, state, cause), field))

        return estimate(summed(rounds, people, figure), campaign.recipients, by_chance=by_chance)

    excluded = of("excluded_units") if policy.excluded else Estimate(0, 0, 0)
    net = of("micros")
    expected, low, high = (value + invoice_tax(policy, round(value)) for value in net)
    if policy.tax_bp:  # each invoice rounds its tax down: less than on one sum, by months
        low = max(0.0, low - max(0, len(invoices) - 1) * policy.minor_micros)
    total = Estimate(expected, low, high)
    return Billed(policy, invoices, of("units"), excluded, total)


def _priced(policy: Policy, account: Account) -> Policy:
    if account.currency and account.currency != policy.currency:
        return policy
    own = not policy.flat or account.policy == policy.name
    price_micros = account.price_micros if own else policy.price_micros
    return priced(policy, price_micros, account.currency, account.tax_bp)


def _write(book: Book, cell: Cell) -> None:
    """Write the steps of a cell's messages, each into the month in which the ledger would."""
    policy = book.policy
    before = State.SENT if cell.was_sent else State.ACCEPTED
    steps: list[tuple[Step, NDArray[np.int64]]] = [
        ((cell.units, State.NONE, State.ACCEPTED, Cause.NONE), cell.accepted_us)
    ]
    if cell.was_sent and policy.charge_at is Moment.SUBMITTED:
        steps.append(((cell.units, State.SENDING, State.SENT, Cause.NONE), cell.sent_us))
    steps.append(((cell.units, before, cell.state, cell.cause), cell.known_us))
    for step, at_us in steps:
        for month, count in by_month(at_us, cell.messages, policy.utc_offset_us).items():
            sheet = book.months.setdefault(month, Counter())
            sheet[step] = sheet.get(step, 0) + count
