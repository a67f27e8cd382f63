"""The command line: what it answers, what it writes, and its exit codes."""

from __future__ import annotations

import csv
import json
import re
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from simulator.cli import main
from simulator.engine.clock import RATE_MAX
from simulator.web.control_ask import RATE_MAX as RATE_MAX_OF_THE_CONTROL_PORT
from tests.run.runs import (
    FIRST_CAMPAIGN,
    JAPAN,
    ROOT,
    SYSTEMS,
    US_REMINDER,
    Ran,
    begin,
    finish,
    run,
    sut,
    todoku,
    written,
)
from tests.servers import request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Said = Callable[..., Ran]


@pytest.fixture
def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Said:
    """Run any command in this process, where nothing but its words and its code are at stake."""
    monkeypatch.chdir(ROOT)

    def command(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["todoku", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, error = capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, error, tmp_path)

    return command


def refused(ran: Ran, *clues: str) -> None:
    """Check for one problem, told in words."""
    assert ran.code == 2, ran
    assert "Traceback" not in ran.said + ran.complained
    for clue in clues:
        assert clue in ran.complained, ran


# run


def test_an_unknown_key_is_refused_with_its_place_and_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    lines = FIRST_CAMPAIGN.read_text("utf-8").replace("seed: 42", "sede: 42").splitlines()
    path.write_text("\n".join(lines), "utf-8")
    line = 1 + next(n for n, text in enumerate(lines) if text.startswith("sede"))
    ran = run(path, tmp_path / "out")
    refused(ran, f"{path}:{line}:1: sede: unknown key 'sede'; did you mean seed?")
    assert not (tmp_path / "out").exists()


def test_a_scenario_that_is_not_there_is_refused_in_words(said: Said, tmp_path: Path) -> None:
    refused(said("run", tmp_path / "none.yaml"), "none.yaml")


@pytest.mark.parametrize("flag", ["--out", "--json"])
def test_reports_that_cannot_be_written_are_refused_at_once_in_one_line(
    said: Said, tmp_path: Path, flag: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    flags = {"--out": tmp_path / "out", flag: tmp_path / "file/report"}
    ran = said("run", US_REMINDER, *(word for pair in flags.items() for word in pair))
    refused(ran, "cannot write", str(tmp_path / "file/report"))
    assert len(ran.complained.splitlines()) == 1
    assert ran.said == ""


@pytest.mark.parametrize("timeout", ["soon", "0s", "10", "-5s"])
def test_a_timeout_that_is_no_duration_is_refused(said: Said, timeout: str) -> None:
    refused(said("run", US_REMINDER, f"--timeout={timeout}"), "--timeout: expected a duration")


@pytest.mark.parametrize("seed", ["-1", "9223372036854775808", "x"])
def test_a_seed_that_is_no_count_is_refused(said: Said, seed: str) -> None:
    refused(said("run", US_REMINDER, f"--seed={seed}"), "--seed")


@pytest.mark.parametrize("url", ["http://8.8.8.8:9000", "http://169.254.169.254"])
def test_plausible_numbers_are_not_given_to_a_system_elsewhere(
    said: Said, tmp_path: Path, url: str
) -> None:
    ran = said("run", FIRST_CAMPAIGN, "--out", tmp_path, "--sut", url)
    refused(ran, "sut.url: assignable numbers may belong to people", "loopback or a private")
    assert not (tmp_path / "people.csv").exists()


def test_a_rate_beyond_what_a_clock_can_do_is_refused(said: Said, tmp_path: Path) -> None:
    time = {"mode": "scaled", "rate": f"{RATE_MAX + 1:.0f}"}
    refused(said("run", written(tmp_path, JAPAN, time=time)), "time.rate: must be at most")
    refused(said("serve", "--rate", "1e10"), "--rate: from 0 (stepped) to 1e+09")
    refused(said("serve", "--rate", "-1"), "--rate")
    assert RATE_MAX == RATE_MAX_OF_THE_CONTROL_PORT


# people, schema


def test_people_are_written_as_a_table(said: Said, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    ran = said("people", FIRST_CAMPAIGN, "--csv", file)
    assert ran.code == 0, ran
    assert ran.said.splitlines()[0] == f"500 recipients written to {file}"
    assert "never let them near a real provider" in ran.said
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert list(rows[0]) == ["number", "name", "segment", "consent", "kind"]
    assert len({row["number"] for row in rows}) == 500
    refused(said("people", FIRST_CAMPAIGN, "--csv", tmp_path), "cannot write", "Is a directory")


def test_people_of_another_seed_have_other_numbers(said: Said, tmp_path: Path) -> None:
    for seed in (1, 2):
        assert said("people", US_REMINDER, "--csv", tmp_path / str(seed), "--seed", seed).code == 0
    assert (tmp_path / "1").read_bytes() != (tmp_path / "2").read_bytes()


def test_the_schema_is_the_published_one(said: Said) -> None:
    ran = said("schema")
    assert ran.code == 0
    assert ran.said == (ROOT / "docs/scenario.schema.json").read_text("utf-8")


# ready


@pytest.mark.parametrize("provider", ["zettai_reach", "twilio"])
def test_the_example_keeps_the_contract(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setattr("simulator.run.command._DIRECTORY", tmp_path)
    ran = said("ready", "--sut", sut(provider), "--dialect", provider)
    assert ran.code == 0, ran
    assert ran.last == "PASS: 3 of 3 expectations hold, no findings"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("silent", "nothing was sent"),
        ("timeless", "nothing was sent"),
        ("unwilling", "POST /campaigns answered 400"),
        ("talkative", "10,000 unknown to us"),
    ],
)
def test_a_system_that_breaks_the_contract_is_told_how(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.setattr("simulator.run.command._DIRECTORY", tmp_path)
    ran = said("ready", "--sut", f"python {SYSTEMS / 'misbehaving.py'} {name}")
    assert ran.code in {1, 3}, ran
    assert words in ran.last


def test_no_other_dialect_can_be_asked_for(said: Said) -> None:
    refused(
        said("ready", "--sut", "python", "--dialect", "morse"),
        "zettai_reach or twilio or native, not",
    )


def test_a_server_that_is_not_there_is_not_ready(said: Said) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ran = said("ready", "--control", f"http://127.0.0.1:{port}", "--wait", "--timeout", "200ms")
    assert (ran.code, ran.last) == (1, "")
    assert ran.complained.startswith(f"not ready: http://127.0.0.1:{port}: no answer")


# serve


@contextmanager
def serving(*flags: object) -> Iterator[tuple[dict[str, str], Callable[[], Ran]]]:
    """Serve on free ports; yield what was greeted with, and how to stop it."""
    process = begin("serve", "--port", 0, "--control-port", 0, *flags)
    assert process.stdout is not None
    greeting: dict[str, str] = {}
    ran: list[Ran] = []

    def stop() -> Ran:
        process.send_signal(signal.SIGTERM)
        ran.append(finish(process))
        return ran[0]

    try:
        while "state" not in greeting:
            word, _, rest = process.stdout.readline().strip().partition(" ")
            assert word, finish(process)
            greeting[word] = rest.strip()
        yield greeting, stop
    finally:
        if not ran:
            stop()


def test_a_server_greets_answers_and_ends_well(said: Said) -> None:
    with serving("--seed", 7) as (greeting, stop):
        assert list(greeting) == ["gateway", "control", "token", "seed", "state"]
        assert greeting["seed"] == "7"
        ran = said("ready", "--wait", "--control", greeting["control"])
        assert (ran.code, ran.last) == (0, f"ready: {greeting['control']}")
        token = {"Authorization": f"Bearer {greeting['token']}"}
        clock: Any = request(
            "GET", f"{greeting['control']}/v1/worlds/default/clock", None, token
        ).json
        assert clock["rate"] == 1.0
        assert request("GET", greeting["gateway"] + "/nowhere").status == 404
        ended = stop()
    assert (ended.code, ended.last, ended.complained) == (0, "stopped", "")


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = todoku("serve", "--port", port, "--control-port", 0)
    refused(ran, f"port {port} on 127.0.0.1 is taken by another program")
    assert len(ran.complained.splitlines()) == 1
    assert ran.said == ""


def test_a_server_takes_people_accounts_and_time_from_a_scenario() -> None:
    with serving("--scenario", FIRST_CAMPAIGN, "--fixed-accounts") as (greeting, _):
        assert re.fullmatch(r"clinic: zettai_reach \d{5} [0-9a-f]{32}", greeting["account"])
        token = {"Authorization": f"Bearer {greeting['token']}"}
        world = f"{greeting['control']}/v1/worlds/default"
        clock: Any = request("GET", f"{world}/clock", None, token).json
        assert (clock["now"], clock["rate"]) == ("2026-03-02T00:00:00.000000Z", 0.0)
        body = json.dumps({"by": "1d"}).encode()
        sent = {**token, "Content-Type": "application/json"}
        moved: Any = request("POST", f"{world}/clock/advance", body, sent).json
        assert moved["now"] == "2026-03-03T00:00:00.000000Z"


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_names_the_exit_codes_and_costs_nothing(said: Said, arguments: list[str]) -> None:
    ran = said(*arguments)
    assert ran.code == 0
    assert ran.said
