"""A system with a bug to order is found out, row by row and to the last unit of money."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.run.runs import AMERICA, JAPAN, begin, finish, sut, written

if TYPE_CHECKING:
    from collections.abc import Iterable

# People to whom much goes wrong. Twilio bills what is undelivered; there that bug changes nothing.
UNLUCKY = {"count": 60, "with": {"gone": "15%", "refuses": "10%"}}
BITING = [
    ("zettai_reach", "bill-undelivered", "billed though excluded"),
    ("zettai_reach", "sent-is-delivered", "state differs"),
    ("twilio", "sent-is-delivered", "state differs"),
]
RATE = "rate differs"  # the rate that was claimed is wrong with the states it is made of


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Any]:
    """Run them all, side by side."""
    begun = {}
    for provider, bug, _ in BITING:
        folder = tmp_path_factory.mktemp(bug)
        base = JAPAN if provider == "zettai_reach" else AMERICA
        path = written(folder, base, people=UNLUCKY)
        command = sut(provider, "--bug", bug, "--bug-log", folder / "bug.log")
        begun[provider, bug] = begin("run", path, "--out", folder, "--sut", command), folder
    return {name: finish(process, folder) for name, (process, folder) in begun.items()}


def by_id(rows: Iterable[dict[str, Any]], amount: str) -> dict[tuple[str, str], Decimal]:
    return {(r["own_id"] or "", r["provider_id"] or ""): Decimal(r[amount]) for r in rows}


@pytest.mark.parametrize(("provider", "bug", "kind"), BITING)
def test_the_findings_are_the_systems_own_list_of_what_it_got_wrong(
    caught: dict[tuple[str, str], Any], provider: str, bug: str, kind: str
) -> None:
    ran = caught[provider, bug]
    assert ran.code == 1, ran
    lines = (ran.out / "bug.log").read_text("utf-8").splitlines()
    confessed = by_id(map(json.loads, lines), "amount_wrong")
    findings = ran.report["findings"]
    rows = [row for row in findings["rows"] if row["kind"] != RATE]
    assert findings["count"] == len(findings["rows"])
    assert len(rows) == len(confessed) >= 5
    assert by_id(rows, "amount") == confessed
    assert {row["kind"] for row in rows} == {kind}
    assert Decimal(findings["amount"]) == sum(confessed.values())
    assert ran.last.startswith(f"FAIL: no expectations, {findings['count']} findings")


@pytest.mark.parametrize(("provider", "bug", "kind"), BITING)
def test_the_findings_are_a_file_for_a_spreadsheet_too(
    caught: dict[tuple[str, str], Any], provider: str, bug: str, kind: str
) -> None:
    ran = caught[provider, bug]
    with (ran.out / "findings.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert by_id(rows, "amount") == by_id(ran.report["findings"]["rows"], "amount")
