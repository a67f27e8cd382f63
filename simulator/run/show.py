"""The report on a terminal: a table, what was expected, findings, and the verdict at the end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.run.load_show import show_load
from simulator.run.policy_report import show_policy
from simulator.views.ledger import INVOICE_HEAD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROWS_SHOWN = 10
_NUMBER = re.compile(r"\+?\d{10,15}")


def show(report: dict[str, Any], out: Path, details: Sequence[str], log: Sequence[str]) -> None:
    """Print the report for a person: the verdict is the last line, in words.

    Args:
        report: see `report.document`.
        out: the run's folder.
        details: what there is to say about why it proves nothing.
        log: the last lines of the system under test, shown unless the run passed.
    """
    console = Console(highlight=False, soft_wrap=True)
    show_load(console, report.get("load", {}))
    console.print(_table(report))
    for result in report["expectations"]:
        console.print(Text("  ").append_text(_mark(result)).append(f" {result['words']}"))
    show_policy(console, report["policy"])
    _show_findings(console, report["findings"])
    for words in (*report["departures"], *report["notes"]):
        console.print(f"  note {words}", markup=False)
    if report["verdict"]["exit_code"] and log:
        console.print(f"  the last lines of {out / 'sut.log'}:", markup=False)
        for line in log:
            console.print(f"  | {_NUMBER.sub(_masked, line)}", markup=False)
    for line in details:
        console.print(f"  {line}", markup=False)
    again = report["repeatable"]
    why = f" ({'; '.join(again['why'])})" if again["why"] else ""
    seed = report["scenario"]["seed"]
    console.print(f"  repeatable: {again['answer']}{why} · seed {seed}", markup=False)
    if "checked" not in report["wall"]:
        console.print(f"  report: {out / 'report.json'}", markup=False)
    console.print(Text(report["verdict"]["words"], "bold"))


def _mark(result: dict[str, Any]) -> Text:
    if result["outcome"] == "not_judged":
        return Text("--  ", "dim")
    if result["holds"]:
        return Text("ok  ", "green" if result["outcome"] == "passed" else "dim")
    if result["level"] == "warn":
        return Text("warn", "yellow")
    return Text("FAIL", "bold red")


def _masked(number: re.Match[str]) -> str:
    """Hide the middle of what looks like a phone number in somebody else's words."""
    text = number.group()
    return f"{text[:4]}***{text[-2:]}"


def _table(report: dict[str, Any]) -> Table:
    scenario = report["scenario"]
    table = Table(title=scenario["title"] or scenario["name"], title_justify="left")
    for column, justify in (("", "left"), ("Todoku knows", "right"), ("the system says", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    rows = report["invoices"]["rows"]
    currency = rows[0]["currency"] if rows else ""
    labels = {
        "accepted": "accepted 件",
        "delivered": "delivered 件",
        "charged_units": "charged 通",
        "excluded_units": "excluded 通",
        "total": f"{INVOICE_HEAD} total {currency}",
    }
    for name, pair in report["totals"].items():
        said = "-" if pair["system"] is None else str(pair["system"])
        table.add_row(labels[name], str(pair["todoku"]), said)
    return table


def _show_findings(console: Console, findings: dict[str, Any]) -> None:
    rows = findings["rows"]
    for row in rows[:ROWS_SHOWN]:
        who = row["own_id"] or row["provider_id"]
        about = " ".join(text for text in (who, row["to"]) if text)
        words = ": ".join(text for text in (row["kind"], about, row["words"]) if text)
        console.print(f"  find {words}", markup=False)
    if len(rows) > ROWS_SHOWN:
        console.print(f"  and {len(rows) - ROWS_SHOWN} more in findings.csv", markup=False)
