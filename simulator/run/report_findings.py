"""The findings in a report and as CSV: redacted, and safe to open in a spreadsheet.

The one rule: unless bodies are asked for, no whole number of a person and no text of a message is
in it, not even as part of an id.
"""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING, Any

from simulator.run.sheet import cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.run.report import Judged
    from simulator.verify.findings import Finding
    from simulator.verify.reconcile import Reconciliation

ROWS_MAX = 100_000  # findings in report.json and findings.csv; the rest is in reconciliation.csv
NATIONAL_DIGITS = 9  # of a number, without its trunk or country code


def findings_of(judged: Judged) -> dict[str, Any]:
    """Return all findings, or that none were looked for."""
    reconciliation = judged.reconciliation
    if reconciliation is None:
        return {"judged": False, "allowed": judged.verdict.allowed, "count": 0, "rows": []}
    bodies = _bodies(judged) if judged.bodies else None
    head = {"judged": True, "allowed": judged.verdict.allowed}
    return {**head, **compared(reconciliation, ROWS_MAX, bodies)}


def compared(
    reconciliation: Reconciliation, rows_max: int, bodies: Callable[[Finding], str] | None = None
) -> dict[str, Any]:
    """Return the outcome of a comparison as plain values.

    Args:
        reconciliation: the outcome.
        rows_max: how many findings are listed.
        bodies: tells a finding's text, and has whole numbers shown; None: neither is.
    """
    some = islice(reconciliation.findings, rows_max)
    counts, amounts = reconciliation.counts, reconciliation.amounts
    return {
        "matched": reconciliation.matched,
        "count": len(reconciliation.findings),
        "amount": decimal(sum(amounts.values())),
        "classes": [
            {"kind": k.value, "code": k.code, "count": n, "amount": decimal(amounts[k])}
            for k, n in counts.items()
            if n
        ],
        "pairs": [
            {"claimed": claimed, "told": told, "count": n}
            for (claimed, told), n in sorted(reconciliation.pairs.items())
        ],
        "rows": [_finding(f, bodies) for f in some],
    }


def _bodies(judged: Judged) -> Callable[[Finding], str]:
    def body(finding: Finding) -> str:
        message = judged.world.store.get(finding.fact.key) if finding.fact else None
        return message.body if message else ""

    return body


def _finding(finding: Finding, bodies: Callable[[Finding], str] | None) -> dict[str, Any]:
    """Write a finding; unless bodies are wanted, without a whole number and without a text."""
    to, whole = finding.to, bodies is not None
    row = {
        "kind": finding.kind.value,
        "code": finding.kind.code,
        "own_id": finding.own_id if whole else without(finding.own_id, to),
        "provider_id": finding.provider_id if whole else without(finding.provider_id, to),
        "to": to if whole else shortened(to),
        "words": finding.words,
        "units": finding.units,
        "amount": decimal(finding.amount_micros),
    }
    if bodies is not None:
        row["body"] = bodies(finding)
    return row


def without(name: str, number: str) -> str:
    """Shorten a name that is, or holds, the very number."""
    digits = number.removeprefix("+")[-NATIONAL_DIGITS:]
    if len(digits) < NATIONAL_DIGITS or digits not in name:
        return name
    return name.replace(digits, f"***{digits[-4:]}")


def shortened(number: str) -> str:
    """Hide the middle of a number: +8190***4567."""
    if not number:
        return ""
    return f"{number[:5]}***{number[-4:]}" if len(number) > 9 else "***"


def findings_csv(report: dict[str, Any]) -> str:
    """Return all findings as CSV that a spreadsheet leaves as it is."""
    text = io.StringIO()
    writer = csv.writer(text)
    rows = report["findings"]["rows"]
    texts = (*_TEXTS, "body") if rows and "body" in rows[0] else _TEXTS
    writer.writerow((*texts, *_NUMBERS))
    for row in rows:
        cells = [cell(row.get(column) or "") for column in texts]
        writer.writerow([*cells, *(row[column] for column in _NUMBERS)])
    return text.getvalue()


_TEXTS = ("kind", "own_id", "provider_id", "to", "words", "code")
_NUMBERS = ("units", "amount")


def decimal(micros: int) -> str:
    """Write millionths as a decimal number without trailing zeros."""
    whole, part = divmod(abs(micros), 1_000_000)
    sign = "-" if micros < 0 else ""
    return f"{sign}{whole}.{part:06d}".rstrip("0").rstrip(".")
