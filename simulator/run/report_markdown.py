"""The report as Markdown, failures first, small enough for a GitHub step summary.

The one rule: nothing that a system under test wrote is markup here, and no number of findings makes
it longer than `BYTES_MAX`; a step summary holds a megabyte, and people read a page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from simulator.run.load_show import latency_rows, lines_of
from simulator.run.report_cases import cases
from simulator.views.ledger import INVOICE_HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BYTES_MAX = 200_000
EXPECTATIONS_MAX = 100
FINDINGS_MAX = 20
CELL_CHARS_MAX = 300
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~@$!&])")
_MARKS = {0: "✅", 1: "❌", 2: "❌", 3: "⚠️", 130: "⚠️"}
_LABELS = {
    "accepted": "accepted 件",
    "delivered": "delivered 件",
    "charged_units": "charged 通",
    "excluded_units": "excluded 通",
    "total": f"{INVOICE_HEAD} total",
}


def markdown(report: dict[str, Any]) -> str:
    """Return a page for one report (see `report.document`)."""
    lines = "\n".join(_lines(report)) + "\n"
    data = lines.encode()
    if len(data) <= BYTES_MAX:
        return lines
    return data[: BYTES_MAX - 64].decode(errors="ignore") + "\n\n(cut here: see report.json)\n"


def _lines(report: dict[str, Any]) -> Iterator[str]:
    scenario, verdict = report["scenario"], report["verdict"]
    mark = _MARKS.get(verdict["exit_code"], "❌")
    yield f"## {mark} {cell(scenario['title'] or scenario['name'])}"
    yield ""
    yield f"**{cell(verdict['words'])}**"
    yield ""
    for why in report["validity"]["why"]:
        yield f"- proves nothing: {cell(why)}"
    yield from _load(report.get("load") or {})
    yield from _expectations(cases(report))
    yield from _findings(report["findings"])
    yield ""
    yield "| | Todoku knows | the system says |"
    yield "|---|---:|---:|"
    for name, pair in report["totals"].items():
        said = "-" if pair["system"] is None else cell(pair["system"])
        yield f"| {_LABELS[name]} | {cell(pair['todoku'])} | {said} |"
    yield ""
    for note in (*report["departures"], *report["notes"]):
        yield f"- {cell(note)}"
    again = report["repeatable"]
    why = f" ({cell('; '.join(again['why']))})" if again["why"] else ""
    seed = f"seed {scenario['seed']}, digest {cell(report['digest'])}"
    yield f"- repeatable: {again['answer']}{why}, {seed}"


def _load(load: dict[str, Any]) -> Iterator[str]:
    if "counts" not in load:
        return
    yield ""
    for line in lines_of(load):
        yield f"- {cell(' '.join(line.split()))}"
    yield ""
    yield "| ms of real time | p50 | p90 | p99 | p99.9 | max | count |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for row in latency_rows(load):
        yield f"| {' | '.join(map(cell, row))} |"


def _expectations(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not results:
        return
    yield ""
    yield "| | expectation |"
    yield "|---|---|"
    ordered = sorted(results, key=lambda r: (r["holds"], r["level"] == "warn"))  # it is stable
    for result in ordered[:EXPECTATIONS_MAX]:
        yield f"| {how(result)} | {cell(result['words'])} |"
    if len(results) > EXPECTATIONS_MAX:
        yield f"| | and {len(results) - EXPECTATIONS_MAX:,} more in report.json |"


def how(result: dict[str, Any]) -> str:
    """Return how an expectation ended, in a word."""
    if result["outcome"] == "not_judged":
        return "not judged"
    if result["holds"]:
        return "ok" if result["outcome"] == "passed" else "ok, no data"
    return "warning" if result["level"] == "warn" else "**FAIL**"


def _findings(findings: dict[str, Any]) -> Iterator[str]:
    if not findings["count"]:
        return
    yield ""
    yield f"{findings['count']:,} findings, amount {cell(findings['amount'])}; all in findings.csv:"
    yield ""
    yield "| kind | id | to | words |"
    yield "|---|---|---|---|"
    for row in findings["rows"][:FINDINGS_MAX]:
        cells = (row["kind"], row["own_id"] or row["provider_id"] or "", row["to"], row["words"])
        yield f"| {' | '.join(map(cell, cells))} |"


def cell(value: object) -> str:
    """Write a value as plain text on one line: no markup, no line of its own, and not too long."""
    text = "".join(c if c.isprintable() else " " for c in str(value))
    text = " ".join(text.split())
    if len(text) > CELL_CHARS_MAX:
        text = f"{text[:CELL_CHARS_MAX]}..."
    return _MARKUP.sub(r"\\\1", text)
