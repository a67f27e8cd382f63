"""Policy of a run: read from its folder, judged, reported; with real systems on real sockets."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.command import Cancel, Inject, Redact, Refusal, Touch
from simulator.core.extra import Extra
from simulator.core.message import Call, Outcome, OutcomeKind, Reason
from simulator.core.orders import Ordered, Orders
from simulator.engine.world import World
from simulator.run.people import on_record, recipients
from simulator.run.policy import Arrivals, traffic_of
from simulator.run.recording import Recording
from simulator.run.world import account_of, options_of
from simulator.scenario import load_scenario
from simulator.verify.touch import News
from tests.run.runs import JAPAN, misbehaving, written
from tests.worlds import CALM, HOUR_US, LONG_US, START_US, advance, phone, sms

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.verify.touch import Notice, Traffic
    from tests.run.conftest import Here

URL = "http://127.0.0.1/inbound"


class Folder:
    """A world in memory whose log and recording go to a folder, as a run's do."""

    def __init__(self, folder: Path, **people: Any) -> None:
        self.folder = folder
        account = {"name": "shop", "dialect": "twilio", "inbound": URL}
        rates = {"with": {**CALM, **people}}
        path = written(folder, JAPAN, people=rates, accounts=[account])
        self.scenario = load_scenario(path, needs_sut=False)
        self.events = (folder / "events.bin").open("wb")
        self.commands = (folder / "commands.bin").open("w+b")
        options = options_of(self.scenario, self.events.write, Recording(self.commands))
        self.world = World("test", options)
        account_value = account_of(self.scenario, self.scenario.accounts[0], str)
        self.world.configure(account_value, START_US)
        self.account = account_value.id

    def send(self, i: int, at_us: int, **more: Any) -> None:
        self.world.gateway.submit(sms(phone(i), account=self.account, **more), at_us)

    def say(self, i: int, word: str, at_us: int) -> int:
        """Let a person write; return the key of what they wrote."""
        asked = Inject(self.account, phone(i), "+15005550006", word)
        message = self.world.gateway.submit(asked, at_us)
        assert message is not None
        return message.key  # type: ignore[union-attr]

    def answer(self, status: int) -> None:
        """Answer every callback that is wanted."""
        for effect in self.world.gateway.take_effects():
            assert isinstance(effect, Call)
            self.world.gateway.settle(effect, Outcome(OutcomeKind.ANSWERED, status))

    def reply(self, word: str) -> None:
        """Answer every callback that is wanted with a message."""
        for effect in self.world.gateway.take_effects():
            assert isinstance(effect, Call)
            back = sms(effect.message.sender, account=self.account, body=word)
            orders = Orders(says=(back,))
            self.world.gateway.settle(effect, Ordered(OutcomeKind.ANSWERED, 200, orders=orders))

    def traffic(self) -> Traffic:
        self.world.log.close()
        self.events.close()
        self.commands.close()
        return traffic_of(self.scenario, self.folder, None)


def told(notices: Any, news: News) -> list[Notice]:
    return [notice for notice in notices if notice.news is news]


