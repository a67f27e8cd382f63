"""Todoku's native API: JSON, an Idempotency-Key for each letter, Standard Webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from examples.outreach.books import Receipt
from examples.outreach.provider import STOP_WORDS, Accepted, Inbound, Later, Refused
from examples.outreach.texts import JAPANESE, segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from examples.outreach.books import Message
    from examples.outreach.provider import Account, Callback, Letter, Outcome, Wire

STATES = {
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "undelivered",
    "expired": "undelivered",
    "failed": "failed",
}  # the other statuses are no news
FIELDS = ("id", "status", "billing", "from", "text")
TOLERANCE_S = 300


class Native:
    """Gives each letter its own id as the key: a second try has the first one's reply."""

    currency = "JPY"
    country_code = "81"
    texts = JAPANESE
    status_path = "/receipts"
    inbound_path: str | None = "/inbound"
    wants_reply = False

    def __init__(self, account: Account, wire: Wire, own_url: str) -> None:
        self._account = account
        self._wire = wire
        self._status_url = own_url + self.status_path

    async def send(self, letter: Letter, *, unclear: bool) -> Outcome:
        """Send a letter; whether an earlier try was accepted does not matter."""
        del unclear
        body = {
            "to": letter.to,
            "from": self._account.sender,
            "text": letter.text,
            "reference": letter.own_id,
            "callback_url": self._status_url,
        }
        url = f"{self._account.url}/todoku/v1/messages"
        reply = await self._wire.post_json(url, body, {"Idempotency-Key": letter.own_id})
        if isinstance(reply, Later):
            return reply
        if reply.status == 201 and isinstance(reply.data.get("id"), str):
            count = reply.data.get("segments")
            return Accepted(
                reply.data["id"], count if isinstance(count, int) else segments(letter.text)
            )
        code = reply.data.get("code")
        return Refused(f"HTTP {reply.status}, {code}", opted_out=code == "opted_out")

    async def ask(self, _own_id: str, provider_id: str | None) -> Sequence[Receipt] | Later:
        """Fetch the message."""
        reply = await self._wire.get(f"{self._account.url}/todoku/v1/messages/{provider_id}", {})
        if isinstance(reply, Later):
            return reply
        return _told(reply.data) if reply.status == 200 else []

    def receipts(self, callback: Callback) -> Sequence[Receipt]:
        """Read a status callback."""
        return _told(_data(callback))

    def inbound(self, callback: Callback, /) -> Inbound:
        """Read what a person wrote: STOP counts only when it is the single word."""
        told = _data(callback)
        return Inbound(str(told["from"]), str(told["text"]).strip().upper() in STOP_WORDS)

    def genuine(self, callback: Callback, /) -> bool:
        """Check the signature of Standard Webhooks, and that it is not an old one."""
        headers = callback.headers
        sent_at = headers.get("webhook-timestamp", "")
        if not sent_at.isdecimal() or abs(int(sent_at) - time.time()) > TOLERANCE_S:
            return False
        signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + callback.body
        digest = hmac.new(self._account.secret.encode(), signed, hashlib.sha256).digest()
        right = b"v1," + base64.b64encode(digest)
        given = headers.get("webhook-signature", "").encode().split(b" ")
        return any(hmac.compare_digest(right, one) for one in given)

    def cost(self, message: Message) -> tuple[int, Decimal]:
        """Only what was delivered is billed, by the units the provider counted."""
        if message.told.state != "delivered":
            return 0, Decimal(0)
        units = message.segments if message.told.units is None else message.told.units
        return units, units * self._account.unit_price


def _told(message: dict[str, Any]) -> list[Receipt]:
    """Read what is said of a message; the units are the billed ones, where that is known."""
    name, state = str(message["id"]), STATES.get(str(message["status"]))
    billing = message["billing"]
    gone = message.get("cause") == "not_in_use"
    return [Receipt(name, state, billing and int(billing["units"]), gone=gone)] if state else []


def _data(callback: Callback) -> dict[str, Any]:
    """Return the message that an event is about."""
    try:
        event = json.loads(callback.body)
        return {name: event["data"][name] for name in FIELDS} | {
            "cause": event["data"].get("cause")
        }
    except (KeyError, TypeError) as error:
        raise ValueError("not an event of the native API") from error
