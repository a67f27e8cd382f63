"""A finished load read from its folder: what the generator left, joined with what the world knows.

outcome.json  books-*.csv  |  events.bin commands.bin arrivals.bin  |  the world  ->  Measured
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.load import books, outcome
from simulator.load.merging import unproven
from simulator.load.shape import lasting_us
from simulator.run.load_join import accepted_in, join_gateway, join_system
from simulator.run.load_measured import Measured, book_reasons, metrics_of, simulator_reasons
from simulator.run.load_receipts import heard_in, receipts
from simulator.run.load_section import section_of
from simulator.run.people import listed, numbers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from simulator.engine.world import World
    from simulator.load.offer import Offer
    from simulator.run.load_join import Joined
    from simulator.run.load_receipts import Pace
    from simulator.scenario import Scenario

OUTCOME = "outcome.json"
BOOKS = books.NAME.format(worker="*")


def measured_in(  # noqa: PLR0913 - a finished load
    out: Path,
    scenario: Scenario,
    world: World,
    *,
    offer: Offer,
    pace: Pace,
    ended: Mapping[str, Any],
    cut: bool,
) -> Measured:
    """Read what a load has measured.

    Args:
        out: the run's folder.
        scenario: of the run.
        world: as it was at the end.
        offer: as locust was given it.
        pace: the simulator's clocks.
        ended: what the simulator said at its end.
        cut: it was interrupted, or a worker was lost.

    Raises:
        ProvesNothing: the generator left nothing that can be read.
    """
    load = scenario.load
    assert load is not None
    found = outcome.read(out / OUTCOME)
    joined = _joined(out, scenario, world, pace)
    heard = heard_in(out, pace)
    clocks = {each.worker: each.clock for each in found.workers}
    ordered = [clocks.get(n) for n in range(max(found.expected, 1))]
    receipt = receipts(joined.pairs, heard, ordered, pace)
    lasts_s = lasting_us(offer.shape) / 1e6
    refused = found.load.results.get(outcome.REFUSED, 0)
    fails = refused if load.refused == "fail" else 0
    return Measured(
        metrics=metrics_of(found, lasts_s, receipt, heard),
        invalid=(
            *(() if cut else (*stopped(found), *unproven(found, offer))),
            *simulator_reasons(ended),
            *book_reasons(joined, found, load, cut=cut or bool(found.lost)),
        ),
        refused_fails=fails,
        unanswered=bool(fails) and refused == found.load.finished,
        section=section_of(
            offer=offer,
            outcome=found,
            joined=joined,
            receipt=receipt,
            heard=heard,
            ended=ended,
            pace=pace,
        ),
        pace=pace,
    )


def stopped(found: outcome.Outcome) -> Iterator[str]:
    """Say that somebody else has ended the generator: what was to come after is not judged."""
    if found.ended == "stopped":
        words = f"the generator was stopped from outside after {found.load.scheduled:,} arrivals"
        yield f"{words}, before its schedule was over: let it end by itself"


def _joined(out: Path, scenario: Scenario, world: World, pace: Pace) -> Joined:
    spelled = dict(zip(listed(scenario), numbers_of(scenario), strict=True))
    rows, sent = books.read(out), accepted_in(world, pace.epoch_at)
    assert scenario.load is not None
    if scenario.load.against == "system":
        return join_system(rows, sent, spelled)
    return join_gateway(rows, sent, spelled, others_send=scenario.sut is not None)


def asked_in(
    out: Path, scenario: Scenario, world: World, load: Measured | None
) -> Mapping[int, int]:
    """Return which arrival asked for a message, by its key, where anybody was asked for twice.

    Args:
        out: the folder of a load that is over, or was none.
        scenario: of the load.
        world: as it was at the end.
        load: what was measured.
    """
    if load is None or load.pace is None or not any(row.k for row in books.read(out)):
        return {}
    return _joined(out, scenario, world, load.pace).asked
