"""When each attempt at a callback was due, begun and ended: columns of integers, read at the end.

The one rule: an attempt costs four appends, and nothing is worked out while a load runs. What came
of it all is `simulator.load.callbacks`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from simulator.core.message import OutcomeKind

if TYPE_CHECKING:
    from simulator.core.message import Outcome

ATTEMPTS_MAX = 5_000_000  # 130 MB; later ones are counted only


class Stopwatch:
    """Attempts in the order in which they ended; instants are monotonic nanoseconds.

    Attributes:
        due: the instant that was planned; begun: when it went to its connection; ended: when it
            was answered, or had failed.
        how: the status of the answer, or a kind of outcome, negative.
        unkept: how many more there were than fit.
    """

    def __init__(self, limit: int = ATTEMPTS_MAX) -> None:
        self.due, self.begun, self.ended = array("q"), array("q"), array("q")
        self.how = array("h")
        self.unkept = 0
        self._limit = limit

    def note(self, due_ns: int, begun_ns: int, ended_ns: int, outcome: Outcome) -> None:
        """Keep one attempt."""
        if len(self.due) >= self._limit:
            self.unkept += 1
            return
        self.due.append(due_ns)
        self.begun.append(begun_ns)
        self.ended.append(ended_ns)
        answered = outcome.kind is OutcomeKind.ANSWERED
        self.how.append(outcome.status if answered else -outcome.kind)
