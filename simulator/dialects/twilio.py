"""Twilio Programmable Messaging, API 2010-04-01: create, fetch and list messages; webhooks.

The one rule: the tables here say what is answered; `twilio_parse.py` reads, `twilio_render.py`
writes. Facts: twilio.com/docs/messaging (message resource, webhook request, connection overrides),
twilio.com/docs/api/errors, and the OpenAPI of github.com/twilio/twilio-oai. Not affiliated; nothing
was checked against the live service.

    POST …/Accounts/AC*/Messages.json         create    201
    GET  …/Accounts/AC*/Messages.json         list      200
    GET  …/Accounts/AC*/Messages/SM*.json     fetch     200

Not here yet, and refused by name: Messaging Services, media, content templates, scheduling, link
shortening, smart encoding, retention settings; API keys, cancel, redact, delete, feedback.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from simulator.core.consent import SPOKEN
from simulator.core.message import Account, Message, Reason, Rejection
from simulator.core.query import Find, Listing, Page
from simulator.core.wire import HttpReply
from simulator.dialects import forms, twilio_parse
from simulator.dialects.shape import Ask, Refused, Route
from simulator.dialects.twilio_render import POLICY, STATUS, created_json, message_json, page_json
from simulator.dialects.twilio_webhook import RETRY, callback, signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.wire import HttpRequest
    from simulator.dialects.shape import Desk, Reply, Result

__all__ = ["NAME", "REASONS", "RETRY", "ROUTES", "STATUS", "callback", "new_account", "signature"]

NAME: Final = "twilio"

# Reason -> HTTP status, Twilio's code, our words. {field} is the parameter. Where Twilio's public
# pages name no code for a case, the nearest general one stands (20422, 20409, 20429).
REASONS: Mapping[Reason, tuple[int, int, str]] = {
    Reason.UNAUTHORIZED: (401, 20003, "Authentication failed"),
    Reason.NOT_FOUND: (404, 20404, "There is no such resource"),
    Reason.METHOD: (405, 20004, "This resource does not know that method"),
    Reason.MALFORMED: (400, 20422, "Cannot read {field}"),
    Reason.TOO_LARGE: (413, 20413, "The request is too large"),
    Reason.TOO_SLOW: (408, 20422, "The request took too long to arrive"),
    Reason.NO_TO: (400, 21604, "A 'To' number is required"),
    Reason.NO_FROM: (400, 21603, "A 'From' or a 'MessagingServiceSid' is required"),
    Reason.NO_BODY: (400, 21602, "A 'Body' is required"),
    Reason.BAD_TO: (400, 21211, "'To' is not a valid phone number"),
    Reason.BAD_FROM: (400, 21606, "'From' cannot send to this destination"),
    Reason.BAD_PARAMETER: (400, 20422, "Invalid {field}"),
    Reason.MISSING_PARAMETER: (400, 20422, "Missing {field}"),
    Reason.NOT_MOBILE: (400, 21614, "'To' is not a mobile number"),
    Reason.TOO_LONG: (400, 21617, "'Body' is longer than 1600 characters"),
    Reason.OPTED_OUT: (400, 21610, "The recipient has unsubscribed from this sender"),
    Reason.DUPLICATE_REFERENCE: (409, 20409, "This reference was used before"),
    Reason.OVER_QUOTA: (429, 63038, "The account has reached its limit of messages"),
    Reason.QUEUE_FULL: (400, 21611, "The queue of this 'From' is full"),
    Reason.TOO_MANY_REQUESTS: (429, 20429, "Too many requests are under way"),
    Reason.NOT_CANCELABLE: (409, 20409, "The message can no longer be canceled"),
    Reason.NOT_FINISHED: (409, 20009, "The message is not finished yet"),
}
# Parameters for which a bad value has a code of its own.
BAD_PARAMETERS: Mapping[str, int] = {"StatusCallback": 21609, "ValidityPeriod": 21624}


def new_account(account_id: str, secret: str) -> Account:
    """Make an account as Twilio's customers have it, with the `twilio` billing policy."""
    return Account(
        id=account_id, dialect=NAME, secret=secret, policy=POLICY, retry=RETRY, keywords=SPOKEN
    )


