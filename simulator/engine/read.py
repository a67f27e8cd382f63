"""Queries, answered from the store. Reading is telling, so a read may write `Told` facts."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from simulator.core.command import Batched, Replayed, Touch
from simulator.core.ids import key_of_id
from simulator.core.message import Message, Origin, Reason, Rejection
from simulator.core.query import ByReference, Find, Listing, Page, Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.command import Aimed
    from simulator.engine.gateway import Gateway

_END_OF_TIME_US = 2**62


def read(gateway: Gateway, query: Query, now_us: int) -> Message | Listing | Rejection:
    """Answer a query of an account's owner, and note what it was told by that."""
    found = look(gateway, query)
    messages = found.messages if isinstance(found, Listing) else (found,)
    news = tuple(m.key for m in messages if isinstance(m, Message) and m.told is not m.state)
    if news and not (isinstance(query, Find) and not query.tells):
        gateway.submit(Touch(news), now_us)
    return found


def act(
    gateway: Gateway, query: Find | ByReference, command: Aimed, now_us: int
) -> Message | Rejection | None:
    """Carry out a command about a message that is known by its public id or reference."""
    found = look(gateway, query)
    if not isinstance(found, Message):
        assert isinstance(found, Rejection)
        return found
    answer = gateway.submit(replace(command, key=found.key), now_us)
    assert not isinstance(answer, Batched | Replayed)
    return answer


def look(gateway: Gateway, query: Query) -> Message | Listing | Rejection:
    """Answer a query without anybody's being told: for the control port and for ourselves."""
    if isinstance(query, Page):
        return _page(gateway, query)
    key = (
        _reference(gateway, query)
        if isinstance(query, ByReference)
        else key_of_id(query.public_id, gateway.epoch)
    )
    message = None if key is None else gateway.store.get(key)
    if message is None or message.account != query.account or _is_hidden(message):
        seen = query.public_id if isinstance(query, Find) else query.reference
        return Rejection(Reason.NOT_FOUND, detail=seen)
    if isinstance(query, Find) and query.media is not None:
        has_media = message.extra is not None and bool(message.extra.media)
        if has_media is not query.media:
            return Rejection(Reason.NOT_FOUND, detail=query.public_id)
    return message


def _reference(gateway: Gateway, query: ByReference) -> int | None:
    shelf = gateway.store.shelves.get(query.account)
    return None if shelf is None else shelf.key_of_reference(query.reference)


def _page(gateway: Gateway, page: Page) -> Listing:
    shelf = gateway.store.shelves.get(page.account)
    if shelf is None:
        return Listing((), older=False, newer=False)
    step = 1 if page.back else -1
    at_us, edge = _END_OF_TIME_US if step < 0 else 0, None
    if page.accepted_before_us and step < 0:
        at_us = page.accepted_before_us - 1
    if page.cursor:
        key = key_of_id(page.cursor, gateway.epoch)
        mark = None if key is None else gateway.store.get(key)
        if mark is None or mark.account != page.account:
            return Listing((), older=False, newer=False)
        at_us, edge = mark.accepted_us, (mark.accepted_us, mark.key)
    matching = _matching(gateway.store.walk(shelf, at_us, step), page, edge, step)
    taken = list(islice(matching, page.size + 1))
    more, kept = len(taken) > page.size, taken[: page.size]
    if step > 0:
        kept.reverse()
        return Listing(tuple(kept), older=edge is not None, newer=more)
    return Listing(tuple(kept), older=more, newer=edge is not None)


def _matching(
    messages: Iterator[Message], page: Page, edge: tuple[int, int] | None, step: int
) -> Iterator[Message]:
    for m in messages:
        if step < 0 and m.accepted_us < page.accepted_from_us:
            return
        place = (m.accepted_us, m.key)
        if edge is not None and (place >= edge if step < 0 else place <= edge):
            continue
        if _fits(m, page):
            yield m


def _is_hidden(message: Message) -> bool:
    """Tell whether the provider's API shows nothing of a message: its own automatic replies."""
    return message.origin is Origin.AUTOMATIC


def _fits(m: Message, page: Page) -> bool:
    if _is_hidden(m):
        return False
    if (page.to and m.to != page.to) or (page.sender and m.sender != page.sender):
        return False
    if m.accepted_us < page.accepted_from_us:
        return False
    if page.accepted_before_us and m.accepted_us >= page.accepted_before_us:
        return False
    if page.sent_from_us and m.sent_us < page.sent_from_us:
        return False
    return not page.sent_before_us or 0 < m.sent_us < page.sent_before_us
