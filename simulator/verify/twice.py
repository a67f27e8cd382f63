"""Messages that went out twice: the same own id, or else the same text to the same person soon.

The one rule: of several that are one message, one is the message and the others are twins. The
message is the first that is claimed, or the first of all where none is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.core.message import State
from simulator.verify.columns import Column, runs
from simulator.verify.facts import FINALS

if TYPE_CHECKING:
    from simulator.verify.facts import Facts

WITHIN_US = 600_000_000  # ten minutes: how soon the same text is a repetition


def twins(facts: Facts, taken: Column, within_us: int = WITHIN_US) -> Column:
    """Tell which messages repeat another one.

    Args:
        facts: every message of an account.
        taken: which of them are claimed.
        within_us: how long after a message the same text to the same person repeats it, unless
            the customer had been told by then that the first had failed.
    """
    found = np.zeros(len(facts), np.bool_)
    group = np.arange(len(facts))
    _join_own_ids(facts, group)
    _join_repetitions(facts, within_us, group)
    members = np.flatnonzero(np.bincount(group, minlength=len(facts))[group] > 1)
    keys = (facts.key[members], facts.accepted_us[members], ~taken[members], group[members])
    ordered = members[np.lexsort(keys)]
    starts, _ = runs(group[ordered])
    found[ordered] = True
    found[ordered[starts]] = False
    return found


def _join_own_ids(facts: Facts, group: Column) -> None:
    """Give messages with one own id one number, the first one's place."""
    there = np.flatnonzero(facts.own_id.there)
    hashes = facts.own_id.hashes[there]
    some = _shared(hashes[:, 0])
    order = some[np.lexsort((there[some], hashes[some, 1], hashes[some, 0]))]
    for one, other in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        if (hashes[one] == hashes[other]).all():
            group[there[other]] = group[there[one]]


def _join_repetitions(facts: Facts, within_us: int, group: Column) -> None:
    """Give a message that repeats another's text the other's number."""
    texts = np.flatnonzero(facts.text)
    person, text = facts.to.hashes[texts, 0], facts.text[texts]
    some = _shared(person ^ (text * _ODD))
    instants = facts.accepted_us[texts[some]]
    order = some[np.lexsort((facts.key[texts[some]], instants, text[some], person[some]))]
    before, after = texts[order[:-1]], texts[order[1:]]
    same = (person[order[1:]] == person[order[:-1]]) & (text[order[1:]] == text[order[:-1]])
    soon = facts.accepted_us[after] - facts.accepted_us[before] <= within_us
    told = facts.told[before]
    failed: Column = np.isin(told, FINALS) & (told != State.DELIVERED)
    failed &= facts.told_us[before] <= facts.accepted_us[after]
    repeated = same & soon & ~failed
    for one, other in zip(before[repeated].tolist(), after[repeated].tolist(), strict=True):
        group[_root(group, other)] = _root(group, one)
    while not np.array_equal(group, group[group]):
        group[:] = group[group]


def _root(group: Column, place: int) -> int:
    while group[place] != place:
        place = int(group[place])
    return place


def _shared(keys: Column) -> Column:
    """Return where there are keys that stand there more than once."""
    ordered = np.sort(keys)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.flatnonzero(np.isin(keys, repeated)) if len(repeated) else _NOBODY


_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)
_NOBODY = np.empty(0, np.int64)
