from __future__ import annotations

import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from simulator import quantities as q

if TYPE_CHECKING:
    from collections.abc import Callable

PARSERS: list[Callable[[object], Any]] = [
    q.duration_us,
    q.positive_duration_us,
    q.ratio,
    q.exact_ratio,
    q.positive_ratio,
    q.number,
    q.positive_number,
    q.rate,
    q.count,
    q.positive_count,
    q.instant_us,
    q.money_micros,
    q.flag,
    q.request,
    q.command,
    q.address,
]
NEVER = [
    *("", " ", "nan", "NaN", ".nan", "inf", "-inf", "-1", "-1s", "-5%", "1e3", "1_", "_1", "1__0"),
    *("\u0661\u0662", "\uff11", "1 000", "0x10", "1,5", "1\n", "\x00", "9" * 5000, None, {}, []),
    *(float("nan"), float("inf"), -1, -0.5, [["x"]]),
]
FREE_TEXT = {q.command}


@pytest.mark.parametrize("parse", PARSERS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("value", NEVER, ids=lambda v: repr(v)[:20])
def test_what_is_no_quantity_is_refused_in_words(
    parse: Callable[[object], Any], value: object
) -> None:
    if parse in FREE_TEXT and value:
        return
    with pytest.raises(ValueError, match=r"expected .*seen"):
        parse(value)


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("0s", 0),
        ("500ms", 500_000),
        ("1.2s", 1_200_000),
        ("30s", 30_000_000),
        ("10m", 600_000_000),
        ("2h", 7_200_000_000),
        ("7d", 604_800_000_000),
        ("1h30m", 5_400_000_000),
        ("1d2h3m4s5ms", 93_784_005_000),
        ("0.001ms", 1),
    ],
)
def test_a_duration_is_read_exactly(text: str, us: int) -> None:
    assert q.duration_us(text) == us


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        ("30", "a unit is needed"),
        ("30m1h", "a duration such as"),
        ("1h1h", "a duration such as"),
        ("0.0001ms", "whole microseconds"),
        ("40000d", "hundred years"),
        ("30 s", "a duration such as"),
    ],
)
def test_a_duration_that_cannot_be_read_says_why(text: str, clue: str) -> None:
    with pytest.raises(ValueError, match=clue):
        q.duration_us(text)


def test_a_positive_duration_is_not_zero() -> None:
    with pytest.raises(ValueError, match="longer than zero"):
        q.positive_duration_us("0h0m")


@given(st.integers(0, 36_524), st.integers(0, 23), st.integers(0, 59), st.integers(0, 999))
def test_any_duration_equals_the_sum_of_its_parts(d: int, h: int, m: int, ms: int) -> None:
    us = ((d * 24 + h) * 60 + m) * q.MINUTE_US + ms * 1000
    assert q.duration_us(f"{d}d{h}h{m}m{ms}ms") == us


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("92%", Fraction(92, 100)),
        ("0.92", Fraction(92, 100)),
        ("0.3%", Fraction(3, 1000)),
        ("1", 1),
    ],
)
def test_a_share_is_read_exactly(text: str, share: Fraction) -> None:
    assert q.exact_ratio(text) == share
    assert q.ratio(text) == float(share)


@pytest.mark.parametrize("text", ["101%", "1.01", "92"])
def test_a_share_is_at_most_everything(text: str) -> None:
    with pytest.raises(ValueError, match="at most 100%"):
        q.ratio(text)


@given(st.decimals(0, 1, places=6))
def test_every_share_lies_between_nothing_and_everything(share: object) -> None:
    assert 0 <= q.ratio(f"{share:f}") <= 1


@pytest.mark.parametrize(
    ("text", "per_s"), [("50/s", 50), ("3000/min", 50), ("36_000/h", 10), ("0.5/s", 0.5)]
)
def test_a_rate_is_per_second(text: str, per_s: float) -> None:
    assert q.rate(text) == per_s


