"""`todoku load --find-capacity` and `--rate` as commands, with real loads in real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from simulator.cli import app
from simulator.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = """
version: 1
name: tiny
seed: 3
time: {mode: real}
people: {count: 100, country: jp}
accounts: [{name: a, dialect: native}]
load: {against: gateway, arrivals: {ramp: {from: 1/s, to: 2/s}, for: 1h}, drain: 1s}
expect: [{name: as many as were planned, that: arrivals, at_most: 25}]
"""


def todoku(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "tiny.yaml").write_text(SCENARIO)
    return subprocess.run(
        [sys.executable, "-m", "simulator", "load", "tiny.yaml", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def test_a_rate_that_is_needed_is_found_to_be_met(tmp_path: Path) -> None:
    flags = ("--from", "20/s", "--up-to", "20/s", "--at-least", "20/s", "--for", "1s")
    ended = todoku(tmp_path, "--find-capacity", *flags, "--out", "found")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert "step 1: 20/s met (" in ended.stderr
    assert ended.stdout.splitlines()[-1] == (
        "PASS: at least 20/s was asked, and is met; there is no knee up to 20/s: everything was met"
    )
    document = json.loads((tmp_path / "found" / "capacity.json").read_text())
    assert document["found"]["end"] == "beyond"
    assert [each["step"]["met"] for each in document["steps"]] == [True]
    offer = json.loads((tmp_path / "found" / "steps" / "01-20" / "offer.json").read_text())
    assert offer["shape"] == {"shape": "constant", "rate": 20.0, "for_us": 1_000_000}
    assert (tmp_path / "found" / "capacity.svg").read_text("utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--at-least", "5/s"), "--at-least belongs to --find-capacity"),
        (("--find-capacity", "--rate", "5/s"), "--rate is of one load's report"),
        (("--find-capacity", "--junit", "x.xml"), "--junit is of one load's report"),
        (("--find-capacity", "--from", "many"), "--from: "),
        (("--for", "5s"), "--for says how long --rate is offered"),
        (("--rate", "quick"), "--rate: "),
        (("--rate", "5/s", "--for", "long"), "--for: "),
        (("--find-capacity", "--for", "1ns"), "load.arrivals.for"),
    ],
)
def test_flags_that_make_no_sense_are_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(SCENARIO)
    refused = CliRunner().invoke(app, ["load", "tiny.yaml", *flags]).exception
    assert isinstance(refused, (UsageError, ConfigError))
    assert refused.exit_code == 2
    assert said in str(refused)
    assert not (tmp_path / ".todoku").exists()
