"""The flags of `todoku load` that lay a rate over a scenario, and search for its knee."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from simulator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from simulator.scenario_overlays import Offered

CAPACITY = "todoku load capacity-outreach --find-capacity --at-least 500/s"

Rate = Annotated[
    str | None,
    typer.Option("--rate", help="One rate in place of the scenario's arrivals, such as 700/s."),
]
Lasts = Annotated[
    str | None,
    typer.Option("--for", help="How long that rate, or each rate of a search, is offered."),
]
Find = Annotated[
    bool,
    typer.Option(
        "--find-capacity",
        help="Search for the highest rate that still meets the expectations (docs/capacity.md).",
    ),
]
First = Annotated[
    str | None, typer.Option("--from", help="With --find-capacity: the first rate [50/s].")
]
Most = Annotated[
    str | None, typer.Option("--up-to", help="With --find-capacity: the last rate [10000/s].")
]
Within = Annotated[
    str | None, typer.Option("--within", help="With --find-capacity: how exact [5%].")
]
AtLeast = Annotated[
    str | None,
    typer.Option("--at-least", help="With --find-capacity: the rate you need; exit 1 below it."),
]


def offered_by(rate: str | None, lasts: str | None) -> Offered | None:
    """Return what --rate and --for lay over the scenario.

    Raises:
        UsageError: --for without --rate, or one that cannot be read.
    """
    from simulator.quantities import duration_us  # noqa: PLC0415 - start quickly
    from simulator.quantities import rate as rate_of  # noqa: PLC0415
    from simulator.scenario_overlays import Offered  # noqa: PLC0415

    if rate is None:
        if lasts is not None:
            raise UsageError("--for says how long --rate is offered: add --rate, or leave it out")
        return None
    for flag, text, read in (("--rate", rate, rate_of), ("--for", lasts, duration_us)):
        try:
            if text is not None:
                read(text)
        except ValueError as error:
            raise UsageError(f"{flag}: {error}") from None
    return Offered(rate, lasts or "")


def refuse_unless_searching(flags: Mapping[str, object]) -> None:
    """Refuse flags of a search where there is none."""
    if given := [name for name, value in flags.items() if value is not None]:
        raise UsageError(f"{given[0]} belongs to --find-capacity: add it, or leave {given[0]} out")


def refuse_while_searching(flags: Mapping[str, object]) -> None:
    """Refuse flags of one load's report where there are many loads."""
    if given := [name for name, value in flags.items() if value is not None]:
        words = "is of one load's report, and --find-capacity makes many"
        raise UsageError(f"{given[0]} {words}: each has its folder under --out")


def search(  # noqa: PLR0913 - one parameter for each flag
    file: Path,
    *,
    flags: Mapping[str, str | None],
    seed: int | None,
    out: Path | None,
    sut: str | None,
    timeout: str | None,
) -> int:
    """Search for the knee; `flags` by their names."""
    from simulator.run.capacity import Wish, capacity_command  # noqa: PLC0415 - start quickly
    from simulator.run.command import seconds_of  # noqa: PLC0415

    passed = {"--timeout": timeout, "--encoding": flags["--encoding"]}
    given = [(name, text) for name, text in passed.items() if text is not None]
    wish = Wish(
        first=flags["--from"] or "",
        most=flags["--up-to"] or "",
        within=flags["--within"] or "",
        at_least=flags["--at-least"] or "",
        lasts=flags["--for"] or "",
        flags=("--no-github", *(word for flag in given for word in flag)),
        limit_s=seconds_of(timeout),
    )
    return capacity_command(file, wish, seed=seed, out=out, sut=sut)
