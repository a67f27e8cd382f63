"""Loads that do not end by their schedule: killed, interrupted, or with a target that is none.

They judge no time, so they run a few beside each other.
"""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Any

import pytest

from simulator.load import books
from tests.run.runs import SYSTEMS, Ran, alive, begin, finish, written
from tests.run.test_load import GATEWAY, RATE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

# Looked for, not imported: it would patch the sockets of this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="extra [load] not installed")

PATIENCE_S = 60.0
LOST_S = 15
ENOUGH = 4  # rows in a book, and the load is under way
AT_ONCE = 4
HANGS = {"command": "python -m tests.loadtests.hostile hang {port}", "ready": "GET /health"}
DEAF: dict[str, Any] = {
    **GATEWAY,
    "sut": {"command": f"python {SYSTEMS / 'deaf.py'}", "start": {"request": "POST /go"}},
}
AFTER_THE_WARM_UP = {
    "name": "down",
    "seam": "api",
    "when": {"request": "send", "nth": {"from": RATE + 1, "to": 1_000}},
    "then": {"reject": 503},
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Run what judges no time, a few beside each other: much of it is waiting."""
    folder = tmp_path_factory.mktemp("many")
    two = {"workers": 2, "arrivals": {"constant": f"{RATE}/s", "for": "10m"}}
    one = {**two, "workers": 1}
    target = {"against": "system"}
    stalls = {"in_flight": 3, "timeout": "2s", "dropped": {"after": "1s", "at_most": "100%"}}
    stalls |= {"late": {"over": "100ms"}, "arrivals": {"constant": f"{RATE}/s", "for": "2s"}}
    hangs = {"sut": {**DEAF["sut"], **HANGS}}
    loads: dict[str, Callable[[Path], Ran]] = {
        "worker": lambda at: ended_by(at, two, lambda _, out: kill(processes(out)["worker-1"])),
        "master": lambda at: ended_by(at, two, lambda _, out: kill(processes(out)["master"])),
        "orphaned": lambda at: ended_by(at, two, lambda load, _: load.kill()),
        "receiver": lambda at: ended_by(at, one, lambda load, _: kill(receiver_of(load.pid))),
        "interrupted": lambda at: ended_by(at, one, lambda load, _: load.send_signal(SIGINT)),
        "hanging": lambda at: load(at, DEAF, load={**target, **stalls}, **hangs),
        "fail": lambda at: load(at, DEAF, load={**target, "refused": "fail"}),
        "proves-nothing": lambda at: load(at, DEAF, load={**target, "refused": "proves-nothing"}),
        "none": lambda at: load(at, load={"arrivals": {"poisson": "1/s", "for": "1s"}}, seed=4),
        "refused": lambda at: load(at, load={"warm_up": "1s"}, rules=[AFTER_THE_WARM_UP]),
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {name: pool.submit(load, folder / name) for name, load in loads.items()}
        return {name: run.result() for name, run in runs.items()}


def load(at: Path, base: dict[str, Any] | None = None, **sections: Any) -> Ran:
    out = at / "out"
    return finish(begin("load", written(at, base or GATEWAY, **sections), "--out", out), out)


def ended_by(
    at: Path, section: dict[str, Any], act: Callable[[subprocess.Popen[str], Path], object]
) -> Ran:
    """Begin a load that would take long, and act when every worker has written enough."""
    out = at / "out"
    process = begin("load", written(at, GATEWAY, load=section), "--out", out)
    wait_until(process, lambda: len(rows(out, section["workers"] - 1)) >= ENOUGH)
    act(process, out)
    return finish(process, out)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def receiver_of(pid: int) -> int:
    """Return the process that takes callbacks."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    [found] = [c for c in children if b"load_receiver" in Path(f"/proc/{c}/cmdline").read_bytes()]
    return int(found)


def test_a_worker_that_is_killed_makes_the_run_worthless_within_15_s(many: dict[str, Ran]) -> None:
    ran = many["worker"]
    assert ran.code == 3, ran
    assert "PROVES NOTHING: a worker was lost: worker-1 was ended by SIGKILL" in ran.last
    assert len(list(books.read(ran.out))) >= ENOUGH  # what it had written can be read
    assert ran.report["load"]["counts"]["scheduled"] < LOST_S * RATE
    assert not any(map(alive, processes(ran.out).values()))


def test_a_master_that_is_killed_is_said_and_what_was_sent_is_kept(many: dict[str, Ran]) -> None:
    ran = many["master"]
    assert ran.code == 3, ran
    words = "the load's master process was killed (SIGKILL), so nobody has added its numbers up"
    where = f"what was sent until then is in {ran.out}/books-*.csv: run it again"
    assert ran.last == f"PROVES NOTHING: {words}; {where}"
    assert len(list(books.read(ran.out))) >= ENOUGH
    assert not any(map(alive, processes(ran.out).values()))


def test_a_receiver_that_is_killed_ends_the_load(many: dict[str, Ran]) -> None:
    ran = many["receiver"]
    assert ran.code == 3, ran
    words = "the receiver of callbacks ended by itself (signal SIGKILL) in the middle of the load"
    assert ran.last == f"PROVES NOTHING: {words}"
    assert ran.report["load"]["counts"]["scheduled"] < LOST_S * RATE


def test_bad_input_48_an_interrupt_ends_everything_and_leaves_a_partial_report(
    many: dict[str, Ran],
) -> None:
    ran = many["interrupted"]
    assert ran.code == 130, ran
    assert ran.last.startswith("INTERRUPTED, so far: 1 of 1 expectation holds")
    assert ENOUGH <= ran.report["load"]["counts"]["started"] < LOST_S * RATE
    assert not any(map(alive, processes(ran.out).values()))


def test_a_load_that_is_killed_leaves_no_process_behind(many: dict[str, Ran]) -> None:
    out = many["orphaned"].out
    wait_until(None, lambda: not any(map(alive, processes(out).values())))


@pytest.mark.parametrize(
    ("refused", "code", "words"),
    [
        ("fail", 1, "not: the target refuses no connection"),
        ("proves-nothing", 3, "connections were refused: is the target running?"),
    ],
)
def test_a_target_that_refuses_connections_ends_as_the_scenario_says(
    many: dict[str, Ran], refused: str, code: int, words: str
) -> None:
    ran = many[refused]
    assert ran.code == code, ran
    assert words in ran.last


def test_a_target_that_answers_nobody_is_blamed_for_what_came_late(many: dict[str, Ran]) -> None:
    ran = many["hanging"]
    assert ran.code == 3, ran
    counts = ran.report["load"]["counts"]
    assert counts["results"] == {"timeout": counts["started"]}
    assert counts["started"] + counts["dropped"] == counts["scheduled"] == 2 * RATE
    assert "all 3 places in flight were held by requests that the target had not answ" in ran.last


def test_bad_input_47_a_run_of_no_requests_proves_nothing(many: dict[str, Ran]) -> None:
    ran = many["none"]
    assert (ran.code, ran.last) == (3, "PROVES NOTHING: nothing was sent")


def test_a_load_of_which_only_the_warm_up_was_accepted_proves_nothing(many: dict[str, Ran]) -> None:
    ran = many["refused"]
    assert ran.code == 3, ran
    assert f"PROVES NOTHING: no message was accepted of {RATE} requests" in ran.last
    assert ran.report["metrics"]["accepted"] == RATE


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
