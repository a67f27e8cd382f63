"""Whole runs whose claims are not version 1: the example's own books, asked by SQL."""

from __future__ import annotations

import csv
import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.run.runs import JAPAN, todoku, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.run.conftest import Here

# What the example believes, by one query: the last final receipt, or "accepted".
BOOKS = """
WITH last AS (SELECT *, max(nth) FROM receipts GROUP BY ref)
SELECT own_id, number, coalesce(state, 'accepted') AS believed,
  coalesce(units, 0) AS units, 15 * coalesce(units, 0) AS price
FROM messages LEFT JOIN last USING (ref) ORDER BY own_id
"""
FIELDS = {"own_id": "own_id", "to": "number", "units": "units", "amount": "price"}


def by_sql(query: str) -> dict[str, Any]:
    return {
        "sql": {"url": "sqlite:///{out}/books.db", "query": query},
        "fields": {**FIELDS, "state": "believed"},
        "currency": "JPY",
    }


COMMAND = "python -m examples.outreach --provider zettai_reach --database {out}/books.db"


def test_the_examples_books_are_its_claims_and_are_judged_again(here: Here, tmp_path: Path) -> None:
    path = written(tmp_path, JAPAN, sut={"command": COMMAND, "claims": by_sql(BOOKS)})
    ran = here(path)
    assert ran.code == 0, ran
    assert ran.report["findings"]["matched"] == ran.report["totals"]["accepted"]["todoku"]
    assert {row["class"] for row in rows(ran.out)} == {"matched"}
    (ran.out / "books.db").unlink()
    again = todoku("check", ran.out, "--json", tmp_path / "again.json")
    assert again.code == 0, again
    report = json.loads((tmp_path / "again.json").read_bytes())
    assert report["findings"] == ran.report["findings"]
    assert report["rates"] == ran.report["rates"]


def test_a_wrong_query_is_found_out_row_by_row(here: Here, tmp_path: Path) -> None:
    wrong = BOOKS.replace("15 * ", "16 * ")
    people = {"count": 30, "with": {"gone": "20%"}}
    path = written(
        tmp_path, JAPAN, people=people, sut={"command": COMMAND, "claims": by_sql(wrong)}
    )
    ran = here(path, "--encoding", "cp932")
    assert ran.code == 1, ran
    found = ran.report["findings"]
    charged = int(ran.report["totals"]["charged_units"]["todoku"])
    assert found["classes"] == [
        {"kind": "amount differs", "code": "amount-differs", "count": found["count"]}
        | {"amount": str(charged)}
    ]
    listed = rows(ran.out, "cp932")
    assert sum(Decimal(row["amount"]) for row in listed) == charged
    assert len(listed) == ran.report["totals"]["accepted"]["todoku"]


def rows(out: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with (out / "reconciliation.csv").open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def test_claims_that_cannot_be_had_prove_nothing_and_say_their_code(
    here: Here, tmp_path: Path
) -> None:
    claims = {"file": "{out}/absent.csv", "fields": {"own_id": "id"}}
    ran = here(written(tmp_path, JAPAN, sut={"claims": claims}))
    assert ran.code == 3, ran
    assert ran.last.endswith("is not there; name the file that it writes [claims-file]")


def test_a_file_from_before_the_run_proves_nothing(here: Here, tmp_path: Path) -> None:
    left = tmp_path / "left-over.csv"
    left.write_text("own_id,state\nspring-00001-1,delivered\n")
    os.utime(left, (0, 0))
    claims = {"file": str(left), "fields": {"own_id": "own_id", "state": "state"}}
    ran = here(written(tmp_path, JAPAN, sut={"claims": claims}))
    assert ran.code == 3, ran
    assert ran.last.endswith(
        "was last written before this run began; write it in each run [claims-file]"
    )


def test_an_unknown_encoding_is_a_usage_error(here: Here, tmp_path: Path) -> None:
    ran = here(written(tmp_path, JAPAN), "--encoding", "latin1")
    assert ran.code == 2
    assert "--encoding: utf-8-sig or cp932, not 'latin1'" in ran.complained
