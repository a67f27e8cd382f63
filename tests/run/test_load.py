"""`todoku load`, whole: the simulator, a receiver or a system, and locust, each its own process."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest
from typer.testing import CliRunner

from simulator.cli import app
from simulator.errors import ExitCode, TodokuError
from simulator.load import offer as offers
from simulator.run.judging import none_taken
from simulator.run.load_measured import Measured
from simulator.run.load_reading import stopped
from simulator.run.report_schema import report_schema
from tests.load.test_merging import outcome, part
from tests.run.runs import ROOT, Ran, begin, finish, todoku, written

if TYPE_CHECKING:
    from pathlib import Path

# Looked for, not imported: it would patch the sockets of this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="extra [load] not installed")

RATE = 20  # arrivals a second
GATEWAY: dict[str, Any] = {
    "version": 1,
    "name": "trial",
    "time": {"mode": "real"},
    "people": {"count": 500, "country": "us"},
    "accounts": [{"name": "shop", "dialect": "twilio"}],
    "load": {
        "arrivals": {"constant": f"{RATE}/s", "for": "1s"},
        "drain": "0s",
        "late": {"over": "5s", "at_most": "100%"},
    },
    "expect": [{"name": "sent", "that": "started", "at_least": 0}],
}


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run the first lesson."""
    out = tmp_path_factory.mktemp("steady") / "out"
    ran = finish(begin("load", ROOT / "scenarios/load-steady.yaml", "--out", out), out)
    assert ran.code == 0, ran
    return ran


def test_every_arrival_is_sent_and_every_book_joins(steady: Ran) -> None:
    section = steady.report["load"]
    assert section["counts"]["scheduled"] == section["counts"]["started"] == 120
    assert section["counts"]["results"] == {"2xx": 120}
    assert section["books"]["counts"] == {"joined": 140}  # 20 of them warm up
    assert section["latency_ms"]["api"]["count"] == 120
    receipt = section["latency_ms"]["receipt"]
    assert receipt["count"] > 100
    assert receipt["count"] + receipt["open"] == 120
    assert sum(second["started"] for second in section["seconds"] if second["second"] >= 0) == 120


def test_the_generator_and_the_world_agree_on_counts(steady: Ran) -> None:
    metrics = steady.report["metrics"]
    assert metrics["accepted"] == 140
    assert metrics["arrivals"] == metrics["started"] == 120
    assert 36 <= metrics["achieved_rate"] <= 40  # recounted in test_load_truth.py
    assert 0 < metrics["api_p50"] <= metrics["api_p90"] <= metrics["api_p99"] <= metrics["api_p999"]


def test_plain_locust_and_the_schedule_agree_with_both(steady: Ran) -> None:
    planned = offers.schedule(offers.read(steady.out / "offer.json"))
    assert (planned.times_us.size, planned.warm) == (140, 20)
    said = (steady.out / "locust-worker-0.log").read_text("utf-8")
    tables = re.findall(r"^POST +create +(\d+) +(\d+)\(", said, re.MULTILINE)  # locust's own
    assert tables[-1] == ("140", "0")


def test_its_report_keeps_the_schema_and_names_what_measured(steady: Ran) -> None:
    jsonschema.validate(steady.report, report_schema())
    section = steady.report["load"]
    assert section["versions"]["locust"]
    [worker] = section["generator"]["workers"]
    assert worker["clock_uncertainty_ms"] > 0
    assert 0 < section["simulator"]["busiest"] < 0.8


def test_it_is_judged_again_from_its_folder(steady: Ran) -> None:
    again = todoku("check", steady.out)
    assert (again.code, again.last) == (0, steady.last)


def test_the_terminal_shows_both_latencies_and_the_books(steady: Ran) -> None:
    for words in ("planned instant to answer", "planned instant to final receipt", "140 joined"):
        assert words in steady.said


def test_the_receipts_of_a_spike_show_the_queue_that_the_api_hides(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = finish(begin("load", ROOT / "scenarios/load-spike-and-drain.yaml", "--out", out), out)
    assert ran.code == 0, ran
    latency = ran.report["load"]["latency_ms"]
    assert latency["receipt"]["p50"] > 10 * latency["api"]["p99"]  # p99 was not to be known
    assert latency["receipt"]["open"] > 0
    assert latency["receipt"]["count"] + latency["receipt"]["open"] == latency["api"]["count"]


def test_a_load_that_sent_for_nothing_is_not_one_that_sent_nothing() -> None:
    sent = Measured(metrics={"started": "1200"})
    assert none_taken(sent).startswith("no message was accepted of 1,200 requests: ")
    for metrics in ({"started": "0"}, {"started": None}, {}):
        said = none_taken(Measured(metrics=metrics))
        assert said == "nothing was sent: no message was accepted"


def test_a_generator_that_is_stopped_from_outside_is_no_pass() -> None:
    found = outcome(part(values=(5,) * 9))
    assert [*stopped(found)] == []
    [said] = stopped(msgspec.structs.replace(found, ended="stopped"))
    assert said.startswith("the generator was stopped from outside after 9 arrivals")


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"time": {"mode": None}}, "nothing could be late under a load: write `mode: real`"),
        ({"load": {"arrivals": {"trace": "no.txt"}}}, "no.txt: No such file or directory"),
        ({"load": {"in_flight": "-1"}}, "load.in_flight: expected a whole number"),
    ],
)
def test_what_cannot_be_loaded_is_refused(
    tmp_path: Path, sections: dict[str, Any], words: str
) -> None:
    assert words in refusal("load", written(tmp_path, GATEWAY, **sections), "--out", tmp_path)


def test_what_is_refused_is_one_line_and_exit_2(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    ran = todoku("load", written(tmp_path, GATEWAY), "--out", file)
    assert (ran.code, ran.complained) == (2, f"cannot write to {file}: File exists\n")


def test_run_and_load_send_each_other_what_is_theirs(tmp_path: Path) -> None:
    said = refusal("run", written(tmp_path, GATEWAY))
    assert "is a load test: use `todoku load" in said
    said = refusal("load", ROOT / "scenarios/first-campaign.yaml")
    assert "no load test: add `load:`, or use `todoku run`" in said


def refusal(*words: object) -> str:
    """Return what a command says that refuses what it is asked."""
    found = CliRunner().invoke(app, [str(word) for word in words]).exception
    assert isinstance(found, TodokuError)
    assert found.exit_code == ExitCode.USAGE
    return str(found)
