"""What Twilio says: the Message resource, its pages, its webhooks and their signature.

The one rule: it shows what the provider *knows* (state, cause, known_us), never the fate.

    Message ──▶ 20 keys of JSON          Call ──▶ form + X-Twilio-Signature

To Japan a negative receipt carries no cause, so the error is 30008 (support 360059196573). Prices
come from the account's billing policy as soon as the state is final. `RawDlrDoneDate` is in UTC:
Twilio does not say whose wall clock it is. Words of errors are ours.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from simulator.core.chance import key_of
from simulator.core.ids import public_id
from simulator.core.message import FINAL, Cause, State
from simulator.core.tariff import POLICIES, Policy, bill, priced
from simulator.core.wire import HttpCall
from simulator.dialects.forms import write_form
from simulator.dialects.twilio_parse import BACK, ONWARD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.message import Account, Call, Message
    from simulator.core.query import Listing, Page
    from simulator.dialects.shape import Reply

API_VERSION: Final = "2010-04-01"
POLICY: Final = "twilio"  # where an account names none

STATUS: Mapping[State, str] = {
    State.ACCEPTED: "queued",
    State.SENDING: "sending",
    State.SENT: "sent",
    State.DELIVERED: "delivered",
    State.UNDELIVERED: "undelivered",
    State.EXPIRED: "undelivered",
    State.FAILED: "failed",
    State.CANCELED: "canceled",
    State.RECEIVED: "received",
}
UNREACHABLE, NO_CAUSE = 30003, 30008
CAUSES: Mapping[Cause, int] = {
    Cause.NONE: NO_CAUSE,
    Cause.NOT_IN_USE: 30005,
    Cause.REFUSED: 30004,
    Cause.ABSENT: UNREACHABLE,
    Cause.CONGESTION: 30017,
    Cause.NO_ROUTE: 30006,
    Cause.TOO_LATE: 30036,
    Cause.CANCELED: NO_CAUSE,
}
WORDS: Mapping[int, str] = {
    30003: "The handset is off or out of range",
    30004: "The subscriber blocks such messages",
    30005: "The number is not in use",
    30006: "No carrier serves this number",
    30008: "No reason was given",
    30017: "The carrier's network is congested",
    30036: "The validity period ended before sending",
}


def message_json(message: Message, reply: Reply) -> bytes:
    """Write one Message resource."""
    return _encode(_resource(message, reply))


def page_json(page: Page, listing: Listing, echo: tuple[str, ...], reply: Reply) -> bytes:
    """Write a page of messages; its addresses are relative, as Twilio's are.

    Args:
        page: what was asked.
        listing: what was found.
        echo: filters and size as a query string, the page's index, the token it was asked by.
        reply: for ids and prices.
    """
    filters, text, token = echo
    index = int(text)
    rows = [_resource(message, reply) for message in listing.messages]
    start = index * page.size
    base = f"/{API_VERSION}/Accounts/{page.account}/Messages.json?{filters}&Page="
    onward = f"{base}{index + 1}&PageToken={ONWARD}{rows[-1].sid}" if rows else None
    back = f"{base}{max(index - 1, 0)}&PageToken={BACK}{rows[0].sid}" if rows else None
    return _encode(
        _PageOfMessages(
            messages=rows,
            page=index,
            page_size=page.size,
            start=start,
            end=start + max(len(rows) - 1, 0),
            uri=f"{base}{index}&PageToken={token}" if token else f"{base}{index}",
            first_page_uri=f"{base}0",
            next_page_uri=onward if listing.older else None,
            previous_page_uri=back if listing.newer else None,
        )
    )


def callback(call: Call, account: Account, epoch: int) -> HttpCall | None:
    """Write the webhook about one state of a message: a status, or an inbound message.

    The fragment of the address (connection overrides) is neither sent nor signed, nor obeyed yet.
    """
    message = call.message
    if call.state is State.RECEIVED:
        url, fields = account.inbound_url, _inbound_fields(message, epoch)
    else:
        url, fields = message.callback_url, _status_fields(call, epoch)
    url = url.partition("#")[0]
    if not url:
        return None
    headers = (
        ("X-Twilio-Signature", signature(account.secret, url, fields)),
        ("I-Twilio-Idempotency-Token", _idempotency_token(call.key, epoch)),
    )
    return HttpCall(url, write_form(fields), headers=headers)


def signature(secret: str, url: str, fields: Mapping[str, str]) -> str:
    """Sign a webhook: HMAC-SHA1 over the address as configured and the sorted parameters."""
    text = url + "".join([name + fields[name] for name in sorted(fields)])
    return b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()


class _Resource(msgspec.Struct, gc=False, rename={"from_": "from"}):
    """The Message resource: all of its 20 keys, in Twilio's order."""

    account_sid: str
    api_version: str
    body: str
    date_created: str
    date_sent: str | None
    date_updated: str
    direction: str
    error_code: int | None
    error_message: str | None
    from_: str
    messaging_service_sid: str | None
    num_media: str
    num_segments: str
    price: str | None
    price_unit: str | None
    sid: str
    status: str
    subresource_uris: dict[str, str]
    to: str
    uri: str


