"""What each fact does to its message; what the table does not allow is our bug."""

from __future__ import annotations

import pytest

from simulator.core import events as ev
from simulator.core.cause import Cause
from simulator.core.lifecycle import KNOWN
from simulator.core.message import FINAL, Message, State
from simulator.engine.state import CHANGES, hold

KEY = 1
DELIVERED = (ev.Delivered(4, KEY, 2), ev.Receipted(5, KEY, State.DELIVERED, Cause.NONE))
SENT = (ev.Sending(2, KEY), ev.Sent(3, KEY))
# Kinds that change no message: they make one, or are about something else.
UNMOVED = {
    ev.AccountOpened,
    ev.Accepted,
    ev.Rejected,
    ev.CallbackTried,
    ev.CallbackAbandoned,
    ev.Received,
    ev.OptedOut,
    ev.OptedIn,
    ev.AutoReplied,
    ev.Warned,
    ev.InstantCut,
    ev.RulesSet,
    ev.ForgeryTried,
}


def message(*facts: ev.Event) -> Message:
    made = Message(
        KEY, KEY, "shop", "+81", "JP", "1", "Hello", 0, 1, "", "", 0, 0, can_reply=True, carrier=1,
        accepted_us=1,
    )  # fmt: skip
    for fact in facts:
        CHANGES[type(fact)](fact, made)
    return made


def test_every_kind_either_changes_its_message_or_is_known_not_to() -> None:
    assert set(ev.KINDS) == set(CHANGES) | UNMOVED
    assert not set(CHANGES) & UNMOVED


def test_a_delivered_life() -> None:
    end = message(*SENT, *DELIVERED, ev.Noticed(6, KEY), ev.Opened(7, KEY), ev.Replied(8, KEY, 0))
    assert (end.sending_us, end.sent_us, end.fate_us, end.known_us) == (2, 3, 4, 5)
    assert (end.noticed_us, end.opened_us, end.replied_us) == (6, 7, 8)
    assert (end.state, end.fate, end.cause, end.attempts) == (
        State.DELIVERED,
        State.DELIVERED,
        Cause.NONE,
        2,
    )


@pytest.mark.parametrize(
    ("fact", "fate"),
    [
        (ev.Undelivered(4, KEY, Cause.REFUSED), State.UNDELIVERED),
        (ev.Expired(4, KEY, Cause.ABSENT), State.EXPIRED),
        (ev.Failed(4, KEY, Cause.TOO_LATE), State.FAILED),
        (ev.Canceled(4, KEY), State.CANCELED),
    ],
)
def test_a_fate_is_not_known_until_its_receipt(fact: ev.Event, fate: State) -> None:
    end = message(fact)
    assert (end.fate, end.fate_us, end.state) == (fate, 4, State.ACCEPTED)
    assert end.fate_cause is not Cause.NONE


@pytest.mark.parametrize("first", sorted(FINAL))
@pytest.mark.parametrize("second", [ev.Delivered(9, KEY, 1), ev.Expired(9, KEY, Cause.ABSENT)])
def test_a_fate_is_final(first: State, second: ev.Event) -> None:
    made = message()
    made.fate = first
    with pytest.raises(AssertionError, match="a fate is final"):
        CHANGES[type(second)](second, made)


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_what_is_known_moves_by_the_table_alone(before: State, after: State) -> None:
    made = message()
    made.state = before
    fact = ev.Receipted(9, KEY, after, Cause.ABSENT)
    if after in KNOWN[before]:
        CHANGES[type(fact)](fact, made)
        assert (made.state, made.cause, made.known_us) == (after, Cause.ABSENT, 9)
    else:
        with pytest.raises(AssertionError, match=f"no way from {before.name} to {after.name}"):
            CHANGES[type(fact)](fact, made)
        assert made.state is before


def test_attempts_count_from_one() -> None:
    tried = message(ev.Attempted(3, KEY, 0, Cause.ABSENT), ev.Attempted(4, KEY, 1, Cause.ABSENT))
    assert tried.attempts == 2


def test_a_step_that_is_answered_late_does_not_untell_a_later_one() -> None:
    told = [ev.Told(5, KEY, State.SENT, by_read=False), ev.Told(9, KEY, State.SENDING, 0)]
    assert (message(*told).told, message(*told).told_us) == (State.SENT, 5)
    assert message(*reversed(told)).told is State.SENT


def test_a_late_sent_does_not_untell_delivered() -> None:
    told = [ev.Told(5, KEY, State.DELIVERED, by_read=True), ev.Told(9, KEY, State.SENT, 0)]
    assert (message(*told).told, message(*told).told_us) == (State.DELIVERED, 5)
    assert message(*reversed(told)).told is State.DELIVERED
    assert message(told[1]).told is State.SENT


@pytest.mark.parametrize("fact", [ev.Redacted(9, KEY), ev.Deleted(9, KEY)])
def test_redaction_and_deletion_leave_no_text(fact: ev.Event) -> None:
    made = message(fact)
    assert (made.body, made.redacted) == ("", True)


def test_feedback_is_remembered_and_may_change() -> None:
    yes, no = ev.FeedbackGiven(5, KEY, confirmed=True), ev.FeedbackGiven(6, KEY, confirmed=False)
    assert [message(yes).feedback, message(yes, no).feedback, message().feedback] == [1, 2, 0]


def test_outstanding_steps_are_counted() -> None:
    made = message()
    assert [hold(made, 2), hold(made, -1), hold(made, -1)] == [2, 1, 0]
