"""Who may speak to the control port, and the one shape of every "no".

    Host -> Origin -> token -> handler          {"error": code, "message": words}

A browser that was led here by a foreign page has a foreign `Origin`; one whose DNS was rebound has
a foreign `Host`. Both are refused before the token is looked at, and nothing here sends a CORS
header. Programs send neither, and need only the token.
"""

from __future__ import annotations

import hmac
import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from simulator.engine.world import DEFAULT
from simulator.errors import shown
from simulator.web.prompt import NOW_HEADER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from aiohttp.typedefs import Handler, Middleware

    from simulator.web.server import Server

# No token: they name no account, no number and no text.
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json", "/openapi/native.yaml", "/metrics"})

CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "unreadable",
    429: "too_many",
    500: "internal",
    503: "stopping",
}
_log = logging.getLogger("todoku.web")


class HttpError(Exception):
    """A request that is answered with an error.

    Args:
        status: one of `CODES`.
        message: what was wrong, what was seen, what to do.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


def gate(server: Server) -> Middleware:
    """Make the middleware that guards a server's control port."""
    hosts = frozenset({"localhost", *server.settings.allow_host})
    token = server.token.encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _check_host(request.headers.getall("Host", ()), hosts)
            _check_origin(request.headers.getall("Origin", ()), request.headers.get("Host", ""))
            if request.path not in OPEN_PATHS:
                _check_token(request.headers.get("Authorization", ""), token)
            return await handler(request)
        except HttpError as error:
            return refusal(error.status, error.message)
        except web.HTTPException as error:
            return _translated(request, error)
        except OSError:
            raise  # the client has gone
        except Exception:  # noqa: BLE001 - our bug; the client learns no more than that
            _log.exception("control: %s %s", request.method, request.path)
            return refusal(500, "a bug in Todoku; its log says more")

    return guard


def stamp(server: Server) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Make the signal that puts the virtual now of the world concerned on every reply."""

    async def put(request: web.Request, response: web.StreamResponse) -> None:
        driver = server.drivers.get(request.match_info.get("world", DEFAULT))
        response.headers[NOW_HEADER] = str((driver or server.driver(DEFAULT)).now())

    return put


def refusal(status: int, message: str) -> web.Response:
    """Write an error."""
    reply = web.json_response({"error": CODES[status], "message": message}, status=status)
    if status == 401:
        reply.headers["WWW-Authenticate"] = 'Bearer realm="todoku"'
    if status in {408, 413}:
        reply.force_close()  # its body is still on the way
    return reply


def _check_host(values: Collection[str], hosts: Collection[str]) -> None:
    for value in values:  # HTTP/1.0 may have none; a browser always has one
        name = value.lower()
        if not name.startswith("["):
            name = name.partition(":")[0]
        elif "]" in name:
            name = name[1 : name.index("]")]
        if len(values) > 1 or not (name.removesuffix(".") in hosts or _is_address(name)):
            raise HttpError(
                403,
                f"Host {shown(value)} is neither localhost nor an address: call one of these, or "
                "name the host with --allow-host",
            )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _check_origin(values: Collection[str], host: str) -> None:
    for value in values:
        try:
            origin = URL(value)
            same = (
                origin.scheme in {"http", "https"}
                and origin.authority == URL(f"{origin.scheme}://{host}").authority
            )
        except ValueError:
            same = False
        if not same:
            raise HttpError(403, f"Origin {shown(value)} is another site's page: not served")


def _check_token(given: str, token: bytes) -> None:
    scheme, _, credentials = given.partition(" ")
    seen = credentials.strip().encode("utf-8", "surrogateescape")
    if not hmac.compare_digest(seen, token) or scheme.lower() != "bearer":
        raise HttpError(401, "the header `Authorization: Bearer <token>` is missing or wrong")


def _translated(request: web.Request, error: web.HTTPException) -> web.Response:
    """Give aiohttp's own refusals our shape."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        reply = refusal(405, f"{request.method} is not served here; {allowed} is")
        reply.headers["Allow"] = allowed
        return reply
    if isinstance(error, web.HTTPNotFound):
        return refusal(404, f"nothing is at {shown(request.path)}; /openapi.json lists what is")
    assert error.status in CODES, error
    return refusal(error.status, error.reason)
