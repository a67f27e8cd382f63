"""Which rules fired, where, and what came of the calls that they forged.

The one rule: counters only, by names of rules, of which so many have a line of their own: the size
of a scrape has a bound that no change of rules can move.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.core import events as ev
from simulator.core.faults import Kind, Seam

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.message import Message, OutcomeKind

    Fold = Callable[[Any, Any], None]

NAMES_MAX = 200
OTHERS = "others"


class Firing(NamedTuple):
    """What was counted: a rule, its seam, what it did."""

    rule: str
    seam: Seam
    verdict: str


class Firings:
    """Firings by rule; receipts lost by account; forged calls by how they ended.

    Attributes:
        contended: firings that another order of arrival would have made others, by rule.
    """

    name = "firings"

    def __init__(self) -> None:
        self.fired: Counter[Firing] = Counter()
        self.contended: Counter[str] = Counter()
        self.receipts_lost: Counter[str] = Counter()
        self.forged: Counter[tuple[OutcomeKind, int]] = Counter()  # with the status's hundreds
        self._names: set[str] = set()

    def folds(self) -> Mapping[type[ev.Event], Fold]:
        """Want what rules did."""
        return {ev.RuleFired: self._fired, ev.ForgeryTried: self._forged}

    def _fired(self, event: ev.RuleFired, _message: Message | None) -> None:
        name = event.rule
        if name not in self._names:
            if len(self._names) >= NAMES_MAX:
                name = OTHERS
            self._names.add(name)
        self.fired[Firing(name, event.seam, event.verdict)] += 1
        if event.contended:
            self.contended[name] += 1
        if event.seam is Seam.RECEIPT and event.verdict == Kind.LOSE.value:
            self.receipts_lost[event.account] += 1

    def _forged(self, event: ev.ForgeryTried, _message: Message) -> None:
        self.forged[event.outcome, event.status // 100] += 1
