"""The heart of the planner: its lives are the engine's, one by one, to the microsecond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.carrier import QUEUE_US
from simulator.core.cause import Cause
from simulator.core.message import State
from simulator.core.number import japan_assignable, japan_unassigned, us_fictional
from simulator.core.people import Habits, People, Segment
from simulator.core.queue import Queue, Throughput
from simulator.core.text import count
from simulator.plan.keys import fate_keys
from simulator.plan.lives import Laws, Lives, lived
from simulator.plan.people import crowd_of
from simulator.plan.queues import turns
from tests.worlds import DAY_US, HOUR_US, LONG_US, SECOND_US, START_US, account, sms, world

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from simulator.core.message import Message
    from simulator.engine.world import World

LIVES = 250
HARD = {
    "gone": 0.1,
    "refuses": 0.05,
    "absent": 0.6,
    "away": 0.5,
    "reply": 0.4,
    "stop": 0.2,
    "click": 0.5,
}
SEGMENTS = (
    Segment("near", 0.5, {"absent": 0.0, "away": 0.0}),
    Segment("far", 0.3, {"away": 1.0, "absent": 1.0}),
    Segment("silent", 0.2, {"noticed": 0.0, "opened": 0.0, "reply": 0.0, "stop": 0.0}),
)
SCENES: Mapping[str, tuple[str, Callable[[int], str], Habits]] = {
    "jp-direct": ("JP", japan_unassigned, Habits("jp-direct", {})),
    "us-generic": ("US", us_fictional, Habits("us-generic", {})),
    "hard times": ("JP", japan_assignable, Habits("jp-direct", HARD)),
    "hard times in the US": ("US", us_fictional, Habits("us-generic", HARD)),
    "segments": ("JP", japan_unassigned, Habits("jp-direct", {}, SEGMENTS)),
    "no network there": ("FR", japan_unassigned, Habits("us-generic", {})),
}


def sent(made: World, numbers: Sequence[str], at_us: Sequence[int], **more: Any) -> list[Message]:
    """Send one message to each number, in the order of the instants, and let every life end."""
    found: dict[str, Message] = {}
    for at, to in sorted(zip(at_us, numbers, strict=True)):
        while (due_us := made.gateway.next_due()) is not None and due_us <= at:
            made.gateway.run_due(at)
        found[to] = made.gateway.submit(sms(to, **more), at)
    while (due_us := made.gateway.next_due()) is not None:
        made.gateway.run_due(due_us + DAY_US)
    return [made.store.get(found[to].key) for to in numbers]


def differences(messages: Sequence[Message], lives: Lives) -> list[str]:
    """Say where a life is not the same in both."""
    found = []
    for row, message in enumerate(messages):
        ours = (
            *(int(lives.state[row]), int(lives.cause[row]), int(lives.attempts[row])),
            *(int(lives.sending_us[row]), int(lives.sent_us[row]), int(lives.fate_us[row])),
            *(int(lives.known_us[row]), int(lives.noticed_us[row]), int(lives.opened_us[row])),
            *(int(lives.clicked_us[row]), int(lives.replied_us[row]), int(lives.state[row])),
        )
        theirs = (
            *(message.fate, message.fate_cause, message.attempts, message.sending_us),
            *(message.sent_us, message.fate_us, message.known_us, message.noticed_us),
            *(message.opened_us, message.clicked_us, message.replied_us, message.state),
        )
        if ours != tuple(map(int, theirs)):
            found.append(f"{row}: plan {ours}, engine {theirs}")
    return found


def instants(count: int, over_us: int) -> list[int]:
    """Spread instants over a stretch, without a pattern that a day has."""
    return [START_US + i * 7_919 * SECOND_US % over_us for i in range(count)]


@pytest.mark.parametrize("name", SCENES)
@settings(max_examples=3, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    first=st.integers(0, 60_000 - LIVES),
    over_us=st.integers(1, 20 * DAY_US),
    ways=st.tuples(st.booleans(), st.booleans()),
)
def test_every_life_is_the_engines_to_the_microsecond(
    name: str, seed: int, first: int, over_us: int, ways: tuple[bool, bool]
) -> None:
    can_reply, has_link = ways
    country, number, habits = SCENES[name]
    numbers = [number(first + i) for i in range(LIVES)]
    at_us = instants(LIVES, over_us)
    made = world(seed=seed, habits={country: habits}, retention=10 * LIVES)
    body = "See https://example.com/a" if has_link else "Hello"
    messages = sent(made, numbers, at_us, country=country, can_reply=can_reply, body=body)
    people = People(seed, {country: habits})
    lives = lived(
        Laws(seed, can_reply=can_reply, has_link=has_link),
        crowd_of(people, country, numbers),
        fate_keys("", numbers, 0),
        np.array(at_us),
    )
    assert differences(messages, lives) == []
    stopped = {to for _, to in made.store.shelves["shop"].opted_out}
    assert {numbers[row] for row in np.flatnonzero(lives.stops)} == stopped


def test_the_scenes_hold_every_end_that_a_life_can_have() -> None:
    ends: set[tuple[State, Cause]] = set()
    for country, number, habits in SCENES.values():
        numbers = [number(i) for i in range(4_000)]
        crowd = crowd_of(People(1, {country: habits}), country, numbers)
        lives = lived(Laws(1), crowd, fate_keys("", numbers, 0), np.full(4_000, START_US))
        ends |= {(State(s), Cause(c)) for s, c in zip(lives.state, lives.cause, strict=True)}
    assert {end for end in ends if end[1] is not Cause.CONGESTION} == {
        (State.DELIVERED, Cause.NONE),
        (State.UNDELIVERED, Cause.NOT_IN_USE),
        (State.UNDELIVERED, Cause.REFUSED),
        (State.UNDELIVERED, Cause.ABSENT),
        (State.EXPIRED, Cause.ABSENT),
        (State.FAILED, Cause.NO_ROUTE),
    }


@pytest.mark.parametrize("lane", ["", "a lane with quite a long name of its own"])
@pytest.mark.parametrize("body", [None, "Hello"])
def test_the_second_message_to_each_is_the_engines_as_well(lane: str, body: str | None) -> None:
    country, number, habits = SCENES["hard times"]
    numbers = [number(i) for i in range(LIVES)]
    made = world(account(lane=lane), seed=5, habits={country: habits}, by_content=body is not None)
    sent(made, numbers, [START_US] * LIVES, can_reply=False)
    again_us = [START_US + LONG_US] * LIVES
    messages = sent(made, numbers, again_us, can_reply=False)
    crowd = crowd_of(People(5, {country: habits}), country, numbers)
    fates = fate_keys(lane, numbers, 1, body)
    assert [message.fate_key for message in messages] == fates.tolist()
    lives = lived(Laws(5, can_reply=False), crowd, fates, np.array(again_us))
    assert differences(messages, lives) == []


@given(rate_milli=st.integers(1, 5_000_000), segments=st.integers(1, 5))
@settings(max_examples=5, deadline=None)
def test_a_senders_queue_gives_each_message_the_same_turn(rate_milli: int, segments: int) -> None:
    country, number, habits = SCENES["jp-direct"]
    numbers = [number(i) for i in range(LIVES)]
    at_us = instants(LIVES, HOUR_US)
    limit, body = Throughput("12345", rate_milli), "x" * 153 * segments
    segments = count(body)[1]
    made = world(account(limits=(limit,)), seed=3, habits={country: habits})
    messages = sent(made, numbers, at_us, country=country, body=body, validity_us=HOUR_US)
    begins = np.array(at_us)
    order = np.lexsort((np.array([m.key for m in messages], dtype=np.uint64), begins))
    sending = np.zeros(LIVES, dtype=np.int64)
    takes = np.full(LIVES, limit.takes_us(segments))
    sending[order] = turns(begins[order] + QUEUE_US + 1, takes)
    lives = lived(
        Laws(3, can_reply=False, validity_us=HOUR_US),
        crowd_of(People(3, {country: habits}), country, numbers),
        fate_keys("", numbers, 0),
        begins,
        sending,
    )
    assert differences(messages, lives) == []


@given(
    gaps=st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 500)), min_size=1, max_size=50)
)
def test_turns_are_those_of_the_queue(gaps: list[tuple[int, int]]) -> None:
    queue = Queue(Throughput("x", 1_000_000_000))  # one segment, one microsecond
    first = np.cumsum([gap for gap, _ in gaps])
    expected = [queue.place(int(at) - 1, takes) for at, (_, takes) in zip(first, gaps, strict=True)]
    assert turns(first, np.array([takes for _, takes in gaps])).tolist() == expected
