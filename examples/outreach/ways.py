"""Ways: each decision that systems like this one get wrong in practice, as one function.

`Ways()` is the honest system. A bug (`bugs.py`) is the same with one of them put wrong, so nothing
else in the program knows that there are bugs. The first argument is what is decided about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from examples.outreach import books, campaign, claims, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    from examples.outreach.books import Books, Receipt
    from examples.outreach.claims import Claim
    from examples.outreach.provider import Later, Letter


@dataclass(frozen=True, slots=True)
class Ways:
    """On the way out, on the way back, and in the claims."""

    # Whom we write to, and when.
    dialled: Callable[[str, str], str | None] = numbers.dialled
    may_write: Callable[[Letter, Books], bool] = campaign.may_write
    daytime: Callable[[Letter, int, ZoneInfo], int] = campaign.daytime_for
    pause_us: Callable[[Letter, Later, int], int] = campaign.pause_us
    again: Callable[[Letter], tuple[Letter, bool]] = campaign.again

    # What we believe of what we are told.
    believed: Callable[[str, bool], bool] = books.believed
    holds: Callable[[Receipt, Iterable[Receipt]], Receipt] = books.fold

    # What we say, and expect to pay.
    claim: Callable[[Claim, Decimal], Claim] = claims.as_it_is
    tax: Callable[[list[Decimal], Decimal, str], Decimal] = claims.tax
    reached: Callable[[Sequence[str]], tuple[int, int]] = claims.reached


HONEST = Ways()
