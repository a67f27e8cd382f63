"""The command `todoku load`; `cli.py` has it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from simulator import cli_after, cli_capacity
from simulator.run.bundled import scenario_file

LOAD = (
    "Examples: todoku load load-steady · todoku load mine.yaml --seed 7 --junit load.xml · "
    f"todoku load mine.yaml --rate 200/s --for 10s · {cli_capacity.CAPACITY} · "
    "exit 3: the generator, a worker or the simulator spoilt the numbers (docs/load.md)"
)

_Scenario = Annotated[
    Path,
    typer.Argument(
        help="A scenario file with `load:`, or the name of a bundled one.", show_default=False
    ),
]
_Seed = Annotated[
    int | None,
    typer.Option(min=0, max=2**63 - 1, help="Use this seed instead of the scenario's."),
]
_Out = Annotated[
    Path | None, typer.Option(help="Folder for logs, books and reports [.todoku/NAME].")
]


def load(  # noqa: PLR0913, PLR0917 - one parameter for each flag
    scenario: _Scenario,
    seed: _Seed = None,
    out: _Out = None,
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
    rate: cli_capacity.Rate = None,
    lasts: cli_capacity.Lasts = None,
    find_capacity: cli_capacity.Find = False,
    first: cli_capacity.First = None,
    most: cli_capacity.Most = None,
    within: cli_capacity.Within = None,
    at_least: cli_capacity.AtLeast = None,
) -> None:
    """Load a gateway or a system at rates of our own, and judge what came of it."""
    search = {"--from": first, "--up-to": most, "--within": within, "--at-least": at_least}
    if find_capacity:
        reports = {"--json": json, "--junit": junit, "--markdown": markdown, "--baseline": baseline}
        cli_capacity.refuse_while_searching({**reports, "--rate": rate})
        flags = {**search, "--for": lasts, "--encoding": encoding}
        code = cli_capacity.search(
            scenario_file(scenario), flags=flags, seed=seed, out=out, sut=sut, timeout=timeout
        )
        sys.exit(code)
    cli_capacity.refuse_unless_searching(search)
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
        offered=cli_capacity.offered_by(rate, lasts),
    )
    sys.exit(code)