def test_texts_are_found_by_account_recipient_and_instant(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for i, text in enumerate(("One", "Two", "Three")):
        folder.send(i % 2, START_US, body=text, reference=f"mine {i}")
    folder.world.gateway.submit(Refusal(folder.account, phone(0), Reason.NO_BODY), START_US)
    folder.send(0, START_US, body="Four")
    touches = folder.traffic().touches
    assert [(t.text, t.refused) for t in touches] == [
        ("One", ""),
        ("Two", ""),
        ("Three", ""),
        (None, "no_body"),
        ("Four", ""),
    ]
    assert [t.own_id for t in touches[:3]] == ["mine 0", "mine 1", "mine 2"]
    assert touches[4].own_id.startswith("SM")
    assert [t.nth for t in touches] == sorted(t.nth for t in touches)


@pytest.mark.parametrize(("status", "known"), [(200, 1), (500, 0)])
def test_an_opt_out_is_known_once_its_callback_is_answered(
    tmp_path: Path, status: int, known: int
) -> None:
    folder = Folder(tmp_path)
    folder.send(0, START_US)
    folder.say(0, "STOP", START_US + HOUR_US)
    folder.answer(status)
    notices = folder.traffic().notices
    assert len(told(notices, News.ANSWERED)) == 1
    assert len(told(notices, News.OPTED_OUT)) == known


def test_an_opt_out_is_known_once_it_is_read_or_a_send_is_refused_for_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    read = folder.say(0, "STOP", START_US)
    folder.world.gateway.submit(Touch((read,)), START_US + 1)
    folder.say(1, "STOP", START_US + 2)
    folder.send(1, START_US + 3, sender="+15005550006")
    folder.say(1, "START", START_US + 4)
    traffic = folder.traffic()
    out = told(traffic.notices, News.OPTED_OUT)
    assert [(n.person, n.at_us - START_US) for n in out] == [(phone(0), 1), (phone(1), 3)]
    (refused,) = [t for t in traffic.touches if t.refused]
    assert out[1].nth == refused.nth + 1
    assert [n.person for n in told(traffic.notices, News.OPTED_IN)] == [phone(1)]


def test_an_answer_to_a_webhook_is_a_touch_and_its_text_is_found_by_its_key(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.say(0, "Hello?", START_US)
    folder.reply("You are welcome")
    advance(folder.world, START_US + HOUR_US)
    (touch,) = folder.traffic().touches
    assert (touch.to, touch.text) == (phone(0), "You are welcome")


def test_a_scheduled_message_is_a_touch_when_it_is_released(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for i, hours in enumerate((2, 3, 4)):
        folder.send(i, START_US, extra=Extra(send_at_us=START_US + hours * HOUR_US))
    keys = folder.world.store.shelves[folder.account].keys
    folder.world.gateway.submit(Cancel(keys[1]), START_US + HOUR_US)
    folder.say(0, "STOP", START_US + HOUR_US + 1)
    folder.answer(200)
    advance(folder.world, START_US + 2 * HOUR_US + HOUR_US // 2)
    traffic = folder.traffic()
    found = [(t.to, (t.at_us - START_US) // HOUR_US, t.refused) for t in traffic.touches]
    assert sorted(found) == [
        (phone(0), 2, ""),
        (phone(1), 3, "canceled"),
        (phone(2), 4, "scheduled"),
    ]
    (out,) = told(traffic.notices, News.OPTED_OUT)
    (sent,) = [t for t in traffic.touches if not t.refused]
    assert sent.nth > out.nth, "the system could have canceled it"
    assert {t.asked_us for t in traffic.touches} == {START_US}


def test_a_text_that_was_redacted_since_is_not_known(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.send(0, START_US, body="Secret")
    folder.send(1, START_US, body="Open")
    advance(folder.world, START_US + LONG_US)
    key = folder.world.store.shelves[folder.account].keys[0]
    folder.world.gateway.submit(Redact(key), START_US + LONG_US)
    assert [t.text for t in folder.traffic().touches] == [None, "Open"]


def test_a_number_is_known_to_be_gone_once_its_receipt_was_told(tmp_path: Path) -> None:
    folder = Folder(tmp_path, gone=1.0)
    folder.send(0, START_US)
    advance(folder.world, START_US + LONG_US)
    key = folder.world.store.shelves[folder.account].keys[0]
    folder.world.gateway.submit(Touch((key,)), START_US + LONG_US)
    assert [n.person for n in told(folder.traffic().notices, News.GONE)] == [phone(0)]


def test_arrivals_stand_beside_the_commands(tmp_path: Path) -> None:
    folder, arrivals = Folder(tmp_path), Arrivals()
    for _ in range(3):
        arrivals.note()
    folder.send(0, START_US)
    arrivals.write(tmp_path)
    wall = [touch.wall_us for touch in folder.traffic().touches]
    assert all(at_us > 0 for at_us in wall)


# People.


def test_consent_is_drawn_for_each_person_and_in_the_list(tmp_path: Path) -> None:
    def listed(folder: str, share: str) -> dict[str, str]:
        people = {"count": 400, "consent": share}
        made = load_scenario(written(tmp_path / folder, JAPAN, people=people), needs_sut=False)
        assert [(n, p.consent) for n, _, p in on_record(made)] == [
            (r.number, r.consent == "yes") for r in recipients(made)
        ]
        return {person.number: person.consent for person in recipients(made)}

    most, half, all_of_them = listed("a", "90%"), listed("b", "50%"), listed("c", "100%")
    assert 340 < list(most.values()).count("yes") < 380
    assert {n for n, c in half.items() if c == "yes"} <= {n for n, c in most.items() if c == "yes"}
    assert set(all_of_them.values()) == {"yes"}


def test_a_segment_has_terms_of_its_own(tmp_path: Path) -> None:
    segments = [
        {"name": "firms", "share": "50%", "business": "true", "consent": "100%"},
        {"name": "cold", "share": "50%"},
    ]
    people = {"count": 100, "consent": "0%", "segments": segments}
    made = load_scenario(written(tmp_path, JAPAN, people=people), needs_sut=False)
    assert {(r.segment, r.kind, r.consent) for r in recipients(made)} == {
        ("firms", "business", "yes"),
        ("cold", "consumer", "no"),
    }


# Runs.


HOLIDAY = "2026-02-11T09:30:00+09:00"
HONEST = [
    *("jp-courtesy", "jp-lender", "cadence", "no_duplicate_text", "no_send_to_landline"),
    {"jp-advertising": {"sender": "とどく歯科"}},
    "outreach-practice",
]


def test_the_honest_system_breaks_nothing_and_the_report_says_what_was_not_judged(
    here: Here, tmp_path: Path
) -> None:
    ran = here(written(tmp_path, JAPAN, policy=HONEST))
    assert ran.code == 0, ran
    found = ran.report["policy"]
    assert (found["count"], found["rows"]) == (0, [])
    outcomes = {check["name"]: check["outcome"] for check in found["checks"]}
    assert outcomes["jp-courtesy: no_holidays"] == "held"
    assert outcomes["cadence: at_most_per_window (call)"] == "not_judged"
    assert "held, 1" in ran.last
    assert "cannot be judged" in ran.last
    assert "no such channel in this run (call)" in ran.said
    assert "no legal advice" in ran.said


def test_a_campaign_on_a_holiday_is_found_message_by_message(here: Here, tmp_path: Path) -> None:
    time = {"start": HOLIDAY, "until": "1d"}
    ran = here(written(tmp_path, JAPAN, policy=["jp-courtesy"], time=time))
    assert ran.code == 1
    assert ran.report["policy"]["count"] == 20
    assert "1 broken (jp-courtesy: no_holidays), 20 findings" in ran.last
    with (ran.out / "policy.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert {row["rule"] for row in rows} == {"jp-courtesy: no_holidays"}
    assert all("***" in row["to"] and "Foundation Day" in row["words"] for row in rows)
    numbers = [r.number for r in recipients(load_scenario(tmp_path / "scenario.yaml"))]
    texts = (ran.out / "report.json").read_text("utf-8") + ran.said
    assert not any(number in texts for number in numbers)


def test_an_expectation_may_let_findings_be(here: Here, tmp_path: Path) -> None:
    time = {"start": HOLIDAY, "until": "1d"}
    expect = [{"name": "few", "that": "findings", "at_most": "20"}]
    ran = here(written(tmp_path, JAPAN, policy=["jp-courtesy"], time=time, expect=expect))
    assert ran.code == 0, ran


def test_a_check_that_is_demanded_and_cannot_be_judged_fails(here: Here, tmp_path: Path) -> None:
    demanded = [{"mail_first": {"if_not_judged": "fail"}}]
    assert here(written(tmp_path, JAPAN, policy=demanded)).code == 1


def test_people_without_consent_are_found(here: Here, tmp_path: Path) -> None:
    blind = {"env": {"TODOKU_PEOPLE": str(tmp_path / "other.csv")}}  # another list than ours
    (tmp_path / "other.csv").write_text("number\n")
    half = {"consent": "50%"}
    path = written(tmp_path, JAPAN, policy=["consent_on_record"], people=half, sut=blind)
    ran = here(path)
    without = {r.number for r in recipients(load_scenario(path)) if r.consent == "no"}
    assert ran.code == 1
    assert len({row["to"] for row in ran.report["policy"]["rows"]}) == len(without)
    honest = here(written(tmp_path, JAPAN, policy=["consent_on_record"], people=half))
    assert honest.code == 0, honest
    assert honest.report["metrics"]["accepted"] == 20 - len(without)


def test_the_same_run_gives_the_same_rows(here: Here, tmp_path: Path) -> None:
    time = {"start": HOLIDAY, "until": "1d"}
    path = written(tmp_path, JAPAN, policy=["jp-courtesy"], time=time)
    first = json.dumps(here(path).report["policy"])
    assert first == json.dumps(here(path).report["policy"])


def test_a_pace_is_judged_by_arrival_where_the_system_has_its_own_clock(
    here: Here, tmp_path: Path
) -> None:
    time = {"mode": "scaled", "rate": "36000", "until": "10h"}
    policy = [{"at_most_rate": {"count": "3"}}]
    ran = here(
        misbehaving(
            tmp_path, "timeless", time=time, policy=policy, sut={"idle": None, "claims": None}
        )
    )
    (check,) = ran.report["policy"]["checks"]
    assert check["occasions"] == 20, ran
    assert check["breaches"] >= 10, "20 requests within a second, though hours apart in the world"
    assert ran.code == 1
    assert (ran.out / "arrivals.bin").stat().st_size >= 20 * 8
