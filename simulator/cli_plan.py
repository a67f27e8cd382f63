"""`todoku plan`: how long, how much, how many; `cli.py` has it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from simulator.run.bundled import scenario_file

PLAN = (
    "Examples: todoku plan first-campaign --recipients 10_000_000 --rate 200/s --units 2 · "
    "todoku plan mine.yaml --text 'Your table is ready' --policy jp-success-billed "
    "--policy jp-request-billed --csv plan.csv --svg plan.svg · "
    "todoku plan mine.yaml --remind-after 2d --slot docomo=50/s --json - | jq .time"
)

Scenario = Annotated[
    Path, typer.Argument(help="A scenario file, or the name of a bundled one.", show_default=False)
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, max=2**63 - 1, help="Use this seed instead of the scenario's."),
]


def _says(words: str) -> Any:
    return typer.Option(help=words, show_default=False)


Recipients = Annotated[str | None, _says("How many, 10_000_000 say (default: the file's people).")]
Policies = Annotated[
    list[str] | None, _says("A billing policy; repeat it (default: all of the account's currency).")
]
Text = Annotated[str | None, _says("What is sent; it says its own units.")]
Units = Annotated[str | None, _says("Or how many units a message has (default: 1).")]
Messages = Annotated[str | None, _says("Messages to each recipient (default: 1).")]
Every = Annotated[str | None, _says("With --messages: how far apart (default: 7d).")]
Remind = Annotated[str | None, _says("A reminder after this time, 2d say; or never.")]
Unless = Annotated[str | None, _says("Whom it spares: delivered (default) or replied.")]
Rate = Annotated[
    str | None, _says("Units the provider takes (default: the senders' limits, or 100/s).")
]
Slots = Annotated[
    list[str] | None, _says("Units a carrier takes, docomo=50/s; repeat it (default: no limit).")
]
Quiet = Annotated[
    list[str] | None, _says("No sending, 21:00-8:00 say; or none (default: the file's policy).")
]
Sample = Annotated[str | None, _says("How many people are lived (default: 200_000).")]
Csv = Annotated[Path | None, _says("Write every figure as CSV.")]
Svg = Annotated[Path | None, _says("Draw the hours into this SVG file.")]
Json = Annotated[
    Path | None, _says("Write JSON to this file instead of the tables; - is standard output.")
]
Encoding = Annotated[str, typer.Option(help="Of the CSV: utf-8-sig or cp932.")]


def plan(  # noqa: PLR0913 - one parameter for each flag
    scenario: Scenario,
    *,
    recipients: Recipients = None,
    policy: Policies = None,
    text: Text = None,
    units: Units = None,
    messages: Messages = None,
    every: Every = None,
    remind_after: Remind = None,
    unless: Unless = None,
    rate: Rate = None,
    slot: Slots = None,
    quiet: Quiet = None,
    sample: Sample = None,
    seed: Seed = None,
    csv: Csv = None,
    svg: Svg = None,
    json: Json = None,
    encoding: Encoding = "utf-8-sig",
) -> None:
    """Say how long a campaign takes and what it costs, by a sample of its lives; none is sent."""
    from simulator.run.plan_command import Wanted, plan_command  # noqa: PLC0415 - start quickly
    from simulator.run.plan_flags import Flags  # noqa: PLC0415

    flags = Flags(
        recipients=recipients,
        sample=sample,
        text=text,
        units=units,
        messages=messages,
        every=every,
        remind_after=remind_after,
        unless=unless,
        rate=rate,
        slots=slot or (),
        quiet=quiet or (),
        policies=policy or (),
    )
    sys.exit(plan_command(scenario_file(scenario), flags, Wanted(json, csv, svg, encoding), seed))
