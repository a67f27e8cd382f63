"""Public ids derive from the key and the epoch, and lead back without an index."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.core.chance import MASK
from simulator.core.ids import key_of_id, public_id

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)
keys = st.integers(0, MASK)
epochs = st.integers(0, 1000)


@repeatable
@given(keys, epochs)
@example(key=0, epoch=0)
@example(key=MASK, epoch=0)
def test_an_id_leads_back_to_its_key(key: int, epoch: int) -> None:
    text = public_id(key, epoch)
    assert len(text) == 32
    assert set(text) <= set("0123456789abcdef")
    assert key_of_id(text, epoch) == key
    assert key_of_id(text.upper(), epoch) == key


@repeatable
@given(keys, epochs, epochs)
def test_an_id_does_not_come_back_after_a_reset(key: int, before: int, after: int) -> None:
    found = key_of_id(public_id(key, before), after)
    assert found == (key if before == after else None)


@repeatable
@given(keys, st.integers(0, 31))
def test_one_wrong_digit_is_no_id(key: int, at: int) -> None:
    text = public_id(key, 0)
    other = "0" if text[at] != "0" else "1"
    assert key_of_id(text[:at] + other + text[at + 1 :], 0) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zz",
        "0" * 32,
        "0x" + "0" * 30,
        " " * 32,
        "\uff11" * 32,
        "\0" * 32,
        "a" * 31,
        "a" * 33,
        "-1",
    ],
)
def test_what_we_never_gave_out_is_nobodys_id(text: str) -> None:
    assert key_of_id(text, 0) is None


@repeatable
@given(st.text(max_size=40), epochs)
def test_any_text_may_be_asked(text: str, epoch: int) -> None:
    assert key_of_id(text, epoch) is None


def test_the_key_cannot_be_read_off_the_id() -> None:
    assert not public_id(0, 0).startswith("0000")
    assert public_id(1, 0)[:16] != f"{1:016x}"


def test_ids_stay_as_they_are_between_releases() -> None:
    assert public_id(42, 0) == "0c38f3ae6e23b346a19a30d8c8ed2e96"
