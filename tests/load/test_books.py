"""Books: what was written is read back, and a torn end costs one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ProvesNothing
from simulator.load import books
from simulator.load.books import Row

if TYPE_CHECKING:
    from pathlib import Path

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12)
COUNTS = st.integers(0, 2**53)
ROWS = st.builds(
    Row, COUNTS, COUNTS, WORDS, WORDS, COUNTS, WORDS, WORDS, COUNTS, COUNTS, COUNTS, COUNTS, WORDS
)
ROW = Row(7, 0, "acc", "+819012345678", 0, "run-7", "SM1", 1, 2, 3, 201, "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("books")


@given(rows=st.lists(ROWS, max_size=5))
def test_rows_come_back_as_they_were_written(folder: Path, rows: list[Row]) -> None:
    path = folder / "one.csv"
    text = books.HEADER + "".join(map(books.line, rows))
    path.write_text(text, encoding="utf-8", newline="")
    assert list(books.read_one(path)) == rows


@pytest.mark.parametrize("torn", range(1, len(books.line(ROW))))
def test_a_book_that_was_torn_anywhere_in_its_last_row_keeps_the_others(
    folder: Path, torn: int
) -> None:
    path = folder / "torn.csv"
    path.write_text(books.HEADER + books.line(ROW) * 2 + books.line(ROW)[:torn], newline="")
    whole = 3 if torn == len(books.line(ROW)) else 2
    assert list(books.read_one(path)) == [ROW] * whole


@pytest.mark.parametrize("torn", range(len(books.HEADER)))
def test_a_book_of_which_not_even_the_header_was_written_has_no_rows(
    folder: Path, torn: int
) -> None:
    path = folder / "begun.csv"
    path.write_text(books.HEADER[:torn], newline="")
    assert list(books.read_one(path)) == []


def test_a_line_break_in_a_cell_does_not_break_the_row() -> None:
    assert books.line(ROW._replace(code='a\r\n"b"\nc')).count("\n") == 1


def test_every_worker_s_book_is_read(tmp_path: Path) -> None:
    for worker in (0, 1, 10):
        row = ROW._replace(n=worker)
        path = tmp_path / books.NAME.format(worker=worker)
        path.write_text(books.HEADER + books.line(row))
    assert sorted(row.n for row in books.read(tmp_path)) == [0, 1, 10]


@pytest.mark.parametrize("text", ["no book", "n;warm\n", "n,warm\n1,2\n", books.HEADER + "1,2,3\n"])
def test_another_file_is_no_book(tmp_path: Path, text: str) -> None:
    (tmp_path / "books-0.csv").write_text(text)
    with pytest.raises(ProvesNothing, match="expected"):
        list(books.read(tmp_path))
