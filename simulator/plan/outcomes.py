"""What came of a campaign, counted: of each message, of each person, of each hour, for the bill.

The one rule: every policy is shown the same outcomes, so they are scaled once (`Cell`), as whole
messages, and only then split by month and priced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.core.cause import Cause
from simulator.core.message import State
from simulator.plan.estimate import apportioned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from simulator.plan.campaign import Sent

    Each = NDArray[np.int64]
    Column = Callable[[Sent], NDArray[Any]]

HOUR_US = 3_600_000_000
FATES = {
    "delivered": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "expired": State.EXPIRED,
    "failed": State.FAILED,
}
READ = {name: f"{name}_us" for name in ("noticed", "opened", "clicked", "replied")}


class Cell(NamedTuple):
    """Messages of one round that ended alike; `messages` stands for all people, not the sample."""

    units: int
    state: State
    cause: Cause
    was_sent: bool
    messages: int
    accepted_us: NDArray[np.int64]  # of the sample's, as the next two
    sent_us: NDArray[np.int64]
    known_us: NDArray[np.int64]


def cells(rounds: Sequence[Sent], recipients: int, people: int) -> Iterator[Cell]:
    """Yield the outcomes, scaled to whole messages."""
    for sent in rounds:
        lives = sent.lives
        code = lives.state.astype(np.int64) * 512 + lives.cause.astype(np.int64) * 2
        code += lives.sent_us > 0
        kinds, place, counts = np.unique(code, return_inverse=True, return_counts=True)
        total = round(len(sent.rows) * recipients / people)
        for index, count in enumerate(apportioned(counts, total)):
            same = np.flatnonzero(place == index)
            state, rest = divmod(int(kinds[index]), 512)
            yield Cell(
                sent.round.units,
                State(state),
                Cause(rest // 2),
                bool(rest % 2),
                int(count),
                sent.accepted_us[same],
                lives.sent_us[same],
                lives.known_us[same],
            )


def by_month(at_us: NDArray[np.int64], count: int, offset_us: int) -> Mapping[str, int]:
    """Split a count over the months of the sample's instants, on a clock so far from UTC."""
    local = (at_us + offset_us).astype("datetime64[us]").astype("datetime64[M]")
    months, counts = np.unique(local, return_counts=True)
    shares = apportioned(counts, count)
    return {str(month): int(n) for month, n in zip(months, shares, strict=True) if n}


def messages_of(rounds: Sequence[Sent], people: int) -> Mapping[str, Each]:
    """Return how many messages of each person there were, and came to what."""

    def ended(state: State) -> Column:
        return lambda sent: sent.lives.state == state

    def happened(column: str) -> Column:
        return lambda sent: getattr(sent.lives, column) > 0

    columns: dict[str, Column] = {
        "accepted": lambda sent: np.ones(len(sent.rows), np.int64),
        "units": lambda sent: np.full(len(sent.rows), sent.round.units),
        **{name: ended(state) for name, state in FATES.items()},
        **{name: happened(column) for name, column in READ.items()},
    }
    return {name: _total(rounds, people, column) for name, column in columns.items()}


def people_of(messages: Mapping[str, Each], rounds: Sequence[Sent]) -> Mapping[str, Each]:
    """Return of each person whether it was reached, noticed, opened, ...: 0 or 1."""
    found = {"reached": messages["delivered"] > 0}
    found |= {name: messages[name] > 0 for name in READ}
    stops = _total(rounds, len(messages["accepted"]), lambda sent: sent.lives.stops)
    found["opted_out"] = stops > 0
    return {name: each.astype(np.int64) for name, each in found.items()}


def on_carriers(rounds: Sequence[Sent], carrier: NDArray[np.int16], index: int) -> Each:
    """Return how many units of each person went over one carrier."""
    people = len(carrier)
    return _total(
        rounds, people, lambda sent: (carrier[sent.rows] == index) * np.int64(sent.round.units)
    )


def summed(rounds: Sequence[Sent], people: int, of: Callable[[int, State, Cause], int]) -> Each:
    """Sum a figure over each person's messages.

    Args:
        rounds: what was sent.
        people: of the sample.
        of: the figure of a message of so many units that ended so.
    """

    def column(sent: Sent) -> Each:
        code = sent.lives.state.astype(np.int64) * 256 + sent.lives.cause
        kinds, place = np.unique(code, return_inverse=True)
        figures = [of(sent.round.units, State(k // 256), Cause(k % 256)) for k in kinds.tolist()]
        return np.array(figures, dtype=np.int64)[place]

    return _total(rounds, people, column)


def hourly(rounds: Sequence[Sent], start_us: int) -> Mapping[str, Each]:
    """Return how many of the sample were sent, known and answered in each hour since the start."""
    columns = {
        "sent": [sent.accepted_us for sent in rounds],
        "receipts": [sent.lives.known_us for sent in rounds],
        "replies": [sent.lives.replied_us[sent.lives.replied_us > 0] for sent in rounds],
    }
    hours = {name: (np.concatenate(c) - start_us) // HOUR_US for name, c in columns.items()}
    last = max((int(each.max()) for each in hours.values() if len(each)), default=0)
    return {name: np.bincount(each, minlength=last + 1) for name, each in hours.items()}


def _total(rounds: Sequence[Sent], people: int, column: Column) -> Each:
    found = np.zeros(people, dtype=np.int64)
    for sent in rounds:
        found[sent.rows] += column(sent)
    return found
