"""Which receipt a wrong claim has ignored follows from what was told, and when."""

from __future__ import annotations

import msgspec
import pytest

from simulator.core.message import State
from simulator.verify.claims import ClaimedState as C
from simulator.verify.findings import FindingKind as K
from simulator.verify.reconcile import Evidence, reconcile
from tests.verify.honest_books import books_of, with_row

HOUR = 3_600_000_000
START = 1_772_409_600_000_000

S, D, U, F, SENT = State.SENDING, State.DELIVERED, State.UNDELIVERED, State.FAILED, State.SENT


def found(claimed: C, *tellings: tuple[float, State], late_h: float = 24) -> K | None:
    """Judge one claim of a message of which this was told at these hours."""
    told = [(START + int(hour * HOUR), state) for hour, state in tellings]
    final = [state for _, state in told if state in (D, U, F, State.EXPIRED)]
    honest = books_of((final[-1] if final else SENT, 1))
    fact = msgspec.structs.replace(
        honest.facts[0], accepted_us=START, told_us=told[-1][0] if told else 0
    )
    evidence = Evidence(tellings_of={fact.key: told}.__getitem__, late_us=int(late_h * HOUR))
    judged = reconcile(with_row(honest, 0, state=claimed), [fact], honest.totals, evidence)
    kinds = [f.kind for f in judged.findings]
    assert len(kinds) <= 1
    if kinds and kinds[0] is not K.STATE_DIFFERS:
        assert judged.pairs == {(claimed.value, final[-1].name.lower()): 1}
    return kinds[0] if kinds else None


@pytest.mark.parametrize("claimed", [C.ACCEPTED, C.SENT])
def test_who_claims_less_than_it_was_told_has_ignored_a_receipt(claimed: C) -> None:
    assert found(claimed, (0, S), (1, D)) is K.RECEIPT_IGNORED
    assert found(claimed, (1, U)) is K.RECEIPT_IGNORED
    assert found(claimed, (1, D), (30, D)) is K.RECEIPT_IGNORED  # the first was in time


@pytest.mark.parametrize("claimed", [C.ACCEPTED, C.SENT])
def test_a_receipt_beyond_the_named_time_is_late(claimed: C) -> None:
    assert found(claimed, (25, D)) is K.LATE_RECEIPT_IGNORED
    assert found(claimed, (23, D)) is K.RECEIPT_IGNORED
    assert found(claimed, (23, D), late_h=22) is K.LATE_RECEIPT_IGNORED


def test_who_keeps_to_a_final_state_that_was_corrected_has_ignored_a_late_receipt() -> None:
    assert found(C.UNDELIVERED, (1, U), (2, D)) is K.LATE_RECEIPT_IGNORED
    assert found(C.DELIVERED, (1, D), (2, U)) is K.LATE_RECEIPT_IGNORED
    assert found(C.SENT, (1, U), (2, D)) is K.RECEIPT_IGNORED  # the first of two, and in time


def test_who_gave_up_before_the_receipt_came_has_ignored_a_late_one() -> None:
    assert found(C.UNDELIVERED, (25, D)) is K.LATE_RECEIPT_IGNORED
    assert found(C.FAILED, (25, D)) is K.LATE_RECEIPT_IGNORED
    assert found(C.UNDELIVERED, (1, D)) is K.STATE_DIFFERS  # nobody ever said so


def test_who_lets_the_last_receipt_win_has_ignored_none() -> None:
    assert found(C.SENT, (1, D), (2, SENT)) is K.STATE_DIFFERS
    assert found(C.DELIVERED, (1, D), (2, SENT)) is None


def test_who_claims_more_than_it_was_told_has_ignored_none() -> None:
    assert found(C.DELIVERED, (1, U)) is K.STATE_DIFFERS
    assert found(C.DELIVERED, (1, SENT)) is K.STATE_DIFFERS
    assert found(C.DELIVERED) is K.STATE_DIFFERS
