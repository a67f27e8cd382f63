"""What `todoku plan` does: read, reckon with a bar, show, write."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from simulator.errors import ExitCode, UsageError
from simulator.run.plan_ask import asked_for
from simulator.run.plan_files import as_json, write_csv, write_json, write_svg
from simulator.run.plan_report import planned
from simulator.run.plan_show import show
from simulator.run.plot import drawable
from simulator.run.report_files import write
from simulator.run.sheet import SHEET_ENCODINGS
from simulator.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from simulator.run.plan_ask import Asked
    from simulator.run.plan_flags import Flags

_LINE_EVERY_S = 10.0


class Wanted(NamedTuple):
    """Where a plan goes besides the terminal; None: not wanted."""

    json: Path | None = None
    csv: Path | None = None
    svg: Path | None = None
    encoding: str = SHEET_ENCODINGS[0]


def plan_command(scenario: Path, flags: Flags, wanted: Wanted, seed: int | None) -> int:
    """Plan a scenario; return the exit code."""
    if wanted.encoding not in SHEET_ENCODINGS:
        known = " or ".join(SHEET_ENCODINGS)
        raise UsageError(f"--encoding: {known}, not {wanted.encoding}")
    found = load_scenario(scenario, needs_sut=False)
    if seed is not None:
        found = found.model_copy(update={"seed": seed})
    asked = asked_for(found, flags)
    _prepare(wanted)
    try:
        document = _reckoned(asked)
    except KeyboardInterrupt:
        print("interrupted: nothing is planned", file=sys.stderr)
        return ExitCode.INTERRUPTED
    if wanted.csv is not None:
        write_csv(document, wanted.csv, wanted.encoding)
    if wanted.svg is not None:
        write_svg(document, wanted.svg)
    if wanted.json is None:
        show(document)
    elif str(wanted.json) == "-":
        print(as_json(document).decode(), end="")
    else:
        write_json(document, wanted.json)
    return ExitCode.OK


def _prepare(wanted: Wanted) -> None:
    """See that every file can be written, before the work rather than after it."""
    if wanted.svg is not None:
        drawable("--svg")
    files = [file for file in (wanted.json, wanted.csv, wanted.svg) if file and str(file) != "-"]
    if len({file.absolute() for file in files}) < len(files):
        raise UsageError("--json, --csv and --svg want a file each: two of them name the same")
    for each in files:
        write(each, b"")
    for flag, file in (("--csv", wanted.csv), ("--svg", wanted.svg)):
        if file is not None and str(file) == "-":
            raise UsageError(f"{flag} wants a file; for standard output name /dev/stdout")


def _reckoned(asked: Asked) -> dict[str, Any]:
    console = Console(stderr=True)
    people, rounds = len(asked.campaign.numbers), len(asked.campaign.rounds)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} lives"),
        TimeElapsedColumn(),
    )
    hidden = not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as bar:
        task = bar.add_task("planning", total=people * rounds)
        told = _lines() if hidden else None

        def progress(lives: int) -> None:
            bar.update(task, completed=lives)
            if told is not None:
                told(lives)

        return planned(asked, progress)


def _lines() -> Callable[[int], None]:
    """Return what says every ten seconds how far it is."""
    said = [time.monotonic()]

    def tell(lives: int) -> None:
        if time.monotonic() - said[0] >= _LINE_EVERY_S:
            said[0] = time.monotonic()
            print(f"{lives:,} lives", file=sys.stderr, flush=True)

    return tell
