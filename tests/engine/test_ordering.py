"""What the answers to webhooks order: replies, redirections, and where each loop ends."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.command import Inject
from simulator.core.message import Call, Message, Origin, Outcome, OutcomeKind, Reason, State
from simulator.core.orders import Ordered, Orders
from simulator.core.trouble import Trouble
from simulator.engine.ordering import LOOP_MAX, LOOP_US, Replies
from simulator.engine.replay import replay
from simulator.engine.world import Options, World
from tests.engine.driving import Performer, driver_of, go
from tests.worlds import (
    BUSY,
    DAY_US,
    LONG_US,
    OK,
    SECOND_US,
    START_US,
    UNREACHABLE,
    account,
    advance,
    habits,
    kinds,
    phone,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.core.message import Effect
    from simulator.engine.log import Recorded

INBOUND, FALLBACK = "http://sut.test/in", "http://sut.test/fallback"
TALKS = habits(noticed=1.0, opened=1.0, reply=1.0)


def listening(**more: Any) -> World:
    return world(account(inbound_url=INBOUND, **more), habits=habits())


def wrote(here: World, i: int = 0, body: str = "Hi", at_us: int = START_US) -> Message:
    """Let a person write to 12345."""
    message = here.gateway.submit(Inject("shop", phone(i), "12345", body), at_us)
    assert isinstance(message, Message)
    return message


def ordering(*bodies: str, redirect: str = "", to: str = "", **more: Any) -> Outcome:
    """An answer that orders messages to a person, the first unless told otherwise."""
    says = tuple(sms(to or phone(0), body) for body in bodies)
    return Ordered(OutcomeKind.ANSWERED, 200, orders=Orders(says, redirect, **more))


def outbound(here: World) -> list[Message]:
    messages = [here.store.get(key) for key in here.store.shelves["shop"].keys]
    return [m for m in messages if m is not None and not m.inbound]


def troubles(here: World) -> list[Trouble]:
    return [trouble for _, trouble in here.truth.warned.elements()]


def test_a_reply_becomes_a_message_of_its_own_that_lives_and_is_billed() -> None:
    here = listening()
    asked = wrote(here)
    advance(here, answer=lambda _call: ordering("Thanks"))
    (reply,) = outbound(here)
    assert (reply.body, reply.to, reply.origin) == ("Thanks", phone(0), Origin.REPLY)
    assert reply.state is State.DELIVERED
    assert reply.accepted_us == asked.accepted_us + 1
    assert (asked.depth, reply.depth) == (0, 1)
    (invoice,) = here.ledger.invoices()
    assert invoice.units == 1
    assert not here.store.live


def test_replies_are_sent_in_the_order_of_the_answer() -> None:
    here = listening()
    wrote(here)
    advance(here, answer=lambda _call: ordering("one", "two", "three"))
    assert [m.body for m in outbound(here)] == ["one", "two", "three"]
    assert len({m.key for m in outbound(here)}) == 3


def test_who_answers_a_reply_stands_one_deeper() -> None:
    here = world(account(inbound_url=INBOUND), habits=TALKS)
    send(here, sms(can_reply=True))
    depths: list[int] = []

    def answer(call: Call) -> Outcome:
        depths.append(call.message.depth)
        says = (sms(call.message.sender, "And?", can_reply=True),)
        return Ordered(OutcomeKind.ANSWERED, 200, orders=Orders(says))

    advance(here, START_US + 20 * DAY_US, answer)
    assert depths[:4] == [1, 3, 5, 7]


def test_a_redirection_is_asked_next_and_keeps_the_message() -> None:
    here = listening()
    message = wrote(here)
    seen: list[tuple[str, int, str]] = []

    def answer(call: Call) -> Outcome:
        assert call.message is message
        seen.append((call.url, call.hop, call.method))
        return OK if call.hop else ordering("one", redirect="http://sut.test/2", method="GET")

    advance(here, answer=answer)
    assert seen == [("", 0, "POST"), ("http://sut.test/2", 1, "GET")]
    assert [m.body for m in outbound(here)] == ["one"]
    assert kinds(here, message.key) == ["Received", "CallbackTried", "Told", "CallbackTried"]
    assert not here.store.live


def test_a_redirection_to_itself_ends_after_ten() -> None:
    here = listening()
    wrote(here)
    hops: list[int] = []

    def answer(call: Call) -> Outcome:
        hops.append(call.hop)
        return ordering(redirect=INBOUND)

    advance(here, answer=answer)
    assert hops == list(range(11))
    assert troubles(here) == [Trouble.REDIRECTS]
    assert not here.store.live


def test_one_inbound_message_has_at_most_ten_replies_however_they_are_asked_for() -> None:
    here = listening()
    wrote(here)
    advance(here, answer=lambda _call: ordering("a", "b", "c", "d", redirect=INBOUND))
    assert len(outbound(here)) == 10
    assert set(troubles(here)) == {Trouble.TOO_MANY_REPLIES, Trouble.REDIRECTS}


def test_bad_input_23_two_numbers_that_answer_each_other_stop_after_fifteen() -> None:
    here = listening()
    for i in range(40):
        wrote(here, at_us=START_US + i * SECOND_US)
        wrote(here, 1, at_us=START_US + i * SECOND_US)
        advance(
            here,
            START_US + i * SECOND_US,
            lambda call: ordering("Hello", to=call.message.sender),
        )
    advance(here, answer=lambda call: ordering("Hello", to=call.message.sender))
    for i in (0, 1):
        sent = [m.accepted_us for m in outbound(here) if m.to == phone(i)]
        assert sent[LOOP_MAX - 1] < sent[0] + LOOP_US
        assert LOOP_MAX < len(sent) < 40  # again, from thirty seconds on
        assert all(b - a >= LOOP_US for a, b in zip(sent, sent[LOOP_MAX:], strict=False))
    assert set(troubles(here)) == {Trouble.REPLY_LOOP}


def test_the_guard_forgets_what_is_older_than_thirty_seconds() -> None:
    guard = Replies()
    for i in range(1_000):
        assert guard.may("shop", ("12345", phone(i)), i * SECOND_US)
    assert len(guard) == 30
    assert all(guard.may("shop", ("a", "b"), LONG_US + i) for i in range(LOOP_MAX))
    assert not guard.may("shop", ("b", "a"), LONG_US + LOOP_US - 1)
    assert guard.may("other", ("a", "b"), LONG_US + LOOP_US - 1)
    assert guard.may("shop", ("a", "b"), LONG_US + LOOP_US)


def test_a_reply_to_who_said_stop_is_refused_like_any_other() -> None:
    here = listening()
    wrote(here, body="STOP")
    advance(here, answer=lambda _call: ordering("But why?"))
    assert outbound(here) == []
    assert here.truth.refused["shop", Reason.OPTED_OUT] == 1


def test_what_could_not_be_read_is_warned_of_and_the_rest_holds() -> None:
    here = listening()
    message = wrote(here)
    unread = {"troubles": (Trouble.UNKNOWN_VERB, Trouble.BAD_TO)}
    advance(here, answer=lambda _call: ordering("Hello", **unread))
    assert [m.body for m in outbound(here)] == ["Hello"]
    assert kinds(here, message.key)[-2:] == ["Warned", "Warned"]
    assert troubles(here) == list(unread["troubles"])
    timeline = [type(fact).__name__ for fact in here.inbox.timeline(message)]
    assert timeline.count("Warned") == 2


# The fallback.


@pytest.mark.parametrize(
    ("end", "trouble"),
    [
        (BUSY, Trouble.HTTP),
        (UNREACHABLE, Trouble.CONNECTION),
        (ordering(troubles=(Trouble.MALFORMED,), fatal=True), Trouble.MALFORMED),
    ],
)
def test_the_fallback_is_asked_when_the_address_has_failed(end: Outcome, trouble: Trouble) -> None:
    here = listening(fallback_url=FALLBACK)
    wrote(here)
    seen: list[tuple[str, Trouble, str]] = []

    def answer(call: Call) -> Outcome:
        seen.append((call.url, call.trouble, call.failed_url))
        return ordering("From elsewhere") if call.trouble else end

    advance(here, answer=answer)
    assert seen[-1] == (FALLBACK, trouble, INBOUND)
    assert [m.body for m in outbound(here)] == ["From elsewhere"]
    assert "CallbackAbandoned" not in kinds(here)
    assert not here.store.live


def test_a_fallback_that_fails_has_no_fallback() -> None:
    here = listening(fallback_url=FALLBACK)
    message = wrote(here)
    advance(here, answer=lambda _call: BUSY)
    assert kinds(here, message.key) == [
        "Received",
        "CallbackTried",
        "CallbackTried",
        "CallbackAbandoned",
    ]
    assert not here.store.live


def test_a_status_callback_has_no_fallback() -> None:
    here = listening(fallback_url=FALLBACK)
    send(here, sms(notify=1 << State.SENT, callback_url=INBOUND))
    urls: list[str] = []

    def answer(call: Call) -> Outcome:
        urls.append(call.url)
        return BUSY

    advance(here, answer=answer)
    assert set(urls) == {""}
    assert kinds(here)[-1] != "Told"


# Order, repetition, and instants without an end.


def lived(shuffle: int, record: Callable[[Recorded], None] | None = None) -> World:
    """People write at once, some twice; outcomes come in any order."""
    here = World("test", Options(seed=3, habits=TALKS, record=record))
    here.configure(account(inbound_url=INBOUND, fallback_url=FALLBACK), START_US)
    chance = Random(shuffle)
    people = [i % 12 for i in range(20)]
    chance.shuffle(people)
    for i in people:
        here.gateway.submit(sms(phone(i), can_reply=True), START_US)
    while (due_us := here.gateway.next_due()) is not None and due_us < START_US + 5 * DAY_US:
        here.gateway.run_due(due_us)
        effects: list[Effect] = here.gateway.take_effects()
        chance.shuffle(effects)
        for effect in effects:
            assert isinstance(effect, Call)
            here.gateway.settle(effect, _answer(effect))
    here.gateway.run_due(START_US + 5 * DAY_US)
    return here


def _answer(call: Call) -> Outcome:
    """Decide by the call's key, and by nothing else."""
    to = call.message.sender
    choices = (
        ordering("Thanks", "Bye", to=to),
        ordering("Wait", redirect="http://sut.test/2", to=to),
        ordering(troubles=(Trouble.MALFORMED,), fatal=True),
        OK,
        BUSY,
    )
    return choices[call.key % len(choices)]


