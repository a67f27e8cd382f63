"""The command line: `todoku init | explain | run | check | report | serve | ...`.

Every command ends with an exit code of `errors.ExitCode`; an error is a line for people, never a
traceback.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulator import __version__, cli_after, cli_before, cli_load, cli_plan
from simulator.errors import ExitCode, TodokuError, UsageError
from simulator.run.bundled import scenario_file
from simulator.settings import Settings, flag_of, load

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

app = typer.Typer(
    name="todoku",
    help="An SMS provider, its carriers, handsets, people and invoice, all fake.",
    epilog="Exit codes: 0 pass, 1 expectation failed, 2 usage, 3 proves nothing, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_Seed = Annotated[
    int | None,
    typer.Option(min=0, max=2**63 - 1, help="Use this seed instead of the scenario's."),
]
_ScenarioFile = Annotated[Path, typer.Argument(help="A scenario file.", show_default=False)]


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(standalone_mode=True)
    except TodokuError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(ExitCode.INTERRUPTED)


def _version(asked: bool) -> None:
    if asked:
        print(f"todoku {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version


@app.command(
    epilog="Examples: todoku run first-campaign --seed 7 · todoku run scenarios --jobs 2 · "
    "todoku run 'scenarios/*.yaml' --seeds 20"
)
def run(  # noqa: PLR0913, PLR0917 - one parameter for each flag
    scenarios: Annotated[
        list[str],
        typer.Argument(
            help="Scenario files, folders of them, globs, or names of those that come with "
            "Todoku. More than one file alone is a suite: one summary, the gravest exit code "
            "(130 > 2 > 3 > 1 > 0).",
            show_default=False,
            metavar="SCENARIO...",
        ),
    ],
    seed: _Seed = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="Run each with this many seeds: how often would it have failed?"),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, max=256, help="Runs of a suite beside each other.")
    ] = min(2, os.cpu_count() or 1),
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for logs and reports [.todoku/NAME]; a suite's has one each."),
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
    """Run scenarios against a system under test, and judge it."""
    from simulator.run.command import run_command, seconds_of  # noqa: PLC0415 - start quickly
    from simulator.run.many import suite_command  # noqa: PLC0415
    from simulator.run.suite import Wish, is_single  # noqa: PLC0415

    asked = cli_after.outputs(json, junit, markdown, github=github)
    single = is_single(scenarios, seeds)
    before = cli_after.before_of(baseline, max_regress, suite=not single)
    how = cli_after.wanted(bodies=include_bodies, before=before, encoding=encoding)
    if single:
        file = scenario_file(Path(scenarios[0]))
        work = run_command(file, asked, how, seed=seed, out=out, sut=sut, limit=timeout)
        sys.exit(_loop(work))
    wish = Wish(seed, seeds, sut, seconds_of(timeout), baseline, max_regress)
    flags = {"--timeout": timeout, "--sut": sut, "--encoding": encoding}
    given = [word for flag, text in flags.items() if text is not None for word in (flag, text)]
    given += ["--no-github", *(["--include-bodies"] if include_bodies else [])]
    sys.exit(_loop(suite_command(scenarios, wish, given, jobs=jobs, out=out, asked=asked)))


@app.command(epilog="Example: todoku people scenarios/first-campaign.yaml --csv people.csv")
def people(
    scenario: _ScenarioFile,
    csv: Annotated[Path, typer.Option(help="Write the recipients here.")],
    seed: _Seed = None,
) -> None:
    """Write the recipients of a scenario as CSV: number, name, segment."""
    from simulator.run.people import write_csv  # noqa: PLC0415
    from simulator.scenario import load_scenario  # noqa: PLC0415

    found = load_scenario(scenario_file(scenario), needs_sut=False)
    if seed is not None:
        found = found.model_copy(update={"seed": seed})
    if str(csv) == "-":
        raise UsageError("--csv wants a file; for standard output name /dev/stdout")
    try:
        write_csv(found, csv)
    except OSError as error:
        raise UsageError(f"cannot write {csv}: {error.strerror}") from None
    print(f"{found.people.count} recipients written to {csv}")
    if found.people.numbers == "assignable":
        print("These numbers look like people's: never let them near a real provider.")


@app.command(epilog="Example: todoku ca --out certificates")
def ca(
    out: Annotated[Path, typer.Option(help="Write todoku-ca.pem into this folder.")] = Path(),
    tls_dir: Annotated[
        str | None, typer.Option(envvar="TODOKU_TLS_DIR", help="Folder where the CA is kept.")
    ] = None,
) -> None:
    """Write the certificate of the CA that `serve --tls` uses, made at first."""
    from simulator.run.ca import ca_command  # noqa: PLC0415

    sys.exit(ca_command(out, tls_dir or None))


@app.command(
    epilog="Examples: todoku ready --wait --timeout 30s · todoku ready --sut 'python my_system.py'"
)
def ready(
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is ready.")] = False,
    timeout: Annotated[str, typer.Option(help="How long to wait, real time.")] = "30s",
    control: Annotated[
        str, typer.Option(envvar="TODOKU_CONTROL_URL", help="The control port's URL.")
    ] = "http://127.0.0.1:8081",
    sut: Annotated[
        str | None, typer.Option(help="Check this system against the contract instead.")
    ] = None,
    dialect: Annotated[
        str, typer.Option(help="With --sut: the provider it speaks to.")
    ] = "zettai_reach",
) -> None:
    """Tell whether a server is ready, or whether a system keeps the contract (--sut)."""
    from simulator.run.command import check_command, ready_command  # noqa: PLC0415

    if sut is not None:
        sys.exit(_loop(check_command(sut, dialect, timeout)))
    sys.exit(_loop(ready_command(control, timeout if wait else None)))


def _serve(**flags: Any) -> None:
    """Serve the providers' APIs and the control port until interrupted."""
    from simulator.run.command import serve_command  # noqa: PLC0415

    own = {name: flags.pop(name) for name in ("scenario", "rate", "start", "fixed_accounts")}
    if own["scenario"] is not None:
        own["scenario"] = scenario_file(own["scenario"])
    config = flags.pop("config")
    settings = load(flags, os.environ, config)
    sys.exit(_loop(serve_command(settings, **own)))


