"""Suites that really run: each its own process, one table, one verdict, and nothing left behind."""

from __future__ import annotations

import json
import signal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from tests.run.runs import JAPAN, Ran, alive, begin, finish, misbehaving, todoku, written
from tests.servers import until_true

if TYPE_CHECKING:
    from pathlib import Path


def suite_of(out: Path) -> Any:
    return json.loads((out / "suite.json").read_bytes())


def small(folder: Path, name: str, **sections: Any) -> Path:
    """Write a scenario of two people and one day, called `name`."""
    short = {"people": {"count": 2}, "time": {"until": "1d"}}
    return written(folder / name, {**JAPAN, "name": name}, **{**short, **sections})


def expecting(delivered: str) -> list[dict[str, str]]:
    return [{"name": "delivered", "that": "delivered / accepted", "at_least": delivered}]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """Run one that passes, one that fails, one that is wrong and one that never ends, at once."""
    folder = tmp_path_factory.mktemp("mixed")
    misbehaving(folder / "endless", "restless", {**JAPAN, "name": "endless"})
    small(folder, "good")
    small(folder, "failing", expect=[{"name": "many", "that": "accepted", "at_least": "99"}])
    small(folder, "wrong", people={"count": 0})
    words = [folder / "good", folder / "failing/*.yaml", folder / "wrong", folder / "endless"]
    asked = {"ASKED": str(folder / "asked")}
    out = folder / "out"
    process = begin("run", *words, "--out", out, "--timeout", "4s", "--jobs", 4, **asked)
    return finish(process, out), out


def test_the_gravest_exit_code_is_the_suites(mixed: tuple[Ran, Path]) -> None:
    ran, out = mixed
    assert ran.code == 2, ran
    words = "INVALID: of 4 runs, 1 passed, 1 failed, 1 could not be run, 1 proved nothing"
    assert ran.last.startswith(words), ran
    rows = {row["name"]: row["exit_code"] for row in suite_of(out)["scenarios"]}
    assert rows == {"good": 0, "failing": 1, "scenario": 2, "endless": 3}


def test_each_run_has_its_folder_with_report_and_output(mixed: tuple[Ran, Path]) -> None:
    ran, out = mixed
    for name in ("good", "failing", "endless"):
        assert (out / name / "report.json").is_file(), ran
        assert "todoku run" in (out / name / "output.txt").read_text("utf-8")


def test_what_a_run_says_is_shown_whole_and_a_timeout_is_each_runs_own(
    mixed: tuple[Ran, Path],
) -> None:
    ran, _ = mixed
    blocks = [line[:5] for line in ran.said.splitlines() if line.startswith("[")]
    assert blocks == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    text = ran.said.replace("\n", " ")
    assert "longer than 4 s of real time; it last waited for `idle` to answer 204" in text
    assert "people.count: expected a whole number" in text
    after = ran.said.split("] good")[1].splitlines()[1]
    assert not after.startswith("  | "), "one that passed has one line"


def test_how_often_a_gate_would_have_failed_by_luck(tmp_path: Path) -> None:
    path = small(tmp_path, "gate", people={"count": 3, "with": {"gone": "50%"}})
    tree = json.loads(path.read_bytes())
    path.write_text(json.dumps({**tree, "expect": expecting("50%")}))
    ran = todoku("run", path, "--out", tmp_path / "out", "--seeds", 4, "--seed", 10)
    (row,) = suite_of(tmp_path / "out")["scenarios"]
    assert [run["seed"] for run in row["runs"]] == [10, 11, 12, 13]
    failed = sum(run["exit_code"] == 1 for run in row["runs"])
    assert 0 < failed < 4, "choose other seeds: this shows luck"
    assert row["luck"]["failed"] == failed
    assert f"{failed} of 4" in ran.said
    assert f"{row['luck']['low']:.1%} to {row['luck']['high']:.1%}" in ran.said
    assert ran.code == 1


