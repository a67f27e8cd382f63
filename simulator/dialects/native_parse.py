"""Native requests understood: strict JSON becomes a `Submission`, a query string a `Page`.

The one rule: a number, a sender or an address is taken as it is written or refused, never mended;
the refusal says what to write.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from yarl import URL

from simulator.core.chance import key_of
from simulator.core.command import Batch, Once, Refusal, Submission
from simulator.core.extra import Extra
from simulator.core.message import Reason, Rejection, State
from simulator.core.number import Number, NumberKind, parse
from simulator.core.query import Page
from simulator.core.text import count
from simulator.dialects.forms import SHOWN_CHARS_MAX, shown
from simulator.dialects.native_json import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.message import Account
    from simulator.core.wire import HttpRequest

    Query = Mapping[str, str]

TEXT_CHARS_MAX: Final = 1600
REFERENCE_CHARS_MAX: Final = 200
URL_CHARS_MAX: Final = 2048
KEY_CHARS_MAX: Final = 255
BATCH_MAX: Final = 1000  # messages; the server's limit of a body comes first for long texts
PAGE_SIZE, PAGE_SIZE_MAX = 50, 1000
KEY_HEADER: Final = "Idempotency-Key"
PREFIX: Final = "msg_"
FILTERS: Final = ("to", "from", "limit", "cursor")
# The states that call back: those that say something new.
NOTIFY: Final = sum(
    1 << state
    for state in (
        State.SENT,
        State.DELIVERED,
        State.UNDELIVERED,
        State.EXPIRED,
        State.FAILED,
        State.CANCELED,
    )
)


class Create(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """The body of a create, and an item of a batch."""

    to: str
    from_: str
    text: str
    reference: str | None = None
    callback_url: str | None = None
    send_at: str | None = None


class Batches(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a batch; each item is read for itself."""

    messages: list[msgspec.Raw]


def creation(
    account: Account, request: HttpRequest, _query: Query
) -> Submission | Once | Rejection:
    """Read the body of a create."""
    found = _create.document(request)
    if isinstance(found, Rejection):
        return found
    body, value = found
    asked = _submission(account, body)
    if isinstance(asked, Rejection):
        return asked
    return _under_key(account, request, asked, value)


def batch(account: Account, request: HttpRequest, _query: Query) -> Batch | Once | Rejection:
    """Read the body of a batch; an item that is refused keeps its place."""
    found = _batches.document(request)
    if isinstance(found, Rejection):
        return found
    body, value = found
    if not 1 <= len(body.messages) <= BATCH_MAX:
        words = f"saw {len(body.messages)} messages; send 1 to {BATCH_MAX}"
        return Rejection(Reason.BAD_PARAMETER, "messages", words)
    items = tuple(_item(account, raw) for raw in body.messages)
    return _under_key(account, request, Batch(account.id, items), value)


def page(account: Account, _request: HttpRequest, query: Query) -> Page | Rejection:
    """Read the query of a list."""
    cursor = query.get("cursor", "")
    if "cursor" in query and not ID.fullmatch(cursor):
        return Rejection(Reason.BAD_PARAMETER, "cursor", "copy it from next_cursor")
    text = query.get("limit", str(PAGE_SIZE))
    size = int(text) if _COUNT.fullmatch(text) else 0
    if not 1 <= size <= PAGE_SIZE_MAX:
        words = f"saw {shown(text)}; write 1 to {PAGE_SIZE_MAX}"
        return Rejection(Reason.BAD_PARAMETER, "limit", words)
    to, sender = query.get("to", ""), query.get("from", "")
    return Page(account.id, to=to, sender=sender, size=size, cursor=cursor.removeprefix(PREFIX))


ID: Final = re.compile(rf"{PREFIX}[0-9a-f]{{32}}")
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_SENDER: Final = re.compile(  # E.164, a short code, or a name of up to 11 with a letter in it
    r"\+[1-9][0-9]{7,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ._-]{0,10}"
)
_NUMERIC: Final = re.compile(r"\+?[0-9]+")  # one that a person can answer
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_KEY: Final = re.compile(rf"[\x21-\x7e]{{1,{KEY_CHARS_MAX}}}")
_URL_TEXT: Final = re.compile(rf"[\x21-\x7e]{{1,{URL_CHARS_MAX}}}")
_MISSING: Mapping[str, Reason] = {
    "to": Reason.NO_TO,
    "from": Reason.NO_FROM,
    "text": Reason.NO_BODY,
}
Asked = TypeVar("Asked", Submission, Batch)
_create = Reader(Create, _MISSING)
_batches = Reader(Batches, {})


