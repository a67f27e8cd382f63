"""The store: packing loses nothing, retention prunes the oldest finished and never a counter."""

from __future__ import annotations

from array import array
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.cause import Cause
from simulator.core.extra import Extra
from simulator.core.message import Message, Origin, State
from simulator.engine.store import Shelf, Store
from tests.worlds import account

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=200)
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
INT = st.integers(0, 2**63 - 1)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: INT,
    str: TEXT,
    bool: st.booleans(),
    State: st.sampled_from(State),
    Cause: st.sampled_from(Cause),
    Origin: st.sampled_from(Origin),
    Extra | None: st.none()
    | st.builds(Extra, send_at_us=INT, service=TEXT, media=st.tuples(TEXT, TEXT)),
}


def message(key: int, **fields: Any) -> Message:
    """Make a live message, accepted at instant `key`."""
    base: dict[str, Any] = {
        "key": key,
        "fate_key": key,
        "account": "shop",
        "to": "+817000000000",
        "country": "JP",
        "sender": "12345",
        "body": "Hello",
        "encoding": 0,
        "segments": 1,
        "reference": "",
        "callback_url": "",
        "notify": 0,
        "validity_us": 0,
        "can_reply": False,
        "carrier": 1,
        "accepted_us": key,
        "pending": 1,
    }
    return Message(**{**base, **fields})


def store_of(*messages: Message, retention: int = 100) -> Store:
    store = Store(retention, lambda _key: None)
    store.open(account())
    for each in messages:
        store.add(each, store.shelves["shop"])
    return store


def walked(store: Store, at_us: int = 2**62, step: int = -1) -> list[int]:
    return [m.key for m in store.walk(store.shelves["shop"], at_us, step)]


# Packing.


@repeatable
@given(st.data())
def test_what_is_packed_comes_back_equal(data: st.DataObject) -> None:
    hints = msgspec.structs.fields(Message)
    live = Message(**{field.name: data.draw(VALUES[field.type]) for field in hints})
    store = store_of(live)
    store.open(msgspec.structs.replace(account(), id=live.account))
    assert store.get(live.key) is live
    store.finish(live)
    assert store.get(live.key) == live
    assert store.get(live.key) is not live
    assert not store.live


def test_keys_use_all_64_bits() -> None:
    store = store_of(message(2**64 - 1, accepted_us=1))
    found = store.get(2**64 - 1)
    assert found is not None
    store.finish(found)
    assert walked(store) == [2**64 - 1]


def test_nobody_is_not_found() -> None:
    assert store_of().get(1) is None
    assert not store_of().has(1)


def test_a_changed_copy_of_a_finished_message_can_be_put_back() -> None:
    store = store_of(message(1))
    store.finish(store.live[1])
    copy = store.get(1)
    assert copy is not None
    copy.feedback = 1
    store.rewrite(copy)
    found = store.get(1)
    assert found is not None
    assert found.feedback == 1


def test_a_finished_message_lives_again_when_a_step_concerns_it() -> None:
    store = store_of(message(1))
    store.finish(store.live[1])
    copy = store.get(1)
    assert copy is not None
    store.revive(copy)
    assert store.get(1) is copy
    assert not store.finished
    store.finish(copy)
    assert list(store.finished) == [1]


# Retention.


def test_retention_prunes_the_oldest_finished_and_tells_of_it() -> None:
    forgotten: list[int] = []
    store = Store(3, forgotten.append)
    store.open(account())
    for key in range(1, 8):
        store.add(message(key), store.shelves["shop"])
    for key in (7, 1, 2, 3, 4):
        store.finish(store.live[key])
    assert forgotten == [7, 1]
    assert sorted(store.finished) == [2, 3, 4]
    assert sorted(store.live) == [5, 6]
    assert store.pruned == 2
    assert walked(store) == [6, 5, 4, 3, 2]


def test_a_live_message_is_never_pruned() -> None:
    store = store_of(*map(message, range(1, 50)), retention=1)
    for key in range(2, 50):
        store.finish(store.live[key])
    assert list(store.live) == [1]
    assert list(store.finished) == [49]


