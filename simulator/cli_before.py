"""The commands for before a run: `todoku explain` and `todoku init`; `cli.py` has them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from simulator.errors import UsageError
from simulator.run.bundled import scenario_file

if TYPE_CHECKING:
    from simulator.run.first_files import Question

EXPLAIN = (
    "Examples: todoku explain first-campaign · todoku explain mine.yaml --json - | jq .expected"
)
INIT = (
    "Example: todoku init --dialect twilio --billing twilio --ci github "
    "--sut 'python -m examples.outreach --provider twilio'"
)


def explain(
    scenario: Annotated[
        Path,
        typer.Argument(help="A scenario file, or the name of a bundled one.", show_default=False),
    ],
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**63 - 1, help="Use this seed instead of the scenario's."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write JSON to this file instead; - is standard output.")
    ] = None,
) -> None:
    """Say what a scenario means, what to expect of it, and what a run of it can judge."""
    from simulator.run.explain import explained  # noqa: PLC0415 - start quickly
    from simulator.run.explain_show import show  # noqa: PLC0415
    from simulator.scenario import load_scenario  # noqa: PLC0415

    found = load_scenario(scenario_file(scenario), needs_sut=False)
    if seed is not None:
        found = found.model_copy(update={"seed": seed})
    document = explained(found)
    if json is None:
        show(document)
        return
    text = msgspec.json.format(msgspec.json.encode(document), indent=1).decode()
    if str(json) == "-":
        print(text)
        return
    try:
        json.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {json}: {error.strerror}") from None


def init(  # noqa: PLR0913 - one parameter for each flag
    folder: Annotated[
        Path, typer.Argument(help="Where to write; made if it is not there.")
    ] = Path(),
    *,
    dialect: Annotated[
        str | None, typer.Option(help="The provider your system speaks to; asked for if absent.")
    ] = None,
    billing: Annotated[
        str | None, typer.Option(help="How that provider bills; asked for if absent.")
    ] = None,
    sut: Annotated[
        str | None,
        typer.Option(
            help="How your system starts: a command, or an http URL; asked for if absent."
        ),
    ] = None,
    ci: Annotated[
        str, typer.Option(help="A workflow for github, gitlab or jenkins; or none.")
    ] = "github",
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Write a scenario for your system, with comments, and a CI workflow that runs it."""
    from simulator.run import first_files as files  # noqa: PLC0415

    given = files.checked(dialect=dialect, billing=billing, sut=sut, ci=ci)
    missing = [f"--{name}" for name, value in given.items() if value is None]
    if missing and not sys.stdin.isatty():
        raise UsageError(f"nobody is here to ask: give {', '.join(missing)}")
    chosen: dict[str, str] = {}
    for question in files.QUESTIONS:
        chosen[question.name] = given[question.name] or _ask(question, chosen)
    for file in files.write(folder, files.Answers(**chosen), ci, force=force):
        print(f"written: {file}")
    print(f"now: todoku run {files.shown(folder / files.SCENARIO)}")


def _ask(question: Question, so_far: dict[str, str]) -> str:
    """Ask at the terminal until the answer can be taken; an empty one takes the default."""
    default = question.default(so_far)
    print(question.words)
    for choice in question.choices:
        print(f"  {choice}")
    while True:
        try:
            answer = input(f"[{default}] ").strip() or default
        except EOFError:
            raise UsageError(f"no answer; give --{question.name}") from None
        if not question.choices or answer in question.choices:
            return answer
        print(f"one of: {', '.join(question.choices)}")
