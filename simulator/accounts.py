"""Accounts as people write them, in a scenario and on the control port: limits, keywords, prices.

The one rule: what is left out, the dialect decides; an undeclared sender or account has no limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from simulator import quantities as q
from simulator.core.consent import Keywords
from simulator.core.queue import Throughput
from simulator.errors import shown
from simulator.scenario_checks import DIALECT_BILLING, Billing, Dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LIMITS_MAX = 100
WORDS_MAX = 50
ANSWER_CHARS_MAX = 1_600
QUEUE = "10h"  # of traffic: Twilio's page on queueing; older ones say 4h


def _word(value: str) -> str:
    if value != value.strip().upper():
        raise ValueError(f"expected a word in capitals, such as STOP; seen {shown(value)}")
    return value


def _speed(value: float) -> float:
    if value < 1 / _MILLI:
        raise ValueError("expected at least one segment in a thousand seconds")
    return value


_MILLI = 1_000
_TEXT = {"type": ["string", "number", "boolean"]}
Text = Annotated[str, Field(min_length=1, max_length=1000), WithJsonSchema(_TEXT)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
Sender = Annotated[str, Field(min_length=1, max_length=64), WithJsonSchema(_TEXT)]
Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_word)]
Words = Annotated[tuple[Word, ...], Field(strict=False, max_length=WORDS_MAX)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
PhoneNumber = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
Answer = Annotated[str, Field(max_length=ANSWER_CHARS_MAX), WithJsonSchema(_TEXT)]


class Section(BaseModel):
    """A part of a file: strict, closed, frozen."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def written(parse: Callable[[object], Any], text: str, key: str) -> Any:
    """Make a field whose default is written as people would write it."""
    return Field(parse(text), alias=key, json_schema_extra={"default": text})


class SenderLimit(Section):
    """How fast one sender sends: segments, and how many hours of them its queue holds."""

    sender: Sender
    rate: Annotated[q.Rate, AfterValidator(_speed)]
    queue_us: q.Duration = written(q.duration_us, QUEUE, "queue")
    patience_us: q.Duration | None = Field(None, alias="patience")

    def throughput(self) -> Throughput:
        """Return it as the gateway wants it; without a patience, that is the queue's length."""
        patience_us = self.queue_us if self.patience_us is None else self.patience_us
        return Throughput(self.sender, round(self.rate * _MILLI), self.queue_us, patience_us)


def _one_each(limits: Sequence[SenderLimit]) -> Sequence[SenderLimit]:
    senders = [limit.sender for limit in limits]
    twice = sorted({one for one in senders if senders.count(one) > 1})
    if twice:
        words = ", ".join(map(shown, twice))
        raise ValueError(f"a sender has one limit; declared twice: {words}")
    return limits


EachOnce = AfterValidator(_one_each)


class WordList(Section):
    """Which words of people are obeyed, and what is answered; what is left out is empty."""

    stop: Words = ()
    start: Words = ()
    help: Words = ()
    on_stop: Answer = ""
    on_start: Answer = ""
    on_help: Answer = ""

    def keywords(self) -> Keywords:
        """Return them as the gateway wants them."""
        return msgspec.convert(self.model_dump(), Keywords)


class Price(Section):
    """What a unit costs, tax excluded."""

    unit_micros: q.Money = Field(alias="unit")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    tax: q.ExactRatio = written(q.exact_ratio, "0%", "tax")


class Service(Section):
    """A messaging service: a pool of senders under one id."""

    id: str = Field(pattern=r"^MG[0-9a-fA-F]{32}$")
    senders: tuple[Sender, ...] = Field((), strict=False, max_length=LIMITS_MAX)
    callback: q.Address | None = None
    enabled: q.Flag = True


class ApiKey(Section):
    """Credentials beside the account's own."""

    id: str = Field(pattern=r"^SK[0-9a-fA-F]{32}$")
    secret: Text = Field(repr=False)


class Account(Section):
    """A customer's account at a provider; what is left out, the dialect decides."""

    name: Name
    dialect: Dialect
    id: Text | None = None
    secret: Text | None = Field(None, repr=False)
    sender: Text | None = None
    billing: Billing = Field(default_factory=lambda data: DIALECT_BILLING[data["dialect"]])
    price: Price | None = None
    push: q.Address | None = None
    inbound: q.Address | None = None
    fallback: q.Address | None = None
    two_way: q.Flag = False
    signature_time: Literal["real", "virtual"] = "real"
    services: tuple[Service, ...] = Field((), strict=False, max_length=LIMITS_MAX)
    api_keys: tuple[ApiKey, ...] = Field((), strict=False, max_length=LIMITS_MAX)
    countries: tuple[Country, ...] = Field((), strict=False, max_length=300)
    verified: tuple[PhoneNumber, ...] = Field((), strict=False, max_length=1_000)
    scheduled_max: q.Count | None = None
    test_credentials: q.Flag = False
    keywords: WordList | None = None
    limits: Annotated[tuple[SenderLimit, ...], EachOnce] = Field(
        (), strict=False, max_length=LIMITS_MAX
    )
    concurrency: q.PositiveCount | None = None
