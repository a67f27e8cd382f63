"""`todoku init`: three questions, files that run, and nothing overwritten."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from simulator.cli import main
from simulator.core.tariff import POLICIES
from simulator.dialects import DIALECTS
from simulator.run.bundled import share
from simulator.run.ci_files import LINE, WORKFLOWS
from simulator.run.first_files import SCENARIO, Answers, scenario_text
from simulator.scenario import load_scenario, parse_scenario
from tests.run.runs import finish

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Init = Callable[..., tuple[int, str, str]]
    from _pytest.monkeypatch import MonkeyPatch

EXAMPLE = "python -m examples.outreach --provider "


@pytest.fixture
def init(monkeypatch: MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Init:
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["todoku", "init", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said, complained = capsys.readouterr()
        return int(ended.value.code or 0), said, complained

    return command


def flags(dialect: str = "twilio", billing: str = "twilio", sut: str = "") -> tuple[str, ...]:
    return ("--dialect", dialect, "--billing", billing, "--sut", sut or EXAMPLE + dialect)


@pytest.mark.parametrize(
    ("dialect", "billing"), [("zettai_reach", "jp-success-billed"), ("twilio", "twilio")]
)
def test_what_it_writes_runs_and_passes_with_the_example_in_an_empty_folder(
    tmp_path: Path, dialect: str, billing: str
) -> None:
    here = {"cwd": tmp_path, "encoding": "utf-8", "capture_output": True, "timeout": 60}
    todoku = (sys.executable, "-P", "-m", "simulator")
    wrote = subprocess.run([*todoku, "init", *flags(dialect, billing)], **here, check=False)
    assert wrote.returncode == 0, wrote
    assert (tmp_path / SCENARIO).is_file()
    ran = subprocess.run([*todoku, *LINE.split()[1:]], **here, check=False)
    assert ran.returncode == 0, ran
    assert ran.stdout.splitlines()[-1] == "PASS: 1 run, all passed"
    assert (tmp_path / "todoku-report/suite.json").is_file()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("billing", POLICIES)
def test_every_answer_gives_a_scenario_that_reads(dialect: str, billing: str) -> None:
    for way in ("run 'me now' --x=\"a # b\"", "http://127.0.0.1:9000", "日本 --flag"):
        text = scenario_text(Answers(dialect, billing, way))
        found = parse_scenario(text, "test")
        assert found.accounts[0].dialect == dialect
        assert found.accounts[0].billing == billing
        assert found.sut is not None
        assert found.sut.url == way if way.startswith("http") else found.sut.command
        assert text.count(" # ") > 5, "it is commented"


def test_nothing_is_overwritten_without_force_and_then_nothing_at_all_is_written(
    init: Init, tmp_path: Path
) -> None:
    mine = tmp_path / SCENARIO
    mine.parent.mkdir()
    mine.write_text("mine")
    code, _, complained = init(*flags())
    assert code == 2
    assert complained == f"{SCENARIO} is there already: --force overwrites\n"
    assert mine.read_text() == "mine"
    assert not (tmp_path / ".github").exists()
    code, said, _ = init(*flags(), "--force")
    assert code == 0
    assert said.splitlines()[-1] == f"now: todoku run {SCENARIO}"
    assert load_scenario(mine).name == "outreach"


def test_a_link_that_leads_nowhere_is_something_that_is_there(init: Init, tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / SCENARIO).symlink_to(tmp_path / "elsewhere")
    assert init(*flags())[0] == 2
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("kind", WORKFLOWS)
def test_each_ci_gets_the_file_it_looks_for(init: Init, tmp_path: Path, kind: str) -> None:
    code, said, _ = init("sub dir", *flags(), "--ci", kind)
    assert code == 0, said
    workflow = tmp_path / "sub dir" / WORKFLOWS[kind].path
    text = workflow.read_text("utf-8")
    assert text == WORKFLOWS[kind].text
    lines = [line.strip().removeprefix("- ").removeprefix("run: ") for line in text.splitlines()]
    assert lines.count(LINE) == 1
    if kind != "jenkins":
        yaml.safe_load(text)


def test_the_github_workflow_has_the_parts_that_a_workflow_needs() -> None:
    found = yaml.safe_load(WORKFLOWS["github"].text)
    (job,) = found["jobs"].values()
    assert found[True] == ["push", "pull_request"]  # YAML 1.1 reads `on` as true; GitHub does not
    assert job["runs-on"]
    assert all(("run" in step) != ("uses" in step) for step in job["steps"])


def test_no_ci_writes_the_scenario_alone(init: Init, tmp_path: Path) -> None:
    assert init(*flags(), "--ci", "none")[0] == 0
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [SCENARIO.name]


@pytest.mark.parametrize(
    ("words", "clue"),
    [
        (("--dialect", "twillio"), "--dialect: unknown value 'twillio'; did you mean twilio?"),
        (("--billing", "free"), "--billing: unknown value 'free'"),
        (("--ci", "travis"), "--ci: unknown value 'travis'; known: github, gitlab, jenkins, none"),
        (("--dialect", "twilio"), "nobody is here to ask: give --billing, --sut"),
        (flags(sut="run 'me"), "cannot be split into words"),
        (flags(sut="ftp://x"), "written"),
    ],
)
def test_a_wrong_answer_is_refused_in_one_line(
    init: Init, words: tuple[str, ...], clue: str
) -> None:
    code, said, complained = init(*words)
    assert clue in said + complained
    assert "Traceback" not in complained
    assert code == (0 if clue == "written" else 2)


def test_at_a_terminal_it_asks_and_an_empty_answer_takes_the_default(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-P", "-m", "simulator", "init"]
    process = subprocess.Popen(
        words,
        cwd=tmp_path,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    os.close(theirs)
    os.write(ours, b"nonsense\nzettai_reach\n\n\n")
    ran = finish(process)
    os.close(ours)
    assert ran.code == 0, ran
    assert "Which provider does your system speak to?" in ran.said
    assert "one of: native, twilio, zettai_reach" in ran.said
    account = load_scenario(tmp_path / SCENARIO).accounts[0]
    assert (account.dialect, account.billing) == ("zettai_reach", "jp-success-billed")
    assert share().is_dir()
