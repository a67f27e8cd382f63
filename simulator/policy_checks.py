"""The checks on the traffic, by their parameters: what a scenario may ask under `policy:`.

The one rule: a check is one class here (its parameters, what it needs of the clock and the
channels) and one function in `verify/policy_*.py`. A rule set (`policy_sets.py`) is a list of them.
"""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, ClassVar, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from simulator import quantities as q
from simulator.accounts import Section, Text, written
from simulator.errors import shown

Channel = Literal["sms", "mail", "call"]
AnyChannel = Literal["sms", "mail", "call", "any"]
Needs: TypeAlias = Literal["order", "pace", "span", "calendar"]

TIME_PATTERN = r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$"


def _time_of_day(value: object) -> time:
    """Read "9:00" or "21:30"."""
    if not isinstance(value, str) or re.fullmatch(TIME_PATTERN, value) is None:
        raise ValueError(f"expected a time of day such as 9:00 or 21:30; seen {shown(value)}")
    hour, minute = value.split(":")
    return time(int(hour), int(minute))


def _not_all_day(until: time, info: ValidationInfo) -> time:
    if until == info.data.get("start"):
        raise ValueError("from and until are the same hour: that is the whole day; write another")
    return until


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = "a name of the IANA list such as Asia/Tokyo or America/Chicago"
        raise ValueError(f"expected {known}; seen {shown(value)}") from None
    return value


TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": TIME_PATTERN}),
]
Zone = Annotated[Text, AfterValidator(_zone)]
Words = Annotated[tuple[Text, ...], Field(strict=False, min_length=1, max_length=100)]


class Rated(Section):
    """What every check and every set takes: how grave a breach is, and a run that shows nothing."""

    level: Literal["fail", "warn"] = "fail"
    if_not_judged: Literal["say", "fail"] = "say"


class Check(Rated):
    """One expectation of the traffic.

    Attributes:
        needs: of the clock: the order of things, short waits, long spans, or the hour and the date.
        channels: what the run must have, beside the parameter `channel`.
        name: how the report calls it; None: the check's own name.
    """

    needs: ClassVar[Needs] = "order"
    channels: ClassVar[tuple[Channel, ...]] = ()
    name: Text | None = None


class NoSendAfterOptOut(Check):
    """No message to a person after the system was told that they opted out."""

    grace_us: q.Duration = written(q.duration_us, "0s", "grace")
    confirmation_us: q.Duration = written(q.duration_us, "0s", "confirmation")


class QuietHours(Check):
    """Nothing from one hour to another, by the recipient's clock."""

    needs: ClassVar[Needs] = "calendar"
    start: TimeOfDay = Field(alias="from")
    until: Annotated[TimeOfDay, AfterValidator(_not_all_day)]
    channel: AnyChannel = "any"
    zone: Zone | None = None


class NoHolidays(Check):
    """Nothing on a public holiday of the recipient's country."""

    needs: ClassVar[Needs] = "calendar"
    channel: AnyChannel = "any"
    zone: Zone | None = None


class AtMostPerWindow(Check):
    """At most so many touches of a channel to one person in any window, or in the whole run."""

    needs: ClassVar[Needs] = "span"
    count: q.PositiveCount
    channel: Channel = "sms"
    within_us: q.PositiveDuration | None = Field(None, alias="in")
    business_us: q.PositiveDuration | None = Field(None, alias="business")


class NoDuplicateText(Check):
    """The same text to the same person not twice within a window."""

    needs: ClassVar[Needs] = "span"
    within_us: q.PositiveDuration = written(q.duration_us, "24h", "in")


class NoSendToGone(Check):
    """No message to a number after the system was told that it is not in use."""

    grace_us: q.Duration = written(q.duration_us, "0s", "grace")


class NoSendToLandline(Check):
    """No message to a number that its plan gives to something other than a mobile."""


class BacksOff(Check):
    """After a refusal for too much traffic, wait before the same person is tried again."""

    needs: ClassVar[Needs] = "pace"
    least_us: q.PositiveDuration = written(q.duration_us, "1s", "least")
    factor: Annotated[q.PositiveNumber, Field(ge=1, le=100)] = 1.0
    longest_us: q.PositiveDuration = written(q.duration_us, "1h", "longest")


class AtMostRate(Check):
    """At most so many requests in any window, whoever they are for."""

    needs: ClassVar[Needs] = "pace"
    count: q.PositiveCount
    within_us: q.PositiveDuration = written(q.duration_us, "1s", "in")


class SignaturesVerified(Check):
    """What a callback with a wrong or stale signature said is not what the system claims."""


class ConsentOnRecord(Check):
    """Nothing to a person whose consent is not on record."""

    channel: AnyChannel = "any"


class NamesSender(Check):
    """Each text holds the sender's name."""

    any_of: Words


class OffersRefusal(Check):
    """Each text says how to refuse further ones, by a way that exists."""

    any_of: Words = (
        *("配信停止", "配信の停止", "受信拒否", "登録解除", "解除", "停止"),
        *("STOP", "opt out", "opt-out", "unsubscribe"),
    )


class ReachesContact(Check):
    """Each text holds the sender's address and contact, or a link that leads to them."""

    address: Text | None = None


class MailFirst(Check):
    """The first touch of a person is a mail."""

    channels: ClassVar[tuple[Channel, ...]] = ("mail",)


class SmsBeforeFirstCall(Check):
    """An SMS comes before the first call."""

    channels: ClassVar[tuple[Channel, ...]] = ("sms", "call")


class SmsAfterUnansweredCall(Check):
    """Soon after an unanswered call comes an SMS that names the calling number."""

    needs: ClassVar[Needs] = "span"
    channels: ClassVar[tuple[Channel, ...]] = ("sms", "call")
    within_us: q.PositiveDuration = written(q.duration_us, "10m", "within")


class OneCallerNumber(Check):
    """Every call comes from one number."""

    channels: ClassVar[tuple[Channel, ...]] = ("call",)


class InChosenBand(Check):
    """Nothing outside the hours that the person has chosen."""

    needs: ClassVar[Needs] = "calendar"
    channel: AnyChannel = "call"
    zone: Zone | None = None


class StopAfterUnanswered(Check):
    """So many touches without an answer, and no more."""

    count: q.PositiveCount
    channel: Channel = "sms"


class StopAfter(Check):
    """Nothing to a person later than this after the first touch."""

    needs: ClassVar[Needs] = "span"
    span_us: q.PositiveDuration = Field(alias="span")
    business_us: q.PositiveDuration | None = Field(None, alias="business")


class Advertising(Rated):
    """The parameters of `jp-advertising`."""

    sender: Text
