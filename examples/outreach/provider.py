"""What every provider has in common: what we ask, what it may answer, and the wire between.

One provider, one file, one shape. An outcome is a value; `campaign` decides what follows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

import aiohttp

from examples.outreach.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from examples.outreach.books import Message, Receipt
    from examples.outreach.clock import Clock
    from examples.outreach.texts import Texts

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})

Form = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Account:
    """Where the provider is, and who we are to it."""

    url: str
    name: str
    secret: str
    sender: str
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one person: the campaign's first, or its second (the reminder)."""

    campaign: str
    index: int
    nth: int
    to: str
    text: str
    reminder: str = ""  # the text of the second, if there is to be one

    @property
    def own_id(self) -> str:
        """Our reference: the same letter has the same one, however often it is tried."""
        return f"{self.campaign}-{self.index:05d}-{self.nth}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken the letter."""

    provider_id: str | None
    segments: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will never take it."""

    why: str
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """Try again: it is too busy for us (`throttled`), or we cannot tell whether it accepted."""

    why: str
    after_us: int | None = None
    throttled: bool = False


Outcome = Accepted | Refused | Later


@dataclass(frozen=True, slots=True)
class Inbound:
    """What a person wrote to us."""

    number: str
    stop: bool


@dataclass(frozen=True, slots=True)
class Callback:
    """What the provider has called us with; `headers` are looked up without regard to case."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> Form:
        """Its fields. Raises ValueError if they cannot be read."""
        return parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=1000)


class Provider(Protocol):
    """The shape of `zettai_reach`, `twilio` and `native`."""

    currency: str
    country_code: str
    texts: Texts
    status_path: str
    inbound_path: str | None
    wants_reply: bool  # whom to remind: those who have not replied, or those not reached

    async def send(self, letter: Letter, *, unclear: bool) -> Outcome:
        """Send a letter. `unclear`: an earlier try may have been accepted, so never send twice."""

    async def ask(self, own_id: str, provider_id: str | None) -> Sequence[Receipt] | Later:
        """Ask what became of an accepted letter of which nothing final was heard."""

    def receipts(self, callback: Callback) -> Sequence[Receipt]:
        """Read a status callback. Raises ValueError if it cannot be read."""

    def inbound(self, callback: Callback, /) -> Inbound:
        """Read an inbound callback. Raises ValueError if it cannot be read."""

    def genuine(self, callback: Callback, /) -> bool:
        """Tell whether a callback comes from the provider. Raises ValueError as above."""

    def cost(self, message: Message) -> tuple[int, Decimal]:
        """Return the units we expect to be billed for, and the amount without tax."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that can be judged: neither 408, 429 nor 5xx, and JSON if it is 2xx."""

    status: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wire:
    """HTTP with the provider: every trouble becomes a `Later`."""

    session: aiohttp.ClientSession
    clock: Clock
    auth: aiohttp.BasicAuth | None = None

    async def post(self, url: str, form: dict[str, str]) -> Reply | Later:
        """POST a form."""
        return await self._call("POST", url, data=form)

    async def post_json(
        self, url: str, body: dict[str, str], headers: dict[str, str]
    ) -> Reply | Later:
        """POST JSON."""
        return await self._call("POST", url, json=body, headers=headers)

    async def get(self, url: str, query: dict[str, str]) -> Reply | Later:
        """GET with a query."""
        return await self._call("GET", url, params=query)

    async def _call(self, method: str, url: str, **what: Any) -> Reply | Later:
        try:
            async with self.session.request(
                method, url, auth=self.auth, allow_redirects=False, **what
            ) as reply:
                self.clock.hear(reply.headers)
                body = await reply.text(errors="replace")
        except TimeoutError:
            return Later("no reply in time")
        except aiohttp.ClientError as error:
            return Later(type(error).__name__)
        if reply.status in {408, 429} or reply.status >= 500:
            after_us = _retry_after_us(reply.headers.get("Retry-After", ""))
            return Later(f"HTTP {reply.status}", after_us, throttled=reply.status == 429)
        return _read(reply.status, body)


def _retry_after_us(value: str) -> int | None:
    """Read whole seconds; a date is left to the ordinary back-off."""
    return int(value) * SECOND_US if value.isdecimal() and len(value) < 10 else None


def _read(status: int, body: str) -> Reply | Later:
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    if isinstance(data, dict):
        return Reply(status, data)
    return Later("an unreadable reply") if status < 300 else Reply(status, {})
