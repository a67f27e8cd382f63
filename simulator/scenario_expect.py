"""The `expect:` section: a small language of sentences about the end of a run.

    {name: enough arrived, that: delivered / accepted, of: {carrier: au}, at_least: 95%,
     confidence: 99%}

The one rule: a sentence that could never be judged is an error before the run. The closed list of
what it may name is `core/metric.py`; docs/expectations.md shows it to people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from simulator import quantities as q
from simulator.core.carrier import CARRIERS
from simulator.core.metric import FILTERS, METRIC, METRICS
from simulator.errors import KeyPath, did_you_mean, shown

Found: TypeAlias = Iterator[tuple[KeyPath, str]]

LIMITS = ("at_least", "at_most", "equals", "between")
MEASURE_PATTERN = rf"^({'|'.join(METRICS)})( */ *({'|'.join(METRICS)}))?$"
CARRIER_NAMES: Mapping[str, str] = {
    **{c.name: c.name for c in CARRIERS.values()},
    "au": "kddi",  # the brand
}
CONFIDENCE_MIN = Fraction(1, 2)
_UNIT = re.compile(r"^(.*?)\s*([A-Z]{3}|件|通|ms|/s)$")
_BOUND_PATTERN = q.NUMBER_PATTERN.removesuffix("$") + r"(?: *(?:[A-Z]{3}|件|通|ms|/s))?$"
_A_LIMIT = "a limit such as 3, 95%, 500 件, 8000 JPY or 250 ms"


@dataclass(frozen=True, slots=True)
class Measure:
    """What an expectation looks at: a metric, or one over another."""

    metric: str
    over: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the metrics that it names."""
        return (self.metric,) if self.over is None else (self.metric, self.over)

    @property
    def words(self) -> str:
        """Write it as in the file."""
        return " / ".join(self.names)

    @property
    def share(self) -> bool:
        """Whether it is a plain number, told in percent: both sides have one unit."""
        return self.over is not None and METRIC[self.metric].unit == METRIC[self.over].unit

    @property
    def unit(self) -> str:
        """Return the unit of a metric alone; empty for one over another."""
        return "" if self.over else METRIC[self.metric].unit


def measure(value: object) -> Measure:
    """Read "delivered" or "delivered / accepted"."""
    parts = [part.strip() for part in value.split("/")] if isinstance(value, str) else []
    if len(parts) not in (1, 2):
        raise ValueError(f"expected a metric, or one / another; seen {shown(value)}")
    for part in parts:
        if part not in METRIC:
            raise ValueError(f"unknown metric {shown(part)}; {did_you_mean(part, METRICS)}")
    return Measure(*parts)


def limit(value: object) -> Fraction:
    """Read the number of "3", "95%", "500 件", "8000 JPY" or "250 ms"; `unit_of` reads its unit."""
    if isinstance(value, str) and (match := _UNIT.match(value)):
        if "%" in match[1]:
            raise ValueError(f"expected {_A_LIMIT}; seen {shown(value)}")
        value = match[1]
    return q.number(value)


def unit_of(value: object) -> str:
    """Return the unit that a limit is written with, or nothing."""
    match = _UNIT.match(value) if isinstance(value, str) else None
    return match[2] if match else ""


def _carrier(value: str) -> str:
    if value not in CARRIER_NAMES:
        raise ValueError(f"unknown carrier {shown(value)}; {did_you_mean(value, CARRIER_NAMES)}")
    return CARRIER_NAMES[value]


def _several(value: object) -> object:
    return (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value
    )


def _confidence(value: object) -> Fraction:
    share = q.exact_ratio(value)
    if not CONFIDENCE_MIN <= share < 1:
        raise ValueError(f"expected a confidence from 50% to less than 100%; seen {shown(value)}")
    return share


_NAMED = {"type": ["string", "array"], "minItems": 1, "items": {"type": "string"}}
_BOUND = {"type": ["string", "number"], "minimum": 0, "pattern": _BOUND_PATTERN}
_THAT = {"type": "string", "pattern": MEASURE_PATTERN}

Bound = Annotated[Fraction, BeforeValidator(limit), WithJsonSchema(_BOUND)]
That = Annotated[Measure, BeforeValidator(measure), WithJsonSchema(_THAT)]
Names = Annotated[
    tuple[str, ...], BeforeValidator(_several), Field(min_length=1), WithJsonSchema(_NAMED)
]
Carriers = Annotated[
    tuple[Annotated[str, AfterValidator(_carrier)], ...],
    BeforeValidator(_several),
    Field(min_length=1),
    WithJsonSchema(_NAMED),
]
Confidence = Annotated[Fraction, BeforeValidator(_confidence), WithJsonSchema(q.SHARE_SCHEMA)]
Text = Annotated[
    str,
    Field(min_length=1, max_length=1000),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]


class Of(BaseModel):
    """Which messages are counted: those of one of each list; both sides of a share alike."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    account: Names | None = None
    carrier: Carriers | None = None
    segment: Names | None = None

    @property
    def words(self) -> str:
        """Write it as "carrier kddi, segment cold"."""
        named = ((key, getattr(self, key)) for key in FILTERS)
        return ", ".join(f"{key} {' or '.join(names)}" for key, names in named if names)


class Expectation(BaseModel):
    """A sentence about the end of the run that must hold; money is in currency units."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": [k]} for k in LIMITS]},
    )

    name: Text
    that: That
    of: Of = Field(default_factory=Of)
    at_least: Bound | None = None
    at_most: Bound | None = None
    equals: Bound | None = None
    between: tuple[Bound, Bound] | None = Field(None, strict=False)
    confidence: Confidence | None = None
    if_no_data: Literal["fail", "pass"] = "fail"
    level: Literal["fail", "warn"] = "fail"
    abort_after_us: q.PositiveDuration | None = Field(None, alias="abort_after")
