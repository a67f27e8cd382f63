"""Repeats of a webhook: the account's table, and what the address's fragment says instead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.account import Retry
from simulator.core.message import Call, Message, OutcomeKind, State
from simulator.core.webhook import next_attempt_us, retry_of

S = 1_000_000
URL = "http://sut.test/sms"
TABLE = Retry(
    delays_us=(S,),
    timeout_us=15 * S,
    on_status=False,
    on_timeout=False,
    connect_us=5 * S,
    total_us=15 * S,
    by_fragment=True,
)
ANSWERED, UNREACHABLE = OutcomeKind.ANSWERED, OutcomeKind.UNREACHABLE
repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)


def call(nth: int = 0, due_us: int = 0, began_us: int = 0) -> Call:
    message = Message(
        1, 1, "shop", "+81", "JP", "1", "Hello", 0, 1, "", URL, 0, 0, can_reply=True, carrier=1,
        accepted_us=1,
    )  # fmt: skip
    return Call(1, message, State.SENT, nth, due_us, began_us)


@pytest.mark.parametrize(
    ("fragment", "changes"),
    [
        ("", {}),
        ("x", {}),
        ("ct=100", {"connect_us": 100_000}),
        ("rt=2500", {"timeout_us": 2_500_000}),
        ("tt=15000", {"total_us": 15 * S}),
        ("rc=0", {"delays_us": ()}),
        ("rc=5", {"delays_us": (S,) * 5}),
        ("rp=4xx", {"on_status": True, "hundreds": (4,), "on_connect": False}),
        ("rp=5xx,ct", {"on_status": True, "hundreds": (5,)}),
        ("rp=rt", {"on_timeout": True, "on_connect": False}),
        ("rp=ALL", {"on_status": True, "on_timeout": True}),
        ("rp=4xx,all", {"on_status": True, "on_timeout": True}),
        ("ct=2000&rc=3&rp=all", {"connect_us": 2 * S, "delays_us": (S,) * 3, "on_status": True,
                                 "on_timeout": True}),
        ("e=tokyo&sni=y&rc=2", {"delays_us": (S,) * 2}),
    ],
)  # fmt: skip
def test_the_fragment_goes_before_the_table(fragment: str, changes: dict[str, Any]) -> None:
    expected = {name: getattr(TABLE, name) for name in TABLE.__struct_fields__} | changes
    assert retry_of(TABLE, f"{URL}#{fragment}") == Retry(**expected)


@pytest.mark.parametrize(
    "fragment",
    [
        *("ct=99", "ct=10001", "rt=15001", "tt=0", "rc=6", "rc=-1", "rc=1e1", "rc=", "rp="),
        *("rp=3xx", "rp=all,x", "ct=\uff12000", "rc=00001", "&" * 30 + "rc=3"),
    ],
)
def test_a_value_out_of_its_range_counts_as_not_written(fragment: str) -> None:
    assert retry_of(TABLE, f"{URL}#{fragment}") == TABLE


def test_where_fragments_mean_nothing_they_change_nothing() -> None:
    assert retry_of(Retry(), f"{URL}#rc=5&rp=all") == Retry()


@repeatable
@given(st.text(max_size=60))
def test_any_fragment_can_be_read(fragment: str) -> None:
    retry = retry_of(TABLE, f"{URL}#{fragment}")
    assert len(retry.delays_us) <= 5
    assert 0 < retry.connect_us <= 10 * S
    assert 0 < retry.timeout_us <= 15 * S


@pytest.mark.parametrize(
    ("policy", "repeated"),
    [
        ("ct", {"unreachable"}),
        ("rt", {"timed out"}),
        ("4xx", {404}),
        ("5xx", {503}),
        ("4xx,rt", {404, "timed out"}),
        ("all", {302, 404, 503, "unreachable", "timed out"}),
    ],
)
def test_only_what_the_policy_names_is_repeated(policy: str, repeated: set[object]) -> None:
    retry = retry_of(TABLE, f"{URL}#rp={policy}&rt=1000")
    ends: dict[object, tuple[OutcomeKind, int]] = {
        302: (ANSWERED, 302),
        404: (ANSWERED, 404),
        503: (ANSWERED, 503),
        "unreachable": (UNREACHABLE, 0),
        "timed out": (OutcomeKind.TIMED_OUT, 0),
        "forbidden": (OutcomeKind.FORBIDDEN, 0),
        "dropped": (OutcomeKind.DROPPED, 0),
    }
    again = {name for name, end in ends.items() if next_attempt_us(retry, call(), *end)}
    assert again == repeated


def test_an_attempt_that_times_out_takes_its_own_timeout() -> None:
    retry = retry_of(TABLE, f"{URL}#rp=all&rt=2000")
    assert next_attempt_us(retry, call(due_us=10), OutcomeKind.TIMED_OUT, 0) == 10 + 1 + 3 * S
    assert next_attempt_us(retry, call(due_us=10), ANSWERED, 500) == 10 + 1 + S


def test_all_attempts_together_have_an_end() -> None:
    retry = retry_of(TABLE, f"{URL}#rp=all&rc=5&tt=2500")
    assert next_attempt_us(retry, call(1, 10 + S + 1, 10), ANSWERED, 500) == 10 + 2 * S + 2
    assert next_attempt_us(retry, call(2, 10 + 2 * S + 2, 10), ANSWERED, 500) is None
