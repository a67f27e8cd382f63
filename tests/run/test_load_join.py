"""The client's books against ours: what agrees, and each way in which they do not."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.load.books import DROPPED, Row
from simulator.run import load_join as joins
from simulator.run.load_join import Joined, join_gateway, join_system
from simulator.run.load_pairing import SLACK_US, Sent

ALICE, BOB = "+12025550101", "+12025550102"


def row(
    n: int,
    to: str = ALICE,
    *,
    status: int = 201,
    own: str = "",
    sid: str = "",
    code: str = "",
    at_s: float = 0.0,
) -> Row:
    instant = round(at_s * 1e6) + 1_000 * (n + 1)
    return Row(n, 0, "A", to, 0, own, sid, instant, instant + 5, instant + 9, status, code)


def sent(key: int, to: str = ALICE, *, own: str = "", sid: str = "", at_s: float = 0.0) -> Sent:
    return Sent(key, "A", to, own, sid, at_s * 1e6)


def join(rows: list[Row], ours: list[Sent], *, others_send: bool = False) -> Joined:
    return join_gateway(rows, ours, {}, others_send=others_send)


def counts(found: Joined) -> dict[str, int]:
    return {kind: n for kind, n in found.counts.items() if n}


def test_rows_are_joined_by_the_providers_id_and_else_by_our_own() -> None:
    found = join([row(0, sid="SM1"), row(1, own="b")], [sent(7, sid="SM1"), sent(8, own="b")])
    assert counts(found) == {joins.JOINED: 2}
    assert [(pair.n, pair.key) for pair in found.pairs] == [(0, 7), (1, 8)]


def test_a_request_without_an_answer_is_joined_by_recipient_and_order() -> None:
    rows = [row(0, sid="SM1"), row(1, status=0), row(2, status=0), row(3, BOB, status=503)]
    ours = [sent(1, sid="SM1"), sent(2, sid="SM2"), sent(3, BOB, sid="SM3")]
    found = join(rows, ours)
    assert counts(found) == {joins.JOINED: 1, joins.UNTOLD: 2, joins.NOT_ACCEPTED: 1}
    assert {pair.n: pair.key for pair in found.pairs} == {0: 1, 1: 2, 3: 3}


def test_a_refusal_takes_nobodys_message() -> None:
    found = join([row(0, status=400), row(1, status=429)], [sent(1, sid="SM1")])
    assert counts(found) == {joins.NOT_ACCEPTED: 2, joins.UNBOOKED: 1}


def test_an_answer_that_we_never_gave_is_told() -> None:
    found = join([row(0, sid="SM9")], [])
    assert counts(found) == {joins.UNKNOWN: 1}
    assert found.odd[0].words == "SM9"


def test_one_message_answers_one_request() -> None:
    found = join([row(0, sid="SM1"), row(1, sid="SM1")], [sent(1, sid="SM1")])
    assert counts(found) == {joins.JOINED: 1, joins.TWICE: 1}


def test_messages_in_nobodys_books_may_be_another_systems() -> None:
    ours = [sent(1, sid="SM1")]
    assert counts(join([], ours)) == {joins.UNBOOKED: 1}
    assert counts(join([], ours, others_send=True)) == {}


def test_what_was_dropped_was_never_sent() -> None:
    dropped = row(0)._replace(code=DROPPED, started_us=0, answered_us=0, status=0)
    found = join([dropped], [])
    assert (found.rows, found.started, counts(found)) == (1, 0, {joins.NEVER_SENT: 1})


def test_numbers_are_joined_however_the_list_writes_them() -> None:
    found = join_gateway([row(0, "202-555-0101", status=0)], [sent(1)], {"202-555-0101": ALICE},
                         others_send=False)  # fmt: skip
    assert counts(found) == {joins.UNTOLD: 1}


def test_a_systems_starts_are_joined_to_its_messages_in_order() -> None:
    rows = [row(2), row(0), row(1, BOB), row(3, BOB)]
    found = join_system(rows, [sent(1), sent(2), sent(3, BOB)], {})
    assert {pair.n: pair.key for pair in found.pairs} == {0: 1, 2: 2, 1: 3}
    assert counts(found) == {joins.JOINED: 3, joins.UNSENT: 1}


def test_of_two_requests_with_one_own_id_each_has_its_own_message() -> None:
    found = join([row(0, own="a", status=0), row(1, own="a")], [sent(1, own="a"), sent(2, own="a")])
    assert counts(found) == {joins.JOINED: 1, joins.UNTOLD: 1}
    assert {pair.key for pair in found.pairs} == {1, 2}


@pytest.mark.parametrize("status", [409, 503, 0])
def test_a_repetition_that_is_refused_for_its_own_id_is_a_refusal(status: int) -> None:
    found = join([row(0, own="a", status=status), row(1, own="a")], [sent(1, own="a")])
    assert counts(found) == {joins.JOINED: 1, joins.NOT_ACCEPTED: 1}
    assert [pair.n for pair in found.pairs] == [1]


def test_an_id_of_one_kind_is_not_taken_for_one_of_the_other() -> None:
    found = join([row(0, own="1", sid="2")], [sent(1, own="2", sid="1")])
    assert counts(found) == {joins.UNKNOWN: 1, joins.UNBOOKED: 1}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("", joins.UNKNOWN),
        ("110", joins.NOT_ACCEPTED),  # 絶対リーチ!'s "Invalid phoneNumber." comes with 200
        ("500", joins.NOT_ACCEPTED),
        ("unreadable", joins.NOT_ACCEPTED),
    ],
)
def test_a_refusal_that_is_answered_200_is_no_answer_that_we_never_gave(
    code: str, kind: str
) -> None:
    assert counts(join([row(0, status=200, own="a", code=code)], [])) == {kind: 1}


def test_a_request_that_nobody_heard_takes_nobodys_message() -> None:
    found = join([row(0, status=0, code="ECONNREFUSED")], [sent(1, sid="SM1")], others_send=True)
    assert counts(found) == {joins.NOT_ACCEPTED: 1}


def test_a_request_without_an_answer_takes_no_message_that_another_names_as_its_own() -> None:
    found = join([row(0, status=0, own="a")], [sent(1, own="the system's")], others_send=True)
    assert counts(found) == {joins.NOT_ACCEPTED: 1}


def test_what_was_refused_and_accepted_all_the_same_is_told() -> None:
    assert counts(join([row(0, own="a", status=400)], [sent(1, own="a")])) == {joins.YET_SENT: 1}


@pytest.mark.parametrize("status", [429, 400, 409, 302])
def test_a_refused_start_takes_nobodys_message(status: int) -> None:
    rows = [row(0, status=status), row(1, status=202)]
    found = join_system(rows, [sent(1)], {})
    assert counts(found) == {joins.NOT_ACCEPTED: 1, joins.JOINED: 1}
    assert [(pair.n, pair.key) for pair in found.pairs] == [(1, 1)]


@pytest.mark.parametrize("status", [0, 500, 503])
def test_a_start_that_was_taken_goes_before_one_that_may_have_been(status: int) -> None:
    rows = [row(0, status=status), row(1, status=202)]
    found = join_system(rows, [sent(1)], {})
    assert counts(found) == {joins.NOT_ACCEPTED: 1, joins.JOINED: 1}
    found = join_system(rows, [sent(2, at_s=2), sent(1, at_s=1)], {})
    assert [(pair.n, pair.key) for pair in found.pairs] == [(0, 1), (1, 2)]
    assert counts(found) == {joins.UNTOLD: 1, joins.JOINED: 1}


def test_no_start_has_a_message_that_is_older_than_itself() -> None:
    rows = [row(0, status=202), row(1, status=202, at_s=100)]
    found = join_system(rows, [sent(1, at_s=1), sent(2, at_s=50), sent(3, at_s=101)], {})
    assert [(pair.n, pair.key) for pair in found.pairs] == [(0, 1), (1, 3)]  # 2 is a reminder


def test_a_message_that_names_its_arrival_is_of_that_start_whatever_the_order() -> None:
    rows = [row(n, own=f"run-{n}", status=202) for n in (1, 10, 11)]
    ours = [
        sent(1, own="run-11-00001-1"),
        sent(2, own="spring-run-1"),
        sent(3, own="run-11-00001-2", at_s=9),
        sent(4, BOB, own="run-10"),  # cut short: it is no message of arrival 10
    ]
    found = join_system(rows, ours, {})
    assert {pair.n: pair.key for pair in found.pairs} == {11: 1, 1: 2}
    assert found.asked == {1: 11, 2: 1, 3: 11}
    assert counts(found) == {joins.JOINED: 2, joins.UNSENT: 1}


def test_messages_of_several_accounts_are_joined_in_the_order_of_time() -> None:
    other = sent(2, at_s=0)._replace(account="B")
    found = join_system([row(0), row(1)], [sent(1, at_s=5), other], {})
    assert {pair.n: pair.key for pair in found.pairs} == {0: 2, 1: 1}


class Fate(NamedTuple):
    """What became of a request, and what its client saw."""

    accepted: bool
    status: int
    code: str = ""


FATES = [
    Fate(True, 201),
    Fate(True, 0, "timeout"),
    Fate(True, 502),
    Fate(True, 201, "unreadable"),
    Fate(False, 0, "timeout"),
    Fate(False, 0, "ECONNREFUSED"),
    Fate(False, 503),
    Fate(False, 429),
    Fate(False, 200, "110"),
    Fate(False, 400),
]
LOADS = st.lists(
    st.tuples(st.sampled_from(FATES), st.integers(0, 2), st.integers(0, 5_000_000)), max_size=30
)
ENDS = {
    *(joins.JOINED, joins.UNTOLD, joins.YET_SENT, joins.UNKNOWN),
    *(joins.TWICE, joins.NOT_ACCEPTED, joins.UNSENT),
}


def books(
    load: list[tuple[Fate, int, int]], *, ids: str
) -> tuple[list[Row], list[Sent], dict[int, int]]:
    """Return both sides' books of a load, and the truth: which request each message is of.

    Args:
        load: what becomes of each request, to whom it goes, and after how long it is accepted.
        ids: which a message bears: none, own or provider.
    """
    rows, ours, truth = [], [], {}
    for n, (fate, person, after_us) in enumerate(load):
        to, own = f"+1202555010{person}", f"run-{n}"
        said = fate.accepted and fate.status == 201 and not fate.code
        sid = f"SM{n}" if ids == "provider" and said else ""
        rows.append(row(n, to, status=fate.status, own=own, sid=sid, code=fate.code))
        if fate.accepted:
            message = sent(n + 1, to, own=own if ids == "own" else "")
            named = f"SM{n}" if ids == "provider" else ""
            at_us = rows[-1].started_us + after_us
            ours.append(message._replace(provider_id=named, at_us=at_us))
            truth[n + 1] = n
    return rows, ours, truth


def check(found: Joined, rows: list[Row], ours: list[Sent]) -> None:
    """Check what holds of every join, whatever was in the books."""
    assert sum(n for kind, n in found.counts.items() if kind in ENDS) == found.started == len(rows)
    assert len({pair.n for pair in found.pairs}) == len(found.pairs)
    assert len({pair.key for pair in found.pairs}) == len(found.pairs)
    assert {pair.key for pair in found.pairs} <= {message.key for message in ours}
    ends = (joins.JOINED, joins.UNTOLD, joins.YET_SENT)
    assert sum(found.counts[kind] for kind in ends) == len(found.pairs)


@settings(derandomize=True, database=None, deadline=None)
@given(LOADS, st.sampled_from(["own", "provider"]))
def test_the_gateways_join_finds_the_truth_and_accuses_nobody(
    load: list[tuple[Fate, int, int]], ids: str
) -> None:
    rows, ours, truth = books(load, ids=ids)
    found = join(rows, ours)
    check(found, rows, ours)
    said = [fate for fate, _, _ in load if fate.accepted and fate.status == 201 and not fate.code]
    assert found.counts[joins.JOINED] == len(said)
    assert found.counts[joins.UNTOLD] == len(ours) - len(said)
    accusations = (joins.UNKNOWN, joins.TWICE, joins.UNBOOKED, joins.YET_SENT)
    assert not any(found.counts[kind] for kind in accusations)
    if ids == "own":
        assert {pair.key: pair.n for pair in found.pairs} == truth == found.asked


@settings(derandomize=True, database=None, deadline=None)
@given(LOADS, st.sampled_from(["own", "none"]), st.lists(st.integers(0, 2), max_size=5))
def test_a_systems_join_finds_the_truth_and_accuses_nobody(
    load: list[tuple[Fate, int, int]], ids: str, reminders: list[int]
) -> None:
    rows, ours, truth = books(load, ids=ids)
    also = [sent(1_000 + n, f"+1202555010{to}", at_s=3_600) for n, to in enumerate(reminders)]
    found = join_system(rows, ours + also, {})
    check(found, rows, ours + also)
    said = sum(row.status == 201 and not row.code for row in rows)
    assert found.counts[joins.JOINED] == said  # nothing that was sent is said not to have been
    assert not found.counts[joins.UNSENT]
    assert not found.counts[joins.YET_SENT]
    started = {row.n: row for row in rows}
    at_us = {message.key: message.at_us for message in ours + also}
    to = {message.key: message.to for message in ours + also}
    for pair in found.pairs:
        assert started[pair.n].recipient == to[pair.key]
        assert started[pair.n].started_us <= at_us[pair.key] + SLACK_US
    if ids == "own" and not also:
        assert {pair.key: pair.n for pair in found.pairs} == truth == found.asked


ANY_ROWS = st.lists(
    st.builds(
        lambda status, own, sid, to, code: (status, own, sid, to, code),
        st.sampled_from([0, 200, 201, 302, 400, 429, 500]),
        st.sampled_from(["", "r-0", "r-1", "r-11"]),
        st.sampled_from(["", "SM0", "SM1"]),
        st.sampled_from([ALICE, BOB]),
        st.sampled_from(["", "110", "500", "timeout", "ECONNREFUSED", "unreadable"]),
    ),
    max_size=12,
)
ANY_MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(["", "r-0", "r-1-x", "r-11"]),
        st.sampled_from(["", "SM0", "SM1"]),
        st.sampled_from([ALICE, BOB]),
        st.integers(0, 3),
    ),
    max_size=12,
)


@settings(derandomize=True, database=None, deadline=None)
@given(ANY_ROWS, ANY_MESSAGES)
def test_whatever_the_books_say_a_request_has_one_end_and_a_message_at_most_one_request(
    written: list[tuple[int, str, str, str, str]], known: list[tuple[str, str, str, int]]
) -> None:
    rows = [
        row(n, to, status=status, own=own, sid=sid, code=code)
        for n, (status, own, sid, to, code) in enumerate(written)
    ]
    ours = [
        sent(key, to, own=own, sid=sid, at_s=at_s)
        for key, (own, sid, to, at_s) in enumerate(known, 1)
    ]
    found = join(rows, ours)
    check(found, rows, ours)
    assert found.counts[joins.UNBOOKED] == len(ours) - len(found.pairs)
    check(join_system(rows, ours, {}), rows, ours)
