"""Loads as they are run: real processes, real sockets, and what they prove."""

from __future__ import annotations

import csv
import json
import os
import signal
import threading
import urllib.request
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import pytest

from simulator.load import books
from simulator.load.histogram import Histogram
from simulator.load.offer import Ask, SystemAsks
from simulator.load.outcome import API, LATENESS, OK, POLL, SERVICE
from tests.loadtests.loads import ended, free_port, left, locust, offer, stub, workers
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    import subprocess

# Looked for, not imported: it would patch the sockets of this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="extra [load] not installed")


def wait_for(seen: object) -> None:
    """Wait until a function returns something true."""
    assert callable(seen)
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.02)):
        if seen():
            return
        pause.wait(0.02)
    pytest.fail("it did not come")


SYSTEM = {
    "against": "system",
    "system": SystemAsks(
        Ask("POST", "/campaigns", '{"to": "$recipients"}'),
        batch=5,
        polls=(Ask("GET", "/status", every_us=100_000),),
    ),
}


class Run(NamedTuple):
    """A load that is over: its offer, its exit code, and what it said."""

    file: Path
    code: int
    said: str


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Run loads beside each other: most of their time is waiting."""
    folder = tmp_path_factory.mktemp("loads")
    freeze = ("--freeze-at=200", "--freeze-s=0.5")
    any_late: dict[str, Any] = {"late_at_most": 1.0}
    same = {**any_late, "warm_up_us": 200_000}
    with ExitStack() as stack:
        plain, *frozen = (stack.enter_context(stub(*flags)) for flags in ((), freeze, freeze))
        files = {
            "killed": offer(plain, 100, 60, folder / "killed", workers=2),  # takes longest
            "wide": offer(frozen[0], 200, 2, folder / "wide", **any_late),
            "narrow": offer(frozen[1], 200, 2, folder / "narrow", in_flight=10),
            "alone": offer(plain, 150, 1, folder / "alone", **same),
            "both": offer(plain, 150, 1, folder / "both", workers=2, **same),
            "stopped": offer(plain, 100, 60, folder / "stopped", **any_late),
            "system": offer(plain, 20, 1, folder / "system", **any_late, **SYSTEM),
        }
        processes = {
            name: locust(
                *("--offer", file, "--csv", file.with_name("locust")),
                *(workers(2) if name in {"both", "killed"} else ()),
                file="system" if name == "system" else "gateway",
            )
            for name, file in files.items()
        }
        _kill_a_worker(processes["killed"], files["killed"])
        _wait_for_rows(files["stopped"], worker=0)
        processes["stopped"].send_signal(signal.SIGTERM)
        page = _by_page(plain, folder / "page")
        return {
            **{name: Run(files[name], *ended(run)) for name, run in processes.items()},
            "page": page,
        }


def _kill_a_worker(master: subprocess.Popen[str], file: Path) -> None:
    """End a worker without a word, in the middle of its share."""
    _wait_for_rows(file, worker=1)
    children = Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)


def _wait_for_rows(file: Path, worker: int) -> None:
    book = file.with_name(books.NAME.format(worker=worker))
    wait_for(lambda: book.exists() and len(list(books.read_one(book))) > 5)


def test_a_target_that_freezes_is_seen_by_as_many_arrivals_as_there_were(
    runs: dict[str, Run],
) -> None:
    """Frozen 0.5 s of 2 s at 200/s: a closed loop would see one slow answer for each user."""
    file, code, said = runs["wide"]
    outcome = left(file)
    assert code == 0, said
    assert outcome.load.results == {OK: 400}
    # A hundred came while it was frozen; eighty of them more than 0.1 s before its end.
    assert Histogram.decode(outcome.histograms[API]).above(100_000) >= 75
    assert outcome.latency[API].p90_us > 100_000


def test_a_load_that_may_not_have_enough_in_flight_proves_nothing(runs: dict[str, Run]) -> None:
    file, code, said = runs["narrow"]
    outcome = left(file)
    assert code == 3
    assert outcome.load.late >= 65  # of the same eighty; ten were sent, five had just come
    assert Histogram.decode(outcome.histograms[API]).above(100_000) >= 75
    assert "proves nothing: " in said
    assert "arrivals were late" in outcome.unproven[0]
    [worker] = outcome.workers
    assert worker.crowd.late == outcome.load.late
    assert worker.crowd.oldest_us > 300_000  # of the frozen half second


def test_one_process_and_two_workers_replay_the_same_schedule(runs: dict[str, Run]) -> None:
    played = []
    for name in ("alone", "both"):
        file, code, said = runs[name]
        assert code == 0, said
        outcome = left(file)
        assert outcome.load.results == {OK: 150}
        assert outcome.warm.results == {OK: 30}
        start = {worker.worker: worker.started_at_us for worker in outcome.workers}
        played.append(
            sorted(
                (r.n, r.warm, r.recipient, r.k, r.intended_us - start[r.n % len(start)])
                for r in books.read(file.parent)
            )
        )
    assert played[0] == played[1]
    assert [row[0] for row in played[0]] == list(range(180))


def test_the_merged_histograms_are_the_sum_of_the_workers(runs: dict[str, Run]) -> None:
    merged = left(runs["both"].file)
    assert [worker.load.finished for worker in merged.workers] == [75, 75]
    for name in (API, SERVICE, LATENESS):
        total = Histogram()
        for worker in merged.workers:
            total.add(Histogram.decode(worker.histograms[name]))
        assert Histogram.decode(merged.histograms[name]).sparse() == total.sparse()
        assert total.count == 150
    assert sum(second.finished for second in merged.seconds) == 180


def test_locust_s_own_tables_have_the_same_requests(runs: dict[str, Run]) -> None:
    for name, others in (("alone", 30), ("both", 30), ("wide", 0)):
        file = runs[name].file
        with file.with_name("locust_stats.csv").open(encoding="utf-8") as table:
            [create, total] = csv.DictReader(table)
        assert create["Name"] == "create"
        assert create["Request Count"] == total["Request Count"]
        assert int(create["Request Count"]) == left(file).load.finished + others
        assert create["Failure Count"] == "0"


def test_campaigns_are_started_in_a_system_and_its_pages_are_asked_for(
    runs: dict[str, Run],
) -> None:
    file, code, said = runs["system"]
    outcome = left(file)
    assert code == 0, said
    assert outcome.load.results == {OK: 20}
    assert outcome.latency[POLL].count > 0
    rows = sorted(books.read(file.parent))
    assert [row.n for row in rows] == list(range(20))
    assert len({row.recipient for row in rows}) == 20


def test_a_worker_that_is_killed_ends_the_load_and_is_missed(runs: dict[str, Run]) -> None:
    file, code, said = runs["killed"]
    outcome = left(file)
    assert code == 3, said
    assert outcome.ended == "lost"
    assert len(outcome.lost) == 1
    assert "proves nothing: 1 of 2 workers was lost" in said
    assert outcome.load.scheduled < 20 * 100  # it ended long before its schedule
    assert {row.n % 2 for row in books.read(file.parent)} == {0, 1}  # the lost one's rows too


def test_a_load_that_is_stopped_leaves_what_it_has(runs: dict[str, Run]) -> None:
    file, code, said = runs["stopped"]
    outcome = left(file)
    assert code == 0, said
    assert outcome.ended == "stopped"
    load = outcome.load
    assert 5 < load.started < 60 * 100
    assert load.finished + outcome.in_flight == load.started
    assert len(list(books.read(file.parent))) == load.finished + load.dropped


def test_the_web_ui_starts_a_load_as_it_starts_any_other(runs: dict[str, Run]) -> None:
    file, code, said = runs["page"]
    assert code == 0, said
    outcome = left(file)
    assert (outcome.load.results, outcome.seed) == ({OK: 50}, 7)
    shown = json.loads(file.with_name("shown.json").read_bytes())
    assert [entry["num_requests"] for entry in shown["stats"]] == [50, 50]
    assert "create" in file.with_name("page.html").read_text("utf-8")


def _by_page(url: str, folder: Path) -> Run:
    """Start a load as people do in a browser; keep what it shows."""
    folder.mkdir()
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    flags = ("--host", url, "--web-port", port, "--web-host", "127.0.0.1", "--out", folder)
    process = locust(*flags, ui=True)
    try:
        wait_for(partial(_open, f"{base}/"))
        form = urlencode({"user_count": 50, "spawn_rate": 50, "run_time": "1s", "seed": "7"})
        assert json.loads(_open(f"{base}/swarm", form))["success"]
        wait_for((folder / "outcome.json").exists)
        (folder / "shown.json").write_text(_open(f"{base}/stats/requests"), "utf-8")
        (folder / "page.html").write_text(_open(f"{base}/stats/report"), "utf-8")
    finally:
        process.send_signal(signal.SIGTERM)
        over = ended(process)
    return Run(folder / "offer.json", *over)


def _open(url: str, form: str | None = None) -> str:
    """Return a page; empty while nobody listens."""
    try:
        with urllib.request.urlopen(url, form.encode() if form else None, timeout=5) as page:
            text: str = page.read().decode()
    except OSError:
        return ""
    return text
