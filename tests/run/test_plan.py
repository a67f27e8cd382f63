"""`todoku plan`: what it answers, beside a real run of the same people; and what it refuses."""

from __future__ import annotations

import csv
import json
import sys
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from defusedxml.ElementTree import parse as parse_xml

from simulator.cli import main
from simulator.plan.campaign import CHUNK
from simulator.run import plan_command
from simulator.run.plan_ask import asked_for
from simulator.run.plan_flags import Flags
from simulator.run.plan_report import planned
from simulator.run.plan_show import lasting
from simulator.scenario import load_scenario
from tests.run.runs import AMERICA, FIRST_CAMPAIGN, JAPAN, ROOT, Ran, run, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Planned = Callable[..., Ran]

PEOPLE = 400
NATIVE: dict[str, Any] = {
    **JAPAN,
    "time": {"start": "2026-03-02T09:00:00+09:00", "until": "95d"},
    "people": {"count": PEOPLE, "country": "jp", "with": {"reply": "20%", "stop": "3%"}},
    "accounts": [
        {
            "name": "shop",
            "dialect": "native",
            "price": {"unit": "15", "currency": "JPY", "tax": "10%"},
            "inbound": "{sut_url}/inbound",
        }
    ],
    "sut": {**JAPAN["sut"], "command": "python -m examples.outreach --provider native"},
    "policy": [{"quiet_hours": {"from": "21:00", "until": "8:00"}}],
    "plan": {"reminder": {"after": "2d", "units": "2"}, "rate": "100000/s"},
}
MESSAGES = ("accepted", "delivered", "undelivered", "expired", "noticed", "opened", "replied")


