"""All findings of a comparison: those about rows as columns, those about the document as they are.

The one rule: by class, then ids; the same for the same input, whatever the order of the facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.verify.columns import Column, Table, exact_sum
from simulator.verify.findings import Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulator.verify.claim_rows import ClaimRows
    from simulator.verify.columns import Texts
    from simulator.verify.facts import Facts

KINDS = tuple(FindingKind)
RANKS = {kind: rank for rank, kind in enumerate(KINDS)}
NONE = -1


class Judgements:
    """The class of every row of either side, with what is claimed less what is due.

    Attributes:
        kind: ranks of `KINDS`; -1: matched.
        row: indexes of claims, -1 where there is none; place: indexes of facts, likewise.
    """

    __slots__ = ("currency", "facts", "kind", "micros", "place", "row", "rows", "units")

    def __init__(  # noqa: PLR0913 - one for each column
        self,
        rows: ClaimRows,
        facts: Facts,
        currency: str,
        *,
        kind: Column,
        row: Column,
        place: Column,
        units: Column,
        micros: Column,
    ) -> None:
        self.rows, self.facts, self.currency = rows, facts, currency
        self.kind, self.row, self.place = kind, row, place
        self.units, self.micros = units, micros

    def finding(self, index: int) -> Finding:
        """Return what is wrong at an index; for people, and for files."""
        row, place = int(self.row[index]), int(self.place[index])
        return Finding(
            kind=KINDS[self.kind[index]],
            amount_micros=int(self.micros[index]),
            units=int(self.units[index]),
            currency=self.currency,
            row=row,
            claim=None if row == NONE else self.rows[row],
            fact=None if place == NONE else self.facts[place],
        )

    @property
    def wrong(self) -> Column:
        """Where something is wrong, by class, then ids."""
        found = np.flatnonzero(self.kind != NONE)
        for key in reversed(self._keys(found)):
            found = found[np.argsort(key[found], kind="stable")]
        return found

    def _keys(self, found: Column) -> list[Column]:
        """Return what findings are ordered by, the first first: whole columns."""
        own, provider = _ranks(self, found, "own_id"), _ranks(self, found, "provider_id")
        at = np.where(self.place == NONE, 0, self.place)
        keys = self.facts.key[at] if len(self.facts) else np.zeros(len(at), np.uint64)
        keys = np.where(self.place == NONE, np.uint64(0), keys)
        return [self.kind, own, provider, self.row, keys]


def _ranks(of: Judgements, found: Column, name: str) -> Column:
    """Number the ids of findings in their order; as `Finding.own_id` and `.provider_id` say."""
    claimed: Texts = getattr(of.rows, name)
    ours: Texts = getattr(of.facts, name)
    pairs = zip(of.row[found].tolist(), of.place[found].tolist(), strict=True)
    if name == "provider_id":
        texts = [ours[place] if place != NONE else claimed[row] for row, place in pairs]
    else:
        said = ((row != NONE and claimed[row], place) for row, place in pairs)
        texts = [own or (ours[place] if place != NONE else "") for own, place in said]
    ranks = np.zeros(len(of.kind), np.int64)
    ranks[found] = np.unique(np.array(texts, np.dtypes.StringDType()), return_inverse=True)[1]
    return ranks


class Findings(Table[Finding]):
    """Every finding: a sequence, by class, then ids; each is made when it is asked for."""

    __slots__ = ("_document", "_order", "rows")

    def __init__(self, rows: Judgements, document: Iterable[Finding] = ()) -> None:
        self.rows = rows
        self._order = rows.wrong
        ranked = sorted(document, key=lambda f: (RANKS[f.kind], f.total))
        self._document = tuple(ranked)  # their classes come after those of rows
        assert all(RANKS[f.kind] > RANKS[_LAST_OF_ROWS] for f in ranked), "a row's class"

    def __len__(self) -> int:
        return len(self._order) + len(self._document)

    def row(self, index: int) -> Finding:
        """Return the finding at an index from 0."""
        about_rows = len(self._order)
        if index < about_rows:
            return self.rows.finding(int(self._order[index]))
        return self._document[index - about_rows]

    def counts(self) -> Mapping[FindingKind, int]:
        """Return how many there are of every class, zeros included."""
        numbers = np.bincount(self.rows.kind[self._order], minlength=len(KINDS)).tolist()
        for finding in self._document:
            numbers[RANKS[finding.kind]] += 1
        return dict(zip(KINDS, numbers, strict=True))

    def amounts(self) -> Mapping[FindingKind, int]:
        """Return what the findings of each class claim too much, millionths; zeros included."""
        kinds, micros = self.rows.kind, self.rows.micros
        found = {kind: exact_sum(micros[kinds == rank]) for rank, kind in enumerate(KINDS)}
        for finding in self._document:
            found[finding.kind] += finding.amount_micros
        return found


_LAST_OF_ROWS = FindingKind.OPT_OUT_DIFFERS
