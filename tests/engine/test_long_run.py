"""Twenty thousand lives with little room: pruning moves neither the digest nor a counter.

`benchmarks/million_lives.py` does the same with a million, and measures.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from simulator.core.message import FINAL, Message
from tests.shuffles import answer
from tests.worlds import (
    LONG_US,
    SECOND_US,
    START_US,
    account,
    campaign,
    facts,
    habits,
    run,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from simulator.engine.world import World

LIVES, PEOPLE, RETENTION = 20_000, 2_000, 500
COUNTED = (
    "accepted",
    "segments",
    "noticed",
    "opened",
    "replied",
    "stopped",
    "inbound",
    "opted_out",
    "attempts_failed",
)


@cache
def lived(retention: int) -> tuple[World, int]:
    """Live all lives; return the world and how many were accepted, by our own count."""
    here = world(account(), seed=9, retention=retention)
    sent = campaign(here, LIVES, PEOPLE, gap_us=SECOND_US, can_reply=True)
    accepted = sum(1 for _ in sent)
    run(here, START_US + LONG_US)
    return here, accepted


def test_the_digest_is_that_of_a_world_that_prunes_nothing() -> None:
    (little, _), (ample, _) = lived(RETENTION), lived(10 * LIVES)
    assert little.log.digest() == ample.log.digest()
    assert ample.store.pruned == 0
    assert little.store.pruned > LIVES - 2 * RETENTION


def test_every_counter_is_exact() -> None:
    (little, accepted), (ample, _) = lived(RETENTION), lived(10 * LIVES)
    tally, whole = little.truth.tally("shop"), ample.truth.tally("shop")
    assert tally.accepted == accepted
    assert sum(tally.fated(state) for state in FINAL) == accepted
    for name in COUNTED:
        assert getattr(tally, name) == getattr(whole, name) > 0, name
    assert (tally.fate, tally.known, tally.told) == (whole.fate, whole.known, whole.told)
    assert little.truth.refused == ample.truth.refused
    assert little.ledger.invoices() == ample.ledger.invoices()
    assert little.faults() == ample.faults() == []


def test_the_counters_of_the_ample_world_are_those_of_its_messages() -> None:
    ample, accepted = lived(10 * LIVES)
    kept = [ample.store.get(key) for key in ample.store.shelves["shop"].keys]
    sent = [message for message in kept if message is not None and not message.inbound]
    tally = ample.truth.tally("shop")
    assert len(sent) == accepted
    for state in FINAL:
        assert tally.fated(state) == sum(message.fate is state for message in sent)
    assert tally.noticed == sum(message.noticed_us > 0 for message in sent)
    assert tally.replied == sum(message.replied_us > 0 for message in sent)


def test_nothing_is_kept_beyond_retention() -> None:
    little, _ = lived(RETENTION)
    assert len(little.store.finished) == RETENTION >= len(little.inbox._lines)
    assert not little.store.live
    assert len(little.gateway.agenda) == 0
    assert len(little.log.since(0, 10**9)[1]) == 10 * RETENTION
    assert len(little.store.shelves["shop"].keys) < 4 * RETENTION
    assert len(little.audit._open) == 0
    assert len(little.store.shelves["shop"].counts) == PEOPLE


def test_a_world_that_has_pruned_goes_on_as_if_it_had_not() -> None:
    here, there = (world(habits=habits(), retention=n) for n in (1, 100))
    for each in (here, there):
        list(campaign(each, 50, 10))
        run(each, START_US + LONG_US)
    late = START_US + LONG_US
    one, other = (send(each, sms(), late) for each in (here, there))
    assert isinstance(one, Message)
    assert (one.key, one.fate_key) == (other.key, other.fate_key)


@pytest.mark.parametrize("retention", [50, 5000])
def test_callbacks_that_are_late_find_their_messages_whatever_is_pruned(retention: int) -> None:
    here = world(account(), seed=9, retention=retention)
    asked = {"notify": 1 << 4 | 1 << 5 | 1 << 6, "callback_url": "http://127.0.0.1/"}
    list(campaign(here, 1000, 300, **asked))
    run(here, START_US + LONG_US)
    waiting = here.gateway.take_effects()
    assert len(waiting) > 900
    for call in waiting:
        here.gateway.settle(call, answer(call))  # type: ignore[arg-type]
    tally = here.truth.tally("shop")
    assert tally.callbacks == len(waiting)
    assert tally.told.total() + tally.callbacks_abandoned == len(waiting)
    assert here.store.pruned == max(0, 1000 - retention)
    assert len(facts(here)) <= 10 * retention
