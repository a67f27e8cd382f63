"""What Twilio says: the Message resource, its pages, its webhooks and their signature.

The one rule: it shows what the provider *knows* (state, cause, known_us), never the fate.

    Message ──▶ 20 keys of JSON          Call ──▶ form + X-Twilio-Signature

To Japan a negative receipt carries no cause, so the error is 30008 (support 360059196573). Prices
come from the account's billing policy as soon as the state is final. `RawDlrDoneDate` is in UTC:
Twilio does not say whose wall clock it is. Words of errors are ours.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from simulator.core.ids import public_id
from simulator.core.message import FINAL, Cause, Origin, State
from simulator.core.tariff import POLICIES, Policy, bill, priced
from simulator.dialects.twilio_parse import BACK, ONWARD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.message import Account, Message
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
    Cause.QUEUE_OVERFLOW: 30001,
    Cause.CANCELED: NO_CAUSE,
}
WORDS: Mapping[int, str] = {
    30001: "The queue of this sender overflowed",
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


def created_json(message: Message, reply: Reply) -> bytes:
    """Write the resource of a message that was just accepted: `message_json`, in half the time."""
    sid = "SM" + public_id(message.key, reply.epoch)
    uri = f"/{API_VERSION}/Accounts/{message.account}/Messages/{sid}"
    date = _rfc_2822(message.accepted_us // 1_000_000)
    return b"".join(
        (
            f'{{"account_sid":"{message.account}","api_version":"{API_VERSION}","body":'.encode(),
            _encode(message.body),
            f',"date_created":"{date}","date_sent":null,"date_updated":"{date}",'
            '"direction":"outbound-api","error_code":null,"error_message":null,"from":'.encode(),
            _encode(message.sender),
            f',"messaging_service_sid":null,"num_media":"0","num_segments":"{message.segments}",'
            f'"price":null,"price_unit":null,"sid":"{sid}","status":"queued",'
            f'"subresource_uris":{{"media":"{uri}/Media.json"}},"to":"{message.to}",'
            f'"uri":"{uri}.json"}}'.encode(),
        )
    )


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


_DIRECTIONS: Mapping[Origin, str] = {
    Origin.CLIENT: "outbound-api",
    Origin.REPLY: "outbound-reply",
    Origin.AUTOMATIC: "outbound-reply",
}
_encode = msgspec.json.encode
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ERRING: Final = frozenset({State.UNDELIVERED, State.EXPIRED, State.FAILED})


def _resource(m: Message, reply: Reply) -> _Resource:
    sid = "SM" + public_id(m.key, reply.epoch)
    at = f"/{API_VERSION}/Accounts/{m.account}/Messages/{sid}"
    updated_us = max(m.accepted_us, m.sending_us, m.sent_us, m.known_us)
    sent_us = m.accepted_us if m.inbound else m.sent_us
    error = error_of(m, m.state)
    price, unit = _price(m, reply.account)
    return _Resource(
        m.account,
        API_VERSION,
        m.body,
        _rfc_2822(m.accepted_us // 1_000_000),
        _rfc_2822(sent_us // 1_000_000) if sent_us else None,
        _rfc_2822(updated_us // 1_000_000),
        "inbound" if m.inbound else _DIRECTIONS[m.origin],
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


def error_of(message: Message, state: State) -> int | None:
    """Return the error code that Twilio gives for a state, or None."""
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
