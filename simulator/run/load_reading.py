"""A finished load read from its folder: what the generator left, joined with what the world knows.

outcome.json  books-*.csv  |  events.bin commands.bin arrivals.bin  |  the world  ->  Measured
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.load import books, outcome
from simulator.load.merging import unproven
from simulator.load.shape import lasting_us
from simulator.load.spread import bounds
from simulator.run.load_callbacks import OUTCOME
from simulator.run.load_join import accepted_in, join_gateway, join_system
from simulator.run.load_measured import (
    API_QUANTILES,
    UNANSWERED,
    Measured,
    Sendings,
    api_of,
    book_reasons,
    metrics_of,
    simulator_reasons,
)
from simulator.run.load_receipts import (
    OPEN_RECEIPTS,
    RECEIPT_QUANTILES,
    heard_in,
    receipts,
    wants_receipt,
)
from simulator.run.load_section import section_of
from simulator.run.people import listed, numbers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from simulator.engine.world import World
    from simulator.load.books import Row
    from simulator.load.offer import Offer
    from simulator.load.outcome import Clock, Outcome
    from simulator.load.spread import Bounds, Spread
    from simulator.run.load_join import Joined
    from simulator.run.load_receipts import Pace
    from simulator.scenario import Scenario

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
    sendings = Sendings(found)
    joined = _joined(sendings.of(books.read(out)), scenario, world, pace)
    over_us = pace.epoch_of(ended["over_us"])
    heard = heard_in(out, pace, found.started_at_us, over_us)
    receipt = receipts(joined.pairs, heard, _clocks(found), pace, over_us, wants_receipt(world))
    api, refused = api_of(found, offer), found.load.results.get(outcome.REFUSED, 0)
    known, fails = _known(api, receipt), refused if load.refused == "fail" else 0
    return Measured(
        metrics=metrics_of(found, sendings.rate(lasting_us(offer.shape)), known),
        least=known.least,
        unknown=known.unknown,
        invalid=(
            *(() if cut else (*stopped(found), *unproven(found, offer))),
            *simulator_reasons(ended),
            *book_reasons(joined, found, load, cut=cut or bool(found.lost)),
        ),
        taken=sum(not pair.warm for pair in joined.pairs),
        refused_fails=fails,
        unanswered=bool(fails) and refused == found.load.finished,
        section=section_of(
            offer=offer,
            outcome=found,
            joined=joined,
            api=api,
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


def _known(api: Spread, receipt: Spread) -> Bounds:
    """Return the two latencies of a load as metrics."""
    found = bounds("receipt", receipt, RECEIPT_QUANTILES, OPEN_RECEIPTS)
    return found | bounds("api", api, API_QUANTILES, UNANSWERED)


def _clocks(found: Outcome) -> list[Clock | None]:
    """Return the clock of each worker, in the order of their numbers."""
    clocks = {each.worker: each.clock for each in found.workers}
    return [clocks.get(n) for n in range(max(found.expected, 1))]


def _joined(rows: Iterable[Row], scenario: Scenario, world: World, pace: Pace) -> Joined:
    spelled = dict(zip(listed(scenario), numbers_of(scenario), strict=True))
    sent = accepted_in(world, pace.epoch_at)
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
    return _joined(books.read(out), scenario, world, load.pace).asked
