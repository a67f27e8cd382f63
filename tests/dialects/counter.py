"""The smallest provider behind a dialect: it keeps what it takes. No sockets, no engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from multidict import CIMultiDict

from simulator.core.command import Aimed, Delete, DeleteMedia, Submission
from simulator.core.ids import key_of_id
from simulator.core.message import Account, Message, Reason, Rejection
from simulator.core.query import ByReference, Find, Listing, Page
from simulator.core.wire import HttpReply, HttpRequest
from simulator.dialects.forms import FORM_TYPE
from simulator.dialects.shape import Ask, Desk, Refused, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOW_US = 1_772_409_600_123_456  # 2026-03-02T00:00:00.123456Z, 09:00 in Japan


class Counter:
    """Routes, parses, keeps, renders; `check` sees every reply.

    Attributes:
        rejection: what the gateway says to everything, if set.
        asked: what the last request was understood as.
    """

    def __init__(
        self, dialect: Any, account: Account, check: Callable[[HttpReply], None], *, is_open: bool
    ) -> None:
        self.dialect, self.account, self.check = dialect, account, check
        self.desk = Desk({account.id: account}, open_accounts=is_open)
        self.messages: list[Message] = []
        self.rejection: Rejection | None = None
        self.asked: Ask | Refused | None = None

    def call(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HttpReply:
        parts = urlsplit(url)
        route, tail = self._route(method, parts.path)
        http = CIMultiDict({"Content-Type": FORM_TYPE, **(headers or {})})
        request = HttpRequest(method, parts.path, parts.query, http, body, tail)
        self.asked = asked = route.parse(request, self.desk)
        refused = isinstance(asked, Refused)
        result = asked.rejection if refused else self._do(asked.what, asked.about)
        reply = route.render(asked, self.rejection or result, Reply(self.account, 0, NOW_US))
        self.check(reply)
        return reply

    def keep(self, **fields: Any) -> Message:
        """Put a message in, as if it had been sent."""
        message = message_of(self.account, 1000 + len(self.messages), **fields)
        self.messages.insert(0, message)
        return message

    def _route(self, method: str, path: str) -> tuple[Any, tuple[str, ...]]:
        for route in self.dialect.ROUTES:
            found = re.fullmatch(re.escape(route.path).replace(r"\*", "([^/]*)"), path)
            if route.method == method and found:
                return route, found.groups()
        raise AssertionError(f"no route for {method} {path}")

    def _do(self, what: Any, about: Any = None) -> Message | Listing | Rejection | None:
        if isinstance(what, Aimed):
            found = self._do(about)
            gone = isinstance(what, Delete | DeleteMedia) and isinstance(found, Message)
            return None if gone else found
        if isinstance(what, Submission):
            if what.extra is not None and what.extra.pool:
                extra = msgspec.structs.replace(what.extra, chosen=True)
                what = msgspec.structs.replace(what, sender=what.extra.pool[0], extra=extra)
            names = set(Submission.__struct_fields__) & set(Message.__struct_fields__) - {"account"}
            return self.keep(**{name: getattr(what, name) for name in sorted(names)})
        if isinstance(what, Page):
            return self._page(what)
        assert isinstance(what, Find | ByReference)
        for m in self.messages:
            if isinstance(what, Find) and m.key == key_of_id(what.public_id, 0):
                media = bool(m.extra and m.extra.media)
                return m if what.media in {None, media} else Rejection(Reason.NOT_FOUND)
            if isinstance(what, ByReference) and m.reference == what.reference:
                return m
        return Rejection(Reason.NOT_FOUND)

    def _page(self, page: Page) -> Listing:
        keys = [m.key for m in self.messages]
        cursor = key_of_id(page.cursor, 0)
        if page.cursor and cursor not in keys:
            return Listing((), older=False, newer=False)
        start = keys.index(cursor) + 1 if page.cursor else 0
        if page.back:
            start = max(start - 1 - page.size, 0)
        taken = self.messages[start : start + page.size]
        return Listing(tuple(taken), older=start + len(taken) < len(keys), newer=start > 0)


def message_of(account: Account, number: int, **fields: Any) -> Message:
    plain = {
        "key": number,
        "fate_key": number,
        "account": account.id,
        "to": "+819012345678",
        "country": "JP",
        "sender": "12345",
        "body": "hi",
        "encoding": 0,
        "segments": 1,
        "reference": "",
        "callback_url": "http://sut.test:9000/status?a=1",
        "notify": 0,
        "validity_us": 0,
        "can_reply": False,
        "carrier": 1,
        "accepted_us": NOW_US,
    }
    return Message(**{**plain, **fields})
