"""Claims as a run keeps them in its folder, and as they are read back to judge it again.

    claims.json     version 1, byte for byte as it was answered
    claims.jsonl    whatever else was claimed: a head, then one row on each line

The one rule: what is read back is what was judged, unsaid fields included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.errors import UsageError
from simulator.verify.claim_rows import FIELDS, Claim, ClaimRows
from simulator.verify.claims import ClaimedTotals, Claims, parse_claims

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

FILE_OF_VERSION_1 = "claims.json"
FILE_OF_ROWS = "claims.jsonl"
CLAIMS_FILES = (FILE_OF_VERSION_1, FILE_OF_ROWS)
_SCHEMA = "todoku/claims/rows/1"
_encode = msgspec.json.Encoder().encode


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    currency: str
    said: list[str]
    totals: ClaimedTotals
    notes: list[str]
    aggregates: bool


_head = msgspec.json.Decoder(_Head)
_row = msgspec.json.Decoder(Claim)


def save(claims: Claims, path: Path) -> None:
    """Write claims, a row at a time."""
    rows = ClaimRows.of(claims.rows)
    said = [name for name in FIELDS if name in rows.said]
    head = _Head(
        _SCHEMA, claims.currency, said, claims.totals, list(claims.notes), claims.aggregates
    )
    with path.open("wb") as file:
        file.write(_encode(head) + b"\n")
        for claim in rows:
            file.write(_encode(claim) + b"\n")


def saved(out: Path, *, region: str = "JP", aggregates: bool = False) -> Claims | None:
    """Read the claims of a finished run; None where it has none.

    Args:
        out: the run's folder.
        region, aggregates: as for `parse_claims`, of the run's scenario.

    Raises:
        ClaimsError: version 1, and unreadable then as now.
        UsageError: the file of rows was changed.
    """
    if (out / FILE_OF_ROWS).is_file():
        with (out / FILE_OF_ROWS).open("rb") as file:
            try:
                return _read(file)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise UsageError(f"{out / FILE_OF_ROWS} cannot be read: {error}") from None
    if (out / FILE_OF_VERSION_1).is_file():
        data = (out / FILE_OF_VERSION_1).read_bytes()
        return parse_claims(data, region, aggregates=aggregates)
    return None


def saved_bytes(out: Path) -> bytes:
    """Return the bytes of whichever file of claims is there; none, if there is none."""
    found = next((out / name for name in CLAIMS_FILES if (out / name).is_file()), None)
    return b"" if found is None else found.read_bytes()


def _read(file: BinaryIO) -> Claims:
    head = _head.decode(file.readline())
    if head.schema != _SCHEMA:
        raise UsageError(f"{file.name} is of {head.schema!r}; this Todoku reads {_SCHEMA!r}")
    rows = ClaimRows.of(_rows(file), frozenset(head.said))
    return Claims(head.currency, rows, head.totals, tuple(head.notes), aggregates=head.aggregates)


def _rows(file: BinaryIO) -> Iterator[Any]:
    return (_row.decode(line) for line in file)
