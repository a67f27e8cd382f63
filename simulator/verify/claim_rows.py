"""The rows of claims: what a system says of each message, kept as columns.

The one rule: what a system does not say is not judged. `said` names the fields that its rows have;
a state that one row leaves out is None, an opt-out that it leaves out is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from simulator.verify.columns import (
    BATCH,
    Column,
    Table,
    Texts,
    TextsBuilder,
    batches,
    exact_sum,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELDS = ("own_id", "provider_id", "to", "state", "units", "amount", "opted_out")
OF_VERSION_1 = frozenset(FIELDS) - {"opted_out"}


class ClaimedState(Enum):
    """What a system believes became of a message."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


STATES: tuple[ClaimedState | None, ...] = (None, *ClaimedState)  # by their codes in a column
CODES = {state: code for code, state in enumerate(STATES)}


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One row. An id is empty where the system has none; a state is None where it says none."""

    own_id: str
    provider_id: str
    to: str
    state: ClaimedState | None
    units: int
    micros: int
    opted_out: bool | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClaimRows(Table[Claim]):
    """Claims as columns.

    Attributes:
        state: codes of `STATES`; opted_out: 0, 1, or -1 where nothing is said.
        units, micros: 0 where the system says none.
        said: which of `FIELDS` are claimed at all.
    """

    own_id: Texts
    provider_id: Texts
    to: Texts
    state: Column
    units: Column
    micros: Column
    opted_out: Column
    said: frozenset[str] = OF_VERSION_1

    @classmethod
    def of(cls, claims: Iterable[Claim], said: frozenset[str] = OF_VERSION_1) -> ClaimRows:
        """Keep claims as columns; a table that is one already stays as it is."""
        if isinstance(claims, cls):
            return claims
        builder = RowsBuilder()
        for batch in batches(claims):
            for claim in batch:
                builder.add(claim)
        return builder.built(said)

    def __len__(self) -> int:
        return len(self.state)

    def row(self, index: int) -> Claim:
        """Return the claim at an index from 0."""
        out = int(self.opted_out[index])
        return Claim(
            self.own_id[index],
            self.provider_id[index],
            self.to[index],
            STATES[self.state[index]],
            int(self.units[index]),
            int(self.micros[index]),
            None if out < 0 else bool(out),
        )

    def count(self, state: ClaimedState) -> int:
        """Count the rows that claim a state."""
        return int(np.count_nonzero(self.state == CODES[state]))

    @property
    def units_in_all(self) -> int:
        """The sum of the claimed units."""
        return exact_sum(self.units)

    @property
    def micros_in_all(self) -> int:
        """The sum of the claimed amounts."""
        return exact_sum(self.micros)


class RowsBuilder:
    """Collects claims; at most `BATCH` of them are Python objects at one time."""

    def __init__(self) -> None:
        self._batch: list[Claim] = []
        self._texts = (TextsBuilder(), TextsBuilder(), TextsBuilder())
        self._numbers: list[Column] = []
        self.count = 0

    def add(self, claim: Claim) -> None:
        """Add a row."""
        self.count += 1
        self._batch.append(claim)
        if len(self._batch) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        own, provider, to = self._texts
        own.add([claim.own_id for claim in batch])
        provider.add([claim.provider_id for claim in batch])
        to.add([claim.to for claim in batch])
        numbers = np.empty((4, len(batch)), np.int64)
        numbers[0] = [CODES[claim.state] for claim in batch]
        numbers[1] = [claim.units for claim in batch]
        numbers[2] = [claim.micros for claim in batch]
        numbers[3] = [-1 if claim.opted_out is None else claim.opted_out for claim in batch]
        self._numbers.append(numbers)

    def built(self, said: frozenset[str]) -> ClaimRows:
        """Return all of them as columns."""
        self._flush()
        own, provider, to = (texts.built() for texts in self._texts)
        parts, self._numbers = self._numbers, []
        state, units, micros, opted_out = (
            joined([part[which] for part in parts], np.int64).copy() for which in range(4)
        )
        small = (state.astype(np.uint8), units, micros, opted_out.astype(np.int8))
        return ClaimRows(own, provider, to, *small, said)
