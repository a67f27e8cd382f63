"""Claims, version 1: what a system under test believes happened (`docs/system-under-test.md`).

The one rule: whatever the bytes are, the outcome is `Claims` or a `ClaimsError` that lists what is
wrong, where, and what to do. Unknown fields are told in `Claims.notes`; nothing is guessed. Claims
without a row are `empty`: readable, and for `reconcile` to refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import msgspec

from simulator.errors import Problem, ProvesNothing, shown
from simulator.verify.strict_json import Report, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BYTES_MAX = 1 << 30
UNITS_MAX = 2**53 - 1  # what every JSON library can say exactly
ID_CHARS_MAX = 256
BOM = b"\xef\xbb\xbf"
MICROS = 1_000_000


class ClaimedState(Enum):
    """What a system believes became of a message."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One row. An id is empty where the system has none; one of the two is set."""

    own_id: str
    provider_id: str
    to: str
    state: ClaimedState
    units: int
    micros: int


class ClaimedTotals(msgspec.Struct, frozen=True, gc=False):
    """The sums as the system states them; amounts in millionths of its currency."""

    accepted: int
    delivered: int
    units: int
    excluded_units: int
    subtotal_micros: int
    tax_micros: int
    total_micros: int


@dataclass(frozen=True, slots=True)
class Claims:
    """All that a system claims; `notes` say what was passed over while reading."""

    currency: str
    rows: tuple[Claim, ...]
    totals: ClaimedTotals
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether not one message is claimed: then nothing can be judged by the rows."""
        return not self.rows


class ClaimsError(ProvesNothing):
    """The claims cannot be read: the first problems in reading order, and how many more."""

    def __init__(self, problems: Sequence[Problem], more: int = 0) -> None:
        assert problems, "a ClaimsError without a problem"
        self.problems = tuple(problems)
        self.more = more
        others = len(self.problems) - 1 + more
        rest = f" (and {others} more)" if others else ""
        super().__init__(f"the claims cannot be read: {self.problems[0]}{rest}")

    def __str__(self) -> str:
        lines = ["the claims cannot be read:", *(f"  {p}" for p in self.problems)]
        return "\n".join([*lines, f"  ... and {self.more} more"] if self.more else lines)


def parse_claims(data: bytes) -> Claims:
    """Read claims, version 1.

    Args:
        data: JSON in UTF-8, at most `BYTES_MAX` bytes.

    Raises:
        ClaimsError: with the path of each problem, such as `messages[3].amount`.
    """
    _check_text(data)
    report = Report(_WHAT_TO_DO)
    claims = _document(data.removeprefix(BOM), report)
    if report.problems or claims is None:
        raise ClaimsError(report.problems, report.more)
    bom = ("a byte order mark was passed over",) if data.startswith(BOM) else ()
    return replace(claims, notes=(*bom, *report.notes()))


Id = Annotated[str, msgspec.Meta(max_length=ID_CHARS_MAX)] | None
Count = Annotated[int, msgspec.Meta(ge=0, le=UNITS_MAX)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]


class _Row(msgspec.Struct, gc=False):
    to: Annotated[str, msgspec.Meta(max_length=ID_CHARS_MAX)]
    state: ClaimedState
    units: Count
    amount: str
    own_id: Id = None
    provider_id: Id = None


class _StrictRow(_Row, gc=False, forbid_unknown_fields=True):
    pass


class _Totals(msgspec.Struct, gc=False):
    accepted: Count
    delivered: Count
    units: Count
    excluded_units: Count
    subtotal: str
    tax: str
    total: str


class _StrictTotals(_Totals, gc=False, forbid_unknown_fields=True):
    pass


_ROW, _TOTALS = Shape(_Row, _StrictRow), Shape(_Totals, _StrictTotals)
_CURRENCY = msgspec.json.Decoder(Currency)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,20})?")
_AN_AMOUNT = 'write a decimal string such as "15" or "0.0083"'
_WHAT_TO_DO = {
    "": "write the JSON of docs/system-under-test.md",
    "currency": "write a code of ISO 4217 such as JPY",
    "messages": "write a list with one row for each accepted message",
    "messages[]": "write a row as in docs/system-under-test.md",
    "totals": "write the seven totals of docs/system-under-test.md",
    "to": "write the number as text, such as +819001234567",
    "state": f"write one of {', '.join(state.value for state in ClaimedState)}",
    **dict.fromkeys(("own_id", "provider_id"), "write text, or null where there is none"),
    **dict.fromkeys(("amount", "subtotal", "tax", "total"), _AN_AMOUNT),
    **dict.fromkeys(
        ("units", "accepted", "delivered", "excluded_units"), "write a whole number, 0 or more"
    ),
}


def _check_text(data: bytes) -> None:
    said = ""
    if len(data) > BYTES_MAX:
        said = f"{len(data)} bytes are more than {BYTES_MAX}; claim fewer messages in one run"
    elif not data.removeprefix(BOM).strip():
        said = f"nothing was answered; {_WHAT_TO_DO['']}"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        said = f"byte {error.start} is {data[error.start]:#04x}, which is not UTF-8; write UTF-8"
    if said:
        raise ClaimsError([Problem("", said)])


def _document(data: bytes, report: Report) -> Claims | None:
    fields = report.decode(_FIELDS, data, "")
    if fields is None:
        return None
    missing = [name for name in ("currency", "messages", "totals") if name not in fields]
    for name in missing:
        report.add(name, f"is missing; {_WHAT_TO_DO[name]}")
    for name in sorted(fields.keys() - {"currency", "messages", "totals", "run"}):
        report.note_unknown("", name)
    if missing:
        return None
    currency = report.decode(_CURRENCY, fields["currency"], "currency")
    raws = report.decode(_ROWS, fields["messages"], "messages")
    rows = tuple(_rows(raws or [], report))
    totals = _totals(fields["totals"], report)
    return Claims(currency, rows, totals) if currency and totals else None


def _rows(raws: Sequence[msgspec.Raw], report: Report) -> Iterator[Claim]:
    amounts: dict[str, int] = {}  # few differ
    own_ids: dict[str, int] = {}
    provider_ids: dict[str, int] = {}
    for index, raw in enumerate(raws):
        path = f"messages[{index}]"
        row = report.struct(_ROW, raw, path)
        if row is None:
            continue
        own_id, provider_id = row.own_id or "", row.provider_id or ""
        if own_id and own_ids.setdefault(own_id, index) != index:
            _twice(f"{path}.own_id", own_id, own_ids[own_id], report)
        if provider_id and provider_ids.setdefault(provider_id, index) != index:
            _twice(f"{path}.provider_id", provider_id, provider_ids[provider_id], report)
        if not own_id and not provider_id:
            report.add(path, "has neither own_id nor provider_id; set one of them")
        micros = amounts.get(row.amount)
        if micros is None:
            micros = _micros(row.amount, f"{path}.amount", report)
            if micros is None:
                continue
            amounts[row.amount] = micros
        yield Claim(own_id, provider_id, row.to, row.state, row.units, micros)


def _twice(path: str, value: str, first: int, report: Report) -> None:
    said = f"{shown(value)} stands in messages[{first}] too; claim each accepted message once"
    report.add(path, said)


def _totals(raw: msgspec.Raw, report: Report) -> ClaimedTotals | None:
    found = report.struct(_TOTALS, raw, "totals")
    if found is None:
        return None
    subtotal = _micros(found.subtotal, "totals.subtotal", report)
    tax = _micros(found.tax, "totals.tax", report)
    total = _micros(found.total, "totals.total", report)
    if subtotal is None or tax is None or total is None:
        return None
    counts = (found.accepted, found.delivered, found.units, found.excluded_units)
    return ClaimedTotals(*counts, subtotal, tax, total)


def _micros(text: str, path: str, report: Report) -> int | None:
    """Read an amount exactly, in millionths; None where it is none, and told."""
    if not _AMOUNT.fullmatch(text):
        what = "is negative" if re.fullmatch(r"-[0-9.]+", text) else "is not an amount"
        report.add(path, f"{shown(text)} {what}; {_AN_AMOUNT}")
        return None
    numerator, denominator = Decimal(text).as_integer_ratio()
    micros, rest = divmod(numerator * MICROS, denominator)
    if rest:
        report.add(path, f"{shown(text)} is finer than a millionth; write at most 6 decimals")
        return None
    return micros
