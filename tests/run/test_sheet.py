"""Tables for a spreadsheet: nothing is run, no zero is eaten, and every row is there."""

from __future__ import annotations

import csv
import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.message import State
from simulator.run.report_findings import decimal
from simulator.run.report_rows import MATCHED, write_rows
from simulator.run.sheet import SHEET_ENCODINGS, cell, encoded
from simulator.verify.claims import ClaimedState
from tests.verify.honest_books import books_of, repeatable, with_rows

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.verify.reconcile import Reconciliation


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+81", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "0012", "1E5", "1-2", "12.10"),
        *("'x", "00123456789012345678", "MAR1", "jan-5", "Sept 2", "TRUE", "#N/A", "\uff1d1+1"),
    ],
)
def test_what_a_spreadsheet_would_change_is_marked_as_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "spring-0001-1", "SM0012", "着信済", "Marie", "a=1"])
def test_what_it_would_leave_alone_is_written_as_it_is(text: str) -> None:
    assert cell(text) == text


@repeatable
@given(st.text())
def test_one_apostrophe_taken_away_gives_the_text_back(text: str) -> None:
    written = cell(text)
    assert text in (written, written.removeprefix("'"))
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r", " "))


@pytest.mark.parametrize("encoding", SHEET_ENCODINGS)
def test_a_table_is_in_the_encoding_that_was_asked_for(encoding: str) -> None:
    data = encoded("到達\u2603", encoding) + encoded("さらに", encoding, begins=False)
    snowman = "\u2603" if encoding == "utf-8-sig" else r"\u2603"
    assert data.decode(encoding) == f"到達{snowman}さらに"
    assert data.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")


class Judged:
    """As much of a judgement as rows need."""

    def __init__(self, reconciliation: Reconciliation, bodies: bool) -> None:
        self.reconciliation, self.bodies = reconciliation, bodies


def rows(judged: Reconciliation, folder: Path, *, whole: bool = False) -> list[dict[str, str]]:
    file, wanted = folder / "rows.csv", Judged(judged, whole)
    write_rows(wanted, file, "cp932")  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(file.read_bytes().decode("cp932"))))


def test_every_row_of_either_side_is_there_with_its_class(tmp_path: Path) -> None:
    honest = books_of((State.DELIVERED, 1), (State.UNDELIVERED, 1), (State.DELIVERED, 2))
    claims = list(honest.claims.rows)
    claims[1] = type(claims[1])("own-1", "", claims[1].to, ClaimedState.UNDELIVERED, 1, 15_000_000)
    claims[2] = type(claims[2])("stranger", "", "090", ClaimedState.SENT, 0, 0)
    judged = honest.judged(with_rows(honest, claims))
    found = rows(judged, tmp_path, whole=True)
    assert [row["class"] for row in found] == [
        MATCHED,
        "billed though excluded",
        "unknown to us",
        "lost by the system",
    ]
    assert found[1] | {"to": ""} == {
        "class": "billed though excluded",
        "own_id": "own-1",
        "provider_id": f"SM{1:032x}",
        "to": "",
        "claimed": "undelivered",
        "told": "undelivered",
        "known": "undelivered",
        "fate": "undelivered",
        "cause": "",
        "claimed_units": "1",
        "due_units": "0",
        "claimed_amount": "15",
        "due_amount": "0",
        "units": "1",
        "amount": "15",
        "currency": "JPY",
    }
    assert found[2]["told"] == found[2]["due_amount"] == ""
    assert found[3]["claimed"] == found[3]["claimed_amount"] == ""
    assert sum(Fraction(row["amount"]) for row in found) == Fraction(decimal(judged.amount_micros))


def test_numbers_of_people_are_shortened_unless_they_are_wanted(tmp_path: Path) -> None:
    honest = books_of((State.DELIVERED, 1))
    (short,) = rows(honest.judged(), tmp_path)
    (whole,) = rows(honest.judged(), tmp_path, whole=True)
    assert (short["to"], whole["to"]) == ("'+8190***0000", "'+819000000000")


def test_no_rows_are_a_head(tmp_path: Path) -> None:
    assert rows(books_of().judged(), tmp_path) == []
    assert (tmp_path / "rows.csv").read_bytes().startswith(b"class,own_id,provider_id,to,claimed")


def test_many_rows_are_written_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.run.report_rows.ROWS_AT_ONCE", 3)
    lives: list[Any] = [(State.DELIVERED, 1)] * 10
    assert len(rows(books_of(*lives).judged(), tmp_path)) == 10
