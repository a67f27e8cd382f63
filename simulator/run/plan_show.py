"""What `todoku plan` shows on a terminal: the answer first, then how it was come by."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.bar import Bar
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

BARS_MAX = 48  # rows of the picture; beyond, several hours share one
_WIDTH = 30
_NOT_SHARES = ("accepted", "units")


def show(document: dict[str, Any]) -> None:
    """Print the document of `plan_report.planned` for a person."""
    console = Console(highlight=False)
    scenario, recipients = document["scenario"], document["recipients"]
    head = scenario["title"] or scenario["name"]
    console.print(f"{head}: {_people(recipients)}", style="bold", markup=False)
    console.print(
        f"  {document['lives']:,} lives of {document['sample']:,} people, seed {scenario['seed']}, "
        f"scaled; {document['confidence']:.0%} of campaigns lie in each interval\n",
        markup=False,
    )
    _settings(console, document)
    _time(console, document["time"])
    _counts(console, document)
    _bills(console, document["bills"])
    silent = "replied" not in document["messages"]
    _picture(console, document["hours"], document["time"]["zone"], silent=silent)
    console.print("It assumes", style="italic")
    for line in (*document["assumes"], *document["notes"]):
        console.print(f"  - {line}", markup=False)
    _answer(console, document)


def _answer(console: Console, document: dict[str, Any]) -> None:
    """Say it in one line."""
    hours, bill = document["time"]["hours_needed"]["expected"], document["bills"][0]
    console.print(
        f"\n{_people(document['recipients'])}: {lasting(hours)}, {_money(bill['total'])} "
        f"{bill['currency']} ({bill['policy']}), "
        f"{document['people']['reached']['per_recipient']:.2%} reached",
        style="bold",
        markup=False,
    )


def _people(recipients: int) -> str:
    return f"{recipients:,} recipient{'' if recipients == 1 else 's'}"


def lasting(hours: float) -> str:
    """Write a length of time as people say it: 72.9 hours, 20 minutes, 5 seconds."""
    if hours >= 1:
        return f"{hours:,.1f} hours"
    if hours * 60 >= 1:
        return f"{hours * 60:.1f} minutes"
    seconds = hours * 3600
    return f"{seconds:.1f} seconds" if seconds >= 1 else "under a second"


def _settings(console: Console, document: dict[str, Any]) -> None:
    zone = document["time"]["zone"]
    rows = [
        (s["key"], f"{_local(s['value'], zone, '%Y-')}, {zone}", s["by"])
        if s["key"] == "start"
        else tuple(s.values())
        for s in document["settings"]
    ]
    _table(console, "What is planned", ("", "value", "by"), rows)


def _time(console: Console, time: dict[str, Any]) -> None:
    def here(text: str) -> str:
        return _local(text, time["zone"], "" if text[:4] == time["start"][:4] else "%Y-")

    rows = [
        (
            server["name"],
            f"{server['rate']:g}/s",
            f"{server['expected']:,}",
            _between(server, ","),
            lasting(server["work_hours"]),
            here(server["done"]),
        )
        for server in time["servers"]
    ]
    columns = ("server", "units/s", "units", "95%", "busy", "done")
    _table(console, "How long", columns, rows)
    needed = time["hours_needed"]
    known = ", ".join(f"{share} by {here(at)}" for share, at in time["known"].items())
    console.print(
        f"  {lasting(needed['expected'])} (95%: {_spread(needed)}) from "
        f"{here(time['start'])} until all is sent; it waits for: {time['waits_for']}\n"
        f"  known to the provider: {known}; all by the clock of {time['zone']}\n",
        markup=False,
    )


def _spread(needed: Mapping[str, float]) -> str:
    ends = lasting(needed["low"]), lasting(needed["high"])
    return " to ".join(dict.fromkeys(ends))


def _counts(console: Console, document: dict[str, Any]) -> None:
    rows = [
        (name, f"{row['expected']:,}", _between(row, ","), _per(name, row["per_recipient"]))
        for name, row in document["messages"].items()
    ]
    rows += [
        (
            f"people {name}",
            f"{row['expected']:,}",
            _between(row, ","),
            _per("", row["per_recipient"]),
        )
        for name, row in document["people"].items()
    ]
    _table(console, "How many", ("", "expected", "95%", "of a recipient"), rows)


def _per(name: str, value: float) -> str:
    return f"{value:.4g}" if name in _NOT_SHARES else f"{value:.2%}"


def _bills(console: Console, bills: Sequence[dict[str, Any]]) -> None:
    """Put the policies side by side."""
    rows: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("", lambda bill: bill["label"]),
        ("price", lambda bill: f"{bill['price']} {bill['currency']} / {bill['unit']}"),
        ("charged units", lambda bill: f"{bill['charged_units']['expected']:,}"),
        ("excluded units", lambda bill: f"{bill['excluded_units']['expected']:,}"),
        ("  95%", lambda bill: _between(bill["excluded_units"], ",")),
        ("subtotal", lambda bill: _money(bill["subtotal"])),
        ("tax", lambda bill: _money(bill["tax"])),
        ("total", lambda bill: f"{_money(bill['total'])} {bill['currency']}"),
        ("  from", lambda bill: _money(bill["total_low"])),
        ("  to (95%)", lambda bill: _money(bill["total_high"])),
    ]
    cells = [(name, *map(of, bills)) for name, of in rows]
    columns = ("policy", *(bill["policy"] for bill in bills))
    _table(console, "How much, 試算 (simulated), tax once on each invoice", columns, cells)
    for bill in bills:
        if len(bill["invoices"]) > 1:
            months = ", ".join(f"{i['month']} {_money(i['total'])}" for i in bill["invoices"])
            console.print(f"  {bill['policy']} by month: {months}", markup=False)


def _money(text: str) -> str:
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}"


def _picture(console: Console, hours: Sequence[dict[str, Any]], zone: str, *, silent: bool) -> None:
    """Draw what comes back, hour by hour, to the end of nearly everything."""
    rows = joined(hours, BARS_MAX)
    most = max((row["receipts"] for row in rows), default=0)
    replies = max((row["replies"] for row in rows), default=0)
    span = rows[0]["hours"] if rows else 1

    def answered(count: int) -> tuple[str, Bar]:
        return f"{count:,}", Bar(replies or 1, 0, count, width=_WIDTH // 2)

    table = Table(title=f"What comes back, by {span} h", title_justify="left", expand=False)
    for column in ("hour", "sent", "receipts", "", *(() if silent else ("replies", ""))):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        table.add_row(
            f"+{row['hour']}",
            f"{row['sent']:,}",
            f"{row['receipts']:,}",
            Bar(most or 1, 0, row["receipts"], width=_WIDTH),
            *(() if silent else answered(row["replies"])),
        )
    console.print(table)
    if hours:
        for name in ("receipts", "replies") if replies else ("receipts",):
            top = max(hours, key=lambda row: row[name]["expected"])
            count = top[name]["expected"]
            per_s = f"{count / 3600:,.1f}/s on average"
            where = f"the busiest hour of {name}: {count:,} ({_between(top[name], ',')}), {per_s}"
            console.print(f"  {where}, from {_local(top['from'], zone)}", markup=False)
        console.print()


def joined(hours: Sequence[dict[str, Any]], most: int) -> list[dict[str, int]]:
    """Return at most so many rows of equal length, to the hour when 99% of all has come."""
    last = last_hour(hours)
    size = -(-(last + 1) // most)
    found = [
        {"hour": at, "hours": size, "sent": 0, "receipts": 0, "replies": 0}
        for at in range(0, last + 1, size)
    ]
    for row in hours:
        if row["hour"] <= last:
            for name in ("sent", "receipts", "replies"):
                found[row["hour"] // size][name] += row[name]["expected"]
    return found


def last_hour(hours: Sequence[Mapping[str, Any]]) -> int:
    """Return the hour by whose end 99% of what comes back has come."""
    total, seen = sum(map(_weight, hours)), 0
    for row in hours:
        seen += _weight(row)
        if seen >= 0.99 * total:
            return int(row["hour"])
    return 0


def _weight(row: Mapping[str, Any]) -> int:
    return int(row["receipts"]["expected"] + row["replies"]["expected"])


def _local(instant: str, zone: str, year: str = "") -> str:
    """Write an instant by a clock; `year` is "%Y-" where it needs to be said."""
    return f"{datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)):{year}%m-%d %H:%M}"


def _between(row: Mapping[str, Any], form: str) -> str:
    return f"{row['low']:{form}} to {row['high']:{form}}"


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Iterable[Iterable[str]]
) -> None:
    table = Table(title=title, title_justify="left", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