def test_the_order_of_answers_changes_no_fact() -> None:
    worlds = [lived(shuffle) for shuffle in range(5)]
    assert len({here.log.digest() for here in worlds}) == 1
    assert {"Warned", "CallbackAbandoned"} <= set(kinds(worlds[0]))
    assert any(m.origin is Origin.REPLY for m in outbound(worlds[0]))


def test_a_recording_with_orders_replays_to_the_same_digest() -> None:
    items: list[Recorded] = []
    here = lived(1, items.append)
    again = World("test", Options(seed=3, habits=TALKS))
    replay(again, items, START_US + 5 * DAY_US)
    assert again.log.digest() == here.log.digest()


def test_late_answers_replay_to_the_same_digest_too() -> None:
    items: list[Recorded] = []
    here = World("test", Options(record=items.append, habits=habits()))
    here.configure(account(inbound_url=INBOUND), START_US)
    wrote(here)
    (call,) = here.gateway.take_effects()
    send(here, sms(phone(0)), START_US + DAY_US)
    assert isinstance(call, Call)
    here.gateway.settle(call, ordering("late"))
    send(here, sms(phone(0)), START_US + DAY_US)
    advance(here)
    again = World("test", Options(habits=habits()))
    replay(again, items, here.gateway.now_us)
    assert again.log.digest() == here.log.digest()
    accepted = [m.accepted_us - START_US for m in outbound(here)]
    assert sorted(accepted) == [DAY_US, DAY_US, DAY_US + 1]


