"""How rows are joined, what may be claimed, and that each row is in exactly one class."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.message import FINAL, State
from simulator.verify.claims import ClaimedState, Claims
from simulator.verify.findings import FindingKind
from simulator.verify.reconcile import CLAIMABLE, reconcile
from tests.verify.honest_books import (
    YEN,
    Books,
    books_of,
    honest_books,
    kinds,
    repeatable,
    wild_claims,
    with_row,
    with_rows,
)


@repeatable
@given(honest_books().flatmap(lambda b: st.tuples(st.just(b), wild_claims(b))))
def test_each_row_of_either_side_is_in_exactly_one_class(world: tuple[Books, Claims]) -> None:
    honest, claims = world
    judged = honest.judged(claims)
    about_rows = [f for f in judged.findings if f.claim or f.fact]
    claimed = [f for f in about_rows if f.claim]
    met = [f for f in about_rows if f.fact and f.kind is not FindingKind.CLAIMED_TWICE]
    assert judged.matched + len(claimed) == len(claims.rows)
    assert judged.matched + len(met) == len(honest.facts)
    assert len({f.row for f in claimed}) == len(claimed)
    assert len({f.fact.key for f in met if f.fact}) == len(met)


@repeatable
@given(honest_books().flatmap(lambda b: st.tuples(st.just(b), wild_claims(b))))
def test_the_findings_sum_to_what_is_claimed_less_what_is_due(world: tuple[Books, Claims]) -> None:
    honest, claims = world
    judged = honest.judged(claims)
    claimed = sum(r.micros for r in claims.rows)
    assert judged.amount_micros == claimed - sum(f.micros for f in honest.facts)
    units = sum(f.units for f in judged.findings if f.claim or f.fact)
    assert units == sum(r.units for r in claims.rows) - sum(f.units for f in honest.facts)


@repeatable
@given(
    honest_books().flatmap(lambda b: st.tuples(st.just(b), wild_claims(b))),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_facts_does_not_matter(
    world: tuple[Books, Claims], random: object
) -> None:
    honest, claims = world
    facts = list(honest.facts)
    random.shuffle(facts)  # type: ignore[attr-defined]
    assert reconcile(claims, facts, honest.totals) == honest.judged(claims)


@pytest.mark.parametrize(
    ("told", "right"),
    [
        (State.NONE, {"accepted", "sent"}),
        (State.ACCEPTED, {"accepted", "sent"}),
        (State.SENDING, {"accepted", "sent"}),
        (State.SENT, {"accepted", "sent"}),
        (State.DELIVERED, {"delivered"}),
        (State.UNDELIVERED, {"undelivered"}),
        (State.EXPIRED, {"undelivered"}),
        (State.FAILED, {"failed"}),
        (State.CANCELED, {"failed"}),
    ],
)
def test_a_claimed_state_is_judged_against_what_was_told(told: State, right: set[str]) -> None:
    honest = books_of((told, 1))
    judged = {s.value: honest.judged(with_row(honest, 0, state=s)).findings for s in ClaimedState}
    assert {state for state, findings in judged.items() if not findings} == right


@pytest.mark.parametrize("told", [s for s in CLAIMABLE if s in FINAL])
def test_where_a_provider_tells_every_failure_alike_both_words_are_right(told: State) -> None:
    honest = books_of((told, 1))
    facts = [msgspec.structs.replace(honest.facts[0], one_failure=True)]
    right = {
        s.value
        for s in ClaimedState
        if not reconcile(with_row(honest, 0, state=s), facts, honest.totals).findings
    }
    assert right == ({"delivered"} if told is State.DELIVERED else {"undelivered", "failed"})


def test_every_state_of_a_sent_message_can_be_claimed_somehow() -> None:
    assert set(State) - set(CLAIMABLE) == {State.RECEIVED}


def test_a_row_is_joined_by_own_id_before_the_providers_id() -> None:
    honest = books_of((State.DELIVERED, 1), (State.UNDELIVERED, 1))
    first, second = honest.claims.rows
    crossed = [
        msgspec.structs.replace(first, provider_id=second.provider_id),
        msgspec.structs.replace(second, provider_id=first.provider_id),
    ]
    judged = honest.judged(with_rows(honest, crossed))
    assert judged.findings == ()
    assert judged.notes == ("2 rows joined by one id, with the other not ours",)


def test_a_row_whose_own_id_is_not_ours_is_joined_by_the_providers() -> None:
    honest = books_of((State.DELIVERED, 1))
    judged = honest.judged(with_row(honest, 0, own_id="mine-alone"))
    assert judged.findings == ()
    assert judged.notes == ("1 row joined by one id, with the other not ours",)


def test_a_row_with_another_recipient_is_noted() -> None:
    honest = books_of((State.DELIVERED, 1))
    judged = honest.judged(with_row(honest, 0, to="09000000000"))
    assert judged.findings == ()
    assert judged.notes == ("1 row joined by id, with another recipient than ours",)


def test_a_row_that_names_another_phone_number_is_a_finding() -> None:
    honest = books_of((State.DELIVERED, 1), (State.DELIVERED, 1))
    judged = honest.judged(with_row(honest, 0, to="+819000000099"))
    assert kinds(judged) == [FindingKind.RECIPIENT_DIFFERS]
    said = "claims delivered, 1 unit, 15 JPY, to another person than the one it was sent to"
    assert judged.findings[0].words.startswith(said)
    assert (judged.amount_micros, judged.matched) == (0, 1)
    assert not any("another recipient" in note for note in judged.notes)
    worse = honest.judged(with_row(honest, 0, to="+819000000099", units=2))
    assert kinds(worse) == [FindingKind.UNITS_DIFFER]


def test_two_messages_with_one_reference_are_told_apart_by_the_providers_id() -> None:
    honest = books_of((State.DELIVERED, 1), (State.UNDELIVERED, 1))
    facts = [msgspec.structs.replace(f, own_id="same") for f in honest.facts]
    rows = [msgspec.structs.replace(r, own_id="same") for r in reversed(honest.claims.rows)]
    (found,) = reconcile(with_rows(honest, rows), facts, honest.totals).findings
    assert (found.kind, found.fact, found.amount_micros) == (FindingKind.SENT_TWICE, facts[1], 0)


def test_a_second_message_with_the_same_reference_was_sent_twice_if_one_row_claims_both() -> None:
    honest = books_of((State.DELIVERED, 1), (State.DELIVERED, 1))
    facts = [msgspec.structs.replace(f, own_id="same") for f in honest.facts]
    row = msgspec.structs.replace(honest.claims.rows[0], own_id="same", provider_id="")
    for order in (facts, facts[::-1]):
        (found,) = reconcile(with_rows(honest, [row]), order, honest.totals).findings
        assert (found.kind, found.fact) == (FindingKind.SENT_TWICE, facts[1])


def test_findings_come_by_class_and_then_by_id() -> None:
    honest = books_of(*[(State.UNDELIVERED, 1)] * 4)
    rows = list(reversed(honest.claims.rows))
    rows[0] = msgspec.structs.replace(rows[0], units=1, micros=15 * YEN)
    rows[1] = msgspec.structs.replace(rows[1], units=1, micros=15 * YEN)
    rows[2] = msgspec.structs.replace(rows[2], state=ClaimedState.SENT)
    judged = honest.judged(with_rows(honest, rows[:3]))
    assert [(f.kind.name, f.own_id) for f in judged.findings] == [
        ("LOST_BY_SYSTEM", "own-0"),
        ("STATE_DIFFERS", "own-1"),
        ("BILLED_THOUGH_EXCLUDED", "own-2"),
        ("BILLED_THOUGH_EXCLUDED", "own-3"),
    ]


def test_a_finding_says_both_sides_in_words_and_names_nobody() -> None:
    honest = books_of((State.UNDELIVERED, 1))
    (found,) = honest.judged(with_row(honest, 0, units=2, micros=1_234_500_000)).findings
    assert found.words == (
        "claims undelivered, 2 units, 1,234.5 JPY; "
        "told undelivered, 0 units, 0 JPY (jp-success-billed)"
    )
