"""The auditor: conservation laws, from the facts alone and against the books.

    accepted = delivered + undelivered + expired + failed + canceled + in flight
                                                      (whose receipt is lost stays in flight)
    each accepted unit is exactly one of charged, excluded, pending; the invoices are their sum
    known follows fate, told follows known, only a delivered message is noticed,
    and only one that was read is clicked

It keeps its own account of what is open, apart from the store's, so that it can disagree.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from simulator.core import events as ev
from simulator.core.cause import Cause
from simulator.core.faults import Kind, Seam
from simulator.core.message import FINAL, Account, Message, State
from simulator.core.tariff import Policy, bill, units_of
from simulator.views.ledger import Ledger, policy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Fold = Callable[[Any, Any], None]

Standing = tuple[str, int, State, Cause]  # account, segments, known state, its cause
_NOWHERE: Standing = ("", 0, State.NONE, Cause.NONE)
_KEPT = 100  # violations; the first ones matter


class Audit:
    """What the facts themselves say, held against the ledger.

    Args:
        account: an account's settings by id.
        ledger: the book to check.
    """

    name = "audit"

    def __init__(self, account: Callable[[str], Account], ledger: Ledger) -> None:
        self._account = account
        self._ledger = ledger
        self._policies: dict[str, Policy] = {}
        self._open: dict[int, Standing] = {}
        self._ended: dict[Standing, int] = {}
        self._unheard: dict[Standing, int] = {}  # their receipts were lost: known no further
        self._pending: Counter[str] = Counter()  # units of those, where nothing charges them
        self._units: Counter[str] = Counter()
        self._micros: Counter[str] = Counter()
        self.accepted = self.ended = self.unheard = 0
        self.seen: list[str] = []

    def folds(self) -> Mapping[type[ev.Event], Fold]:
        """Want what moves a message or money."""
        return {
            ev.AccountOpened: self._account_opened,
            ev.Accepted: self._accepted,
            ev.Sent: self._sent,
            ev.Receipted: self._receipted,
            ev.Told: self._told,
            ev.Noticed: self._of_delivered,
            ev.Opened: self._of_delivered,
            ev.Clicked: self._clicked,
            ev.Replied: self._of_delivered,
            ev.RuleFired: self._fired,
        }

    def forget(self, key: int) -> None:
        """Keep every sum; a pruned message has ended."""
        if key in self._open:
            self._note(f"message {key:016x} was forgotten while open")

    def _note(self, violation: str) -> None:
        if len(self.seen) < _KEPT:
            self.seen.append(violation)

    def _account_opened(self, event: ev.AccountOpened, _message: None) -> None:
        self._settle()  # at the old price
        self._policies[event.account] = policy_of(self._account(event.account))

    def _accepted(self, event: ev.Accepted, _message: Message) -> None:
        self.accepted += 1
        if event.key in self._open:
            self._note(f"message {event.key:016x} was accepted twice")
        self._open[event.key] = (event.account, event.segments, State.ACCEPTED, Cause.NONE)

    def _sent(self, event: ev.Sent, _message: Message) -> None:
        account, segments, state, _ = self._open.get(event.key, _NOWHERE)
        if state is not State.ACCEPTED:
            self._note(f"message {event.key:016x} was sent from {state.name}")
        if state is not State.NONE:
            self._open[event.key] = (account, segments, State.SENT, Cause.NONE)

    def _receipted(self, event: ev.Receipted, message: Message) -> None:
        account, segments, state, _ = self._open.pop(event.key, _NOWHERE)
        if state is State.NONE:
            self._note(f"message {event.key:016x} ended twice, or was never accepted")
        elif message.fate is State.NONE or event.at_us < message.fate_us:
            self._note(f"message {event.key:016x} was known before its fate")
        end = (account, segments, event.state, event.cause)
        self._ended[end] = self._ended.get(end, 0) + 1

    def _fired(self, event: ev.RuleFired, message: Message | None) -> None:
        if message is None or event.seam is not Seam.RECEIPT or event.verdict != Kind.LOSE.value:
            return
        standing = self._open.pop(event.key, _NOWHERE)
        if standing[2] is not State.SENT:
            self._note(f"message {event.key:016x} lost a receipt that nobody expected")
        self._unheard[standing] = self._unheard.get(standing, 0) + 1

    def _told(self, event: ev.Told, message: Message) -> None:
        if event.state in FINAL and event.at_us < message.known_us:
            self._note(f"message {event.key:016x} was told before it was known")

    def _of_delivered(self, event: ev.Event, message: Message) -> None:
        if message.fate is not State.DELIVERED or event.at_us < message.fate_us:
            self._note(f"message {event.key:016x} was read before it was delivered")

    def _clicked(self, event: ev.Event, message: Message) -> None:
        if not message.opened_us or event.at_us < message.opened_us:
            self._note(f"message {event.key:016x} was clicked before it was read")

    def _settle(self) -> None:
        """Turn counted ends into units and money, by the policies that hold now."""
        for (account, segments, state, cause), n in self._ended.items():
            if account not in self._policies:
                continue
            policy = self._policies[account]
            self.ended += n
            self._units[account] += n * units_of(policy, segments)
            self._micros[account] += n * bill(policy, segments, state, cause).micros
        self._ended.clear()
        for (account, segments, state, cause), n in self._unheard.items():
            if account not in self._policies:
                continue
            policy = self._policies[account]
            due = bill(policy, segments, state, cause)
            self.unheard += n
            self._micros[account] += n * due.micros
            into = self._units if due.units else self._pending
            into[account] += n * units_of(policy, segments)
        self._unheard.clear()

    def violations(self) -> list[str]:
        """Return every law that is broken, in words; empty when the books balance."""
        self._settle()
        found = list(self.seen)
        if self.accepted != self.ended + self.unheard + len(self._open):
            lost = f", {self.unheard} never heard of" if self.unheard else ""
            found.append(
                f"accepted {self.accepted} is not {self.ended} ended{lost}, {len(self._open)} open"
            )
        units, micros = Counter(self._units), Counter(self._micros)
        pending = Counter(self._pending)
        for (account, segments, state, cause), n in Counter(self._open.values()).items():
            policy = self._policies.get(account)
            if policy is None:
                found.append(f"account {account}: {n} messages under way, and nobody opened it")
                continue
            due = bill(policy, segments, state, cause)
            micros[account] += n * due.micros
            (units if due.units else pending)[account] += n * units_of(policy, segments)
        return found + self._against_the_books(units, pending, micros)

    def _against_the_books(
        self, units: Counter[str], pending: Counter[str], micros: Counter[str]
    ) -> list[str]:
        found: list[str] = []
        books: dict[str, Counter[str]] = {}
        for book in self._ledger.books:
            sums = books.setdefault(book.account, Counter())
            for month in book.months:
                invoice = book.invoice(month)
                sums["units"] += invoice.units + invoice.excluded_units
                sums["micros"] += invoice.subtotal_micros
            if book.months:  # what is open is carried on from month to month
                sums["pending"] += book.invoice(max(book.months)).pending_units
        for account in sorted({*books, *units, *pending, *micros}):
            sums = books.get(account, Counter())
            facts = {"units": units, "pending": pending, "micros": micros}
            found += [
                f"account {account}: the book has {sums[name]} {name}, the facts {fact[account]}"
                for name, fact in facts.items()
                if sums[name] != fact[account]
            ]
        return found