def _flags_of_serve() -> list[inspect.Parameter]:
    """Make a flag of every setting; `Settings` is the one list."""
    own: list[tuple[str, Any, Any]] = [
        ("config", Path | None, typer.Option(help="TOML file of settings [./todoku.toml].")),
        ("scenario", Path | None, typer.Option(help="Take people, accounts and time from this.")),
        ("rate", float | None, typer.Option(help="Virtual per real seconds; 0: stepped [1].")),
        ("start", str | None, typer.Option(help="First virtual instant, RFC 3339 [now].")),
        ("fixed_accounts", bool, typer.Option("--fixed-accounts", help="Make none at sight.")),
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = f" [{default!r}]" if default not in (None, ()) else ""
        words = f"{field.description}{shown}"
        kind = list[str] if default == () else str
        if isinstance(default, bool):
            option = typer.Option(flag_of(name), help=field.description)
            own.append((name, bool | None, option))
        else:
            own.append((name, kind | None, typer.Option(flag_of(name), help=words)))
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if kind is bool else None,
            annotation=Annotated[kind, option],
        )
        for name, kind, option in own
    ]


app.command("check", epilog=cli_after.CHECK)(cli_after.check)
app.command("schema", epilog=cli_after.SCHEMA)(cli_after.schema)
app.add_typer(cli_after.report, name="report")
app.command("load", epilog=cli_load.LOAD)(cli_load.load)
app.command("explain", epilog=cli_before.EXPLAIN)(cli_before.explain)
app.command("plan", epilog=cli_plan.PLAN)(cli_plan.plan)
app.command("init", epilog=cli_before.INIT)(cli_before.init)
_parameters = _flags_of_serve()
_serve.__signature__ = inspect.Signature(_parameters)  # type: ignore[attr-defined]
_serve.__annotations__ = {p.name: p.annotation for p in _parameters}
app.command("serve", epilog="Example: todoku serve --port 8080 --rate 60 --seed 42")(_serve)


def _loop(work: Coroutine[Any, Any, int]) -> int:
    """Run a coroutine on uvloop; an interrupt becomes its exit code."""
    import uvloop  # noqa: PLC0415

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


if __name__ == "__main__":
    main()
