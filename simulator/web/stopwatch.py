"""When each attempt at a callback was due, begun and ended: columns of integers, read at the end.

The one rule: an attempt costs seven appends, and nothing is worked out while a load runs. What came
of it all is `simulator.load.callbacks`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from simulator.core.message import OutcomeKind

if TYPE_CHECKING:
    from simulator.core.message import Outcome

ATTEMPTS_MAX = 5_000_000  # 220 MB; later ones are counted only


class Timed(NamedTuple):
    """What is known of an attempt before it begins; monotonic nanoseconds.

    Attributes:
        due_ns: the instant that was planned.
        placed_ns: when it was made ready, and began to wait for a place among those under way.
        nth: which attempt at its callback it is, from 0.
        key: of its callback, 64 bits: what all its attempts have in common.
    """

    due_ns: int
    placed_ns: int
    nth: int
    key: int


class Stopwatch:
    """Attempts in the order in which they ended; instants are monotonic nanoseconds.

    Attributes:
        due, placed, nth, key: as in `Timed`.
        begun: when it went to its connection; ended: when it was answered, or had failed.
        how: the status of the answer, or a kind of outcome, negative.
        unkept: how many more there were than fit.
    """

    def __init__(self, limit: int = ATTEMPTS_MAX) -> None:
        self.due, self.placed = array("q"), array("q")
        self.begun, self.ended = array("q"), array("q")
        self.how, self.nth = array("h"), array("h")
        self.key = array("Q")
        self.unkept = 0
        self._limit = limit

    def note(self, timed: Timed, begun_ns: int, ended_ns: int, outcome: Outcome) -> None:
        """Keep one attempt."""
        if len(self.due) >= self._limit:
            self.unkept += 1
            return
        self.due.append(timed.due_ns)
        self.placed.append(timed.placed_ns)
        self.nth.append(timed.nth)
        self.key.append(timed.key)
        self.begun.append(begun_ns)
        self.ended.append(ended_ns)
        answered = outcome.kind is OutcomeKind.ANSWERED
        self.how.append(outcome.status if answered else -outcome.kind)
