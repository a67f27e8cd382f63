"""Which fact each claim is about: the join, by columns.

    by own id, where the provider was given one  >  by the provider's id  >  by recipient
    (only a row without any id; of several messages to one person, the one it says the truth of)

The one rule: a fact is taken once. Where several rows claim it, the first in the order of reading
has it and the others are `again`. Only rows whose id several facts share are looked at one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.verify.columns import Column, runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.verify.claim_rows import ClaimRows
    from simulator.verify.columns import Texts
    from simulator.verify.facts import Facts

    Alike = Callable[[int, int], bool]

NOWHERE = -1
PAIRS_MAX = 10_000  # of claims and messages of one recipient that are compared one by one
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")


@dataclass(frozen=True, slots=True)
class Joined:
    """The join's outcome.

    Attributes:
        place: of each claim's fact, or -1.
        again: claims whose fact another row has already.
        taken: facts that a row claims.
        by_recipient: claims that were joined by their recipient.
    """

    place: Column
    again: Column
    taken: Column
    by_recipient: Column


def elsewhere(rows: ClaimRows, facts: Facts, about: Column, at: Column) -> Column:
    """Tell which claims name a phone number that is not their fact's; a masked one is none."""
    found = ~rows.to.same(about, facts.to, at)
    for index in np.flatnonzero(found).tolist():
        found[index] = bool(_E164.fullmatch(rows.to[int(about[index])]))
    return found


def join(rows: ClaimRows, facts: Facts, alike: Alike) -> Joined:
    """Find each claim's fact.

    Args:
        rows: the claims.
        facts: what they may be about.
        alike: whether a claim (by its index) says of a fact (by its place) what is true of it;
            asked only where a recipient alone does not tell the messages apart.
    """
    place = np.full(len(rows), NOWHERE, np.int64)
    own = _Index(facts.own_id)
    several = own.fill(place, rows.own_id, rows.own_id.there)
    waiting = (place == NOWHERE) & ~several & rows.provider_id.there
    provider = _Index(facts.provider_id)
    shared = provider.fill(place, rows.provider_id, waiting)
    assert not shared.any(), "two facts with one id of the provider"
    nameless = ~rows.own_id.there & ~rows.provider_id.there & rows.to.there
    recipient = _Index(facts.to)
    crowded = recipient.fill(place, rows.to, nameless)
    taking = _Taking(rows, facts, place)
    taking.twins(np.flatnonzero(several).tolist(), own)
    again = _again(place)
    if nameless.any():
        crowded |= nameless & again  # two rows for one message: the one that fits shall have it
        place[crowded] = NOWHERE
        taking = _Taking(rows, facts, place)
        taking.crowds(crowded, recipient, alike)
        again = _again(place)
    return Joined(place, again, taking.taken, nameless)


class _Index:
    """Places of facts by the hash of a text."""

    def __init__(self, texts: Texts) -> None:
        there = np.flatnonzero(texts.there)
        hashes = texts.hashes[there, 0]
        order = np.argsort(hashes)
        self._texts = texts
        self._places = there[order]
        self._hashes = hashes[order]

    def fill(self, place: Column, texts: Texts, wanted: Column) -> Column:
        """Write the places of wanted texts that one fact has; return those that several have."""
        several = np.zeros(len(texts), np.bool_)
        rows = np.flatnonzero(wanted)
        if not len(rows) or not len(self._hashes):
            return several
        hashes = texts.hashes[rows, 0]
        order = np.argsort(hashes)
        rows, hashes = rows[order], hashes[order]
        at = np.searchsorted(self._hashes, hashes)
        inside = at < len(self._hashes)
        rows, at = rows[inside], at[inside]
        met = texts.same(rows, self._texts, self._places[at])
        rows, at = rows[met], at[met]
        following = np.minimum(at + 1, len(self._hashes) - 1)
        more = (following > at) & (self._hashes[following] == self._hashes[at])
        place[rows[~more]] = self._places[at[~more]]
        several[rows[more]] = True
        return several

    def all_of(self, texts: Texts, row: int) -> list[int]:
        """Return the places of every fact that has a text."""
        wanted = texts.hashes[row, 0]
        low = int(np.searchsorted(self._hashes, wanted))
        high = int(np.searchsorted(self._hashes, wanted, "right"))
        return [int(place) for place in self._places[low:high]]


class _Taking:
    """Who has what, where rows must be looked at one by one."""

    def __init__(self, rows: ClaimRows, facts: Facts, place: Column) -> None:
        self._rows, self._facts, self._place = rows, facts, place
        self.taken = np.zeros(len(facts), np.bool_)
        self.taken[place[place != NOWHERE]] = True

    def _give(self, row: int, found: int) -> None:
        self._place[row], self.taken[found] = found, True

    def twins(self, several: list[int], own: _Index) -> None:
        """Join rows whose own id the provider accepted repeatedly: by its id, else in order."""
        rows, facts = self._rows, self._facts
        groups: dict[int, list[int]] = {}
        left: list[int] = []
        for row in several:
            name = int(rows.own_id.hashes[row, 0])
            if name not in groups:
                groups[name] = sorted(own.all_of(rows.own_id, row), key=self._age)
            wanted = rows.provider_id[row]
            twins = (p for p in groups[name] if wanted and facts.provider_id[p] == wanted)
            found = next(twins, NOWHERE)
            if found == NOWHERE:
                left.append(row)
            else:
                self._give(row, found)
        free = {n: iter([p for p in of if not self.taken[p]]) for n, of in groups.items()}
        for row in left:
            name = int(rows.own_id.hashes[row, 0])
            self._give(row, next(free[name], groups[name][0]))

    def _age(self, place: int) -> tuple[int, int]:
        return int(self._facts.accepted_us[place]), int(self._facts.key[place])

    def crowds(self, crowded: Column, recipient: _Index, alike: Alike) -> None:
        """Join rows by recipient where several messages went to it: first those that fit."""
        rows, place = self._rows, self._place
        groups: dict[int, list[int]] = {}
        for row in np.flatnonzero(crowded).tolist():
            groups.setdefault(int(rows.to.hashes[row, 0]), []).append(row)
        for claims in groups.values():
            places = sorted(recipient.all_of(rows.to, claims[0]), key=self._age)
            few = len(claims) * len(places) <= PAIRS_MAX
            wary = sorted(claims, key=lambda row: rows.state[row] == 0)  # who says less fits more
            for row in wary if few else ():
                fitting = (p for p in places if not self.taken[p] and alike(row, p))
                if (found := next(fitting, NOWHERE)) != NOWHERE:
                    self._give(row, found)
            rest = (p for p in places if not self.taken[p])
            for row in claims:
                if place[row] == NOWHERE:
                    self._give(row, next(rest, places[0]))


def _again(place: Column) -> Column:
    """Tell which claims come after another one of the same fact."""
    again = np.zeros(len(place), np.bool_)
    joined = np.flatnonzero(place != NOWHERE)
    counts = np.bincount(place[joined]) if len(joined) else np.empty(0, np.int64)
    if not len(counts) or counts.max() < 2:
        return again
    order = joined[np.argsort(place[joined], kind="stable")]
    starts, _ = runs(place[order])
    again[order] = True
    again[order[starts]] = False
    return again
