"""Pages of what has a name and an order: the cursor says behind which name to go on.

The one rule: a cursor is taken back as it was given, from the list it was given by, or not at all.
What came or went between two pages moves nothing: a name keeps its place.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec
from pydantic import AfterValidator, Field
from xxhash import xxh3_64_digest

from simulator.core.carrier import CARRIERS
from simulator.web.control_ask import NAME_CHARS_MAX, Asked, Limit, Name, one_of
from simulator.web.control_gate import HttpError

if TYPE_CHECKING:
    from collections.abc import Sequence

CURSOR_CHARS_MAX = 512
TEXT_CHARS_MAX = 200
CARRIER_NAMES = frozenset(carrier.name for carrier in CARRIERS.values())
_SUM_BYTES = 8
T = TypeVar("T")
Place = tuple[str | int, ...]


class PageQuery(Asked):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Annotated[str, Field(max_length=CURSOR_CHARS_MAX)] = ""


class AccountPageQuery(PageQuery):
    """Which page of a list, of which account; empty: of all."""

    account: Name = ""


class PurgeQuery(Asked):
    """Whose messages; empty: everybody's."""

    account: Name = ""


class MessagesQuery(Asked):
    """Which messages, and which page of them."""

    account: Name = ""
    to: Name = ""
    sender: Annotated[Name, Field(alias="from")] = ""
    state: Literal[
        "",
        "accepted",
        "sending",
        "sent",
        "delivered",
        "undelivered",
        "expired",
        "failed",
        "canceled",
        "received",
        "scheduled",
        "queued",
    ] = ""
    direction: Literal["", "inbound", "outbound"] = ""
    carrier: Annotated[str, AfterValidator(lambda v: v and one_of(v, CARRIER_NAMES))] = ""
    text: Annotated[str, Field(max_length=TEXT_CHARS_MAX)] = ""
    limit: Limit = 50
    cursor: Annotated[str, Field(max_length=NAME_CHARS_MAX)] = ""


def page_of(
    kind: str, items: Sequence[tuple[Place, T]], query: PageQuery
) -> tuple[list[T], str | None]:
    """Return a page and the cursor of the next, or None.

    Args:
        kind: of list, by which its cursors are told from others'.
        items: all there is, each with its place, in order of places, which are unique.
        query: how many, and from where on.

    Raises:
        HttpError: 400, the cursor is not one of this list.
    """
    first = bisect_right(items, _place(kind, query.cursor), key=_place_of) if query.cursor else 0
    last = first + query.limit
    found = [item for _, item in items[first:last]]
    return found, _cursor(kind, items[last - 1][0]) if last < len(items) else None


def _place_of(item: tuple[Place, object]) -> Place:
    return item[0]


def _cursor(kind: str, place: Place) -> str:
    data = msgspec.msgpack.encode(place)
    return base64.urlsafe_b64encode(_sum(kind, data) + data).decode().rstrip("=")


def _place(kind: str, cursor: str) -> Place:
    try:
        whole = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        told, data = whole[:_SUM_BYTES], whole[_SUM_BYTES:]
        if told == _sum(kind, data):
            return tuple(msgspec.msgpack.decode(data, type=list[str | int]))
    except (binascii.Error, ValueError):  # not base64, not ASCII
        pass
    raise HttpError(400, "cursor: expected the `next` of a page of this list")


def _sum(kind: str, data: bytes) -> bytes:
    return xxh3_64_digest(kind.encode() + b"\0" + data)
