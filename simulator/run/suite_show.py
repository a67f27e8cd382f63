"""A suite's results: one document, one table, and the verdict in words as the last line.

The exit code is the gravest of the runs': 130 > 2 > 3 > 1 > 0 (`errors.gravest`).
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.core.interval import wilson
from simulator.errors import ExitCode, gravest
from simulator.run.children import tail_of
from simulator.verify.findings import counted
from simulator.verify.verdict import HEADS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from simulator.run.suite import Ended

SCHEMA = "todoku/suite/1"
LINES_SHOWN = 60
NAMED_MAX = 5
_STYLES = {ExitCode.OK: "green", ExitCode.FAILED: "bold red"}


def document(
    ended: Sequence[Ended],
    out: Path,
    seconds: float,
    *,
    interrupted: bool,
    passed_over: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the suite as plain values; all that differs between equal suites is under `wall`.

    Load tests are `passed_over`: the verdict's words say so.
    """
    by_hand = ExitCode.INTERRUPTED if interrupted else ExitCode.OK
    code = gravest((by_hand, *(one.code for one in ended)))
    return {
        "schema": SCHEMA,
        "verdict": {"exit_code": int(code), "words": _verdict(ended, code) + _over(passed_over)},
        "passed_over": list(passed_over),
        "scenarios": [_scenario(runs, out) for runs in _by_scenario(ended)],
        "wall": {"seconds": round(seconds, 3), "runs": [round(one.seconds, 3) for one in ended]},
    }


def _by_scenario(ended: Sequence[Ended]) -> list[list[Ended]]:
    return [list(runs) for _, runs in groupby(ended, key=lambda one: one.item.file)]


def _scenario(runs: Sequence[Ended], out: Path) -> dict[str, Any]:
    first = runs[0].item
    return {
        "name": first.name,
        "file": str(first.file),
        "exit_code": int(gravest(one.code for one in runs)),
        "luck": luck(runs),
        "runs": [
            {
                "seed": one.item.seed,
                "exit_code": int(one.code),
                "words": one.words,
                "folder": one.item.out.relative_to(out).as_posix(),
            }
            for one in runs
        ],
    }


def luck(runs: Sequence[Ended]) -> dict[str, Any]:
    """Return how often a gate failed over its seeds, of those runs that judged anything.

    `low` and `high` are the 95% Wilson interval of the share; None where nothing was judged.
    """
    judged = [one for one in runs if one.code in {ExitCode.OK, ExitCode.FAILED}]
    failed = sum(one.code is ExitCode.FAILED for one in judged)
    low, high = wilson(failed, len(judged)) if judged else (None, None)
    return {
        "failed": failed,
        "judged": len(judged),
        "not_judged": len(runs) - len(judged),
        "low": low if low is None else round(low, 6),
        "high": high if high is None else round(high, 6),
    }


def show_end(ended: Ended, done: int, of: int) -> None:
    """Tell that one run is over; of one that did not pass, show all it said."""
    console = Console(highlight=False, soft_wrap=True)
    item = ended.item
    seed = "" if item.seed is None else f" (seed {item.seed})"
    head = Text(f"[{done}/{of}] {item.name}{seed}, {ended.seconds:.1f} s: ")
    console.print(head.append(_last(ended.words), _STYLES.get(ended.code, "bold yellow")))
    if item.problem:
        lines = item.problem.splitlines()
    elif ended.code is ExitCode.OK or not item.out.is_dir():
        return
    else:
        lines = tail_of(item)[-LINES_SHOWN:]
    for line in lines:
        console.print(f"  | {line}", markup=False)


def show(report: dict[str, Any], out: Path, *, several_seeds: bool) -> None:
    """Print the summary: a table, where the reports are, and the verdict."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(title=f"{counted(len(report['scenarios']), 'scenario')}", title_justify="left")
    columns = ("scenario", "seeds", "failed", "95%", "exit") if several_seeds else _PLAIN
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in report["scenarios"]:
        table.add_row(*(_luck_row(row) if several_seeds else _plain_row(row)))
    console.print(table)
    for row in report["scenarios"] if several_seeds else ():
        for line in _seeds_of(row):
            console.print(f"  {line}", markup=False)
    console.print(f"  report: {out / 'suite.json'}", markup=False)
    console.print(Text(report["verdict"]["words"], "bold"))


_PLAIN = ("scenario", "seed", "exit", "result")


def _plain_row(row: dict[str, Any]) -> tuple[str, ...]:
    (run,) = row["runs"]
    seed = "-" if run["seed"] is None else str(run["seed"])
    return row["name"], seed, str(run["exit_code"]), _last(run["words"])


def _luck_row(row: dict[str, Any]) -> tuple[str, ...]:
    seeds, found = [run["seed"] for run in row["runs"]], row["luck"]
    span = "-" if seeds[0] is None else f"{seeds[0]}..{seeds[-1]}"
    failed = f"{found['failed']} of {found['judged']}"
    if found["not_judged"]:
        failed += f" ({found['not_judged']} not judged)"
    between = "-" if found["low"] is None else f"{found['low']:.1%} to {found['high']:.1%}"
    return row["name"], span, failed, between, str(row["exit_code"])


def _seeds_of(row: dict[str, Any]) -> list[str]:
    """Say which seeds ended other than well, by exit code."""
    by_code: dict[int, list[str]] = {}
    for run in row["runs"]:
        if run["exit_code"] and run["seed"] is not None:
            by_code.setdefault(run["exit_code"], []).append(str(run["seed"]))
    return [
        f"{row['name']}: exit {code} with seed {_some(seeds)}"
        for code, seeds in sorted(by_code.items())
    ]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more


def _verdict(ended: Sequence[Ended], code: ExitCode) -> str:
    """Return the last line: the worst that happened, and how many runs ended how."""
    total = counted(len(ended), "run")
    if code is ExitCode.OK:
        return f"{HEADS[code]}: {total}, all passed"
    ends = Counter(one.code for one in ended)
    told = [f"{ends[kind]} {how}" for kind, how in _ENDS.items() if ends[kind]]
    bad = dict.fromkeys(one.item.name for one in ended if one.code is not ExitCode.OK)
    named = f" ({_some(list(bad))})" if bad else ""
    return f"{HEADS[code].removesuffix(', so far')}: of {total}, {', '.join(told)}{named}"


def _over(names: Sequence[str]) -> str:
    return f"; {counted(len(names), 'load test')} passed over ({_some(names)})" if names else ""


_ENDS = {
    ExitCode.OK: "passed",
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "could not be run",
    ExitCode.PROVES_NOTHING: "proved nothing",
    ExitCode.INTERRUPTED: "interrupted or not begun",
}


def _last(words: str) -> str:
    return words.strip().splitlines()[-1].strip() if words.strip() else ""
