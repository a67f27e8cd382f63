"""What a rule holds: receipts of a carrier that is out, and callbacks, until they are released."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.core import events as ev
from simulator.core.command import Configure, Inject, Release, SetRules
from simulator.core.faults import Hold, Rule, Seam, When
from simulator.core.message import State
from tests.worlds import (
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    START_US,
    URL,
    account,
    advance,
    facts,
    habits,
    phone,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.engine.world import World

END_US = START_US + 20 * MINUTE_US
OPEN = Rule("out", Seam.RECEIPT, (Hold(),))


def outage(release_milli: int, **more: object) -> Rule:
    return Rule(
        "out", Seam.RECEIPT, (Hold(release_milli),), from_us=START_US, until_us=END_US, **more
    )


def campaign(*rules: Rule, n: int = 30, order: Sequence[int] | None = None) -> World:
    """Send `n` messages in the first half minute; nothing has been run yet."""
    here = world(habits=habits(), seed=3)
    here.gateway.submit(SetRules(rules), START_US)
    for i in order or range(n):
        send(here, sms(phone(i), notify=1 << State.DELIVERED, callback_url=URL))
    return here


def known(of: World) -> dict[int, int]:
    return {f.key: f.at_us for f in facts(of) if isinstance(f, ev.Receipted)}


def fired(of: World) -> list[int]:
    return [f.key for f in facts(of) if isinstance(f, ev.RuleFired)]


def test_nothing_is_known_during_an_outage_though_everything_arrives() -> None:
    here = campaign(outage(0))
    advance(here, END_US - 1)
    assert known(here) == {}
    assert sum(isinstance(f, ev.Delivered) for f in facts(here)) == 30


def test_the_backlog_comes_at_its_rate_in_the_order_in_which_it_began_to_wait() -> None:
    here = campaign(outage(500))
    advance(here)
    assert known(here) == {key: END_US + 2 * SECOND_US * n for n, key in enumerate(fired(here))}
    assert len(fired(here)) == 30
    assert not here.store.live


def test_without_a_rate_the_backlog_comes_all_at_once() -> None:
    here = campaign(outage(0))
    advance(here)
    assert set(known(here).values()) == {END_US}


def test_who_was_sent_to_first_does_not_change_the_order_of_release() -> None:
    here, turned = campaign(outage(500)), campaign(outage(500), order=range(29, -1, -1))
    advance(here)
    advance(turned)
    assert known(here) == known(turned)
    assert here.log.digest() == turned.log.digest()


def test_what_comes_after_the_outage_overtakes_the_backlog() -> None:
    here = campaign(outage(10))  # one in 100 seconds
    advance(here, END_US + SECOND_US)
    late = send(here, sms(phone(99)), END_US + SECOND_US)
    advance(here)
    assert known(here)[late.key] < max(known(here).values())
    assert late.key not in fired(here)


def test_an_outage_of_one_carrier_is_the_others_usual_day() -> None:
    usual = campaign()
    advance(usual)
    here = campaign(outage(0, when=When(carriers=("docomo",))))
    advance(here)
    held = set(fired(here))
    assert 0 < len(held) < 30
    assert {k: us for k, us in known(here).items() if k not in held} == {
        k: us for k, us in known(usual).items() if k not in held
    }


def test_a_hold_changes_no_fate() -> None:
    def fates(of: World) -> list[tuple[int, int]]:
        advance(of)
        return [(f.key, f.at_us) for f in facts(of) if isinstance(f, ev.Delivered)]

    assert fates(campaign(outage(500))) == fates(campaign())


# Without an end.


def test_without_an_end_it_waits_until_the_rule_is_taken_away() -> None:
    rule = Rule("out", Seam.RECEIPT, (Hold(2_000),))
    here = campaign(rule)
    advance(here)
    assert known(here) == {}
    assert len(here.store.live) == 30
    here.gateway.submit(SetRules(()), here.gateway.now_us)
    first_us = here.gateway.now_us + 1
    advance(here, first_us + HOUR_US)
    assert known(here) == {key: first_us + n * SECOND_US // 2 for n, key in enumerate(fired(here))}
    assert not here.store.live


def test_what_is_released_comes_at_its_times_and_the_rest_waits_on() -> None:
    here = campaign(OPEN)
    advance(here, END_US)
    here.gateway.submit(Release("out", (0, SECOND_US, SECOND_US, HOUR_US)), END_US)
    first_us = here.gateway.now_us + 1
    advance(here)
    expected = (first_us, first_us + SECOND_US, first_us + SECOND_US, first_us + HOUR_US)
    assert known(here) == dict(zip(fired(here), expected, strict=False))
    assert len(here.store.live) == 26


def test_more_times_than_there_are_receipts_are_no_harm() -> None:
    here = campaign(OPEN, n=2)
    advance(here, END_US)
    here.gateway.submit(Release("out", (0,) * 9), END_US)
    advance(here)
    assert len(known(here)) == 2


def test_a_rule_sent_again_unchanged_goes_on_holding() -> None:
    here = campaign(OPEN)
    advance(here)
    here.gateway.submit(SetRules((Rule("new", Seam.CALLBACK, (Hold(),)), OPEN)), END_US)
    advance(here)
    assert known(here) == {}


@pytest.mark.parametrize("until_us", [0, END_US])
def test_callbacks_are_held_too_and_made_at_the_instant_of_their_release(until_us: int) -> None:
    rule = Rule("shut", Seam.CALLBACK, (Hold(1_000),), until_us=until_us)
    here = campaign(rule, n=3)
    advance(here, END_US - 1)
    assert len(known(here)) == 3
    if not until_us:
        here.gateway.submit(SetRules(()), END_US - 1)
    advance(here)
    told = [f.at_us for f in facts(here) if isinstance(f, ev.Told)]
    assert told == [END_US + n * SECOND_US for n in range(3)]
    assert not here.store.live


def test_what_people_write_can_be_held() -> None:
    here = world(account(inbound_url=URL))
    rule = Rule("shut", Seam.CALLBACK, (Hold(),), When(states=(State.RECEIVED,)))
    here.gateway.submit(SetRules((rule,)), START_US)
    here.gateway.submit(Configure(account(inbound_url=URL)), START_US)
    here.gateway.submit(Inject("shop", phone(1), "12345", "Hello"), START_US)
    assert here.gateway.take_effects() == []
    here.gateway.submit(Release("shut", (HOUR_US,)), START_US)
    advance(here)
    (told,) = [f for f in facts(here) if isinstance(f, ev.Told)]
    assert told.at_us == START_US + HOUR_US + 1
