"""Records to claims: one reader for whatever a mapping describes, a page or a table at a time.

    reader = TableReader(reading);  reader.page(data, "text/csv") ...;  reader.claims()

The one rule: a value that cannot be read is a problem with its row and a code; one that is mended
or empty is counted and said. Rows are numbered from 1 over all pages, as people count them.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from simulator.errors import did_you_mean, shown
from simulator.verify.claim_cells import micros_of, note_twice
from simulator.verify.claim_codes import ClaimCode, ClaimsError, unreadable
from simulator.verify.claim_records import JsonFields, of_csv, rows_of
from simulator.verify.claim_rows import FIELDS, Claim, ClaimedState, RowsBuilder
from simulator.verify.claim_text import guessed, lines_of
from simulator.verify.claims import BYTES_MAX, ID_CHARS_MAX, UNITS_MAX, ClaimedTotals, Claims
from simulator.verify.recipients import Recipients
from simulator.verify.strict_json import Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from simulator.verify.claim_map import Reading
    from simulator.verify.claim_records import Record

_JSON_TYPES = {"application/json": "json", "text/json": "json", "text/csv": "csv"}
_LINE_TYPES = ("application/x-ndjson", "application/jsonl", "application/jsonlines")
FORMATS = {**_JSON_TYPES, **dict.fromkeys(_LINE_TYPES, "jsonl")}
SUFFIXES = {".json": "json", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
DIGITS_MAX = 40  # of a number that is written out
_CODES = 3  # letters of a currency


class TableReader:
    """Reads pages into claims; see `Reading`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._report = Report({"": ""})
        self._recipients = Recipients(reading.region)
        self._builder = RowsBuilder()
        self._notes: dict[str, None] = {}
        self._empty: Counter[str] = Counter()
        self._micros: dict[str, int] = {}  # few amounts differ
        self._currencies: dict[str, int] = {}  # each with its first row
        self._columns = [*reading.fields, *reading.totals]
        self._json = JsonFields(reading.wanted)
        self._totals: ClaimedTotals | None = None

    @property
    def count(self) -> int:
        """How many rows have been read."""
        return self._builder.count

    def page(self, data: bytes, kind: str = "") -> int:
        """Read a page; return how many rows it had.

        Args:
            data: the bytes.
            kind: its format as the source says (a name of `FORMATS`' values), or empty.

        Raises:
            ClaimsError: it cannot be read at all.
        """
        before = self.count
        if len(data) > BYTES_MAX:
            said = f"{len(data)} bytes are more than {BYTES_MAX}; claim fewer messages in one run"
            raise unreadable(ClaimCode.TOO_LARGE, said)
        if not data.strip():
            raise unreadable(ClaimCode.EMPTY, "nothing was answered; answer rows")
        encoding = self._reading.encoding
        if not encoding:
            encoding, said = guessed(data)
            self._note(said)
        self.records(self._records(data, encoding, self._reading.format or kind))
        return self.count - before

    def records(self, records: Iterable[Record]) -> None:
        """Read records whose values are in the order of `Reading.wanted`."""
        for record in records:
            values = dict(zip(self._columns, record, strict=True))
            if self._reading.totals:
                self._take_totals(values)
            self._builder.add(self._claim(values))

    def _records(self, data: bytes, encoding: str, kind: str) -> Iterator[Record]:
        lines = lines_of(data, encoding)
        kind = kind or self._found_out(data, encoding)
        if kind == "csv":
            return of_csv(lines, self._reading.wanted, self._delimiter(data, encoding))
        if kind == "jsonl":
            return (self._json.record(line, self._next_row) for line in lines if line.strip())
        text = (
            "".join(lines).encode() if encoding != "utf-8" else data.removeprefix(b"\xef\xbb\xbf")
        )
        raws, path = rows_of(text, self._reading.rows)
        if path and not self._reading.rows:
            self._note(f"the rows were found at {path!r}")
        return (self._json.record(raw, self._next_row) for raw in raws)

    def _found_out(self, data: bytes, encoding: str) -> str:
        lines = (line.strip() for line in lines_of(data, encoding))
        first = next((line for line in lines if line), "")
        kind = "csv"
        if first.startswith(("{", "[")):
            whole = first.startswith("{") and first.endswith("}")
            kind = "jsonl" if whole and next(filter(None, lines), "").startswith("{") else "json"
        self._note(f"the format was found out to be {kind}; write `format: {kind}` to be sure")
        return kind

    def _delimiter(self, data: bytes, encoding: str) -> str:
        if self._reading.delimiter:
            return self._reading.delimiter
        header = next(lines_of(data, encoding), "")
        for name, delimiter in (("tab", "\t"), ("semicolon", ";")):
            if delimiter in header and "," not in header:
                self._note(f"the delimiter was found out to be a {name}")
                return delimiter
        return ","

    def _note(self, said: str) -> None:
        if said:
            self._notes[said] = None

    def _next_row(self) -> str:
        return f"row {self.count + 1}"

    def _claim(self, values: dict[str, Any]) -> Claim:
        get = values.get
        own_id, provider_id = (
            self._id(get("own_id"), "own_id"),
            self._id(get("provider_id"), "provider_id"),
        )
        to = self._recipients.read(self._id(get("to"), "to"))
        if not (own_id or provider_id or to or self._reading.totals):
            said = "has neither an id nor a recipient; map one of them"
            self._report.add(self._next_row(), said, ClaimCode.NO_ID)
        if "currency" in values:
            self._currencies.setdefault(_text(get("currency")).strip(), self.count + 1)
        return Claim(
            own_id,
            provider_id,
            to,
            self._state(get("state")) if "state" in values else None,
            self._units(get("units")) if "units" in values else 0,
            self._amount(get("amount"), "amount") if "amount" in values else 0,
            self._opted_out(get("opted_out")) if "opted_out" in values else None,
        )

    def _add(self, name: str, message: str, code: ClaimCode) -> None:
        theirs = self._reading.fields.get(name) or self._reading.totals.get(name) or name
        self._report.add(f"{self._next_row()}, {theirs}", message, code)

    def _id(self, value: Any, name: str) -> str:
        text = _text(value).strip()
        if len(text) > ID_CHARS_MAX or isinstance(value, dict | list):
            said = f"{shown(value)} is no id; write at most {ID_CHARS_MAX} characters"
            self._add(name, said, ClaimCode.SHAPE)
            return ""
        return text

    def _state(self, value: Any) -> ClaimedState | None:
        text = _text(value).strip()
        state = self._reading.states.get(text)
        if state is None:
            hint = did_you_mean(text, self._reading.states)
            said = f"{shown(text)} is no state of the value map; {hint}"
            self._add("state", said, ClaimCode.STATE)
        return state

    def _units(self, value: Any, name: str = "units") -> int:
        text = _text(value).strip().removesuffix(".0")
        if not text:
            self._empty[name] += 1
            return 0
        if not (text.isascii() and text.isdigit() and len(text) < 17 and int(text) <= UNITS_MAX):
            said = f"{shown(value)} is no number of units; write a whole number, 0 or more"
            self._add(name, said, ClaimCode.SHAPE)
            return 0
        return int(text)

    def _amount(self, value: Any, name: str) -> int:
        text = _text(value).strip()
        micros = self._micros.get(text)
        if micros is None:
            if not text:
                self._empty[name] += 1
            theirs = self._reading.fields.get(name) or self._reading.totals[name]
            path = f"{self._next_row()}, {theirs}"
            micros = micros_of(text, path, self._report) if text else 0
            if micros is None:
                return 0
            if text:
                self._micros[text] = micros
        return micros

    def _opted_out(self, value: Any) -> bool | None:
        if value is None:
            return None
        text = _text(value).strip()
        found = self._reading.opted_out.get(text, self._reading.opted_out.get(text.lower()))
        if found is None:
            said = f"{shown(value)} is neither true nor false; map it under `values`"
            self._add("opted_out", said, ClaimCode.SHAPE)
        return found

    def _take_totals(self, values: dict[str, Any]) -> None:
        if self._totals is not None:
            said = "there are several rows of totals; claim one, or map `fields` instead"
            raise unreadable(ClaimCode.SHAPE, said)
        found: dict[str, int] = {}
        for name in self._reading.totals:
            if name in ("subtotal", "tax", "total"):
                found[f"{name}_micros"] = self._amount(values[name], name)
            else:
                found[name] = self._units(values[name], name)
        self._totals = ClaimedTotals(**found)

    def claims(self) -> Claims:
        """Return all that was read.

        Raises:
            ClaimsError: some of it cannot be, or a mapped field was never there.
        """
        self._json.check()
        reading, report = self._reading, self._report
        currency = reading.currency
        if "currency" in reading.fields and self.count:
            currency = self._currency()
        said = frozenset(reading.fields).intersection(FIELDS)
        aggregates = bool(reading.totals)
        if aggregates and self._totals is None:
            report.add("", "there is no row of totals", ClaimCode.EMPTY)
        rows = (RowsBuilder() if aggregates else self._builder).built(said)
        note_twice(rows, lambda index: f"row {index + 1}", report)
        if report.problems:
            raise ClaimsError(report.problems, report.more)
        for name, n in sorted(self._empty.items()):
            self._note(f"{name}: empty in {n:,} {'row' if n == 1 else 'rows'}, read as 0")
        totals = self._totals or ClaimedTotals(
            accepted=len(rows),
            delivered=rows.count(ClaimedState.DELIVERED) if "state" in said else None,
            units=rows.units_in_all if "units" in said else None,
            subtotal_micros=rows.micros_in_all if "amount" in said else None,
        )
        notes = (*self._notes, *self._recipients.notes())
        return Claims(currency, rows, totals, notes, aggregates=aggregates)

    def _currency(self) -> str:
        found = list(self._currencies)
        for code in found:
            if len(code) != _CODES or not code.isascii() or not code.isupper():
                said = f"{shown(code)} is no code of ISO 4217 such as JPY"
                self._report.add(f"row {self._currencies[code]}", said, ClaimCode.CURRENCY)
        if len(found) > 1:
            said = f"amounts in {shown(found[1])}, and in {shown(found[0])} before"
            place = f"row {self._currencies[found[1]]}"
            self._report.add(place, f"{said}; claim one currency in one run", ClaimCode.CURRENCY)
        return found[0]


def _text(value: Any) -> str:
    """Write a cell as text: what a database or JSON holds as a number, without an exponent."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        plain = value.is_finite() and abs(value.adjusted()) <= DIGITS_MAX
        return f"{value.normalize():f}" if plain else str(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
