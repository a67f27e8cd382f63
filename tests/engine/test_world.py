"""A world begins anew: ids do not come back, fates do; waits and accounts stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.core.command import Inject, Wait
from simulator.core.ids import key_of_id, public_id
from simulator.core.message import Account, Call, Wake
from simulator.core.query import Find
from simulator.engine.log import read_encoded
from simulator.engine.read import look
from simulator.engine.world import DEFAULT, Options, World, Worlds
from tests.worlds import (
    BUSY,
    HOUR_US,
    LONG_US,
    OK,
    SECOND_US,
    START_US,
    URL,
    account,
    advance,
    calls,
    campaign,
    effects,
    facts,
    fates,
    phone,
    run,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from simulator.engine.log import Recorded


def lived(here: World) -> dict[tuple[str, str, int], tuple[object, ...]]:
    at_us = here.gateway.now_us
    for i in range(200):
        send(here, sms(phone(i % 60), can_reply=True), at_us)
    run(here, START_US + 2 * LONG_US)
    return fates(here)


# Reset.


def test_after_a_reset_fates_come_back_and_ids_do_not() -> None:
    # a fate is a matter of keys, absence of the instant as well: so both lives start at one
    here = world(account(), seed=5)
    first = send(here, sms())
    name = public_id(first.key, here.gateway.epoch)
    here.reset()
    again = send(here, sms())
    assert (again.key, again.fate_key) == (first.key, first.fate_key)
    assert public_id(again.key, here.gateway.epoch) != name
    assert key_of_id(name, here.gateway.epoch) is None
    assert not isinstance(look(here.gateway, Find("shop", name)), type(first))
    once = world(account(), seed=5)
    twice = world(account(), seed=5)
    twice.reset()
    assert lived(once) == lived(twice)


def test_after_a_reset_there_are_no_messages_and_no_counters() -> None:
    here = world(seed=5)
    list(campaign(here, 50, 10, can_reply=True))
    here.gateway.submit(Inject("shop", phone(1), "12345", "STOP"), START_US)
    here.reset()
    assert (len(here.store.live), len(here.store.finished), here.store.pruned) == (0, 0, 0)
    assert here.truth.tallies == {}
    assert here.ledger.invoices() == []
    assert here.audit.accepted == 0
    assert [type(fact).__name__ for fact in facts(here)] == ["AccountOpened"]
    assert here.gateway.next_due() is None
    send(here, sms(phone(1)))  # the opt-out is forgotten too


def test_after_a_reset_accounts_their_settings_and_waits_stay() -> None:
    here = world(account("a", quota=3, push_url=URL), account("b"))
    here.gateway.submit(Wait(START_US + HOUR_US, 7, URL), START_US)
    here.gateway.submit(Wait(START_US + 2 * HOUR_US, 8), START_US)
    here.reset()
    assert here.account("a") == account("a", quota=3, push_url=URL)
    assert set(here.store.shelves) == {"a", "b"}
    assert effects(here, START_US + 3 * HOUR_US) == [
        Wake(7, START_US + HOUR_US, URL),
        Wake(8, START_US + 2 * HOUR_US),
    ]


def test_time_goes_on_through_a_reset() -> None:
    here = world()
    run(here, START_US + HOUR_US)
    here.reset()
    assert here.gateway.now_us == START_US + HOUR_US
    assert send(here, sms(), START_US).accepted_us == START_US + HOUR_US


@pytest.mark.parametrize("outcome", [OK, BUSY])
def test_an_outcome_from_before_a_reset_is_nothing_to_the_world_after_it(outcome: object) -> None:
    here = world()
    send(here, sms(notify=16, callback_url=URL))
    (call,) = calls(here, START_US + HOUR_US)
    here.reset()
    before = here.log.digest()
    here.gateway.settle(call, outcome)  # type: ignore[arg-type]
    assert here.log.digest() == before
    send(here, sms(notify=16, callback_url=URL))
    here.gateway.settle(call, outcome)  # type: ignore[arg-type]
    advance(here)
    assert here.truth.tally("shop").callbacks == 1


def test_epochs_are_counted() -> None:
    here = world()
    for epoch in range(3):
        assert here.gateway.epoch == epoch
        here.reset()


# Faults.


@pytest.mark.breaks_the_books
def test_a_view_that_fails_is_a_fault_in_words() -> None:
    here = world()
    here.truth.tallies = None  # type: ignore[assignment]
    send(here, sms())
    assert here.faults() == [
        "view truth failed: AttributeError(\"'NoneType' object has no attribute 'get'\")"
    ]


def test_a_sound_world_has_none() -> None:
    here = world()
    list(campaign(here, 100, 30, can_reply=True))
    assert here.faults() == []
    run(here, START_US + LONG_US)
    assert here.faults() == []


# Options.


def test_a_sink_and_a_record_receive_everything() -> None:
    events: list[bytes] = []
    recorded: list[Recorded] = []
    here = World("w", Options(sink=events.append, record=recorded.append))
    here.configure(account(), START_US)
    send(here, sms(notify=16, callback_url=URL))
    run(here, START_US + SECOND_US * 60)
    for effect in here.gateway.take_effects():
        assert isinstance(effect, Call)
        here.gateway.settle(effect, OK)
    here.log.close()
    assert len(read_encoded(b"".join(events))) == here.log.count
    assert [type(item.what).__name__ for item in recorded] == ["Configure", "Submission", "Settled"]


def test_another_seed_is_another_world() -> None:
    assert lived(world(seed=1)) == lived(world(seed=1))
    assert lived(world(seed=1)) != lived(world(seed=2))


# Several worlds.


def worlds() -> Worlds:
    return Worlds(lambda name: World(name, Options()))


def test_there_is_a_default_world_and_others_are_made_at_first_sight() -> None:
    house = worlds()
    assert list(house.by_name) == [DEFAULT]
    assert house.world("other") is house.world("other")
    assert list(house.by_name) == [DEFAULT, "other"]


def test_an_account_belongs_to_one_world_whatever_is_said_later() -> None:
    house = worlds()
    home = house.configure(account("a"), "other")
    assert house.configure(account("a", quota=9), DEFAULT) is home
    assert house.of_account["a"] is home is house.world("other")
    assert home.account("a").quota == house.accounts["a"].quota == 9
    assert house.configure(Account(id="b", dialect="native")) is house.world(DEFAULT)


def test_worlds_do_not_share_anything_that_changes() -> None:
    house = worlds()
    for name in ("one", "two"):
        house.configure(account(name), name)
    list(campaign(house.world("one"), 20, 5, account="one"))
    assert house.world("two").log.count == 1
    assert house.world("two").truth.tallies == {}
