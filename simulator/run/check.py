"""`todoku check DIR`: a finished run judged again from its folder, by other expectations if wanted.

The one rule: nothing runs and nothing is drawn: the world is read back from the log (`reread.py`),
and a log or claims that are not the run's own, by their digest, prove nothing.
"""

from __future__ import annotations

import time
from os import SEEK_END
from typing import TYPE_CHECKING, Any

from simulator import __version__
from simulator.engine.log import events_in, recorded_in
from simulator.engine.reread import RereadError, reread
from simulator.engine.world import DEFAULT, World
from simulator.errors import ExitCode, ProvesNothing, UsageError
from simulator.run.judging import Wanted, judged
from simulator.run.kept import SCENARIO, Ended, changed_since, digest_of_claims, read_kept
from simulator.run.load_measured import kept_in
from simulator.run.load_tenants import tenanted
from simulator.run.report import document
from simulator.run.report_files import Outputs, touch, write_all
from simulator.run.report_suite import no_report
from simulator.run.saved_claims import saved, saved_bytes
from simulator.run.show import show
from simulator.run.sut import last_lines
from simulator.run.world import options_of
from simulator.scenario import load_scenario
from simulator.verify.claim_codes import ClaimsError
from simulator.verify.verdict import HEADS

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.run.kept import Kept
    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims


def check_folder(folder: Path, expect: Path | None, outputs: Outputs, wanted: Wanted) -> int:
    """Judge a run from its folder; print the report; return the exit code.

    Args:
        folder: of the run (`--out`).
        expect: a file whose `expect:` is taken instead of the scenario's; None: the folder's own
            `scenario.yaml`, as it is now.
        outputs, wanted: of the command line.

    Raises:
        UsageError: there is no such folder.
        ConfigError: the expectations cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; name the --out of a run")
    touch(outputs)
    try:
        report = _judged(folder, expect, wanted)
    except ProvesNothing as error:
        words = f"{HEADS[ExitCode.PROVES_NOTHING]}: {error.reason}"
        _write_nothing(folder, words, outputs)
        print(words)
        return ExitCode.PROVES_NOTHING
    write_all(report, outputs)
    show(report, folder, (), last_lines(folder / "sut.log"))
    return int(report["verdict"]["exit_code"])


def _write_nothing(folder: Path, words: str, outputs: Outputs) -> None:
    """Write that nothing could be judged wherever CI looks for the judgement."""
    report = no_report(folder.name, None, ExitCode.PROVES_NOTHING, words)
    again = {"answer": "no", "why": [words]}
    empty: dict[str, Any] = {"repeatable": again, "totals": {}, "departures": [], "notes": []}
    write_all({**report, **empty}, outputs)


def _judged(folder: Path, expect: Path | None, wanted: Wanted) -> dict[str, Any]:
    kept = read_kept(folder)
    file = folder / SCENARIO
    if not file.is_file():
        raise ProvesNothing(f"{folder} holds no finished run: there is no {SCENARIO}")
    written = load_scenario(file, needs_sut=False, expect=expect)
    scenario = tenanted(written.model_copy(update={"seed": kept.seed}))
    if changed := tuple(changed_since(kept, folder)):
        raise ProvesNothing(changed[0])
    world = world_of(folder, scenario, kept)
    claims, unread = _claims(folder, scenario, kept)
    invalid = tuple(dict.fromkeys((*kept.ended.invalid, *unread)))
    before = kept.ended
    ended = Ended(
        stragglers=before.stragglers,
        cut=before.cut,
        interrupted=before.interrupted,
        stopped=before.stopped,
        invalid=invalid,
    )
    wall = {
        "began": kept.began,
        "seconds": 0,
        "run": kept.run,
        "todoku": __version__,
        "checked": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    found = judged(scenario, world, folder, claims, ended, wanted, kept_in(folder))
    return {**document(found), "wall": wall}


def world_of(folder: Path, scenario: Scenario, kept: Kept) -> World:
    """Read a run's world back from its folder.

    Raises:
        ProvesNothing: it cannot be read, or is not the run's.
    """
    world = World(DEFAULT, options_of(scenario))
    try:
        with (
            (folder / "events.bin").open("rb") as events,
            (folder / "commands.bin").open("rb") as commands,
        ):
            if commands.seek(0, SEEK_END) != kept.recorded:
                raise ProvesNothing(f"{folder}: the recording (commands.bin) is not whole")
            commands.seek(0)
            reread(world, events_in(events), recorded_in(commands))
    except OSError as error:
        raise ProvesNothing(f"cannot read {error.filename}: {error.strerror}") from None
    except (RereadError, ValueError) as error:
        raise ProvesNothing(f"{folder}: the log cannot be read: {error}") from None
    if world.log.digest() != kept.digest:
        raise ProvesNothing(f"{folder}: the log is not whole: its digest is not that of the run")
    return world


def _claims(folder: Path, scenario: Scenario, kept: Kept) -> tuple[Claims | None, tuple[str, ...]]:
    """Return the claims as they came, or why they cannot be judged."""
    source = scenario.sut.claims if scenario.sut else None
    region = scenario.people.country.upper()
    try:
        found = saved(folder, region=region, aggregates=bool(source and source.aggregates))
    except ClaimsError as error:
        return None, (error.reason,)
    except OSError as error:
        return None, (f"the claims are no longer there: {error.strerror}",)
    if found is None and kept.claims:
        return None, ("the claims are no longer there",)
    if kept.claims and digest_of_claims(saved_bytes(folder)) != kept.claims:
        return None, ("the claims are not those of the run: their file was changed since",)
    return found, ()
