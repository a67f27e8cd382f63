"""`todoku load`, whole: the simulator, a receiver or a system, and locust, each its own process."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from simulator.load import books
from simulator.load import offer as offers
from simulator.run.report_schema import report_schema
from tests.run.runs import ROOT, SYSTEMS, Ran, alive, begin, finish, todoku, written

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

# Looked for, not imported: it would patch the sockets of this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="extra [load] not installed")

PATIENCE_S = 60.0
LOST_S = 15.0
GATEWAY: dict[str, Any] = {
    "version": 1,
    "name": "trial",
    "time": {"mode": "real"},
    "people": {"count": 500, "country": "us"},
    "accounts": [{"name": "shop", "dialect": "twilio"}],
    "load": {
        "arrivals": {"constant": "20/s", "for": "1s"},
        "drain": "0s",
        "late": {"over": "5s", "at_most": "100%"},
    },
    "expect": [{"name": "sent", "that": "started", "at_least": 0}],
}
DEAF: dict[str, Any] = {
    **GATEWAY,
    "sut": {"command": f"python {SYSTEMS / 'deaf.py'}", "start": {"request": "POST /go"}},
}


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run the first lesson."""
    out = tmp_path_factory.mktemp("steady") / "out"
    ran = finish(begin("load", ROOT / "scenarios/load-steady.yaml", "--out", out), out)
    assert ran.code == 0, ran
    return ran


def load(scenario: Path, *flags: object) -> Ran:
    out = scenario.parent / "out"
    return finish(begin("load", scenario, "--out", out, *flags), out)


def test_every_arrival_is_sent_and_every_book_joins(steady: Ran) -> None:
    section = steady.report["load"]
    assert section["counts"]["scheduled"] == section["counts"]["started"] == 120
    assert section["counts"]["results"] == {"2xx": 120}
    assert section["books"]["counts"] == {"joined": 140}  # 20 of them warm up
    assert section["latency_ms"]["api"]["count"] == 120
    assert section["latency_ms"]["receipt"]["count"] > 100
    assert sum(second["started"] for second in section["seconds"] if second["second"] >= 0) == 120


def test_the_generator_and_the_world_agree_on_counts(steady: Ran) -> None:
    metrics = steady.report["metrics"]
    assert metrics["accepted"] == 140
    assert metrics["arrivals"] == metrics["started"] == 120
    assert metrics["achieved_rate"] == 40
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
    assert latency["receipt"]["p99"] > 10 * latency["api"]["p99"]


def test_a_worker_that_is_killed_makes_the_run_worthless_within_15_s(tmp_path: Path) -> None:
    long = {**GATEWAY["load"], "workers": 2, "arrivals": {"constant": "20/s", "for": "60s"}}
    out = tmp_path / "out"
    process = begin("load", written(tmp_path, GATEWAY, load=long), "--out", out)
    wait_until(process, lambda: len(rows(out, 1)) > 3)
    victim = processes(out)["worker-1"]
    os.kill(victim, signal.SIGKILL)
    killed_at = time.monotonic()
    ran = finish(process, out)
    assert time.monotonic() - killed_at < LOST_S
    assert ran.code == 3, ran
    assert "PROVES NOTHING: a worker was lost: worker-1 was ended by SIGKILL" in ran.last
    assert len(list(books.read(out))) > 3  # what it had written can be read
    assert not any(map(alive, processes(out).values()))


def test_bad_input_48_an_interrupt_ends_everything_and_leaves_a_partial_report(
    tmp_path: Path,
) -> None:
    long = {**GATEWAY["load"], "arrivals": {"constant": "20/s", "for": "60s"}}
    out = tmp_path / "out"
    process = begin("load", written(tmp_path, GATEWAY, load=long), "--out", out)
    wait_until(process, lambda: len(rows(out, 0)) > 3)
    process.send_signal(signal.SIGINT)
    ran = finish(process, out)
    assert ran.code == 130, ran
    assert ran.last.startswith("INTERRUPTED, so far: 1 of 1 expectation holds")
    assert 3 < ran.report["load"]["counts"]["started"] < 1_200
    assert not any(map(alive, processes(out).values()))


def test_a_load_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    long = {**GATEWAY["load"], "workers": 2, "arrivals": {"constant": "20/s", "for": "10m"}}
    out = tmp_path / "out"
    process = begin("load", written(tmp_path, GATEWAY, load=long), "--out", out)
    wait_until(process, lambda: len(rows(out, 1)) > 3)
    process.kill()
    process.communicate()
    wait_until(None, lambda: not any(map(alive, processes(out).values())))


@pytest.mark.parametrize(
    ("refused", "code", "words"),
    [
        ("fail", 1, "not: the target refuses no connection"),
        ("proves-nothing", 3, "connections were refused: is the target running?"),
    ],
)
def test_a_target_that_refuses_connections_ends_as_the_scenario_says(
    tmp_path: Path, refused: str, code: int, words: str
) -> None:
    asked = {**GATEWAY["load"], "against": "system", "refused": refused}
    ran = load(written(tmp_path, DEAF, load=asked))
    assert ran.code == code, ran
    assert words in ran.last


def test_bad_input_47_a_run_of_no_requests_proves_nothing(tmp_path: Path) -> None:
    none = {**GATEWAY["load"], "arrivals": {"poisson": "1/s", "for": "1s"}}
    ran = load(written(tmp_path, GATEWAY, load=none, seed=4))
    assert (ran.code, ran.last) == (3, "PROVES NOTHING: nothing was sent")


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"time": {"mode": None}}, "nothing could be late under a load: write `mode: real`"),
        ({"load": {"arrivals": {"trace": "no.txt"}}}, "no.txt: No such file or directory"),
        ({"load": {"in_flight": "-1"}}, "load.in_flight: expected a whole number"),
    ],
)
def test_what_cannot_be_loaded_is_one_line_and_exit_2(
    tmp_path: Path, sections: dict[str, Any], words: str
) -> None:
    ran = load(written(tmp_path, GATEWAY, **sections))
    assert ran.code == 2, ran
    assert words in ran.complained
    assert "Traceback" not in ran.complained


def test_run_and_load_send_each_other_what_is_theirs(tmp_path: Path) -> None:
    ran = todoku("run", written(tmp_path, GATEWAY))
    assert ran.code == 2
    assert "is a load test: use `todoku load" in ran.complained
    ran = todoku("load", ROOT / "scenarios/first-campaign.yaml")
    assert ran.code == 2
    assert "no load test: add `load:`, or use `todoku run`" in ran.complained


def wait_until(process: subprocess.Popen[str] | None, so: Callable[[], bool]) -> None:
    """Look until something has come about, as long as a process runs."""
    until = time.monotonic() + PATIENCE_S
    while not so():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


def rows(out: Path, worker: int) -> list[books.Row]:
    """Return what a worker has written into its book so far, without the header."""
    path = out / books.NAME.format(worker=worker)
    return list(books.read_one(path)) if path.is_file() else []


def processes(out: Path) -> dict[str, int]:
    """Return the generator's process ids."""
    found: dict[str, int] = json.loads((out / "processes.json").read_bytes())
    return found