def test_a_suite_is_held_against_an_earlier_one_run_by_run(tmp_path: Path) -> None:
    one, new = small(tmp_path, "one", expect=expecting("10%")), small(tmp_path, "new")
    before, now = tmp_path / "before", tmp_path / "now"
    first = todoku("run", one, "--seeds", 1, "--out", before)
    assert first.code == 0, first
    report = before / "one/seed-1/report.json"
    better = json.loads(report.read_bytes())
    measure = better["expectations"][0]
    measure["exact"] = str(2 * Fraction(measure["exact"]))  # as if twice as many had arrived
    report.write_text(json.dumps(better))
    ran = todoku("run", one, new, "--seeds", 1, "--out", now, "--baseline", before)
    assert ran.code == 1, ran
    assert "no baseline for new (seed 1): it is new" in ran.complained
    held = json.loads((now / "one/seed-1/report.json").read_bytes())["expectations"]
    assert [row["name"] for row in held] == ["delivered", "not worse: delivered"]
    rows = {row["name"]: row["exit_code"] for row in suite_of(now)["scenarios"]}
    assert rows == {"one": 1, "new": 0}
    lenient = todoku(
        *("run", one, "--seeds", 1, "--out", now, "--baseline", before, "--max-regress", "60%")
    )
    assert lenient.code == 0, lenient


def test_a_suites_baseline_must_have_something_of_it(tmp_path: Path) -> None:
    one = small(tmp_path, "one")
    ran = todoku("run", one, one.parent, "--out", tmp_path / "o", "--baseline", tmp_path / "x")
    assert ran.code == 2
    assert "has no report of any of these runs; name the --out of an earlier" in ran.complained
    same = todoku("run", one, "--seeds", 1, "--out", tmp_path, "--baseline", tmp_path)
    assert same.code == 2
    assert "is --out as well; name another --out" in same.complained


def test_an_interrupt_ends_every_run_and_keeps_what_there_is(tmp_path: Path) -> None:
    notes = [tmp_path / name for name in ("one", "two")]
    for note in notes:
        base = {**JAPAN, "name": note.name}
        misbehaving(
            tmp_path / f"s-{note.name}", "restless", base, sut={"env": {"ASKED": str(note)}}
        )
    small(tmp_path, "s-three")
    out = tmp_path / "out"
    process = begin("run", tmp_path / "s-*/*.yaml", "--out", out, "--jobs", 3, "--timeout", "50s")
    until_true(lambda: all(note.is_file() and note.read_text() for note in notes))
    systems = [int(note.read_text()) for note in notes]
    until_true((out / "s-three/findings.csv").is_file)
    process.send_signal(signal.SIGINT)
    ran = finish(process, out)
    assert ran.code == 130, ran
    assert ran.last.startswith("INTERRUPTED: of 3 runs, "), ran
    assert "Traceback" not in ran.said + ran.complained
    rows = {row["name"]: row["exit_code"] for row in suite_of(out)["scenarios"]}
    assert rows["one"] == rows["two"] == 130
    for name in rows:
        assert json.loads((out / name / "report.json").read_bytes())
    until_true(lambda: not any(map(alive, systems)))


def test_runs_that_were_not_begun_are_told_of(tmp_path: Path) -> None:
    note = tmp_path / "asked"
    path = misbehaving(tmp_path / "a", "restless", sut={"env": {"ASKED": str(note)}})
    out = tmp_path / "out"
    process = begin("run", path, "--out", out, "--jobs", 1, "--seeds", 3)
    until_true(note.is_file)
    process.send_signal(signal.SIGTERM)
    ran = finish(process, out)
    assert ran.code == 130, ran
    (row,) = suite_of(out)["scenarios"]
    assert [run["words"] for run in row["runs"]][1:] == ["INTERRUPTED: not begun"] * 2


def test_one_seed_of_one_scenario_is_a_suite_as_well(tmp_path: Path) -> None:
    ran = todoku("run", small(tmp_path, "x"), "--seeds", 1, "--out", tmp_path / "out")
    assert (ran.code, ran.last) == (0, "PASS: 1 run, all passed"), ran
    assert "0 of 1" in ran.said


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ran = todoku("run", small(tmp_path, "x"), "--seeds", 2, "--out", tmp_path / "file/out")
    assert ran.code == 2, ran
    assert ran.complained.startswith("cannot write to ")
    assert len(ran.complained.splitlines()) == 1
