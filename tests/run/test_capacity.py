"""A search for the knee, from what its loads left to the files, the pictures and the verdict."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from simulator.errors import ExitCode, UsageError
from simulator.load import offer as offers
from simulator.load import outcome as outcomes
from simulator.load.bottleneck import Signs, Who
from simulator.load.finder import Ask, End, Found, Plan, Step, find
from simulator.load.outcome import Counts, Health, Latency, Outcome, Second, Worker
from simulator.load.shape import Constant
from simulator.run.capacity import Wish, plan_of
from simulator.run.capacity_files import DOCUMENT, PICTURE, TABLE, Search
from simulator.run.capacity_plot import svg, terminal
from simulator.run.capacity_show import coming, line
from simulator.run.capacity_step import Measured, measured
from simulator.run.capacity_verdict import verdict
from simulator.scenario import load_scenario
from simulator.scenario_overlays import Offered, with_rate
from tests.load.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

SCENARIO = Path(__file__).parents[2] / "scenarios" / "capacity-outreach.yaml"
RATE = 100


def a_worker(counts: Counts, health: tuple[Health, ...]) -> Worker:
    own: dict[str, Any] = {"lost": False, "done": True, "histograms": {}, "clock": None}
    return Worker(worker=0, name="w", started_at_us=0, load=counts, health=health, **own)


def left(folder: Path, results: Mapping[str, int], **changes: Any) -> Path:
    """Leave what a load of four seconds at 100/s leaves."""
    counts = Counts(scheduled=400, started=400, results=dict(results))
    each = sum(results.values()) // 4
    bad = each - (results.get("2xx", 0) + results.get("4xx", 0)) // 4
    seconds = [Second(n, RATE, RATE, each, bad, 0, 3, 4_000, 9_000) for n in range(4)]
    seconds.insert(0, Second(-1, RATE, RATE, RATE, 0, 0, 3, 4_000, 9_000))  # the warm-up
    health = tuple(Health(n, 0.25, 100) for n in range(-1, 4))
    outcome = Outcome(
        run="r",
        seed=1,
        against="system",
        url="http://127.0.0.1:1",
        started_at_us=0,
        ended_at_us=4_000_000,
        ended="finished",
        load=counts,
        warm=Counts(),
        codes={},
        in_flight=0,
        waiting=0,
        histograms={},
        latency={
            outcomes.API: Latency(400, 5_000, 4_500, 8_000, 12_000, 13_000, 14_000),
            outcomes.SERVICE: Latency(400, 4_000, 4_500, 8_000, 12_000, 13_000, 14_000),
        },
        seconds=tuple(seconds),
        workers=(a_worker(counts, health),),
        expected=1,
        reported=1,
        lost=(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    outcomes.write(msgspec.structs.replace(outcome, **changes), folder / "outcome.json")
    offer = offers.Offer(
        run="r", seed=1, url="http://127.0.0.1:1", shape=Constant(RATE, 4_000_000), in_flight=50
    )
    offers.write(offer, folder / "offer.json")
    return folder


def a_search(out: Path, limit: float = 700, at_least: float | None = None) -> Search:
    """Return a search of a model, as if it had just come to its end."""
    search = Search(load_scenario(SCENARIO), Plan(), out, at_least)
    target = Target(limit, 3, spoilt=0, late=0)
    search.found, steps = find(target, search.plan)
    for nth, step in enumerate(steps, 1):
        refused = max(0.0, 1 - limit / step.rate)
        signs = Signs(against="system", generator=0.2, throttled=refused)
        search.measured.append(Measured(step, signs, f"{nth:02}"))
    return search


# One step.


def test_a_step_is_read_from_what_its_load_left(tmp_path: Path) -> None:
    folder = left(tmp_path / "07-100", {"2xx": 360, "429": 40})
    got = measured(folder, RATE, ExitCode.FAILED, "FAIL: refused: expected at most 1%", 21.5)
    assert got.step == Step(
        rate=RATE,
        met=False,
        why="refused: expected at most 1%",
        achieved=90,
        p50_ms=4.5,
        p99_ms=12,
        concurrency=0.4,
        seconds=21.5,
    )
    assert got.signs == Signs(against="system", generator=0.25, throttled=0.1, places=3 / 50)
    assert got.folder == "07-100"


def test_a_step_that_passed_needs_no_reason(tmp_path: Path) -> None:
    folder = left(tmp_path, {"2xx": 400})
    got = measured(folder, RATE, ExitCode.OK, "PASS: 3 expectations hold", 20)
    assert (got.step.met, got.step.why, got.step.achieved) == (True, "", 100)


def test_what_the_providers_limits_refused_is_read_from_the_report(tmp_path: Path) -> None:
    folder = left(tmp_path, {"2xx": 400})
    refused = {"clinic: too_many_requests": 20, "clinic: opted_out": 7}
    report = {"truth": {"refused": refused}, "load": {"simulator": {"busiest": 0.4}}}
    (folder / "report.json").write_text(json.dumps(report))
    got = measured(folder, RATE, ExitCode.FAILED, "FAIL: x", 1)
    assert (got.signs.limited, got.signs.simulator) == (0.05, 0.4)


@pytest.mark.parametrize("name", ["outcome.json", "offer.json"])
def test_a_load_that_left_too_little_proves_nothing(tmp_path: Path, name: str) -> None:
    folder = left(tmp_path, {"2xx": 400})
    (folder / name).write_text("{")
    words = "PROVES NOTHING: a worker was lost"
    got = measured(folder, RATE, ExitCode.PROVES_NOTHING, words, 1)
    assert (got.step.met, got.step.why) == (None, "a worker was lost")


@pytest.mark.parametrize(
    ("in_flight", "cpu", "met"), [(50, 0.3, False), (50, 0.9, None), (9, 0.3, None)]
)
def test_a_system_that_holds_every_place_has_failed_though_arrivals_were_dropped(
    tmp_path: Path, in_flight: int, cpu: float, met: bool | None
) -> None:
    full = tuple(Second(n, 100, 100, 20, 0, 9, in_flight, 4_000, 9_000) for n in range(4))
    health = tuple(Health(n, cpu, 100) for n in range(4))
    worker = a_worker(Counts(), health)
    folder = left(tmp_path, {"2xx": 80}, seconds=full, workers=(worker,))
    words = "PROVES NOTHING: 36 of 400 arrivals were dropped"
    got = measured(folder, RATE, ExitCode.PROVES_NOTHING, words, 1)
    assert got.step.met is met


# The command line.


def test_what_the_command_line_wants_becomes_a_plan() -> None:
    wish = Wish(first="600/min", most="2000/s", at_least="500/s", within="3%")
    plan, at_least = plan_of(wish)
    assert plan == Plan(first=10, most=2000, within=0.03, wanted=500)
    assert at_least == 500
    assert plan_of(Wish()) == (Plan(), None)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(first="fast"), "--from"),
        (Wish(most="0/s"), "--up-to"),
        (Wish(at_least="1e9/s"), "--at-least"),
        (Wish(most="200000/s"), "at most 100000/s"),
        (Wish(within="0.1%"), "--within: 1% to 50%"),
        (Wish(within="wide"), "--within"),
        (Wish(first="20/s", most="10/s"), "--from 20/s is more than --up-to 10/s"),
        (Wish(at_least="20/s", most="10/s", first="5/s"), "--at-least 20/s is more than"),
    ],
)
def test_a_wish_that_cannot_be_is_one_line(wish: Wish, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        plan_of(wish)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arrivals", "becomes"),
    [
        ({"constant": "5/s", "for": "30s"}, {"constant": "9/s", "for": "30s"}),
        ({"poisson": "5/s", "for": "30s"}, {"poisson": "9/s", "for": "30s"}),
        ({"trace": "times.txt"}, {"constant": "9/s", "for": "10s"}),
        ("nonsense", {"constant": "9/s", "for": "10s"}),
    ],
)
def test_a_rate_takes_the_place_of_any_arrivals(arrivals: Any, becomes: Any) -> None:
    tree: Any = with_rate({"load": {"arrivals": arrivals, "drain": "5s"}}, Offered("9/s"))
    assert tree == {"load": {"arrivals": becomes, "drain": "5s"}}
    assert with_rate({"name": "x"}, Offered("9/s")) == {"name": "x"}


def test_the_scenario_takes_the_rate_and_the_length_of_a_step() -> None:
    scenario = load_scenario(SCENARIO, offered=Offered("250/s", "4s"))
    assert scenario.load is not None
    assert scenario.load.arrivals.constant == 250
    assert scenario.load.arrivals.lasts_us == 4_000_000


# What is shown and written.


def test_a_search_leaves_a_document_a_table_and_a_picture(tmp_path: Path) -> None:
    search = a_search(tmp_path)
    search.write()
    search.draw()
    document = json.loads((tmp_path / DOCUMENT).read_text())
    assert document["found"]["knee"] == 703
    assert document["verdict"]["exit_code"] == 0
    assert document["bottleneck"]["who"] == Who.SYSTEM.value
    assert len(document["steps"]) == len(search.steps)
    rows = list(csv.DictReader((tmp_path / TABLE).open(encoding="utf-8")))
    assert [float(row["rate"]) for row in rows] == [step.rate for step in search.steps]
    assert {row["met"] for row in rows} == {"yes", "no"}
    assert (tmp_path / PICTURE).exists()


def test_the_picture_needs_nothing_beside_it_and_runs_nothing(tmp_path: Path) -> None:
    search = a_search(tmp_path)
    assert search.found is not None
    for name in ("a.svg", "b.svg"):
        svg(tmp_path / name, search.steps, search.found, "knee of <b>$x$ & 到達")
    text = (tmp_path / "a.svg").read_text("utf-8")
    assert text == (tmp_path / "b.svg").read_text("utf-8"), "the same search, the same picture"
    words = [e.text for e in ET.fromstring(text).iter() if e.tag.endswith("}text")]
    assert {"knee of <b>$x$ & 到達", "the knee, 703/s"} <= set(words)
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
    assert not tags & {"script", "image", "foreignObject", "a"}
    refers = [
        value
        for element in ET.fromstring(text).iter()
        for name, value in element.attrib.items()
        if name.endswith(("href", "src"))
    ]
    assert all(value.startswith("#") for value in refers)
    assert "@import" not in text


def test_the_terminal_shows_both_curves_and_the_knee(tmp_path: Path) -> None:
    search = a_search(tmp_path)
    assert search.found is not None
    shown = terminal(search.steps, search.found)
    assert "finished /s, against offered /s" in shown
    assert "p99 ms, against offered /s" in shown
    assert "│       │" in shown, "the line of the knee"
    assert "\x1b" not in shown
    assert terminal([], search.found) == ""


def test_a_search_of_which_nothing_is_known_draws_nothing(tmp_path: Path) -> None:
    search = Search(load_scenario(SCENARIO), Plan(), tmp_path)
    search.measured.append(Measured(Step(rate=50, met=None, why="late"), Signs(), "01"))
    search.found = Found(end=End.BROKE, knee=None, fails_at=None, words="50/s proved nothing")
    search.write()
    search.draw()
    assert not (tmp_path / PICTURE).exists()
    assert json.loads((tmp_path / DOCUMENT).read_text())["verdict"]["exit_code"] == 3


def test_a_step_is_one_line_and_so_is_what_comes_next() -> None:
    step = Step(rate=800, met=False, why="12% refused", achieved=700.4, p99_ms=8.21, seconds=21)
    assert line(5, step) == ("step 5: 800/s not met (700.4/s done, p99 8.21 ms, 21 s): 12% refused")
    assert coming(Ask(566, "between 400 and 800", 6), [step], 9) == (
        "next: 566/s (between 400 and 800); about 6 more after it, 2 min in all"
    )
    assert coming(Ask(50, "the first", 0), [], 45) == "next: 50/s (the first); 45 s in all"


# The verdict.

KNEE = Found(end=End.KNEE, knee=673, fails_at=703, words="the knee is at 673/s")
BEYOND = Found(end=End.BEYOND, knee=800, fails_at=None, words="no knee up to 800/s")
NEVER = Found(end=End.NEVER, knee=None, fails_at=1, words="not even 1/s is met")
BROKE = Found(end=End.BROKE, knee=400, fails_at=None, words="800/s proved nothing")


@pytest.mark.parametrize(
    ("found", "at_least", "code"),
    [
        (KNEE, None, 0),
        (KNEE, 673, 0),
        (KNEE, 703, 1),
        (KNEE, 900, 1),
        (BEYOND, None, 3),
        (BEYOND, 800, 0),
        (NEVER, None, 3),
        (NEVER, 10, 1),
        (BROKE, None, 3),
        (BROKE, 400, 0),
        (BROKE, 500, 3),
    ],
)
def test_a_knee_passes_and_a_rate_that_was_asked_for_decides(
    found: Found, at_least: float | None, code: int
) -> None:
    got, words = verdict(found, at_least, "the system refuses")
    assert got == code
    assert words.endswith(f"{found.words}; the system refuses")
    assert words.startswith({0: "PASS: ", 1: "FAIL: ", 3: "PROVES NOTHING: "}[code])


def test_a_search_that_was_stopped_by_hand_says_so() -> None:
    got, words = verdict(None, 100, interrupted=True)
    assert got == 130
    assert words == "INTERRUPTED, so far: the search did not come to its end"


def test_the_bottleneck_is_that_of_the_rate_above_the_knee_and_not_of_a_bad_moment_below(
    tmp_path: Path,
) -> None:
    search = a_search(tmp_path)
    bad = Step(rate=100, met=False, why="a bad moment", p99_ms=900)
    search.measured.insert(2, Measured(bad, Signs(against="system", broken=0.5), "02"))
    found = search.bottleneck()
    assert found is not None
    assert "answered 429" in found.words