def _item(account: Account, raw: msgspec.Raw) -> Submission | Refusal:
    body = _create.part(raw)
    asked = body if isinstance(body, Rejection) else _submission(account, body)
    if isinstance(asked, Submission):
        return asked
    to = body.to[:SHOWN_CHARS_MAX] if isinstance(body, Create) else ""
    return Refusal(account.id, to, asked.reason, asked.field, asked.detail)


def _under_key(
    account: Account, request: HttpRequest, asked: Asked, value: object
) -> Asked | Once | Rejection:
    """Put what is asked under the client's idempotency key, if there is one."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return asked
    if not _KEY.fullmatch(key):
        words = f"write 1 to {KEY_CHARS_MAX} printable ASCII characters, no space"
        return Rejection(Reason.BAD_PARAMETER, KEY_HEADER, words)
    text = json.dumps(value, sort_keys=True)
    return Once(account.id, key, key_of("fingerprint", request.path, text), asked)


def _submission(account: Account, body: Create) -> Submission | Rejection:
    number = _recipient(body)
    if isinstance(number, Rejection):
        return number
    url = account.push_url if body.callback_url is None else body.callback_url
    objection = _objection(account, body)
    if objection is not None:
        return objection
    send_at_us = None
    if body.send_at is not None:
        send_at_us = _instant_us(body.send_at)
        if send_at_us is None:
            words = f"saw {shown(body.send_at)}; write 2026-03-02T09:00:00+09:00, or Z for +00:00"
            return Rejection(Reason.BAD_PARAMETER, "send_at", words)
    encoding, segments = count(body.text)
    return Submission(
        account=account.id,
        to=body.to,
        country=number.country,
        sender=body.from_,
        body=body.text,
        encoding=encoding,
        segments=segments,
        reference=body.reference or "",
        callback_url=url,
        notify=NOTIFY if url else 0,
        can_reply=_NUMERIC.fullmatch(body.from_) is not None,
        extra=None if send_at_us is None else Extra(send_at_us=send_at_us),
    )


def _recipient(body: Create) -> Number | Rejection:
    if not body.to:
        return Rejection(Reason.NO_TO, "to")
    number = parse(body.to)
    if not isinstance(number, Number):
        return Rejection(Reason.BAD_TO, "to", number.message)
    if number.e164 != body.to:
        return Rejection(Reason.BAD_TO, "to", f"saw {shown(body.to)}; write {number.e164}")
    if body.to == body.from_:
        return Rejection(Reason.BAD_TO, "to", f"saw {shown(body.to)}, which is from")
    abroad = number.kind is NumberKind.UNKNOWN and number.country != "JP"
    if number.kind is not NumberKind.MOBILE and not abroad:
        kind = number.kind.value.replace("_", " ")
        return Rejection(Reason.NOT_MOBILE, "to", f"saw {shown(body.to)}, {kind}")
    return number


def _objection(account: Account, body: Create) -> Rejection | None:
    if not body.from_:
        return Rejection(Reason.NO_FROM, "from")
    if not body.text:
        return Rejection(Reason.NO_BODY, "text")
    reference, url = body.reference or "", body.callback_url
    if url and not _is_url(url):
        words = f"saw {shown(url)}; write http(s)://host/path"
        return Rejection(Reason.BAD_PARAMETER, "callback_url", words)
    return (
        _bad_sender(account, body.from_)
        or _bad_text("text", body.text, TEXT_CHARS_MAX)
        or _bad_text("reference", reference, REFERENCE_CHARS_MAX)
    )


def _bad_sender(account: Account, sender: str) -> Rejection | None:
    if sender in account.senders:
        return None
    words = "write E.164, a short code, or a name of up to 11 characters"
    if account.senders:
        words = "which is not one of the account's"
    elif _SENDER.fullmatch(sender):
        return None
    return Rejection(Reason.BAD_FROM, "from", f"saw {shown(sender)}; {words}")


def _bad_text(field: str, text: str, limit: int) -> Rejection | None:
    if len(text) > limit:
        return Rejection(Reason.TOO_LONG, field, f"saw {len(text)} characters; at most {limit}")
    return Rejection(Reason.BAD_PARAMETER, field, "it holds a NUL") if "\0" in text else None


def _instant_us(text: str) -> int | None:
    """Read an RFC 3339 instant, whose offset is not left open; a leap second is none."""
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return max((datetime.fromisoformat(text) - _EPOCH) // _US, 1)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _is_url(text: str) -> bool:
    """Tell whether an address could be called; where calls may go is decided when they are made."""
    try:
        url = URL(text, encoded=True)
        _ = url.port
    except ValueError:
        return False
    well_formed = _URL_TEXT.fullmatch(text) is not None
    return well_formed and url.scheme in {"http", "https"} and bool(url.host) and not url.user