def test_a_shelf_is_compacted_when_most_of_it_is_gone() -> None:
    store = store_of(*map(message, range(1, 5001)), retention=10)
    for key in range(1, 5001):
        store.finish(store.live[key])
    shelf = store.shelves["shop"]
    assert len(shelf.keys) < 2200
    assert shelf.keys[-1] == 5000
    assert isinstance(shelf.keys, array)
    assert list(shelf.instants) == list(shelf.keys)
    assert walked(store) == list(range(5000, 4990, -1))
    assert store.pruned == 4990


def test_a_deleted_message_is_hidden_at_once_and_forgotten_with_its_last_step() -> None:
    forgotten: list[int] = []
    store = Store(10, forgotten.append)
    store.open(account())
    live = message(1, reference="a")
    store.add(live, store.shelves["shop"])
    store.delete(live)
    assert store.get(1) is None
    assert walked(store) == []
    assert store.shelves["shop"].key_of_reference("a") is None
    assert (store.live, forgotten) == ({1: live}, [])  # the person may still answer
    store.finish(live)
    assert store.get(1) is None
    assert not store.has(1)
    assert (forgotten, store.pruned) == ([1], 1)


def test_a_finished_message_is_deleted_at_once() -> None:
    store = store_of(message(1))
    live = store.live[1]
    store.finish(live)
    store.delete(live)
    assert not store.has(1)
    assert store.pruned == 1


# References.


def test_a_reference_leads_to_its_message_until_that_is_pruned() -> None:
    store = store_of(message(1, reference="a"), message(2, reference="b"), retention=1)
    shelf = store.shelves["shop"]
    assert [shelf.key_of_reference(r) for r in ("a", "b", "c", "")] == [1, 2, None, None]
    store.finish(store.live[1])
    store.finish(store.live[2])
    assert [shelf.key_of_reference(r) for r in ("a", "b")] == [None, 2]


def test_a_reference_used_again_leads_to_the_newest_even_when_the_oldest_is_pruned() -> None:
    store = store_of(message(1, reference="a"), message(2, reference="a"), retention=1)
    assert store.shelves["shop"].key_of_reference("a") == 2
    store.finish(store.live[1])
    store.finish(store.live[2])
    assert store.shelves["shop"].key_of_reference("a") == 2


# Counting.


def test_the_kth_message_to_a_person_is_counted_by_identity() -> None:
    shelf = Shelf(account(), 0)
    assert [shelf.next_k("+81", None) for _ in range(3)] == [0, 1, 2]
    assert [shelf.next_k("+81", "one"), shelf.next_k("+81", "two")] == [0, 0]
    assert [shelf.next_k("+81", "one"), shelf.next_k("+82", "one")] == [1, 0]


# Walking.


@pytest.mark.parametrize("order", list(permutations([30, 10, 20])))
def test_messages_of_one_instant_come_by_key_however_they_arrived(order: tuple[int, ...]) -> None:
    first, last = message(5, accepted_us=1), message(40, accepted_us=9)
    store = store_of(first, *(message(key, accepted_us=7) for key in order), last)
    assert walked(store) == [40, 30, 20, 10, 5]
    assert walked(store, at_us=0, step=1) == [5, 10, 20, 30, 40]
    assert walked(store, at_us=7) == [30, 20, 10, 5]
    assert walked(store, at_us=7, step=1) == [10, 20, 30, 40]
    assert walked(store, at_us=6) == [5]
    assert walked(store, at_us=10, step=1) == []


@repeatable
@given(
    st.lists(st.integers(0, 6), max_size=30).map(sorted),
    st.sets(st.integers(0, 29)),
    st.integers(0, 7),
)
def test_a_walk_sees_every_kept_message_once(
    instants: list[int], gone: set[int], at_us: int
) -> None:
    messages = [message(key * 7919 % 101, accepted_us=t) for key, t in enumerate(instants)]
    store = store_of(*messages)
    for index in sorted(gone & set(range(len(messages)))):
        store.delete(messages[index])
    kept = sorted((m.accepted_us, m.key) for i, m in enumerate(messages) if i not in gone)
    assert walked(store, at_us) == [key for t, key in reversed(kept) if t <= at_us]
    assert walked(store, at_us, step=1) == [key for t, key in kept if t >= at_us]