@pytest.fixture
def plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Planned:
    """Plan in this process."""
    monkeypatch.chdir(ROOT)

    def command(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["todoku", "plan", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, error = capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, error, tmp_path)

    return command


def document(scenario: Path, **flags: Any) -> dict[str, Any]:
    """Plan without a command line; a small sample unless told otherwise."""
    asked = asked_for(
        load_scenario(scenario, needs_sut=False), Flags(**{"sample": "2000", **flags})
    )
    return planned(asked, lambda _: None)


def test_a_plan_agrees_with_a_run_of_the_same_people_to_the_last_yen(tmp_path: Path) -> None:
    scenario = written(tmp_path, NATIVE)
    ran = run(scenario, tmp_path / "out")
    assert ran.code == 0, ran
    seen = ran.report["metrics"]
    same = document(scenario, sample=str(PEOPLE))
    found = {**same["messages"], "opted_out": same["people"]["opted_out"]}
    names = (*MESSAGES, "opted_out")
    assert {name: found[name]["expected"] for name in names} == {n: seen[n] for n in names}
    bill = same["bills"][0]
    assert bill["policy"] == "jp-success-billed"
    assert bill["charged_units"]["expected"] == seen["charged_units"]
    assert bill["excluded_units"]["expected"] == seen["excluded_units"]
    assert bill["total"] == seen["total"]
    # The same people stand for a million; and others for these.
    million = document(scenario, sample=str(PEOPLE), recipients="1_000_000")
    others = document(scenario, sample="20_000")
    for name in names:
        for part in ("messages", "people"):
            if name in million[part] and (part == "messages" or name == "opted_out"):
                row, few = million[part][name], others[part][name]
                assert row["low"] <= seen[name] * 1_000_000 / PEOPLE <= row["high"], name
                assert few["low"] <= seen[name] <= few["high"], name
    few = others["bills"][0]
    assert float(few["total_low"]) <= float(seen["total"]) <= float(few["total_high"])


def test_clicks_are_spoken_of_where_a_text_that_is_given_has_a_link() -> None:
    plain, linked = (
        document(FIRST_CAMPAIGN, text=text) for text in ("Hello", "See https://example.com/a")
    )
    for part in ("messages", "people"):
        clicks = linked[part].pop("clicked")
        assert 0.03 < clicks["per_recipient"] < 0.05
        assert linked[part] == plain[part]


def test_who_has_not_agreed_is_written_to_neither_by_a_run_nor_by_a_plan(tmp_path: Path) -> None:
    segments = [
        {"name": "warm", "share": "50%", "consent": "90%"},
        {"name": "cold", "share": "50%"},
    ]
    people = {**NATIVE["people"], "count": 100, "consent": "60%", "segments": segments}
    scenario = written(tmp_path, NATIVE, people=people)
    ran = run(scenario, tmp_path / "out")
    assert ran.code == 0, ran
    seen, same = ran.report["metrics"], document(scenario, sample="100")
    found = {name: same["messages"][name]["expected"] for name in MESSAGES}
    assert found == {name: seen[name] for name in MESSAGES}
    assert 60 < found["accepted"] < 90
    assert same["bills"][0]["total"] == seen["total"]
    assert {
        "key": "consent",
        "value": "60%, warm 90%; nobody else is written to",
        "by": "file",
    } in (same["settings"])


def test_where_nobody_has_agreed_there_is_nothing_to_plan(plan: Planned, tmp_path: Path) -> None:
    people = {**NATIVE["people"], "consent": "0%"}
    ran = plan(written(tmp_path, NATIVE, people=people), "--sample", "50")
    assert ran.code == 2
    assert ran.complained == "nobody of 50 has agreed to be written to (people.consent)\n"


def test_replies_that_cannot_come_back_are_in_no_picture(plan: Planned, tmp_path: Path) -> None:
    svg = tmp_path / "plan.svg"
    ran = plan(FIRST_CAMPAIGN, "--sample", "500", "--svg", svg)
    assert "none on this account" in ran.said
    assert "replies" not in ran.said.partition("What comes back")[2].partition("It assumes")[0]
    words = " ".join(parse_xml(svg).getroot().itertext())
    assert "receipts an hour" in words
    assert "replies an hour" not in words
    hours = document(FIRST_CAMPAIGN)["hours"]
    assert {(row["replies"]["low"], row["replies"]["high"]) for row in hours} == {(0, 0)}


def test_rules_are_left_out_by_name() -> None:
    found = document(ROOT / "scenarios/contact-policy.yaml")
    assert "left out are the rules of the scenario: busy-minutes" in found["notes"]


def test_what_is_never_excluded_has_no_interval() -> None:
    bills = {bill["policy"]: bill for bill in document(FIRST_CAMPAIGN)["bills"]}
    assert bills["jp-request-billed"]["excluded_units"] == {"expected": 0, "low": 0, "high": 0}
    assert bills["jp-success-billed"]["excluded_units"]["high"] > 0


@pytest.mark.parametrize(
    ("scenario", "flags"),
    [
        ("us-reminder", {"recipients": "301"}),  # 2.4983 USD, whoever gets it
        ("first-campaign", {"recipients": "1_234_567", "messages": "3", "every": "14d"}),
        ("native-reminder", {"recipients": "7", "units": "3"}),
    ],
)
def test_a_total_lies_in_its_interval_and_is_what_its_units_cost(
    scenario: str, flags: dict[str, str]
) -> None:
    for bill in document(ROOT / f"scenarios/{scenario}.yaml", **flags)["bills"]:
        low, total, high = (Decimal(bill[name]) for name in ("total_low", "total", "total_high"))
        assert low <= total <= high
        price, units = Decimal(bill["price"]), bill["charged_units"]["expected"]
        fees = sum(Decimal(invoice["fees"]) for invoice in bill["invoices"])
        assert Decimal(bill["subtotal"]) == price * units + fees
        rate = Decimal("0.1") if bill["currency"] == "JPY" else 0
        taxes = (int(Decimal(invoice["subtotal"]) * rate) for invoice in bill["invoices"])
        assert total == Decimal(bill["subtotal"]) + sum(taxes)


def test_instants_are_by_the_recipients_clock_with_the_year_where_it_is_another(
    plan: Planned,
) -> None:
    said = plan(FIRST_CAMPAIGN, "--sample", "500", "--remind-after", "400d").said
    assert "2026-03-02 09:00, Asia/Tokyo" in said
    assert "2027-04-06 09:00" in said


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (2777.78, "2,777.8 hours"),
        (1.0, "1.0 hours"),
        (1 / 3, "20.0 minutes"),
        (5 / 3600, "5.0 seconds"),
        (0, "under a second"),
    ],
)
def test_a_length_of_time_is_said_as_people_say_it(hours: float, words: str) -> None:
    assert lasting(hours) == words


