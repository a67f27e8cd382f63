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

from simulator.core.cause import Cause
from simulator.core.ids import public_id
from simulator.core.message import FINAL, Origin, State
from simulator.core.tariff import POLICIES, Policy, bill, priced
from simulator.dialects.twilio_page import addresses

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
    State.SCHEDULED: "scheduled",
    State.QUEUED: "queued",
}
UNREACHABLE, NO_CAUSE = 30003, 30008
# Cause -> Twilio's code, our words. From SUSPENDED on the engine causes none of them yet.
CAUSES: Mapping[Cause, tuple[int, str]] = {
    Cause.NONE: (NO_CAUSE, "No reason was given"),
    Cause.NOT_IN_USE: (30005, "The number is not in use"),
    Cause.REFUSED: (30004, "The subscriber blocks such messages"),
    Cause.ABSENT: (UNREACHABLE, "The handset is off or out of range"),
    Cause.CONGESTION: (30017, "The carrier's network is congested"),
    Cause.NO_ROUTE: (30006, "No carrier serves this number"),
    Cause.TOO_LATE: (30036, "The validity period ended before sending"),
    Cause.CANCELED: (NO_CAUSE, "No reason was given"),
    Cause.QUEUE_OVERFLOW: (30001, "The sender's queue was full"),
    Cause.SUSPENDED: (30002, "The account is suspended"),
    Cause.FILTERED: (30007, "The message was filtered"),
    Cause.UNKNOWN: (NO_CAUSE, "No reason was given"),
    Cause.MISSING_SEGMENT: (30009, "A segment of the message is missing"),
    Cause.TOO_DEAR: (30010, "The message costs more than its limit"),
    Cause.TTL_TOO_SHORT: (30012, "The time to live is too short"),
    Cause.SENDER_UNREGISTERED: (30018, "The carrier wants the sender registered before"),
    Cause.TOO_BIG: (30019, "The content is larger than the carrier takes"),
    Cause.SENDER_RATE: (30022, "The carrier's rate for this sender is exceeded"),
    Cause.SENDER_DAILY: (30023, "The carrier's daily limit for this sender is reached"),
    Cause.BRAND_DAILY: (30027, "The carrier's daily limit for this brand is reached"),
    Cause.TOLL_FREE_UNVERIFIED: (30032, "The toll-free sender is not verified"),
    Cause.CAMPAIGN_SUSPENDED: (30033, "The sender's campaign is suspended"),
    Cause.CAMPAIGN_UNREGISTERED: (30034, "The sender is in no registered campaign"),
    Cause.SENDER_PENDING: (30035, "The sender is still being set up"),
    Cause.PROVIDER_TIMEOUT: (30410, "The carrier did not answer in time"),
    Cause.PUMPING: (30450, "The message was blocked as artificial traffic"),
}
WORDS: Mapping[int, str] = dict(CAUSES.values())


def status_of(message: Message, state: State) -> str:
    """Return Twilio's word for a state; a message is `accepted` while its service chooses."""
    extra = message.extra
    return "accepted" if state is State.ACCEPTED and extra and extra.service else STATUS[state]


def sid_of(message: Message, epoch: int) -> str:
    """Return the public id: MM of a message with media, SM of any other."""
    media = message.extra is not None and message.extra.media
    return ("MM" if media else "SM") + public_id(message.key, epoch)


@lru_cache(maxsize=4096)
def rfc_2822(second: int) -> str:
    """Write an instant, seconds since 1970, as Twilio does."""
    return format_datetime(_EPOCH + timedelta(seconds=second))


def message_json(message: Message, reply: Reply) -> bytes:
    """Write one Message resource."""
    return _encode(_resource(message, reply))


def created_json(message: Message, reply: Reply) -> bytes:
    """Write the resource of a message that was just accepted: `message_json`, in half the time."""
    if message.extra is not None:
        return message_json(message, reply)
    sid = "SM" + public_id(message.key, reply.epoch)
    uri = f"/{API_VERSION}/Accounts/{message.account}/Messages/{sid}"
    date = rfc_2822(message.accepted_us // 1_000_000)
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
    found = addresses(
        f"/{API_VERSION}/Accounts/{page.account}/Messages.json",
        (filters, index, token),
        (rows[0].sid, rows[-1].sid) if rows else None,
        older=listing.older,
        newer=listing.newer,
    )
    return _encode(
        _PageOfMessages(
            messages=rows,
            page=index,
            page_size=page.size,
            start=start,
            end=start + max(len(rows) - 1, 0),
            uri=found.uri,
            first_page_uri=found.first_page_uri,
            next_page_uri=found.next_page_uri,
            previous_page_uri=found.previous_page_uri,
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
    from_: str | None
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
# The service has not chosen a sender yet, as far as the client can see.
_UNASSIGNED: Final = frozenset({State.SCHEDULED, State.ACCEPTED, State.CANCELED})
_ERRING: Final = frozenset({State.UNDELIVERED, State.EXPIRED, State.FAILED})


def _resource(m: Message, reply: Reply) -> _Resource:
    sid, extra = sid_of(m, reply.epoch), m.extra
    at = f"/{API_VERSION}/Accounts/{m.account}/Messages/{sid}"
    updated_us = max(m.accepted_us, m.sending_us, m.sent_us, m.known_us)
    sent_us = m.accepted_us if m.inbound else m.sent_us
    error = error_of(m, m.state)
    price, unit = _price(m, reply.account)
    unassigned = extra is not None and extra.chosen and m.state in _UNASSIGNED
    return _Resource(
        m.account,
        API_VERSION,
        m.body,
        rfc_2822(m.accepted_us // 1_000_000),
        rfc_2822(sent_us // 1_000_000) if sent_us else None,
        rfc_2822(updated_us // 1_000_000),
        "inbound" if m.inbound else _DIRECTIONS[m.origin],
        error,
        WORDS[error] if error else None,
        None if unassigned else m.sender,
        extra.service or None if extra else None,
        str(len(extra.media)) if extra else "0",
        "0" if unassigned else str(m.segments),
        price,
        unit,
        sid,
        status_of(m, m.state),
        {"media": f"{at}/Media.json"},
        m.to,
        f"{at}.json",
    )


def error_of(message: Message, state: State) -> int | None:
    """Return the error code that Twilio gives for a state, or None."""
    if state not in _ERRING:
        return None
    if state is State.FAILED:
        return CAUSES[message.cause][0]
    if message.country == "JP":
        return NO_CAUSE
    return UNREACHABLE if state is State.EXPIRED else CAUSES[message.cause][0]


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
