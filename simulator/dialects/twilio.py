"""Twilio Programmable Messaging, API 2010-04-01: messages, their media and feedback; webhooks.

The one rule: tables say what is answered; this file says where. Facts: twilio.com/docs/messaging
(message, media and feedback resources, services, scheduling, webhooks), twilio.com/docs/api/errors,
and the OpenAPI of github.com/twilio/twilio-oai. Not affiliated; nothing was checked against the
live service.

    POST …/Accounts/AC*/Messages.json         create    201
    GET  …/Accounts/AC*/Messages.json         list      200
    GET  …/Accounts/AC*/Messages/SM*.json     fetch     200
    twilio_update.py: redact, cancel, delete, feedback;  twilio_media.py: media
    twilio_door.py: credentials;  twilio_errors.py: what is answered to mistakes

Not here yet, and refused by name: content templates, link shortening, smart encoding, retention
settings, TwiML applications, an RCS fallback. The resources of messaging.twilio.com (services as an
API) are not here: services are declared on the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulator.core.message import Message, Reason, Rejection
from simulator.core.query import Listing, Page
from simulator.core.wire import HttpReply
from simulator.dialects import forms, twilio_media, twilio_page, twilio_parse, twilio_update
from simulator.dialects.shape import Ask, Refused, Route
from simulator.dialects.twilio_door import NAME, enter, new_account
from simulator.dialects.twilio_errors import REASONS, refusal
from simulator.dialects.twilio_render import STATUS, created_json, message_json, page_json
from simulator.dialects.twilio_webhook import RETRY, callback, signature

if TYPE_CHECKING:
    from simulator.core.wire import HttpRequest
    from simulator.dialects.shape import Desk, Reply, Result

__all__ = ["NAME", "REASONS", "RETRY", "ROUTES", "STATUS", "callback", "new_account", "signature"]


def _parse_create(request: HttpRequest, desk: Desk) -> Ask | Refused:
    entered = enter(request, desk, creates=True)
    if isinstance(entered, Refused):
        return entered
    account, opens = entered
    form = forms.body_fields(request)
    if isinstance(form, Rejection):
        return Refused(form, account.id)
    asked = twilio_parse.submission(account, form, lambda: forms.repeated(request, "MediaUrl"))
    if isinstance(asked, Rejection):
        return Refused(asked, account.id, form.get("To", "")[:_SEEN_CHARS_MAX])
    return Ask(account.id, asked, opens)


def _parse_list(request: HttpRequest, desk: Desk) -> Ask | Refused:
    entered = enter(request, desk)
    if isinstance(entered, Refused):
        return entered
    account, opens = entered
    query = forms.query_fields(request)
    found = query if isinstance(query, Rejection) else twilio_page.messages(account, query)
    if isinstance(found, Rejection):
        return Refused(found, account.id)
    page, echo = found
    return Ask(account.id, page, opens, echo)


def _parse_fetch(request: HttpRequest, desk: Desk) -> Ask | Refused:
    entered = enter(request, desk)
    if isinstance(entered, Refused):
        return entered
    account, opens = entered
    query = twilio_update.find(account.id, request.tail[1])
    if query is None:
        return twilio_update.missing(request.tail[1], account.id)
    return Ask(account.id, query, opens)


def _render_created(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    if isinstance(result, Message):
        return HttpReply(201, created_json(result, reply))
    return refusal(asked, result)


def _render_page(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    if isinstance(result, Listing) and isinstance(asked, Ask) and isinstance(asked.what, Page):
        if asked.what.cursor and not (result.older or result.newer):
            # A page that follows a message has one beside it: so there is no such message.
            return refusal(asked, Rejection(Reason.BAD_PARAMETER, "PageToken", "unknown"))
        return HttpReply(200, page_json(asked.what, result, asked.echo, reply))
    return refusal(asked, result)


def _render_fetched(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    if isinstance(result, Message):
        return HttpReply(200, message_json(result, reply))
    return refusal(asked, result)


_MESSAGES: Final = "/2010-04-01/Accounts/*/Messages"
ROUTES: tuple[Route, ...] = (
    Route("POST", f"{_MESSAGES}.json", _parse_create, _render_created),
    Route("GET", f"{_MESSAGES}.json", _parse_list, _render_page),
    Route("GET", f"{_MESSAGES}/*", _parse_fetch, _render_fetched),
    *twilio_update.routes(_MESSAGES),
    *twilio_media.routes(_MESSAGES),
)

_SEEN_CHARS_MAX: Final = 64
