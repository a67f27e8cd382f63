"""The inbox: what happened to this one, in order, for as long as the message is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.command import Inject
from simulator.core.message import State
from tests.worlds import (
    EVERY_STATE,
    LONG_US,
    START_US,
    URL,
    account,
    advance,
    campaign,
    facts,
    habits,
    phone,
    run,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from simulator.core import events as ev


def names(timeline: list[ev.Event]) -> list[str]:
    return [type(fact).__name__ for fact in timeline]


def test_a_timeline_holds_every_fact_about_its_message() -> None:
    people = habits(noticed=1.0, opened=1.0, reply=1.0, click=1.0)
    here = world(account(inbound_url=URL), habits=people)
    first = send(here, sms(can_reply=True, notify=EVERY_STATE, callback_url=URL))
    second = send(here, sms(phone(1), "See https://example.com/a", can_reply=True))
    advance(here)
    for message in (first, second):
        logged = facts(here, message.key)
        assert here.inbox.timeline(message) == sorted(logged, key=lambda fact: fact.at_us)
    assert names(here.inbox.timeline(second))[:5] == [
        "Accepted",
        "Sending",
        "Sent",
        "Delivered",
        "Receipted",
    ]
    assert names(here.inbox.timeline(second)).count("Clicked") == 1


def test_a_timeline_is_in_order_of_instants_whatever_came_late() -> None:
    here = world(habits=habits())
    message = send(here, sms(notify=1 << State.SENT, callback_url=URL))
    run(here, START_US + LONG_US)
    advance(here)  # the callback about SENT is answered when all is over
    instants = [fact.at_us for fact in here.inbox.timeline(message)]
    assert instants == sorted(instants)
    assert names(here.inbox.timeline(message))[2:5] == ["Sent", "CallbackTried", "Told"]


def test_a_received_message_has_a_timeline_of_its_own() -> None:
    here = world()
    received = here.gateway.submit(Inject("shop", phone(0), "12345", "Hi"), START_US)
    assert names(here.inbox.timeline(received)) == ["Received"]  # type: ignore[union-attr]


def test_what_retention_prunes_leaves_the_inbox() -> None:
    here = world(habits=habits(), retention=10)
    seen = set()
    for _ in campaign(here, 2_000, 2_000):
        seen |= set(here.inbox._lines)
    run(here, START_US + LONG_US)
    seen |= set(here.inbox._lines)
    assert here.store.pruned > 1_000
    assert seen
    assert set(here.inbox._lines) <= set(here.store.finished)
