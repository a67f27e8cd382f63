"""Words that people opt out and in by, and what the provider answers by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.command import Inject
from simulator.core.consent import SILENT, SPOKEN, Keywords
from simulator.core.ids import public_id
from simulator.core.message import Message, Origin, Reason, Rejection, State
from simulator.core.query import Find, Page
from simulator.core.trouble import Trouble
from simulator.engine.read import look
from tests.worlds import (
    MINUTE_US,
    SECOND_US,
    START_US,
    account,
    advance,
    habits,
    kinds,
    phone,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from simulator.engine.world import World

STOPS = habits(noticed=1.0, opened=1.0, reply=0.0, stop=1.0)


def spoken(**more: Any) -> World:
    return world(account(keywords=SPOKEN, **more), habits=habits())


def wrote(here: World, body: str, i: int = 0, at_us: int = START_US) -> Message:
    message = here.gateway.submit(Inject("shop", phone(i), "12345", body), at_us)
    assert isinstance(message, Message)
    return message


def automatic(here: World) -> list[Message]:
    messages = [here.store.get(key) for key in here.store.shelves["shop"].keys]
    return [m for m in messages if m is not None and m.origin is Origin.AUTOMATIC]


def is_refused(here: World, i: int = 0, **more: Any) -> bool:
    answer = here.gateway.submit(sms(phone(i), **more), here.gateway.now_us)
    return isinstance(answer, Rejection) and answer.reason is Reason.OPTED_OUT


@pytest.mark.parametrize("word", SPOKEN.stop)
def test_each_word_that_means_stop_closes_and_is_answered_once(word: str) -> None:
    here = spoken()
    asked = wrote(here, f" {word.lower()}\n")
    assert is_refused(here)
    wrote(here, "STOP")
    (reply,) = automatic(here)
    assert (reply.body, reply.to, reply.sender) == (SPOKEN.on_stop, phone(0), "12345")
    assert (reply.state, reply.depth) == (State.SENT, asked.depth + 1)
    assert here.truth.tally("shop").auto_replied == 1


@pytest.mark.parametrize("word", SPOKEN.start)
def test_each_word_that_means_start_opens_again(word: str) -> None:
    here = spoken()
    wrote(here, "STOP")
    wrote(here, word)
    assert not is_refused(here)
    assert [m.body for m in automatic(here)] == [SPOKEN.on_stop, SPOKEN.on_start]


def test_start_says_nothing_to_who_never_left() -> None:
    here = spoken()
    wrote(here, "YES")
    assert automatic(here) == []


def test_help_is_answered_and_changes_nothing() -> None:
    here = spoken()
    wrote(here, "help")
    wrote(here, "STOP")
    wrote(here, "INFO")
    assert [m.body for m in automatic(here)] == [SPOKEN.on_help, SPOKEN.on_stop, SPOKEN.on_help]
    assert is_refused(here)


def test_stop_closes_one_sender_and_one_person() -> None:
    here = spoken()
    wrote(here, "STOP")
    assert not is_refused(here, 1)
    assert not is_refused(here, sender="777")


def test_an_automatic_reply_costs_nothing_and_counts_as_nothing_that_was_sent() -> None:
    here = spoken(quota=0)
    wrote(here, "STOP")
    advance(here)
    assert here.ledger.invoices() == []
    assert here.truth.tally("shop").accepted == 0
    assert here.store.shelves["shop"].accepted == 0
    assert not here.store.live


def test_the_providers_api_shows_no_automatic_reply_and_the_timeline_does() -> None:
    here = spoken()
    wrote(here, "STOP")
    (reply,) = automatic(here)
    listing = look(here.gateway, Page("shop"))
    assert [m.body for m in listing.messages] == ["STOP"]  # type: ignore[union-attr]
    found = look(here.gateway, Find("shop", public_id(reply.key, 0)))
    assert isinstance(found, Rejection)
    assert [type(fact).__name__ for fact in here.inbox.timeline(reply)] == ["AutoReplied"]


def test_a_person_who_stops_by_itself_is_answered_too() -> None:
    here = world(account(keywords=SPOKEN), habits=STOPS)
    message = send(here, sms(can_reply=True))
    advance(here)
    assert kinds(here)[-4:] == ["Replied", "Received", "OptedOut", "AutoReplied"]
    (reply,) = automatic(here)
    assert (reply.depth, reply.carrier) == (2, message.carrier)


def test_an_automatic_reply_moves_no_other_message() -> None:
    here, there = spoken(), world(account(keywords=SILENT), habits=habits())
    for each in (here, there):
        wrote(each, "HELP")
    ours, theirs = send(here, sms()), send(there, sms())
    assert (ours.key, ours.fate_key) == (theirs.key, theirs.fate_key)


def test_an_account_may_obey_other_words_or_none() -> None:
    here = spoken()
    here.configure(account(keywords=Keywords(stop=("ARRET",), on_stop="Fini")), START_US)
    wrote(here, "STOP")
    assert not is_refused(here)
    wrote(here, "arret")
    assert is_refused(here)
    assert [m.body for m in automatic(here)] == ["Fini"]


def test_bad_input_23_a_machine_that_asks_for_help_again_and_again_is_left_alone() -> None:
    here = spoken()
    for i in range(60):
        wrote(here, "HELP", at_us=START_US + i * SECOND_US)
    assert len(automatic(here)) == 30  # fifteen in each thirty seconds
    assert set(here.truth.warned) == {("shop", Trouble.REPLY_LOOP)}
    wrote(here, "HELP", 1, START_US + MINUTE_US)
    assert len(automatic(here)) == 31


def test_what_is_answered_automatically_survives_retention() -> None:
    here = world(account(keywords=SPOKEN), habits=habits(), retention=5)
    for i in range(40):
        wrote(here, "STOP", i, START_US + i)
    assert len(here.store.finished) == 5
    assert here.truth.tally("shop").auto_replied == 40
