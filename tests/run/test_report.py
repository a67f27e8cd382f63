"""The report's small print: money, numbers of people, and cells that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from simulator.run.report import decimal, findings_csv, shortened


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0"),
        (1, "0.000001"),
        (8_300, "0.0083"),
        (15_000_000, "15"),
        (100_000_000, "100"),
        (1_234_500_000, "1234.5"),
        (-8_300, "-0.0083"),
        (-15_000_000, "-15"),
        (10**18, "1000000000000"),
    ],
)
def test_money_is_an_exact_decimal(micros: int, text: str) -> None:
    assert decimal(micros) == text


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+819012345678", "+8190***5678"),
        ("+12025550123", "+1202***0123"),
        ("0312345678", "03123***5678"),
        ("110", "***"),
        ("", ""),
    ],
)
def test_the_middle_of_a_number_is_hidden(number: str, shown: str) -> None:
    assert shortened(number) == shown


def row(**cells: Any) -> dict[str, Any]:
    plain = {"kind": "state differs", "own_id": "a", "provider_id": "", "to": "+8190***5678"}
    return {**plain, "words": "claims this; told that", "units": 1, "amount": "15", **cells}


def table(*rows: dict[str, Any]) -> list[dict[str, str]]:
    text = findings_csv({"findings": {"rows": list(rows)}})
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1"])
def test_a_cell_that_a_spreadsheet_would_run_is_text(cell: str) -> None:
    [found] = table(row(own_id=cell, words=cell))
    assert found["own_id"] == found["words"] == f"'{cell}"


def test_other_cells_are_written_as_they_are() -> None:
    [found] = table(row(own_id='a,"b"\nc', provider_id=None, units=0, amount="-0.0083"))
    assert found["own_id"] == 'a,"b"\nc'
    assert found["provider_id"] == ""
    assert found["units"] == "0"
    assert found["amount"] == "-0.0083"  # a number stays one


def test_no_findings_are_an_empty_table() -> None:
    assert table() == []
    assert findings_csv({"findings": {"rows": []}}).startswith("kind,own_id,provider_id,to,words")
