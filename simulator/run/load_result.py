"""A load that is over, as a report: the world read back, the books joined, the verdict.

The one rule: it is the judgement of every run (`judging.py`), on facts that are read back, as
`todoku check` reads them; a load only adds what it has measured, and why that may be worth nothing.
"""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Any

import msgspec

from simulator import __version__
from simulator.engine.world import DEFAULT, World
from simulator.errors import ProvesNothing
from simulator.run.check import world_of
from simulator.run.facts import facts_of
from simulator.run.judging import judged
from simulator.run.kept import (
    FILE,
    Ended,
    Kept,
    copies,
    digest_of_claims,
    digest_of_told,
    sections_of,
)
from simulator.run.load_callbacks import read_side
from simulator.run.load_measured import keep, nothing
from simulator.run.load_reading import measured_in
from simulator.run.load_storm_measured import beside, storm_measured
from simulator.run.report import document
from simulator.run.report_rows import ROWS_FILE, write_rows
from simulator.run.saved_claims import saved_bytes
from simulator.run.world import options_of

if TYPE_CHECKING:
    from simulator.run.load_measured import Measured
    from simulator.run.load_run import LoadRun
    from simulator.verify.claims import Claims


def document_of(run: LoadRun, claims: Claims | None, began: float) -> dict[str, Any]:
    """Return the report of a load that is over; `began`: epoch seconds."""
    scenario, out = run.scenario, run.out
    began_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))
    data = b"" if claims is None else saved_bytes(out)
    kept = Kept(
        run=run.id,
        began=began_at,
        todoku=__version__,
        seed=scenario.seed,
        digest=str(run.ended.get("digest", "")),
        recorded=(out / "commands.bin").stat().st_size if run.ended else 0,
        claims=digest_of_claims(data) if claims is not None else "",
        sections=sections_of(out),
        ended=Ended(),
        earlier=run.earlier,
    )
    world = World(DEFAULT, options_of(scenario))
    if run.ended:
        world = world_of(out, scenario, kept)
    told = digest_of_told(facts_of(world, scenario)) if claims is not None else ""
    if claims is not None and not run.invalid:
        run.invalid += copies(data, told, run.id, run.earlier)
    measured = _measured(run, world)
    keep(measured, out)
    reasons = dict.fromkeys((*run.invalid, *measured.invalid))
    ended = Ended(cut=run.cut, interrupted=run.interrupted, invalid=tuple(reasons))
    kept = msgspec.structs.replace(kept, told=told, ended=ended)
    (out / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1))
    found = judged(scenario, world, out, claims, ended, run.wanted, measured)
    if found.reconciliation is not None:
        write_rows(found, out / ROWS_FILE, run.wanted.encoding)
    wall = {
        "began": began_at,
        "seconds": round(time.time() - began, 3),
        "run": run.id,
        "todoku": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    return {**document(found), "wall": wall}


def _measured(run: LoadRun, world: World) -> Measured:
    """Return what was measured; of a load that left nothing, why."""
    if run.offer is None or run.pace is None or not run.ended:
        return nothing(run.invalid[0] if run.invalid else "the load did not begin")
    try:
        if run.scenario.load is not None and run.scenario.load.against == "callbacks":
            return storm_measured(
                run.out, run.scenario, run.offer, run.pace, run.ended, run.released
            )
        found = measured_in(
            run.out,
            run.scenario,
            world,
            offer=run.offer,
            pace=run.pace,
            ended=run.ended,
            cut=run.cut,
        )
        return beside(found, read_side(run.out))
    except ProvesNothing as error:
        if run.cut and run.invalid:
            return nothing(run.invalid[0])  # which is why it left none
        see = f"; see {run.generator.log}" if run.generator is not None else ""
        return nothing(f"{error.reason}{see}")
