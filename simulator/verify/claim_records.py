"""Documents to records: CSV, JSON and JSON lines, each row as the values that a mapping wants.

The one rule: a record is a list of values in the order of `Reading.wanted`, so that whoever reads
claims need not know where they are from. A field that no row has is an error that says which are.
"""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.errors import did_you_mean, shown
from simulator.verify.claim_codes import ClaimCode, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Record = Sequence[Any]

CELL_CHARS_MAX = 131_072  # the csv module's own
_NOTHING = object()
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(Any, float_hook=Decimal)
_UNREADABLE = (msgspec.DecodeError, RecursionError)


def named(wanted: Sequence[str], present: Sequence[str]) -> list[int]:
    """Return where the wanted columns are.

    Raises:
        ClaimsError: one is not there, or stands there twice.
    """
    found = []
    for name in wanted:
        at = [index for index, other in enumerate(present) if other == name]
        if not at:
            hint = did_you_mean(name, [other for other in present if other])
            said = f"the mapping names {shown(name)}, which is no column; {hint}"
            raise unreadable(ClaimCode.UNMAPPED, said)
        if len(at) > 1:
            said = f"the column {shown(name)} is there {len(at)} times; name its columns apart"
            raise unreadable(ClaimCode.UNMAPPED, said)
        found.append(at[0])
    return found


def of_csv(lines: Iterable[str], wanted: Sequence[str], delimiter: str) -> Iterator[Record]:
    """Yield the records of CSV with a header.

    Raises:
        ClaimsError: it is no CSV, a row has more or fewer cells than the header, or see `named`.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        columns = named(wanted, header)
        width = len(header)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != width:
                said = f"line {reader.line_num} has {len(cells)} cells, the header has {width}"
                raise unreadable(ClaimCode.NOT_CSV, f"{said}; look for a stray quote or delimiter")
            yield [cells[column] for column in columns]
    except csv.Error as error:
        said = f"line {reader.line_num} is not CSV: {error}; quote cells as RFC 4180 says"
        raise unreadable(ClaimCode.NOT_CSV, said) from None


class JsonFields:
    """Takes wanted values out of JSON objects, and remembers which were ever there."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self._wanted = [(name, name.split(".")) for name in wanted]
        self._seen: set[str] = set()
        self._present: set[str] = set()
        self._rows = 0

    def record(self, raw: msgspec.Raw | str, place: Callable[[], str]) -> Record:
        """Return one object's values; None where it has none.

        Raises:
            ClaimsError: it is no JSON object.
        """
        try:
            found = _ANY.decode(raw)
        except _UNREADABLE as error:
            said = f"{place()} is not JSON: {error}; write one object for each message"
            raise unreadable(ClaimCode.NOT_JSON, said) from None
        if not isinstance(found, dict):
            said = f"{place()} is {shown(found)}, not an object"
            raise unreadable(ClaimCode.SHAPE, f"{said}; write one object for each message")
        self._rows += 1
        values = []
        for name, path in self._wanted:
            value = found.get(name, _NOTHING)
            if value is _NOTHING:
                value = _inside(found, path)
            if value is not _NOTHING:
                self._seen.add(name)
            elif not self._present:
                self._present.update(map(str, found))
            values.append(None if value is _NOTHING else value)
        return values

    def check(self) -> None:
        """Check that each wanted field was there at least once.

        Raises:
            ClaimsError: one never was.
        """
        for name, _ in self._wanted:
            if self._rows and name not in self._seen:
                hint = did_you_mean(name, self._present)
                said = f"the mapping names {shown(name)}, which no row has; {hint}"
                raise unreadable(ClaimCode.UNMAPPED, said)


def at_path(data: bytes | msgspec.Raw, path: str) -> msgspec.Raw | None:
    """Return what stands at a dotted path of a JSON document, or None.

    Raises:
        ClaimsError: the document is not JSON.
    """
    raw: bytes | msgspec.Raw = data
    for step in path.split(".") if path else ():
        found = _decode(_OBJECT, raw) if _opens(raw) == "{" else None
        inner = found.get(step) if found is not None else None
        if inner is None:
            return None
        raw = inner
    return raw if isinstance(raw, msgspec.Raw) else msgspec.Raw(raw)


def value_at(data: bytes, path: str) -> Any:
    """Return the value at a dotted path of a JSON document; None where there is none."""
    raw = at_path(data, path)
    return None if raw is None else _decode(_ANY, raw)


def rows_of(data: bytes, path: str) -> tuple[list[msgspec.Raw], str]:
    """Return the rows of a JSON document, and the path where they were found.

    Raises:
        ClaimsError: it is not JSON, or has no list there (or, without a path, several lists).
    """
    if path:
        raw = at_path(data, path)
        if raw is None or _opens(raw) not in "[{":
            said = f"there is no list at {path!r}; name the path of the rows in `rows`"
            raise unreadable(ClaimCode.UNMAPPED, said)
    elif _opens(data) == "[":
        raw = msgspec.Raw(data)
    else:
        lists = [name for name, part in _decode(_OBJECT, data).items() if _opens(part) == "["]
        if not lists:  # one row, and nothing around it
            return [msgspec.Raw(data)], ""
        if len(lists) > 1:
            said = f"lists: {', '.join(map(shown, sorted(lists)))}"
            hint = "name the path of the rows in `rows`"
            raise unreadable(ClaimCode.UNMAPPED, f"which list are the rows? ({said}); {hint}")
        path, raw = lists[0], _decode(_OBJECT, data)[lists[0]]
    return ([raw] if _opens(raw) == "{" else _decode(_LIST, raw)), path


def _inside(found: Any, path: Sequence[str]) -> Any:
    for step in path:
        if not isinstance(found, dict) or step not in found:
            return _NOTHING
        found = found[step]
    return found


def _opens(raw: bytes | msgspec.Raw) -> str:
    """Return the first character of a value that is not blank."""
    return bytes(raw).lstrip()[:1].decode("ascii", "replace")


def _decode(decoder: msgspec.json.Decoder[Any], raw: bytes | msgspec.Raw) -> Any:
    try:
        return decoder.decode(raw)
    except _UNREADABLE as error:
        said = f"is not JSON as it should be: {error}; look at what is answered"
        raise unreadable(ClaimCode.NOT_JSON, said) from None
