"""Neither order of arrival nor the process changes a fate. (Over HTTP: `tests/web`.)"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core import events as ev
from simulator.core.chance import key_of
from simulator.core.command import Configure, Inject, Refusal, Touch
from simulator.core.message import Call, Message, Reason
from simulator.core.people import Habits
from simulator.engine import commands
from simulator.engine.log import Recorded, Settled, encode_recorded, read_recording
from simulator.engine.replay import ReplayError, replay
from simulator.engine.world import Options, World
from tests.shuffles import END_US, IDENTITIES, MESSAGES, SHUFFLES, answer, live, plan, world_of
from tests.worlds import (
    DAY_US,
    EVERY_STATE,
    HOUR_US,
    LONG_US,
    MINUTE_US,
    SECOND_US,
    START_US,
    URL,
    account,
    advance,
    campaign,
    facts,
    fate,
    fates,
    phone,
    run,
    sms,
    world,
)

ROOT = Path(__file__).resolve().parents[1]
each_identity = pytest.mark.parametrize("identity", IDENTITIES)


@cache
def digest(identity: str) -> str:
    return live(identity, 0).log.digest()


def in_another_process(*arguments: str, hash_seed: int = 0) -> str:
    return subprocess.run(
        [sys.executable, "-m", "tests.shuffles", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()


# Order of arrival.


@each_identity
def test_the_campaign_has_several_messages_in_flight_to_one_person(identity: str) -> None:
    asked = plan(identity)
    assert len(asked) == MESSAGES
    together = [(at_us, one.to) for at_us, one in asked]
    assert len(set(together)) < MESSAGES
    assert 120 < len({to for _, to in together}) <= 150
    assert len({one.body for _, one in asked}) == (MESSAGES if identity == "content" else 1)


@each_identity
def test_twelve_orders_of_arrival_have_one_digest(identity: str) -> None:
    assert {live(identity, n).log.digest() for n in range(SHUFFLES)} == {digest(identity)}


def test_the_orders_of_arrival_are_different_ones() -> None:
    logs = [[*live("recipient", n).log.since(0, 10**9)[1]] for n in range(3)]
    assert logs[0] != logs[1] != logs[2] != logs[0]
    assert sorted(logs[0]) == sorted(logs[1]) == sorted(logs[2])


def test_the_campaign_meets_every_misfortune() -> None:
    kinds = {type(fact).__name__ for fact in facts(live("recipient", 0))}
    unhappy = {"Undelivered", "Expired", "Attempted", "Rejected", "OptedOut", "CallbackAbandoned"}
    assert (
        kinds
        >= {"Delivered", "Noticed", "Opened", "Clicked", "Replied", "Received", "Told"} | unhappy
    )


def test_a_link_changes_no_fact_and_adds_only_the_clicks() -> None:
    told = []
    for body in ("Hello", "https://example.com/a"):
        here = world(habits={"JP": Habits("jp-direct", {"reply": 0.3, "click": 0.3})})
        list(campaign(here, 200, 150, body=body, can_reply=True))
        run(here, START_US + LONG_US)
        told.append(facts(here))
    plain, linked = told
    assert len(linked) - len(plain) > 20
    assert plain == [fact for fact in linked if not isinstance(fact, ev.Clicked)]


@each_identity
def test_a_counter_of_arrivals_in_the_key_is_found_out(
    identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals = count()
    monkeypatch.setattr(commands, "message_key", lambda *parts: key_of(*parts, next(arrivals)))
    digests = set()
    for n in range(3):
        arrivals = count()
        digests.add(live(identity, n).log.digest())
    assert len(digests) == 3


# Other processes.


@pytest.mark.parametrize("hash_seed", [0, 4242])
def test_another_process_with_another_hash_seed_has_the_same_digests(hash_seed: int) -> None:
    found = json.loads(in_another_process("live", hash_seed=hash_seed))
    assert found == [digest(identity) for identity in IDENTITIES]


@each_identity
def test_a_recording_replayed_in_another_process_has_the_same_digest(
    identity: str, tmp_path: Path
) -> None:
    recording = tmp_path / "recording"
    with recording.open("wb") as out:
        here = live(identity, 3, lambda item: out.write(encode_recorded(item)))
    assert here.log.digest() == digest(identity)
    assert in_another_process("replay", str(recording), identity) == digest(identity)


# Replay.


def test_a_replay_of_half_a_recording_leaves_a_world_with_sound_books() -> None:
    items: list[Recorded] = []
    live("recipient", 0, items.append)
    here = world_of("recipient")
    replay(here, read_recording(b"".join(map(encode_recorded, items))[:20_000]))
    assert 0 < here.truth.tally("shop").accepted < MESSAGES


def test_a_recording_of_another_world_is_refused() -> None:
    items: list[Recorded] = []
    live("recipient", 0, items.append)
    with pytest.raises(ReplayError):
        replay(World("test", Options(seed=16)), items, END_US)
    unasked = [items[0], Recorded(START_US, Settled(1, 0, 1, 200))]
    with pytest.raises(ReplayError, match="no callback 0000000000000001"):
        replay(world_of("recipient"), unasked)
    back = [items[0], Recorded(START_US + 5, sms()), Recorded(START_US + 2, sms())]
    with pytest.raises(ReplayError, match="replayed at"):
        replay(world_of("recipient"), back)


moves = st.one_of(
    st.tuples(st.just("send"), st.integers(0, 5)),
    st.tuples(st.just("run"), st.sampled_from([1, 10**5, SECOND_US, 10 * SECOND_US, DAY_US])),
    st.tuples(st.just("answer"), st.integers(0, 9)),
    st.tuples(st.just("touch"), st.integers(0, 9)),
    st.tuples(st.just("inject"), st.integers(0, 5)),
)


@settings(derandomize=True, database=None, deadline=None, max_examples=120)
@given(st.lists(moves, max_size=40))
def test_outcomes_that_come_late_replay_as_they_came(script: list[tuple[str, int]]) -> None:
    """In real time a callback may be answered long after later commands have taken effect."""
    items: list[Recorded] = []
    here, now_us = world_of("recipient", items.append), START_US
    gateway, waiting, keys = here.gateway, [], []
    here.configure(account(inbound_url=URL), START_US)
    for move, n in script:
        if move == "send":
            asked = sms(phone(n), notify=EVERY_STATE, callback_url=URL, can_reply=True)
            made = gateway.submit(asked, now_us)
            keys += [made.key] if isinstance(made, Message) else []
        elif move == "run":
            now_us += n
            run(here, now_us)
        elif move == "answer" and waiting:
            call = waiting.pop(n % len(waiting))
            gateway.settle(call, answer(call))
        elif move == "touch" and keys:
            gateway.submit(Touch((keys[n % len(keys)],)), now_us)
        elif move == "inject":
            body = ("STOP", "START", "Hello")[n % 3]
            gateway.submit(Inject("shop", phone(n), "12345", body), now_us)
        waiting += [effect for effect in gateway.take_effects() if isinstance(effect, Call)]
    again = world_of("recipient")
    replay(again, items, now_us)
    assert again.log.digest() == here.log.digest()
    assert again.store.live == here.store.live


# Interleavings.

BODIES = ("STOP", "START", "Hello", "Yes")
LANES = {"a": "", "b": "", "c": "own"}
actions = st.one_of(
    st.tuples(st.just("send"), st.sampled_from("abc"), st.integers(0, 3)),
    st.tuples(st.just("refuse"), st.sampled_from("abc"), st.integers(0, 3)),
    st.tuples(st.just("inject"), st.sampled_from("abc"), st.integers(0, 3)),
    st.tuples(st.just("quota"), st.sampled_from("abc"), st.sampled_from([-1, 0, 2])),
    st.tuples(st.just("run"), st.just(""), st.sampled_from([1, SECOND_US, MINUTE_US, HOUR_US])),
)
PLACED = {"JP": {"absent": 0.0, "away": 0.0}}  # else the instant would be part of a fate


def interleaved_world(*names: str) -> World:
    people = Habits("jp-direct", {**PLACED["JP"], "gone": 0.2, "reply": 0.5, "stop": 0.2})
    accounts = [account(name, lane=LANES[name], inbound_url=URL) for name in names]
    return world(*accounts, seed=3, habits={"JP": people})


@cache
def alone(lane: str, to: str, k: int) -> tuple[object, ...]:
    """Say the fate of the k-th message to a person in a world where nothing else happens."""
    name = next(name for name, its in LANES.items() if its == lane)
    here = interleaved_world(name)
    for _ in range(k + 1):
        message = here.gateway.submit(sms(to, account=name, can_reply=True), START_US)
    run(here, START_US + LONG_US)
    assert isinstance(message, Message)
    found = here.store.get(message.key)
    assert found is not None
    return fate(found)


@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(st.lists(actions, min_size=5, max_size=60))
def test_no_interleaving_changes_a_fate(script: list[tuple[str, str, int]]) -> None:
    """Refusals, retries, other accounts, replies and callbacks may come in between."""
    here, now_us = interleaved_world(*LANES), START_US
    gateway = here.gateway
    for action, name, n in script:
        if action == "send":
            asked = sms(
                phone(n), account=name, can_reply=True, notify=EVERY_STATE, callback_url=URL
            )
            gateway.submit(asked, now_us)
        elif action == "refuse":
            gateway.submit(Refusal(name, phone(n), Reason.BAD_FROM), now_us)
        elif action == "inject":
            gateway.submit(Inject(name, phone(n), "12345", BODIES[n]), now_us)
        elif action == "quota":
            new = account(name, lane=LANES[name], inbound_url=URL, quota=n)
            gateway.submit(Configure(new), now_us)
        else:
            now_us += n
            advance(here, now_us, answer)
    advance(here, answer=answer)
    for (name, to, k), found in fates(here).items():
        assert found == alone(LANES[name], to, k)


# Lanes.


def twins(*lanes: str) -> list[dict[tuple[str, int], tuple[object, ...]]]:
    """Send the same people the same through accounts with these lanes; return their fates."""
    names = [f"account {n}" for n in range(len(lanes))]
    here = world(*(account(n, lane=lane) for n, lane in zip(names, lanes, strict=True)), seed=3)
    for i in range(300):
        for name in names:
            here.gateway.submit(sms(phone(i % 100), account=name, can_reply=True), START_US)
    run(here, START_US + LONG_US)
    found = fates(here)
    return [{(to, k): f for (n, to, k), f in found.items() if n == name} for name in names]


def test_behind_every_account_with_a_shared_lane_the_same_people_meet_the_same_fates() -> None:
    one, other = twins("", "")
    assert len(one) == 300
    assert one == other


def test_behind_accounts_with_lanes_of_their_own_fates_are_independent() -> None:
    one, other, third = twins("", "own", "another")
    for a, b in ((one, other), (one, third), (other, third)):
        same = sum(a[place] == b[place] for place in a)
        assert same < 30


def test_whoever_is_gone_is_gone_in_every_lane() -> None:
    one, other = twins("", "own")
    cause = 2  # the place of the fate's cause in `fate`
    gone = [{to for (to, _), f in found.items() if f[cause] == 1} for found in (one, other)]
    assert gone[0] == gone[1]
