"""The finder: two hundred models of a target, and every way in which a search ends."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.load.finder import Ask, End, Found, Plan, Step, find, following, knees
from tests.load.target import Target, limit_of, scripted

PLAN = Plan()


def test_two_hundred_noisy_targets_have_their_knee_found_within_ten_percent() -> None:
    seeds = range(200)
    off, counts = [], []
    for seed in seeds:
        target = Target(limit_of(seed), seed)
        found, steps = find(target, PLAN)
        off.append(abs((found.knee or 0) / target.limit - 1) if found.end is End.KNEE else 1)
        counts.append(len(steps))
    right = sum(each <= 0.10 for each in off)
    assert right >= 0.95 * len(seeds), (right, sorted(off)[-20:])
    assert median(counts) <= 18
    assert max(counts) <= PLAN.steps_max


def test_a_target_without_noise_is_found_within_what_was_asked_every_time() -> None:
    for seed in range(50):
        limit = limit_of(seed)
        found, _ = find(scripted(limit), PLAN)
        assert found.end is End.KNEE
        assert found.knee is not None
        assert found.fails_at is not None
        assert found.knee <= limit < found.fails_at
        assert found.fails_at / found.knee <= 1.06  # three digits of each


@given(
    knee=st.floats(0.5, 20_000),
    first=st.floats(1, 5_000),
    factor=st.floats(1.5, 8),
    within=st.floats(0.02, 0.5),
)
def test_a_search_ends_and_brackets_the_knee(
    knee: float, first: float, factor: float, within: float
) -> None:
    plan = Plan(first=first, factor=factor, within=within, steps_max=200)
    found, steps = find(scripted(knee), plan)
    assert found.end is not End.STEPS
    if found.end is End.KNEE:
        assert found.knee is not None
        assert found.fails_at is not None
        assert found.knee <= knee < found.fails_at
        assert sum(step.rate == found.knee and bool(step.met) for step in steps) >= 2
    else:
        assert (found.end is End.BEYOND) == (knee >= plan.most)
        assert (found.end is End.NEVER) == (knee < plan.least)
    assert all(plan.least <= step.rate <= plan.most for step in steps)


def test_one_bad_moment_on_the_way_up_changes_nothing() -> None:
    assert find(scripted(700, 0, 700), PLAN)[0] == find(scripted(700), PLAN)[0]


def test_two_bad_moments_at_one_rate_are_found_out_in_the_end() -> None:
    found, steps = find(scripted(700, 0, 0, 700), PLAN)
    assert [step.rate for step in steps[:3]] == [50, 100, 100]
    assert (found.knee, found.fails_at) == (673, 703)


def test_a_knee_that_was_met_by_luck_is_given_up_for_the_one_below() -> None:
    lucky = [Step(rate=rate, met=True) for rate in (50, 100, 200, 400)]
    lucky += [Step(rate=800, met=False)] * 2
    lucky += [Step(rate=566, met=True), Step(rate=673, met=True), Step(rate=734, met=False)]
    lucky += [Step(rate=734, met=False), Step(rate=703, met=True), Step(rate=718, met=False)]
    assert following(PLAN, lucky) == Ask(703, "once more at the knee", 0)
    lucky.append(Step(rate=703, met=False))
    wanted = following(PLAN, lucky)
    assert isinstance(wanted, Ask)
    assert (wanted.rate, wanted.why) == (703, "again: in doubt")
    lucky.append(Step(rate=703, met=False))
    wanted = following(PLAN, lucky)
    assert isinstance(wanted, Ask)
    assert wanted.rate == 673


def test_a_step_that_proves_nothing_is_repeated_and_is_no_failure() -> None:
    steps = [Step(rate=50, met=True), Step(rate=100, met=None, why="late")]
    wanted = following(PLAN, steps)
    assert isinstance(wanted, Ask)
    assert (wanted.rate, wanted.why) == (100, "again: it proved nothing")
    steps.append(Step(rate=100, met=True))
    wanted = following(PLAN, steps)
    assert isinstance(wanted, Ask)
    assert wanted.rate == 200


def test_a_rate_that_proves_nothing_again_and_again_ends_the_search_with_words() -> None:
    def measure(rate: float) -> Step:
        if rate > 150:
            return Step(rate=rate, met=None, why="12% of the arrivals were late")
        return Step(rate=rate, met=True)

    found, steps = find(measure, PLAN)
    assert found.end is End.BROKE
    assert (found.knee, found.fails_at) == (100, None)
    assert found.words == (
        "200/s proved nothing (3 times): 12% of the arrivals were late; 100/s is met"
    )
    assert [step.rate for step in steps] == [50, 100, 200, 200, 200]


@pytest.mark.parametrize(
    ("plan", "knee", "end", "words"),
    [
        (Plan(most=300), 1e9, End.BEYOND, "there is no knee up to 300/s: everything was met"),
        (
            Plan(least=20),
            1,
            End.NEVER,
            "not even 20/s is met, so it is not a matter of load: too much",
        ),
        (
            Plan(steps_max=6),
            300,
            End.STEPS,
            "6 steps were not enough: 283/s is met, 400/s is not",
        ),
        (Plan(), 700, End.KNEE, "the knee is at 673/s: 673/s is met, 703/s is not"),
    ],
)
def test_each_way_to_end_has_its_words(plan: Plan, knee: float, end: End, words: str) -> None:
    found, _ = find(scripted(knee), plan)
    assert (found.end, found.words) == (end, words)


@pytest.mark.parametrize(("wanted", "is_met"), [(690, True), (701, False)])
def test_a_rate_that_is_wanted_is_decided_even_where_the_bracket_is_narrow(
    wanted: float, is_met: bool
) -> None:
    found, _ = find(scripted(700), Plan(wanted=wanted))
    assert (found.knee, found.fails_at) == ((690, 703) if is_met else (673, 701))


def test_what_is_next_depends_on_the_steps_alone() -> None:
    _, steps = find(Target(700, 1), PLAN)
    again: list[Step] = []
    while isinstance(wanted := following(PLAN, again), Ask):
        assert wanted.rate == steps[len(again)].rate
        again.append(steps[len(again)])
    assert isinstance(wanted, Found)
    assert len(again) == len(steps)


def test_the_estimate_of_what_is_left_is_about_right() -> None:
    off = []
    for seed in range(50):
        _, steps = find(scripted(limit_of(seed)), PLAN)
        bracketed = next(n for n, step in enumerate(steps) if not step.met)
        wanted = following(PLAN, steps[: bracketed + 2])
        assert isinstance(wanted, Ask)
        off.append(len(steps) - bracketed - 3 - wanted.left)
    assert abs(median(off)) <= 1
    assert max(map(abs, off)) <= 4


def test_steps_in_the_order_of_their_rates_leave_out_what_proves_nothing() -> None:
    steps = [Step(rate=2, met=True), Step(rate=3, met=None), Step(rate=1, met=False)]
    assert [step.rate for step in knees(steps)] == [1, 2]
