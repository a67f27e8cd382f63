"""The client's books: one row for each arrival, as the generator lived it.

The one rule: what is written stays readable. Rows go out in order of their ends and in whole lines,
so of a worker that was killed every line but perhaps the last can be read. Instants are of the
writing worker's own clock (epoch us); `Outcome.workers[...].clock` leads to the run's.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from simulator.errors import ProvesNothing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "books-{worker}.csv"
DROPPED = "dropped"  # the code of an arrival that was never sent


class Row(NamedTuple):
    """One arrival.

    Attributes:
        n: its number in the whole schedule, warm-up first.
        warm: 1 in the warm-up, 0 in the load.
        account: the id of the account; empty against a system under test.
        recipient: as the list of recipients writes it; the first one of a batch.
        k: how many earlier arrivals of this load had the same recipient.
        own_id: what we told the target as our reference, whether it has a field for it or not.
        provider_id: what the target answered as its id; empty: none.
        intended_us, started_us, answered_us: epoch; 0: it never was.
        status: HTTP; 0: there was no answer.
        code: the provider's error code, `dropped`, or how there came to be no answer.
    """

    n: int
    warm: int
    account: str
    recipient: str
    k: int
    own_id: str
    provider_id: str
    intended_us: int
    started_us: int
    answered_us: int
    status: int
    code: str


HEADER = ",".join(Row._fields) + "\n"
_NUMBERS = frozenset({"n", "warm", "k", "intended_us", "started_us", "answered_us", "status"})
_READERS = tuple(int if field in _NUMBERS else str for field in Row._fields)
_SPECIAL = frozenset('",\r\n')


def line(row: Row) -> str:
    """Return a row as a line of CSV."""
    return ",".join([str(v) if v.__class__ is int else _cell(str(v)) for v in row]) + "\n"


def read(folder: Path) -> Iterator[Row]:
    """Yield every whole row of every worker's books in a run's folder.

    Raises:
        ProvesNothing: a book is not one of ours.
    """
    for path in sorted(folder.glob(NAME.format(worker="*"))):
        yield from read_one(path)


def read_one(path: Path) -> Iterator[Row]:
    """Yield every whole row of one book; what was torn at its end is left out, its header too."""
    with path.open(encoding="utf-8", newline="") as file:
        header = file.readline()
        if not header.endswith("\n") and HEADER.startswith(header):
            return  # its worker had only begun when it was read, or was killed
        if header != HEADER:
            raise ProvesNothing(f"{path}: expected the columns {HEADER.strip()}")
        whole = (text for text in file if text.endswith("\n"))
        for cells in csv.reader(whole):
            if len(cells) != len(_READERS):
                raise ProvesNothing(f"{path}: expected {len(_READERS)} cells; seen {len(cells)}")
            yield Row(*(read(cell) for read, cell in zip(_READERS, cells, strict=True)))  # type: ignore[arg-type]


def _cell(text: str) -> str:
    """Return text as a cell; a line break inside becomes a space, so that a row is a line."""
    if _SPECIAL.isdisjoint(text):
        return text
    return '"' + " ".join(text.splitlines()).replace('"', '""') + '"'
