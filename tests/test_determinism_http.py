"""Neither order of arrival, nor the process, nor the pace of the clock changes a fate, over HTTP.

(Without sockets: `test_determinism.py`.)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from simulator.core import events as ev
from simulator.core.chance import key_of
from simulator.core.command import Submission
from simulator.core.message import OutcomeKind, State
from simulator.core.number import japan_assignable
from simulator.engine import commands
from simulator.engine.log import Recorded, Settled
from simulator.engine.replay import replay
from simulator.engine.world import World
from tests.http_shuffles import (
    CLIENTS,
    END_US,
    IDENTITIES,
    MESSAGES,
    SENDER,
    SHUFFLES,
    WAVES_US,
    Stage,
    campaign,
    live,
    live_by_clock,
    options,
    relive,
    run,
    stage,
)
from tests.servers import MESSAGES as PATH
from tests.servers import SECRET, SID, basic
from tests.worlds import SECOND_US, START_US, facts, fates

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 90
HASH_SEEDS = (0, 4242)
CLIENT = "12345"
each_identity = pytest.mark.parametrize("identity", IDENTITIES)


@cache
def lived(identity: str, shuffle: int) -> World:
    world: World = run(live(identity, shuffle)).world
    return world


# Order of arrival, and other processes.


@each_identity
def test_the_campaign_has_several_messages_in_flight_to_one_person(identity: str) -> None:
    waves = campaign(identity)
    assert len(waves) == len(WAVES_US)
    assert all(len(forms) >= CLIENTS for _, forms in waves)
    forms = [form for _, wave in waves for form in wave]
    assert len(forms) == MESSAGES == 400
    assert 120 < len({form["To"] for form in forms}) <= 150
    assert len({form["Body"] for form in forms}) == (MESSAGES if identity == "content" else 1)
    for _, wave in waves:
        assert max(Counter(form["To"] for form in wave).values()) > 1


@each_identity
def test_twelve_orders_of_arrival_in_three_processes_have_one_digest(identity: str) -> None:
    half = SHUFFLES // len(HASH_SEEDS)
    others = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.http_shuffles", identity, str(n), str(n + half)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for n, hash_seed in zip(range(0, SHUFFLES, half), HASH_SEEDS, strict=True)
    ]
    try:
        said = [other.communicate(timeout=PATIENCE_S)[0] for other in others]
    finally:
        for other in others:
            other.kill()
    assert [other.returncode for other in others] == [0, 0]
    digests = [digest for text in said for digest in json.loads(text)]
    assert len(digests) == SHUFFLES
    assert {*digests} == {lived(identity, SHUFFLES).log.digest()}


def test_the_orders_are_different_ones_and_the_campaign_meets_every_misfortune() -> None:
    worlds = [lived("recipient", n) for n in (0, SHUFFLES)]
    logs = [[*world.log.since(0, 10**9)[1]] for world in worlds]
    assert logs[0] != logs[1]
    assert sorted(logs[0]) == sorted(logs[1])
    seen = facts(worlds[0])
    kinds = {type(fact).__name__ for fact in seen}
    unhappy = {"Undelivered", "Expired", "Attempted", "Rejected", "OptedOut", "CallbackAbandoned"}
    assert (
        kinds
        >= {"Delivered", "Noticed", "Opened", "Clicked", "Replied", "Received", "Told"} | unhappy
    )
    tried = [fact for fact in seen if isinstance(fact, ev.CallbackTried)]
    outcomes = {(fact.outcome, fact.status) for fact in tried}
    answered = {(OutcomeKind.ANSWERED, status) for status in (200, 204, 500)}
    assert outcomes == {(OutcomeKind.UNREACHABLE, 0), *answered}
    assert {fact.nth for fact in tried} == {0, 1, 2, 3}
    assert {fact.state for fact in tried} >= {State.SENT, State.DELIVERED, State.RECEIVED}


@each_identity
def test_a_counter_of_arrivals_in_the_key_is_found_out(
    identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals = count()
    monkeypatch.setattr(commands, "message_key", lambda *parts: key_of(*parts, next(arrivals)))
    digests = set()
    for n in range(2):
        arrivals = count()
        digests.add(run(live(identity, n)).world.log.digest())
    assert len(digests) == 2


# The pace of the clock.


@pytest.mark.parametrize(
    ("identity", "rate", "waves_us"),
    [
        ("recipient", 1.0, [0, 300_000, 900_000, 2 * SECOND_US, 3 * SECOND_US]),
        ("content", 200.0, [n * SECOND_US for n in (0, 10, 100, 300, 600)]),
    ],
    ids=["real", "scaled"],
)
def test_a_run_by_the_clock_relived_in_stepped_time_has_the_same_digest(
    identity: str, rate: float, waves_us: list[int]
) -> None:
    recording: list[Recorded] = []
    digest = run(live_by_clock(identity, rate, waves_us, recording.append))
    sent = [n for n, item in enumerate(recording) if isinstance(item.what, Submission)]
    assert len(sent) == MESSAGES
    assert len({recording[n].at_us for n in sent}) > MESSAGES / 10
    assert recording[sent[-1]].at_us >= START_US + waves_us[-1]
    assert any(isinstance(item.what, Settled) for item in recording[: sent[-1]])
    assert run(relive(identity, recording)) == digest
    again = World("again", options(identity))
    replay(again, recording, END_US)
    assert again.log.digest() == digest


# Two providers.


def test_behind_twilio_and_zettai_reach_the_same_people_meet_the_same_fates() -> None:
    found = fates(run(_through_both()))
    ours, theirs = (
        {(to, k): f for (name, to, k), f in found.items() if name == account}
        for account in (SID, CLIENT)
    )
    assert len(ours) == MESSAGES
    assert ours.keys() == theirs.keys()
    assert ours == theirs
    assert {fate[1] for fate in ours.values()} >= {State.DELIVERED, State.UNDELIVERED}


async def _through_both() -> Any:
    async with stage("recipient") as here:
        for at_us, wave in campaign("recipient", japan_assignable):
            await here.advance(at_us)
            for form in wave:
                await _send_twice(here, form["To"], form["Body"])
        await here.finish()
        return here.world


async def _send_twice(here: Stage, to: str, body: str) -> None:
    form = {"To": to, "From": SENDER, "Body": body}
    assert (await here.submit(PATH, form, basic()))[0] == 201
    form = {"token": SECRET, "clientId": CLIENT, "smsCode": "12345"}
    form |= {"message": body, "phoneNumber": to}
    status, seen = await here.submit("/p5/api/mt.json", form)
    assert (status, seen["responseCode"]) == (200, 0)