def test_a_plan_is_the_same_each_time_and_another_with_another_seed(plan: Planned) -> None:
    words = (FIRST_CAMPAIGN, "--sample", "500", "--json", "-")
    first, again, other = plan(*words), plan(*words), plan(*words, "--seed", "43")
    assert first.said == again.said != other.said


def test_a_sample_in_several_pieces_is_the_sample_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = document(FIRST_CAMPAIGN, remind_after="2d")
    assert whole["sample"] < CHUNK
    monkeypatch.setattr("simulator.plan.campaign.CHUNK", 333)
    assert document(FIRST_CAMPAIGN, remind_after="2d") == whole


def test_ten_million_take_as_long_as_provider_and_hours_allow() -> None:
    flags = {"recipients": "10_000_000", "rate": "200/s", "quiet": ("21:00-8:00",)}
    found = document(FIRST_CAMPAIGN, **flags)["time"]
    # 13.9 hours of work: twelve on the first day from 9:00, the rest from 8:00 on the next.
    assert found["hours_needed"]["expected"] == pytest.approx(23 + 10_000_000 / 200 / 3600 - 12)
    assert found["waits_for"] == "provider"


@pytest.mark.parametrize("flags", [{"rate": "5/h"}, {"slots": ("docomo=5/h",)}])
def test_a_slow_server_takes_as_long_as_its_rate_says(flags: dict[str, Any]) -> None:
    found = document(FIRST_CAMPAIGN, recipients="1000", **flags)["time"]
    slow = next(server for server in found["servers"] if server["rate"] < 1)
    assert slow["rate"] * 3600 == pytest.approx(5, rel=1e-3)
    assert found["hours_needed"]["expected"] == pytest.approx(slow["expected"] / 5, rel=0.01)


def test_no_hour_sends_more_than_the_provider_takes() -> None:
    flags = {"recipients": "2_000_000", "rate": "200/s", "sample": "1000"}
    (first, *_), reminded = (
        document(FIRST_CAMPAIGN, **flags)["hours"],
        document(FIRST_CAMPAIGN, remind_after="2d", **flags)["hours"],
    )
    assert first["sent"] == {"expected": 720_000, "low": 720_000, "high": 720_000}
    assert max(hour["sent"]["high"] for hour in reminded) == 720_000


def test_a_carrier_that_takes_little_holds_all_up_and_its_share_is_uncertain() -> None:
    flags = {"recipients": "1_000_000", "rate": "1000/s", "slots": ("docomo=20/s", "kddi=900/s")}
    found = document(FIRST_CAMPAIGN, **flags)["time"]
    needed = found["hours_needed"]
    assert found["waits_for"] == "docomo"
    assert needed["low"] < needed["expected"] < needed["high"]
    assert needed["low"] < 0.399 * 1_000_000 / 20 / 3600 < needed["high"]
    assert {server["name"] for server in found["servers"]} == {"provider", "docomo", "kddi"}


def test_hours_are_the_policys_and_skip_public_holidays(tmp_path: Path) -> None:
    start = "2026-05-02T19:59:00+09:00"  # before Constitution, Greenery and Children's Day
    scenario = written(tmp_path, JAPAN, time={"start": start}, policy=["jp-courtesy"])
    found = document(scenario, recipients="12_000", rate="100/s")["time"]
    done = datetime.fromisoformat(found["all_sent"]).astimezone(ZoneInfo("Asia/Tokyo"))
    assert f"{done:%m-%d %H:%M}" == "05-07 09:01"  # a minute's work, and one more after the 6th
    free = document(scenario, recipients="12_000", rate="100/s", quiet=("none",))["time"]
    assert free["hours_needed"]["expected"] == pytest.approx(120 / 3600)


