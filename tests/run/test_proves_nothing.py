"""Whatever goes wrong with a system under test, the run ends, says what it was, and leaves nothing.

0 pass   1 failed   2 usage   3 proves nothing   130 interrupted
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from simulator.engine import gateway
from tests.run.runs import AMERICA, alive, begin, finish, misbehaving, run
from tests.servers import until_true

if TYPE_CHECKING:
    from pathlib import Path

    from tests.run.conftest import Here


def test_a_system_that_sends_nothing_proves_nothing(tmp_path: Path) -> None:
    ran = run(misbehaving(tmp_path, "silent"), tmp_path)
    assert ran.code == 3, ran
    assert ran.last == "PROVES NOTHING: nothing was sent: no message was accepted"
    assert ran.report["verdict"] == {"exit_code": 3, "words": ran.last}


def test_a_system_that_dies_in_the_middle_has_its_last_words_shown(tmp_path: Path) -> None:
    ran = run(misbehaving(tmp_path, "mortal"), tmp_path)
    assert ran.code == 3, ran
    assert ran.last.startswith("PROVES NOTHING: ")
    assert "the system under test ended by itself (exit status 7)" in ran.last
    lines = [line for line in ran.said.splitlines() if line.startswith("  | ")]
    assert lines == [f"  | line {n}  [31mof my last words" for n in range(10, 30)]
    assert len((tmp_path / "sut.log").read_text("utf-8").splitlines()) == 30
    assert ran.report["totals"]["accepted"] == {"todoku": 20, "system": None}
    assert ran.report["repeatable"]["answer"] == "no"


def test_a_system_that_is_never_ready_is_given_up_in_time(here: Here, tmp_path: Path) -> None:
    ran = here(misbehaving(tmp_path, "unready"), "--timeout", "500ms")
    assert ran.code == 3, ran
    assert "was not ready within 0.5 s of real time (GET /health: status 503)" in ran.last


def test_a_system_that_never_answers_is_given_up_in_time(here: Here, tmp_path: Path) -> None:
    ran = here(misbehaving(tmp_path, "mute"), "--timeout", "500ms")
    assert ran.code == 3, ran
    assert "was not ready within 0.5 s of real time (GET /health: no answer)" in ran.last


def test_a_system_that_is_never_idle_is_given_up_in_time(here: Here, tmp_path: Path) -> None:
    asked = {"env": {"ASKED": str(tmp_path / "asked")}}
    ran = here(misbehaving(tmp_path, "restless", sut=asked), "--timeout", "1s")
    assert ran.code == 3, ran
    assert "longer than 1 s of real time; it last waited for `idle` to answer 204" in ran.last


WORDS = {
    "stillborn": "ended by itself (exit status 5) before it was ready",
    "unwilling": "the campaign could not be started: POST /campaigns answered 400: recipients: not",
    "unreadable": "the claims cannot be read: messages[0].amount: expected str, got int",
}


@pytest.mark.parametrize("name", WORDS)
def test_the_last_line_says_why_in_words(here: Here, tmp_path: Path, name: str) -> None:
    ran = here(misbehaving(tmp_path, name))
    assert ran.code == 3, ran
    assert WORDS[name] in ran.last
    assert ran.report["verdict"]["words"] == ran.last


def test_all_that_is_wrong_with_claims_is_listed(here: Here, tmp_path: Path) -> None:
    ran = here(misbehaving(tmp_path, "unreadable"))
    wrong = [line for line in ran.said.splitlines() if line.startswith("    messages[")]
    assert len(wrong) == 3
    assert ran.last.endswith("(and 2 more)")


def test_claims_of_any_size_are_read_to_their_end(here: Here, tmp_path: Path) -> None:
    ran = here(misbehaving(tmp_path, "talkative"))
    assert (tmp_path / "out/claims.json").stat().st_size > 1_000_000
    assert ran.code == 1, ran
    assert "10,000 unknown to us" in ran.last


def test_an_interrupted_run_still_writes_its_report(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    path = misbehaving(tmp_path, "restless", sut={"env": {"ASKED": str(asked)}})
    process = begin("run", path, "--out", tmp_path, "--json", tmp_path / "again.json")
    until_true(asked.is_file)
    process.send_signal(signal.SIGINT)
    ran = finish(process, tmp_path)
    assert ran.code == 130, ran
    assert ran.last.startswith("INTERRUPTED, so far: ")
    assert ran.report["totals"]["accepted"]["todoku"] == 20
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "report.json").read_bytes()
    assert "Traceback" not in ran.said + ran.complained


def test_nothing_of_a_systems_process_group_survives_the_run(here: Here, tmp_path: Path) -> None:
    child = tmp_path / "child"
    ran = here(misbehaving(tmp_path, "parent", sut={"env": {"CHILD": str(child)}}))
    assert ran.last.startswith("PROVES NOTHING: the claims are empty, but the provider"), ran
    family = list(map(int, child.read_text().split()))
    assert len(family) == 2
    until_true(lambda: not any(map(alive, family)))


def test_a_second_interrupt_kills_what_does_not_want_to_end(tmp_path: Path) -> None:
    notes = {name: str(tmp_path / name) for name in ("ASKED", "TOLD", "CHILD")}
    process = begin("run", misbehaving(tmp_path, "stubborn", sut={"env": notes}), "--out", tmp_path)
    until_true((tmp_path / "ASKED").is_file)
    process.send_signal(signal.SIGINT)
    until_true((tmp_path / "TOLD").is_file)
    process.send_signal(signal.SIGINT)
    ran = finish(process, tmp_path)
    assert ran.code == 130, ran
    family = list(map(int, (tmp_path / "CHILD").read_text().split()))
    until_true(lambda: not any(map(alive, family)))


def test_a_report_of_an_earlier_run_is_not_left_for_the_next(tmp_path: Path) -> None:
    stale = [tmp_path / name for name in ("report.json", "findings.csv", "again.json", "sut.log")]
    for file in stale:
        file.write_text("of an earlier run")
    path = misbehaving(tmp_path, "silent", sut={"command": "no-such-command"})
    ran = run(path, tmp_path, "--json", tmp_path / "again.json")
    assert ran.code == 2, ran
    assert ran.complained.splitlines()[-1].startswith("cannot start 'no-such-command'")
    assert not any(file.is_file() and file.read_text() for file in stale)


def test_an_instant_without_an_end_is_cut_and_proves_nothing(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "CAUSED_MAX", 30)  # ten thousand take their time
    expect = [{"name": "sent", "that": "accepted", "at_least": 1}]
    sut = {"claims": None}
    ran = here(misbehaving(tmp_path, "echo", AMERICA, sut=sut, expect=expect))
    assert ran.code == 3, ran
    assert "instants were cut: each caused more than" in ran.last
    assert [type(fact).__name__ for fact in ran.events].count("InstantCut") > 0
