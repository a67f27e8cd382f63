"""What the native API says: a message, a page, the results of a batch, a problem (RFC 9457).

The one rule: it shows what the provider *knows*, and of a create's reply nothing that can change,
so that a reply given again is the same, byte for byte.

An amount is there when the state is final, by the account's policy, tax excluded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from simulator.core.cause import Cause
from simulator.core.ids import public_id
from simulator.core.message import FINAL, Message, Reason, Rejection, State
from simulator.core.tariff import POLICIES, Policy, bill, priced
from simulator.core.text import Encoding
from simulator.core.wire import HttpReply
from simulator.core.written import decimal, rfc3339
from simulator.dialects import forms
from simulator.dialects.native_parse import PREFIX
from simulator.dialects.shape import RARE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.command import Batched
    from simulator.core.message import Account
    from simulator.core.query import Listing
    from simulator.dialects.shape import Reply

ROOT: Final = "/todoku/v1"
POLICY: Final = "jp-success-billed"  # where an account names none
PROBLEM_TYPE: Final = "application/problem+json"
AGAIN: Final = (("Idempotency-Replayed", "true"),)

# Reason -> HTTP status, code, title. 400: the request; 409: what it meets; 429: not now.
REASONS: Mapping[Reason, tuple[int, str, str]] = {
    Reason.UNAUTHORIZED: (401, "unauthorized", "The account or its secret is wrong or missing"),
    Reason.NOT_FOUND: (404, "not_found", "There is no such message"),
    Reason.METHOD: (405, "method_not_allowed", "This resource does not know that method"),
    Reason.MALFORMED: (400, "malformed", "The request cannot be read"),
    Reason.TOO_LARGE: (413, "too_large", "The request is too large"),
    Reason.TOO_SLOW: (408, "too_slow", "The request took too long to arrive"),
    Reason.NO_TO: (400, "missing_field", "A required field is missing"),
    Reason.NO_FROM: (400, "missing_field", "A required field is missing"),
    Reason.NO_BODY: (400, "missing_field", "A required field is missing"),
    Reason.MISSING_PARAMETER: (400, "missing_field", "A required field is missing"),
    Reason.UNKNOWN_PARAMETER: (400, "unknown_field", "A field is not known here"),
    Reason.BAD_PARAMETER: (400, "invalid_value", "A value cannot be taken"),
    Reason.BAD_TO: (400, "invalid_recipient", "The recipient is not a phone number in E.164"),
    Reason.BAD_FROM: (400, "invalid_sender", "The sender cannot be used"),
    Reason.NOT_MOBILE: (400, "not_mobile", "The recipient is not a mobile number"),
    Reason.TOO_LONG: (400, "too_long", "A text is too long"),
    Reason.OPTED_OUT: (409, "opted_out", "The recipient wants nothing more from this sender"),
    Reason.DUPLICATE_REFERENCE: (409, "duplicate_reference", "The reference was used before"),
    Reason.KEY_REUSED: (409, "key_reused", "The key was used for another request"),
    Reason.OVER_QUOTA: (429, "over_quota", "The account has sent all that it may"),
    Reason.QUEUE_FULL: (429, "queue_full", "The sender has too many messages waiting"),
    Reason.TOO_MANY_REQUESTS: (
        429,
        "too_many_requests",
        "The account has too many requests under way",
    ),
    Reason.SCHEDULE_FULL: (429, "schedule_full", "Too many messages wait for their instant"),
    Reason.NOT_CANCELABLE: (409, "not_cancelable", "The message can no longer be canceled"),
    Reason.NOT_FINISHED: (409, "not_finished", "The message is not finished yet"),
    Reason.THROTTLED: (429, "throttled", "Too many requests"),
    Reason.BROKEN: (500, "server_error", "The server has failed"),
    # Of other providers only: nothing here can ask for it.
    **dict.fromkeys(RARE, (400, "invalid_value", "A value cannot be taken")),
}
# What the engine calls otherwise than we do.
FIELDS: Mapping[str, str] = {"SendAt": "send_at"}


STATUS: Mapping[State, str] = {state: state.name.lower() for state in State if state}


class Billing(msgspec.Struct, gc=False):
    """What one message costs."""

    policy: str
    units: int
    excluded_units: int
    amount: str
    currency: str


class Resource(msgspec.Struct, gc=False, rename={"from_": "from"}):
    """A message, as it is shown and called back with."""

    id: str
    direction: str
    status: str
    cause: str | None
    to: str
    from_: str
    text: str
    encoding: str
    segments: int
    reference: str | None
    send_at: str | None
    accepted_at: str
    sent_at: str | None
    final_at: str | None
    billing: Billing | None


def created(message: Message, reply: Reply, *, again: bool) -> HttpReply:
    """Write the reply to a create."""
    shown = resource(message, message.state, reply.account, reply.epoch)
    headers = (("Location", f"{ROOT}/messages/{shown.id}"), *(AGAIN if again else ()))
    return HttpReply(201, _encode(shown), headers=headers)


def one(message: Message, reply: Reply) -> HttpReply:
    """Write a message that was asked for."""
    shown = resource(message, message.state, reply.account, reply.epoch)
    return HttpReply(200, _encode(shown))


def page(listing: Listing, reply: Reply) -> HttpReply:
    """Write a page, newest first, and where the next begins."""
    rows = [resource(m, m.state, reply.account, reply.epoch) for m in listing.messages]
    cursor = rows[-1].id if listing.older and rows else None
    return HttpReply(200, _encode({"messages": rows, "next_cursor": cursor}))


def batched(found: Batched, reply: Reply, *, again: bool) -> HttpReply:
    """Write the results of a batch, in the order of its items."""
    rows: list[dict[str, Any]] = []
    for result in found.results:
        if isinstance(result, Message):
            shown = resource(result, result.state, reply.account, reply.epoch)
            rows.append({"status": 201, "message": shown})
        else:
            rows.append({"status": REASONS[result.reason][0], "problem": problem_of(result)})
    accepted = sum(row["status"] == 201 for row in rows)
    body = {"accepted": accepted, "refused": len(rows) - accepted, "results": rows}
    return HttpReply(200, _encode(body), headers=AGAIN if again else ())


def refused(rejection: Rejection, *, again: bool = False) -> HttpReply:
    """Write a refusal."""
    status = rejection.status or REASONS[rejection.reason][0]
    usual = _CHALLENGE if status == 401 else AGAIN if again else ()
    headers = forms.retry_after(rejection, usual)
    return HttpReply(status, _encode(problem_of(rejection)), PROBLEM_TYPE, headers)


def problem_of(rejection: Rejection) -> dict[str, Any]:
    """Return a problem detail object: what a client may rely on is `code` and `field`."""
    status, code, title = REASONS[rejection.reason]
    status = rejection.status or status
    problem = {"type": f"urn:todoku:problem:{code}", "title": title, "status": status, "code": code}
    if rejection.field:
        problem["field"] = FIELDS.get(rejection.field, rejection.field)
    if rejection.detail:
        problem["detail"] = rejection.detail
    return problem


def resource(m: Message, state: State, account: Account | None, epoch: int) -> Resource:
    """Return a message as it stands, or stood, in a state."""
    final = state in FINAL
    return Resource(
        PREFIX + public_id(m.key, epoch),
        "inbound" if m.inbound else "outbound",
        STATUS[state],
        m.cause.name.lower() if final and m.cause is not Cause.NONE else None,
        m.to,
        m.sender,
        m.body,
        Encoding(m.encoding).name.lower(),
        m.segments,
        m.reference or None,
        rfc3339(m.begins_us) if m.extra is not None and m.extra.send_at_us else None,
        rfc3339(m.accepted_us),
        rfc3339(m.sent_us) if m.sent_us else None,
        rfc3339(m.known_us) if final else None,
        _billing(m, state, account) if final and account is not None else None,
    )


_encode = msgspec.json.encode
_CHALLENGE: Final = (("WWW-Authenticate", 'Basic realm="todoku", charset="UTF-8"'),)


def _billing(m: Message, state: State, account: Account) -> Billing:
    name = account.policy or POLICY
    policy = _policy(name, account.price_micros, account.currency)
    due = bill(policy, m.segments, state, m.cause)
    return Billing(name, due.units, due.excluded_units, decimal(due.micros), policy.currency)


@lru_cache(maxsize=256)
def _policy(name: str, price_micros: int, currency: str) -> Policy:
    return priced(POLICIES[name], price_micros, currency)
