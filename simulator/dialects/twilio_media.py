"""The media of one message of Twilio's: listed, shown, deleted, and where they are.

    GET    …/Messages/MM*/Media.json         list      200
    GET    …/Messages/MM*/Media/ME*.json     fetch     200
    GET    …/Messages/MM*/Media/ME*          the file  307 to the address that the client gave
    DELETE …/Messages/MM*/Media/ME*.json     delete    204

Facts: twilio.com/docs/messaging/api/media-resource. Twilio keeps the files itself; Todoku fetches
none, so a type is what the address's ending says, and image/jpeg where it says nothing (assumed).
"""

from __future__ import annotations

import re
from functools import lru_cache
from mimetypes import MimeTypes
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec.structs import replace
from yarl import URL

from simulator.core.chance import key_of
from simulator.core.command import DeleteMedia
from simulator.core.message import Message, Reason, Rejection
from simulator.core.wire import HttpReply
from simulator.dialects import forms
from simulator.dialects.shape import Ask, Refused, Route
from simulator.dialects.twilio_door import enter
from simulator.dialects.twilio_errors import refusal
from simulator.dialects.twilio_page import MEDIA, ONWARD, addresses, window
from simulator.dialects.twilio_render import API_VERSION, rfc_2822, sid_of
from simulator.dialects.twilio_update import find, missing, render_deleted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.message import Account
    from simulator.core.query import Find
    from simulator.core.wire import HttpRequest
    from simulator.dialects.shape import Desk, Reply, Result

_MEDIUM: Final = re.compile(r"(ME[0-9a-fA-F]{32})(\.json)?")
_MEDIA_MAX: Final = 10
_PLAIN: Final = "image/jpeg"
_TYPES: Final = MimeTypes()  # Python's own table; the machine's files are not read


def media_sid(public_id: str, nth: int) -> str:
    """Return the id of the `nth` medium of a message, from 0."""
    halves = key_of("medium", public_id, nth), key_of("medium check", public_id, nth)
    return f"ME{halves[0]:016x}{halves[1]:016x}"


def parse_list(request: HttpRequest, desk: Desk) -> Ask | Refused:
    """Understand a question for all media of a message."""
    entered = enter(request, desk)
    if isinstance(entered, Refused):
        return entered
    account, opens = entered
    about = _message(account.id, request.tail[1])
    if about is None:
        return missing(request.tail[1], account.id)
    query = forms.query_fields(request)
    asked = query if isinstance(query, Rejection) else window(query, "DateCreated", MEDIA)
    if isinstance(asked, Rejection):
        return Refused(asked, account.id)
    echo = (asked.echo, str(asked.size), str(asked.number), asked.token, asked.mark)
    span = (str(asked.from_us), str(asked.before_us))
    return Ask(account.id, about, opens, (*echo, *span))


def parse_fetch(request: HttpRequest, desk: Desk) -> Ask | Refused:
    """Understand a question for one medium, or for the file itself."""
    found = _one(request, desk)
    if isinstance(found, Refused):
        return found
    account, opens, about, nth, ending = found
    return Ask(account.id, about, opens, (str(nth), ending))


def parse_delete(request: HttpRequest, desk: Desk) -> Ask | Refused:
    """Understand the deletion of one medium."""
    found = _one(request, desk)
    if isinstance(found, Refused):
        return found
    account, opens, about, nth, _ = found
    return Ask(account.id, DeleteMedia(nth=nth), opens, about=about)


