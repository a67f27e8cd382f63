"""Batches, and idempotency keys: carried out once, answered again, the same in a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.core.command import Batch, Batched, Inject, Once, Refusal, Replayed, Submission
from simulator.core.message import Message, Reason, Rejection, State
from simulator.engine import once
from simulator.engine.log import Recorded, encode_recorded, read_recording
from simulator.engine.once import KEPT_US
from simulator.engine.replay import replay
from simulator.engine.world import Options, World
from tests.worlds import (
    CALM,
    SECOND_US,
    START_US,
    account,
    advance,
    habits,
    kinds,
    phone,
    sms,
    world,
)

if TYPE_CHECKING:
    import pytest

    from simulator.core.command import Answer


def ask(
    into: World,
    key: str = "a",
    what: Submission | Batch | None = None,
    at_us: int = START_US,
    fingerprint: int = 7,
) -> Answer:
    """Ask under a key."""
    asked = sms() if what is None else what
    return into.gateway.submit(Once(asked.account, key, fingerprint, asked), at_us)


def stop(into: World, at_us: int = START_US) -> None:
    into.gateway.submit(Inject("shop", phone(0), "12345", "STOP"), at_us)


def start(into: World, at_us: int = START_US) -> None:
    into.gateway.submit(Inject("shop", phone(0), "12345", "START"), at_us)


def snapshot(answer: Answer) -> Any:
    assert isinstance(answer, Replayed)
    return answer.answer


def test_a_key_used_again_makes_no_second_message_and_no_second_fact() -> None:
    here = world()
    first = ask(here)
    assert isinstance(first, Message)
    before = here.log.digest()
    assert snapshot(ask(here)).key == first.key
    assert here.log.digest() == before
    advance(here)
    assert kinds(here).count("Accepted") == 1
    [invoice] = here.ledger.invoices()
    assert invoice.units == 1


def test_the_answer_is_as_it_was_then_whatever_has_happened_since() -> None:
    here = world(habits=habits())
    first = ask(here)
    assert isinstance(first, Message)
    advance(here, START_US + KEPT_US - 1)
    assert here.store.get(first.key).state is State.DELIVERED
    again = snapshot(ask(here, at_us=START_US + KEPT_US - 1))
    assert (again.state, again.accepted_us, again.body) == (State.ACCEPTED, START_US, "Hello")


def test_a_key_is_forgotten_after_a_day_of_virtual_time() -> None:
    here = world()
    first = ask(here)
    assert isinstance(first, Message)
    advance(here, START_US + KEPT_US)
    second = ask(here, at_us=START_US + KEPT_US)
    assert isinstance(second, Message)
    assert second.key != first.key


def test_a_key_that_stood_for_another_request_is_a_conflict() -> None:
    here = world()
    ask(here)
    refused = ask(here, what=sms(body="Goodbye"), fingerprint=8)
    assert refused == Rejection(Reason.KEY_REUSED, "Idempotency-Key")
    assert kinds(here) == ["Accepted", "Rejected"]
    assert isinstance(ask(here), Replayed)


def test_two_accounts_have_keys_of_their_own() -> None:
    here = world(account("shop"), account("bank"))
    assert isinstance(ask(here), Message)
    assert isinstance(ask(here, what=sms(account="bank")), Message)


def test_a_refusal_that_lasts_is_answered_again_even_when_its_cause_is_gone() -> None:
    here = world()
    stop(here)
    assert ask(here) == Rejection(Reason.OPTED_OUT, detail=phone(0))
    start(here)
    assert snapshot(ask(here)) == Rejection(Reason.OPTED_OUT, detail=phone(0))
    assert isinstance(ask(here, "b"), Message)


def test_a_refusal_that_passes_leaves_the_key_free() -> None:
    here = world(account(quota=0))
    refused = ask(here)
    assert isinstance(refused, Rejection)
    assert refused.reason is Reason.OVER_QUOTA
    here.configure(account(quota=1), START_US)
    assert isinstance(ask(here), Message)
    assert isinstance(ask(here), Replayed)


def test_memory_is_bounded_and_the_oldest_key_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "KEYS_MAX", 3)
    here = world()
    for i in range(5):
        assert isinstance(ask(here, str(i), sms(phone(i))), Message)
    used = here.store.shelves["shop"].used_keys
    assert len(used) == 3
    assert [isinstance(ask(here, key), Replayed) for key in "432"] == [True, True, True]
    assert isinstance(ask(here, "1"), Message)


def test_whoever_uses_no_key_keeps_none() -> None:
    here = world()
    here.gateway.submit(sms(), START_US)
    assert here.store.shelves["shop"].used_keys is None


# Batches.


def mixed() -> Batch:
    items = (sms(phone(1)), Refusal("shop", "?", Reason.BAD_TO, "to", "saw '?'"), sms(phone(0)))
    return Batch("shop", items)


def test_each_item_of_a_batch_has_its_own_result_in_its_own_place() -> None:
    here = world()
    stop(here)
    answer = here.gateway.submit(mixed(), START_US)
    assert isinstance(answer, Batched)
    taken, unread, refused = answer.results
    assert isinstance(taken, Message)
    assert taken.to == phone(1)
    assert unread == Rejection(Reason.BAD_TO, "to", "saw '?'")
    assert refused == Rejection(Reason.OPTED_OUT, detail=phone(0))
    assert kinds(here)[-3:] == ["Accepted", "Rejected", "Rejected"]


def test_a_batch_under_a_key_is_kept_whole() -> None:
    here = world(account(quota=1))
    items = Batch("shop", (sms(phone(1)), sms(phone(2))))
    first = ask(here, what=items)
    assert isinstance(first, Batched)
    here.configure(account(quota=9), START_US)
    again = snapshot(ask(here, what=items))
    assert [type(result) for result in again.results] == [Message, Rejection]
    assert again.results[0].key == first.results[0].key
    assert again.results[1] == first.results[1]


# Replay.


def test_a_recording_with_keys_and_batches_replays_to_the_same_digest_and_the_same_keys() -> None:
    lines: list[bytes] = []
    options = {"habits": habits(**{**CALM, "absent": 0.3}), "seed": 5}

    def note(item: Recorded) -> None:
        lines.append(encode_recorded(item))

    here = world(record=note, **options)
    for i in range(40):
        at_us = START_US + i * SECOND_US
        advance(here, at_us)
        ask(here, str(i % 15), sms(phone(i % 15)), at_us, fingerprint=i % 15)
        ask(here, f"batch {i % 7}", mixed(), at_us, fingerprint=i % 4)
        if i == 20:
            stop(here, at_us)
    advance(here)
    again = World("again", Options(**options))
    replay(again, read_recording(b"".join(lines)), START_US + 10**15)
    assert again.log.digest() == here.log.digest()
    used, relived = (w.store.shelves["shop"].used_keys for w in (here, again))
    assert len(used) == len(relived) == 15 + 7
    for key in [str(i) for i in range(15)]:
        entry = used.find(key, START_US)
        assert entry is not None
        assert entry == relived.find(key, START_US)


def test_a_reset_forgets_the_keys() -> None:
    here = world()
    ask(here)
    here.reset()
    assert isinstance(ask(here), Message)
