"""What a scrape needs and no other view counts: how callbacks went; and the books, summed.

The one rule: plain integers, and nothing by number, by id or by account, so that the size of a
scrape has a bound that no traffic can move.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.core import events as ev
from simulator.core.message import OutcomeKind
from simulator.core.tariff import EntryKind, entries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.cause import Cause
    from simulator.core.message import Message
    from simulator.core.tariff import Policy
    from simulator.views.ledger import Ledger, Step

    Fold = Callable[[Any, Any], None]

Tried = tuple[OutcomeKind, int, bool]  # how it ended, the status's hundreds, not the first attempt


class Metrics:
    """Attempts at callbacks and callbacks given up, by how they ended."""

    name = "metrics"

    def __init__(self) -> None:
        self.tried: dict[Tried, int] = {}
        self.abandoned: dict[OutcomeKind, int] = {}

    def folds(self) -> Mapping[type[ev.Event], Fold]:
        """Want what came of callbacks; all else is in `Truth` and `Ledger`."""
        return {ev.CallbackTried: self._tried, ev.CallbackAbandoned: self._abandoned}

    def forget(self, key: int) -> None:
        """Keep every counter."""

    def _tried(self, event: ev.CallbackTried, _message: Message | None) -> None:
        what = (event.outcome, event.status // 100, event.nth > 0)
        self.tried[what] = self.tried.get(what, 0) + 1

    def _abandoned(self, event: ev.CallbackAbandoned, _message: Message | None) -> None:
        self.abandoned[event.outcome] = self.abandoned.get(event.outcome, 0) + 1


def outcome_name(kind: OutcomeKind, hundreds: int) -> str:
    """Name how an attempt ended: "2xx" to "5xx", or what kept it from an answer."""
    if kind is not OutcomeKind.ANSWERED:
        return kind.name.lower()
    return f"{hundreds}xx" if 1 <= hundreds <= 5 else "other"


@dataclass(slots=True)
class Sums:
    """The books of all accounts with one policy in one currency, without tax.

    Attributes:
        billed: units charged, reversals taken off; `pending`: neither charged nor excluded yet.
        micros: charges, reversals and fees, millionths of the currency.
    """

    billed: int = 0
    pending: int = 0
    micros: int = 0
    excluded: Counter[Cause] = field(default_factory=Counter)


def sums_of(ledger: Ledger) -> dict[tuple[str, str], Sums]:
    """Return the books by policy and currency; each kind of step is read once, however many."""
    steps: dict[Policy, Counter[Step]] = {}
    for book in ledger.books:
        counted = steps.setdefault(book.policy, Counter())
        for sheet in book.months.values():
            counted.update(sheet)
    found: dict[tuple[str, str], Sums] = {}
    for policy, counted in steps.items():
        sums = found.setdefault((policy.name, policy.currency), Sums())
        for step, n in counted.items():
            for line in entries(policy, *step):
                _add(sums, line.kind, n * line.units, n * line.micros, line.cause)
    return found


def _add(sums: Sums, kind: EntryKind, units: int, micros: int, cause: Cause) -> None:
    if kind is EntryKind.PROVISIONAL:
        sums.pending += units
        return
    sums.micros += micros
    if kind is EntryKind.EXCLUSION:
        sums.excluded[cause] += units
        sums.pending -= units
    elif kind is not EntryKind.FEE:
        sums.billed += units
        sums.pending -= units
