"""Quantities as people write them: text in, integers and exact fractions out.

The one rule: a parser takes whatever YAML, TOML, a flag or a variable holds, and returns a true
value or raises ValueError saying what was expected and what was seen. NaN, infinities, negative
and empty values have no spelling here. The capitalised types below are the parsers as pydantic
annotations, each with the JSON Schema of its text.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Annotated, NoReturn

from pydantic import BeforeValidator, WithJsonSchema

from simulator.errors import shown

US_PER_S = 1_000_000
MINUTE_US = 60 * US_PER_S
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
MICROS = 1_000_000

TEXT_CHARS_MAX = 64
COUNT_MAX = 2**63 - 1
DURATION_US_MAX = 36_525 * DAY_US  # a hundred years
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT_END = datetime(2200, 1, 1, tzinfo=UTC)  # with a hundred years after it, still a datetime
MONEY_MICROS_MAX = 10**12 * MICROS

_DIGITS = "[0-9]+(?:_[0-9]+)*"
_DECIMAL = rf"{_DIGITS}(?:\.[0-9]+)?"
_UNITS_US = {"d": DAY_US, "h": HOUR_US, "m": MINUTE_US, "s": US_PER_S, "ms": 1000}
_RATE_UNITS_S = {"s": 1, "min": 60, "h": 3600}

COUNT_PATTERN = rf"^{_DIGITS}$"
DECIMAL_PATTERN = rf"^{_DECIMAL}$"
NUMBER_PATTERN = rf"^{_DECIMAL}%?$"
DURATION_PATTERN = "^(?=[0-9])" + "".join(rf"(?:({_DECIMAL}){u})?" for u in _UNITS_US) + "$"
RATE_PATTERN = rf"^({_DECIMAL})/({'|'.join(_RATE_UNITS_S)})$"
INSTANT_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
REQUEST_PATTERN = r"^(GET|POST|PUT|PATCH|DELETE) (/[!-~]*)$"
ADDRESS_PATTERN = r"^(?:\{sut_url\}|https?://[^\s/{}?#]+)(?:/[^\s{}]*)?$"

_A_DURATION = "a duration such as 500ms, 30s, 10m, 2h, 7d or 1h30m"
_A_SHARE = "a share such as 92% or 0.92"
_A_RATE = "a rate such as 50/s or 3000/min"
_A_COUNT = "a whole number such as 500 or 50_000"
_A_NUMBER = "a number such as 3, 0.95 or 95%"
_AN_INSTANT = "an instant with its offset from UTC, such as 2026-03-02T09:00:00+09:00"
_MONEY = "an amount of money such as 15 or 0.0083"


def duration_us(value: object) -> int:
    """Read "500ms", "30s", "2h", "7d", "1h30m": microseconds, 0 to a hundred years."""
    text = _text(value, _A_DURATION)
    if re.fullmatch(DECIMAL_PATTERN, text):
        _refuse(value, f"{_A_DURATION} (a unit is needed)")
    match = re.fullmatch(DURATION_PATTERN, text)
    if match is None:
        _refuse(value, _A_DURATION)
    parts = zip(match.groups(), _UNITS_US.values(), strict=True)
    total = sum((_exact(amount) * unit for amount, unit in parts if amount), Fraction(0))
    if total.denominator != 1:
        _refuse(value, "a duration in whole microseconds")
    if total > DURATION_US_MAX:
        _refuse(value, "a duration of at most 36525d (a hundred years)")
    return int(total)


def positive_duration_us(value: object) -> int:
    """Read a duration longer than zero: microseconds."""
    return duration_us(value) or _refuse(value, "a duration longer than zero, such as 30s")


def exact_ratio(value: object) -> Fraction:
    """Read "92%" or "0.92" exactly, 0 to 1."""
    share = _number(value, _A_SHARE)
    if share > 1:
        _refuse(value, f"{_A_SHARE}, at most 100%")
    return share


def ratio(value: object) -> float:
    """Read "92%" or "0.92": 0 to 1."""
    return float(exact_ratio(value))


def positive_ratio(value: object) -> Fraction:
    """Read a share larger than zero, exactly."""
    return exact_ratio(value) or _refuse(value, f"{_A_SHARE}, more than zero")


def number(value: object) -> Fraction:
    """Read "3", "0.95" or "95%" exactly; never negative."""
    return _number(value, _A_NUMBER)


def positive_number(value: object) -> float:
    """Read "60" or "0.5": a number larger than zero, and no percentage."""
    what = "a number larger than zero, such as 60 or 0.5"
    if isinstance(value, str) and value.endswith("%"):
        _refuse(value, what)
    return float(_number(value, what)) or _refuse(value, what)


def rate(value: object) -> float:
    """Read "50/s", "3000/min" or "10/h": per second, more than zero."""
    match = re.fullmatch(RATE_PATTERN, _text(value, _A_RATE))
    if match is None:
        _refuse(value, _A_RATE)
    per_s = float(_exact(match[1]) / _RATE_UNITS_S[match[2]])
    return per_s or _refuse(value, f"{_A_RATE}, more than zero")


def count(value: object) -> int:
    """Read "500" or "50_000": 0 to 2**63 - 1."""
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    else:
        text = _text(value, _A_COUNT)
        found = int(text) if re.fullmatch(COUNT_PATTERN, text) else _refuse(value, _A_COUNT)
    if not 0 <= found <= COUNT_MAX:
        _refuse(value, f"{_A_COUNT}, from 0 to {COUNT_MAX}")
    return found


def positive_count(value: object) -> int:
    """Read a whole number of at least 1."""
    return count(value) or _refuse(value, f"{_A_COUNT}, at least 1")


def instant_us(value: object) -> int:
    """Read an RFC 3339 instant with an offset: microseconds since 1970-01-01T00:00:00Z."""
    text = _text(value, _AN_INSTANT)
    if re.fullmatch(INSTANT_PATTERN, text) is None:
        _refuse(value, _AN_INSTANT)
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise ValueError(f"expected {_AN_INSTANT}; seen {shown(value)}: {error}") from None
    if not EPOCH <= moment < INSTANT_END:
        _refuse(value, f"an instant from {EPOCH.year} to {INSTANT_END.year - 1}")
    return (moment - EPOCH) // timedelta(microseconds=1)


def money_micros(value: object) -> int:
    """Read "15" or "0.0083": millionths of the currency unit, exactly."""
    text = _text(value, _MONEY)
    if re.fullmatch(DECIMAL_PATTERN, text) is None:
        _refuse(value, _MONEY)
    micros = _exact(text) * MICROS
    if micros.denominator != 1:
        _refuse(value, "an amount with at most 6 decimals")
    if micros > MONEY_MICROS_MAX:
        _refuse(value, f"an amount of at most {MONEY_MICROS_MAX // MICROS}")
    return int(micros)


def flag(value: object) -> bool:
    """Read "true" or "false"."""
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        _refuse(value, "true or false")
    return value == "true"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that a scenario names: `POST /campaigns`."""

    method: str
    path: str


