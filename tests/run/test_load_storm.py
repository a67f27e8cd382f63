"""A storm of callbacks: what is held, what is released when, and a whole one on a real system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.core import events as ev
from simulator.core.faults import Lose, Rule, Seam
from simulator.core.message import State
from simulator.engine.world import DEFAULT, Options, World
from simulator.run.load_storm import LEAD_US, Storm, Turns, turns
from simulator.settings import Settings
from simulator.web.server import Server
from tests.run.runs import AMERICA, ROOT, todoku, written
from tests.worlds import (
    EVERY_STATE,
    LONG_US,
    START_US,
    URL,
    account,
    advance,
    facts,
    habits,
    phone,
    sms,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LOST = Rule("lost", Seam.RECEIPT, (Lose(),), chance=0.3)
NONE = np.zeros(0, np.int64)


def at(*us: int) -> NDArray[np.int64]:
    return np.array(us, np.int64)


class Scene:
    """A server that has not been started: its world is moved by hand, its clock is real."""

    def __init__(self, *rules: Rule, replies: bool = True, inbound: str = URL) -> None:
        options = Options(habits=habits(), seed=3)
        self.server = Server(
            Settings(), lambda name: World(name, options), token="t", base_us=START_US, rate=1
        )
        self.server.worlds.configure(account(inbound_url=inbound), now_us=START_US)
        self.world = self.server.worlds.by_name[DEFAULT]
        if rules:
            self.server.worlds.rule(rules, now_us=START_US)
        self.server.driver(DEFAULT).stop()
        self.storm = Storm(self.server)
        self.storm.hold(replies=replies)

    def campaign(self, n: int) -> None:
        """Send, and live on until every receipt waits."""
        for i in range(n):
            asked = sms(phone(i), notify=EVERY_STATE, callback_url=URL, can_reply=True)
            self.world.gateway.submit(asked, START_US)
        advance(self.world)

    def told(self) -> list[tuple[int, State]]:
        """What was told after the campaign, and when: from the first of it."""
        done = [f for f in facts(self.world) if isinstance(f, ev.Told)]
        ends = [f for f in done if f.state in {State.DELIVERED, State.RECEIVED}]
        return [(f.at_us - ends[0].at_us, f.state) for f in ends]


def test_each_arrival_is_a_receipt_or_a_reply_by_a_draw() -> None:
    times = np.arange(10_000, dtype=np.int64)
    found = turns(times, 0.03, seed=1)
    assert sorted([*found.receipts, *found.replies]) == list(times)
    assert 200 < found.replies.size < 400
    assert turns(times, 0.0, 1).replies.size == 0
    assert turns(times, 1.0, 1).receipts.size == 0
    assert not np.array_equal(found.replies, turns(times, 0.03, seed=2).replies)


def test_everything_waits_until_it_is_released_on_schedule() -> None:
    scene = Scene()
    scene.campaign(20)
    assert scene.storm.held() == (20, 0)
    assert scene.told() == []
    scene.storm.release(Turns(at(0, 1_000, 5_000), at(3_000)))
    advance(scene.world, START_US + 2 * LONG_US)
    assert scene.told() == [
        (0, State.DELIVERED),
        (1_000, State.DELIVERED),
        (3_000, State.RECEIVED),
        (5_000, State.DELIVERED),
    ]
    assert scene.storm.held() == (17, 0)


def test_the_instant_that_turns_count_from_lies_ahead_of_all_of_them() -> None:
    scene = Scene()
    scene.campaign(2)
    before_us = scene.world.gateway.now_us
    scene.storm.release(Turns(at(0), NONE))
    assert scene.world.gateway.next_due() == before_us + LEAD_US + 1


def test_the_scenarios_own_rules_go_first() -> None:
    scene = Scene(LOST)
    scene.campaign(40)
    lost = sum(isinstance(f, ev.RuleFired) and f.rule == "lost" for f in facts(scene.world))
    assert lost > 0
    assert scene.storm.held().receipts == 40 - lost


def test_without_a_mix_replies_come_as_people_write_them() -> None:
    scene = Scene(replies=False)
    scene.campaign(3)
    assert [rule.seam for rule in scene.world.rules()] == [Seam.RECEIPT]


def test_replies_that_still_wait_come_when_the_storm_is_over() -> None:
    scene = Scene()
    scene.campaign(3)
    scene.storm.release(Turns(at(0), at(0, 9_000_000)))
    scene.storm.let_replies()
    assert scene.storm.held().replies == 0
    advance(scene.world, START_US + 2 * LONG_US)
    assert len(scene.told()) == 3


def test_a_storm_that_cannot_be_is_told_why() -> None:
    scene = Scene(inbound="")
    scene.campaign(3)
    assert scene.storm.missing(Turns(at(1, 2, 3), NONE)) == ""
    few = scene.storm.missing(Turns(at(1, 2, 3, 4), NONE))
    assert few.startswith("the storm has 4 receipts, and 3 wait: have the campaign send to more")
    assert "nobody can reply" in scene.storm.missing(Turns(at(1), at(2)))


# The whole of it.


def load(scenario: Path, out: Path) -> Any:
    return todoku("load", scenario, "--out", out)


def test_the_example_survives_the_receipts_of_a_whole_campaign(tmp_path: Path) -> None:
    ran = load(ROOT / "scenarios/receipt-storm.yaml", tmp_path)
    assert ran.code == 0, ran
    ran.out = tmp_path
    found = ran.report["load"]
    assert found["counts"]["scheduled"] == 400
    assert found["counts"]["results"]["2xx"] >= 400
    assert 0 < found["callbacks"]["replies"] < 40
    assert sum(row["due"] for row in found["callbacks"]["seconds"]) >= 400
    assert found["callbacks"]["given_up"] == found["callbacks"]["unanswered_at_the_end"] == 0
    assert "storm   400 callbacks" in ran.said


def test_too_few_receipts_for_the_storm_prove_nothing(tmp_path: Path) -> None:
    storm = {"against": "callbacks", "arrivals": {"constant": "50/s", "for": "1s"}}
    scenario = written(
        tmp_path,
        AMERICA,
        time={"mode": "scaled", "rate": "60", "until": None},
        load={**storm, "campaign": "1s"},
    )
    ran = load(scenario, tmp_path / "out")
    assert ran.code == 3, ran
    assert "PROVES NOTHING: the storm has 50 receipts, and " in ran.last
