"""The `load:` section: how `todoku load` sends, how long, and when its numbers are worth nothing.

    load:
      arrivals: {ramp: {from: 10/s, to: 500/s}, for: 1m}
      warm_up: 3s
      drain: 30s
      late: {over: 100ms, at_most: 1%}

The one rule: rates are arrivals a second of *real* time; a scaled world only moves its own time
faster. What must hold between the keys is in `scenario_load_checks.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from simulator import quantities as q
from simulator.accounts import Section, Text, written
from simulator.scenario_load_checks import (
    DROPPED_AFTER,
    IN_FLIGHT_MAX,
    LATE_OVER,
    RATE_MAX,
    STEPS_MAX,
    TENANTS_MAX,
    WORKERS_MAX,
    rate_or_none,
)

_RATE = {"anyOf": [{"const": "0/s"}, {"type": "string", "pattern": q.RATE_PATTERN}]}
_FILE = {"type": "string", "minLength": 1, "maxLength": 1000}

LoadRate = Annotated[q.Rate, Field(le=RATE_MAX)]
RateOrNone = Annotated[
    float, BeforeValidator(rate_or_none), Field(le=RATE_MAX), WithJsonSchema(_RATE)
]


class Ramp(Section):
    """From one rate to another, in a straight line."""

    start: RateOrNone = Field(alias="from")
    end: RateOrNone = Field(alias="to")


class Step(Section):
    """One rate for a while; 0/s is a pause."""

    rate: RateOrNone
    lasts_us: q.PositiveDuration = Field(alias="for")


class Spike(Section):
    """A base rate, and a peak that begins `at` and lasts `for`."""

    base: RateOrNone
    peak: LoadRate
    at_us: q.Duration = Field(alias="at")
    lasts_us: q.PositiveDuration = Field(alias="for")


class Arrivals(Section):
    """When requests come, whatever the target does: exactly one shape."""

    constant: LoadRate | None = None
    poisson: LoadRate | None = None
    ramp: Ramp | None = None
    steps: tuple[Step, ...] | None = Field(None, strict=False, min_length=1, max_length=STEPS_MAX)
    spike: Spike | None = None
    trace: Annotated[Text, WithJsonSchema(_FILE)] | None = None
    lasts_us: q.PositiveDuration | None = Field(None, alias="for")


class Late(Section):
    """When a request counts as started late, and how many may be before the run proves nothing."""

    over_us: q.PositiveDuration = written(q.duration_us, LATE_OVER, "over")
    at_most: q.ExactRatio = written(q.exact_ratio, "1%", "at_most")


class Dropped(Section):
    """How long an arrival waits for a free place before it is dropped, and how many may be."""

    after_us: q.PositiveDuration = written(q.duration_us, DROPPED_AFTER, "after")
    at_most: q.ExactRatio = written(q.exact_ratio, "0%", "at_most")


class Mix(Section):
    """What comes in a storm of callbacks beside receipts."""

    replies: q.ExactRatio = written(q.exact_ratio, "0%", "replies")


class Load(Section):
    """A load test: docs/load.md."""

    against: Literal["gateway", "system", "callbacks"] = "gateway"
    arrivals: Arrivals
    warm_up_us: q.Duration = written(q.duration_us, "0s", "warm_up")
    drain_us: q.Duration = written(q.duration_us, "30s", "drain")
    in_flight: Annotated[q.PositiveCount, Field(le=IN_FLIGHT_MAX)] = 1_200
    workers: Annotated[q.PositiveCount, Field(le=WORKERS_MAX)] = 1
    timeout_us: q.PositiveDuration = written(q.duration_us, "30s", "timeout")
    late: Late = Field(default_factory=Late)
    dropped: Dropped = Field(default_factory=Dropped)
    refused: Literal["fail", "proves-nothing"] = "proves-nothing"
    callbacks: Literal["answered", "none"] = "answered"
    callback: q.Address | None = None
    texts: tuple[Text, ...] = Field((), strict=False, max_length=100)
    mix: Mix = Field(default_factory=Mix)
    campaign_us: q.PositiveDuration = written(q.duration_us, "1m", "campaign")
    tenants: Annotated[q.PositiveCount, Field(le=TENANTS_MAX)] | None = None