def test_the_keys_of_replies_come_from_their_cause_so_no_other_message_is_moved() -> None:
    here, there = listening(), listening()
    wrote(here)
    advance(here, START_US + SECOND_US, lambda _call: ordering("Thanks"))
    ours = send(here, sms(phone(0)), START_US + SECOND_US)
    theirs = send(there, sms(phone(0)), START_US + SECOND_US)
    assert (ours.key, ours.fate_key) == (theirs.key, theirs.fate_key)


def test_bad_input_23_an_instant_that_feeds_itself_is_cut_and_its_world_says_so() -> None:
    """A receiver that injects a message whenever it is told of one."""

    async def scene() -> None:
        perform = Performer()
        driver = driver_of(perform, 0.0, account(inbound_url=INBOUND))
        here, begun = driver.world, 0

        def answer(outcome: Outcome) -> None:
            nonlocal begun
            begun += 1
            driver.submit(Inject("shop", phone(begun % 50), "12345", "again"))
            perform.waiting.pop(0)(outcome)

        perform.answer = answer  # type: ignore[method-assign]
        wrote(here)
        await driver.advance(START_US + DAY_US)
        assert driver.now() == START_US + DAY_US
        assert 10_000 <= begun <= 10_010
        assert here.truth.cuts == 1
        assert kinds(here).count("InstantCut") == 1
        assert not here.store.live
        assert here.faults() == []

    go(scene)


def test_an_instant_may_cause_up_to_ten_thousand_steps_and_the_next_one_again() -> None:
    here = listening()
    causes = here.gateway.causes
    assert causes(5, 10_000)
    assert not causes(5)
    assert not causes(5)
    assert causes(6, 10_000)
    assert kinds(here) == ["InstantCut"]
    assert here.truth.cuts == 1


def test_a_thousand_people_who_write_at_one_instant_are_all_answered() -> None:
    here = listening()
    for i in range(1_000):
        wrote(here, i)
    advance(here, answer=lambda c: ordering(*"abcdefghij", to=c.message.sender))
    assert len(outbound(here)) == 10_000
    assert here.truth.cuts == 0
