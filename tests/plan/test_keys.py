"""Keys in columns are the keys one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from simulator.core.chance import (
    Purpose,
    draw64,
    draw64_many,
    key_bytes,
    message_key,
    person_key,
    stream_of,
)
from simulator.core.handset import absence, absent_until
from simulator.core.number import japan_unassigned, us_fictional
from simulator.core.people import Habits, People, Segment
from simulator.plan.handset import absent_many
from simulator.plan.keys import fate_keys, high_of, keys_of, person_keys
from simulator.plan.people import crowd_of

WORDS = st.integers(0, 2**64 - 1)


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_texts_of_every_length_have_the_hash_of_the_library(texts: list[bytes]) -> None:
    assert keys_of(texts).tolist() == [xxh3_64_intdigest(text) for text in texts]


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1))
def test_the_upper_half_of_a_product_is_exact(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(column, dtype=np.uint64) for column in zip(*pairs, strict=True))
    assert high_of(a, b).tolist() == [x * y >> 64 for x, y in pairs]


@given(
    stream=WORDS,
    rows=st.lists(st.tuples(WORDS, st.integers(0, 100_000)), min_size=1, max_size=50),
)
def test_a_draw_may_have_a_repeat_count_for_each_key(
    stream: int, rows: list[tuple[int, int]]
) -> None:
    keys = np.array([key for key, _ in rows], dtype=np.uint64)
    nth = np.array([n for _, n in rows])
    expected = [draw64(stream, key_bytes(key), n) for key, n in rows]
    assert draw64_many(stream, keys, nth).tolist() == expected


def test_people_have_their_keys_carriers_and_segments() -> None:
    segments = (Segment("a", 0.2, {}), Segment("b", 0.0, {}), Segment("c", 0.8, {}))
    people = People(11, {"JP": Habits("jp-direct", {}, segments)})
    for country, number in (("JP", japan_unassigned), ("US", us_fictional), ("FR", us_fictional)):
        numbers = [number(i * 37) for i in range(1_000)]
        crowd = crowd_of(people, country, numbers)
        for row, to in enumerate(numbers):
            key8 = person_key(to)
            assert key_bytes(int(crowd.persons[row])) == key8
            assert crowd.carriers[crowd.carrier[row]] is people.carrier(to, country, key8)
            assert crowd.personas[crowd.persona[row]] is people.persona(country, key8)
    assert person_keys(numbers).tolist() == crowd.persons.tolist()
    keys = [message_key("lane", to, 12, "words") for to in numbers]
    assert fate_keys("lane", numbers, 12, "words").tolist() == keys


@given(
    daily=st.integers(0, 2**64),
    weekly=st.integers(0, 2**64),
    first_us=st.integers(0, 2**51),
    apart_us=st.integers(0, 2**42),
)
def test_handsets_are_absent_at_the_same_instants(
    daily: int, weekly: int, first_us: int, apart_us: int
) -> None:
    model = absence(9, daily, weekly)
    persons = draw64_many(stream_of(1, Purpose.NOISE), np.arange(40, dtype=np.uint64))
    at_us = first_us + np.arange(40) * apart_us
    rows = zip(persons.tolist(), at_us.tolist(), strict=True)
    expected = [absent_until(model, key_bytes(key), at) > 0 for key, at in rows]
    assert absent_many(model, persons, at_us).tolist() == expected
