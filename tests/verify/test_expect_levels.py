"""Warnings, excuses, filters, and a run against the one before it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from simulator.scenario_expect import Expectation, Of
from simulator.verify.expect import Outcome, Result, Seen, evaluate, not_judged
from simulator.verify.expect_baseline import Baseline, against
from simulator.verify.verdict import judge

if TYPE_CHECKING:
    from simulator.verify.expect import Metric

METRICS: dict[str, Metric] = {"delivered": 9, "accepted": 10, "findings": None, "total": 5}


def judged(metrics: dict[str, Metric] | None = None, **fields: Any) -> Result:
    plain = {"name": "e", "that": "delivered / accepted"}
    expectation = Expectation.model_validate({**plain, **fields})
    (result,) = evaluate([expectation], METRICS if metrics is None else metrics)
    return result


def test_a_warning_is_told_and_fails_nothing() -> None:
    result = judged(at_least="95%", level="warn")
    assert (result.outcome, result.bad, result.fails) == (Outcome.FAILED, True, False)
    verdict = judge([result], None)
    assert verdict.exit_code == 0
    assert verdict.words == ("PASS: 0 of 1 expectation holds, no claims to compare, 1 warning (e)")


def test_without_data_a_run_fails_unless_that_is_excused() -> None:
    empty: dict[str, Metric] = {"delivered": 0, "accepted": 0}
    assert judge([judged(empty, at_least="95%")], None).exit_code == 1
    excused = judged(empty, at_least="95%", if_no_data="pass")
    assert (excused.outcome, excused.bad) == (Outcome.NO_DATA, False)
    assert judge([excused], None).exit_code == 0


def test_a_warning_about_findings_lets_them_be() -> None:
    result = judged({"findings": 3}, that="findings", equals="0", level="warn")
    assert result.warning
    assert judge([result], None).allowed


def test_a_stopped_run_fails_for_what_stopped_it_and_judges_nothing_else() -> None:
    bad = judged(at_least="95%")
    other = not_judged(Expectation.model_validate({"name": "o", "that": "total", "at_most": "1"}))
    verdict = judge([bad, other], None, stopped="e")
    assert verdict.exit_code == 1
    assert verdict.words.startswith("FAIL: stopped early for e; 0 of 1 expectation holds (not: e)")
    assert (other.outcome, other.bad) == (Outcome.NOT_JUDGED, False)


def test_what_is_filtered_is_looked_at_by_its_filter_and_says_so() -> None:
    def look(of: Of) -> Seen:
        return Seen({"delivered": 1, "accepted": 2} if of.words else METRICS, "JPY")

    wanted = {"name": "e", "that": "delivered / accepted", "at_least": "50%"}
    both = [
        Expectation.model_validate({**wanted, "of": {"carrier": "au"}}),
        Expectation.model_validate(wanted),
        Expectation.model_validate({"name": "cost", "that": "total", "at_most": "4"}),
    ]
    au, everybody, cost = evaluate(both, look)
    assert (au.value, everybody.value) == (Fraction(1, 2), Fraction(9, 10))
    assert au.words == (
        "e: expected at least 50%; 50.00% (delivered / accepted of carrier kddi), holds exactly"
    )
    assert cost.words == "cost: expected at most 4 JPY; 5 JPY (total), fails by 1"


@pytest.mark.parametrize(
    ("limit", "before", "regress", "outcome"),
    [
        ({"at_least": "1%"}, "9/10", "0", Outcome.PASSED),
        ({"at_least": "1%"}, "1", "10%", Outcome.PASSED),
        ({"at_least": "1%"}, "1", "9.9%", Outcome.FAILED),
        ({"at_most": "1"}, "9/11", "10%", Outcome.PASSED),
        ({"at_most": "1"}, "8/10", "10%", Outcome.FAILED),
        ({"at_most": "1"}, "0", "50%", Outcome.FAILED),
        ({"at_least": "1%"}, None, "0", Outcome.NO_DATA),
    ],
)
def test_worse_is_what_the_expectation_says_it_is(
    limit: dict[str, str], before: str | None, regress: str, outcome: Outcome
) -> None:
    result = judged(**limit)
    values = {(result.that, ""): None if before is None else Fraction(before)}
    share = Fraction(regress.removesuffix("%")) / (100 if regress.endswith("%") else 1)
    (found,) = against(Baseline("b", values, share), [result])
    assert found.outcome is outcome
    assert found.fails is (outcome is Outcome.FAILED)
    assert found.name == "not worse: e"


def test_what_has_two_ends_is_not_compared_and_one_measure_is_compared_once() -> None:
    results = [
        judged(equals="90%"),
        judged(between=["1%", "99%"]),
        judged(at_least="1%"),
        judged(at_least="2%", name="again"),
        judged(at_most="99%", name="other way"),
    ]
    found = against(
        Baseline("b", {("delivered / accepted", ""): Fraction(9, 10)}, Fraction(0)), results
    )
    assert [result.name for result in found] == ["not worse: e", "not worse: other way"]
    assert {result.outcome for result in found} == {Outcome.PASSED}
