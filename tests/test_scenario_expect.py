"""The language of expectations: what it reads, and what it refuses before the run."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.carrier import CARRIERS
from simulator.core.metric import METRIC
from simulator.scenario_expect import CARRIER_NAMES, Expectation, Measure, limit, unit_of
from tests.test_scenario import read, refusal, written

DOCS = (Path(__file__).parent.parent / "docs/expectations.md").read_text("utf-8")
WARM = ("people.segments", [{"name": "warm", "share": "30%"}, {"name": "cold", "share": "70%"}])
TWO = [
    ("accounts", [{"name": "a", "dialect": "twilio"}, {"name": "b", "dialect": "twilio"}]),
    ("world.lane", "own"),
]
RATE = {"that": "delivered / accepted", "at_least": "95%"}


def one(**fields: Any) -> Expectation:
    (found,) = read(written(WARM, ("expect", [{"name": "e", **fields}]))).expect
    return found


def said(*changes: tuple[str, Any], **fields: Any) -> str:
    [line] = refusal(written(WARM, *changes, ("expect", [{"name": "e", **fields}])))
    return line


def test_what_is_left_out_has_a_default() -> None:
    found = one(**RATE)
    assert (found.confidence, found.if_no_data, found.level) == (None, "fail", "fail")
    assert (found.abort_after_us, found.of.words) == (None, "")


def test_all_of_it_is_read_into_true_values() -> None:
    of = {"carrier": "au", "segment": ["warm", "cold"], "account": "main"}
    found = one(**RATE, of=of, confidence="99%", if_no_data="pass", level="fail", abort_after="90m")
    assert (found.that, found.at_least) == (Measure("delivered", "accepted"), Fraction(19, 20))
    assert found.of.carrier == ("kddi",)
    assert found.of.words == "account main, carrier kddi, segment warm or cold"
    assert (found.confidence, found.if_no_data) == (Fraction(99, 100), "pass")
    assert found.abort_after_us == 5_400_000_000


@pytest.mark.parametrize(
    ("that", "text", "value"),
    [
        ("accepted", "500 件", 500),
        ("charged_units", "1_000通", 1000),
        ("total", "8000 USD", 8000),
        ("total", "0.0083 USD", Fraction(83, 10_000)),
        ("accepted", "500", 500),
        ("delivered / accepted", "0.95", Fraction(19, 20)),
        ("subtotal / delivered", "15", 15),
    ],
)
def test_a_number_may_have_its_unit(that: str, text: str, value: Fraction) -> None:
    assert one(that=that, at_most=text).at_most == value


@pytest.mark.parametrize(
    ("fields", "clue"),
    [
        ({"that": "accepted", "at_least": "500 通"}, "accepted is not counted in 通"),
        ({"that": "charged_units", "at_least": "5 件"}, "one with 通"),
        ({"that": "accepted", "at_least": "5 JPY"}, "accepted is not counted in JPY"),
        ({"that": "total", "at_most": "5 件"}, "such as 8000 JPY"),
        ({"that": "total", "at_most": "5 JPY"}, "is in JPY, but the bill is in USD"),
        ({"that": "delivered / accepted", "at_least": "5 件"}, "a plain number or a percentage"),
        ({"that": "delivered / accepted", "at_least": "95% 件"}, "expected a limit such as"),
        ({"that": "accepted", "at_least": "95%"}, "95% of what?"),
        ({"that": "delivered / accepted", "at_least": "101%"}, "no share is over 100%; seen 101%"),
        ({"that": "delivered / accepted", "equals": "95"}, "never holds: every one of delivered"),
        ({"that": "opened / delivered", "between": ["100.5%", "110%"]}, "never holds"),
        ({"that": "expired / accepted", "at_most": "101%"}, "always holds: every one of expired"),
        ({**RATE, "of": {"carrier": "aux"}}, "unknown carrier 'aux'; did you mean au?"),
        ({**RATE, "of": {"segment": "worm"}}, "no segment is called 'worm'; did you mean warm?"),
        ({**RATE, "of": {"account": "mian"}}, "no account is called 'mian'; did you mean main?"),
        ({**RATE, "of": {"carier": "au"}}, "unknown key 'carier'; did you mean carrier?"),
        ({**RATE, "of": {"carrier": []}}, "expected at least 1 of them"),
        ({"that": "total", "at_most": "1", "of": {"carrier": "au"}}, "total is not counted by car"),
        ({"that": "findings", "equals": "0", "of": {"segment": "warm"}}, "not counted by segment"),
        ({**RATE, "confidence": "100%"}, "from 50% to less than 100%; seen '100%'"),
        ({**RATE, "confidence": "10%"}, "from 50% to less than 100%"),
        (
            {"that": "accepted", "at_least": "1", "confidence": "99%"},
            "accepted is no share of mess",
        ),
        ({"that": "accepted / delivered", "at_least": "1", "confidence": "99%"}, "is no share of"),
        ({"that": "total / subtotal", "at_least": "1", "confidence": "99%"}, "is no share of"),
        ({**RATE, "if_no_data": "maybe"}, "unknown value 'maybe'"),
        ({**RATE, "level": "warning"}, "unknown value 'warning'; did you mean warn?"),
        ({**RATE, "abort_after": "7d"}, "is not before the end of the run (time.until)"),
        ({**RATE, "abort_after": "0s"}, "longer than zero"),
        ({**RATE, "abort_after": "1h", "level": "warn"}, "a warning stops nothing"),
        (
            {"that": "findings", "equals": "0", "abort_after": "1h"},
            "known only when the run is over",
        ),
    ],
)
def test_bad_input_38_a_sentence_that_cannot_be_judged_is_refused_before_the_run(
    fields: dict[str, Any], clue: str
) -> None:
    assert clue in said(**fields)


@pytest.mark.parametrize(
    ("that", "limits"),
    [
        ("delivered / accepted", {"at_least": "100%"}),
        ("delivered / accepted", {"at_most": "100%"}),
        ("charged_units / accepted", {"at_least": "300%"}),
        ("accepted / delivered", {"between": ["101%", "120%"]}),
    ],
)
def test_what_may_be_100_percent_or_over_is_let_pass(that: str, limits: dict[str, Any]) -> None:
    assert one(that=that, **limits).that.words == that


def test_money_of_two_currencies_has_no_sum() -> None:
    euro = {"unit": "1", "currency": "EUR"}
    accounts = [
        {"name": "a", "dialect": "twilio"},
        {"name": "b", "dialect": "twilio", "price": euro},
    ]
    both = [("accounts", accounts), ("world.lane", "own")]
    assert "accounts bill in EUR and USD" in said(*both, that="total", at_most="5")
    assert "the bill is in EUR" in said(*both, that="total", at_most="5 USD", of={"account": "b"})
    one_of = [{"name": "e", "that": "total", "at_most": "5 USD", "of": {"account": "a"}}]
    assert read(written(*both, ("expect", one_of))).expect[0].of.account == ("a",)


def test_every_carrier_has_a_name_here() -> None:
    assert set(CARRIER_NAMES.values()) == {carrier.name for carrier in CARRIERS.values()}


@settings(derandomize=True, database=None, deadline=None)
@given(st.text(max_size=20))
def test_whatever_is_written_is_a_number_with_a_unit_or_an_error(text: str) -> None:
    assert unit_of(text) == "" or text.endswith(unit_of(text))
    try:
        value = limit(text)
    except ValueError as error:
        value, told = Fraction(0), str(error)
    else:
        told = "expected"
    assert value >= 0
    assert "expected" in told


@pytest.mark.parametrize("name", METRIC)
def test_the_page_lists_every_metric_as_it_is(name: str) -> None:
    metric = METRIC[name]
    (row,) = re.findall(rf"^\| `{name}` \|.*$", DOCS, re.MULTILINE)
    assert metric.words in row
    assert all(f"`{key}`" in row for key in metric.filters)
    assert f"| {metric.unit} |" in row
    assert not metric.part or metric.part in METRIC


@pytest.mark.parametrize(
    "key", [field.alias or name for name, field in Expectation.model_fields.items()]
)
def test_the_page_explains_every_key(key: str) -> None:
    assert f"`{key}" in DOCS
