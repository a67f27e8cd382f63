"""`todoku plan`: how long, how much, how many; `cli.py` has it."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from simulator.run.bundled import scenario_file

PLAN = (
    "Examples: todoku plan first-campaign --recipients 10_000_000 --rate 200/s --units 2 · "
    "todoku plan mine.yaml --text 'Your table is ready' --policy jp-success-billed "
    "--policy jp-request-billed --csv plan.csv --svg plan.svg · "
    "todoku plan mine.yaml --remind-after 2d --slot docomo=50/s --json - | jq .time"
)
_Text = str | None


def plan(  # noqa: PLR0913 - one parameter for each flag
    scenario: Annotated[
        Path,
        typer.Argument(help="A scenario file, or the name of a bundled one.", show_default=False),
    ],
    *,
    recipients: Annotated[
        _Text, typer.Option(help="How many, such as 10_000_000; by default the file's.")
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help="Bill by this policy; may be repeated; by default all of the account's currency."
        ),
    ] = None,
    text: Annotated[_Text, typer.Option(help="What is sent: it says its own units.")] = None,
    units: Annotated[
        _Text, typer.Option(help="Or how many units a message has; by default 1.")
    ] = None,
    messages: Annotated[
        _Text, typer.Option(help="Messages to each recipient; by default 1.")
    ] = None,
    every: Annotated[
        _Text, typer.Option(help="With --messages: how far apart; by default 7d.")
    ] = None,
    remind_after: Annotated[
        _Text,
        typer.Option(
            help="A reminder after this time, such as 2d; or never; by default the file's."
        ),
    ] = None,
    unless: Annotated[
        _Text,
        typer.Option(help="Whom a reminder spares: delivered or replied; by default delivered."),
    ] = None,
    rate: Annotated[
        _Text,
        typer.Option(help="Units that the provider takes; by default account's limits, or 100/s."),
    ] = None,
    slot: Annotated[
        list[str] | None,
        typer.Option(
            help="Units that a carrier takes, docomo=50/s; may be repeated; by default no limit."
        ),
    ] = None,
    quiet: Annotated[
        list[str] | None,
        typer.Option(
            help="Hours without sending, 21:00-8:00, or none; by default the file's policy."
        ),
    ] = None,
    sample: Annotated[
        _Text, typer.Option(help="How many people are lived; by default 200_000.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**63 - 1, help="Use this seed instead of the scenario's."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every figure as CSV.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw the hours into this SVG file.")] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write JSON to this file instead; - is standard output.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of the CSV: utf-8-sig or cp932.")] = "utf-8-sig",
) -> None:
    """Say how long a campaign takes and what it costs, by a sample of its lives; none is sent."""
    from simulator.run.plan_command import Wanted, plan_command  # noqa: PLC0415 - start quickly
    from simulator.run.plan_flags import Flags  # noqa: PLC0415

    flags = Flags(
        recipients,
        sample,
        text,
        units,
        messages,
        every,
        remind_after,
        unless,
        rate,
        tuple(slot or ()),
        tuple(quiet or ()),
        tuple(policy or ()),
    )
    wanted = Wanted(json, csv, svg, encoding)
    sys.exit(plan_command(scenario_file(scenario), flags, wanted, seed))