def test_settings_say_who_said_them(tmp_path: Path) -> None:
    scenario = written(tmp_path, AMERICA, plan={"text": "x" * 161, "messages": "2"})
    found = {s["key"]: s for s in document(scenario, rate="7/s", every="3d")["settings"]}
    assert found["units"]["value"] == "2 (161 characters, GSM7)"
    assert {key: found[key]["by"] for key in ("units", "provider takes", "every", "hours")} == {
        "units": "file",
        "provider takes": "flag",
        "every": "flag",
        "hours": "assumed",
    }


def test_the_text_that_the_scenario_gives_its_system_is_counted() -> None:
    long = document(ROOT / "scenarios/long-messages.yaml", remind_after="2d")
    units = [s["value"] for s in long["settings"] if s["key"].endswith("units")]
    assert [text[0] for text in units] == ["3", "2"]


def test_the_limits_of_the_accounts_senders_are_the_rate(tmp_path: Path) -> None:
    limits = [{"sender": "+12025550100", "rate": "3/s"}, {"sender": "+12025550101", "rate": "2/s"}]
    accounts = [{**AMERICA["accounts"][0], "limits": limits}]
    found = document(written(tmp_path, AMERICA, accounts=accounts), recipients="18_000")
    assert found["time"]["hours_needed"]["expected"] == pytest.approx(1.0)


def test_every_file_holds_the_same_figures(plan: Planned, tmp_path: Path) -> None:
    files = {name: tmp_path / f"plan.{name}" for name in ("json", "csv", "svg")}
    words = [word for name, path in files.items() for word in (f"--{name}", path)]
    ran = plan(FIRST_CAMPAIGN, "--recipients", "10_000_000", "--sample", "2000", *words)
    assert (ran.code, ran.said) == (0, "")
    found = json.loads(files["json"].read_bytes())
    rows = list(csv.DictReader(files["csv"].read_text("utf-8-sig").splitlines()))
    figures = {(row["part"], row["what"], row["hour"]): row["expected"] for row in rows}
    delivered = found["messages"]["delivered"]["expected"]
    assert figures["messages", "delivered", ""] == str(delivered)
    receipts = sum(int(row["expected"]) for row in rows if row["what"] == "receipts")
    assert receipts == pytest.approx(10_000_000, abs=len(rows))
    for bill in found["bills"]:
        assert figures["bill", f"{bill['policy']}: total with tax", ""] == bill["total"]
    words = " ".join(parse_xml(files["svg"]).getroot().itertext())
    assert "first-campaign: 10,000,000 recipients" in words
    assert "receipts an hour" in words
    assert "<image" not in files["svg"].read_text("utf-8")


def test_the_terminal_says_the_answer_last(plan: Planned) -> None:
    ran = plan(FIRST_CAMPAIGN, "--recipients", "10_000_000", "--sample", "2000", "--rate", "200/s")
    assert ran.code == 0
    answer = " ".join(ran.said.strip().splitlines()[-2:])
    assert "10,000,000 recipients: 13.9 hours" in answer
    assert "(jp-success-billed)" in ran.said
    for words in ("assumed", "試算", "What comes back", "jp-request-billed", "It assumes"):
        assert words in ran.said