def request(value: object) -> Request:
    """Read "GET /health"."""
    what = "a method and a path such as GET /health (GET, POST, PUT, PATCH or DELETE)"
    match = re.fullmatch(REQUEST_PATTERN, value) if isinstance(value, str) else None
    return Request(match[1], match[2]) if match else _refuse(value, what)


def command(value: object) -> object:
    """Read a command line, or a list of words: a tuple of words."""
    try:
        words = shlex.split(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"cannot be split into words: {error}; write a list") from None
    if not words:
        raise ValueError("expected a command such as `python -m outreach`; seen nothing")
    return tuple(words) if isinstance(words, list) else words


def address(value: object) -> str:
    """Read "http://127.0.0.1:9000/path" or "{sut_url}/path", without its last slash."""
    if not isinstance(value, str) or re.fullmatch(ADDRESS_PATTERN, value) is None:
        _refuse(value, "an address such as http://127.0.0.1:9000/path or {sut_url}/path")
    return value.rstrip("/")


def _number(value: object, what: str) -> Fraction:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    text = _text(value, what)
    if re.fullmatch(NUMBER_PATTERN, text) is None:
        _refuse(value, what)
    return _exact(text.removesuffix("%")) / (100 if text.endswith("%") else 1)


def _exact(text: str) -> Fraction:
    return Fraction(text.replace("_", ""))


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or len(value) > TEXT_CHARS_MAX:
        _refuse(value, what)
    return value


def _refuse(value: object, what: str) -> NoReturn:
    raise ValueError(f"expected {what}; seen {shown(value)}")


_NUMERIC = {"type": ["string", "number"], "minimum": 0}
SHARE_SCHEMA = {**_NUMERIC, "pattern": NUMBER_PATTERN, "maximum": 1}
_COUNTED = {"type": ["string", "integer"], "pattern": COUNT_PATTERN, "minimum": 0}
_LASTING = {"type": "string", "pattern": DURATION_PATTERN}

Duration = Annotated[int, BeforeValidator(duration_us), WithJsonSchema(_LASTING)]
PositiveDuration = Annotated[int, BeforeValidator(positive_duration_us), WithJsonSchema(_LASTING)]
Ratio = Annotated[float, BeforeValidator(ratio), WithJsonSchema(SHARE_SCHEMA)]
ExactRatio = Annotated[Fraction, BeforeValidator(exact_ratio), WithJsonSchema(SHARE_SCHEMA)]
PositiveRatio = Annotated[Fraction, BeforeValidator(positive_ratio), WithJsonSchema(SHARE_SCHEMA)]
Number = Annotated[
    Fraction,
    BeforeValidator(number),
    WithJsonSchema({**_NUMERIC, "pattern": NUMBER_PATTERN}),
]
PositiveNumber = Annotated[
    float,
    BeforeValidator(positive_number),
    WithJsonSchema({**_NUMERIC, "exclusiveMinimum": 0, "pattern": DECIMAL_PATTERN}),
]
Rate = Annotated[
    float,
    BeforeValidator(rate),
    WithJsonSchema({"type": "string", "pattern": RATE_PATTERN}),
]
Count = Annotated[int, BeforeValidator(count), WithJsonSchema(_COUNTED)]
PositiveCount = Annotated[
    int, BeforeValidator(positive_count), WithJsonSchema({**_COUNTED, "minimum": 1})
]
Instant = Annotated[
    int,
    BeforeValidator(instant_us),
    WithJsonSchema({"type": "string", "pattern": INSTANT_PATTERN}),
]
Money = Annotated[
    int,
    BeforeValidator(money_micros),
    WithJsonSchema({**_NUMERIC, "pattern": DECIMAL_PATTERN}),
]
Flag = Annotated[
    bool, BeforeValidator(flag), WithJsonSchema({"enum": [True, False, "true", "false"]})
]
RequestLine = Annotated[
    Request,
    BeforeValidator(request),
    WithJsonSchema({"type": "string", "pattern": REQUEST_PATTERN}),
]
Command = Annotated[
    tuple[str, ...],
    BeforeValidator(command),
    WithJsonSchema(
        {"type": ["string", "array"], "minLength": 1, "minItems": 1, "items": {"type": "string"}}
    ),
]
Address = Annotated[
    str,
    BeforeValidator(address),
    WithJsonSchema({"type": "string", "pattern": ADDRESS_PATTERN}),
]
