"""Parts become an outcome: their sum is the whole, and what it does not prove is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ProvesNothing
from simulator.load import outcome as o
from simulator.load.histogram import Histogram
from simulator.load.merging import End, merge, newest
from simulator.load.offer import Offer
from simulator.load.shape import US, Constant

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("hdrh", reason="extra [load] not installed")

OFFER = Offer(run="r", seed=1, url="http://127.0.0.1:1", shape=Constant(10, US), workers=2)


def histogram(values: list[int]) -> Histogram:
    made = Histogram()
    made.record(values)
    return made


def part(worker: int = 0, seq: int = 1, values: tuple[int, ...] = (5,), **changes: Any) -> o.Part:
    made = histogram([*values])
    counts = o.Counts(len(values), len(values), 0, 0, {o.OK: len(values)})
    tick = o.Tick(0, len(values), len(values), len(values), cells=made.sparse())
    whole = o.Part(
        run="r",
        worker=worker,
        workers=2,
        name=f"w{worker}",
        seq=seq,
        started_at_us=9,
        load=counts,
        warm=o.Counts(),
        codes={},
        in_flight=0,
        waiting=0,
        histograms={o.API: made.encode()},
        ticks=(tick,),
        health=(o.Health(0, 0.2, 100),),
        done=True,
    )
    return msgspec.structs.replace(whole, **changes)


def outcome(*parts: o.Part, offer: Offer = OFFER, lost: tuple[str, ...] = ()) -> o.Outcome:
    return merge(offer, parts, End("lost" if lost else "finished", 9, 10, lost))


@given(st.lists(st.lists(st.integers(0, 10**7), max_size=30), min_size=1, max_size=4))
def test_the_outcome_is_the_sum_of_the_parts(many: list[list[int]]) -> None:
    whole = outcome(*(part(worker, values=tuple(v)) for worker, v in enumerate(many)))
    flat = [value for values in many for value in values]
    assert whole.load.results == {o.OK: len(flat)}
    assert Histogram.decode(whole.histograms[o.API]).sparse() == histogram(flat).sparse()
    assert whole.latency[o.API].count == len(flat)
    assert whole.seconds[0].p99_us == histogram(flat).percentile(99)
    assert whole.seconds[0].finished == len(flat)


@given(st.permutations([1, 2, 3, 2]))
def test_reports_may_come_twice_and_in_any_order(order: list[int]) -> None:
    def report(seq: int) -> o.Part:
        ticks = tuple(o.Tick(s, finished=seq) for s in range(max(seq - 2, 0), seq))
        return part(0, seq, values=(7,) * seq, ticks=ticks, done=seq == 3)

    known = None
    for seq in order:
        known = newest(known, report(seq))
    assert known is not None
    assert known.done
    assert known.load.finished == 3
    assert [(tick.second, tick.finished) for tick in known.ticks] == [(0, 2), (1, 3), (2, 3)]


def unproven(*parts: o.Part, offer: Offer = OFFER, lost: tuple[str, ...] = ()) -> str:
    return "; ".join(outcome(*parts, offer=offer, lost=lost).unproven)


def counted(**counts: Any) -> o.Counts:
    return o.Counts(**{"scheduled": 1000, "started": 1000, "results": {o.OK: 1000}, **counts})


def test_a_load_that_went_as_it_was_meant_proves_what_it_shows() -> None:
    assert unproven(part(0), part(1)) == ""


def test_a_load_that_sent_nothing_proves_nothing() -> None:
    assert "nothing was sent" in unproven(part(0, values=()), part(1, values=()))


def test_a_worker_that_was_lost_or_never_came_is_missed() -> None:
    assert "1 of 2 workers was lost: w1" in unproven(part(0), part(1), lost=("w1",))
    assert "1 of 2 workers reported" in unproven(part(0))


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"late": 20}, ""),
        ({"late": 21}, "21 of 2000 arrivals were late (1.05%, at most 1% may be)"),
        ({"dropped": 1, "started": 999}, "1 of 2000 arrivals were dropped"),
    ],
)
def test_late_and_dropped_arrivals_have_a_budget(counts: dict[str, int], says: str) -> None:
    said = unproven(part(0, load=counted(**counts)), part(1, load=counted()))
    assert says in said
    assert bool(says) == bool(said)


@pytest.mark.parametrize(("shares", "busy"), [([0.99] * 4, False), ([0.4, *[0.99] * 5], True)])
def test_a_generator_that_was_busy_itself_proves_nothing(shares: list[float], busy: bool) -> None:
    health = tuple(o.Health(second, share, 0) for second, share in enumerate(shares))
    assert (
        "worker 1 was saturated: 99% of a core" in unproven(part(0), part(1, health=health))
    ) == busy


HELD = {"late": 400, "oldest_us": 4_200_000, "lag_us": 30_000}
TARGET = "all 1200 places in flight of a worker were held by requests that the target had not "
OWN = "the generator itself was behind: more workers or a lower rate are needed"


@pytest.mark.parametrize(
    ("crowd", "cpu", "says"),
    [
        (HELD, 0.2, f"{TARGET}answered, the oldest for 4.2 s: the target stalled"),
        ({**HELD, "late": 390}, 0.2, TARGET),  # the other ten are within the budget of 20
        ({**HELD, "late": 370}, 0.2, OWN),  # thirty had a place, and were late all the same
        ({}, 0.2, OWN),
        (HELD, 0.99, OWN),
        ({**HELD, "lag_us": 2_500_000}, 0.2, OWN),  # answers had come, and were not read
    ],
)
def test_who_made_arrivals_late_is_blamed_for_it(
    crowd: dict[str, int], cpu: float, says: str
) -> None:
    health = tuple(o.Health(second, cpu, 0) for second in range(6))
    late = part(1, load=counted(late=400), crowd=o.Crowd(**crowd), health=health)
    said = unproven(part(0, load=counted()), late)
    assert says in said
    assert ("target" in said) == (OWN not in said)


def test_a_target_that_held_every_place_is_blamed_for_what_was_dropped() -> None:
    crowd = o.Crowd(dropped=7, oldest_us=9_000_000)
    said = unproven(part(0, load=counted(dropped=7, started=993), crowd=crowd), part(1))
    assert said.startswith("7 of 1001 arrivals were dropped")
    assert "the oldest for 9 s" in said
    assert said.endswith("allow more in flight to see how it does then")


def test_a_reason_that_holds_for_both_is_said_once() -> None:
    crowd = o.Crowd(late=90, dropped=7, oldest_us=9_000_000)
    load = counted(dropped=7, late=90, started=993)
    said = unproven(part(0, load=load, crowd=crowd), part(1))
    assert said.count("allow more in flight") == 1
    assert said.endswith("at most 1% may be): for the same reason")


def test_refused_connections_fail_or_prove_nothing_by_what_was_asked() -> None:
    refused = part(1, load=counted(results={o.REFUSED: 1000}))
    assert unproven(part(0), refused) == ""
    strict = msgspec.structs.replace(OFFER, refused="proves-nothing")
    assert "1000 connections were refused" in unproven(part(0), refused, offer=strict)


def test_what_failed_is_what_is_neither_taken_nor_opted_out_of() -> None:
    counts = o.Counts(results={o.OK: 5, o.OPTED_OUT: 4, o.REJECTED: 3, o.BROKEN: 2, o.TIMEOUT: 1})
    assert (counts.finished, counts.failed) == (15, 6)


def test_an_outcome_survives_its_file_and_a_missing_one_proves_nothing(tmp_path: Path) -> None:
    made = outcome(part(0), part(1, clock=o.Clock(10, 1000, 60.0, 5)))
    o.write(made, tmp_path / "outcome.json")
    assert o.read(tmp_path / "outcome.json") == made
    assert [path.name for path in tmp_path.iterdir()] == ["outcome.json"]
    with pytest.raises(ProvesNothing, match="left no outcome"):
        o.read(tmp_path / "none.json")


def test_another_clock_is_read_by_its_rate() -> None:
    clock = o.Clock(at_us=1_000, there_us=50_000, rate=60.0, uncertainty_us=3)
    assert [clock.there(at) for at in (1_000, 1_010, 990)] == [50_000, 50_600, 49_400]
