"""The control port: worlds, accounts, messages, facts, sums and the clock, behind a bearer token.

The one rule: every route is in `ROUTES` and, by hand, in `openapi.yaml`; a test holds them against
each other. Looking changes nothing, and a long-poll is no activity.

    control_gate   who may speak     control_ask    what is asked     control_show    what is shown
"""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from aiohttp import web

from simulator import __version__
from simulator.dialects import native
from simulator.web import (
    control_callbacks,
    control_claims,
    control_clock,
    control_events,
    control_messages,
    control_people,
    control_rules,
    control_worlds,
    metrics,
)
from simulator.web.control_ask import NoQuery, query_of
from simulator.web.control_gate import OPEN_PATHS, gate, stamp
from simulator.web.control_panel import Panel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulator.web.server import Server

    Action = Callable[[Panel, web.Request], Awaitable[web.StreamResponse]]

_DOCUMENT = Path(__file__).with_name("openapi.yaml")
_NATIVE = Path(native.__file__).with_name("native_openapi.yaml")


def control_app(server: Server) -> web.Application:
    """Make the control port's application; the server's token is not empty."""
    assert server.token, "a control port without a token"
    app = web.Application(
        middlewares=[metrics.timed(server), gate(server)],
        client_max_size=server.settings.body_limit_bytes,
    )
    app.on_response_prepare.append(stamp(server))
    panel = Panel(server)
    for method, path, action in ROUTES:
        app.router.add_route(method, path, partial(action, panel))
        if path in OPEN_PATHS:  # health checks are fond of HEAD
            app.router.add_route("HEAD", path, partial(action, panel))
    return app


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document, with this version's number."""
    document: dict[str, Any] = yaml.safe_load(_DOCUMENT.read_text("utf-8"))
    document["info"]["version"] = __version__
    document.pop("x-shared")  # what the file repeats by reference
    return document


async def _healthz(_panel: Panel, request: web.Request) -> web.Response:
    """Say that the process is alive."""
    query_of(request, NoQuery)
    return web.json_response({"alive": True})


async def _readyz(panel: Panel, request: web.Request) -> web.Response:
    """Say whether both ports answer. Faults are counted as far as that is cheap (see `world`)."""
    query_of(request, NoQuery)
    server = panel.server
    ready = server.ready()
    worlds = {
        name: {"faults": len(driver.world.audit.seen) + len(driver.world.log.detached)}
        for name, driver in sorted(server.drivers.items())
    }
    return web.json_response({"ready": ready, "worlds": worlds}, status=200 if ready else 503)


async def _openapi(_panel: Panel, request: web.Request) -> web.Response:
    """Answer with this port's description. It tells nothing of this server, hence no token."""
    query_of(request, NoQuery)
    return web.Response(body=_document(), content_type="application/json")


@cache
def _document() -> bytes:
    return json.dumps(openapi()).encode()


async def _openapi_native(_panel: Panel, request: web.Request) -> web.Response:
    """Answer with the description of the gateway port's native API."""
    query_of(request, NoQuery)
    return web.Response(body=native_openapi(), content_type="application/yaml")


@cache
def native_openapi() -> bytes:
    """Return the native API's OpenAPI document, with this version's number."""
    text = _NATIVE.read_text("utf-8")
    return text.replace('version: "0"', f'version: "{__version__}"', 1).encode()


_WORLD = "/v1/worlds/{world}"
ROUTES: tuple[tuple[str, str, Action], ...] = (
    ("GET", "/healthz", _healthz),
    ("GET", "/readyz", _readyz),
    ("GET", "/openapi.json", _openapi),
    ("GET", "/openapi/native.yaml", _openapi_native),
    ("GET", "/metrics", metrics.scrape),
    ("POST", "/v1/reset", control_worlds.reset_all),
    ("GET", "/v1/worlds", control_worlds.worlds),
    ("GET", _WORLD, control_worlds.world),
    ("DELETE", _WORLD, control_worlds.delete),
    ("POST", f"{_WORLD}/reset", control_worlds.reset),
    ("GET", f"{_WORLD}/accounts", control_worlds.accounts),
    ("GET", f"{_WORLD}/accounts/{{id}}", control_worlds.account),
    ("PUT", f"{_WORLD}/accounts/{{id}}", control_worlds.put_account),
    ("GET", f"{_WORLD}/messages", control_messages.messages),
    ("DELETE", f"{_WORLD}/messages", control_messages.purge),
    ("GET", f"{_WORLD}/messages/by-reference", control_messages.message_by_reference),
    ("GET", f"{_WORLD}/messages/{{id}}", control_messages.message),
    ("POST", f"{_WORLD}/replies", control_messages.reply),
    ("GET", f"{_WORLD}/people/{{number}}", control_people.person),
    ("GET", f"{_WORLD}/callbacks", control_callbacks.callbacks),
    ("GET", f"{_WORLD}/callbacks/refusals", control_callbacks.refusals),
    ("GET", f"{_WORLD}/events", control_events.events),
    ("GET", f"{_WORLD}/events/stream", control_events.stream),
    ("GET", f"{_WORLD}/rules", control_rules.rules),
    ("PUT", f"{_WORLD}/rules", control_rules.put_rules),
    ("DELETE", f"{_WORLD}/rules", control_rules.delete_rules),
    ("GET", f"{_WORLD}/truth", control_worlds.truth),
    ("GET", f"{_WORLD}/ledger", control_worlds.ledger),
    ("GET", f"{_WORLD}/invoices", control_worlds.invoices),
    ("POST", f"{_WORLD}/claims", control_claims.post),
    ("GET", f"{_WORLD}/claims/judgement", control_claims.judgement),
    ("GET", f"{_WORLD}/clock", control_clock.clock),
    ("GET", f"{_WORLD}/clock/wait", control_clock.wait),
    ("POST", f"{_WORLD}/clock/alarms", control_clock.alarm),
    ("POST", f"{_WORLD}/clock/advance", control_clock.advance),
    ("POST", f"{_WORLD}/clock/rate", control_clock.rate),
)
