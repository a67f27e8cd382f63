"""The native scenario: repeatable with keys and signed callbacks, and a lie is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.run.runs import ROOT, run

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = ROOT / "scenarios/native-reminder.yaml"


def test_the_native_reminder_passes_and_is_the_same_twice(tmp_path: Path) -> None:
    first, again = (run(SCENARIO, tmp_path / name) for name in ("first", "again"))
    assert first.last == "PASS: 6 of 6 expectations hold, no findings"
    assert first.facts_of_report == again.facts_of_report
    assert first.report["repeatable"]["answer"] == "yes"
    assert first.report["totals"]["excluded_units"]["todoku"] > 0


def test_a_system_that_bills_what_did_not_arrive_is_found_out(tmp_path: Path) -> None:
    command = "python -m examples.outreach --provider native --bug bill-undelivered"
    ran = run(SCENARIO, tmp_path, "--sut", command)
    assert ran.code == 1
    assert "FAIL" in ran.last
