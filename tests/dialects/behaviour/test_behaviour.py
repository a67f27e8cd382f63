"""One suite, all dialects: what every customer of every provider meets, over sockets."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from simulator.core.message import State
from simulator.dialects import DIALECTS
from tests.dialects.behaviour.adapters import (
    ADAPTERS,
    CANCELED,
    DELIVERED,
    FAILED,
    ON_ITS_WAY,
    Adapter,
)
from tests.dialects.behaviour.stage import stage
from tests.worlds import DAY_US, HOUR_US

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_US = 6 * DAY_US
LONG_TEXT = "ご予約" * 45  # 135 UTF-16 units: three parts of 67
each = pytest.mark.parametrize("name", DIALECTS)


@contextmanager
def customer(name: str, wish: str = "", **rates: float) -> Iterator[Adapter]:
    """Open a stage with one customer; skip what the real provider has no such thing for."""
    made = ADAPTERS[name]
    if wish in made.cannot:
        pytest.skip(made.cannot[wish])
    with stage(**rates) as opened:
        yield made(opened)


def test_every_dialect_has_an_adapter() -> None:
    assert ADAPTERS.keys() == DIALECTS.keys()


@each
def test_a_message_is_accepted_and_arrives(name: str) -> None:
    with customer(name) as it:
        sent = it.send(it.person())
        assert sent.name
        assert it.status(sent.name) == ON_ITS_WAY
        assert it.stage.accepted() == 1
        it.stage.advance(HOUR_US)
        assert it.status(sent.name) == DELIVERED


@each
def test_what_is_no_number_is_refused_in_the_providers_words_and_costs_nothing(name: str) -> None:
    with customer(name) as it:
        it.send(it.person())
        assert it.send(it.invalid).refusal == it.invalid_code
        it.stage.advance(HOUR_US)
        assert (it.stage.accepted(), it.stage.refused()) == (1, 1)
        assert it.stage.invoice()["units"] == 1


@each
def test_a_long_text_is_one_message_of_several_units(name: str) -> None:
    with customer(name) as it:
        sent = it.send(it.person(), LONG_TEXT)
        it.stage.advance(HOUR_US)
        assert it.stage.accepted() == 1
        assert it.units(sent.name) == it.stage.invoice()["units"] == 3


@each
def test_a_receipt_comes_by_callback_and_says_what_the_status_says(name: str) -> None:
    with customer(name) as it:
        sent = it.send(it.person())
        it.stage.advance(HOUR_US)
        told = [receipt for receipt in it.receipts() if receipt.status != ON_ITS_WAY]
        assert [(receipt.name, receipt.status) for receipt in told] == [(sent.name, DELIVERED)]
        assert len({receipt.mark for receipt in it.receipts()}) == len(it.receipts())
        assert it.stage.only_finished().told is State.DELIVERED


@each
def test_until_a_late_receipt_comes_nobody_is_told_of_the_end(name: str) -> None:
    with customer(name, gone=1.0) as it:
        sent = it.send(it.person())
        it.stage.advance_to_fate()
        assert it.status(sent.name) == ON_ITS_WAY
        assert {receipt.status for receipt in it.receipts()} <= {ON_ITS_WAY}
        it.stage.advance(HOUR_US)
        assert it.status(sent.name) == FAILED
        assert it.receipts()[-1].status == FAILED
        assert it.stage.only_finished().known_us > it.stage.only_finished().fate_us


@each
def test_a_callback_that_nobody_answered_comes_again_and_can_be_told_by_its_mark(
    name: str,
) -> None:
    with customer(name) as it:
        sent = it.send(it.person())
        it.stage.receiver.mute = 1
        it.stage.advance(HOUR_US)
        first, *rest = it.receipts()
        assert rest.count(first) == 1
        assert len({receipt.mark for receipt in rest}) == len(rest)
        assert it.status(sent.name) == DELIVERED
        assert it.stage.invoice()["units"] == 1


@each
def test_what_waits_for_its_instant_can_be_taken_back_once_and_costs_nothing(name: str) -> None:
    with customer(name, "cancel") as it:
        sent = it.send(it.person(), later=True)
        assert it.cancel(sent.name)
        assert not it.cancel(sent.name)
        it.stage.advance(LONG_US)
        assert it.status(sent.name) == CANCELED
        assert it.stage.invoice()["units"] == 0
        assert it.stage.only_finished().fate is State.CANCELED


@each
def test_whoever_says_stop_gets_nothing_more_until_they_say_start(name: str) -> None:
    with customer(name) as it:
        person = it.person()
        it.send(person)
        it.stage.says(it.account, person, it.sender, "STOP")
        assert it.send(person).refusal == it.opted_out_code
        assert it.send(it.person()).name
        it.stage.says(it.account, person, it.sender, "START")
        assert it.send(person).name


@each
@pytest.mark.parametrize(("gone", "ends"), [(0.0, DELIVERED), (1.0, FAILED)])
def test_the_invoice_says_who_pays_for_what_did_not_arrive(
    name: str, gone: float, ends: str
) -> None:
    with customer(name, gone=gone) as it:
        names = [it.send(it.person(), LONG_TEXT).name for _ in range(3)]
        it.stage.advance(LONG_US)
        assert {it.status(each_name) for each_name in names} == {ends}
        invoice = it.stage.invoice()
        pays = ends == DELIVERED or it.bills_undelivered
        assert (invoice["units"], invoice["excluded_units"]) == ((9, 0) if pays else (0, 9))
        assert invoice["pending_units"] == 0
