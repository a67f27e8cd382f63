"""One exit code and one last line; nothing passes by accident."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.message import State
from simulator.errors import ExitCode, gravest
from simulator.scenario import Expectation
from simulator.verify.expect import Outcome, Result, evaluate
from simulator.verify.verdict import judge
from tests.verify.honest_books import YEN, books_of, with_row

if TYPE_CHECKING:
    from simulator.verify.reconcile import Reconciliation

HONEST = books_of((State.DELIVERED, 1), (State.UNDELIVERED, 1), (State.UNDELIVERED, 2))
CLEAN = HONEST.judged()
EMPTY = HONEST.judged(replace(HONEST.claims, rows=()))


def with_findings(count: int) -> Reconciliation:
    """Bill so many of the two undelivered messages."""
    claims = HONEST.claims
    for row in range(1, count + 1):
        claims = with_row(replace(HONEST, claims=claims), row, units=1, micros=15 * YEN)
    return HONEST.judged(claims)


def result(name: str = "rate", value: int | None = 1, **limit: Any) -> Result:
    tree = {"name": name, "that": "findings", **(limit or {"at_least": "1"})}
    (found,) = evaluate([Expectation.model_validate(tree)], {"findings": value})
    return found if limit else replace(found, that="delivered", upper=None)


HELD, BROKEN, BLIND = result(), result("reach", 0), result("seen", None)


@pytest.mark.parametrize(
    ("results", "reconciliation", "code", "words"),
    [
        ([HELD, HELD], CLEAN, 0, "PASS: 2 of 2 expectations hold, no findings"),
        ([HELD], CLEAN, 0, "PASS: 1 of 1 expectation holds, no findings"),
        ([HELD], None, 0, "PASS: 1 of 1 expectation holds, no claims to compare"),
        ([], CLEAN, 0, "PASS: no expectations, no findings"),
        ([HELD, BROKEN], CLEAN, 1, "FAIL: 1 of 2 expectations hold (not: reach), no findings"),
        ([BLIND], CLEAN, 1, "FAIL: 0 of 1 expectation holds (not: seen for want of data), no fi"),
        ([BROKEN] * 5, CLEAN, 1, "FAIL: 0 of 5 expectations hold (not: reach, reach, reach, 2 m"),
        (
            [HELD],
            with_findings(2),
            1,
            "FAIL: 1 of 1 expectation holds, 2 findings (2 billed though excluded), 30 JPY too muc",
        ),
        ([], with_findings(1), 1, "FAIL: no expectations, 1 finding (1 billed though excluded)"),
    ],
)
def test_the_last_line_says_which_code_and_why(
    results: list[Result], reconciliation: Reconciliation | None, code: int, words: str
) -> None:
    verdict = judge(results, reconciliation)
    assert verdict.exit_code == code
    assert verdict.words.startswith(words)


def test_claims_too_little_are_told_as_such() -> None:
    judged = HONEST.judged(with_row(HONEST, 0, units=0, micros=0))
    assert judge([], judged).words.endswith(", 15 JPY too little")


def test_a_run_that_judged_nothing_proves_nothing() -> None:
    verdict = judge([], None)
    assert verdict.exit_code == 3
    assert verdict.words == ("PROVES NOTHING: neither expectations nor claims: nothing was judged")


def test_empty_claims_prove_nothing_though_every_message_is_missing() -> None:
    verdict = judge([HELD], EMPTY)
    assert verdict.exit_code == 3
    assert verdict.words == (
        "PROVES NOTHING: the claims are empty, but the provider accepted 3 messages"
    )


def test_reasons_are_told_once_and_on_one_line() -> None:
    verdict = judge([HELD], CLEAN, ["nothing was sent", "nothing was sent", "a worker\nwas lost"])
    assert verdict.words == "PROVES NOTHING: nothing was sent; a worker was lost"


@pytest.mark.parametrize(
    ("limit", "count", "code"),
    [
        ({"at_most": "2"}, 2, 0),
        ({"at_most": "1"}, 2, 1),
        ({"at_most": "1"}, 1, 0),
        ({"equals": "1"}, 1, 0),
        ({"equals": "2"}, 1, 1),
        ({"between": ["1", "2"]}, 2, 0),
        ({"at_least": "0"}, 1, 1),
        ({"at_least": "1"}, 2, 1),
    ],
)
def test_findings_fail_a_run_unless_an_upper_end_lets_them_be(
    limit: dict[str, Any], count: int, code: int
) -> None:
    verdict = judge([result(value=count, **limit)], with_findings(count))
    assert verdict.exit_code == code


def test_the_stricter_of_two_allowances_holds() -> None:
    results = [result(value=2, at_most="5"), result(value=2, at_most="1")]
    verdict = judge(results, with_findings(2))
    assert (verdict.exit_code, verdict.allowed) == (1, False)


def test_allowed_findings_are_still_told() -> None:
    verdict = judge([result(value=1, at_most="1")], with_findings(1))
    assert verdict.words == (
        "PASS: 1 of 1 expectation holds, 1 finding (1 billed though excluded), "
        "15 JPY too much, as allowed"
    )


def test_an_allowance_counts_the_findings_themselves_and_not_the_metric() -> None:
    assert judge([result(value=0, at_most="1")], with_findings(2)).exit_code == 1


@pytest.mark.parametrize(
    ("interrupted", "invalid", "failing"), list(product([False, True], repeat=3))
)
def test_the_gravest_code_wins(interrupted: bool, invalid: bool, failing: bool) -> None:
    verdict = judge(
        [BROKEN if failing else HELD],
        CLEAN,
        ["nothing was sent"] if invalid else [],
        interrupted=interrupted,
    )
    causes = {130: interrupted, 3: invalid, 1: failing}
    assert verdict.exit_code is gravest(ExitCode(c) for c, there in causes.items() if there)


def test_an_interrupted_run_says_how_far_it_came() -> None:
    verdict = judge([HELD, BROKEN], CLEAN, interrupted=True)
    assert verdict.words == (
        "INTERRUPTED, so far: 1 of 2 expectations hold (not: reach), no findings"
    )


def test_a_verdict_names_what_failed() -> None:
    verdict = judge([HELD, BROKEN, BLIND], with_findings(1), ["a worker was lost"])
    assert [r.outcome for r in verdict.failed] == [Outcome.FAILED, Outcome.NO_DATA]
    assert (verdict.findings, verdict.allowed) == (1, False)
    assert verdict.invalid == ("a worker was lost",)


def test_a_long_or_broken_name_stays_on_the_line() -> None:
    name = "a\nb" + "c" * 100
    verdict = judge([replace(BROKEN, name=name, margin=Fraction(-1))], CLEAN)
    assert f"(not: a b{'c' * 57}...)" in verdict.words
