"""A suite's runs in the files of CI: every run's report in one JUnit file, and one page for all.

The one rule: a run without a report is an error there, and never missing from the count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.run.report_files import Outputs, encoded, write
from simulator.run.report_github import ANNOTATIONS_MAX, add_to_summary, command
from simulator.run.report_junit import junit
from simulator.run.report_markdown import cell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNS_SHOWN = 200


def no_report(name: str, seed: int | None, code: int, words: str) -> dict[str, Any]:
    """Return what stands for a report where there is none, in the shape that JUnit needs."""
    return {
        "scenario": {"name": name, "title": "", "seed": seed},
        "verdict": {"exit_code": code, "words": words},
        "validity": {"proves": False, "why": [words]},
        "expectations": [],
        "findings": {"judged": False, "allowed": True, "count": 0, "rows": []},
        "digest": "",
    }


def write_suite(suite: dict[str, Any], folder: Path, outputs: Outputs) -> None:
    """Write a suite (see `suite_show.document`) everywhere it was asked for."""
    for file in (folder / "suite.json", outputs.json):
        if file is not None:
            write(file, encoded(suite))
    if outputs.junit is not None:
        write(outputs.junit, junit([_report(name, run, folder) for name, run in _runs(suite)]))
    page = "\n".join(_page(suite)) + "\n"
    if outputs.markdown is not None:
        write(outputs.markdown, page.encode())
    if outputs.github.summary is not None:
        add_to_summary(outputs.github.summary, page)
    if outputs.github.annotates:
        bad = [(name, run) for name, run in _runs(suite) if run["exit_code"]]
        for name, run in bad[:ANNOTATIONS_MAX]:
            print(command("error", f"{name} seed {run['seed']}", run["words"]))


def _runs(suite: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for scenario in suite["scenarios"]:
        for run in scenario["runs"]:
            yield scenario["name"], run


def _report(name: str, run: dict[str, Any], folder: Path) -> dict[str, Any]:
    try:
        data = (folder / run["folder"] / "report.json").read_bytes()
        report: dict[str, Any] = msgspec.json.decode(data)
    except (OSError, msgspec.DecodeError):
        return no_report(name, run["seed"], run["exit_code"], run["words"])
    return report


def _page(suite: dict[str, Any]) -> Iterator[str]:
    yield f"**{cell(suite['verdict']['words'])}**"
    yield ""
    yield "| scenario | seed | exit | verdict |"
    yield "|---|---:|---:|---|"
    runs = sorted(_runs(suite), key=lambda named: not named[1]["exit_code"])  # it is stable
    for name, run in runs[:RUNS_SHOWN]:
        seed = "-" if run["seed"] is None else run["seed"]
        yield f"| {cell(name)} | {seed} | {run['exit_code']} | {cell(run['words'])} |"
    if len(runs) > RUNS_SHOWN:
        yield f"| and {len(runs) - RUNS_SHOWN:,} more | | | |"
