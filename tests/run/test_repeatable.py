"""The same seed gives the same report, byte for byte, whatever else the machine is doing."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from simulator.core.events import Accepted
from tests.run.runs import (
    AMERICA,
    FIRST_CAMPAIGN,
    JAPAN,
    US_REMINDER,
    Ran,
    busy_core,
    run,
    sut,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.run.conftest import Here

TWO_DAYS_US = 48 * 3600 * 1_000_000
TOKYO, NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def reminder(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    out = tmp_path_factory.mktemp("reminder")
    with busy_core():
        return run(US_REMINDER, out, "--json", out / "again.json")


def test_the_first_campaign_is_the_same_ten_times_beside_a_busy_core(campaigns: list[Ran]) -> None:
    assert [ran.code for ran in campaigns] == [0] * 10, campaigns
    assert len({ran.facts_of_report for ran in campaigns}) == 1
    assert campaigns[0].report["repeatable"] == {"answer": "yes", "why": [], "stragglers": 0}
    assert campaigns[0].last == "PASS: 5 of 5 expectations hold, no findings"


def test_both_sides_have_the_same_four_totals(campaigns: list[Ran], reminder: Ran) -> None:
    for report in (campaigns[0].report, reminder.report):
        assert [*report["totals"]][:4] == [
            "accepted",
            "delivered",
            "charged_units",
            "excluded_units",
        ]
        for name, pair in report["totals"].items():
            assert pair["todoku"] == pair["system"], name
    assert campaigns[0].report["totals"]["excluded_units"]["system"] > 0


def test_the_run_folder_holds_every_fact_of_the_report(campaigns: list[Ran]) -> None:
    [ran, *_] = campaigns
    accepted = sum(isinstance(event, Accepted) for event in ran.events)
    assert accepted == ran.report["totals"]["accepted"]["todoku"]
    assert ran.report["digest"].endswith(f"-{len(ran.events)}")
    with (ran.out / "people.csv").open(encoding="utf-8", newline="") as file:
        people = [row["number"] for row in csv.DictReader(file)]
    assert len(set(people)) == 500
    assert {event.to for event in ran.events if isinstance(event, Accepted)} == set(people)


def test_a_report_may_be_shown_to_anybody(campaigns: list[Ran]) -> None:
    [ran, *_] = campaigns
    text = (ran.out / "report.json").read_text("utf-8")
    assert not any(asked.to in text or asked.body in text for _, asked in ran.submissions)


def test_another_seed_gives_another_report(campaigns: list[Ran], tmp_path: Path) -> None:
    other = run(FIRST_CAMPAIGN, tmp_path, "--seed", "7")
    assert other.code == 0, other
    assert other.report["scenario"]["seed"] == 7
    assert other.report["digest"] != campaigns[0].report["digest"]
    assert {asked.to for _, asked in other.submissions} != {
        asked.to for _, asked in campaigns[0].submissions
    }


def test_the_reminder_in_the_united_states_passes(reminder: Ran) -> None:
    assert reminder.code == 0, reminder
    assert reminder.report["repeatable"]["answer"] == "yes"
    again = (reminder.out / "again.json").read_bytes()
    assert again == (reminder.out / "report.json").read_bytes()


# When the example sends.


def keeps_its_hours(ran: Ran, zone: ZoneInfo) -> int:
    """Check quiet hours and the two days; return how many were reminded."""
    first: dict[str, int] = {}
    reminded = 0
    for at_us, asked in ran.submissions:
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).astimezone(zone)
        assert 8 <= local.hour < 21, local
        if asked.to in first:
            assert at_us >= first[asked.to] + TWO_DAYS_US
            reminded += 1
        else:
            first[asked.to] = at_us
    return reminded


def test_the_reminders_go_out_two_days_later_and_by_day(
    campaigns: list[Ran], reminder: Ran
) -> None:
    assert keeps_its_hours(campaigns[0], TOKYO) >= 4  # a number that nobody has is not reminded
    assert keeps_its_hours(reminder, NEW_YORK) >= 100


def test_what_is_due_in_the_quiet_hours_waits_for_the_morning(here: Here, tmp_path: Path) -> None:
    begin = {"start": "2026-03-02T23:10:00-05:00"}  # and a reminder would be due at 22 o'clock
    path = written(tmp_path, AMERICA, time=begin)
    ran = here(path, "--sut", sut("twilio", "--remind-after", "62"))
    assert ran.code == 0, ran
    assert keeps_its_hours(ran, NEW_YORK) >= 5
    instants = {at_us for at_us, _ in ran.submissions}
    hours = {datetime.fromtimestamp(at_us / 1e6, NEW_YORK).hour for at_us in instants}
    assert hours == {8}


def test_a_letter_begun_in_the_night_is_sent_in_the_morning(here: Here, tmp_path: Path) -> None:
    refusing = {"refuses": "50%"}  # so that there is somebody to remind
    path = written(
        tmp_path, JAPAN, time={"start": "2026-03-02T02:00:00+09:00"}, people={"with": refusing}
    )
    ran = here(path)
    assert ran.code == 0, ran
    assert keeps_its_hours(ran, TOKYO) >= 5
    assert datetime.fromtimestamp(ran.submissions[0][0] / 1e6, TOKYO).hour == 8
