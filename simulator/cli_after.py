"""The commands for after a run: `todoku check`, `report` and `schema`; `cli.py` has them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from simulator.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from simulator.run.judging import Wanted
    from simulator.run.report_files import Outputs
    from simulator.verify.expect_baseline import Baseline

CHECK = (
    "Examples: todoku check .todoku/first-campaign · "
    "todoku check .todoku/first-campaign --expect stricter.yaml --junit results.xml"
)
SCHEMA = "Examples: todoku schema > scenario.schema.json · todoku schema report"
DIFF = "Example: todoku report diff .todoku/before .todoku/after"
SCHEMAS = ("scenario", "report")

Json = Annotated[Path | None, typer.Option(help="Also write the report's JSON to this file.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML to this file.")]
Markdown = Annotated[Path | None, typer.Option(help="Write the report as Markdown to this file.")]
Github = Annotated[
    bool, typer.Option(help="In a GitHub workflow: annotations, and a page in the step's summary.")
]
Bodies = Annotated[
    bool, typer.Option("--include-bodies", help="Whole numbers and texts in the report.")
]
Before = Annotated[
    Path | None,
    typer.Option(
        help="An earlier report, or its folder (or a suite's): fail where it became worse."
    ),
]
Regress = Annotated[
    str | None,
    typer.Option(help="With --baseline: by how much of its earlier value it may be worse [10%]."),
]


Sut = Annotated[str | None, typer.Option(help="The system under test: a command, or an http URL.")]
Timeout = Annotated[
    str | None, typer.Option(help="Real time each run may take, such as 90s or 10m.")
]
Encoding = Annotated[
    str, typer.Option(help="Of the CSV files in the run's folder: utf-8-sig, or cp932.")
]


def outputs(
    json: Path | None, junit: Path | None, markdown: Path | None, *, github: bool
) -> Outputs:
    """Return what the flags ask for."""
    from simulator.run.report_files import Outputs  # noqa: PLC0415 - start quickly
    from simulator.run.report_github import Github as Workflow  # noqa: PLC0415
    from simulator.run.report_github import github_of  # noqa: PLC0415

    return Outputs(json, junit, markdown, github_of() if github else Workflow())


def before_of(
    baseline: Path | None, max_regress: str | None, *, suite: bool = False
) -> Baseline | None:
    """Return what a run is held against; each run of a suite asks for its own."""
    from simulator.run.report_diff import baseline_of  # noqa: PLC0415

    if baseline is None and max_regress is not None:
        raise UsageError("--max-regress goes with --baseline: name an earlier report")
    return baseline_of(None if suite else baseline, max_regress or "10%")


def wanted(*, bodies: bool, before: Baseline | None, encoding: str = "utf-8-sig") -> Wanted:
    """Return how the flags want a run to be judged, and its tables written."""
    from simulator.run.judging import Wanted  # noqa: PLC0415
    from simulator.run.sheet import SHEET_ENCODINGS  # noqa: PLC0415

    if encoding not in SHEET_ENCODINGS:
        raise UsageError(f"--encoding: {' or '.join(SHEET_ENCODINGS)}, not {encoding!r}")
    return Wanted(bodies, before, encoding)


def check(  # noqa: PLR0913, PLR0917 - one parameter for each flag
    folder: Annotated[
        Path, typer.Argument(help="The folder of a finished run (its --out).", show_default=False)
    ],
    expect: Annotated[
        Path | None,
        typer.Option(help="Take `expect:` from this file [DIR/scenario.yaml, as it is now]."),
    ] = None,
    json: Json = None,
    junit: Junit = None,
    markdown: Markdown = None,
    github: Github = True,
    include_bodies: Bodies = False,
    baseline: Before = None,
    max_regress: Regress = None,
) -> None:
    """Judge a finished run again, from its folder: nothing runs, nothing is drawn anew."""
    from simulator.run.check import check_folder  # noqa: PLC0415

    asked = outputs(json, junit, markdown, github=github)
    how = wanted(bodies=include_bodies, before=before_of(baseline, max_regress))
    sys.exit(check_folder(folder, expect, asked, how))


def diff(
    before: Annotated[Path, typer.Argument(help="A report, or a run's folder.")],
    after: Annotated[Path, typer.Argument(help="Another one.")],
    json: Annotated[
        Path | None, typer.Option(help="Write JSON to this file instead; - is standard output.")
    ] = None,
) -> None:
    """Tell what differs between two reports; it judges nothing, so the exit code is 0."""
    from simulator.run.report_diff import difference, load_report, show_difference  # noqa: PLC0415
    from simulator.run.report_files import encoded, write  # noqa: PLC0415

    found = difference(load_report(before), load_report(after))
    if json is None:
        show_difference(found)
    elif str(json) == "-":
        print(encoded(found).decode(), end="")
    else:
        write(json, encoded(found))


def schema(
    what: Annotated[str, typer.Argument(help="scenario or report.")] = "scenario",
) -> None:
    """Print the JSON Schema of scenario files, or of reports."""
    from simulator.run.report_schema import report_schema  # noqa: PLC0415
    from simulator.scenario import schema as scenario_schema  # noqa: PLC0415

    if what not in SCHEMAS:
        raise UsageError(f"no schema of {what!r}; {did_you_mean(what, SCHEMAS)}")
    found: dict[str, Any] = scenario_schema() if what == "scenario" else report_schema()
    print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


report = typer.Typer(help="Reports of finished runs.", no_args_is_help=True)
report.command("diff", epilog=DIFF)(diff)


@report.callback()
def _report() -> None:
    """Reports of finished runs."""
