"""Claims, version 1: what a system under test believes happened (`docs/system-under-test.md`).

The one rule: whatever the bytes are, the outcome is `Claims` or a `ClaimsError` that lists what is
wrong, where, and what to do. Unknown fields are told in `Claims.notes`; nothing is guessed. Claims
without a row are `empty`: readable, and for `reconcile` to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from simulator.verify.claim_cells import AN_AMOUNT, micros_of, note_twice
from simulator.verify.claim_codes import ClaimCode, ClaimsError, unreadable
from simulator.verify.claim_rows import (
    OF_VERSION_1,
    Claim,
    ClaimedState,
    ClaimRows,
    RowsBuilder,
)
from simulator.verify.rate_claims import RATES_MAX, ClaimedRate, WrittenRate, read_rate
from simulator.verify.recipients import Recipients
from simulator.verify.strict_json import Report, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Claim", "ClaimRows", "ClaimedState", "ClaimedTotals", "Claims", "ClaimsError"]

BYTES_MAX = 1 << 30
UNITS_MAX = 2**53 - 1  # what every JSON library can say exactly
ID_CHARS_MAX = 256
BOM = b"\xef\xbb\xbf"


class ClaimedTotals(msgspec.Struct, frozen=True, gc=False):
    """The sums as the system states them, None where it does not; amounts in millionths."""

    accepted: int | None = None
    delivered: int | None = None
    units: int | None = None
    excluded_units: int | None = None
    subtotal_micros: int | None = None
    tax_micros: int | None = None
    total_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """All that a system claims; `notes` say what was passed over while reading.

    Attributes:
        rows: one for each message; `totals`: those it states, or else what the rows sum to.
        aggregates: only totals (or rates) are claimed, and the rows are none.
    """

    currency: str
    rows: Sequence[Claim]
    totals: ClaimedTotals
    notes: tuple[str, ...] = ()
    rates: tuple[ClaimedRate, ...] = ()
    aggregates: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is claimed: then nothing can be judged."""
        if self.aggregates:
            return self.totals == ClaimedTotals() and not self.rates
        return not self.rows


def parse_claims(data: bytes, region: str = "JP", *, aggregates: bool = False) -> Claims:
    """Read claims, version 1.

    Args:
        data: JSON in UTF-8, at most `BYTES_MAX` bytes.
        region: whose national form of numbers is meant where there is no plus.
        aggregates: only totals are claimed, some or all; there are no `messages`.

    Raises:
        ClaimsError: with the path of each problem, such as `messages[3].amount`.
    """
    _check_text(data)
    report = Report(_WHAT_TO_DO)
    recipients = Recipients(region)
    claims = _document(data.removeprefix(BOM), report, recipients, aggregates=aggregates)
    if report.problems or claims is None:
        raise ClaimsError(report.problems, report.more)
    bom = ("a byte order mark was passed over",) if data.startswith(BOM) else ()
    return replace(claims, notes=(*bom, *report.notes(), *recipients.notes()))


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
    opted_out: bool | None = None


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


class _Some(msgspec.Struct, gc=False):
    accepted: Count | None = None
    delivered: Count | None = None
    units: Count | None = None
    excluded_units: Count | None = None
    subtotal: str | None = None
    tax: str | None = None
    total: str | None = None


class _StrictSome(_Some, gc=False, forbid_unknown_fields=True):
    pass


_ROW, _TOTALS = Shape(_Row, _StrictRow), Shape(_Totals, _StrictTotals)
_SOME_TOTALS = Shape(_Some, _StrictSome)
_RATES = msgspec.json.Decoder(Annotated[list[WrittenRate], msgspec.Meta(max_length=RATES_MAX)])
_CURRENCY = msgspec.json.Decoder(Currency)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_WHAT_TO_DO = {
    "": "write the JSON of docs/system-under-test.md, or map other rows with `fields`",
    "currency": "write a code of ISO 4217 such as JPY",
    "messages": "write a list with one row for each accepted message",
    "messages[]": "write a row as in docs/system-under-test.md",
    "totals": "write the seven totals of docs/system-under-test.md",
    "to": "write the number as text, such as +819001234567",
    "state": f"write one of {', '.join(state.value for state in ClaimedState)}",
    **dict.fromkeys(("own_id", "provider_id"), "write text, or null where there is none"),
    **dict.fromkeys(("amount", "subtotal", "tax", "total"), AN_AMOUNT),
    "rates": "write a list of rates as in docs/rates.md",
    "value": 'write the number as text, such as "96.3%"',
    **dict.fromkeys(
        ("units", "accepted", "delivered", "excluded_units"), "write a whole number, 0 or more"
    ),
}


