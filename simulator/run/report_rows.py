"""Every row of either side with its class, those that match included, as CSV for a spreadsheet.

The one rule: rows are written a part at a time, and redacted as the report is.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from simulator.core.cause import Cause
from simulator.core.message import State
from simulator.run.report_findings import decimal, shortened, without
from simulator.run.sheet import cell, encoded
from simulator.verify.claim_rows import STATES
from simulator.verify.found import KINDS, NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from simulator.run.report import Judged
    from simulator.verify.found import Judgements

ROWS_FILE = "reconciliation.csv"
ROWS_AT_ONCE = 1 << 14
MATCHED = "matched"
COLUMNS = (
    *("class", "own_id", "provider_id", "to", "claimed", "told", "known", "fate", "cause"),
    *("claimed_units", "due_units", "claimed_amount", "due_amount", "units", "amount", "currency"),
)
_STATES = {state.value: state.name.lower() for state in State} | {State.NONE.value: ""}
_CAUSES = {cause.value: cause.name.lower() for cause in Cause} | {Cause.NONE.value: ""}


def write_rows(judged: Judged, path: Path, encoding: str) -> None:
    """Write every row of a comparison that was made.

    Args:
        judged: with a reconciliation.
        path: the file; encoding: one of `sheet.SHEET_ENCODINGS`.
    """
    assert judged.reconciliation is not None, "nothing was compared"
    rows, text = judged.reconciliation.rows, io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    with path.open("wb") as file:
        for start in range(0, max(len(rows.kind), 1), ROWS_AT_ONCE):
            writer.writerows(_some(rows, start, whole=judged.bodies))
            file.write(encoded(text.getvalue(), encoding, begins=start == 0))
            text.seek(0)
            text.truncate()


def _some(of: Judgements, start: int, *, whole: bool) -> Iterator[Sequence[str]]:
    part = slice(start, start + ROWS_AT_ONCE)
    columns = (of.kind, of.row, of.place, of.units, of.micros)
    for kind, row, place, units, micros in zip(
        *(column[part].tolist() for column in columns), strict=True
    ):
        yield (
            MATCHED if kind == NONE else KINDS[kind].value,
            *_names(of, row, place, whole=whole),
            *_states(of, row, place),
            *_money(of, row, place, units, micros),
            str(units),
            decimal(micros),
            of.currency,
        )


def _names(of: Judgements, row: int, place: int, *, whole: bool) -> Iterator[str]:
    rows, facts = of.rows, of.facts
    own = (row != NONE and rows.own_id[row]) or (place != NONE and facts.own_id[place]) or ""
    provider = facts.provider_id[place] if place != NONE else rows.provider_id[row]
    to = facts.to[place] if place != NONE else rows.to[row]
    for name in (own, provider):
        yield cell(name if whole else without(name, to))
    yield cell(to if whole else shortened(to))


def _states(of: Judgements, row: int, place: int) -> Iterator[str]:
    state = STATES[of.rows.state[row]] if row != NONE else None
    yield state.value if state else ""
    if place == NONE:
        yield from [""] * 4
        return
    for column in (of.facts.told, of.facts.known, of.facts.fate):
        yield _STATES[int(column[place])]
    yield _CAUSES[int(of.facts.cause[place])]


def _money(of: Judgements, row: int, place: int, units: int, micros: int) -> Iterator[str]:
    """Yield units and amount, each as claimed and as due: the claim less what is too much."""
    said_units = int(of.rows.units[row]) if row != NONE else 0
    said_micros = int(of.rows.micros[row]) if row != NONE else 0
    yield str(said_units) if row != NONE else ""
    yield str(said_units - units) if place != NONE else ""
    yield decimal(said_micros) if row != NONE else ""
    yield decimal(said_micros - micros) if place != NONE else ""
