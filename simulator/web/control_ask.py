"""What the control port is asked: bodies and queries, made values that are true inside.

The one rule: every problem of a request is told at once, with the nearest known name, and a secret
is never repeated.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic import model_validator as validator

from simulator import quantities as q
from simulator.accounts import LIMITS_MAX, EachOnce, SenderLimit, WordList
from simulator.core.tariff import POLICIES
from simulator.dialects import DIALECTS
from simulator.errors import Problem, did_you_mean, dotted, problems_of, shown
from simulator.web.control_declared import (
    SENDERS_MAX,
    ApiKeys,
    Countries,
    Most,
    Numbers,
    Secret,
    Services,
    printable,
)
from simulator.web.control_gate import HttpError
from simulator.web.egress import URL_CHARS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulator.errors import KeyPath

ADVANCE_US_MAX = 3_653 * q.DAY_US  # ten years, whichever they are
RATE_MAX = 1e9
PAGE_MAX = 1_000
NAME_CHARS_MAX = 64
REPLY_CHARS_MAX = 1_600
RETRIES_MAX = 100
END_US = int((q.INSTANT_END - q.EPOCH).total_seconds()) * q.US_PER_S


def one_of(value: str, known: Iterable[str]) -> str:
    """Return a value that is known."""
    if value not in known:
        raise ValueError(f"unknown value {shown(value)}; {did_you_mean(value, known)}")
    return value


def _price(value: object) -> int:
    return q.money_micros(str(value) if type(value) is int else value)


def _tax_bp(value: object) -> int:
    what = 'a percentage of 0 to 100 with at most two decimals, as text: "10" or "7.25"'
    try:
        micros = _price(value)
    except ValueError:
        micros = -1
    if not 0 <= micros <= 100 * q.MICROS or micros % 10_000:
        raise ValueError(f"expected {what}; seen {shown(value)}")
    return micros // 10_000


def instant_of(value: object) -> int:
    """Read microseconds, in digits, or an RFC 3339 instant, whose + a query turns into a space."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        at_us = int(value[: q.TEXT_CHARS_MAX])
        if at_us >= END_US:
            raise ValueError(f"expected an instant before {q.INSTANT_END.year}; seen {value}")
        return at_us
    return q.instant_us(value.replace(" ", "+") if isinstance(value, str) else value)


Name = Annotated[str, Field(max_length=NAME_CHARS_MAX), AfterValidator(printable)]
Url = Annotated[str, Field(max_length=URL_CHARS_MAX), AfterValidator(printable)]
Micros = Annotated[int, Field(ge=0, lt=END_US)]
Instant = Annotated[int, BeforeValidator(q.instant_us)]
Delay = Annotated[int, Field(ge=0, le=ADVANCE_US_MAX)]
Limit = Annotated[int, BeforeValidator(q.count), Field(ge=1, le=PAGE_MAX)]


class Asked(BaseModel):
    """What a body or a query is made of: nothing that is not known."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class RetryBody(Asked):
    """How failed callbacks are repeated; what is left out stays."""

    delays_us: Annotated[list[Delay], Field(max_length=RETRIES_MAX)] = []
    timeout_us: Annotated[int, Field(ge=1, le=ADVANCE_US_MAX)] = 1
    on_status: bool = True


class AccountBody(Asked):
    """Settings of an account; what is left out stays, null is the default."""

    dialect: Annotated[str, AfterValidator(lambda value: one_of(value, DIALECTS))] = ""
    secret: Secret = ""
    lane: Name = ""
    policy: Annotated[str, AfterValidator(lambda value: one_of(value, POLICIES))] = ""
    price: Annotated[int, BeforeValidator(_price)] | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    tax_percent: Annotated[int, BeforeValidator(_tax_bp)] | None = None
    push_url: Url | None = None
    inbound_url: Url | None = None
    senders: Annotated[list[Name], Field(max_length=SENDERS_MAX)] | None = None
    quota: Annotated[int, Field(ge=0, le=q.COUNT_MAX)] | None = None
    two_way: bool = False
    signature_time: Literal["real", "virtual"] = "real"
    retry: RetryBody | None = None
    fallback_url: Url | None = None
    keywords: WordList | None = None
    limits: Annotated[list[SenderLimit], Field(max_length=LIMITS_MAX), EachOnce] | None = None
    concurrency: Annotated[int, Field(ge=1, le=q.COUNT_MAX)] | None = None
    services: Services | None = None
    api_keys: ApiKeys | None = None
    scheduled_max: Most | None = None
    countries: Countries | None = None
    verified: Numbers | None = None
    test_credentials: bool = False


class AdvanceBody(Asked):
    """How far a stepped clock is to go: exactly one of the four."""

    by: q.Duration | None = None
    by_us: Annotated[int, Field(ge=0)] | None = None
    to: Instant | None = None
    to_us: Micros | None = None

    @validator(mode="after")
    def _one(self) -> AdvanceBody:
        return _exactly_one(self, "by", "by_us", "to", "to_us")


class AlarmBody(Asked):
    """When to call which URL."""

    at: Instant | None = None
    at_us: Micros | None = None
    url: Annotated[Url, Field(min_length=1)]

    @validator(mode="after")
    def _one(self) -> AlarmBody:
        return _exactly_one(self, "at", "at_us")


class RateBody(Asked):
    """Virtual seconds per real second; 0: stepped."""

    rate: Annotated[float, Field(ge=0, le=RATE_MAX, allow_inf_nan=False)]


class ReplyBody(Asked):
    """What a person writes to an account's sender."""

    account: Name
    sender: Annotated[Name, Field(min_length=1, alias="to")]
    person: Annotated[str, Field(alias="from")]
    body: Annotated[str, Field(min_length=1, max_length=REPLY_CHARS_MAX)]


