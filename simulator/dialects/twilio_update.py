"""What can be asked of one message of Twilio's after it was made: update, delete, feedback.

    POST   …/Messages/SM*.json            Body= (empty): redact;  Status=canceled: cancel    200
    DELETE …/Messages/SM*.json                                                               204
    POST   …/Messages/SM*/Feedback.json   Outcome=confirmed|unconfirmed                      201

Facts: the message and feedback resources, and the pages of errors 20009 and 30409. Assumed: that a
body which is not empty is refused (20422), that Outcome left out means confirmed, and that feedback
is taken for a message sent without ProvideFeedback. The OpenAPI says 200 for feedback where other
pages say 201; SDKs take either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from simulator.core.command import Cancel, Delete, Feedback, Redact
from simulator.core.message import Message, Reason, Rejection
from simulator.core.query import Find
from simulator.core.wire import HttpReply
from simulator.dialects import forms
from simulator.dialects.shape import Ask, Refused, Route
from simulator.dialects.twilio_door import enter
from simulator.dialects.twilio_errors import refusal
from simulator.dialects.twilio_render import API_VERSION, message_json, rfc_2822, sid_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.core.command import Aimed
    from simulator.core.wire import HttpRequest
    from simulator.dialects.forms import Form
    from simulator.dialects.shape import Desk, Reply, Result

_MESSAGE: Final = re.compile(r"(SM|MM)([0-9a-fA-F]{32})(\.json)?")
_FEEDBACK_CREATED: Final = 201
_OUTCOMES: Final = ("unconfirmed", "confirmed")


def find(account: str, name: str, *, ends: str | None = ".json") -> Find | None:
    """Return the query for a message by the part of a path that names it; None: it names none."""
    seen = _MESSAGE.fullmatch(name)
    return Find(account, seen[2], seen[1] == "MM") if seen and seen[3] == ends else None


def missing(name: str, account: str) -> Refused:
    """Refuse a part of a path that names nothing."""
    return Refused(Rejection(Reason.NOT_FOUND, detail=f"saw {forms.shown(name)}"), account)


def parse_update(request: HttpRequest, desk: Desk) -> Ask | Refused:
    """Understand a redaction or a cancellation."""
    return _aimed(request, desk, ".json", _update_of)


def parse_delete(request: HttpRequest, desk: Desk) -> Ask | Refused:
    """Understand a deletion."""
    return _aimed(request, desk, ".json", lambda _form: Delete())


def parse_feedback(request: HttpRequest, desk: Desk) -> Ask | Refused:
    """Understand what a client says of a message's success."""
    return _aimed(request, desk, None, _feedback_of)


def _aimed(
    request: HttpRequest, desk: Desk, ends: str | None, read: Callable[[Form], Aimed | Rejection]
) -> Ask | Refused:
    entered = enter(request, desk)
    if isinstance(entered, Refused):
        return entered
    account, opens = entered
    about = find(account.id, request.tail[1], ends=ends)
    if about is None:
        return missing(request.tail[1], account.id)
    form = forms.body_fields(request)
    command = form if isinstance(form, Rejection) else read(form)
    if isinstance(command, Rejection):
        return Refused(command, account.id)
    return Ask(account.id, command, opens, about=about)


def _update_of(form: Form) -> Aimed | Rejection:
    body, status = form.get("Body"), form.get("Status", "")
    if status:
        if status != "canceled":
            wanted = "write canceled"
            return Rejection(Reason.BAD_PARAMETER, "Status", f"saw {forms.shown(status)}; {wanted}")
        if body is not None:
            return Rejection(Reason.BAD_PARAMETER, "Body", "send Status or Body, not both")
        return Cancel(scheduled=True)
    if body is None:
        return Rejection(Reason.MISSING_PARAMETER, "Body", "empty it to redact, or send Status")
    if body:
        return Rejection(Reason.BAD_PARAMETER, "Body", "it can only be emptied")
    return Redact()


def _feedback_of(form: Form) -> Aimed | Rejection:
    outcome = form.get("Outcome", "") or _OUTCOMES[True]
    if outcome not in _OUTCOMES:
        wanted = f"write {' or '.join(_OUTCOMES)}"
        return Rejection(Reason.BAD_PARAMETER, "Outcome", f"saw {forms.shown(outcome)}; {wanted}")
    return Feedback(confirmed=outcome == _OUTCOMES[True])


def render_updated(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    """Show the message as it is now."""
    if isinstance(result, Message):
        return HttpReply(200, message_json(result, reply))
    return refusal(asked, result)


def render_deleted(asked: Ask | Refused, result: Result, _reply: Reply) -> HttpReply:
    """Say that it is gone: by the status alone."""
    if result is None and isinstance(asked, Ask):
        return HttpReply(204)
    return refusal(asked, result)


def render_feedback(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    """Repeat what the client said."""
    if not isinstance(result, Message):
        return refusal(asked, result)
    sid, date = sid_of(result, reply.epoch), rfc_2822(reply.now_us // 1_000_000)
    said = _Feedback(
        account_sid=result.account,
        message_sid=sid,
        outcome=_OUTCOMES[result.feedback == 1],
        date_created=date,
        date_updated=date,
        uri=f"/{API_VERSION}/Accounts/{result.account}/Messages/{sid}/Feedback.json",
    )
    return HttpReply(_FEEDBACK_CREATED, msgspec.json.encode(said))


class _Feedback(msgspec.Struct, gc=False):
    """The Feedback resource: all of its keys."""

    account_sid: str
    message_sid: str
    outcome: str
    date_created: str
    date_updated: str
    uri: str


def routes(messages: str) -> tuple[Route, ...]:
    """Return the endpoints under the path of the messages."""
    return (
        Route("POST", f"{messages}/*", parse_update, render_updated),
        Route("DELETE", f"{messages}/*", parse_delete, render_deleted),
        Route("POST", f"{messages}/*/Feedback.json", parse_feedback, render_feedback),
    )
