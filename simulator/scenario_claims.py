"""`sut.claims` of a scenario: where a system's claims are from, and how to read them.

    claims: GET /claims                                        version 1, as docs/claims.md has it
    claims: {file: "{out}/export.csv", fields: {...}}          or request:, sql:, posted: true

The one rule: without `fields` or `totals` the document is version 1; with them it may be anything
that has rows. What must hold between the keys is in `scenario_claims_checks.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler

from simulator import quantities as q
from simulator.accounts import Section, Text, written

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

VALUES_MAX = 1000  # of a value map

Claimable = Literal["accepted", "sent", "delivered", "undelivered", "failed"]
Encoding = Literal[
    "utf-8",
    "utf-8-sig",
    "cp932",
    "shift_jis",
    "windows-31j",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
]
Query = Annotated[str, Field(min_length=1, max_length=100_000)]


class _Short(Section):
    """A section that may be written as the text of its first key."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core)]}


class StateField(_Short):
    """The field of the state, and what its values mean."""

    field: Text
    values: dict[str, Claimable] = Field(default_factory=dict, max_length=VALUES_MAX)


class OptOutField(_Short):
    """The field that tells who opted out, and what its values mean."""

    field: Text
    values: dict[str, q.Flag] = Field(default_factory=dict, max_length=VALUES_MAX)


def _field(value: object) -> object:
    return {"field": value} if isinstance(value, str) else value


class Fields(Section):
    """Their names of our fields; a dotted path in JSON, a column in CSV and SQL."""

    own_id: Text | None = None
    provider_id: Text | None = None
    to: Text | None = None
    state: Annotated[StateField | None, BeforeValidator(_field)] = None
    units: Text | None = None
    amount: Text | None = None
    opted_out: Annotated[OptOutField | None, BeforeValidator(_field)] = None
    currency: Text | None = None

    @property
    def names(self) -> dict[str, str]:
        """Our names of what is mapped, each with theirs."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: of.field if isinstance(of, StateField | OptOutField) else of
            for name, of in found.items()
            if of is not None
        }


class TotalsFields(Section):
    """Their names of the totals, where nothing else is claimed."""

    accepted: Text | None = None
    delivered: Text | None = None
    units: Text | None = None
    excluded_units: Text | None = None
    subtotal: Text | None = None
    tax: Text | None = None
    total: Text | None = None


class SqlQuery(Section):
    """A query to any database that SQLAlchemy speaks to; needs todoku[sql]."""

    url: Text = Field(repr=False)
    query: Query


class Page(Section):
    """Numbered pages: a parameter that counts up until a page has no rows."""

    parameter: Text
    first: q.Count = 1


class ClaimsSource(_Short):
    """Where the claims are from, and how to read them: docs/claims.md; a request may be text."""

    request: q.RequestLine | None = None
    headers: dict[str, Text] = Field(default_factory=dict, repr=False)
    file: Text | None = None
    sql: SqlQuery | None = None
    posted: q.Flag = False
    format: Literal["json", "jsonl", "csv"] | None = None
    encoding: Encoding | None = None
    delimiter: Literal["comma", "tab", "semicolon"] | None = None
    rows: Text | None = None
    next: Text | None = None
    page: Page | None = None
    fields: Fields | None = None
    totals: TotalsFields | None = None
    aggregates: q.Flag = False
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    within_us: q.PositiveDuration = written(q.duration_us, "60s", "within")
    late_after_us: q.PositiveDuration = written(q.duration_us, "24h", "late_after")
    twice_within_us: q.Duration = written(q.duration_us, "10m", "twice_within")

    @property
    def mapped(self) -> bool:
        """Whether the document is another than version 1."""
        return self.fields is not None or self.totals is not None


def _request(value: object) -> object:
    return {"request": value} if isinstance(value, str) else value


Claims = Annotated[ClaimsSource, BeforeValidator(_request)]