@pytest.mark.parametrize("text", ["0/s", "50", "50/d", "50 / s", "/s"])
def test_a_rate_needs_a_number_and_a_known_unit(text: str) -> None:
    with pytest.raises(ValueError, match="a rate such as"):
        q.rate(text)


def test_a_count_is_read_from_text_and_from_whole_numbers() -> None:
    assert [q.count(v) for v in ("500", "50_000", "007", 3)] == [500, 50_000, 7, 3]


@pytest.mark.parametrize("value", [True, 1.0, "1.5", 2**63, str(2**63)])
def test_a_count_is_whole_and_fits(value: object) -> None:
    with pytest.raises(ValueError, match="a whole number"):
        q.count(value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2026-03-02T09:00:00+09:00", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-01t19:00:00.000001-05:00", datetime(2026, 3, 2, 0, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_is_microseconds_of_utc(text: str, moment: datetime) -> None:
    assert q.instant_us(text) == round(moment.timestamp() * 1_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02",
        "2026-03-02T09:00:00",  # no offset
        "2026-03-02 09:00:00Z",
        "2026-02-30T09:00:00Z",
        "2026-03-02T09:00:60Z",
        "2026-03-02T09:00:00+25:00",
        "2026-03-02T09:00:00.1234567Z",
        "2026-W10-1T09:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+09:00",
    ],
)
def test_an_instant_must_exist_and_have_an_offset(text: str) -> None:
    with pytest.raises(ValueError, match="expected an instant"):
        q.instant_us(text)


def test_money_is_an_exact_number_of_millionths() -> None:
    assert [q.money_micros(t) for t in ("15", "0.0083", "0", "1_000.5")] == [
        15_000_000,
        8_300,
        0,
        1_000_500_000,
    ]


@pytest.mark.parametrize("text", ["0.0000001", "15 JPY", "15%", "1000000000001"])
def test_money_has_six_decimals_and_a_limit(text: str) -> None:
    with pytest.raises(ValueError, match="an amount"):
        q.money_micros(text)


@given(st.integers(0, q.MONEY_MICROS_MAX))
def test_money_comes_back_as_it_was_written(micros: int) -> None:
    assert q.money_micros(f"{micros // 10**6}.{micros % 10**6:06}") == micros


@pytest.mark.parametrize("text", ["yes", "on", "True", "NO", "1"])
def test_a_flag_is_true_or_false_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="true or false"):
        q.flag(text)


def test_a_request_is_a_method_and_a_path() -> None:
    assert q.request("GET /health?deep=1") == q.Request("GET", "/health?deep=1")


@pytest.mark.parametrize("text", ["/health", "GET health", "get /health", "GET /a b", "HEAD /"])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a method and a path"):
        q.request(text)


def test_a_command_is_split_as_a_shell_would_and_a_list_is_kept() -> None:
    assert q.command("python -m 'a b' {port}") == ("python", "-m", "a b", "{port}")
    assert q.command(["a b", "c"]) == ("a b", "c")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (q.Duration, "1h30m", "30"),
        (q.PositiveDuration, "1.5s", "30m1h"),
        (q.Ratio, "92%", "92 %"),
        (q.Number, "95%", "1e3"),
        (q.PositiveNumber, "0.5", "5%"),
        (q.Rate, "50/s", "50"),
        (q.Count, "50_000", "5.0"),
        (q.Instant, "2026-03-02T09:00:00+09:00", "2026-03-02"),
        (q.Money, "0.0083", "15%"),
        (q.RequestLine, "POST /x", "/x"),
        (q.Address, "{sut_url}/receipts", "receipts"),
    ],
)
def test_the_schema_of_a_quantity_agrees_with_its_parser(kind: Any, good: str, bad: str) -> None:
    adapter = TypeAdapter(kind)
    pattern = adapter.json_schema()["pattern"]
    adapter.validate_python(good)
    assert re.search(pattern, good)
    assert not re.search(pattern, bad)
    with pytest.raises(ValidationError):
        adapter.validate_python(bad)
