"""A message that went out twice is told from one that is claimed twice, and from one sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.message import State
from simulator.verify.findings import FindingKind
from simulator.verify.reconcile import Evidence, reconcile
from tests.verify.honest_books import YEN, Books, books_of, kinds, repeatable, with_rows

if TYPE_CHECKING:
    from simulator.verify.facts import Fact
    from simulator.verify.reconcile import Reconciliation

MINUTE = 60_000_000
START = 1_772_409_600_000_000
TWICE = FindingKind.SENT_TWICE


def sent(*changes: dict[str, Any], told: State = State.DELIVERED) -> tuple[Books, list[Fact]]:
    """Send one text to one person again and again, a minute apart."""
    honest = books_of(*[(told, 1)] * len(changes), ids=["p"] * len(changes))
    to = honest.facts[0].to
    facts = [
        msgspec.structs.replace(
            fact,
            **{"to": to, "text": 7, "accepted_us": START + n * MINUTE, "told_us": START, **change},
        )
        for n, (fact, change) in enumerate(zip(honest.facts, changes, strict=True))
    ]
    return honest, facts


def judged(honest: Books, facts: list[Fact], rows: list[int], **known: Any) -> Reconciliation:
    said = [msgspec.structs.replace(honest.claims.rows[n], to=facts[n].to) for n in rows]
    claims = with_rows(honest, said)
    return reconcile(claims, facts, honest.totals, Evidence(**known))


def test_the_second_of_the_same_text_to_the_same_person_was_sent_twice() -> None:
    honest, facts = sent({}, {})
    found = judged(honest, facts, [0])
    assert kinds(found) == [TWICE]
    assert (found.findings[0].fact, found.amount_micros) == (facts[1], -15 * YEN)
    assert "not claimed; the provider accepted it a second time" in found.findings[0].words


def test_the_one_that_is_claimed_is_the_message_whichever_came_first() -> None:
    honest, facts = sent({}, {})
    found = judged(honest, facts, [1])
    assert [(f.kind, f.fact) for f in found.findings] == [(TWICE, facts[0])]


def test_where_both_are_claimed_the_second_was_still_sent_twice() -> None:
    honest, facts = sent({}, {})
    found = judged(honest, facts, [0, 1])
    assert [(f.kind, f.fact) for f in found.findings] == [(TWICE, facts[1])]
    assert (found.amount_micros, found.matched) == (0, 1)


def test_where_none_is_claimed_one_is_lost_and_the_other_was_sent_twice() -> None:
    honest, facts = sent({}, {}, {})
    found = judged(honest, facts, [])
    assert kinds(found) == [FindingKind.LOST_BY_SYSTEM, TWICE, TWICE]
    assert found.findings[0].fact == facts[0]


def test_another_text_another_person_or_a_later_hour_is_another_message() -> None:
    for change in ({"text": 8}, {"text": 0}, {"to": "+818000000000"}):
        honest, facts = sent({}, change)
        assert kinds(judged(honest, facts, [0, 1])) == [], change
    honest, facts = sent({}, {"accepted_us": START + 11 * MINUTE})
    assert kinds(judged(honest, facts, [0, 1])) == []
    assert kinds(judged(honest, facts, [0, 1], twice_us=12 * MINUTE)) == [TWICE]


def test_sending_again_after_it_failed_is_no_repetition() -> None:
    honest, facts = sent({}, {"told_us": START + 2 * MINUTE}, told=State.UNDELIVERED)
    assert kinds(judged(honest, facts, [0, 1])) == []
    late = msgspec.structs.replace(facts[0], told_us=START + 2 * MINUTE)
    assert kinds(judged(honest, [late, facts[1]], [0, 1])) == [TWICE]


def test_one_own_id_accepted_twice_was_sent_twice_however_late() -> None:
    week = {"accepted_us": START + 7 * 24 * 60 * MINUTE, "text": 8, "own_id": "letter"}
    honest, facts = sent({"own_id": "letter"}, week)
    assert kinds(judged(honest, facts, [0, 1])) == [TWICE]


def test_a_row_that_claims_a_message_again_is_claimed_and_not_sent_twice() -> None:
    honest, facts = sent({})
    assert kinds(judged(honest, facts, [0, 0])) == [FindingKind.CLAIMED_TWICE]


@repeatable
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "own_id": st.sampled_from(["", "a", "b"]),
                "to": st.sampled_from(["+811", "+812"]),
                "text": st.sampled_from([0, 1, 2]),
                "accepted_us": st.integers(0, 30).map(lambda m: START + m * MINUTE),
            }
        ),
        min_size=1,
        max_size=8,
    ),
    st.data(),
)
def test_of_messages_that_are_one_all_but_one_were_sent_twice(
    changes: list[dict[str, Any]], data: st.DataObject
) -> None:
    honest, facts = sent(*changes)
    rows = data.draw(st.lists(st.integers(0, len(facts) - 1), unique=True))
    found = judged(honest, facts, rows)
    twins = {f.fact.key for f in found.findings if f.fact and f.kind is TWICE}
    groups = one_by_one(facts)
    assert len(twins) == len(facts) - len(groups)
    for group in groups:
        message = next(f for f in group if f.key not in twins)
        claimed = [f for f in group if f.key in {facts[n].key for n in rows}]
        order = sorted(claimed or group, key=lambda f: (f.accepted_us, f.key))
        assert message == order[0]


def one_by_one(facts: list[Fact]) -> list[list[Fact]]:
    """Put the same messages together, the slow way."""
    groups: list[list[Fact]] = []
    ordered = sorted(facts, key=lambda f: (f.to, f.text, f.accepted_us, f.key))
    for fact in sorted(facts, key=lambda f: (f.accepted_us, f.key)):
        place = ordered.index(fact)
        before = ordered[place - 1] if place else None
        near = (
            before is not None
            and fact.text != 0
            and (before.to, before.text) == (fact.to, fact.text)
            and fact.accepted_us - before.accepted_us <= 10 * MINUTE
        )
        met = [
            g
            for g in groups
            if (near and before in g) or (fact.own_id and any(f.own_id == fact.own_id for f in g))
        ]
        groups = [g for g in groups if g not in met]
        groups.append([f for g in met for f in g] + [fact])
    return groups


def test_what_was_asked_for_twice_is_not_sent_twice() -> None:
    honest, facts = sent({}, {}, {})
    asked = {fact.key: n for n, fact in enumerate(facts)}
    assert kinds(judged(honest, facts, [0, 1, 2], asked=asked)) == []
    assert kinds(judged(honest, facts, [0, 1, 2])) == [TWICE, TWICE]


def test_more_than_was_asked_for_is_sent_twice_beside_what_was_asked_for_again() -> None:
    honest, facts = sent({}, {}, {}, {})
    one, other, unknown, late = (fact.key for fact in facts)
    found = judged(honest, facts, [0, 1], asked={one: 5, other: 9, late: 5})
    assert [f.fact for f in found.findings] == [facts[2], facts[3]]  # of 9, by its place, and of 5
    found = judged(honest, facts, [0, 1, 3], asked={one: 5, other: 9, unknown: 5, late: 7})
    assert [f.fact for f in found.findings] == [facts[2]]


def test_one_own_id_is_one_message_whoever_asked_for_it() -> None:
    honest, facts = sent({"own_id": "a"}, {"own_id": "a"})
    asked = {fact.key: n for n, fact in enumerate(facts)}
    assert kinds(judged(honest, facts, [0], asked=asked)) == [TWICE]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=10))
def test_of_each_request_all_but_one_are_sent_twice(requests: list[int]) -> None:
    honest, facts = sent(*[{} for _ in requests])
    asked = {fact.key: n for fact, n in zip(facts, requests, strict=True)}
    found = judged(honest, facts, [*range(len(facts))], asked=asked)
    assert len(found.findings) == len(requests) - len(set(requests))
