"""Chance: two forms that agree bit for bit, draws that are uniform and apart, true laws."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from simulator.core import carrier, chance, handset, person
from simulator.core.chance import (
    LAW_CAP_US,
    MASK,
    PHI,
    Law,
    Purpose,
    below_many,
    compile_law,
    constant,
    draw,
    draw64,
    draw64_many,
    key_bytes,
    key_of,
    ladder,
    lognormal,
    lognormal_through,
    message_key,
    rung,
    stream_of,
    threshold,
    uniform,
)

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=200)
bits64 = st.integers(0, MASK)
edges64 = bits64 | st.builds(
    lambda cell, off: (cell * 2**54 + off) & MASK, st.integers(0, 1024), st.integers(-3, 3)
)
names = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
KEYS = np.array([key_of("person", i) for i in range(65_536)], dtype=np.uint64)
IN_A_ROW = np.arange(65_536, dtype=np.uint64)  # the worst keys: they differ in a few low bits

LAWS = {
    "uniform": uniform(200_000, 1_500_000),
    "constant": constant(7),
    "steep": lognormal(7.253, 2.557),
    "flat": lognormal(0.805, 0.489),
    "whole range": uniform(0, LAW_CAP_US),
    **{
        f"{module.__name__}.{name}": law
        for module in (carrier, handset, person)
        for name, law in vars(module).items()
        if isinstance(law, Law)
    },
}
each_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def chi_square_limit(degrees: int, odds: float) -> float:
    """Value that chance exceeds once in `odds` trials (Wilson and Hilferty)."""
    z, part = NormalDist().inv_cdf(1 - 1 / odds), 2 / (9 * degrees)
    return degrees * (1 - part + z * math.sqrt(part)) ** 3


def chi_square(counts: np.ndarray) -> float:
    expected = counts.sum() / counts.size
    return float(((counts - expected) ** 2).sum() / expected)


# Two forms of one draw.


@repeatable
@given(bits64, st.lists(bits64, min_size=1, max_size=20), st.integers(0, 2**40))
@example(stream=MASK, keys=[0, MASK], nth=1)
def test_the_two_forms_of_a_draw_agree_bit_for_bit(stream: int, keys: list[int], nth: int) -> None:
    one_by_one = [draw64(stream, key_bytes(key), nth) for key in keys]
    assert draw64_many(stream, np.array(keys, dtype=np.uint64), nth).tolist() == one_by_one


def test_the_two_forms_agree_over_a_whole_population() -> None:
    stream = stream_of(1, Purpose.TRANSIT)
    one_by_one = [draw64(stream, key_bytes(int(key))) for key in KEYS[:20_000]]
    assert draw64_many(stream, KEYS[:20_000]).tolist() == one_by_one


@repeatable
@given(bits64, bits64)
def test_xxh3_of_eight_bytes_is_the_documented_closed_formula(key: int, seed: int) -> None:
    swapped = seed ^ int.from_bytes((seed & 0xFFFFFFFF).to_bytes(4, "little"), "big") << 32
    low, high = key & 0xFFFFFFFF, key >> 32
    secret = 0x1CAD21F72C81017C ^ 0xDB979083E96DD4DE
    x = (high | low << 32) ^ (secret - swapped & MASK)
    x ^= ((x << 49 | x >> 15) & MASK) ^ ((x << 24 | x >> 40) & MASK)
    x = x * 0x9FB21C651E98DF25 & MASK
    x ^= (x >> 35) + 8
    x = x * 0x9FB21C651E98DF25 & MASK
    assert x ^ x >> 28 == xxh3_64_intdigest(key_bytes(key), seed)


@each_law
def test_a_law_says_the_same_in_both_forms(law: Law) -> None:
    @repeatable
    @given(st.lists(edges64, min_size=1, max_size=50))
    @example([0, MASK, MASK - 1, 2**63, 1023 * 2**54, 1023 * 2**54 - 1])
    def agree(draws: list[int]) -> None:
        one_by_one = [law.at(bits) for bits in draws]
        assert law.at_many(np.array(draws, dtype=np.uint64)).tolist() == one_by_one

    agree()


def test_fates_do_not_move_between_releases() -> None:
    frozen = {
        Purpose.TRANSIT: 0x489283C76B979014,
        Purpose.GONE: 0x159C87944C4A274D,
        Purpose.REPLY_DELAY: 0x21CBD33A9A17EC2E,
    }
    drawn = {purpose: draw64(stream_of(2026, purpose), key_bytes(42)) for purpose in frozen}
    assert drawn == frozen, "every recorded seed would mean another world"
    assert message_key("shop", "+817000000000", 3, None) == 0x29B814BD4FDC0B44
    assert key_of(*person.REPLY_GENERAL.body, *person.REPLY_GENERAL.tail) == 0x3A7E6B81806D1C55


# Draws are uniform, and apart from each other.


@pytest.mark.parametrize("keys", [KEYS, IN_A_ROW], ids=["hashed keys", "keys in a row"])
@pytest.mark.parametrize("shift", [0, 8, 28, 48, 56])
def test_draws_are_uniform_in_every_byte_for_every_purpose(keys: np.ndarray, shift: int) -> None:
    limit = chi_square_limit(255, odds=1e6)
    for purpose in Purpose:
        drawn = draw64_many(stream_of(7, purpose), keys) >> np.uint64(shift) & np.uint64(255)
        counts = np.bincount(drawn.astype(np.int64), minlength=256)
        assert chi_square(counts) < limit, purpose


def independence(a: np.ndarray, b: np.ndarray) -> float:
    """Chi-square of a 16 x 16 table of the high bits of two draws, over all 256 cells."""
    cells = (a >> np.uint64(60)) * np.uint64(16) + (b >> np.uint64(60))
    return chi_square(np.bincount(cells.astype(np.int64), minlength=256))


@pytest.mark.parametrize("keys", [KEYS, IN_A_ROW], ids=["hashed keys", "keys in a row"])
def test_draws_for_two_purposes_are_independent(keys: np.ndarray) -> None:
    limit = chi_square_limit(255, odds=1e7)
    drawn = {purpose: draw64_many(stream_of(3, purpose), keys) for purpose in Purpose}
    for one, other in combinations(Purpose, 2):
        assert independence(drawn[one], drawn[other]) < limit, (one, other)


def test_repeats_of_one_decision_are_independent() -> None:
    stream = stream_of(3, Purpose.CONGESTION)
    drawn = [draw64_many(stream, KEYS, nth) for nth in range(8)]
    for one, other in combinations(range(8), 2):
        assert independence(drawn[one], drawn[other]) < chi_square_limit(255, odds=1e6)


def test_neighbouring_seeds_are_independent_worlds() -> None:
    drawn = [draw64_many(stream_of(seed, Purpose.NOTICED), KEYS) for seed in range(8)]
    for one, other in combinations(range(8), 2):
        assert independence(drawn[one], drawn[other]) < chi_square_limit(255, odds=1e6)


def test_the_check_of_independence_can_fail() -> None:
    drawn = draw64_many(1, KEYS)
    assert independence(drawn, drawn + np.uint64(2**59)) > chi_square_limit(255, odds=1e7)


def test_no_two_purposes_share_a_stream() -> None:
    streams = {stream_of(seed, purpose) for seed in range(50) for purpose in Purpose}
    assert len(streams) == 50 * len(Purpose)


# Keys.


@repeatable
@given(names, names, st.integers(0, 10**6), st.none() | st.text(max_size=20))
def test_a_message_key_is_the_key_of_its_parts(
    owner: str, recipient: str, k: int, body: str | None
) -> None:
    parts = (owner, recipient, k) if body is None else (owner, recipient, k, body)
    assert message_key(owner, recipient, k, body) == key_of(*parts)


def test_no_two_splits_of_a_text_share_a_key() -> None:
    text = "abcdef"
    splits = [(text[:i], text[i:]) for i in range(7)]
    assert len({key_of(*parts) for parts in [*splits, (text,)]}) == 8


def test_the_order_of_parts_matters() -> None:
    assert key_of("a", "b") != key_of("b", "a")


@repeatable
@given(bits64, bits64, st.sampled_from(Purpose), st.integers(0, 100))
def test_a_draw_lies_in_the_half_open_unit_interval(
    seed: int, key: int, purpose: Purpose, nth: int
) -> None:
    bits = draw64(stream_of(seed, purpose), key_bytes(key), nth)
    assert draw(seed, key, purpose, nth) == (bits >> 11) / 2**53
    assert 0.0 <= draw(seed, key, purpose, nth) < 1.0


def test_repeats_walk_the_stream_by_the_golden_ratio() -> None:
    stream, key = stream_of(1, Purpose.TRANSIT), key_bytes(5)
    assert draw64(stream, key, 3) == draw64((stream + 3 * PHI) & MASK, key)


# Thresholds and ladders.


def test_a_probability_of_zero_never_comes_true_and_one_always_does() -> None:
    assert threshold(0.0) == 0
    assert threshold(1.0) == 2**64
    assert not below_many(KEYS, threshold(0.0)).any()
    assert below_many(KEYS, threshold(1.0)).all()


@pytest.mark.parametrize("wrong", [-0.1, 1.0000001, math.nan, math.inf])
def test_a_probability_outside_the_unit_interval_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        threshold(wrong)


@repeatable
@given(st.floats(0, 1), st.floats(0, 1), bits64)
def test_raising_a_rate_only_adds_those_between_the_two_quantiles(
    p: float, q: float, bits: int
) -> None:
    low, high = sorted((threshold(p), threshold(q)))
    assert (bits < high) == ((bits < low) or (low <= bits < high))
    assert (threshold(p) <= threshold(q)) if p <= q else (threshold(p) >= threshold(q))


@pytest.mark.parametrize("p", [0.001, 0.0105, 0.25, 0.5, 0.983, 0.999])
def test_a_threshold_keeps_its_share(p: float) -> None:
    share = below_many(draw64_many(stream_of(9, Purpose.GONE), KEYS), threshold(p)).mean()
    assert abs(share - p) < 4 * math.sqrt(p * (1 - p) / len(KEYS))


@repeatable
@given(edges64, st.floats(0, 1))
def test_below_means_the_same_one_by_one_and_for_many(bits: int, p: float) -> None:
    many = below_many(np.array([bits], dtype=np.uint64), threshold(p))
    assert many.tolist() == [bits < threshold(p)]


@repeatable
@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=8), bits64)
def test_every_draw_finds_its_rung(shares: list[float], bits: int) -> None:
    limits = ladder(shares)
    assert limits[-1] == 2**64
    assert list(limits) == sorted(limits)
    index = rung(limits, bits)
    assert bits < limits[index]
    assert index == 0 or bits >= limits[index - 1]


def test_a_ladder_keeps_the_shares_whatever_their_scale() -> None:
    percent, limits = [39.9, 31.2, 24.7, 4.1], ladder([39.9, 31.2, 24.7, 4.1])
    assert limits == pytest.approx(ladder([p * 10 for p in percent]), rel=1e-12)
    sizes = [b - a for a, b in zip((0, *limits), limits, strict=False)]
    assert [size / 2**64 for size in sizes] == pytest.approx([p / 99.9 for p in percent])


def test_a_share_of_nothing_is_never_drawn() -> None:
    assert {rung(ladder([1, 0, 1]), int(bits)) for bits in draw64_many(1, KEYS)} == {0, 2}


# Laws.


@each_law
def test_the_tables_of_a_law_never_decrease(law: Law) -> None:
    assert list(law.body) == sorted(law.body)
    assert list(law.tail) == sorted(law.tail)
    assert (len(law.body), len(law.tail)) == (1025, 1025)
    assert law.body[1023] == law.tail[0]
    assert law.body[1024] == law.tail[1024]
    assert 0 <= law.body[0] <= law.tail[-1] <= LAW_CAP_US


@each_law
def test_a_law_never_decreases_and_stays_in_its_table(law: Law) -> None:
    drawn = np.sort(np.concatenate([draw64_many(1, KEYS), IN_A_ROW, ~IN_A_ROW]))
    values = law.at_many(drawn)
    assert (np.diff(values) >= 0).all()
    assert values[0] >= law.body[0]
    assert values[-1] <= law.tail[-1]


@repeatable
@given(st.floats(-5, 15), st.floats(0.01, 5), bits64, bits64)
def test_any_lognormal_law_is_a_law(mu: float, sigma: float, one: int, other: int) -> None:
    law = lognormal(mu, sigma)
    low, high = sorted((one, other))
    assert 0 <= law.at(low) <= law.at(high) <= LAW_CAP_US


@pytest.mark.parametrize(
    ("first", "second"),
    [((0.5, 180), (0.9, 1800)), ((0.5, 5400), (0.9, 21_600)), ((0.1, 2), (0.99, 3000))],
)
def test_a_lognormal_law_goes_through_its_two_points(
    first: tuple[float, float], second: tuple[float, float]
) -> None:
    law = lognormal_through(*first, *second)
    for p, seconds in (first, second):
        assert law.at(int(p * 2**64)) == pytest.approx(seconds * 1e6, rel=2e-3)


@pytest.mark.parametrize("p", [0.01, 0.25, 0.5, 0.9, 0.999, 0.9999, 0.99999])
def test_a_compiled_law_is_its_quantile_function_far_into_the_tail(p: float) -> None:
    exact = math.exp(NormalDist(7.253, 1.2).inv_cdf(p)) * 1e6
    assert lognormal(7.253, 1.2).at(int(p * 2**64)) == pytest.approx(exact, rel=5e-3)


def test_what_is_drawn_from_a_law_has_its_distribution() -> None:
    law, drawn = lognormal(7.253, 2.557), draw64_many(stream_of(1, Purpose.REPLY_DELAY), KEYS)
    within = float((law.at_many(drawn) <= 900_000_000).mean())
    assert abs(within - 0.43) < 0.006


def test_a_uniform_law_stays_between_its_ends_and_a_constant_one_stands_still() -> None:
    drawn = draw64_many(1, KEYS)
    spread = uniform(10, 20_000_000).at_many(drawn)
    assert (spread.min(), spread.max()) >= (10, 19_990_000)
    assert spread.max() <= 20_000_000
    assert abs(spread.mean() - 10_000_005) < 100_000
    assert set(constant(5).at_many(drawn).tolist()) == {5}


def test_a_law_is_capped_at_ninety_days() -> None:
    assert lognormal(20, 5).at(MASK) == LAW_CAP_US == 90 * chance.DAY_US


def test_the_tables_keep_six_digits_so_that_the_machines_agree() -> None:
    law = compile_law("thirds", lambda p: 10**12 / 3 + p)
    assert set(law.body) == {333_333_000_000}
