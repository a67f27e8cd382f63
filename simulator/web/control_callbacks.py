"""The control port's callbacks: every attempt that the log still holds, the given up among them.

A callback that was given up is a dead letter: it says for which message and state, how its last
attempt ended, and how many there were. Why our own egress policy refused one is said by URL alone,
since it is the same for every message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from simulator.core import events as ev
from simulator.core.ids import public_id
from simulator.core.message import OutcomeKind
from simulator.engine.log import decode
from simulator.web import control_show as show
from simulator.web.control_ask import Asked, Limit, Name, query_of
from simulator.web.control_gate import HttpError

if TYPE_CHECKING:
    from simulator.engine.world import World
    from simulator.web.control_panel import Panel
    from simulator.web.control_show import Json

SCANNED_MAX = 20_000  # facts looked at for one page; a page may therefore be short
_AT_ONCE = 1_000
_NUMBER_MAX = 2**63 - 1
_OUTCOMES = {kind.name.lower(): kind for kind in OutcomeKind}


class CallbacksQuery(Asked):
    """Which attempts, and which page of them."""

    account: Name = ""
    kind: Literal["", "tried", "abandoned"] = ""
    outcome: Literal["", "answered", "unreachable", "timed_out", "forbidden", "dropped"] = ""
    limit: Limit = 50
    cursor: Annotated[str, Field(max_length=19, pattern="^[0-9]*$")] = ""


class RefusalsQuery(Asked):
    """How many."""

    limit: Limit = 50


async def callbacks(panel: Panel, request: web.Request) -> web.Response:
    """Answer with attempts, newest first."""
    world = panel.driver(request).world
    query = query_of(request, CallbacksQuery)
    panel.has_account(world, query.account)
    before = world.log.count
    if query.cursor:
        if int(query.cursor) > before:
            raise HttpError(400, "cursor: expected the `next` of a page of this world")
        before = int(query.cursor)
    found, following = _page(world, query, before)
    return web.json_response({"callbacks": found, "next": following})


def _page(world: World, query: CallbacksQuery, before: int) -> tuple[list[Json], str | None]:
    """Walk the log backwards from a number on, a stretch at a time."""
    found: list[Json] = []
    scanned = 0
    while before > 0 and scanned < SCANNED_MAX:
        size = min(_AT_ONCE, before)
        first, lines = world.log.since(before - size, size)
        lines = lines[: max(0, before - first)]  # of what is left of this stretch
        for number in range(first + len(lines) - 1, first - 1, -1):
            shown = _shown(world, query, decode(lines[number - first]))
            if shown is not None:
                found.append({"number": number, **shown})
                if len(found) == query.limit:
                    return found, str(number) if number else None
        scanned += size
        if first > before - size:
            return found, None  # what is older has been dropped
        before -= size
    return found, str(before) if before else None


def _shown(world: World, query: CallbacksQuery, fact: ev.Event) -> Json | None:
    if not isinstance(fact, (ev.CallbackTried, ev.CallbackAbandoned)):
        return None
    tried = isinstance(fact, ev.CallbackTried)
    if query.kind and query.kind != ("tried" if tried else "abandoned"):
        return None
    if query.outcome and fact.outcome is not _OUTCOMES[query.outcome]:
        return None
    message = world.store.get(fact.key)
    if query.account and (message is None or message.account != query.account):
        return None
    return {
        "kind": "tried" if tried else "abandoned",
        **show.instant("at", fact.at_us),
        "message": public_id(fact.key, world.gateway.epoch),
        "account": None if message is None else message.account,
        "url": None if message is None else message.callback_url,
        "state": fact.state.name.lower(),
        "attempt": fact.nth + 1 if isinstance(fact, ev.CallbackTried) else None,
        "outcome": fact.outcome.name.lower(),
        "status": _status(fact),
    }


def _status(fact: ev.CallbackTried | ev.CallbackAbandoned) -> int | None:
    return (fact.status or None) if isinstance(fact, ev.CallbackTried) else None


async def refusals(panel: Panel, request: web.Request) -> web.Response:
    """Answer with why our egress policy refused the latest calls, newest first."""
    world = panel.driver(request).world
    query = query_of(request, RefusalsQuery)
    latest: list[dict[str, Any]] = [
        {"origin": each.origin, "reason": each.reason}
        for each in reversed(panel.server.caller.last_refusals)
        if each.world == world.name
    ]
    return web.json_response({"refusals": latest[: query.limit]})