def _parse_create(request: HttpRequest, desk: Desk) -> Ask | Refused:
    entered = _enter(request, desk)
    if isinstance(entered, Refused):
        return entered
    account, opens = entered
    form = forms.body_fields(request)
    if isinstance(form, Rejection):
        return Refused(form, account.id)
    asked = twilio_parse.submission(account, form)
    if isinstance(asked, Rejection):
        return Refused(asked, account.id, form.get("To", "")[:_SEEN_CHARS_MAX])
    return Ask(account.id, asked, opens)


def _parse_list(request: HttpRequest, desk: Desk) -> Ask | Refused:
    entered = _enter(request, desk)
    if isinstance(entered, Refused):
        return entered
    account, opens = entered
    query = forms.query_fields(request)
    found = query if isinstance(query, Rejection) else twilio_parse.page(account, query)
    if isinstance(found, Rejection):
        return Refused(found, account.id)
    page, echo = found
    return Ask(account.id, page, opens, echo)


def _parse_fetch(request: HttpRequest, desk: Desk) -> Ask | Refused:
    entered = _enter(request, desk)
    if isinstance(entered, Refused):
        return entered
    account, opens = entered
    sid = _MESSAGE.fullmatch(request.tail[1])
    if sid is None:
        missing = Rejection(Reason.NOT_FOUND, detail=f"saw {forms.shown(request.tail[1])}")
        return Refused(missing, account.id)
    return Ask(account.id, Find(account.id, sid[1]), opens)


def _render_created(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    if isinstance(result, Message):
        return HttpReply(201, created_json(result, reply))
    return _refusal(asked, result)


def _render_page(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    if isinstance(result, Listing) and isinstance(asked, Ask) and isinstance(asked.what, Page):
        if asked.what.cursor and not (result.older or result.newer):
            # A page that follows a message has one beside it: so there is no such message.
            return _refusal(asked, Rejection(Reason.BAD_PARAMETER, "PageToken", "unknown"))
        return HttpReply(200, page_json(asked.what, result, asked.echo, reply))
    return _refusal(asked, result)


def _render_fetched(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    if isinstance(result, Message):
        return HttpReply(200, message_json(result, reply))
    return _refusal(asked, result)


_ACCOUNTS: Final = "/2010-04-01/Accounts"
ROUTES: tuple[Route, ...] = (
    Route("POST", f"{_ACCOUNTS}/*/Messages.json", _parse_create, _render_created),
    Route("GET", f"{_ACCOUNTS}/*/Messages.json", _parse_list, _render_page),
    Route("GET", f"{_ACCOUNTS}/*/Messages/*", _parse_fetch, _render_fetched),
)

_SEEN_CHARS_MAX: Final = 64
_ACCOUNT: Final = re.compile(r"AC[0-9a-fA-F]{32}")
_MESSAGE: Final = re.compile(r"SM([0-9a-fA-F]{32})\.json")
_LATER: Final = (("Retry-After", "1"),)  # seconds; Twilio's page names no number
_CHALLENGE: Final = (("WWW-Authenticate", 'Basic realm="Twilio API"'),)


class _Error(msgspec.Struct, gc=False):
    code: int
    message: str
    more_info: str
    status: int


def _enter(request: HttpRequest, desk: Desk) -> tuple[Account, Account | None] | Refused:
    """Check the credentials, then that they are those of the account in the path."""
    sid = request.tail[0]
    if sid not in desk.accounts and not _ACCOUNT.fullmatch(sid):
        return Refused(Rejection(Reason.NOT_FOUND, detail=f"saw {forms.shown(sid)}"))
    claimed = forms.basic_credentials(request.headers.get("Authorization", ""))
    if claimed is None or claimed[0] != sid:
        return Refused(Rejection(Reason.UNAUTHORIZED))
    return forms.admit(desk, NAME, claimed, new_account) or Refused(Rejection(Reason.UNAUTHORIZED))


def _refusal(asked: Ask | Refused, result: Result) -> HttpReply:
    rejection = forms.rejection_of(asked, result)
    status, code, words = REASONS[rejection.reason]
    if rejection.reason is Reason.BAD_PARAMETER:
        code = BAD_PARAMETERS.get(rejection.field, code)
    message = words.replace("{field}", rejection.field or "the request")
    if rejection.detail:
        message = f"{message}: {rejection.detail}"
    more = f"https://www.twilio.com/docs/errors/{code}"
    headers = _CHALLENGE if status == 401 else _LATER if status == 429 else ()
    return HttpReply(
        status, msgspec.json.encode(_Error(code, message, more, status)), headers=headers
    )
