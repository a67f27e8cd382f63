"""The control port's people: what a number's draws are, before anything has been sent to it.

A person is drawn, not stored, so any number has one. Looking changes nothing: the same draws decide
when a message comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from aiohttp import web
from pydantic import BeforeValidator

from simulator.core import number as numbers
from simulator.core.chance import key_bytes, message_key, once, person_key
from simulator.core.handset import absent_until
from simulator.core.person import react
from simulator.web import control_show as show
from simulator.web.control_ask import Asked, Name, instant_of, query_of
from simulator.web.control_gate import HttpError

if TYPE_CHECKING:
    from simulator.core.person import Persona
    from simulator.engine.world import World
    from simulator.web.control_panel import Panel
    from simulator.web.control_show import Json


class PersonQuery(Asked):
    """When; and whose next message."""

    at: Annotated[int | None, BeforeValidator(instant_of)] = None
    account: Name = ""


async def person(panel: Panel, request: web.Request) -> web.Response:
    """Answer with who has a number, and how it stands with its handset."""
    driver = panel.driver(request)
    query = query_of(request, PersonQuery)
    panel.has_account(driver.world, query.account)
    seen = request.match_info["number"]
    found = numbers.parse(seen)
    if isinstance(found, numbers.NumberFault):
        raise HttpError(400, f"number: {found.message}")
    at_us = driver.now() if query.at is None else query.at
    world, to = driver.world, found.e164
    person8 = person_key(to)
    people, physics = world.gateway.people, world.gateway.physics
    persona = people.persona(found.country, person8)
    away_us = absent_until(persona.away, person8, at_us)
    return web.json_response(
        {
            "number": to,
            "country": found.country,
            "kind": found.kind.name.lower(),
            "segment": persona.name,
            "carrier": people.carrier(to, found.country, person8).name,
            "in_use": once(person8, physics.gone) >= persona.gone,
            "refuses": once(person8, physics.refuses) < persona.refuses,
            **show.instant("at", at_us),
            "absent": away_us > 0,
            **show.instant("absent_until", away_us),
            "opted_out_of": _opted_out(world, to),
            "next": _next(world, query.account, to, persona) if query.account else None,
        }
    )


def _opted_out(world: World, to: str) -> list[Json]:
    """Return by whom this person wants no more messages."""
    return [
        {"account": name, "sender": sender}
        for name, shelf in sorted(world.store.shelves.items())
        for sender in sorted(sender for sender, number in shelf.opted_out if number == to)
    ]


def _next(world: World, account: str, to: str, persona: Persona) -> Json | None:
    """Say what this person does with the account's next message, if it is delivered.

    With `identity: content` a message's chance depends on its text as well: nothing can be said.
    """
    if world.gateway.by_content:
        return None
    shelf = world.store.shelves[account]
    k = shelf.counts.get(to, 0)
    fate8 = key_bytes(message_key(shelf.account.lane, to, k, None))
    streams = world.gateway.physics.reaction
    told = react(persona, streams, fate8, 0, can_reply=True, has_link=True)
    return {
        "k": k,
        "noticed_after_us": told.noticed_us or None,
        "opened_after_us": told.opened_us or None,
        "clicks_after_us": told.clicked_us or None,
        "replies_after_us": told.replied_us or None,
        "says_stop": told.stops,
    }
