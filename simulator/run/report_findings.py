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
    from simulator.run.report import Judged
    from simulator.verify.findings import Finding

ROWS_MAX = 100_000  # findings in report.json and findings.csv; the rest is in reconciliation.csv
NATIONAL_DIGITS = 9  # of a number, without its trunk or country code


def findings_of(judged: Judged) -> dict[str, Any]:
    """Return all findings, or that none were looked for."""
    reconciliation = judged.reconciliation
    if reconciliation is None:
        return {"judged": False, "allowed": judged.verdict.allowed, "count": 0, "rows": []}
    some = islice(reconciliation.findings, ROWS_MAX)
    counts, amounts = reconciliation.counts, reconciliation.amounts
    return {
        "judged": True,
        "allowed": judged.verdict.allowed,
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
        "rows": [_finding(f, judged) for f in some],
    }


def _finding(finding: Finding, judged: Judged) -> dict[str, Any]:
    """Write a finding; unless bodies are wanted, without a whole number and without a text."""
    to, whole = finding.to, judged.bodies
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
    if whole:
        message = judged.world.store.get(finding.fact.key) if finding.fact else None
        row["body"] = message.body if message else ""
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
