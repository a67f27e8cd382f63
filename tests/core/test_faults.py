"""Rules as values: what may stand where, and what they look for."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from simulator.core.faults import (
    IN_USE,
    KINDS,
    Asks,
    Corrupt,
    Delay,
    Duplicate,
    Hold,
    Kind,
    Lose,
    Reject,
    Reorder,
    Rule,
    Seam,
    Subject,
    When,
    asked_for,
    fits,
    not_in_use,
    objection,
)
from simulator.core.message import State
from simulator.core.trouble import Forgery

if TYPE_CHECKING:
    from simulator.core.faults import Verdict

EACH: dict[Kind, Verdict] = {
    Kind.DELAY: Delay(1, 2),
    Kind.REJECT: Reject(503),
    Kind.LOSE: Lose(),
    Kind.DUPLICATE: Duplicate(1, 1),
    Kind.REORDER: Reorder(1),
    Kind.CORRUPT: Corrupt(Forgery.WRONG),
    Kind.HOLD: Hold(700_000),
}


def test_every_verdict_there_is_has_a_name_and_every_name_in_use_a_verdict() -> None:
    assert set(KINDS.values()) == set(EACH)
    assert {kind for kinds in IN_USE.values() for kind in kinds} == set(EACH)
    assert set(IN_USE) == set(Seam)


@pytest.mark.parametrize(("seam", "kind"), list(product(Seam, Kind)))
def test_a_verdict_is_in_use_at_a_seam_or_refused_by_name(seam: Seam, kind: Kind) -> None:
    wrong = not_in_use(seam, kind)
    if kind in IN_USE[seam]:
        assert wrong is None
        assert objection(Rule("a", seam, (EACH[kind],))) is None
    elif kind is Kind.PASS:
        assert wrong == "a rule that passes does nothing; remove it"
    elif IN_USE[seam]:
        assert wrong is not None
        assert wrong.startswith(f"{kind.value} is not in use at seam {seam.value} yet")
    else:
        assert wrong is not None
        assert wrong.startswith(f"no rule acts at seam {seam.value} yet")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("a", Seam.API, (Lose(),)), "lose is not in use at seam api"),
        (Rule("a", Seam.RECEIPT, (Lose(), Delay(1, 2))), "lose goes with nothing else"),
        (Rule("a", Seam.RECEIPT, (Delay(1, 2), Delay(1, 2))), "delay is written twice"),
        (Rule("a", Seam.RECEIPT, (Hold(), Delay(1, 2))), "hold goes with nothing else"),
        (Rule("a", Seam.CALLBACK, (Corrupt(Forgery.WRONG), Reorder(1))), "write two rules"),
        (Rule("a", Seam.RECEIPT, (Lose(),), When(nth_from=1)), "when.nth belongs to seams api"),
        (Rule("a", Seam.RECEIPT, (Lose(),), When(endpoint="x")), "when.endpoint belongs to"),
        (Rule("a", Seam.CALLBACK, (Lose(),), When(requests=Asks.ANY)), "when.request belongs to"),
        (Rule("a", Seam.REPLY, (Lose(),), When(carriers=("au",))), "when.carrier belongs to"),
        (Rule("a", Seam.API, (Reject(503),), When(states=(State.SENT,))), "when.state belongs to"),
        (Rule("a", Seam.RECEIPT, (Lose(),), When(states=(State.SENT,))), "no receipt says sent"),
        (
            Rule("a", Seam.CALLBACK, (Corrupt(Forgery.STALE),), When(states=(State.SENT,))),
            "corrupt lies about an end, and sent is none",
        ),
        (
            Rule("a", Seam.CALLBACK, (Reorder(1),), When(states=(State.DELIVERED,))),
            "nothing comes after delivered",
        ),
    ],
)
def test_a_rule_that_means_nothing_is_told_why(rule: Rule, words: str) -> None:
    assert words in (objection(rule) or "")


WHO = Subject("shop", "twilio", "+81", "kddi", "cold", State.SENT, Asks.SEND, "POST /x")


@pytest.mark.parametrize(
    "when",
    [
        When(),
        When(accounts=("other", "shop")),
        When(dialects=("twilio",)),
        When(to=("+81",)),
        When(carriers=("kddi",), segments=("cold", "warm")),
        When(states=(State.SENT,)),
        When(endpoint="POST /x"),
    ],
)
def test_what_is_left_out_is_not_looked_at(when: When) -> None:
    assert fits(when, WHO)


@pytest.mark.parametrize(
    "when",
    [
        When(accounts=("other",)),
        When(dialects=("native",)),
        When(to=("+82",)),
        When(carriers=("docomo",)),
        When(carriers=("kddi",), segments=("warm",)),
        When(states=(State.DELIVERED,)),
        When(endpoint="POST /y"),
    ],
)
def test_every_condition_must_hold(when: When) -> None:
    assert not fits(when, WHO)


def test_what_cannot_be_read_is_met_only_by_who_wants_any_request() -> None:
    unread = WHO._replace(asks=Asks.ANY)
    assert asked_for(When(), WHO)
    assert not asked_for(When(), unread)
    assert not asked_for(When(requests=Asks.READ), WHO)
    assert asked_for(When(requests=Asks.ANY), unread)
    assert asked_for(When(requests=Asks.ANY), WHO)


def test_only_counting_at_the_edge_depends_on_who_came_first() -> None:
    assert not Rule("a", Seam.API, (Reject(503),), chance=0.5).counts_arrivals
    assert Rule("a", Seam.API, (Reject(503),), at_most=1).counts_arrivals
    assert Rule("a", Seam.REPLY, (Lose(),), When(nth_from=1, nth_to=2)).counts_arrivals
    assert not Rule("a", Seam.RECEIPT, (Lose(),), at_most=1).counts_arrivals