def render_list(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    """Write a page of media."""
    if not isinstance(result, Message) or not isinstance(asked, Ask):
        return refusal(asked, result)
    echo, size_text, index_text, token, mark, from_text, before_text = asked.echo
    size, index = int(size_text), int(index_text)
    first = int(from_text) <= result.accepted_us < (int(before_text) or _END_OF_TIME_US)
    rows = [row for _, row in _media(result, reply)] if first else []
    sids = [row.sid for row in rows]
    if mark and mark not in sids:
        return refusal(Refused(Rejection(Reason.BAD_PARAMETER, "PageToken", "no such page")), None)
    start = index * size
    if mark:
        start = (
            sids.index(mark) + 1 if token.startswith(ONWARD) else max(sids.index(mark) - size, 0)
        )
    taken = rows[start : start + size]
    sid = sid_of(result, reply.epoch)
    found = addresses(
        f"/{API_VERSION}/Accounts/{result.account}/Messages/{sid}/Media.json",
        (echo, index, token),
        (taken[0].sid, taken[-1].sid) if taken else None,
        older=start + size < len(rows),
        newer=start > 0,
    )
    page = _PageOfMedia(
        media_list=taken,
        page=index,
        page_size=size,
        start=start,
        end=start + max(len(taken) - 1, 0),
        uri=found.uri,
        first_page_uri=found.first_page_uri,
        next_page_uri=found.next_page_uri,
        previous_page_uri=found.previous_page_uri,
    )
    return HttpReply(200, msgspec.json.encode(page))


def render_fetched(asked: Ask | Refused, result: Result, reply: Reply) -> HttpReply:
    """Write one medium, or where its file is."""
    if not isinstance(result, Message) or not isinstance(asked, Ask):
        return refusal(asked, result)
    nth, ending = int(asked.echo[0]), asked.echo[1]
    for n, row in _media(result, reply):
        if n == nth and ending:
            return HttpReply(200, msgspec.json.encode(row))
        if n == nth and result.extra is not None:
            return HttpReply(307, headers=(("Location", str(URL(result.extra.media[n]))),))
    return refusal(Refused(Rejection(Reason.NOT_FOUND, detail="it was deleted")), None)


def routes(messages: str) -> tuple[Route, ...]:
    """Return the endpoints under the path of the messages."""
    return (
        Route("GET", f"{messages}/*/Media.json", parse_list, render_list),
        Route("GET", f"{messages}/*/Media/*", parse_fetch, render_fetched),
        Route("DELETE", f"{messages}/*/Media/*", parse_delete, render_deleted),
    )


_END_OF_TIME_US: Final = 2**62


class _Medium(msgspec.Struct, gc=False):
    """The Media resource: all of its keys."""

    account_sid: str
    content_type: str
    date_created: str
    date_updated: str
    parent_sid: str
    sid: str
    uri: str


class _PageOfMedia(msgspec.Struct):
    media_list: list[_Medium]
    page: int
    page_size: int
    start: int
    end: int
    uri: str
    first_page_uri: str
    next_page_uri: str | None
    previous_page_uri: str | None


class _One(NamedTuple):
    account: Account
    opens: Account | None
    about: Find
    nth: int
    ending: str


def _message(account: str, name: str) -> Find | None:
    """Return the query for a message; looking at its media does not tell its state."""
    found = find(account, name, ends=None)
    return None if found is None else replace(found, tells=False)


def _one(request: HttpRequest, desk: Desk) -> _One | Refused:
    entered = enter(request, desk)
    if isinstance(entered, Refused):
        return entered
    account, opens = entered
    name, medium = request.tail[1], request.tail[-1]
    about, seen = _message(account.id, name), _MEDIUM.fullmatch(medium)
    if about is None or seen is None:
        return missing(medium if about else name, account.id)
    sids = [media_sid(about.public_id.lower(), n) for n in range(_MEDIA_MAX)]
    if seen[1].lower().replace("me", "ME", 1) not in sids:
        return missing(medium, account.id)
    nth = sids.index(seen[1].lower().replace("me", "ME", 1))
    return _One(account, opens, about, nth, seen[2] or "")


def _media(message: Message, reply: Reply) -> Iterator[tuple[int, _Medium]]:
    """Write the media that are left, with their places."""
    parent = sid_of(message, reply.epoch)
    date = rfc_2822(message.accepted_us // 1_000_000)
    media = message.extra.media if message.extra is not None else ()
    for nth, url in enumerate(media):
        if not url:
            continue
        sid = media_sid(parent[2:], nth)
        uri = f"/{API_VERSION}/Accounts/{message.account}/Messages/{parent}/Media/{sid}.json"
        kind = _content_type(url)
        yield nth, _Medium(message.account, kind, date, date, parent, sid, uri)


@lru_cache(maxsize=1024)
def _content_type(url: str) -> str:
    return _TYPES.guess_type(URL(url).path)[0] or _PLAIN
