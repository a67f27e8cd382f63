"""Policy in the report: a section of the document, a CSV of every breach, lines on the terminal.

Numbers of recipients are shortened and there are no texts, as everywhere in the report.
"""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.text import Text

from simulator.quantities import EPOCH
from simulator.run.report_findings import shortened, without
from simulator.verify.policy import Standing

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.verify.policy import Judgement, Policy
    from simulator.verify.touch import Breach

NOTICE = "these checks are no legal advice; docs/policies.md says what each can see"
ROWS_SHOWN = 3
_COLUMNS = ("at", "to", "channel", "own_id", "rule", "level", "words", "source")


def section(policy: Policy | None, *, whole: bool = False) -> dict[str, Any]:
    """Return the report's key `policy`, as plain values; with whole numbers if they are wanted."""
    judgements = policy.judgements if policy is not None else ()
    return {
        "words": policy.words if policy is not None else "",
        "notice": NOTICE if judgements else "",
        "count": policy.findings if policy is not None else 0,
        "checks": [_check(judgement) for judgement in judgements],
        "rows": [_row(one, breach, whole=whole) for one in judgements for breach in one.breaches],
    }


def _check(judgement: Judgement) -> dict[str, Any]:
    asked = judgement.asked
    return {
        "name": asked.name,
        "check": asked.kind,
        "outcome": judgement.standing.name.lower(),
        "level": asked.level,
        "fails": judgement.fails,
        "occasions": judgement.occasions,
        "breaches": len(judgement.breaches),
        "words": judgement.words,
        "source": asked.source,
    }


def _row(judgement: Judgement, breach: Breach, *, whole: bool) -> dict[str, Any]:
    at = EPOCH + timedelta(microseconds=breach.at_us)
    return {
        "at": at.isoformat().replace("+00:00", "Z"),
        "to": breach.to if whole else shortened(breach.to),
        "channel": breach.channel.value,
        "own_id": breach.own_id if whole else without(breach.own_id, breach.to),
        "rule": judgement.asked.name,
        "level": judgement.asked.level,
        "words": breach.words,
        "source": judgement.asked.source,
    }


def policy_csv(found: dict[str, Any]) -> str:
    """Return every breach as CSV; cells that a spreadsheet would run begin with a blank."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for row in found["rows"]:
        cells = [str(row[column]) for column in _COLUMNS]
        writer.writerow(
            [f" {c}" if c.startswith(("=", "+", "-", "@", "\t", "\r")) else c for c in cells]
        )
    return text.getvalue()


def show_policy(console: Console, found: dict[str, Any]) -> None:
    """Print a line for each check, and its first breaches."""
    for check in found["checks"]:
        mark = _MARKS[check["outcome"]]
        if check["level"] == "warn" and check["outcome"] == Standing.BROKEN.name.lower():
            mark = Text("warn", "yellow")
        elif check["fails"]:
            mark = Text("FAIL", "bold red")
        console.print(Text("  ").append_text(mark).append(f" {check['words']}"))
        rows = [row for row in found["rows"] if row["rule"] == check["name"]]
        for row in rows[:ROWS_SHOWN]:
            who = " ".join(text for text in (row["own_id"], row["to"]) if text)
            console.print(f"  find {row['at']} {who}: {row['words']}", markup=False)
        if len(rows) > ROWS_SHOWN:
            console.print(f"  and {len(rows) - ROWS_SHOWN:,} more in policy.csv", markup=False)
    if found["notice"]:
        console.print(f"  note {found['notice']}", markup=False)


_MARKS = {
    "held": Text("ok  ", "green"),
    "broken": Text("FAIL", "bold red"),
    "not_judged": Text("none", "yellow"),
}
