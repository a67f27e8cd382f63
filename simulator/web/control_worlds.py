"""The control port's worlds and accounts: list, look, set, reset; and their sums."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from simulator.core.message import FINAL
from simulator.dialects import DIALECTS
from simulator.engine.world import DEFAULT
from simulator.views.ledger import INVOICE_HEAD
from simulator.web import control_books as books
from simulator.web import control_declared as declared
from simulator.web import control_show as show
from simulator.web.control_ask import AccountBody, NoQuery, body_of, query_of
from simulator.web.control_gate import HttpError
from simulator.web.control_pages import AccountPageQuery, PageQuery, page_of

if TYPE_CHECKING:
    from simulator.core.account import Retry
    from simulator.core.consent import Keywords
    from simulator.core.message import Account
    from simulator.engine.driver import Driver
    from simulator.engine.world import World
    from simulator.web.control_ask import RetryBody
    from simulator.web.control_panel import Panel
    from simulator.web.control_show import Json

_ACCOUNT = re.compile(r"[A-Za-z0-9_.@:+-]{1,64}")
_MONEY = ("policy", "price_micros", "currency", "tax_bp")
# What null means, and the name in `Account` where it is another.
_NULLS = {
    "price": ("price_micros", -1),
    "currency": ("currency", ""),
    "tax_percent": ("tax_bp", -1),
    "push_url": ("push_url", ""),
    "inbound_url": ("inbound_url", ""),
    "senders": ("senders", ()),
    "quota": ("quota", -1),
    "fallback_url": ("fallback_url", ""),
    "limits": ("limits", ()),
    "concurrency": ("concurrency", -1),
    "services": ("services", ()),
    "api_keys": ("api_keys", ()),
    "countries": ("countries", ()),
    "verified": ("verified", ()),
    "test_credentials": ("test", False),
}


async def worlds(panel: Panel, request: web.Request) -> web.Response:
    """Answer with every world, in short."""
    query = query_of(request, PageQuery)
    drivers = [((name,), driver) for name, driver in sorted(panel.server.drivers.items())]
    found, following = page_of("worlds", drivers, query)
    return web.json_response({"worlds": list(map(_short, found)), "next": following})


def _short(driver: Driver) -> Json:
    world = driver.world
    return {
        "name": world.name,
        "seed": world.options.seed,
        "epoch": world.gateway.epoch,
        **show.clock(driver),
        "accounts": len(world.store.shelves),
        "messages": books.retention(world),
        "events": world.log.count,
        "digest": world.log.digest(),
        "pending_waits": len(world.gateway.waits),
        "advancing": driver.advancing,
    }


async def world(panel: Panel, request: web.Request) -> web.Response:
    """Answer with one world, and what is wrong with its books."""
    query_of(request, NoQuery)
    driver = panel.driver(request)
    return web.json_response({**_short(driver), "faults": driver.world.faults()})


async def delete(panel: Panel, request: web.Request) -> web.Response:
    """End a world, with its accounts, messages and waits."""
    query_of(request, NoQuery)
    driver = panel.driver(request)
    name = driver.world.name
    if name == DEFAULT:
        raise HttpError(409, f"world {name} stays; POST /v1/worlds/{name}/reset empties it")
    if driver.advancing:
        raise HttpError(409, f"world {name} is advancing; wait for its end")
    panel.stir(driver)
    driver.stop()
    del panel.server.drivers[name]
    panel.server.worlds.remove(name)
    return web.Response(status=204)


async def reset(panel: Panel, request: web.Request) -> web.Response:
    """Begin a world anew; accounts, their settings and pending waits stay."""
    query_of(request, NoQuery)
    driver = panel.driver(request)
    _reset(panel, [driver])
    return web.json_response(_short(driver))


async def reset_all(panel: Panel, request: web.Request) -> web.Response:
    """Begin all worlds anew, or none."""
    query_of(request, NoQuery)
    drivers = [driver for _, driver in sorted(panel.server.drivers.items())]
    _reset(panel, drivers)
    return web.json_response({"worlds": [_short(driver) for driver in drivers]})


def _reset(panel: Panel, drivers: list[Driver]) -> None:
    for driver in drivers:
        if driver.advancing:
            raise HttpError(409, f"world {driver.world.name} is advancing; wait for its end")
    for driver in drivers:
        panel.stir(driver)
        driver.world.reset()
        driver.poke()


async def accounts(panel: Panel, request: web.Request) -> web.Response:
    """Answer with the accounts of a world."""
    found, query = panel.driver(request).world, query_of(request, PageQuery)
    names = [((name,), name) for name in sorted(found.store.shelves)]
    page, following = page_of("accounts", names, query)
    return web.json_response(
        {"accounts": [show.account(found, name) for name in page], "next": following}
    )


async def account(panel: Panel, request: web.Request) -> web.Response:
    """Answer with one account."""
    query_of(request, NoQuery)
    found, name = panel.driver(request).world, request.match_info["id"]
    panel.has_account(found, name)
    return web.json_response(show.account(found, name))


async def put_account(panel: Panel, request: web.Request) -> web.Response:
    """Make an account, or change what the body names."""
    name, place = request.match_info["id"], request.match_info["world"]
    asked = await body_of(request, AccountBody, panel.server.settings.body_timeout_s)
    if _ACCOUNT.fullmatch(name) is None:
        raise HttpError(400, f"expected an account id such as AC0123 or 12345; seen {name[:64]!r}")
    home = panel.server.worlds.of_account.get(name)
    if home is not None and home.name != place:
        raise HttpError(409, f"account {name} belongs to world {home.name}, and stays there")
    if home is None and not asked.dialect:
        raise HttpError(400, f"dialect: is missing: add it; known: {', '.join(sorted(DIALECTS))}")
    limit = panel.server.settings.accounts_limit
    if home is None and len(panel.server.worlds.accounts) >= limit:
        raise HttpError(429, f"there are {limit} accounts; use one of them, or --accounts-limit")
    before = home.account(name) if home else DIALECTS[asked.dialect].new_account(name, "")
    usual = DIALECTS[asked.dialect or before.dialect].new_account(name, "").keywords
    settings = _settings(panel, asked, usual)
    driver = panel.driver_made(request)
    if home is not None:
        _check_change(home, before, settings)
    panel.stir(driver)
    if asked.retry is not None:
        settings["retry"] = _retry(before.retry, asked.retry)
    elif "retry" in asked.model_fields_set:
        settings["retry"] = DIALECTS[before.dialect].new_account(name, "").retry
    if "scheduled_max" in asked.model_fields_set:
        most = -1 if asked.scheduled_max is None else asked.scheduled_max
        settings["schedule"] = msgspec.structs.replace(before.schedule, most=most)
    changed = msgspec.structs.replace(before, **settings)
    panel.server.worlds.configure(changed, place, driver.now())
    driver.poke()
    return web.json_response(show.account(driver.world, name), status=201 if home is None else 200)


def _settings(panel: Panel, asked: AccountBody, usual: Keywords) -> dict[str, Any]:
    """Return what the body names, in the names and values of `Account`."""
    settings: dict[str, Any] = {}
    for name in sorted(asked.model_fields_set - {"retry", "scheduled_max"}):
        field, default = _NULLS.get(name, (name, None))
        value = getattr(asked, name)
        settings[field] = default if value is None else value
        if name.endswith("_url") and value:
            panel.callable_url(name, value)
    for name in {"senders", "countries", "verified"} & settings.keys():
        settings[name] = tuple(settings[name])
    if asked.limits is not None:
        settings["limits"] = tuple(limit.throughput() for limit in asked.limits)
    if "keywords" in settings:
        words = asked.keywords
        settings["keywords"] = usual if words is None else words.keywords()
    if "services" in settings:
        settings["services"] = declared.services_of(settings["services"])
        for each in settings["services"]:
            if each.callback_url:
                panel.callable_url("services", each.callback_url)
    if "api_keys" in settings:
        settings["api_keys"] = declared.api_keys_of(settings["api_keys"])
    return settings


def _retry(before: Retry, asked: RetryBody) -> Retry:
    """Return the schedule with what the body names."""
    named = {name: getattr(asked, name) for name in sorted(asked.model_fields_set)}
    if "delays_us" in named:
        named["delays_us"] = tuple(named["delays_us"])
    return msgspec.structs.replace(before, **named)


def _check_change(home: World, before: Account, settings: dict[str, Any]) -> None:
    """Refuse what would change a fate, or a bill that is open.

    Raises:
        HttpError: 409.
    """
    differs = {name for name, value in settings.items() if getattr(before, name) != value}
    if differs & {"lane", "dialect"} and home.store.shelves[before.id].counts:
        raise HttpError(409, "lane and dialect are fixed after the first message; reset the world")
    if differs & set(_MONEY):
        open_now = sum(
            m.account == before.id and not m.inbound and m.state not in FINAL
            for m in home.store.live.values()
        )
        if open_now:
            raise HttpError(
                409, f"{open_now} messages are on their way at the old price; wait for their end"
            )


async def truth(panel: Panel, request: web.Request) -> web.Response:
    """Answer with what happened, on three levels."""
    driver, query = panel.driver(request), query_of(request, AccountPageQuery)
    panel.has_account(driver.world, query.account)
    names = [((name,), name) for name in books.names(driver.world, query.account)]
    page, following = page_of("truth", names, query)
    return web.json_response({**books.truth(driver, page), "next": following})


async def ledger(panel: Panel, request: web.Request) -> web.Response:
    """Answer with the lines of the books."""
    found, query = panel.driver(request).world, query_of(request, AccountPageQuery)
    panel.has_account(found, query.account)
    page, following = page_of("ledger", books.sheets(found, query.account), query)
    return web.json_response({"sheets": list(map(books.sheet, page)), "next": following})


async def invoices(panel: Panel, request: web.Request) -> web.Response:
    """Answer with the invoices."""
    found, query = panel.driver(request).world, query_of(request, AccountPageQuery)
    panel.has_account(found, query.account)
    page, following = page_of("invoices", books.sheets(found, query.account), query)
    return web.json_response(
        {"head": INVOICE_HEAD, "invoices": list(map(books.invoice, page)), "next": following}
    )
