"""Confidence: only what chance cannot explain fails; and a thousand seeds that show it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from simulator.core.chance import (
    Purpose,
    below_many,
    draw64_many,
    person_key,
    stream_of,
    threshold,
)
from simulator.engine.world import Options, World
from simulator.scenario_expect import Expectation
from simulator.verify.expect import Outcome, Result, evaluate
from simulator.verify.expect_counts import Counts
from tests.worlds import LONG_US, START_US, account, advance, habits, phone, sms

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.verify.expect import Metric

SEEDS, PEOPLE = 1000, 200
ENOUGH = {"that": "delivered / accepted", "at_least": "95%", "confidence": "99%"}


def judged(delivered: int, accepted: int, **fields: Any) -> Result:
    expectation = Expectation.model_validate({"name": "e", **ENOUGH, **fields})
    metrics: dict[str, Metric] = {"delivered": delivered, "accepted": accepted}
    (result,) = evaluate([expectation], metrics)
    return result


@pytest.mark.parametrize(
    ("delivered", "holds"), [(200, True), (182, True), (181, False), (0, False)]
)
def test_only_what_chance_cannot_explain_fails(delivered: int, holds: bool) -> None:
    outcome = Outcome.PASSED if holds else Outcome.FAILED
    assert judged(delivered, 200).outcome is outcome


def test_the_interval_and_what_would_be_caught_are_told() -> None:
    result = judged(187, 200)
    sure = result.confidence
    assert sure is not None
    assert (sure.level, sure.sample, sure.above) == (0.99, 200, None)
    assert (sure.low, sure.high) == pytest.approx((0.8837, 0.9685), abs=2e-3)
    assert result.value == Fraction(187, 200)
    assert result.words == (
        "e: expected at least 95% with 99% confidence; 93.50% (delivered / accepted), holds: "
        f"200 messages say {sure.low:.2%} to {sure.high:.2%}, and would catch 6.14 points too "
        "little (80% power)"
    )


def test_without_confidence_the_same_number_fails() -> None:
    assert judged(187, 200, confidence=None).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("limit", "sample", "can_fail"),
    [
        ({"at_least": "95%"}, 1, False),  # 5% of chance even at nought
        ({"at_least": "95%"}, 2, True),
        ({"at_least": "0"}, 1000, False),
        ({"at_least": "100%"}, 1, True),
        ({"at_least": None, "at_most": "50%"}, 6, False),
        ({"at_least": None, "at_most": "50%"}, 7, True),
        ({"at_least": None, "at_most": "0"}, 1, True),
        ({"at_least": None, "at_most": "100%"}, 1000, False),
        ({"at_least": None, "between": ["0", "50%"]}, 7, True),
    ],
)
def test_a_sample_too_small_ever_to_fail_is_no_data(
    limit: dict[str, Any], sample: int, can_fail: bool
) -> None:
    ends = {judged(k, sample, **limit).outcome for k in (0, sample)}
    assert (Outcome.FAILED in ends) == can_fail
    if not can_fail:
        assert ends == {Outcome.NO_DATA}
        assert "too few to ever fail it" in judged(0, sample, **limit).words


def test_both_sides_of_equals_and_between_can_fail() -> None:
    for limit in ({"equals": "50%"}, {"between": ["45%", "55%"]}):
        ends = [judged(k, 200, at_least=None, **limit) for k in (50, 100, 150)]
        assert [r.outcome.value for r in ends] == ["failed", "passed", "failed"]
        assert "too little or" in ends[1].words


def gone_many(seed: int, keys: np.ndarray[Any, np.dtype[np.uint64]], share: float) -> int:
    """Count whose number is not in use: the core's own draw, for many at once."""
    return int(below_many(draw64_many(stream_of(seed, Purpose.GONE), keys), threshold(share)).sum())


def keys_of(people: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.array(
        [int.from_bytes(person_key(phone(i)), "little") for i in range(people)], np.uint64
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_thousand_seeds_below_are_the_lives_of_the_gateway(seed: int) -> None:
    people = habits(gone=0.15)
    world = World("w", Options(seed=seed, habits=people, also=lambda: (Counts(),)))
    world.configure(account(), START_US)
    for i in range(PEOPLE):
        world.gateway.submit(sms(phone(i)), START_US)
    advance(world, START_US + LONG_US)
    counts = world.also[0].values()  # type: ignore[attr-defined]
    assert counts["accepted"] == PEOPLE
    assert counts["delivered"] == PEOPLE - gone_many(seed, keys_of(PEOPLE), 0.15)


@pytest.mark.parametrize(
    ("true_share", "right"),
    [
        (0.95, lambda failed: failed <= 0.015),  # theory: 0.6%
        (0.85, lambda failed: failed >= 0.97),  # theory: 99.2%
    ],
)
def test_of_a_thousand_seeds_few_fail_at_the_limit_and_nearly_all_below_it(
    true_share: float, right: Callable[[float], bool]
) -> None:
    keys = keys_of(PEOPLE)
    delivered = [PEOPLE - gone_many(seed, keys, 1 - true_share) for seed in range(SEEDS)]
    failed = sum(judged(n, PEOPLE).outcome is Outcome.FAILED for n in delivered) / SEEDS
    assert right(failed)
    assert sum(delivered) / (SEEDS * PEOPLE) == pytest.approx(true_share, abs=0.003)
