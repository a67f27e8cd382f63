"""The command `todoku load`; `cli.py` has it."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from simulator import cli_after
from simulator.run.bundled import scenario_file

LOAD = (
    "Examples: todoku load load-steady · todoku load mine.yaml --seed 7 --junit load.xml · "
    "exit 3: the generator, a worker or the simulator spoilt the numbers (docs/load.md)"
)


def load(  # noqa: PLR0913, PLR0917 - one parameter for each flag
    scenario: Annotated[
        Path,
        typer.Argument(
            help="A scenario file with `load:`, or the name of a bundled one.", show_default=False
        ),
    ],
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**63 - 1, help="Use this seed instead of the scenario's."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for logs, books and reports [.todoku/NAME].")
    ] = None,
    json: cli_after.Json = None,
    junit: cli_after.Junit = None,
    markdown: cli_after.Markdown = None,
    github: cli_after.Github = True,
    include_bodies: cli_after.Bodies = False,
    baseline: cli_after.Before = None,
    max_regress: cli_after.Regress = None,
    encoding: cli_after.Encoding = "utf-8-sig",
    sut: cli_after.Sut = None,
    timeout: cli_after.Timeout = None,
) -> None:
    """Load a gateway or a system at rates of our own, and judge what came of it."""
    from simulator.run.command import seconds_of  # noqa: PLC0415 - start quickly
    from simulator.run.load_command import load_command  # noqa: PLC0415

    asked = cli_after.outputs(json, junit, markdown, github=github)
    before = cli_after.before_of(baseline, max_regress)
    how = cli_after.wanted(bodies=include_bodies, before=before, encoding=encoding)
    code = load_command(
        scenario_file(scenario),
        asked,
        how,
        seed=seed,
        out=out,
        sut=sut,
        timeout_s=seconds_of(timeout),
    )
    sys.exit(code)
