"""The native API, for teams on no listed provider: small, strict JSON over HTTP Basic.

    POST /todoku/v1/messages               create    201   under an Idempotency-Key, if there is one
    GET  /todoku/v1/messages               list      200   newest first, by cursor
    GET  /todoku/v1/messages/{id}          fetch     200
    POST /todoku/v1/messages/{id}/cancel   cancel    200   while it waits at the provider
    POST /todoku/v1/batches                create    200   up to 1,000, each with its own result

The one rule: it imitates nobody. What a client needs is in `native_openapi.yaml`, which the control
port serves; errors are RFC 9457 problems whose `code` does not change. `native_json.py` reads
bytes, `native_parse.py` understands, `native_render.py` writes, `native_webhook.py` calls back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from simulator.core.account import Retry, Schedule
from simulator.core.command import Batched, Cancel, Replayed
from simulator.core.message import Account, Message, Reason, Rejection
from simulator.core.query import Find, Listing, Page
from simulator.dialects import forms, native_parse, native_render
from simulator.dialects.native_json import query_of
from simulator.dialects.native_parse import ID, PREFIX
from simulator.dialects.native_render import POLICY, REASONS, ROOT, STATUS
from simulator.dialects.native_webhook import callback
from simulator.dialects.shape import Ask, Refused, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.command import Batch, Once, Submission
    from simulator.core.wire import HttpReply, HttpRequest
    from simulator.dialects.shape import Desk, Parse, Reply, Result

    Asked = Submission | Batch | Once | Find | Page
    Read = Callable[[Account, HttpRequest, Mapping[str, str]], Asked | Rejection]

__all__ = ["NAME", "REASONS", "RETRY", "ROUTES", "STATUS", "callback", "new_account"]

NAME: Final = "native"
_MINUTE_US, _HOUR_US = 60_000_000, 3_600_000_000
# The example schedule of Standard Webhooks 1.0.0, and a timeout within what it recommends.
RETRY: Final = Retry(
    delays_us=(
        5_000_000,
        5 * _MINUTE_US,
        30 * _MINUTE_US,
        2 * _HOUR_US,
        5 * _HOUR_US,
        10 * _HOUR_US,
        14 * _HOUR_US,
        20 * _HOUR_US,
        24 * _HOUR_US,
    ),
    timeout_us=15_000_000,
)

SCHEDULE: Final = Schedule(lead_us_max=35 * 24 * _HOUR_US)


def new_account(account_id: str, secret: str) -> Account:
    """Make an account that pays for what was delivered."""
    return Account(
        id=account_id,
        dialect=NAME,
        secret=secret,
        policy=POLICY,
        retry=RETRY,
        schedule=SCHEDULE,
    )


def _parser(read: Read, known: tuple[str, ...] = ()) -> Parse:
    """Make a route's parser: who asks, then the query's names, then what is asked."""

    def parse(request: HttpRequest, desk: Desk) -> Ask | Refused:
        claimed = forms.basic_credentials(request.headers.get("Authorization", ""))
        if claimed is None or not _ACCOUNT.fullmatch(claimed[0]):
            return Refused(Rejection(Reason.UNAUTHORIZED, "Authorization", _CREDENTIALS))
        entered = forms.admit(desk, NAME, claimed, new_account)
        if entered is None:
            return Refused(Rejection(Reason.UNAUTHORIZED, "Authorization"))
        account, opens = entered
        query = query_of(request, known)
        asked = query if isinstance(query, Rejection) else read(account, request, query)
        if isinstance(asked, Rejection):
            return Refused(asked, account.id)
        return Ask(account.id, asked, opens)

    return parse


def _find(account: Account, request: HttpRequest, _query: Mapping[str, str]) -> Find | Rejection:
    name = request.tail[0]
    if not ID.fullmatch(name):
        return Rejection(Reason.NOT_FOUND, "id", f"saw {forms.shown(name)}")
    return Find(account.id, name.removeprefix(PREFIX))


_parse_find = _parser(_find)


def _parse_cancel(request: HttpRequest, desk: Desk) -> Ask | Refused:
    found = _parse_find(request, desk)
    if isinstance(found, Refused):
        return found
    if request.body.strip() not in {b"", b"{}"}:
        return Refused(Rejection(Reason.MALFORMED, "body", "send none"), found.account)
    assert isinstance(found.what, Find)
    return Ask(found.account, Cancel(), found.opens, about=found.what)


def _render(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    """Write the reply that the kind of the result calls for."""
    again = isinstance(result, Replayed)
    if isinstance(result, Replayed):
        result = result.answer
    if isinstance(result, Message):
        if isinstance(asked, Ask) and isinstance(asked.what, Find | Cancel):
            return native_render.one(result, reply)
        return native_render.created(result, reply, again=again)
    if isinstance(result, Batched):
        return native_render.batched(result, reply, again=again)
    if isinstance(result, Listing):
        page = asked.what if isinstance(asked, Ask) else None
        if isinstance(page, Page) and page.cursor and not (result.older or result.newer):
            # A page that follows a message has one beside it: so there is no such message.
            result = Rejection(Reason.BAD_PARAMETER, "cursor", "it is not one of this account's")
        else:
            return native_render.page(result, reply)
    return native_render.refused(forms.rejection_of(asked, result), again=again)


ROUTES: tuple[Route, ...] = (
    Route("POST", f"{ROOT}/messages", _parser(native_parse.creation), _render),
    Route("GET", f"{ROOT}/messages", _parser(native_parse.page, native_parse.FILTERS), _render),
    Route("GET", f"{ROOT}/messages/*", _parse_find, _render),
    Route("POST", f"{ROOT}/messages/*/cancel", _parse_cancel, _render),
    Route("POST", f"{ROOT}/batches", _parser(native_parse.batch), _render),
)

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")
_CREDENTIALS: Final = "send HTTP Basic, the account's id and its secret"
