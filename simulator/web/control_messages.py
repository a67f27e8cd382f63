"""The control port's messages: pages across accounts, one with its timeline, purges, replies.

Looking here tells nobody anything: what a customer was told does not change by it.
"""

from __future__ import annotations

import asyncio
import re
from heapq import merge
from typing import TYPE_CHECKING

from aiohttp import web

from simulator.core import number
from simulator.core.carrier import CARRIERS
from simulator.core.command import Delete, Inject
from simulator.core.ids import key_of_id, public_id
from simulator.core.message import FINAL, Message, State
from simulator.web import control_show as show
from simulator.web.control_ask import (
    NoQuery,
    ReferenceQuery,
    ReplyBody,
    body_of,
    query_of,
)
from simulator.web.control_gate import HttpError
from simulator.web.control_pages import MessagesQuery, PurgeQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.engine.driver import Driver
    from simulator.engine.world import World
    from simulator.web.control_panel import Panel
    from simulator.web.control_show import Json

SCANNED_MAX = 10_000  # messages looked at for one page; a page may therefore be short
_AT_ONCE = 200  # forgotten, before the others of the loop get a turn
_END_OF_TIME_US = 2**62
_ID = re.compile(r"(?:[A-Za-z]{2})?([0-9a-fA-F]{32})")
_CURSOR = re.compile(r"([0-9]{1,18})-([0-9a-f]{32})")


async def messages(panel: Panel, request: web.Request) -> web.Response:
    """Answer with a page of messages, newest first."""
    world = panel.driver(request).world
    query = query_of(request, MessagesQuery)
    panel.has_account(world, query.account)
    found: list[Json] = []
    last = None
    walk = _newest_first(world, query.account, query.cursor)
    for scanned, message in enumerate(walk):
        if len(found) == query.limit or scanned == SCANNED_MAX:
            break
        last = message
        if _fits(message, query):
            found.append(show.message(world, message))
    else:
        last = None  # that was all
    following = last and f"{last.accepted_us}-{public_id(last.key, world.gateway.epoch)}"
    return web.json_response({"messages": found, "next": following})


def _newest_first(world: World, account: str, cursor: str) -> Iterator[Message]:
    """Walk the messages of one account or of all, by acceptance and then by key, both falling."""
    before = (_END_OF_TIME_US, 0)
    if cursor:
        match = _CURSOR.fullmatch(cursor)
        key = None if match is None else key_of_id(match[2], world.gateway.epoch)
        if match is None or key is None:
            raise HttpError(400, "cursor: expected the `next` of a page of this world")
        before = (int(match[1]), key)
    store = world.store
    shelves = [store.shelves[account]] if account else list(store.shelves.values())
    walks = [store.walk(shelf, before[0], -1) for shelf in shelves]
    for message in merge(*walks, key=_place, reverse=True):
        if _place(message) < before:
            yield message


def _place(message: Message) -> tuple[int, int]:
    return message.accepted_us, message.key


def _fits(message: Message, query: MessagesQuery) -> bool:
    if query.state and message.state.name.lower() != query.state:
        return False
    if query.direction and message.inbound is not (query.direction == "inbound"):
        return False
    if query.carrier and (message.inbound or CARRIERS[message.carrier].name != query.carrier):
        return False
    if query.text and query.text.casefold() not in message.body.casefold():
        return False
    if query.to and message.to not in _spellings(query.to):
        return False
    return not query.sender or message.sender in _spellings(query.sender)


def _spellings(text: str) -> tuple[str, ...]:
    """Return what a query may mean: the text, with a plus that became a space, or the number."""
    plus = f"+{text[1:]}" if text.startswith(" ") else text
    found = number.parse(plus)
    return (text, plus, found.e164) if isinstance(found, number.Number) else (text, plus)


async def message(panel: Panel, request: web.Request) -> web.Response:
    """Answer with one message by its public id, with or without the provider's prefix."""
    driver = panel.driver(request)
    query_of(request, NoQuery)
    seen = request.match_info["id"]
    match = _ID.fullmatch(seen.replace("-", ""))
    key = match and key_of_id(match[1], driver.world.gateway.epoch)
    return _detail(driver.world, key, seen)


async def message_by_reference(panel: Panel, request: web.Request) -> web.Response:
    """Answer with one message by the client's own reference."""
    world = panel.driver(request).world
    query = query_of(request, ReferenceQuery)
    panel.has_account(world, query.account)
    key = world.store.shelves[query.account].key_of_reference(query.reference)
    return _detail(world, key, query.reference)


def _detail(world: World, key: int | None, seen: str) -> web.Response:
    found = None if key is None else world.store.get(key)
    if found is None or key is None:
        raise HttpError(404, f"no message {seen[:64]!r} is kept in world {world.name}")
    epoch = world.gateway.epoch
    timeline = [show.event(fact, epoch) for fact in world.inbox.timeline(found)]
    return web.json_response({**show.message(world, found), "timeline": timeline})


async def purge(panel: Panel, request: web.Request) -> web.Response:
    """Forget every message whose end is known, as if its owner had deleted it; counters stay."""
    driver = panel.driver(request)
    query = query_of(request, PurgeQuery)
    world, store = driver.world, driver.world.store
    panel.has_account(world, query.account)
    panel.stir(driver)
    shelves = [store.shelves[query.account]] if query.account else list(store.shelves.values())
    purged = kept = 0
    for shelf in shelves:
        for place, key in enumerate(list(shelf.keys)):
            if place % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if world.store is not store:
                raise HttpError(409, f"world {world.name} was reset meanwhile")
            found = store.get(key)
            if found is not None and (found.state in FINAL or found.state is State.RECEIVED):
                driver.submit(Delete(key))
                purged += 1
            elif found is not None:
                kept += 1
    return web.json_response({"purged": purged, "kept": kept})


async def reply(panel: Panel, request: web.Request) -> web.Response:
    """Let a person write to an account."""
    driver = panel.driver(request)
    asked = await body_of(request, ReplyBody, panel.server.settings.body_timeout_s)
    panel.has_account(driver.world, asked.account)
    if not asked.account:
        raise HttpError(400, "account: is missing: add it")
    person = number.parse(asked.person)
    if isinstance(person, number.NumberFault):
        raise HttpError(400, f"from: {person.message}")
    panel.stir(driver)
    return _received(driver, Inject(asked.account, person.e164, asked.sender, asked.body))


def _received(driver: Driver, words: Inject) -> web.Response:
    received = driver.submit(words)
    assert isinstance(received, Message)
    return web.json_response(show.message(driver.world, received), status=201)
