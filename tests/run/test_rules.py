"""A run whose world misbehaves by rules: the honest system stays right, the report says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.run.runs import JAPAN, ROOT, run, sut, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.run.runs import Ran

SCENARIO = ROOT / "scenarios/lost-receipts.yaml"


def ruled(folder: Path, *rules: dict[str, Any]) -> Ran:
    path = written(folder, JAPAN, people={"count": 40, "numbers": "assignable"}, rules=list(rules))
    return run(path, folder, "--sut", sut("zettai_reach"))


def only_account(ran: Ran) -> dict[str, Any]:
    (account,) = ran.report["truth"]["accounts"].values()
    found: dict[str, Any] = account
    return found


def test_the_honest_system_passes_whatever_is_lost_late_doubled_or_forged(tmp_path: Path) -> None:
    first, again = (run(SCENARIO, tmp_path / name) for name in ("first", "again"))
    assert first.last == "PASS: 2 of 2 expectations hold, no findings"
    assert first.facts_of_report == again.facts_of_report
    assert first.report["repeatable"]["answer"] == "yes"
    fired = {row["rule"] for row in first.report["rules"]["fired"]}
    assert len(fired) == 9
    assert set(first.report["rules"]["forged"]) == {"4xx"}  # it believed none


def test_what_the_carrier_lost_is_the_carriers_and_no_finding(tmp_path: Path) -> None:
    ran = ruled(tmp_path, {"name": "silent", "seam": "receipt", "then": "lose", "chance": "50%"})
    assert ran.code == 0, ran.said
    (lost,) = ran.report["rules"]["receipts_lost"].values()
    assert lost > 5
    assert only_account(ran)["gap_known_to_fate"] == lost
    assert ran.report["findings"]["count"] == 0
    assert ran.report["invoices"]["rows"][0]["pending_units"] >= lost
    assert f"will never know the end of {lost} messages" in ran.said
    assert "the gap between known and fate is the carrier's" in ran.said


def test_a_rule_that_never_fired_is_said(tmp_path: Path) -> None:
    late = {
        "name": "late",
        "seam": "receipt",
        "then": "lose",
        "during": {"from": "6d23h59m", "for": "1d"},
    }
    ran = ruled(tmp_path, late, {"name": "all", "seam": "receipt", "then": {"delay": "1h"}})
    assert "rule late: never fired, so this run says nothing about it" in ran.report["notes"]
    assert not any("rule all: never" in note for note in ran.report["notes"])


def test_what_the_provider_forgot_to_tell_is_asked_for(tmp_path: Path) -> None:
    ran = ruled(tmp_path, {"name": "mute", "seam": "callback", "then": "lose"})
    assert ran.code == 0, ran.said
    totals = ran.report["totals"]["delivered"]
    assert totals["system"] == totals["todoku"] > 0
    assert only_account(ran)["callbacks"] == 0


def test_a_rule_that_counts_arrivals_makes_a_run_that_cannot_be_repeated(tmp_path: Path) -> None:
    ran = ruled(tmp_path, {"name": "few", "seam": "api", "then": {"reject": 503}, "at_most": 3})
    assert ran.code == 0, ran.said
    assert ran.report["repeatable"]["answer"] == "no"
    assert ran.report["repeatable"]["why"] == [
        "rule few counts arrivals and fired 3 times: whom it hit depends on who came"
    ]
    assert ran.report["truth"]["refused"] == {
        f"{name}: broken_by_rule": 3 for name in ran.report["truth"]["accounts"]
    }


def test_a_rule_that_does_nothing_yet_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    ran = ruled(tmp_path, {"name": "slow", "seam": "handset", "then": "hang"})
    assert ran.code == 2
    assert "no rule acts at seam handset yet" in ran.complained
