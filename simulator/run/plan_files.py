"""The files of a plan: a table for a spreadsheet, a picture that needs nothing beside it, JSON."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.run.plan_show import last_hour
from simulator.run.plot import svg
from simulator.run.report_files import write
from simulator.run.sheet import encoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.figure import Figure

COLUMNS = ("part", "what", "hour", "unit", "expected", "low", "high")
_COLORS = {"sent": "#999999", "receipts": "#1b6e3c", "replies": "#b3261e"}


def write_json(document: dict[str, Any], path: Path) -> None:
    """Write all of it."""
    write(path, as_json(document))


def as_json(document: dict[str, Any]) -> bytes:
    """Return all of it as JSON."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def write_csv(document: dict[str, Any], path: Path, encoding: str) -> None:
    """Write one row for each figure, as a spreadsheet reads it."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_rows(document))
    write(path, encoded(text.getvalue(), encoding))


def _rows(document: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    def counted(
        part: str, what: str, unit: str, row: dict[str, Any], hour: object = ""
    ) -> tuple[object, ...]:
        return part, what, hour, unit, row["expected"], row["low"], row["high"]

    time = document["time"]
    yield counted("time", "hours needed", "hour", time["hours_needed"])
    for server in time["servers"]:
        yield counted("server", server["name"], "unit", server)
    for part in ("messages", "people"):
        for name, row in document[part].items():
            yield counted(part, name, "unit" if name == "units" else part, row)
    for bill in document["bills"]:
        name = bill["policy"]
        yield counted("bill", f"{name}: charged", "unit", bill["charged_units"])
        yield counted("bill", f"{name}: excluded", "unit", bill["excluded_units"])
        total = {"expected": bill["total"], "low": bill["total_low"], "high": bill["total_high"]}
        yield counted("bill", f"{name}: total with tax", bill["currency"], total)
    for row in document["hours"]:
        for name in ("sent", "receipts", "replies"):
            yield counted("hourly", name, "messages", row[name], row["hour"])


def write_svg(document: dict[str, Any], path: Path) -> None:
    """Draw what goes out and what comes back, hour by hour."""

    def draw(figure: Figure) -> None:
        last = last_hour(document["hours"])
        hours = [row for row in document["hours"] if row["hour"] <= last]
        title = f"{document['scenario']['name']}: {document['recipients']:,} recipients"
        figure.suptitle(title, parse_math=False)
        silent = () if "replied" in document["messages"] else ("replies",)
        colors = {name: color for name, color in _COLORS.items() if name not in silent}
        axes = figure.subplots(len(colors), 1, sharex=True)
        at = [row["hour"] for row in hours]
        for each, (name, color) in zip(axes, colors.items(), strict=True):
            counts, low, high = (
                [row[name][end] for row in hours] for end in ("expected", "low", "high")
            )
            each.bar(at, counts, width=1.0, align="edge", color=color)
            if name != "sent":
                middle = [hour + 0.5 for hour in at]
                each.vlines(middle, low, high, color="#333333", linewidth=0.8)
            each.set_ylabel(f"{name} an hour")
            each.spines[["top", "right"]].set_visible(False)
            each.yaxis.set_major_formatter("{x:,.0f}")
        axes[-1].set_xlabel(f"hours since {document['time']['start']}")
        axes[-1].set_xlim(0, last + 1)

    write(path, svg(draw, (9, 7)))