@pytest.mark.parametrize(
    ("flags", "clue"),
    [
        (("--recipients", "0"), "--recipients: expected a whole number"),
        (("--recipients", "many"), "seen 'many'"),
        (("--recipients", "2_000_000_000"), "at most 1,000,000,000"),
        (("--sample", "3_000_000"), "at most 2,000,000"),
        (("--rate", "fast"), "--rate: expected a rate"),
        (("--rate", "1/h"), "a thousand seconds"),
        (("--quiet", "21:00-12:00", "--quiet", "11:00-22:00"), "no hour is left"),
        (("--quiet", "none", "--quiet", "21:00-8:00"), "none and other hours"),
        (("--slot", "kddi=1/s", "--slot", "kddi=2/s"), "kddi is given twice"),
        (("--slot", "us-generic=5/s"), "docomo, kddi, softbank, rakuten"),
        (("--text", "あ" * 661), "zettai_reach takes 660 characters at most"),
        (("--csv", "nowhere/both", "--json", "nowhere/both"), "a file each"),
        (("--slot", "docomo"), "docomo=50/s"),
        (("--slot", "dokomo=5/s"), "did you mean docomo?"),
        (("--slot", "docomo=often"), "--slot: expected a rate"),
        (("--quiet", "night"), "21:00-8:00"),
        (("--quiet", "8:00-8:00"), "21:00-8:00"),
        (("--policy", "jp-sucess-billed"), "did you mean jp-success-billed?"),
        (("--text", "a", "--units", "2"), "both given"),
        (("--text", ""), "empty"),
        (("--units", "21"), "at most 20"),
        (("--messages", "21"), "at most 20"),
        (("--every", "2d"), "--messages 2"),
        (("--unless", "replied"), "--remind-after"),
        (("--remind-after", "2d", "--unless", "asleep"), "delivered or replied"),
        (("--remind-after", "soon"), "expected a duration"),
        (("--encoding", "latin-1"), "utf-8-sig or cp932"),
        (("--csv", "-"), "wants a file"),
        (("--svg", "nowhere/at/all.svg"), "cannot write"),
        (("--recipients", "1e6"), "whole number"),
        (
            ("--recipients", "1_000_000_000", "--rate", "1/s", "--sample", "100"),
            "more than 3 years",
        ),
    ],
)
def test_a_wrong_flag_is_one_line(plan: Planned, flags: tuple[str, ...], clue: str) -> None:
    ran = plan(FIRST_CAMPAIGN, *flags)
    assert (ran.code, ran.said) == (2, "")
    assert len(ran.complained.splitlines()) == 1, ran
    assert clue in ran.complained


@pytest.mark.parametrize(
    ("section", "clue"),
    [
        ({"text": "a", "units": "2"}, "both given"),
        ({"reminder": {"text": "a", "units": "2"}}, "both given"),
        ({"slots": {"dokomo": "1/s"}}, "did you mean docomo?"),
        ({"rate": "1/h"}, "a thousand seconds"),
        ({"every": "3d"}, "messages: 2"),
        ({"messages": "0"}, "at least 1"),
        ({"txt": "a"}, "unknown key"),
    ],
)
def test_a_wrong_section_is_told_with_its_place(
    plan: Planned, tmp_path: Path, section: dict[str, Any], clue: str
) -> None:
    ran = plan(written(tmp_path, JAPAN, plan=section))
    assert ran.code == 2
    assert clue in ran.complained
    assert "scenario.yaml:" in ran.complained


def test_without_matplotlib_there_is_no_picture_and_a_line_says_so(
    plan: Planned, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("simulator.run.plot.find_spec", lambda _: None)
    ran = plan(FIRST_CAMPAIGN, "--svg", tmp_path / "plan.svg")
    assert ran.code == 2
    assert "todoku[plot]" in ran.complained
    assert not (tmp_path / "plan.svg").exists()


def test_an_interrupt_ends_it_with_its_own_code(
    plan: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plan_command, "planned", interrupted)
    ran = plan(FIRST_CAMPAIGN)
    assert (ran.code, ran.said) == (130, "")
    assert "interrupted" in ran.complained


def test_there_are_only_so_many_numbers_and_the_plan_says_so(plan: Planned) -> None:
    ran = plan("us-reminder", "--sample", "2_000_000", "--recipients", "10", "--json", "-")
    assert "there are no more reserved numbers of us" in json.loads(ran.said)["notes"][0]
