"""What `todoku explain` shows on a terminal: one table for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def show(document: dict[str, Any]) -> None:
    """Print the document of `explain.explained` for a person."""
    console = Console(highlight=False)
    scenario, expected = document["scenario"], document["expected"]
    head = scenario["title"] or scenario["name"]
    console.print(f"{head} (seed {scenario['seed']})", style="bold", markup=False)
    _table(console, "What it says, defaults included", ("key", "value", "by"), _rows(document))
    _table(
        console,
        "How its people are",
        ("segment", "rate", "value", "by"),
        (row.values() for row in document["rates"]),
    )
    _table(
        console,
        f"What to expect of {expected['people']:,} people on account {expected['account']}",
        ("metric", "expected", "95% of runs", "of one message, 95%"),
        _counts(expected),
    )
    console.print(
        f"  by {expected['method']}: {expected['lives']:,} lives over {expected['seeds']} other "
        "seeds. What the system adds (reminders, longer texts) is not in it.\n",
        markup=False,
    )
    _table(
        console,
        "What chance does to its expectations",
        ("expectation", "that", "answer"),
        ((row["name"], row["that"], row["words"]) for row in document["expectations"]),
    )
    _table(
        console,
        "Where its figures are from",
        ("figure", "value", "certainty", "source"),
        (row.values() for row in document["figures"]),
    )
    if document["rules"]:
        _table(
            console,
            "What goes wrong on purpose",
            ("rule", "seam", "what", "whom it hits"),
            (row.values() for row in document["rules"]),
        )
    _table(
        console,
        "What its policy asks of the traffic (no legal advice)",
        ("check", "what", "level", "source"),
        (row.values() for row in document["policy"]),
    )
    for title, lines in (
        ("What the run can judge", document["judges"]["can"]),
        ("What it cannot", document["judges"]["cannot"]),
        ("What goes before what", document["precedence"]),
    ):
        console.print(title, style="italic")
        for line in lines:
            console.print(f"  - {line}", markup=False)
        console.print()


def _rows(document: dict[str, Any]) -> Iterable[Sequence[str]]:
    return ((row["key"], row["value"], row["by"]) for row in document["settings"])


def _counts(expected: dict[str, Any]) -> Iterable[Sequence[str]]:
    for row in expected["counts"]:
        yield (
            row["metric"],
            f"{row['expected']:,.1f}",
            f"{row['low']:,} to {row['high']:,}",
            f"{row['share']:.2%} ({row['share_low']:.2%} to {row['share_high']:.2%})",
        )
    total = expected["total"]
    yield f"total {total['currency']}", total["expected"], f"{total['low']} to {total['high']}", ""


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Iterable[Iterable[str]]
) -> None:
    table = Table(title=title, title_justify="left", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    filled = [list(row) for row in rows]
    for row in filled:
        table.add_row(*row)
    if filled:
        console.print(table)