class NoQuery(Asked):
    """No parameters."""


class ReferenceQuery(Asked):
    """One message by the client's own reference."""

    account: Annotated[Name, Field(min_length=1)]
    reference: Annotated[str, Field(min_length=1, max_length=1_000)]


class JudgementQuery(Asked):
    """Whose claims they are, whose numbers, and how many findings to list."""

    account: Name = ""
    region: Literal["JP", "US", "GB"] = "JP"
    rows: Annotated[q.Count, Field(le=1_000)] = 20


class EventsQuery(Asked):
    """Facts from a number on."""

    since: q.Count = 0
    limit: Limit = 100


class StreamQuery(Asked):
    """Facts from a number on; without one, from now on."""

    since: q.Count | None = None


class WaitQuery(Asked):
    """Until when to sleep."""

    until: Annotated[int, BeforeValidator(instant_of)]


M = TypeVar("M", bound=BaseModel)
C = TypeVar("C", AdvanceBody, AlarmBody)


def _exactly_one(body: C, *names: str) -> C:
    if sum(getattr(body, name) is not None for name in names) != 1:
        raise ValueError(f"expected exactly one of {', '.join(names)}")
    return body


async def body_of(request: web.Request, model: type[M], timeout_s: float) -> M:
    """Read a JSON body.

    Raises:
        HttpError: 400, 408 or 415, in words. aiohttp raises the 413.
    """
    if request.content_type != "application/json":
        seen = shown(request.headers.get("Content-Type", ""))
        raise HttpError(415, f"expected Content-Type: application/json; seen {seen}")
    try:
        async with asyncio.timeout(timeout_s):
            data = await request.read()
    except TimeoutError:
        raise HttpError(408, f"no whole body within {timeout_s:g} s") from None
    except web.RequestPayloadError:
        raise HttpError(400, "the body breaks off, or is not encoded as it says") from None
    return _made(model, _parsed(data))


def query_of(request: web.Request, model: type[M]) -> M:
    """Read the query.

    Raises:
        HttpError: 400, in words.
    """
    query = request.query
    twice = sorted({name for name in query if len(query.getall(name)) > 1})
    if twice:
        raise HttpError(400, f"given twice: {', '.join(map(shown, twice))}")
    return _made(model, dict(query))


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data.decode(), object_pairs_hook=_pairs, parse_constant=_constant)
    except UnicodeDecodeError:
        raise HttpError(400, "the body is not UTF-8") from None
    except RecursionError:
        raise HttpError(400, "the body is nested too deep: settings are flat") from None
    except ValueError as error:  # whatever json finds, and numbers of too many digits
        raise HttpError(400, f"the body is not JSON: {error}") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is written twice")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _made(model: type[M], value: object) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        schema: Mapping[str, Any] = model.model_json_schema()
        raise HttpError(400, "; ".join(map(str, problems_of(error, schema, _problem)))) from None


def _problem(path: KeyPath, message: str) -> Problem:
    return Problem(dotted(path), message)
