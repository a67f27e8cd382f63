"""Queries: what an account may see, in which order; and that reading is telling."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from simulator.core.command import Delete, Inject
from simulator.core.events import Told
from simulator.core.ids import public_id
from simulator.core.message import Message, Reason, Rejection, State
from simulator.core.query import ByReference, Find, Listing, Page, Query
from simulator.engine.read import look, read
from tests.worlds import (
    LONG_US,
    SECOND_US,
    START_US,
    account,
    facts,
    habits,
    kinds,
    phone,
    run,
    send,
    sms,
    world,
)

if TYPE_CHECKING:
    from simulator.engine.world import World

END_US = START_US + LONG_US


def calm() -> World:
    return world(account("shop"), account("other"), habits=habits())


def ids(of: World, found: Message | Listing | Rejection) -> list[str]:
    assert isinstance(found, Listing)
    return [public_id(m.key, of.gateway.epoch) for m in found.messages]


def page(of: World, **more: object) -> Listing:
    found = look(of.gateway, Page("shop", **more))  # type: ignore[arg-type]
    assert isinstance(found, Listing)
    return found


def sent(into: World, n: int, gap_us: int = SECOND_US) -> list[str]:
    """Send n messages, one each `gap_us`; return their ids, newest first."""
    made = []
    for i in range(n):
        at_us = START_US + i * gap_us
        run(into, at_us)
        made.append(public_id(send(into, sms(phone(i)), at_us).key, 0))
    return made[::-1]


# One message.


@pytest.mark.parametrize("finished", [False, True])
def test_a_message_is_found_by_its_id_and_by_its_reference(finished: bool) -> None:
    here = calm()
    message = send(here, sms(reference="order 7"))
    if finished:
        run(here, END_US)
        assert not here.store.live
    for query in (Find("shop", public_id(message.key, 0)), ByReference("shop", "order 7")):
        found = look(here.gateway, query)
        assert isinstance(found, Message)
        assert found == message


@pytest.mark.parametrize(
    "query",
    [
        Find("shop", "0" * 32),
        Find("shop", "not an id"),
        ByReference("shop", "order 8"),
        ByReference("shop", ""),
        ByReference("nobody", "order 7"),
        ByReference("other", "order 7"),
    ],
)
def test_what_there_is_not_is_not_found(query: Query) -> None:
    here = calm()
    send(here, sms(reference="order 7"))
    found = look(here.gateway, query)
    assert isinstance(found, Rejection)
    assert found.reason is Reason.NOT_FOUND


def test_one_account_cannot_see_anothers_message() -> None:
    here = calm()
    name = public_id(send(here, sms()).key, 0)
    assert isinstance(look(here.gateway, Find("shop", name)), Message)
    assert look(here.gateway, Find("other", name)) == Rejection(Reason.NOT_FOUND, detail=name)
    assert look(here.gateway, Page("other")) == Listing((), older=False, newer=False)


def test_a_deleted_message_is_not_found() -> None:
    here = calm()
    message = send(here, sms(reference="a"))
    run(here, END_US)
    here.gateway.submit(Delete(message.key), END_US)
    for query in (Find("shop", public_id(message.key, 0)), ByReference("shop", "a")):
        assert isinstance(look(here.gateway, query), Rejection)
    assert page(here).messages == ()


# Telling.


def test_reading_tells_and_looking_does_not() -> None:
    here = calm()
    message = send(here, sms())
    run(here, END_US)
    name = public_id(message.key, 0)
    before = here.log.digest()
    look(here.gateway, Find("shop", name))
    assert here.log.digest() == before
    found = read(here.gateway, Find("shop", name), END_US)
    assert isinstance(found, Message)
    assert found.state is State.DELIVERED
    assert kinds(here)[-1] == "Told"
    read(here.gateway, Find("shop", name), END_US)
    assert kinds(here).count("Told") == 1


def test_reading_what_is_only_accepted_tells_nothing_new() -> None:
    here = calm()
    message = send(here, sms())
    read(here.gateway, Find("shop", public_id(message.key, 0)), START_US)
    assert kinds(here) == ["Accepted"]


def test_a_page_tells_of_each_message_on_it_and_of_no_other() -> None:
    here = calm()
    sent(here, 5)
    run(here, END_US)
    shown = read(here.gateway, Page("shop", size=2), END_US)
    assert isinstance(shown, Listing)
    told = [f.key for f in facts(here) if isinstance(f, Told)]
    assert told == [m.key for m in shown.messages]
    here.gateway.submit(Inject("shop", phone(0), "12345", "Hi"), END_US)
    read(here.gateway, Page("shop", size=1), END_US)
    assert [f.state for f in facts(here) if isinstance(f, Told)][-1] is State.RECEIVED


def test_asking_for_what_there_is_not_tells_nobody() -> None:
    here = calm()
    before = here.log.digest()
    read(here.gateway, Find("shop", "0" * 32), END_US)
    read(here.gateway, Page("shop"), END_US)
    assert here.log.digest() == before


# Pages.


@pytest.mark.parametrize("size", [1, 3, 7, 20])
def test_pages_show_every_message_once_newest_first_and_lead_back(size: int) -> None:
    here = calm()
    names = sent(here, 20)
    forth, cursor = [], ""
    while True:
        found = page(here, size=size, cursor=cursor)
        forth.append(ids(here, found))
        assert found.newer == (cursor != "")
        if not found.older:
            break
        cursor = forth[-1][-1]
    assert [name for part in forth for name in part] == names
    back = [forth[-1]]
    while back[-1]:
        found = page(here, size=size, cursor=back[-1][0], back=True)
        assert found.older
        back.append(ids(here, found))
    assert [page for page in back[::-1] if page] == forth


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_order_of_arrival_within_one_instant_does_not_show(order: tuple[int, ...]) -> None:
    def listed(arrivals: tuple[int, ...]) -> list[list[str]]:
        here = calm()
        for i in arrivals:
            send(here, sms(phone(i)))
        send(here, sms(phone(9)), START_US + 1)
        first = page(here, size=2)
        second = page(here, size=2, cursor=ids(here, first)[-1])
        third = page(here, size=2, cursor=ids(here, second)[-1])
        return [ids(here, part) for part in (first, second, third)]

    assert listed(order) == listed((0, 1, 2, 3))


def test_a_page_can_be_narrowed_to_a_recipient_or_a_sender() -> None:
    here = calm()
    for i in range(6):
        send(here, sms(phone(i % 2), sender=("a", "b", "c")[i % 3]), START_US + i)
    assert {m.to for m in page(here, to=phone(1)).messages} == {phone(1)}
    assert len(page(here, to=phone(1)).messages) == 3
    assert [m.accepted_us - START_US for m in page(here, sender="b").messages] == [4, 1]
    assert [m.accepted_us - START_US for m in page(here, sender="b", to=phone(0)).messages] == [4]
    assert page(here, to=phone(5)) == Listing((), older=False, newer=False)


def test_ranges_of_acceptance_are_half_open() -> None:
    here = calm()
    for i in range(6):
        send(here, sms(phone(i)), START_US + i)
    found = page(here, accepted_from_us=START_US + 1, accepted_before_us=START_US + 4)
    assert [m.accepted_us - START_US for m in found.messages] == [3, 2, 1]
    cursor = public_id(found.messages[-1].key, 0)
    again = page(
        here,
        accepted_from_us=START_US + 1,
        accepted_before_us=START_US + 4,
        cursor=cursor,
        back=True,
    )
    assert [m.accepted_us - START_US for m in again.messages] == [3, 2]


def test_a_walk_forward_from_the_beginning_keeps_to_the_range_as_well() -> None:
    here = calm()
    for i in range(6):
        send(here, sms(phone(i)), START_US + i)
    found = page(here, accepted_from_us=START_US + 3, back=True, size=2)
    assert [m.accepted_us - START_US for m in found.messages] == [4, 3]


def test_ranges_of_sending_leave_out_what_was_never_sent() -> None:
    here = calm()
    send(here, sms())
    send(here, sms("+33612345678", country="FR"))
    run(here, END_US)
    (only,) = page(here, sent_before_us=END_US).messages
    assert only.country == "JP"
    assert page(here, sent_from_us=only.sent_us).messages == (only,)
    assert page(here, sent_from_us=only.sent_us + 1).messages == ()
    assert page(here, sent_before_us=only.sent_us).messages == ()


def test_a_cursor_that_leads_nowhere_ends_the_listing() -> None:
    here = calm()
    sent(here, 3)
    assert page(here, cursor="0" * 32) == Listing((), older=False, newer=False)


def test_a_page_of_another_account_cannot_be_entered_by_its_cursor() -> None:
    here = calm()
    send(here, sms(account="other"))
    name = public_id(send(here, sms(), START_US + 1).key, 0)
    assert look(here.gateway, Page("other", cursor=name)) == Listing((), older=False, newer=False)


def test_pages_go_past_what_retention_has_pruned() -> None:
    here = world(habits=habits(), retention=5)
    names = sent(here, 40, gap_us=60 * SECOND_US)
    run(here, END_US)
    assert ids(here, page(here)) == names[:5]
    assert not page(here).older


def test_what_came_in_is_listed_beside_what_went_out() -> None:
    here = calm()
    send(here, sms())
    here.gateway.submit(Inject("shop", phone(3), "12345", "Hi"), START_US + 1)
    assert [m.inbound for m in page(here).messages] == [True, False]
