"""Twilio Programmable Messaging: create, list, signed callbacks, and billing per segment."""

from __future__ import annotations

import base64
import hashlib
import hmac
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from examples.outreach.books import Receipt
from examples.outreach.provider import STOP_WORDS, Accepted, Inbound, Later, Refused
from examples.outreach.texts import ENGLISH, segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from examples.outreach.books import Books, Message
    from examples.outreach.provider import Account, Callback, Letter, Outcome, Wire

UNSUBSCRIBED, QUEUE_FULL, NOT_IN_USE = 21610, 21611, 30005
STATES = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
}  # the other statuses are no news
BILLED = frozenset({"sent", "delivered", "undelivered"})
FAILED_FEE = Decimal("0.001")  # per failed message, whatever its length, except for these errors:
NO_FEE = frozenset(
    {12400, 20500, 20504, 21408, 30002, 30008, 30036, 30103, 30450, 30454, 30500, 63010}
    | {63012, 63013, 63018, 63021, 63024, 63032, 63038, 90010}
)


class Twilio:
    """Has no reference of ours to tell a second try by, so it looks before it sends again."""

    currency = "USD"
    country_code = "1"
    texts = ENGLISH
    status_path = "/twilio/status"
    inbound_path: str | None = "/twilio/inbound"
    wants_reply = True

    def __init__(self, account: Account, wire: Wire, own_url: str, books: Books) -> None:
        self._account = account
        self._wire = wire
        self._status_url = own_url + self.status_path
        self._books = books
        self._resource = f"{account.url}/2010-04-01/Accounts/{account.name}/Messages"
        self._messages = f"{self._resource}.json"

    async def send(self, letter: Letter, *, unclear: bool) -> Outcome:
        """Send a letter, unless an unclear try of it turns out to have been accepted."""
        if unclear and (outcome := await self._look_up(letter)):
            return outcome
        form = {
            "To": letter.to,
            "From": self._account.sender,
            "Body": letter.text,
            "StatusCallback": self._status_url,
        }
        reply = await self._wire.post(self._messages, form)
        if isinstance(reply, Later):
            return reply
        if reply.status < 300:
            return _accepted(reply.data, letter)
        code = reply.data.get("code")
        if code == QUEUE_FULL:
            return Later("the queue is full", throttled=True)
        return Refused(f"HTTP {reply.status}, error {code}", opted_out=code == UNSUBSCRIBED)

    async def _look_up(self, letter: Letter) -> Accepted | Later | None:
        query = {"To": letter.to, "From": self._account.sender, "PageSize": "1000"}
        reply = await self._wire.get(self._messages, query)
        if isinstance(reply, Later):
            return reply
        found = reply.data.get("messages")
        if reply.status != 200 or not isinstance(found, list):
            return Later("an unreadable list")
        told = [receipt for message in found for receipt in _told(message)]
        self._books.add_receipts(told, self._wire.clock.now_us)  # whatever it was read for
        for message in found:
            if message.get("body") == letter.text and not self._books.knows(str(message["sid"])):
                return _accepted(message, letter)
        return None

    async def ask(self, _own_id: str, provider_id: str | None) -> Sequence[Receipt] | Later:
        """Fetch the message."""
        reply = await self._wire.get(f"{self._resource}/{provider_id}.json", {})
        return reply if isinstance(reply, Later) else _told(reply.data)

    def receipts(self, callback: Callback) -> Sequence[Receipt]:
        """Read a status callback."""
        told = dict(callback.form)
        sid, state = told.get("MessageSid"), STATES.get(told.get("MessageStatus", ""))
        if not sid:
            raise ValueError("not a status callback")
        return [_receipt(sid, state, int(told.get("ErrorCode") or 0))] if state else []

    def inbound(self, callback: Callback, /) -> Inbound:
        """Read what a person wrote: STOP counts only when it is the single word."""
        told = dict(callback.form)
        if "From" not in told:
            raise ValueError("not an inbound message")
        return Inbound(told["From"], told.get("Body", "").strip().upper() in STOP_WORDS)

    def genuine(self, callback: Callback, /) -> bool:
        """Check X-Twilio-Signature: HMAC-SHA1 of the URL and the sorted parameters."""
        fields = sorted(set(callback.form))
        text = callback.url + "".join(name + value for name, value in fields)
        signature = callback.headers.get("X-Twilio-Signature", "")
        secret = self._account.secret.encode()
        digest = hmac.new(secret, text.encode(), hashlib.sha1).digest()
        return hmac.compare_digest(base64.b64encode(digest), signature.encode())

    def cost(self, message: Message) -> tuple[int, Decimal]:
        """Whatever has left is billed per segment; what failed before costs a small fee."""
        if message.told.state in BILLED:
            return message.segments, message.segments * self._account.unit_price
        if message.told.state == "failed" and message.told.error not in NO_FEE:
            return 0, FAILED_FEE
        return 0, Decimal(0)


def _told(data: dict[str, Any]) -> list[Receipt]:
    """Read what a message resource says of its state, if that is news."""
    sid, state = data.get("sid"), STATES.get(str(data.get("status")))
    error = data.get("error_code")
    if not isinstance(sid, str) or state is None:
        return []
    return [_receipt(sid, state, error if isinstance(error, int) else 0)]


def _receipt(sid: str, state: str, error: int) -> Receipt:
    return Receipt(sid, state, error=error, gone=error == NOT_IN_USE)


def _accepted(data: dict[str, Any], letter: Letter) -> Accepted | Later:
    sid = data.get("sid")
    if not isinstance(sid, str):
        return Later("a reply without a sid")
    count = str(data.get("num_segments"))
    return Accepted(sid, (int(count) if count.isdecimal() else 0) or segments(letter.text))
