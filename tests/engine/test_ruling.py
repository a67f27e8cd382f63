"""Which rule fires: by draws, never by order; counted; kept over resets, recordings, changes."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core import events as ev
from simulator.core.chance import key_bytes
from simulator.core.command import SetRules
from simulator.core.faults import (
    Asks,
    Corrupt,
    Delay,
    Duplicate,
    Hold,
    Lose,
    Reject,
    Reorder,
    Rule,
    Seam,
    Subject,
    When,
)
from simulator.core.trouble import Forgery
from simulator.engine.log import Recorded, encode_recorded, read_recording
from simulator.engine.replay import replay
from tests.shuffles import END_US, live, world_of
from tests.worlds import (
    DAY_US,
    EVERY_STATE,
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

    import pytest

    from simulator.core.faults import Verdict
    from simulator.core.message import State
    from simulator.engine.ruling import Ruling
    from simulator.engine.world import World

LOST = Rule("lost", Seam.RECEIPT, (Lose(),), chance=0.3)


def campaign(*rules: Rule, order: Sequence[int] = range(60), seed: int = 3) -> World:
    here = world(habits=habits(), seed=seed)
    here.gateway.submit(SetRules(rules), START_US)
    for i in order:
        send(here, sms(phone(i), notify=EVERY_STATE, callback_url=URL))
    advance(here)
    return here


def hit(of: World) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for fact in facts(of):
        if isinstance(fact, ev.RuleFired):
            found.setdefault(fact.rule, set()).add(fact.key)
    return found


# Whom it hits.


def test_a_chance_hits_about_so_many() -> None:
    assert 8 <= len(hit(campaign(LOST))["lost"]) <= 30
    assert hit(campaign(Rule("lost", Seam.RECEIPT, (Lose(),), chance=0.0))) == {}


def test_order_does_not_change_whom_it_hits() -> None:
    assert hit(campaign(LOST)) == hit(campaign(LOST, order=range(59, -1, -1)))


def test_another_seed_and_another_name_hit_others() -> None:
    base = hit(campaign(LOST))["lost"]
    named = hit(campaign(Rule("other", Seam.RECEIPT, (Lose(),), chance=0.3)))["other"]
    assert named != base
    assert hit(campaign(LOST, seed=4))["lost"] != base


def test_a_higher_chance_hits_the_same_and_more() -> None:
    more = Rule("lost", Seam.RECEIPT, (Lose(),), chance=0.6)
    assert hit(campaign(LOST))["lost"] < hit(campaign(more))["lost"]


def test_a_rule_changes_no_fate() -> None:
    def fates(of: World) -> list[tuple[int, State, int]]:
        kept = [of.store.get(key) for key in of.store.shelves["shop"].keys]
        return [(m.key, m.fate, m.fate_us) for m in kept if m is not None]

    assert fates(campaign()) == fates(campaign(LOST))


def test_the_first_that_does_not_pass_wins() -> None:
    late = Rule("late", Seam.RECEIPT, (Delay(HOUR_US, HOUR_US),))
    both = hit(campaign(LOST, late))
    assert both["lost"] == hit(campaign(LOST))["lost"]
    assert both["lost"] & both["late"] == set()
    assert len(both["lost"] | both["late"]) == 60
    assert set(hit(campaign(late, LOST))) == {"late"}


def test_at_most_so_many_in_the_order_of_the_agenda() -> None:
    few = Rule("few", Seam.RECEIPT, (Lose(),), at_most=5)
    assert len(hit(campaign(few))["few"]) == 5
    assert hit(campaign(few)) == hit(campaign(few, order=range(59, -1, -1)))


def test_a_window_of_time_is_open_at_its_end() -> None:
    here = campaign()
    instants = sorted(f.at_us for f in facts(here) if isinstance(f, ev.Receipted))
    start_us, end_us = instants[10], instants[40]
    rule = Rule("lost", Seam.RECEIPT, (Lose(),), from_us=start_us, until_us=end_us)
    fired = [f.at_us for f in facts(campaign(rule)) if isinstance(f, ev.RuleFired)]
    assert sorted(fired) == [us for us in instants if start_us <= us < end_us]


def test_a_callback_about_each_state_is_a_decision_of_its_own() -> None:
    here = campaign(Rule("lost", Seam.CALLBACK, (Lose(),), chance=0.5))
    fired: dict[int, int] = {}
    for fact in facts(here):
        if isinstance(fact, ev.RuleFired):
            fired[fact.key] = fired.get(fact.key, 0) + 1
    assert set(fired.values()) == {1, 2, 3}


# At the edge, where somebody else asks.

SEND = Subject("shop", asks=Asks.SEND)


def ruling(*rules: Rule) -> Ruling:
    here = world(seed=3)
    here.gateway.submit(SetRules(rules), START_US)
    assert here.gateway.ruling is not None
    return here.gateway.ruling


def judged(of: Ruling, n: int, at_us: int = START_US) -> bool:
    return of.judge(Seam.API, SEND, key_bytes(n), at_us) is not None


def test_each_try_of_a_request_is_a_decision_of_its_own() -> None:
    of = ruling(Rule("busy", Seam.API, (Reject(429),), chance=0.5))
    tries = []
    for _ in range(64):
        tries.append(judged(of, 1))
        of.tried(key_bytes(1), accepted=False)
    assert 16 < sum(tries) < 48
    of.tried(key_bytes(1), accepted=True)
    assert judged(of, 1) is tries[0]


def test_other_requests_in_between_change_nothing() -> None:
    rule = Rule("busy", Seam.API, (Reject(429),), chance=0.5)
    for order in permutations(range(4)):
        of = ruling(rule)
        found = {n: judged(of, n) for n in order}
        assert found == {n: judged(ruling(rule), n) for n in order}


def test_the_nth_request_is_counted_from_one() -> None:
    of = ruling(Rule("third", Seam.API, (Reject(503),), When(nth_from=3, nth_to=4)))
    assert [judged(of, n) for n in range(6)] == [False, False, True, True, False, False]


def test_what_is_remembered_of_tries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.engine.ruling.TRIES_MAX", 3)
    of = ruling(Rule("busy", Seam.API, (Reject(429),), chance=0.5))
    for n in range(10):
        of.tried(key_bytes(n), accepted=False)
    assert len(of._tries) == 3


# What stays.


def test_a_rule_that_stays_keeps_its_hits_and_one_that_changes_begins_anew() -> None:
    here = campaign(LOST)
    gateway = here.gateway
    assert gateway.ruling is not None
    hits = gateway.ruling.live[0].hits
    assert hits
    added = Rule("late", Seam.RECEIPT, (Delay(1, 1),))
    gateway.submit(SetRules((added, LOST)), START_US)
    assert [rule.hits for rule in gateway.ruling.live] == [0, hits]
    gateway.submit(SetRules((Rule("lost", Seam.RECEIPT, (Lose(),)),)), START_US)
    assert [rule.hits for rule in gateway.ruling.live] == [0]


def test_a_reset_keeps_the_rules_and_forgets_what_they_did() -> None:
    here = campaign(LOST)
    here.reset()
    assert here.rules() == (LOST,)
    assert here.gateway.ruling is not None
    assert here.gateway.ruling.live[0].hits == 0
    assert not here.firings.fired


def test_a_world_without_rules_has_none() -> None:
    here = world()
    assert here.gateway.ruling is None
    assert here.rules() == ()
    here.reset()
    assert here.gateway.ruling is None


# Whatever the rules: the laws hold, and the same seed is the same facts.

times = st.sampled_from([1, SECOND_US, 5 * MINUTE_US, 3 * HOUR_US, 2 * DAY_US])
verdicts = st.one_of(
    st.builds(lambda a, b: Delay(min(a, b), max(a, b)), times, times),
    st.builds(Duplicate, st.integers(1, 3), times),
    st.builds(Reorder, times),
)
receipts = st.tuples(
    st.just(Seam.RECEIPT),
    st.one_of(
        st.just((Lose(),)), st.lists(verdicts, min_size=1, max_size=3, unique_by=type).map(tuple)
    ),
)
lies = st.builds(Corrupt, st.sampled_from([Forgery.WRONG, Forgery.STALE]))
callbacks = st.tuples(
    st.just(Seam.CALLBACK),
    st.one_of(
        st.just((Lose(),)),
        st.lists(verdicts, min_size=1, max_size=3, unique_by=type).map(tuple),
        lies.map(lambda lie: (lie,)),
        st.tuples(lies, st.builds(Duplicate, st.integers(1, 2), times)),
    ),
)


ends = st.sampled_from([0, START_US + DAY_US])
holds = st.tuples(
    st.sampled_from([Seam.RECEIPT, Seam.CALLBACK]),
    st.sampled_from([(Hold(),), (Hold(500),), (Hold(700_000),)]),
)


def _holds(then: Sequence[Verdict]) -> bool:
    return isinstance(then[0], Hold)


@st.composite
def some_rules(draw: st.DrawFn) -> tuple[Rule, ...]:
    made = draw(st.lists(st.one_of(receipts, callbacks, holds), min_size=1, max_size=5))
    return tuple(
        Rule(
            f"rule {n}",
            seam,
            then,
            chance=draw(st.sampled_from([0.1, 0.5, 1.0])),
            from_us=draw(st.sampled_from([0, START_US + HOUR_US])),
            until_us=START_US + DAY_US if _holds(then) else draw(ends),
            at_most=draw(st.sampled_from([-1, -1, 1, 20])),
        )
        for n, (seam, then) in enumerate(made)
    )


@settings(derandomize=True, database=None, deadline=None, max_examples=12)
@given(some_rules(), st.integers(1, 10**6))
def test_under_any_rules_the_books_balance_and_no_order_shows(
    rules: tuple[Rule, ...], shuffle: int
) -> None:
    items: list[Recorded] = []
    here = live("recipient", 0, items.append, rules)  # which holds the conservation laws
    assert here.log.digest() == live("recipient", shuffle, rules=rules).log.digest()
    again = world_of("recipient")
    replay(again, read_recording(b"".join(map(encode_recorded, items))), END_US)
    assert again.log.digest() == here.log.digest()
    assert again.faults() == []
    assert not here.store.live
    counted = sum(here.firings.fired.values())
    assert counted == sum(isinstance(fact, ev.RuleFired) for fact in facts(here))


def test_a_settled_account_may_change_its_price_under_a_rule() -> None:
    here = campaign(LOST)
    here.configure(account(price_micros=1, currency="JPY"), END_US)
    assert here.faults() == []
