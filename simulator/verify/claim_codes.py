"""Why claims cannot be had or read: the closed list of codes, and the error that carries them.

The one rule: whatever a system answers, or does not, has one of these codes; docs/claims.md says
what to do about each.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from simulator.errors import Problem, ProvesNothing

if TYPE_CHECKING:
    from collections.abc import Sequence


class ClaimCode(Enum):
    """What kind of problem it is."""

    EMPTY = "claims-empty"  # no byte, or nothing but blanks
    TOO_LARGE = "claims-too-large"
    ENCODING = "claims-encoding"
    NOT_JSON = "claims-not-json"
    NOT_CSV = "claims-not-csv"
    SHAPE = "claims-shape"  # a value of another type, or out of its range
    MISSING = "claims-missing"  # a field that must be there
    UNMAPPED = "claims-unmapped"  # the mapping names a field that no row has
    STATE = "claims-state"  # a state that the value map does not have
    AMOUNT = "claims-amount"
    NO_ID = "claims-no-id"
    DUPLICATE_ID = "claims-duplicate-id"
    CURRENCY = "claims-currency"  # none, or several
    RATE = "claims-rate"  # a rate, or a formula of it, that nobody has defined
    STATUS = "claims-status"  # answered with another status than 2xx
    UNREACHABLE = "claims-unreachable"
    SLOW = "claims-slow"  # no whole answer in time
    PAGES = "claims-pages"  # pages that go round, lead elsewhere, or never end
    FILE = "claims-file"
    SQL = "claims-sql"
    NOT_POSTED = "claims-not-posted"


class NoClaims(ProvesNothing):
    """The claims cannot be had: one reason, with its code."""

    def __init__(self, code: ClaimCode, reason: str) -> None:
        self.code = code
        super().__init__(f"no claims: {reason} [{code.value}]")


class ClaimsError(ProvesNothing):
    """The claims cannot be read: the first problems in reading order, and how many more."""

    def __init__(self, problems: Sequence[Problem], more: int = 0) -> None:
        assert problems, "a ClaimsError without a problem"
        self.problems = tuple(problems)
        self.more = more
        others = len(self.problems) - 1 + more
        rest = f" (and {others} more)" if others else ""
        super().__init__(f"the claims cannot be read: {_coded(self.problems[0])}{rest}")

    def __str__(self) -> str:
        lines = ["the claims cannot be read:", *(f"  {_coded(p)}" for p in self.problems)]
        return "\n".join([*lines, f"  ... and {self.more} more"] if self.more else lines)


def unreadable(code: ClaimCode, message: str, path: str = "") -> ClaimsError:
    """Return the error of a single problem."""
    return ClaimsError([Problem(path, message, code=code.value)])


def _coded(problem: Problem) -> str:
    return f"{problem} [{problem.code}]" if problem.code else str(problem)
