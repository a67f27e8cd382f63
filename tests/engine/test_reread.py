"""A world read back from its log: the same facts, the same books, and nothing recomputed."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from simulator.core.command import Batch, Inject, Once, Redact
from simulator.core.extra import Extra
from simulator.core.message import Message, State
from simulator.engine.log import encode_recorded, events_in, recorded_in
from simulator.engine.reread import RereadError, reread
from simulator.engine.world import Options, World
from tests.worlds import (
    EVERY_STATE,
    LONG_US,
    SECOND_US,
    START_US,
    URL,
    account,
    advance,
    habits,
    phone,
    sms,
)

RATES = {"gone": 0.1, "absent": 0.3, "reply": 0.4, "stop": 0.1, "noticed": 0.9, "opened": 0.9}


def recorded(**options: Any) -> tuple[World, bytes, bytes]:
    """Live a world with replies, opt-outs, refusals and injections, and record it."""
    events, commands = BytesIO(), BytesIO()
    world = World(
        "w",
        Options(
            seed=3,
            habits=habits(**RATES),
            sink=events.write,
            record=lambda item: commands.write(encode_recorded(item)),
            **options,
        ),
    )
    world.configure(account(two_way=True, inbound_url=URL), START_US)
    for day in range(2):
        for i in range(60):
            asked = sms(
                phone(i),
                reference=f"letter {day} {i}",
                callback_url=URL,
                notify=EVERY_STATE,
                can_reply=True,
                body=f"letter {day}",
            )
            world.gateway.submit(asked, START_US + day * LONG_US)
        world.gateway.submit(Inject("shop", phone(day), "+1", "hello"), START_US + day * LONG_US)
        advance(world, START_US + (day + 1) * LONG_US - SECOND_US)
    world.log.close()
    return world, events.getvalue(), commands.getvalue()


def read_back(events: bytes, commands: bytes, **options: Any) -> World:
    world = World("w", Options(seed=99, **options))  # another seed: no chance is asked
    reread(world, events_in(BytesIO(events)), recorded_in(BytesIO(commands)))
    return world


def standing(message: Message) -> tuple[object, ...]:
    return (
        *(message.to, message.country, message.sender, message.body, message.reference),
        *(message.segments, message.carrier, message.state, message.cause, message.fate),
        *(message.told, message.origin, message.accepted_us, message.opened_us),
    )


@pytest.mark.parametrize("by_content", [False, True])
def test_the_world_read_back_is_the_world_that_was(by_content: bool) -> None:
    world, events, commands = recorded(by_content=by_content)
    again = read_back(events, commands, by_content=by_content)
    assert again.log.digest() == world.log.digest()
    assert again.ledger.invoices() == world.ledger.invoices()
    assert again.faults() == []
    keys = world.store.shelves["shop"].keys
    assert again.store.shelves["shop"].keys == keys
    outbound = [key for key in keys if not world.store.get(key).inbound]  # type: ignore[union-attr]
    assert len(outbound) > 100
    for key in outbound:
        was, found = world.store.get(key), again.store.get(key)
        assert was is not None
        assert found is not None
        assert standing(found) == standing(was)
    assert any(world.store.get(k).state is State.RECEIVED for k in keys)  # type: ignore[union-attr]


def test_batches_keys_schedules_and_what_was_forgotten_are_read_back() -> None:
    events, commands = BytesIO(), BytesIO()
    options = {"sink": events.write, "record": lambda i: commands.write(encode_recorded(i))}
    world = World("w", Options(habits=habits(), **options))  # type: ignore[arg-type]
    world.configure(account(), START_US)
    twice = sms(phone(1), reference="a", unique_reference=True, body="second")
    batch = Batch("shop", (sms(phone(1), reference="a", body="first"), twice, sms(phone(1))))
    world.gateway.submit(batch, START_US)
    for _ in range(2):
        world.gateway.submit(Once("shop", "key", 7, sms(phone(2), body="once")), START_US)
    later = Extra(send_at_us=START_US + LONG_US // 2)
    world.gateway.submit(sms(phone(3), extra=later), START_US)
    secret = world.gateway.submit(sms(phone(4), body="secret"), START_US)
    advance(world, START_US + LONG_US)
    assert isinstance(secret, Message)
    world.gateway.submit(Redact(secret.key), START_US + LONG_US)
    world.log.close()
    again = read_back(events.getvalue(), commands.getvalue())
    assert again.log.digest() == world.log.digest()
    keys = world.store.shelves["shop"].keys
    assert len(keys) == 5
    pairs = [(world.store.get(key), again.store.get(key)) for key in keys]
    assert all(was and found and standing(was) == standing(found) for was, found in pairs)
    bodies = [found.body for _, found in pairs if found]
    assert bodies[0] == "first"
    assert bodies[-1] == ""


def test_what_was_pruned_is_read_back_as_well() -> None:
    _, events, commands = recorded(retention=10)
    again = read_back(events, commands)
    assert again.store.pruned == 0
    assert len(again.store.live) > 100


def test_a_log_of_another_recording_is_refused() -> None:
    _, events, _ = recorded()
    with pytest.raises(RereadError, match="account shop has no settings in the recording"):
        read_back(events, b"")


def test_a_log_whose_beginning_is_lost_is_refused() -> None:
    _, events, commands = recorded()
    size = 4 + int.from_bytes(events[:4], "big")
    with pytest.raises(RereadError, match=r"nobody opened|never accepted"):
        read_back(events[size:], commands)
