"""What expectations count: the same as the other views over everything, and filtered as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.core.carrier import CARRIERS
from simulator.core.chance import person_key
from simulator.core.command import Touch
from simulator.core.message import FINAL, Retry, State
from simulator.core.metric import METRIC, is_part
from simulator.core.people import Habits, Segment
from simulator.engine.world import Options, World
from simulator.verify.expect_counts import Chosen, Counts
from tests.worlds import (
    BUSY,
    DAY_US,
    EVERY_STATE,
    LONG_US,
    OK,
    START_US,
    URL,
    account,
    advance,
    habits,
    phone,
    sms,
)

if TYPE_CHECKING:
    from simulator.core.message import Call, Outcome

PEOPLE = 300


def lived(*names: str, segments: bool = False, until_us: int = LONG_US) -> tuple[World, Counts]:
    """Live a world of people to whom everything happens, each written to by every account."""
    rates = {"gone": 0.1, "refuses": 0.05, "absent": 0.2, "away": 0.2, "reply": 0.3, "stop": 0.1}
    people = habits(**rates, noticed=0.9, opened=0.8, click=0.3)
    if segments:
        parts = [Segment("warm", 0.3, {}), Segment("cold", 0.7, {"gone": 0.6})]
        people = {"JP": Habits("jp-direct", people["JP"].rates, parts)}
    options = Options(seed=7, habits=people)
    world = World("w", options)
    tells = world.gateway.people.persona

    def segment(country: str, number: str) -> str:
        return tells(country, person_key(number)).name

    also = (Counts(segment if segments else None),)
    world = World("w", Options(seed=7, habits=people, also=lambda: also))
    for name in names or ("shop",):
        world.configure(account(name), START_US)
        for i in range(PEOPLE):
            calls_back = {"callback_url": URL, "notify": EVERY_STATE}
            asked = sms(phone(i), "http://a.example", account=name, can_reply=True, **calls_back)
            world.gateway.submit(asked, START_US)
    advance(world, START_US + until_us)
    return world, also[0]


def test_over_everything_it_agrees_with_the_other_views() -> None:
    world, counts = lived()
    found, tally = counts.values(), world.truth.tallies["shop"]
    assert found["accepted"] == tally.accepted == PEOPLE
    assert all(found[state.name.lower()] == tally.fated(state) for state in FINAL)
    assert found["known_delivered"] == tally.known[State.DELIVERED]
    assert found["known_final"] == sum(tally.known.values())
    for name in ("noticed", "opened", "clicked", "replied", "stopped", "opted_out"):
        assert found[name] == getattr(tally, name) > 0
    assert found["in_flight"] == found["sending"] == found["sent"] == 0


def test_the_parts_sum_to_the_whole_by_carrier_segment_and_account() -> None:
    _, counts = lived("one", "two", segments=True)
    whole = counts.values()
    for parts in (
        [Chosen(accounts=frozenset({name})) for name in ("one", "two")],
        [Chosen(carriers=frozenset({index})) for index in CARRIERS],
        [Chosen(segments=frozenset({name})) for name in ("warm", "cold")],
    ):
        found = [counts.values(part) for part in parts]
        for name in ("accepted", "delivered", "undelivered", "expired", "finished", "replied"):
            assert sum(each[name] for each in found) == whole[name]
        assert sum(each["delivered"] > 0 for each in found) > 1
    cold, warm = (counts.values(Chosen(segments=frozenset({n}))) for n in ("cold", "warm"))
    assert cold["undelivered"] / cold["accepted"] > 0.5 > warm["undelivered"] / warm["accepted"]


@pytest.mark.parametrize("until_us", [0, 1_000_000, 60_000_000, DAY_US, LONG_US])
def test_a_part_is_never_more_than_what_it_is_a_part_of(until_us: int) -> None:
    _, counts = lived(until_us=until_us)
    found = counts.values()
    for name, metric in METRIC.items():
        if metric.part and name in found:
            assert found[name] <= found[metric.part], (name, metric.part)


def test_every_metric_of_messages_is_counted_here() -> None:
    counted = {name for name, metric in METRIC.items() if "carrier" in metric.filters}
    assert counted <= set(Counts().values())


def test_a_part_is_told_from_what_only_looks_like_one() -> None:
    assert is_part("opened", "accepted")
    assert is_part("delivered", "delivered")
    assert not is_part("accepted", "delivered")
    assert not is_part("told_delivered", "delivered")  # a false receipt tells what never was
    assert not is_part("total", "subtotal")


def settled(world: World, outcome: Outcome) -> list[Call]:
    calls = list(world.gateway.take_effects())
    for call in calls:
        world.gateway.settle(call, outcome)  # type: ignore[arg-type]
    return calls  # type: ignore[return-value]


def test_a_state_told_by_a_callback_and_by_a_read_is_one_message() -> None:
    counts = Counts()
    world = World("w", Options(habits=habits(), also=lambda: (counts,)))
    world.configure(account(), START_US)
    message = world.gateway.submit(
        sms(phone(0), callback_url=URL, notify=1 << State.DELIVERED), START_US
    )
    advance_quietly(world, START_US + DAY_US)
    assert message is not None
    world.gateway.submit(Touch((message.key,)), START_US + DAY_US)  # type: ignore[union-attr]
    settled(world, OK)
    assert world.truth.tallies["shop"].told[State.DELIVERED] == 2  # two facts
    assert counts.values()["told_delivered"] == counts.values()["told_final"] == 1


def test_a_callback_that_will_be_tried_again_is_pending_until_it_is_answered_or_given_up() -> None:
    for last, failed in ((OK, 0), (BUSY, 1)):
        counts = Counts()
        world = World("w", Options(habits=habits(), also=lambda: (counts,)))  # noqa: B023
        world.configure(account(retry=Retry((60_000_000,))), START_US)
        world.gateway.submit(sms(phone(0), callback_url=URL, notify=1 << State.DELIVERED), START_US)
        advance_quietly(world, START_US + DAY_US)
        settled(world, BUSY)
        assert counts.values()["callbacks_pending"] == 1
        advance_quietly(world, START_US + 2 * DAY_US)
        settled(world, last)
        found = counts.values()
        assert (found["callbacks_pending"], found["callbacks_failed"]) == (0, failed)


def advance_quietly(world: World, until_us: int) -> None:
    """Let time pass without answering callbacks."""
    world.gateway.run_due(until_us, 2**62)


def test_retention_prunes_no_counter() -> None:
    counts = Counts()
    world = World("w", Options(habits=habits(), retention=10, also=lambda: (counts,)))
    world.configure(account(), START_US)
    for i in range(100):
        world.gateway.submit(sms(phone(i)), START_US)
    advance(world, START_US + LONG_US)
    assert world.store.pruned == 90
    assert counts.values()["known_delivered"] == 100
    assert len(counts._known) == 10
