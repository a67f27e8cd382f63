"""The offer: what arrival n is does not depend on who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ProvesNothing, UsageError
from simulator.load import offer as o
from simulator.load.shape import US, Constant, Poisson, Ramp

if TYPE_CHECKING:
    from pathlib import Path


def offer(**changes: Any) -> o.Offer:
    made = o.Offer(run="r1", seed=5, url="http://127.0.0.1:1", shape=Constant(100, 2 * US))
    return msgspec.structs.replace(made, **changes)


def account(weight: float) -> o.Account:
    return o.Account(dialect="native", id=f"a{weight}", secret="s", weight=weight)


def test_the_warm_up_comes_before_and_is_counted_apart() -> None:
    times, warm = o.schedule(offer(warm_up_us=US))
    assert warm == 100
    assert times.size == 300
    assert (times[:warm] < 0).all()
    assert (times[warm:] >= 0).all()
    assert (np.diff(times) > 0).all()
    assert o.schedule(offer(warm_up_us=US, warm_up_rate=7.0)).warm == 7
    assert o.schedule(offer(shape=Ramp(10, 50, US), warm_up_us=US)).warm == 10


def test_a_warm_up_does_not_change_the_load() -> None:
    poisson = offer(shape=Poisson(50, 2 * US))
    times, warm = o.schedule(msgspec.structs.replace(poisson, warm_up_us=US))
    assert times[warm:].tolist() == o.schedule(poisson).times_us.tolist()


@given(st.lists(st.floats(0, 10), min_size=1, max_size=20), st.integers(1, 5))
def test_an_arrival_has_the_same_account_whoever_asks(weights: list[float], workers: int) -> None:
    made = offer(accounts=tuple(map(account, weights)))
    numbers = np.arange(200)
    if not sum(weights):
        with pytest.raises(UsageError, match="nobody sends"):
            o.accounts_of(made, numbers)
        return
    whole = o.accounts_of(made, numbers)
    for worker in range(workers):
        assert (o.accounts_of(made, numbers[worker::workers]) == whole[worker::workers]).all()
    assert all(weights[each] > 0 for each in whole)


def test_accounts_send_by_their_weights() -> None:
    made = offer(accounts=(account(1), account(0), account(3)))
    counts = np.bincount(o.accounts_of(made, np.arange(40_000)))
    assert counts[1] == 0
    assert counts[2] / 40_000 == pytest.approx(0.75, abs=0.01)


@given(st.integers(1, 50), st.integers(0, 120))
def test_nobody_has_a_second_message_before_all_have_one(people: int, n: int) -> None:
    turns = [o.turn(i, people) for i in range(n)]
    assert len(set(turns)) == n
    assert all(turns[i].k == sum(t.place == turns[i].place for t in turns[:i]) for i in range(n))


def test_an_offer_survives_its_file(tmp_path: Path) -> None:
    asks = o.SystemAsks(o.Ask("POST", "/c", '{"to": "$recipients"}'), 10, (o.Ask("GET", "/x"),))
    made = offer(accounts=(account(1),), system=asks, against="system")
    o.write(made, tmp_path / "offer.json")
    assert o.read(tmp_path / "offer.json") == made


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"in_flight": 0}, "`int` >= 1 - at `$.in_flight`"),
        ({"workers": 0}, "$.workers"),
        ({"timeout_s": 0.0}, "$.timeout_s"),
        ({"late_at_most": 1.5}, "$.late_at_most"),
        ({"warm_up_us": -1}, "$.warm_up_us"),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    o.write(offer(**changes), tmp_path / "offer.json")
    with pytest.raises(UsageError) as refused:
        o.read(tmp_path / "offer.json")
    assert says in str(refused.value)


@pytest.mark.parametrize("text", ["", "{}", '{"run": 1}', "[]", "\0"])
def test_what_is_no_offer_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "offer.json").write_text(text)
    for path in (tmp_path / "offer.json", tmp_path / "missing.json"):
        with pytest.raises(UsageError, match="not an offer") as refused:
            o.read(path)
        assert "\n" not in str(refused.value)


def test_recipients_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("﻿number,name\n090-1234-5678,A\n+819012345679,B\n", encoding="utf-8")
    assert o.read_people(path) == ("090-1234-5678", "+819012345679")
    path.write_text("name\nA\n")
    with pytest.raises(UsageError, match="column `number`"):
        o.read_people(path)
    path.write_text("number\n")
    with pytest.raises(ProvesNothing, match="lists no recipients"):
        o.read_people(path)
    with pytest.raises(UsageError, match="cannot be read"):
        o.read_people(tmp_path / "none.csv")
