"""Expectations about what is known only within bounds: judged where every value agrees."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from simulator.core.metric import METRIC
from simulator.scenario_expect import Expectation
from simulator.verify.expect import Outcome, Result, Seen, evaluate

WHY = "p99 is not known: 191 of 200 receipts had not come by the end of the drain"


def judged(that: str, most: int | None = None, p50: int | None = 100, **limit: Any) -> Result:
    metrics = {**dict.fromkeys(METRIC), "receipt_p99": most, "receipt_p50": p50}
    seen = Seen(metrics, least={"receipt_p99": Fraction(1_500)}, unknown={"receipt_p99": WHY})
    asked = Expectation.model_validate({"name": "told", "that": that, **limit})
    [found] = evaluate([asked], lambda _: seen)
    return found


def test_a_limit_below_the_least_that_it_can_be_fails() -> None:
    found = judged("receipt_p99", at_most="500 ms")
    assert (found.outcome, found.value, found.margin) == (Outcome.FAILED, None, -1_000)
    said = "at least 1,500 ms (receipt_p99), fails by 1,000 or more: p99 is not known: 191 of 200"
    assert said in found.words


def test_a_limit_above_it_cannot_be_judged_and_says_why() -> None:
    found = judged("receipt_p99", at_most="2000 ms")
    assert (found.outcome, found.value, found.bad) == (Outcome.NO_DATA, None, True)
    assert f"no data, {WHY} (receipt_p99 is at least 1,500 ms)" in found.words


@pytest.mark.parametrize(
    ("limit", "most", "outcome"),
    [
        ({"at_least": "1500 ms"}, None, Outcome.PASSED),
        ({"at_least": "1501 ms"}, None, Outcome.NO_DATA),
        ({"at_least": "1501 ms"}, 1_600, Outcome.NO_DATA),
        ({"at_least": "1601 ms"}, 1_600, Outcome.FAILED),
        ({"at_most": "1600 ms"}, 1_600, Outcome.PASSED),
        ({"at_most": "1599 ms"}, 1_600, Outcome.NO_DATA),
        ({"equals": "1550 ms"}, 1_600, Outcome.NO_DATA),
        ({"between": ["1 ms", "2 ms"]}, 1_600, Outcome.FAILED),
        ({"between": ["1000 ms", "2000 ms"]}, 1_600, Outcome.PASSED),
        ({"between": ["1000 ms", "2000 ms"]}, None, Outcome.NO_DATA),
    ],
)
def test_what_is_known_suffices_or_it_does_not(
    limit: dict[str, Any], most: int | None, outcome: Outcome
) -> None:
    assert judged("receipt_p99", most, **limit).outcome is outcome


def test_one_over_another_has_the_bounds_of_both() -> None:
    over = "receipt_p99 / receipt_p50"
    assert judged(over, at_most=5).outcome is Outcome.FAILED  # 15, or more
    assert judged(over, at_most=20).outcome is Outcome.NO_DATA
    assert judged(over, 1_600, at_most=16).outcome is Outcome.PASSED
    assert judged("receipt_p50 / receipt_p99", at_most=1).outcome is Outcome.PASSED
    assert judged("receipt_p50 / receipt_p99", at_least="1%").outcome is Outcome.NO_DATA
    found = judged("receipt_p50 / receipt_p99", at_least=1)  # a fifteenth, or less
    assert (found.outcome, found.margin) == (Outcome.FAILED, Fraction(1, 15) - 1)


def test_what_is_missing_altogether_has_no_bounds() -> None:
    found = judged("receipt_p99 / receipt_p50", p50=None, at_most=5)
    assert "no data, receipt_p99 is not known in this run" in found.words
