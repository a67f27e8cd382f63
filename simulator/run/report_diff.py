"""Two reports beside each other: `todoku report diff A B`, and a baseline for a run.

The one rule: it tells and does not judge. What must not become worse is `--baseline`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.table import Table

from simulator import quantities as q
from simulator.errors import UsageError
from simulator.run.report import SCHEMA
from simulator.run.report_cases import cases
from simulator.verify.expect_baseline import PREFIX, Baseline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Row = tuple[str, str, str]

DIFF_SCHEMA = "todoku/diff/1"
REPORT = "report.json"
FINDINGS_SHOWN = 20
_ABSENT = "-"
_NEEDED = ("digest", "verdict", "validity", "scenario", "expectations", "metrics", "findings")


def load_report(path: Path) -> dict[str, Any]:
    """Return a report by its file, or by the folder of its run.

    Raises:
        UsageError: there is none that can be read.
    """
    file = path / REPORT if path.is_dir() else path
    try:
        report = msgspec.json.decode(file.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{file} is no report: {error}") from None
    said = report.get("schema") if isinstance(report, dict) else None
    if said != SCHEMA:
        raise UsageError(f"{file} is no report of this version: its schema is not {SCHEMA!r}")
    found: dict[str, Any] = report
    if absent := next((name for name in _NEEDED if name not in found), None):
        raise UsageError(f"{file} is no whole report: {absent!r} is not there")
    return found


def baseline_of(path: Path | None, regress_max: str) -> Baseline | None:
    """Return what a run is held against, from --baseline and --max-regress.

    Raises:
        UsageError: either cannot be read.
    """
    try:
        share = q.exact_ratio(regress_max)
    except ValueError as error:
        raise UsageError(f"--max-regress: {error}") from None
    if path is None:
        return None
    report = load_report(path)
    try:
        proves = report["validity"]["proves"]
        values = {
            (row["that"], row["of"]): None if row["exact"] is None else Fraction(row["exact"])
            for row in report["expectations"]
            if not row["name"].startswith(PREFIX)
        }
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise UsageError(f"{path} is no report that can be compared: {error!r}") from None
    if not proves:
        words = f"{path} is of a run that proves nothing; name one that does"
        raise UsageError(f"--baseline: {words}")
    return Baseline(str(path), values, share)


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what differs between two reports, as plain values: pairs of before and after."""
    return {
        "schema": DIFF_SCHEMA,
        "same_facts": before["digest"] == after["digest"],
        "verdict": [before["verdict"], after["verdict"]],
        "scenario": _changed(before["scenario"], after["scenario"]),
        "expectations": _changed(_held(before), _held(after)),
        "metrics": _changed(before["metrics"], after["metrics"]),
        "findings": {
            "gone": _only(before, after),
            "new": _only(after, before),
        },
    }


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    names = dict.fromkeys((*before, *after))
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _held(report: dict[str, Any]) -> dict[str, Any]:
    return {
        row["name"]: {key: row.get(key) for key in ("outcome", "exact", "limit")}
        for row in cases(report)
    }


def _only(one: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    there = {_identity(row) for row in other["findings"]["rows"]}
    return [row for row in one["findings"]["rows"] if _identity(row) not in there]


def _identity(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["kind"], row["own_id"], row["provider_id"], row["to"], row["words"]


def show_difference(found: dict[str, Any]) -> None:
    """Print a difference: a table of what changed, findings gone and new, and what it comes to."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(title="what differs", title_justify="left")
    for column in ("", "before", "after"):
        table.add_column(column)
    rows = list(_rows(found))
    for row in rows:
        table.add_row(*row)
    if rows:
        console.print(table)
    for way in ("gone", "new"):
        listed = found["findings"][way]
        for row in listed[:FINDINGS_SHOWN]:
            about = row["own_id"] or row["provider_id"] or row["to"]
            console.print(f"  {way:4} {row['kind']}: {about}: {row['words']}", markup=False)
        if len(listed) > FINDINGS_SHOWN:
            console.print(f"  and {len(listed) - FINDINGS_SHOWN:,} more {way}", markup=False)
    same = "the same facts" if found["same_facts"] else "other facts"
    codes = " then ".join(str(verdict["exit_code"]) for verdict in found["verdict"])
    console.print(f"{same}; exit code {codes}; {len(rows)} differences", markup=False)


def _rows(found: dict[str, Any]) -> Iterator[Row]:
    verdicts = [verdict["words"] for verdict in found["verdict"]]
    if verdicts[0] != verdicts[1]:
        yield "verdict", verdicts[0], verdicts[1]
    for section in ("scenario", "metrics"):
        for name, (before, after) in found[section].items():
            yield name, _cell(before), _cell(after)
    for name, (before, after) in found["expectations"].items():
        yield f"expectation: {name}", _ended(before), _ended(after)


def _cell(value: object) -> str:
    return _ABSENT if value is None else str(value)


def _ended(result: dict[str, Any] | None) -> str:
    if result is None:
        return _ABSENT
    value = result["exact"]
    if result["limit"] is None:
        return str(result["outcome"])
    shown = "no data" if value is None else f"{float(Fraction(value)):.6g}"
    return f"{result['outcome']} ({shown}, {result['limit']})"
