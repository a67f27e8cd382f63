"""Columns hold what was put in, and add up to the last unit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.verify.claim_rows import Claim, ClaimedState, ClaimRows
from simulator.verify.columns import BATCH, Texts, exact_sum, runs
from simulator.verify.facts import Facts
from tests.verify.honest_books import Books, honest_books, repeatable

WIDE = st.integers(-(2**63), 2**63 - 1)


@repeatable
@given(st.lists(st.text(max_size=40)))
def test_a_column_of_texts_gives_back_each_text(texts: list[str]) -> None:
    column = Texts.of(texts)
    assert list(column) == texts == column
    assert column.there.tolist() == [bool(text) for text in texts]


@repeatable
@given(st.lists(st.sampled_from(["", "a", "b", "ab", "日本"]), min_size=1))
def test_the_same_texts_are_found_by_their_hashes(texts: list[str]) -> None:
    column, places = Texts.of(texts), np.arange(len(texts))
    for shift in range(len(texts)):
        rolled = np.roll(places, shift)
        same = column.same(places, column, rolled).tolist()
        assert same == [texts[i] == texts[j] for i, j in zip(places, rolled, strict=True)]


def test_texts_beyond_one_batch_are_one_column() -> None:
    texts = [str(n) for n in range(BATCH + 3)]
    column = Texts.of(texts)
    assert (len(column), column[BATCH + 2], column[-1], column[:2]) == (
        *(BATCH + 3, str(BATCH + 2), str(BATCH + 2)),
        ("0", "1"),
    )


@repeatable
@given(st.lists(WIDE))
def test_a_sum_is_exact_beyond_64_bits(numbers: list[int]) -> None:
    assert exact_sum(np.array(numbers, np.int64)) == sum(numbers)


@repeatable
@given(st.lists(st.integers(0, 3)))
def test_runs_tell_where_equal_values_begin(numbers: list[int]) -> None:
    numbers.sort()
    starts, lengths = runs(np.array(numbers, np.int64))
    found = [numbers[s] for s, n in zip(starts, lengths, strict=True) for _ in range(n)]
    assert found == numbers
    assert len(starts) == len(set(numbers))


@repeatable
@given(honest_books())
def test_facts_and_claims_come_back_from_their_columns_as_they_were(honest: Books) -> None:
    assert tuple(Facts.of(honest.facts)) == honest.facts
    assert tuple(ClaimRows.of(honest.claims.rows)) == tuple(honest.claims.rows)


def test_a_claim_keeps_what_it_does_not_say() -> None:
    claims = [
        Claim("a", "", "", None, 0, 0, None),
        Claim("", "b", "+81", ClaimedState.FAILED, 2**53 - 1, 10**18, True),
        Claim("", "c", "", ClaimedState.SENT, 0, 1, False),
    ]
    assert ClaimRows.of(claims) == claims
    assert ClaimRows.of([]) == []