class _PageOfMessages(msgspec.Struct):
    messages: list[_Resource]
    page: int
    page_size: int
    start: int
    end: int
    uri: str
    first_page_uri: str
    next_page_uri: str | None
    previous_page_uri: str | None


_encode = msgspec.json.encode
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ERRING: Final = frozenset({State.UNDELIVERED, State.EXPIRED, State.FAILED})
_RECEIPTED: Final = frozenset({State.DELIVERED, State.UNDELIVERED, State.EXPIRED})


def _resource(m: Message, reply: Reply) -> _Resource:
    sid = "SM" + public_id(m.key, reply.epoch)
    at = f"/{API_VERSION}/Accounts/{m.account}/Messages/{sid}"
    updated_us = max(m.accepted_us, m.sending_us, m.sent_us, m.known_us)
    sent_us = m.accepted_us if m.inbound else m.sent_us
    error = _error_of(m, m.state)
    price, unit = _price(m, reply.account)
    return _Resource(
        m.account,
        API_VERSION,
        m.body,
        _rfc_2822(m.accepted_us // 1_000_000),
        _rfc_2822(sent_us // 1_000_000) if sent_us else None,
        _rfc_2822(updated_us // 1_000_000),
        "inbound" if m.inbound else "outbound-api",
        error,
        WORDS[error] if error else None,
        m.sender,
        None,
        "0",
        str(m.segments),
        price,
        unit,
        sid,
        STATUS[m.state],
        {"media": f"{at}/Media.json"},
        m.to,
        f"{at}.json",
    )


def _error_of(message: Message, state: State) -> int | None:
    if state not in _ERRING:
        return None
    if state is State.FAILED:
        return CAUSES[message.cause]
    if message.country == "JP":
        return NO_CAUSE
    return UNREACHABLE if state is State.EXPIRED else CAUSES[message.cause]


def _price(message: Message, account: Account | None) -> tuple[str | None, str | None]:
    """Return price and unit: negative, five decimals; none before the state is final."""
    if message.state not in FINAL or account is None:
        return None, None
    policy = _policy(account.policy, account.price_micros, account.currency)
    micros = bill(policy, message.segments, message.state, message.cause).micros
    whole, rest = divmod((micros + 5) // 10, 100_000)
    return f"{'-' if micros else ''}{whole}.{rest:05}", policy.currency


@lru_cache(maxsize=256)
def _policy(name: str, price_micros: int, currency: str) -> Policy:
    return priced(POLICIES[name or POLICY], price_micros, currency)


@lru_cache(maxsize=4096)
def _rfc_2822(second: int) -> str:
    return format_datetime(_EPOCH + timedelta(seconds=second))


@lru_cache(maxsize=1024)
def _dlr_minute(minute: int) -> str:
    return f"{_EPOCH + timedelta(minutes=minute):%y%m%d%H%M}"


def _status_fields(call: Call, epoch: int) -> dict[str, str]:
    message, status = call.message, STATUS[call.state]
    sid = "SM" + public_id(message.key, epoch)
    fields = {
        "AccountSid": message.account,
        "ApiVersion": API_VERSION,
        "From": message.sender,
        "To": message.to,
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": status,
        "SmsStatus": status,
    }
    error = _error_of(message, call.state)
    if error:
        fields["ErrorCode"] = str(error)
    if call.state in _RECEIPTED:
        fields["RawDlrDoneDate"] = _dlr_minute(message.known_us // 60_000_000)
    return fields


def _inbound_fields(message: Message, epoch: int) -> dict[str, str]:
    sid = "SM" + public_id(message.key, epoch)
    return {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": message.account,
        "From": message.sender,
        "To": message.to,
        "Body": message.body,
        "NumMedia": "0",
        "NumSegments": str(message.segments),
        "SmsStatus": STATUS[State.RECEIVED],
        "ApiVersion": API_VERSION,
    }


def _idempotency_token(key: int, epoch: int) -> str:
    """Return a UUID that stays equal over the repeats of one webhook."""
    digits = f"{key:016x}{key_of('idempotency', epoch, key):016x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
