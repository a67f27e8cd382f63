"""Rows without ids, rows that say less, and a slow judge who must agree with the quick one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.message import State
from simulator.verify.claims import Claim, ClaimedState, ClaimedTotals, ClaimRows, Claims
from simulator.verify.findings import FindingKind
from simulator.verify.reconcile import reconcile
from simulator.verify.told import claimable
from tests.verify.honest_books import (
    YEN,
    Books,
    books_of,
    honest_books,
    kinds,
    repeatable,
    with_row,
    with_rows,
)

if TYPE_CHECKING:
    from simulator.verify.facts import Fact

COUNTS_OF_ROWS = tuple(FindingKind)[: tuple(FindingKind).index(FindingKind.CURRENCY_DIFFERS)]


def nameless(honest: Books) -> list[Claim]:
    return [msgspec.structs.replace(c, own_id="", provider_id="") for c in honest.claims.rows]


@repeatable
@given(honest_books(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_honest_rows_without_ids_are_joined_by_recipient_in_any_order(
    honest: Books, people: int, random: object
) -> None:
    numbers = [f"+8190{n % people:08d}" for n in range(len(honest.facts))]
    facts = [msgspec.structs.replace(f, to=to) for f, to in zip(honest.facts, numbers, strict=True)]
    rows = [
        msgspec.structs.replace(c, to=to) for c, to in zip(nameless(honest), numbers, strict=True)
    ]
    random.shuffle(rows)  # type: ignore[attr-defined]
    judged = reconcile(with_rows(honest, rows), facts, honest.totals)
    assert [f for f in judged.findings if f.kind is not FindingKind.SENT_TWICE] == []
    assert judged.notes[-1].endswith("joined by recipient, for want of an id")


def test_one_wrong_row_of_several_to_one_person_is_the_only_finding() -> None:
    honest = books_of((State.DELIVERED, 1), (State.UNDELIVERED, 1), (State.DELIVERED, 2))
    to = honest.facts[0].to
    facts = [msgspec.structs.replace(f, own_id="", to=to) for f in honest.facts]
    rows = [msgspec.structs.replace(c, to=to) for c in nameless(honest)]
    rows[1] = msgspec.structs.replace(rows[1], state=ClaimedState.SENT)
    (found,) = reconcile(with_rows(honest, rows), facts, honest.totals).findings
    assert (found.kind, found.fact, found.row) == (FindingKind.STATE_DIFFERS, facts[1], 1)


def test_more_rows_than_messages_to_one_person_are_claimed_twice() -> None:
    honest = books_of((State.DELIVERED, 1))
    (row,) = nameless(honest)
    judged = reconcile(with_rows(honest, [row, row]), honest.facts, honest.totals)
    assert kinds(judged) == [FindingKind.CLAIMED_TWICE]


def test_a_row_with_an_id_that_is_not_ours_is_not_joined_by_recipient() -> None:
    honest = books_of((State.DELIVERED, 1), ids=["p"])
    judged = honest.judged(with_row(honest, 0, own_id="mine", provider_id=""))
    assert kinds(judged) == [FindingKind.LOST_BY_SYSTEM, FindingKind.UNKNOWN_TO_US]


def test_what_is_not_said_is_not_judged_and_it_is_noted() -> None:
    honest = books_of((State.DELIVERED, 1), (State.UNDELIVERED, 2))
    rows = [Claim(c.own_id, c.provider_id, c.to, None, 0, 0) for c in honest.claims.rows]
    silent = ClaimRows.of(rows, frozenset({"own_id", "provider_id", "to"}))
    judged = reconcile(Claims("JPY", silent, ClaimedTotals()), honest.facts, honest.totals)
    assert (judged.findings, judged.amount_micros) == ((), 0)
    assert judged.notes == ("not claimed, so not judged: state, units, amount",)


def test_amounts_are_judged_where_units_are_not_said() -> None:
    honest = books_of((State.UNDELIVERED, 2), (State.DELIVERED, 2))
    rows = [msgspec.structs.replace(c, units=0, micros=30 * YEN) for c in honest.claims.rows]
    said = ClaimRows.of(rows, frozenset({"own_id", "state", "amount"}))
    judged = reconcile(Claims("JPY", said, ClaimedTotals()), honest.facts, honest.totals)
    assert kinds(judged) == [FindingKind.BILLED_THOUGH_EXCLUDED]
    assert judged.amounts[FindingKind.BILLED_THOUGH_EXCLUDED] == 30 * YEN


def test_an_opt_out_is_judged_where_the_customer_was_told() -> None:
    honest = books_of((State.DELIVERED, 1))
    for ours, theirs, wrong in (
        (True, True, False),
        (True, False, True),
        (False, True, True),
        (None, True, False),
        (True, None, False),
    ):
        facts = [msgspec.structs.replace(honest.facts[0], opted_out=ours)]
        judged = reconcile(with_row(honest, 0, opted_out=theirs), facts, honest.totals)
        assert kinds(judged) == [FindingKind.OPT_OUT_DIFFERS] * wrong
    assert (
        reconcile(
            with_row(honest, 0, opted_out=False),
            [msgspec.structs.replace(honest.facts[0], opted_out=True)],
        )
        .findings[0]
        .words
        == "claims not opted out; told opted out"
    )


def test_the_pairs_count_what_was_claimed_instead_of_what() -> None:
    honest = books_of((State.UNDELIVERED, 1), (State.UNDELIVERED, 1), (State.DELIVERED, 1))
    rows = [msgspec.structs.replace(c, state=ClaimedState.SENT) for c in honest.claims.rows]
    judged = honest.judged(with_rows(honest, rows))
    assert judged.pairs == {("sent", "delivered"): 1, ("sent", "undelivered"): 2}


def test_totals_alone_are_held_against_what_was_told_and_the_invoice() -> None:
    honest = books_of((State.DELIVERED, 2), (State.UNDELIVERED, 1))
    right = Claims("JPY", (), honest.claims.totals, aggregates=True)
    judged = honest.judged(right)
    assert (judged.findings, judged.invalid) == ((), ())
    assert judged.notes == ("the totals alone are claimed: no message was judged by itself",)
    for name in ClaimedTotals.__struct_fields__:
        wrong = {name: getattr(right.totals, name) + 1}
        totals = msgspec.structs.replace(right.totals, **wrong)
        judged = honest.judged(replace(right, totals=totals))
        assert [f.total for f in judged.findings] == [name.removesuffix("_micros")]
        unsaid = msgspec.structs.replace(right.totals, **{name: None})
        assert honest.judged(replace(right, totals=unsaid)).findings == ()


@repeatable
@given(honest_books(), st.data())
def test_a_slow_judge_finds_the_same(honest: Books, data: st.DataObject) -> None:
    own = st.sampled_from(["", "stranger", *(f.own_id for f in honest.facts)])
    provider = st.sampled_from(["", "SMx", *(f.provider_id for f in honest.facts)])
    small = st.integers(0, 2)
    row = st.builds(
        Claim, own, provider, st.just(""), st.sampled_from(ClaimedState), small, small
    ).filter(lambda claim: claim.own_id or claim.provider_id)
    rows = data.draw(st.lists(row, max_size=12))
    judged = reconcile(with_rows(honest, rows), honest.facts, honest.totals)
    about_rows = [f for f in judged.findings if f.kind in COUNTS_OF_ROWS]
    found = {(f.kind, f.row, f.fact.key if f.fact else 0, f.amount_micros) for f in about_rows}
    assert found == set(slowly(rows, honest.facts))
    assert len(found) == len(about_rows)


def slowly(rows: list[Claim], facts: tuple[Fact, ...]) -> list[tuple[FindingKind, int, int, int]]:
    """Judge row by row; no own id is shared here, so nothing was sent twice."""
    taken: set[int] = set()
    found = []
    for n, row in enumerate(rows):
        by_own = [f for f in facts if row.own_id and f.own_id == row.own_id]
        by_provider = [f for f in facts if row.provider_id and f.provider_id == row.provider_id]
        fact = next(iter(by_own or by_provider), None)
        if fact is None:
            found.append((FindingKind.UNKNOWN_TO_US, n, 0, row.micros))
        elif fact.key in taken:
            found.append((FindingKind.CLAIMED_TWICE, n, fact.key, row.micros))
        else:
            taken.add(fact.key)
            kind = slow_class(row, fact)
            if kind is not None:
                found.append((kind, n, fact.key, row.micros - fact.micros))
    lost = [f for f in facts if f.key not in taken]
    return [*found, *((FindingKind.LOST_BY_SYSTEM, -1, f.key, -f.micros) for f in lost)]


def slow_class(row: Claim, fact: Fact) -> FindingKind | None:
    if row.state not in claimable(fact.told, one_failure=fact.one_failure):
        return FindingKind.STATE_DIFFERS
    if (row.units, row.micros) == (fact.units, fact.micros):
        return None
    billed, charged = bool(row.units or row.micros), bool(fact.units or fact.micros)
    if (row.units and not fact.units) or (billed and not charged):
        return FindingKind.BILLED_THOUGH_EXCLUDED
    if charged and not billed:
        return FindingKind.NOT_BILLED_THOUGH_CHARGED
    return FindingKind.UNITS_DIFFER if row.units != fact.units else FindingKind.AMOUNT_DIFFERS
