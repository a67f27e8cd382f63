"""The client's books against ours: what agrees, and each way in which they do not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.load.books import DROPPED, Row
from simulator.run import load_join as joins
from simulator.run.load_join import Joined, Sent, join_gateway, join_system

ALICE, BOB = "+12025550101", "+12025550102"


def row(n: int, to: str = ALICE, *, status: int = 201, own: str = "", sid: str = "") -> Row:
    instant = 1_000 * (n + 1)
    return Row(n, 0, "A", to, 0, own, sid, instant, instant + 5, instant + 9, status, "")


def sent(key: int, to: str = ALICE, *, own: str = "", sid: str = "") -> Sent:
    return Sent(key, "A", to, own, sid)


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


FATES = st.lists(st.sampled_from(["told", "untold", "lost", "refused"]), max_size=40)


@settings(derandomize=True, database=None, deadline=None)
@given(FATES, st.integers(1, 3))
def test_every_started_request_is_found_or_counted(fates: list[str], people: int) -> None:
    rows, ours = [], []
    for n, fate in enumerate(fates):
        to = f"+1202555010{n % people}"
        status = {"told": 201, "refused": 400}.get(fate, 0)
        rows.append(row(n, to, status=status, sid=f"SM{n}" if fate == "told" else ""))
        if fate in {"told", "untold"}:
            ours.append(sent(n + 1, to, sid=f"SM{n}"))
    found = join(rows, ours)
    total = found.counts
    assert total[joins.JOINED] == fates.count("told")
    assert total[joins.UNTOLD] == fates.count("untold")  # which of two is which is nobody's to know
    assert total[joins.NOT_ACCEPTED] == fates.count("refused") + fates.count("lost")
    assert total[joins.UNBOOKED] == total[joins.UNKNOWN] == total[joins.TWICE] == 0
    assert len({pair.key for pair in found.pairs}) == len(found.pairs) == len(ours)
