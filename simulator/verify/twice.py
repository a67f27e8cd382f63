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
    from collections.abc import Mapping

    from simulator.verify.facts import Facts

WITHIN_US = 600_000_000  # ten minutes: how soon the same text is a repetition


def twins(
    facts: Facts,
    taken: Column,
    within_us: int = WITHIN_US,
    asked: Mapping[int, int] | None = None,
) -> Column:
    """Tell which messages repeat another one.

    Args:
        facts: every message of an account.
        taken: which of them are claimed.
        within_us: how long after a message the same text to the same person repeats it, unless
            the customer had been told by then that the first had failed.
        asked: by a message's key, the request that asked for it, where one person was asked for
            several times: messages of two requests do not repeat each other. A message of no
            known request is of the same one as the message before it.
    """
    found = np.zeros(len(facts), np.bool_)
    group = np.arange(len(facts))
    _join_own_ids(facts, group)
    _join_repetitions(facts, within_us, group, asked or {})
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


def _join_repetitions(
    facts: Facts, within_us: int, group: Column, asked: Mapping[int, int]
) -> None:
    """Give a message that repeats another's text the other's number."""
    texts = np.flatnonzero(facts.text)
    person, text = facts.to.hashes[texts, 0], facts.text[texts]
    some = _shared(person ^ (text * _ODD))
    instants = facts.accepted_us[texts[some]]
    order = some[np.lexsort((facts.key[texts[some]], instants, text[some], person[some]))]
    same = (person[order[1:]] == person[order[:-1]]) & (text[order[1:]] == text[order[:-1]])
    if asked and len(order):
        letter = np.concatenate(([0], np.cumsum(~same)))  # one person, one text
        request = _requests(facts.key[texts[order]], letter, asked)
        apart = np.lexsort((request, letter))
        order, letter, request = order[apart], letter[apart], request[apart]
        same = (letter[1:] == letter[:-1]) & (request[1:] == request[:-1])
    before, after = texts[order[:-1]], texts[order[1:]]
    soon = facts.accepted_us[after] - facts.accepted_us[before] <= within_us
    told = facts.told[before]
    failed: Column = np.isin(told, FINALS) & (told != State.DELIVERED)
    failed &= facts.told_us[before] <= facts.accepted_us[after]
    repeated = same & soon & ~failed
    for one, other in zip(before[repeated].tolist(), after[repeated].tolist(), strict=True):
        group[_root(group, other)] = _root(group, one)
    while not np.array_equal(group, group[group]):
        group[:] = group[group]


def _requests(keys: Column, letter: Column, asked: Mapping[int, int]) -> Column:
    """Return which request each message is of: its own, or that of the one before it."""
    known = np.array([asked.get(key, _NOT_KNOWN) for key in keys.tolist()], np.int64)
    begins = np.diff(letter, prepend=-1) != 0
    places = np.where(begins | (known != _NOT_KNOWN), np.arange(len(known)), 0)
    found: Column = known[np.maximum.accumulate(places)]
    return found


def _root(group: Column, place: int) -> int:
    while group[place] != place:
        place = int(group[place])
    return place


def _shared(keys: Column) -> Column:
    """Return where there are keys that stand there more than once."""
    ordered = np.sort(keys)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.flatnonzero(np.isin(keys, repeated)) if len(repeated) else _NOBODY


_NOT_KNOWN = -1
_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)
_NOBODY = np.empty(0, np.int64)
