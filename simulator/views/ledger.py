"""The book: entries by each account's billing policy, summed by month; and the invoice, 試算.

The book is written from what the provider *knows*. Entries of one message are recomputed from its
policy and known state, so only sums are kept, and pruning loses no yen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulator.core import events as ev
from simulator.core.cause import Cause
from simulator.core.message import State
from simulator.core.tariff import (
    POLICIES,
    Entry,
    EntryKind,
    Moment,
    Policy,
    entries,
    invoice_tax,
    priced,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.message import Account, Message

    Fold = Callable[[Any, Any], None]

Step = tuple[int, State, State, Cause]  # segments, known before, known after, cause
INVOICE_HEAD = "試算 (simulated)"


def policy_of(account: Account) -> Policy:
    """Return the account's billing policy with its own price, currency and tax."""
    policy = POLICIES[account.policy or "jp-success-billed"]
    return priced(policy, account.price_micros, account.currency, account.tax_bp)


@dataclass(frozen=True, slots=True)
class Invoice:
    """One account, one month, one currency. Amounts are millionths of the currency.

    Attributes:
        units: charged, reversals taken off; `excluded`: units left out, by cause.
        pending_units: accepted by the end of the month, and neither charged nor excluded by then.
            An earlier month's that are settled in this one are no longer among them.
    """

    account: str
    month: str
    currency: str
    policy: str
    units: int
    excluded: Mapping[Cause, int]
    pending_units: int
    fees_micros: int
    subtotal_micros: int
    tax_bp: int
    tax_micros: int
    total_micros: int

    @property
    def excluded_units(self) -> int:
        """All units left out."""
        return sum(self.excluded.values())


class Book:
    """The steps of one account under one policy, counted by month; lines are made when read."""

    def __init__(self, account: str, policy: Policy) -> None:
        self.account, self.policy = account, policy
        self.months: dict[str, dict[Step, int]] = {}
        self._sheet: dict[Step, int] = {}
        self._from_us = self._to_us = 0

    def write(self, step: Step, at_us: int) -> None:
        """Write one step of one message."""
        if not self._from_us <= at_us < self._to_us:
            self._turn_to(at_us)
        self._sheet[step] = self._sheet.get(step, 0) + 1

    def _turn_to(self, at_us: int) -> None:
        local = _local(at_us, self.policy)
        first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (first + timedelta(days=32)).replace(day=1)
        self._from_us = _micros(first) - self.policy.utc_offset_us
        self._to_us = _micros(following) - self.policy.utc_offset_us
        self._sheet = self.months.setdefault(f"{local:%Y-%m}", {})

    def lines(self, month: str) -> list[tuple[int, Entry]]:
        """Return a month's lines, equal ones once, with how often each was written."""
        steps = sorted(self.months[month].items())
        return [(n, line) for step, n in steps for line in entries(self.policy, *step)]

    def invoice(self, month: str) -> Invoice:
        """Return one month's invoice; tax is rounded once."""
        units: Counter[EntryKind] = Counter()
        micros: Counter[EntryKind] = Counter()
        excluded: Counter[Cause] = Counter()
        for n, line in self.lines(month):
            units[line.kind] += n * line.units
            micros[line.kind] += n * line.micros
            if line.kind is EntryKind.EXCLUSION:
                excluded[line.cause] += n * line.units
        charged = units[EntryKind.CHARGE] + units[EntryKind.REVERSAL]
        fees = micros[EntryKind.FEE]
        subtotal = micros[EntryKind.CHARGE] + micros[EntryKind.REVERSAL] + fees
        tax = invoice_tax(self.policy, subtotal)
        return Invoice(
            self.account,
            month,
            self.policy.currency,
            self.policy.name,
            charged,
            dict(sorted(excluded.items())),
            self._pending(month),
            fees,
            subtotal,
            self.policy.tax_bp,
            tax,
            subtotal + tax,
        )

    def _pending(self, month: str) -> int:
        """Return the units that were open when a month ended."""
        units = 0
        until = [each for each in self.months if each <= month]
        for n, line in (line for each in until for line in self.lines(each)):
            if line.kind is EntryKind.PROVISIONAL:
                units += n * line.units
            elif line.kind is not EntryKind.FEE:
                units -= n * line.units
        return units


class Ledger:
    """All accounts' books. An account whose policy changes begins a new book."""

    name = "ledger"

    def __init__(self, account: Callable[[str], Account]) -> None:
        self._account = account
        self._open: dict[str, Book] = {}
        self.books: list[Book] = []

    def folds(self) -> Mapping[type[ev.Event], Fold]:
        """Want what the provider knows."""
        return {
            ev.AccountOpened: self._account_opened,
            ev.Accepted: self._accepted,
            ev.Sent: self._sent,
            ev.Receipted: self._receipted,
        }

    def _account_opened(self, event: ev.AccountOpened, _message: None) -> None:
        policy = policy_of(self._account(event.account))
        book = self._open.get(event.account)
        if book is None or book.policy != policy:
            book = self._open[event.account] = Book(event.account, policy)
            self.books.append(book)

    def _accepted(self, event: ev.Accepted, message: Message) -> None:
        step = (message.segments, State.NONE, State.ACCEPTED, Cause.NONE)
        self._open[message.account].write(step, event.at_us)

    def _sent(self, event: ev.Sent, message: Message) -> None:
        book = self._open[message.account]
        if book.policy.charge_at is Moment.SUBMITTED:
            step = (message.segments, State.SENDING, State.SENT, Cause.NONE)
            book.write(step, event.at_us)

    def _receipted(self, event: ev.Receipted, message: Message) -> None:
        before = State.SENT if message.sent_us else State.ACCEPTED
        step = (message.segments, before, event.state, event.cause)
        self._open[message.account].write(step, event.at_us)

    def invoices(self) -> list[Invoice]:
        """Return every invoice, by account and month."""
        found = [book.invoice(month) for book in self.books for month in book.months]
        return sorted(found, key=lambda i: (i.account, i.month, i.policy))


def _local(at_us: int, policy: Policy) -> datetime:
    return datetime.fromtimestamp((at_us + policy.utc_offset_us) // 1_000_000, UTC)


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000
