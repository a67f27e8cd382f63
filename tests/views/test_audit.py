"""The auditor: each law is broken once, and seen. A check that cannot fail is worthless."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import events as ev
from simulator.core.cause import Cause
from simulator.core.message import Message, State
from simulator.engine.log import Log
from simulator.views.audit import Audit
from simulator.views.ledger import Ledger
from tests.worlds import LONG_US, START_US, account, campaign, habits, run, world

KEY = 0xABC
NAME = "message 0000000000000abc"


class Desk:
    """A ledger and an auditor, and whoever feeds them facts."""

    def __init__(self, **settings: Any) -> None:
        self.account = account(**settings)
        self.ledger = Ledger(lambda _name: self.account)
        self.audit = Audit(lambda _name: self.account, self.ledger)
        self.books = Log([self.ledger], 1, changes={})  # the messages here are over and done
        self.facts = Log([self.audit], 1, changes={})
        self.see(ev.AccountOpened(0, 0, "shop", "native", self.account.policy))

    def see(self, *facts: ev.Event, message: Message | None = None) -> None:
        """Show both the same facts."""
        for fact in facts:
            self.books.append(fact, message)
            self.facts.append(fact, message)
        assert self.books.detached == self.facts.detached == []

    def found(self) -> list[str]:
        return self.audit.violations()


def message(fate: State = State.DELIVERED, **fields: Any) -> Message:
    """A message as it is when all is over."""
    made = Message(
        KEY, KEY, "shop", "+81", "JP", "1", "Hello", 0, 2, "", "", 0, 0, can_reply=True, carrier=1,
        accepted_us=1,
    )  # fmt: skip
    made.sending_us, made.sent_us, made.fate_us, made.known_us = 2, 3, 4, 5
    made.fate = made.state = fate
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def accepted(key: int = KEY) -> ev.Accepted:
    return ev.Accepted(1, key, "shop", "+81", "1", 0, 2, 1)


def receipted(at_us: int = 5, state: State = State.DELIVERED) -> ev.Receipted:
    cause = Cause.NONE if state is State.DELIVERED else Cause.NOT_IN_USE
    return ev.Receipted(at_us, KEY, state, cause)


SENT = ev.Sent(3, KEY)


@pytest.mark.parametrize("policy", ["jp-success-billed", "jp-request-billed", "twilio"])
@pytest.mark.parametrize("state", [State.DELIVERED, State.UNDELIVERED, State.EXPIRED])
def test_a_lawful_life_breaks_no_law_at_any_instant(policy: str, state: State) -> None:
    desk, lived = Desk(policy=policy), message(state)
    assert desk.found() == []
    for fact in (accepted(), SENT, receipted(state=state), ev.Told(6, KEY, state, by_read=True)):
        desk.see(fact, message=lived)
        assert desk.found() == []
    assert desk.audit.accepted == desk.audit.ended == 1


def test_looking_twice_changes_nothing() -> None:
    desk = Desk()
    desk.see(accepted(), SENT, receipted(), message=message())
    assert desk.found() == desk.found() == []
    desk.see(accepted(KEY + 1), message=message())
    assert desk.found() == desk.found() == []


# The laws of a life.


def test_a_message_accepted_twice_is_seen() -> None:
    desk = Desk()
    desk.see(accepted(), accepted(), message=message())
    assert f"{NAME} was accepted twice" in desk.found()
    assert "accepted 2 is not 0 ended, 1 open" in desk.found()


@pytest.mark.parametrize(
    ("before", "state"),
    [([], "NONE"), ([accepted(), SENT], "SENT"), ([accepted(), receipted()], "NONE")],
)
def test_a_message_sent_from_nowhere_is_seen(before: list[ev.Event], state: str) -> None:
    desk = Desk()
    desk.see(*before, SENT, message=message())
    assert f"{NAME} was sent from {state}" in desk.found()


def test_a_message_that_ends_twice_is_seen() -> None:
    desk = Desk()
    desk.see(accepted(), SENT, receipted(), receipted(), message=message())
    assert f"{NAME} ended twice, or was never accepted" in desk.found()


def test_a_message_that_ends_without_having_begun_is_seen() -> None:
    desk = Desk()
    desk.see(receipted(), message=message())
    assert f"{NAME} ended twice, or was never accepted" in desk.found()


@pytest.mark.parametrize("lived", [message(State.NONE, fate_us=0), message(fate_us=6)])
def test_a_receipt_before_the_fate_is_seen(lived: Message) -> None:
    desk = Desk()
    desk.see(accepted(), SENT, receipted(at_us=5), message=lived)
    assert desk.found() == [f"{NAME} was known before its fate"]


def test_a_customer_who_was_told_before_it_was_known_is_seen() -> None:
    desk = Desk()
    desk.see(accepted(), SENT, receipted(), message=message())
    desk.see(ev.Told(4, KEY, State.DELIVERED, by_read=False), message=message())
    assert desk.found() == [f"{NAME} was told before it was known"]


def test_news_of_the_way_may_come_at_any_time() -> None:
    desk = Desk()
    desk.see(accepted(), SENT, receipted(), message=message())
    desk.see(ev.Told(4, KEY, State.SENT, by_read=False), message=message())
    assert desk.found() == []


def test_only_who_has_read_a_text_follows_its_link() -> None:
    clicks = (accepted(), SENT, receipted(), ev.Clicked(9, KEY))
    for opened_us, found in ((8, []), (10, [unread := f"{NAME} was clicked before it was read"])):
        desk = Desk()
        desk.see(*clicks, message=message(opened_us=opened_us))
        assert desk.found() == found
    desk = Desk()
    desk.see(*clicks, message=message())
    assert desk.found() == [unread]


@pytest.mark.parametrize(
    "fact", [ev.Noticed(9, KEY), ev.Opened(9, KEY), ev.Replied(9, KEY, stops=False)]
)
@pytest.mark.parametrize("lived", [message(State.UNDELIVERED), message(fate_us=10)])
def test_whoever_reads_what_was_not_delivered_is_seen(fact: ev.Event, lived: Message) -> None:
    desk = Desk()
    desk.see(accepted(), SENT, fact, message=lived)
    assert desk.found() == [f"{NAME} was read before it was delivered"]


def test_a_message_forgotten_while_open_is_seen() -> None:
    desk = Desk()
    desk.see(accepted(), message=message())
    desk.audit.forget(KEY + 1)
    assert desk.found() == []
    desk.audit.forget(KEY)
    assert desk.found() == [f"{NAME} was forgotten while open"]


# The laws of money: the auditor sees all, the ledger misses or doubles something.


def books_differ(desk: Desk, *names: str) -> bool:
    found = desk.found()
    return len(found) == len(names) and all(
        f"account shop: the book has {name}" in text
        for name, text in zip(names, found, strict=True)
    )


@pytest.mark.parametrize(
    ("policy", "missed", "words"),
    [
        ("jp-success-billed", accepted(), ["0 pending, the facts 2"]),
        ("jp-request-billed", accepted(), ["0 units, the facts 2", "0 micros, the facts 30000000"]),
        ("twilio", SENT, ["0 units, the facts 2", "2 pending, the facts 0", "0 micros"]),
        ("jp-success-billed", receipted(), ["0 units, the facts 2", "2 pending", "0 micros"]),
        ("jp-success-billed", receipted(state=State.UNDELIVERED), ["0 units", "2 pending"]),
    ],
)
def test_a_fact_that_never_reached_the_book_is_seen(
    policy: str, missed: ev.Event, words: list[str]
) -> None:
    life = [accepted(), SENT]
    if isinstance(missed, ev.Receipted):
        life.append(missed)
    desk, state = Desk(policy=policy), getattr(missed, "state", State.SENT)
    for fact in life[: life.index(missed)]:
        desk.see(fact, message=message(state))
    desk.facts.append(missed, message(state))
    assert books_differ(desk, *words)


@pytest.mark.parametrize("doubled", [accepted(), receipted()])
def test_what_was_written_twice_into_the_book_is_seen(doubled: ev.Event) -> None:
    desk = Desk()
    desk.see(accepted(), SENT, receipted(), message=message())
    desk.books.append(doubled, message())
    assert any("account shop: the book has" in text for text in desk.found())


def test_a_price_that_moved_under_the_book_is_seen() -> None:
    desk = Desk()
    desk.see(accepted(), SENT, receipted(), message=message())
    assert desk.found() == []
    desk.ledger.books[0].policy = Desk(price_micros=1).ledger.books[0].policy
    assert books_differ(desk, "2 micros, the facts 30000000")


def test_money_of_an_account_that_nobody_opened_is_seen() -> None:
    desk = Desk()
    stray = ev.Accepted(1, KEY, "stranger", "+81", "1", 0, 2, 1)
    desk.facts.append(stray, message())
    assert desk.found() == ["account stranger: 1 messages under way, and nobody opened it"]


# In a world.


@pytest.mark.breaks_the_books
def test_a_world_whose_book_lost_a_line_has_a_fault() -> None:
    here = world(habits=habits())
    list(campaign(here, 10, 10))
    run(here, START_US + LONG_US)
    assert here.faults() == []
    sheet = here.ledger.books[0].months["2025-06"]
    sheet[next(iter(sheet))] -= 1
    assert here.faults() != []


def test_only_the_first_violations_are_kept() -> None:
    desk = Desk()
    for _ in range(300):
        desk.see(receipted(), message=message())
    assert len(desk.audit.seen) == 100
