"""Expectations: compared exactly, shown so that nobody is misled, and never passed without data."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.scenario import METRICS, Expectation
from simulator.verify.expect import MONEY, Outcome, Result, evaluate

if TYPE_CHECKING:
    from simulator.verify.expect import Metric

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=200)


def judged(that: str, metrics: dict[str, Metric], **limit: Any) -> Result:
    expectation = Expectation.model_validate({"name": "e", "that": that, **limit})
    (result,) = evaluate([expectation], metrics)
    return result


@pytest.mark.parametrize(
    ("limit", "value", "outcome"),
    [
        ({"at_least": "5"}, 4, Outcome.FAILED),
        ({"at_least": "5"}, 5, Outcome.PASSED),
        ({"at_least": "5"}, 6, Outcome.PASSED),
        ({"at_most": "5"}, 5, Outcome.PASSED),
        ({"at_most": "5"}, 6, Outcome.FAILED),
        ({"equals": "5"}, 5, Outcome.PASSED),
        ({"equals": "5"}, 4, Outcome.FAILED),
        ({"equals": "5"}, 6, Outcome.FAILED),
        ({"between": ["4", "6"]}, 3, Outcome.FAILED),
        ({"between": ["4", "6"]}, 4, Outcome.PASSED),
        ({"between": ["4", "6"]}, 6, Outcome.PASSED),
        ({"between": ["4", "6"]}, 7, Outcome.FAILED),
    ],
)
def test_limits_include_their_ends(limit: dict[str, Any], value: int, outcome: Outcome) -> None:
    assert judged("delivered", {"delivered": value}, **limit).outcome is outcome


@pytest.mark.parametrize(
    ("limit", "words", "margin", "upper"),
    [
        ({"at_least": "5"}, "at least 5", 1, None),
        ({"at_most": "5"}, "at most 5", -1, 5),
        ({"equals": "5"}, "exactly 5", -1, 5),
        ({"between": ["4", "9"]}, "between 4 and 9", 2, 9),
    ],
)
def test_a_result_has_its_limit_in_words_its_margin_and_its_upper_end(
    limit: dict[str, Any], words: str, margin: int, upper: int | None
) -> None:
    result = judged("delivered", {"delivered": 6}, **limit)
    assert (result.limit, result.margin, result.upper) == (words, margin, upper)


def test_a_share_is_told_in_percent_with_actual_limit_and_margin() -> None:
    metrics: dict[str, Metric] = {"delivered": 487, "accepted": 500}
    result = judged("delivered / accepted", metrics, at_least="95%")
    assert result.value == Fraction(487, 500)
    assert result.words == (
        "e: expected at least 95%; 97.40% (delivered / accepted), holds by 2.40 points"
    )


def test_a_failure_says_by_how_much() -> None:
    metrics: dict[str, Metric] = {"delivered": 460, "accepted": 500}
    result = judged("delivered / accepted", metrics, at_least="95.5%")
    assert result.outcome is Outcome.FAILED
    assert result.words == (
        "e: expected at least 95.5%; 92.00% (delivered / accepted), fails by 3.50 points"
    )


def test_a_failure_by_a_hair_does_not_look_like_its_limit() -> None:
    metrics: dict[str, Metric] = {"delivered": 949_999, "accepted": 1_000_000}
    result = judged("delivered / accepted", metrics, at_least="95%")
    assert result.outcome is Outcome.FAILED
    assert "94.9999% (delivered / accepted), fails by 0.0001 points" in result.words


def test_a_share_equal_to_its_limit_holds_exactly() -> None:
    metrics: dict[str, Metric] = {"delivered": 19, "accepted": 20}
    result = judged("delivered / accepted", metrics, at_least="95%")
    assert result.words.endswith("95.00% (delivered / accepted), holds exactly")


def test_thirds_are_compared_exactly() -> None:
    metrics: dict[str, Metric] = {"delivered": 1, "accepted": 3}
    assert judged("delivered / accepted", metrics, at_most="0.3333333").margin == Fraction(
        -1, 30_000_000
    )


def test_money_is_told_in_currency_units() -> None:
    result = judged("total", {"total": Decimal("8217.5")}, at_most="8000")
    assert result.words == "e: expected at most 8,000; 8,217.5 (total), fails by 217.5"


def test_money_per_message_is_a_number_and_no_percentage() -> None:
    metrics: dict[str, Metric] = {"subtotal": Decimal("0.0083"), "delivered": 2}
    result = judged("subtotal / delivered", metrics, at_most="1")
    assert result.words == (
        "e: expected at most 1; 0.00415 (subtotal / delivered), holds by 0.99585"
    )


def test_money_over_money_is_a_share() -> None:
    metrics: dict[str, Metric] = {"claimed_total": 101, "total": 100}
    assert "101.00%" in judged("claimed_total / total", metrics, equals="1").words


@pytest.mark.parametrize(
    ("that", "metrics", "why"),
    [
        ("delivered / accepted", {"delivered": 0, "accepted": 0}, "accepted is 0"),
        ("delivered / accepted", {"delivered": 5, "accepted": 0}, "accepted is 0"),
        ("findings", {"findings": None}, "findings is not known in this run"),
        ("findings / accepted", {"findings": None, "accepted": 0}, "findings is not known"),
        ("accepted / findings", {"findings": None, "accepted": 1}, "findings is not known"),
    ],
)
def test_what_has_no_value_has_no_data_and_says_why(
    that: str, metrics: dict[str, Metric], why: str
) -> None:
    result = judged(that, metrics, at_least="0")
    assert result.outcome is Outcome.NO_DATA
    assert (result.value, result.margin) == (None, None)
    assert f"no data, {why}" in result.words


def test_every_expectation_has_one_result_in_its_place() -> None:
    trees = [{"name": n, "that": "delivered", "at_least": "1"} for n in ("a", "b", "c")]
    results = evaluate([Expectation.model_validate(t) for t in trees], {"delivered": 1})
    assert [r.name for r in results] == ["a", "b", "c"]


def test_a_metric_that_the_caller_forgot_is_our_bug() -> None:
    with pytest.raises(AssertionError, match="the caller has no metric delivered"):
        judged("delivered", {}, at_least="1")


def test_money_names_metrics_that_exist() -> None:
    assert set(METRICS) >= MONEY


@repeatable
@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_what_is_shown_never_contradicts_the_outcome(top: int, bottom: int, limit: int) -> None:
    metrics: dict[str, Metric] = {"delivered": top, "accepted": bottom}
    bound = f"{limit // 10_000}.{limit % 10_000:04d}%"
    result = judged("delivered / accepted", metrics, at_least=bound)
    shown = result.words.partition("; ")[2].partition("%")[0].replace(",", "")
    holds = Decimal(shown) >= Decimal(bound.removesuffix("%"))
    assert holds == (result.outcome is Outcome.PASSED)
    assert result.outcome is (
        Outcome.PASSED if Fraction(top, bottom) >= Fraction(limit, 10**6) else Outcome.FAILED
    )
