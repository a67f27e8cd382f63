"""The parts of `todoku load`: the offer, tenants, clocks, reasons, and a child that speaks."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import ConfigError, ProvesNothing
from simulator.load import shape as shapes
from simulator.load.outcome import Clock, Counts, Outcome
from simulator.run import load_join as joins
from simulator.run.load_child import Child
from simulator.run.load_join import Joined
from simulator.run.load_measured import book_reasons, simulator_reasons
from simulator.run.load_offer import lasts_s, offer_of, shape_of
from simulator.run.load_progress import LoadProgress
from simulator.run.load_receipts import Pace, in_our_epoch
from simulator.run.load_tenants import tenanted, weights
from simulator.scenario import Scenario, parse_scenario

S = 1_000_000
MINIMAL: dict[str, Any] = {
    "version": "1",
    "name": "trial",
    "time": {"mode": "real"},
    "people": {"count": "20", "country": "jp", "numbers": "assignable"},
    "accounts": [{"name": "shop", "dialect": "zettai_reach"}],
}


def scenario(load: dict[str, Any], **sections: Any) -> Scenario:
    tree = {**MINIMAL, "load": {"arrivals": {"constant": "10/s", "for": "2s"}, **load}, **sections}
    return parse_scenario(json.dumps(tree), "x.yaml", needs_sut=False)


def shaped(arrivals: dict[str, Any], folder: Path = Path()) -> shapes.Shape:
    load = scenario({"arrivals": arrivals}).load
    assert load is not None
    return shape_of(load.arrivals, folder)


@pytest.mark.parametrize(
    ("arrivals", "shape"),
    [
        ({"constant": "60/min", "for": "2s"}, shapes.Constant(1.0, 2 * S)),
        ({"poisson": "5/s", "for": "2s"}, shapes.Poisson(5.0, 2 * S)),
        ({"ramp": {"from": "0/s", "to": "9/s"}, "for": "2s"}, shapes.Ramp(0.0, 9.0, 2 * S)),
        ({"steps": [{"rate": "3/s", "for": "1s"}]}, shapes.Steps((shapes.Step(3.0, S),))),
        (
            {"spike": {"base": "1/s", "peak": "9/s", "at": "1s", "for": "1s"}, "for": "3s"},
            shapes.Spike(1.0, 9.0, S, S, 3 * S),
        ),
    ],
)
def test_every_shape_of_the_file_is_one_of_the_offer(
    arrivals: dict[str, Any], shape: shapes.Shape
) -> None:
    assert shaped(arrivals) == shape


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_trace_counts_from_its_first_instant_in_any_order(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "log.txt").write_text("1700000012.5\n1700000010\n1700000011.25\n", encoding)
    assert shaped({"trace": "log.txt"}, tmp_path) == shapes.Trace((0, 1_250_000, 2_500_000))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        (b"", "has 0 times: expected 1 to"),
        (b"1\n2\nthree\n", "log.txt:3: expected seconds such as 12.5; seen 'three'"),
        (b"1\nnan\n", "log.txt:2: expected seconds"),
        (b"1\ninf\n", "log.txt:2: expected seconds"),
        (b"0\n100000\n", "goes over more than a day"),
        (b"\xff\xfe1", "it is no text"),
    ],
)
def test_a_trace_that_cannot_be_read_is_one_problem(
    tmp_path: Path, text: bytes | None, words: str
) -> None:
    if text is not None:
        (tmp_path / "log.txt").write_bytes(text)
    with pytest.raises(ConfigError) as refused:
        shaped({"trace": "log.txt"}, tmp_path)
    assert words in str(refused.value)
    assert len(refused.value.problems) == 1


def test_the_offer_says_all_that_the_scenario_does(tmp_path: Path) -> None:
    found = scenario(
        {"warm_up": "1s", "late": {"over": "50ms", "at_most": "2%"}, "refused": "fail"}
    )
    offer = offer_of(
        found,
        shaped({"constant": "10/s", "for": "2s"}),
        run="r",
        url="http://127.0.0.1:1",
        callback="",
        clock=("http://127.0.0.1:2/clock", "t"),
        out=tmp_path,
    )
    [account] = offer.accounts
    assert (account.dialect, account.sender, account.weight) == ("zettai_reach", "000512", 1.0)
    assert (offer.late_after_ms, offer.late_at_most) == (50.0, 0.02)
    assert (offer.refused, offer.workers, offer.against) == ("fail", 1, "gateway")
    assert lasts_s(offer) == 3.0


def test_tenants_are_accounts_of_which_three_quarters_send_and_a_fifth_sends_most() -> None:
    found = tenanted(scenario({"tenants": "300"}))
    assert (
        len({account.id for account in found.accounts}) == 300
    )  # five digits are soon taken twice
    assert len({account.name for account in found.accounts}) == 300
    assert found.world.lane == "own"
    shares = weights(found)
    assert sum(share > 0 for share in shares) >= 225
    assert sum(sorted(shares)[-60:]) > 0.5 * sum(shares)


def test_a_workers_instants_are_moved_only_beyond_the_doubt_of_its_clock() -> None:
    pace = Pace(epoch_us=10 * S, mono_us=0, virtual_us=1_000 * S, rate=60.0)
    ahead = Clock(at_us=11 * S, there_us=1_000 * S, rate=60.0, uncertainty_us=500)
    assert in_our_epoch(11 * S, ahead, pace) == 10 * S
    doubt = Clock(at_us=10 * S + 300, there_us=1_000 * S, rate=60.0, uncertainty_us=500)
    assert in_our_epoch(11 * S, doubt, pace) == in_our_epoch(11 * S, None, pace) == 11 * S


def test_a_busy_simulator_or_a_late_world_has_its_line() -> None:
    busy = [[n * S * 1000, int(n * S * 1000 * 0.9)] for n in range(10)]
    calm = [[n * S * 1000, int(n * S * 1000 * 0.5)] for n in range(10)]
    [line] = simulator_reasons({"samples": busy, "lag_s": 0.1})
    assert line.startswith("the simulator's event loop was busy 90% over 5 s (at most 80%)")
    [line] = simulator_reasons({"samples": calm, "lag_s": 3.0})
    assert line.startswith("the world fell 3.0 s behind its clock (budget 2 s)")
    assert not [*simulator_reasons({"samples": calm, "lag_s": 0.1})]


def outcome(load: Counts) -> Outcome:
    return Outcome(
        run="r",
        seed=1,
        against="gateway",
        url="",
        started_at_us=0,
        ended_at_us=1,
        ended="finished",
        load=load,
        warm=Counts(),
        codes={},
        in_flight=0,
        waiting=0,
        latency={},
        seconds=(),
        workers=(),
        expected=1,
        reported=1,
        lost=(),
        **({"histograms": {}} if "histograms" in Outcome.__struct_fields__ else {}),
    )


@pytest.mark.parametrize(
    ("counts", "started", "cut", "words"),
    [
        ({}, 5, False, ""),
        ({joins.UNTOLD: 2}, 5, False, ""),
        ({joins.UNKNOWN: 1}, 5, False, "1 times answered 2xx, but no message is known"),
        ({joins.TWICE: 1}, 5, True, "1 times one message answered two requests"),
        ({joins.UNBOOKED: 1}, 5, False, "1 messages accepted, but in nobody's books"),
        ({joins.UNBOOKED: 1}, 5, True, ""),
        ({}, 4, False, "the generator counts 5 requests and its books hold 4"),
        ({}, 4, True, ""),
    ],
)
def test_books_that_do_not_join_prove_nothing(
    counts: dict[str, int], started: int, cut: bool, words: str
) -> None:
    load = scenario({}).load
    assert load is not None
    joined = Joined(rows=started, started=started, counts=Counter(counts))
    said = [*book_reasons(joined, outcome(Counts(started=5)), load, cut=cut)]
    assert [words in line for line in said] == ([True] if words else [])


def test_progress_is_a_line_for_each_phase_and_then_by_the_clock() -> None:
    said: list[str] = []
    progress = LoadProgress(scenario({}), terminal=False, say=said.append)
    news = {"accepted": 1200, "callbacks": 3, "busy": 0.25}
    for done in (0.0, 0.5, 1.0):
        progress.step("load", done, {})
    progress.step("drain", 0.25, news)
    assert said == [
        "todoku load trial (seed 1)",
        "load       0%",
        "drain     25%  1,200 accepted, 3 callbacks, simulator busy 25%",
    ]


def test_a_child_says_when_it_is_ready_answers_and_ends_with_its_input(tmp_path: Path) -> None:
    async def talk() -> tuple[dict[str, Any], dict[str, Any]]:
        child = Child("the receiver", tmp_path / "log")
        ready = await child.start("simulator.run.load_receiver")
        port = int(ready["url"].rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /receipts HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=1")
        writer.write(b"POST /receipts HTTP/1.1\r\nHost: x\r\ncontent-length: 0\r\n\r\n")
        for _ in range(2):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 204 No Content\r\n\r\n"
        counted = await child.ask("count", 30.0)
        writer.close()
        await child.stop()
        return ready, counted

    ready, counted = asyncio.run(talk())
    assert ready["url"].startswith("http://127.0.0.1:")
    assert counted["received"] == 2


def test_a_child_that_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    async def start() -> None:
        child = Child("the simulator", tmp_path / "log")
        try:
            await child.start("simulator.run.load_served", str(tmp_path / "nowhere"))
        finally:
            await child.stop()

    with pytest.raises(ProvesNothing) as error:
        asyncio.run(start())
    assert error.value.reason.startswith("the simulator ended by itself (exit status 1): ")
    assert "\n" not in error.value.reason
