"""The law: known parameters come back, within intervals that hold, and silence where none can."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.load.usl import Estimate, Law, Untold, fit, student

LOADS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)


def law(loads: object, one: float, sigma: float, kappa: float) -> np.ndarray:
    n = np.asarray(loads, float)
    more = np.maximum(n - 1, 0)
    return one * n / (1 + sigma * more + kappa * n * more)


def holds(estimate: Estimate | None, value: float) -> bool:
    assert estimate is not None
    low = -np.inf if estimate.low is None else estimate.low
    high = np.inf if estimate.high is None else estimate.high
    return bool(low <= value <= high)


@given(
    one=st.floats(0.1, 10_000),
    sigma=st.floats(0.001, 0.5),
    kappa=st.floats(0.0005, 0.05),
)
def test_without_noise_the_parameters_come_back_exactly(
    one: float, sigma: float, kappa: float
) -> None:
    found = fit(LOADS, law(LOADS, one, sigma, kappa))
    assert isinstance(found, Law)
    assert found.throughput_of_one.value == pytest.approx(one, rel=1e-6)
    assert found.contention.value == pytest.approx(sigma, rel=1e-5)
    assert found.coherency.value == pytest.approx(kappa, rel=1e-5)
    assert found.peak_load is not None
    assert found.peak_load.value == pytest.approx(np.sqrt((1 - sigma) / kappa), rel=1e-5)
    assert found.throughput(20) == pytest.approx(float(law(20, one, sigma, kappa)), rel=1e-5)


@pytest.mark.parametrize(
    ("one", "sigma", "kappa", "noise"),
    [(100, 0.05, 0.002, 0.02), (3, 0.2, 0.01, 0.05), (900, 0.01, 0.0005, 0.03)],
)
def test_intervals_at_95_percent_hold_the_truth_about_as_often(
    one: float, sigma: float, kappa: float, noise: float
) -> None:
    rounds = 300
    inside = np.zeros(5)
    told = 0
    at = np.sqrt((1 - sigma) / kappa)
    for seed in range(rounds):
        random = np.random.default_rng(seed)
        seen = law(LOADS, one, sigma, kappa) * (1 + noise * random.standard_normal(len(LOADS)))
        found = fit(LOADS, seen)
        assert isinstance(found, Law)
        inside[0] += holds(found.throughput_of_one, one)
        inside[1] += holds(found.contention, sigma)
        inside[2] += holds(found.coherency, kappa)
        if found.peak_load is not None:
            told += 1
            inside[3] += holds(found.peak_load, at)
            inside[4] += holds(found.peak_throughput, float(law(at, one, sigma, kappa)))
    assert told > 0.9 * rounds
    assert (inside[:3] / rounds > 0.91).all(), inside / rounds
    assert (inside[3:] / told > 0.91).all(), inside / told


def test_a_system_that_was_never_past_its_peak_has_none_that_can_be_told() -> None:
    random = np.random.default_rng(7)
    seen = law(LOADS, 50, 0, 0) * (1 + 0.02 * random.standard_normal(len(LOADS)))
    found = fit(LOADS, seen)
    assert isinstance(found, Law)
    assert (found.peak_load, found.peak_throughput) == (None, None)
    assert found.coherency.low == 0
    assert found.words == (
        (
            "throughput never turned down up to 64 under way, "
            "so the data cannot tell whether there is a peak, or where"
        ),
        "that they wait for each other cannot be told from chance",
    )


def test_a_peak_beyond_what_was_seen_is_called_a_forecast() -> None:
    loads = LOADS[:5]
    found = fit(loads, law(loads, 50, 0.02, 0.001))
    assert isinstance(found, Law)
    assert "that lies beyond the 12 that were seen: a forecast" in found.words


@pytest.mark.parametrize("loads", [(), (4,), (1, 2, 4, 8), (1, 2, 4, 8, 8, 4, 2, 1)])
def test_too_few_loads_are_no_fit(loads: tuple[int, ...]) -> None:
    found = fit(loads, law(loads, 10, 0.1, 0.01))
    assert isinstance(found, Untold)
    assert "three parameters" in found.words


def test_a_system_that_was_never_asked_for_two_at_once_tells_nothing_of_contention() -> None:
    loads = (0.1, 0.2, 0.4, 0.8, 1.2, 1.6)
    found = fit(loads, law(loads, 10, 0.1, 0.01))
    assert isinstance(found, Untold)
    assert "never got into each other's way" in found.words


def test_steps_in_which_nothing_was_done_are_left_out() -> None:
    done = [*law(LOADS, 10, 0.1, 0.01), 0.0]
    assert fit([*LOADS, 80], done) == fit(LOADS, done[:-1])


@given(seed=st.integers(0, 10_000), noise=st.floats(0.0, 2.0))
def test_no_data_however_odd_makes_it_say_less_than_nothing(seed: int, noise: float) -> None:
    random = np.random.default_rng(seed)
    loads = random.uniform(0.5, 100, 8)
    found = fit(loads, law(loads, 10, 0.1, 0.001) * random.lognormal(0, noise, 8))
    if isinstance(found, Law):
        for each in (found.throughput_of_one, found.contention, found.coherency):
            assert each.value >= 0
            assert holds(each, each.value) or each.value == 0 or noise > 0.2
        assert all(np.isfinite(found.throughput(load)) for load in loads)


@pytest.mark.parametrize(
    ("freedom", "confidence", "quantile"),
    [(1, 0.95, 12.706), (2, 0.95, 4.303), (3, 0.99, 5.841), (5, 0.95, 2.571), (30, 0.9, 1.697)],
)
def test_students_quantiles_are_those_of_the_printed_table(
    freedom: int, confidence: float, quantile: float
) -> None:
    assert student(freedom, confidence) == pytest.approx(quantile, abs=5e-4)
