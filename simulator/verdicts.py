"""Verdicts as people write them: `lose`, `{delay: 6h}`, `{reject: {status: 429}}`.

The one rule: each of the ten has a name here, so that one that does nothing at its seam yet is
refused by that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic_core import core_schema

from simulator import quantities as q
from simulator.accounts import Section, written
from simulator.core import faults
from simulator.core.faults import Kind
from simulator.core.trouble import Forgery
from simulator.errors import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulator.core.faults import Verdict

COPIES_MAX = 100
RELEASE_MILLI_MAX = 10**9
STATUSES = ("429", "500", "502", "503", "504")
FORGERIES = {"wrong_signature": Forgery.WRONG, "stale_signature": Forgery.STALE}

_TWILIO = "/2010-04-01/Accounts/*/Messages"
# What a rule may name, and whose it is; a test holds it against the providers' routes.
ENDPOINTS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "POST /todoku/v1/messages",
            "GET /todoku/v1/messages",
            "GET /todoku/v1/messages/*",
            "POST /todoku/v1/messages/*/cancel",
            "POST /todoku/v1/batches",
        ),
        "native",
    ),
    **dict.fromkeys(
        (
            f"POST {_TWILIO}.json",
            f"GET {_TWILIO}.json",
            f"GET {_TWILIO}/*",
            f"POST {_TWILIO}/*",
            f"DELETE {_TWILIO}/*",
            f"POST {_TWILIO}/*/Feedback.json",
            f"GET {_TWILIO}/*/Media.json",
            f"GET {_TWILIO}/*/Media/*",
            f"DELETE {_TWILIO}/*/Media/*",
        ),
        "twilio",
    ),
    **dict.fromkeys(("POST /p5/api/mt.json", "GET /p5/api/status.json"), "zettai_reach"),
}


def one_of(value: object, known: Iterable[str]) -> str:
    """Return a word that is known."""
    text = str(value)
    if text not in known:
        raise ValueError(f"unknown value {shown(value)}; {did_you_mean(text, known)}")
    return text


class InShort:
    """Let a plain value stand for a mapping: of one key, or of several to the same."""

    def __init__(self, *keys: str) -> None:
        self._keys = keys

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Spell it out before it is read."""
        return core_schema.no_info_before_validator_function(self._spelled_out, handler(source))

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe both forms."""
        return {"anyOf": [handler(core), {"type": ["string", "integer"]}]}

    def _spelled_out(self, value: object) -> object:
        return dict.fromkeys(self._keys, value) if isinstance(value, str | int) else value


Status = Annotated[
    int,
    BeforeValidator(lambda value: int(one_of(value, STATUSES))),
    WithJsonSchema({"enum": [*STATUSES, *map(int, STATUSES)]}),
]


def _milli(value: object) -> int:
    milli = round(q.rate(value) * 1_000)
    if not 1 <= milli <= RELEASE_MILLI_MAX:
        raise ValueError(f"expected a rate from 4/h to 1_000_000/s; seen {shown(value)}")
    return milli


ReleaseRate = Annotated[
    int,
    BeforeValidator(_milli),
    WithJsonSchema({"type": "string", "pattern": q.RATE_PATTERN}),
]


class Nothing(Section):
    """A verdict that needs no more words."""


class RejectBody(Section):
    """How a request is refused."""

    status: Status
    retry_after_us: q.Duration | None = Field(None, alias="retry_after")


class Span(Section):
    """A duration between two; `6h` is from 6h to 6h."""

    low_us: q.Duration = Field(alias="from")
    high_us: q.PositiveDuration = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.low_us > self.high_us:
            raise ValueError("the shorter delay comes first")
        return self


class DuplicateBody(Section):
    """How often it comes again, and how soon."""

    copies: Annotated[q.PositiveCount, Field(le=COPIES_MAX)] = 1
    after_us: q.PositiveDuration = written(q.duration_us, "1s", "after")


class HoldBody(Section):
    """How fast what was held comes; all at once, if nothing is said."""

    release_milli: ReleaseRate = Field(0, alias="release")


class ReorderBody(Section):
    """How long it may be overtaken."""

    within_us: q.PositiveDuration = written(q.duration_us, "10m", "within")


_NO = SkipJsonSchema[Nothing | None]  # known by name, and refused by name


class Then(Section):
    """One verdict."""

    delay: Annotated[Span, InShort("from", "to")] | None = None
    reject: Annotated[RejectBody, InShort("status")] | None = None
    lose: Nothing | None = None
    duplicate: DuplicateBody | None = None
    reorder: ReorderBody | None = None
    hold: Annotated[HoldBody, InShort("release")] | None = None
    corrupt: (
        Annotated[
            str,
            BeforeValidator(lambda value: one_of(value or "wrong_signature", FORGERIES)),
            WithJsonSchema({"enum": [*FORGERIES]}),
        ]
        | None
    ) = None
    hang: _NO = None
    disconnect: _NO = None
    passes: _NO = Field(None, alias="pass")

    @model_validator(mode="after")
    def _one(self) -> Then:
        if len(self.model_fields_set) != 1:
            seen = " and ".join(sorted(self.model_fields_set)) or "none"
            raise ValueError(f"expected one verdict; seen {seen}: write a list, - one to each line")
        return self

    @property
    def kind(self) -> Kind:
        """What the verdict is called."""
        (name,) = self.model_fields_set
        return Kind(name.removesuffix("es") if name == "passes" else name)

    def verdict(self) -> Verdict:  # noqa: PLR0911 - one for each kind
        """Return it as the gateway wants it."""
        if self.delay is not None:
            return faults.Delay(self.delay.low_us, self.delay.high_us)
        if self.reject is not None:
            wait_us = self.reject.retry_after_us
            seconds = -1 if wait_us is None else -(-wait_us // q.US_PER_S)
            return faults.Reject(self.reject.status, seconds)
        if self.duplicate is not None:
            return faults.Duplicate(self.duplicate.copies, self.duplicate.after_us)
        if self.reorder is not None:
            return faults.Reorder(self.reorder.within_us)
        if self.hold is not None:
            return faults.Hold(self.hold.release_milli)
        if self.corrupt is not None:
            return faults.Corrupt(FORGERIES[self.corrupt])
        return faults.Lose()


class OneOrList:
    """Let one verdict, or only its name, stand for a list of them."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Make the list before it is read."""
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the forms."""
        listed = handler(core)
        word = {"enum": [kind.value for kind in _WORDS]}
        either = [listed["items"], word]
        return {"anyOf": [{**listed, "items": {"anyOf": either}}, *either]}


_WORDS = (Kind.LOSE, Kind.DUPLICATE, Kind.REORDER, Kind.CORRUPT, Kind.HOLD)


def _listed(value: object) -> object:
    items = value if isinstance(value, list) else [value]
    return tuple({item: {}} if isinstance(item, str) else item for item in items)
