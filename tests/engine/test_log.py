"""The log: a digest of a multiset, views that may fail, a recording that survives a cut."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core import events as ev
from simulator.core.command import (
    Batch,
    Cancel,
    Command,
    Configure,
    Delete,
    DeleteMedia,
    Feedback,
    Fire,
    Inject,
    Once,
    Redact,
    Refusal,
    Release,
    SetRules,
    Touch,
    Wait,
)
from simulator.core.faults import Delay, Duplicate, Rule, Seam
from simulator.core.message import OutcomeKind, Reason, State
from simulator.engine.log import (
    Log,
    Recorded,
    Settled,
    decode,
    encode_recorded,
    read_encoded,
    read_recording,
)
from tests.worlds import account, sms

if TYPE_CHECKING:
    from collections.abc import Mapping

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=200)
FACTS = [
    ev.Accepted(1, 10, "shop", "+817000000000", "12345", 1, 2, 3),
    ev.Sending(2, 10),
    ev.Sent(3, 10),
    ev.Delivered(4, 10, 1),
    ev.Receipted(5, 10, State.DELIVERED, 0),
]


class Seen:
    """A view that writes down what it is shown, and breaks when told to."""

    def __init__(self, name: str, breaks_at: type[ev.Event] | None = None) -> None:
        self.name, self.breaks_at = name, breaks_at
        self.facts: list[ev.Event] = []
        self.forgotten: list[int] = []

    def folds(self) -> Mapping[type[ev.Event], Any]:
        return dict.fromkeys((ev.Sending, ev.Sent, ev.Delivered), self.note)

    def note(self, event: ev.Event, _message: None) -> None:
        if type(event) is self.breaks_at:
            raise KeyError("this view has a bug")
        self.facts.append(event)

    def forget(self, key: int) -> None:
        if self.breaks_at is ev.Deleted:
            raise KeyError("this view has a bug")
        self.forgotten.append(key)


def log_of(*facts: ev.Event, views: tuple[Seen, ...] = (), tail: int = 100) -> Log:
    log = Log(views, tail)
    for fact in facts:
        log.append(fact, None)
    return log


# The digest.


def test_the_digest_does_not_know_the_order_of_arrival() -> None:
    assert len({log_of(*order).digest() for order in permutations(FACTS)}) == 1


def test_the_digest_shows_a_doubled_a_lost_and_a_changed_fact() -> None:
    whole = log_of(*FACTS).digest()
    doubled = log_of(*FACTS, FACTS[2]).digest()
    lost = log_of(*FACTS[1:]).digest()
    changed = log_of(*FACTS[:-1], ev.Receipted(6, 10, State.DELIVERED, 0)).digest()
    swapped = log_of(FACTS[0], FACTS[0], *FACTS[2:]).digest()
    assert len({whole, doubled, lost, changed, swapped}) == 5


@repeatable
@given(st.integers(0, 5), st.integers(0, 5))
def test_the_digest_does_not_know_how_much_is_kept(tail: int, doubled: int) -> None:
    facts = FACTS + FACTS[:doubled]
    assert log_of(*facts, tail=tail).digest() == log_of(*facts).digest()


def test_the_digest_ends_in_the_count() -> None:
    assert log_of(*FACTS).digest().endswith("-5")
    assert log_of().digest() == "0" * 32 + "-0"


def test_the_digest_of_these_facts_stays_between_releases() -> None:
    assert log_of(*FACTS).digest() == "456f9ae656633e30eba2e1cdadf48519-5"


# Reading it.


def test_every_kind_of_fact_survives_being_written_and_read() -> None:
    values = {int: 7, str: "x", bool: True, tuple[str, ...]: ("x", "y")}
    for kind in ev.KINDS:
        hints = get_type_hints(kind)
        fact = kind(
            *(values.get(hint := hints[f]) or next(iter(hint)) for f in kind.__struct_fields__)
        )
        log = log_of(fact)
        assert decode(log.since(0, 10**9)[1][0]) == fact


def test_the_tail_is_bounded_and_says_what_it_has_dropped() -> None:
    log = log_of(*FACTS, tail=3)
    assert log.count == 5
    first, data = log.since(0, 10)
    assert (first, [decode(d) for d in data]) == (2, FACTS[2:])
    first, data = log.since(3, 1)
    assert (first, [decode(d) for d in data]) == (3, FACTS[3:4])
    assert log.since(5, 10) == (5, [])


def test_a_sink_gets_every_encoded_fact() -> None:
    got: list[bytes] = []
    log = Log([], 1, got.append)
    for fact in FACTS:
        log.append(fact, None)
    assert got == []
    log.close()
    log.close()
    assert [decode(data) for data in read_encoded(got[0])] == FACTS
    assert len(got) == 1
    assert read_encoded(got[0] + got[0][:-1]) == read_encoded(got[0])  # the last one is cut


# Views.


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_view_that_raises_is_detached_and_named_while_the_others_miss_nothing(place: int) -> None:
    views = [Seen("first"), Seen("second"), Seen("third")]
    views[place].breaks_at = ev.Sent
    log = log_of(*FACTS, views=tuple(views))
    assert [(name, repr(e)) for name, e in log.detached] == [
        (views[place].name, "KeyError('this view has a bug')")
    ]
    assert views[place].facts == FACTS[1:2]
    assert all(view.facts == FACTS[1:4] for view in views if view is not views[place])
    assert log.count == 5


def test_two_views_may_fail_at_one_fact() -> None:
    broken = (Seen("first", ev.Sent), Seen("second", ev.Sent))
    whole = Seen("third")
    log = log_of(*FACTS, views=(*broken, whole))
    assert [name for name, _ in log.detached] == ["first", "second"]
    assert whole.facts == FACTS[1:4]
    assert log.views == [whole]


def test_a_view_that_cannot_forget_is_detached_as_well() -> None:
    broken, whole = Seen("first", ev.Deleted), Seen("second")
    log = log_of(views=(broken, whole))
    log.forget(10)
    assert [name for name, _ in log.detached] == ["first"]
    assert whole.forgotten == [10]


def test_a_view_is_only_shown_what_it_wants() -> None:
    view = Seen("wants three kinds")
    log_of(*FACTS, views=(view,))
    assert view.facts == FACTS[1:4]


# The recording.

ITEMS = [
    Recorded(1, Configure(account("shop", senders=("a", "b"), quota=3))),
    Recorded(2, sms(body="こんにちは\N{GRINNING FACE}", reference="r1", notify=16)),
    Recorded(3, Refusal("shop", "+81", Reason.BAD_TO)),
    Recorded(3, Touch((1, 2**64 - 1))),
    Recorded(4, Inject("shop", "+81", "12345", "STOP")),
    Recorded(4, Cancel(5)),
    Recorded(5, Redact(2**64 - 1)),
    Recorded(5, Delete(5)),
    Recorded(5, DeleteMedia(5, 1)),
    Recorded(6, Feedback(5, confirmed=True)),
    Recorded(7, Wait(2**62, 3, "http://127.0.0.1/")),
    Recorded(7, Batch("shop", (sms(), Refusal("shop", "", Reason.NO_TO, "to", "saw none")))),
    Recorded(7, Once("shop", "key", 2**64 - 1, sms())),
    Recorded(7, Once("shop", "key", 0, Batch("shop", (sms(),)))),
    Recorded(
        7, SetRules((Rule("late", Seam.RECEIPT, (Delay(1, 2), Duplicate(1, 2)), chance=0.5),))
    ),
    Recorded(7, Fire("shop", "lost", Seam.REPLY, (2**64 - 1,))),
    Recorded(7, Release("outage", (0, 2**40))),
    Recorded(8, Settled(2**64 - 1, 3, OutcomeKind.ANSWERED, 503)),
]


def test_the_recording_holds_every_kind_of_command() -> None:
    assert {type(item.what) for item in ITEMS} == {*get_args(Command), Settled}
    assert read_recording(b"".join(map(encode_recorded, ITEMS))) == ITEMS


@repeatable
@given(st.integers(0, 2000))
def test_a_recording_cut_anywhere_reads_back_up_to_the_cut(cut: int) -> None:
    lines = [encode_recorded(item) for item in ITEMS]
    data = b"".join(lines)[:cut]
    whole = next((n for n in range(len(lines), -1, -1) if sum(map(len, lines[:n])) <= cut), 0)
    assert read_recording(data) == ITEMS[:whole]
