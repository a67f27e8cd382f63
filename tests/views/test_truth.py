"""The counts on three levels, against a recount of the log."""

from __future__ import annotations

from collections import Counter

from simulator.core import events as ev
from simulator.core.cause import Cause
from simulator.core.command import Inject, Refusal
from simulator.core.message import FINAL, Reason, State
from tests.shuffles import answer, live
from tests.worlds import (
    BUSY,
    EVERY_STATE,
    LONG_US,
    START_US,
    URL,
    account,
    advance,
    campaign,
    facts,
    habits,
    phone,
    run,
    sms,
    world,
)


def test_each_counter_is_the_number_of_its_facts() -> None:
    here = live("recipient", 0)
    tally, logged = here.truth.tally("shop"), facts(here)
    counted = Counter(type(fact) for fact in logged)
    assert tally.accepted == counted[ev.Accepted]
    assert tally.segments == sum(f.segments for f in logged if isinstance(f, ev.Accepted))
    assert tally.attempts_failed == counted[ev.Attempted]
    assert tally.fated(State.DELIVERED) == counted[ev.Delivered]
    assert tally.fated(State.UNDELIVERED) == counted[ev.Undelivered]
    assert tally.fated(State.EXPIRED) == counted[ev.Expired]
    assert tally.known == Counter(f.state for f in logged if isinstance(f, ev.Receipted))
    assert tally.told == Counter(f.state for f in logged if isinstance(f, ev.Told))
    assert (tally.noticed, tally.opened) == (counted[ev.Noticed], counted[ev.Opened])
    assert tally.clicked == counted[ev.Clicked]
    assert (tally.replied, tally.inbound) == (counted[ev.Replied], counted[ev.Received])
    assert tally.stopped == sum(f.stops for f in logged if isinstance(f, ev.Replied)) > 0
    assert tally.opted_out == counted[ev.OptedOut]
    assert tally.callbacks == counted[ev.CallbackTried]
    assert tally.callbacks_abandoned == counted[ev.CallbackAbandoned]
    assert here.truth.refused.total() == counted[ev.Rejected] > 0


def test_the_three_levels_follow_each_other() -> None:
    here = world(habits=habits())
    asked = {"notify": 1 << State.DELIVERED, "callback_url": URL}
    list(campaign(here, 3, 3, gap_us=0, **asked))
    tally = here.truth.tally("shop")

    def levels() -> tuple[int, int, int]:
        state = State.DELIVERED
        return tally.fated(state), tally.known[state], tally.told[state]

    seen = [levels()]
    while (due_us := here.gateway.next_due()) is not None:
        run(here, due_us)
        seen.append(levels())
    advance(here)
    seen.append(levels())
    assert seen[0] == (0, 0, 0)
    assert seen[-2:] == [(3, 3, 0), (3, 3, 3)]
    assert all(fate >= known >= told for fate, known, told in seen)
    assert any(fate > known for fate, known, _ in seen)


def test_fates_are_told_apart_by_cause_and_carrier() -> None:
    here = world(habits=habits(gone=0.5))
    list(campaign(here, 200, 200))
    run(here, START_US + LONG_US)
    fate = here.truth.tally("shop").fate
    assert {(state, cause) for state, cause, _ in fate} == {
        (State.DELIVERED, Cause.NONE),
        (State.UNDELIVERED, Cause.NOT_IN_USE),
    }
    assert {carrier for _, _, carrier in fate} <= {1, 2, 3, 4}
    assert sum(fate.values()) == 200
    assert sum(here.truth.tally("shop").fated(state) for state in FINAL) == 200


def test_refusals_are_counted_by_account_and_reason() -> None:
    here = world(account("a", quota=0), account("b"))
    here.gateway.submit(sms(account="a"), START_US)
    for _ in range(2):
        here.gateway.submit(Refusal("b", "+8150", Reason.NOT_MOBILE), START_US)
    assert here.truth.refused == {("a", Reason.OVER_QUOTA): 1, ("b", Reason.NOT_MOBILE): 2}


def test_accounts_are_counted_apart() -> None:
    here = world(account("a"), account("b", inbound_url=URL))
    list(campaign(here, 5, 5, account="a", notify=EVERY_STATE, callback_url=URL))
    here.gateway.submit(Inject("b", phone(0), "12345", "STOP"), START_US)
    advance(here, answer=lambda _call: BUSY)
    a, b = here.truth.tally("a"), here.truth.tally("b")
    assert (a.accepted, b.accepted, a.inbound, b.inbound) == (5, 0, 0, 1)
    assert (a.opted_out, b.opted_out) == (0, 1)
    assert b.callbacks == b.callbacks_abandoned == 1


def test_retention_prunes_no_counter() -> None:
    digests = set()
    for retention in (1, 50, 10_000):
        here = world(seed=4, retention=retention)
        list(campaign(here, 500, 100, can_reply=True, notify=EVERY_STATE, callback_url=URL))
        advance(here, answer=answer)
        tally = here.truth.tally("shop")
        assert sum(tally.fated(state) for state in FINAL) == tally.accepted == 500
        assert here.store.pruned == max(0, 500 + tally.inbound - retention)
        digests.add(here.log.digest())
    assert len(digests) == 1