def _check_text(data: bytes) -> None:
    if len(data) > BYTES_MAX:
        said = f"{len(data)} bytes are more than {BYTES_MAX}; claim fewer messages in one run"
        raise unreadable(ClaimCode.TOO_LARGE, said)
    if not data.removeprefix(BOM).strip():
        raise unreadable(ClaimCode.EMPTY, f"nothing was answered; {_WHAT_TO_DO['']}")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        said = f"byte {error.start} is {data[error.start]:#04x}, which is not UTF-8; write UTF-8"
        raise unreadable(ClaimCode.ENCODING, said) from None


def _document(
    data: bytes, report: Report, recipients: Recipients, *, aggregates: bool
) -> Claims | None:
    fields = report.decode(_FIELDS, data, "")
    if fields is None:
        return None
    wanted = ("currency", "totals") if aggregates else ("currency", "messages", "totals")
    missing = [name for name in wanted if name not in fields]
    for name in missing:
        report.add(name, f"is missing; {_WHAT_TO_DO[name]}", ClaimCode.MISSING)
    for name in sorted(fields.keys() - {*wanted, "rates", "run"}):
        report.note_unknown("", name)
    if missing:
        return None
    currency = report.decode(_CURRENCY, fields["currency"], "currency")
    raws = None if aggregates else report.decode(_ROWS, fields["messages"], "messages")
    rows = _rows(raws or [], report, recipients)
    shape: Shape[Any] = _SOME_TOTALS if aggregates else _TOTALS
    totals = _totals(fields["totals"], report, shape)
    rates = _rates(fields["rates"], report) if "rates" in fields else ()
    if not currency or totals is None:
        return None
    return Claims(currency, rows, totals, rates=rates, aggregates=aggregates)


def _rows(raws: Sequence[msgspec.Raw], report: Report, recipients: Recipients) -> ClaimRows:
    amounts: dict[str, int] = {}  # few differ
    builder = RowsBuilder()
    for index, raw in enumerate(raws):
        path = f"messages[{index}]"
        row = report.struct(_ROW, raw, path)
        if row is None:
            builder.add(_NO_CLAIM)  # so that the next keep their numbers
            continue
        own_id, provider_id = row.own_id or "", row.provider_id or ""
        if not own_id and not provider_id:
            said = "has neither own_id nor provider_id; set one of them"
            report.add(path, said, ClaimCode.NO_ID)
        micros = amounts.get(row.amount)
        if micros is None:
            micros = micros_of(row.amount, f"{path}.amount", report)
            if micros is not None:
                amounts[row.amount] = micros
        to = recipients.read(row.to)
        claim = Claim(own_id, provider_id, to, row.state, row.units, micros or 0, row.opted_out)
        builder.add(claim)
    rows = builder.built(OF_VERSION_1)
    note_twice(rows, lambda index: f"messages[{index}]", report)
    return rows


_NO_CLAIM = Claim("", "", "", None, 0, 0)


def _totals(raw: msgspec.Raw, report: Report, shape: Shape[Any]) -> ClaimedTotals | None:
    found = report.struct(shape, raw, "totals")
    if found is None:
        return None
    amounts = [
        None if text is None else micros_of(text, f"totals.{name}", report)
        for name, text in zip(_AMOUNTS, (found.subtotal, found.tax, found.total), strict=True)
    ]
    counts = (found.accepted, found.delivered, found.units, found.excluded_units)
    return ClaimedTotals(*counts, *amounts)


_AMOUNTS = ("subtotal", "tax", "total")


def _rates(raw: msgspec.Raw, report: Report) -> tuple[ClaimedRate, ...]:
    written = report.decode(_RATES, raw, "rates") or []
    read = (read_rate(one, f"rates[{n}]", report) for n, one in enumerate(written))
    return tuple(rate for rate in read if rate is not None)
