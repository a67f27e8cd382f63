"""絶対リーチ!SMS, 2-Way plan: send, status, and the push of delivery receipts (DLR).

The one rule: every reply of the API is HTTP 200, and `responseCode` tells whether it was taken.
Facts: the vendor's OpenAPI 1.4.7 (doc.aossms.com/zettai-reach/openapi.html). Not affiliated;
nothing was checked against the live service.

    POST /p5/api/mt.json      token clientId smsCode message phoneNumber …   ──▶ {responseCode, …}
    GET  /p5/api/status.json  token clientId clientTag | date                ──▶ {…, status: […]}
    push_url ◀── POST json={"eventNotifications":[…]}    final states, only where a clientTag was

`zettai_reach_render.py` says what is told of a message. Where the page is silent, we decided:
* A refusal's reply has all four keys. What cannot be echoed in its form is replaced: the number by
  one that is nobody's (070-0000-0000), an empty message by "-", a long one by its first 660.
* A wrong token and an unknown clientId are both "Invalid token."; an opted-out recipient is an
  invalid phoneNumber; a tag nobody used, and a day without messages, is 200 "No data.".
* An optional field that is empty counts as not given. `carrierId` is checked, then ignored: the
  carrier is where the number is.
* The push is repeated after 60, 300 and 900 s (the page says three times, not when).
Not here: reservations (a scheduleTime is refused as invalid), templates, number cleaning, short
URLs, the monthly count; replies, since no endpoint for them is documented.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from simulator.core.account import Retry
from simulator.core.command import Submission
from simulator.core.message import Account, Message, Reason, Rejection, State
from simulator.core.number import japan_unassigned
from simulator.core.query import ByReference, Listing, Page
from simulator.core.text import count
from simulator.core.wire import HttpReply
from simulator.dialects import forms
from simulator.dialects.shape import RARE, Ask, Refused, Route
from simulator.dialects.zettai_reach_render import (
    CARRIERS,
    CAUSES,
    JST,
    POLICY,
    STATUS,
    callback,
    status_row,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.wire import HttpRequest
    from simulator.dialects.shape import Desk, Reply, Result

__all__ = ["CAUSES", "NAME", "REASONS", "RETRY", "ROUTES", "STATUS", "callback", "new_account"]

NAME: Final = "zettai_reach"
MESSAGE_CHARS_MAX: Final = 660  # of any width
TOKEN_CHARS: Final = 32
STATUSES_MAX: Final = 10_000  # of a day, the newest; the page names no limit

RETRY: Final = Retry(delays_us=(60_000_000, 300_000_000, 900_000_000), timeout_us=10_000_000)

# Reason -> HTTP status, responseCode, responseMessage. {field} is the parameter.
REASONS: Mapping[Reason, tuple[int, int, str]] = {
    Reason.UNAUTHORIZED: (200, 110, "Invalid token."),
    Reason.NOT_FOUND: (200, 200, "No data."),
    Reason.METHOD: (405, 500, "System error."),
    Reason.MALFORMED: (200, 110, "Invalid {field}."),
    Reason.TOO_LARGE: (413, 120, "Request too long."),
    Reason.TOO_SLOW: (408, 500, "System error."),
    Reason.NO_TO: (200, 100, "Required phoneNumber."),
    Reason.NO_FROM: (200, 100, "Required smsCode."),
    Reason.NO_BODY: (200, 100, "Required message."),
    Reason.BAD_TO: (200, 110, "Invalid phoneNumber."),
    Reason.BAD_FROM: (200, 110, "Invalid smsCode."),
    Reason.BAD_PARAMETER: (200, 110, "Invalid {field}."),
    Reason.UNKNOWN_PARAMETER: (200, 110, "Invalid {field}."),
    Reason.MISSING_PARAMETER: (200, 100, "Required {field}."),
    Reason.NOT_MOBILE: (200, 110, "Invalid phoneNumber."),
    Reason.TOO_LONG: (200, 120, "{field} too long."),
    Reason.OPTED_OUT: (200, 110, "Invalid phoneNumber."),
    Reason.KEY_REUSED: (200, 400, "Duplicate client tag."),
    Reason.DUPLICATE_REFERENCE: (200, 400, "Duplicate client tag."),
    Reason.OVER_QUOTA: (200, 300, "Exceed sending count."),
    Reason.QUEUE_FULL: (200, 300, "Exceed sending count."),
    Reason.TOO_MANY_REQUESTS: (429, 500, "System error."),
    Reason.NOT_CANCELABLE: (200, 500, "System error."),
    Reason.NOT_FINISHED: (200, 500, "System error."),
    Reason.THROTTLED: (429, 500, "System error."),
    Reason.BROKEN: (500, 500, "System error."),
    # Of other providers only: nothing here can ask for it.
    **dict.fromkeys(
        (Reason.QUEUE_FULL, Reason.SCHEDULE_FULL, *RARE),
        (200, 500, "System error."),
    ),
}


def new_account(account_id: str, secret: str) -> Account:
    """Make an account of the 2-Way plan: billed by success, any smsCode."""
    return Account(id=account_id, dialect=NAME, secret=secret, policy=POLICY, retry=RETRY)


def _parse_send(request: HttpRequest, desk: Desk) -> Ask | Refused:
    form = forms.body_fields(request)
    if isinstance(form, Rejection):
        return Refused(form)
    raw, message = form.get("phoneNumber", ""), form.get("message", "")
    entered = _enter(form, desk, _REQUIRED)
    found = _PHONE.fullmatch(raw)
    to = f"+81{found[1]}" if found else ""
    if isinstance(entered, Rejection):
        return Refused(entered, echo=(to, message[:MESSAGE_CHARS_MAX]))
    account, opens = entered
    objection = _objection(account, form, to)
    if objection is not None:
        seen = raw[:_SEEN_CHARS_MAX]
        return Refused(objection, account.id, seen, (to, message[:MESSAGE_CHARS_MAX]))
    encoding, segments = count(message)
    tag = form.get("clientTag", "")
    pushes = bool(tag and account.push_url)
    asked = Submission(
        account=account.id,
        to=to,
        country="JP",
        sender=form["smsCode"],
        body=message,
        encoding=encoding,
        segments=segments,
        reference=tag,
        callback_url=account.push_url if pushes else "",
        notify=_NOTIFY if pushes else 0,
        unique_reference=bool(tag),
    )
    return Ask(account.id, asked, opens)


def _parse_status(request: HttpRequest, desk: Desk) -> Ask | Refused:
    query = forms.query_fields(request)
    if isinstance(query, Rejection):
        return Refused(query)
    entered = _enter(query, desk, _CREDENTIALS)
    if isinstance(entered, Rejection):
        return Refused(entered)
    account, opens = entered
    asked = _status_query(account.id, query)
    if isinstance(asked, Rejection):
        return Refused(asked, account.id)
    return Ask(account.id, asked, opens)


def _render_sent(asked: Ask | Refused, result: Result, _reply: Reply) -> HttpReply:
    if isinstance(result, Message):
        return _answer(200, 0, _SUCCESS, {"phoneNumber": result.to, "smsMessage": result.body})
    to, message = "", ""
    if isinstance(asked, Refused):
        to, message = asked.echo or ("", "")
    elif isinstance(asked.what, Submission):
        to, message = asked.what.to, asked.what.body
    return _refusal(asked, result, {"phoneNumber": to or _NOBODY, "smsMessage": message or "-"})


def _render_status(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    found: tuple[Message, ...] = (result,) if isinstance(result, Message) else ()
    if isinstance(result, Listing):
        found = tuple(m for m in result.messages if not m.inbound)
        result = Rejection(Reason.NOT_FOUND)
    if not found:
        return _refusal(asked, result, {"status": []})
    return _answer(200, 0, _SUCCESS, {"status": [status_row(m, reply) for m in found]})


ROUTES: tuple[Route, ...] = (
    Route("POST", "/p5/api/mt.json", _parse_send, _render_sent),
    Route("GET", "/p5/api/status.json", _parse_status, _render_status),
)

_SUCCESS: Final = "Success."
_SEEN_CHARS_MAX: Final = 64
_ASKED_TAG_CHARS_MAX: Final = 203
_DAY_US: Final = 86_400_000_000
_JST_US: Final = JST.utcoffset(None) // timedelta(microseconds=1)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_NOBODY: Final = japan_unassigned(0)
_CREDENTIALS: Final = ("token", "clientId")
_REQUIRED: Final = (*_CREDENTIALS, "smsCode", "message", "phoneNumber")
_CHARS_MAX: Mapping[str, int] = {
    "smsCode": 6,
    "message": MESSAGE_CHARS_MAX,
    "clientTag": 200,
    "groupTag": 200,
}
_FINAL_STATES = (State.DELIVERED, State.UNDELIVERED, State.EXPIRED, State.FAILED)
_NOTIFY: Final = sum(1 << state for state in _FINAL_STATES)
_CLIENT_ID: Final = re.compile(r"[0-9]{1,20}")
_DAY: Final = re.compile(r"[0-9]{8}")
_SMS_CODE: Final = re.compile(r"[0-9]{5,6}")
# 020, 060, 070, 080, 090 and then no zero, so neither 0800 nor what is not given out; or M2M.
_PHONE: Final = re.compile(r"(?:\+81|0)([26-9]0[1-9][0-9]{7}|20[1-9][0-9]{10})")


def _enter(
    fields: forms.Form, desk: Desk, required: tuple[str, ...]
) -> tuple[Account, Account | None] | Rejection:
    """Check that all is there, then who asks."""
    for name in required:
        if not fields.get(name):
            return Rejection(Reason.MISSING_PARAMETER, name)
    token, client = fields["token"], fields["clientId"]
    if len(token) != TOKEN_CHARS:
        return Rejection(Reason.BAD_PARAMETER, "token")
    if client not in desk.accounts and not _CLIENT_ID.fullmatch(client):
        return Rejection(Reason.BAD_PARAMETER, "clientId")
    return forms.admit(desk, NAME, (client, token), new_account) or Rejection(Reason.UNAUTHORIZED)


def _objection(account: Account, form: forms.Form, to: str) -> Rejection | None:
    for name, limit in _CHARS_MAX.items():
        if len(form.get(name, "")) > limit:
            return Rejection(Reason.TOO_LONG, name)
    code = form["smsCode"]
    if not _SMS_CODE.fullmatch(code) or (account.senders and code not in account.senders):
        return Rejection(Reason.BAD_FROM, "smsCode", forms.shown(code))
    if not to:
        return Rejection(Reason.BAD_TO, "phoneNumber", forms.shown(form["phoneNumber"]))
    carrier = form.get("carrierId", "")
    if carrier and carrier not in {known for _, known, _ in CARRIERS.values()}:
        return Rejection(Reason.BAD_PARAMETER, "carrierId", forms.shown(carrier))
    if form.get("scheduleTime"):
        return Rejection(Reason.BAD_PARAMETER, "scheduleTime", "Todoku has no reservations yet")
    return None


def _status_query(account_id: str, query: forms.Form) -> ByReference | Page | Rejection:
    """Read what the status is asked of: a clientTag goes before a date."""
    tag, day = query.get("clientTag", ""), query.get("date", "")
    if len(tag) > _ASKED_TAG_CHARS_MAX:
        return Rejection(Reason.TOO_LONG, "clientTag")
    if tag:
        return ByReference(account_id, tag)
    if not day:
        return Rejection(Reason.MISSING_PARAMETER, "clientTag")
    start_us = _day_us(day)
    if start_us is None:
        return Rejection(Reason.BAD_PARAMETER, "date", forms.shown(day))
    return Page(
        account=account_id,
        accepted_from_us=max(start_us, 0),
        accepted_before_us=max(start_us + _DAY_US, 1),
        size=STATUSES_MAX,
    )


def _day_us(text: str) -> int | None:
    """Return the instant at which a day (yyyyMMdd) begins in Japan, or None if there is no such."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
    return None if day is None else (day.toordinal() - _EPOCH_DAY) * _DAY_US - _JST_US


def _refusal(asked: Ask | Refused, result: Result, echo: Mapping[str, object]) -> HttpReply:
    rejection = forms.rejection_of(asked, result)
    status, code, words = REASONS[rejection.reason]
    words = words.replace("{field}", rejection.field or "request")
    reply = _answer(rejection.status or status, code, words, echo)
    return msgspec.structs.replace(reply, headers=forms.retry_after(rejection))


def _answer(status: int, code: int, words: str, more: Mapping[str, object]) -> HttpReply:
    body = {"responseCode": code, "responseMessage": words, **more}
    return HttpReply(status, msgspec.json.encode(body))
