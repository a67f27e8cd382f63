"""絶対リーチ!: CommonMT send, DLR push, and billing by success (成功課金)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from examples.outreach.books import Receipt
from examples.outreach.provider import Accepted, Inbound, Later, Refused
from examples.outreach.texts import JAPANESE, segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from examples.outreach.books import Message
    from examples.outreach.provider import Account, Callback, Letter, Outcome, Wire

SUCCESS, DUPLICATE_CLIENT_TAG, SYSTEM_ERROR = 0, 400, 500  # responseCode
NOT_IN_USE = 732  # 欠番: the last three digits of detailedStatusId
STATES = {"1": "sent", "2": "delivered", "3": "undelivered"}  # statusId; 0, unknown, is no news


class ZettaiReach:
    """Gives each letter a clientTag, which must be unique and so makes a second try safe."""

    currency = "JPY"
    country_code = "81"
    texts = JAPANESE
    status_path = "/receipts"
    inbound_path: str | None = None
    wants_reply = False

    def __init__(self, account: Account, wire: Wire) -> None:
        self._account = account
        self._wire = wire

    async def send(self, letter: Letter, *, unclear: bool) -> Outcome:
        """Send a letter. After an unclear try, "duplicate" is good news: it was accepted."""
        form = {
            "token": self._account.secret,
            "clientId": self._account.name,
            "smsCode": self._account.sender,
            "message": letter.text,
            "phoneNumber": letter.to,
            "clientTag": letter.own_id,
        }
        reply = await self._wire.post(f"{self._account.url}/p5/api/mt.json", form)
        if isinstance(reply, Later):
            return reply
        code = reply.data.get("responseCode")
        if code == SUCCESS or (code == DUPLICATE_CLIENT_TAG and unclear):
            return Accepted(None, segments(letter.text))
        if code == SYSTEM_ERROR or (code is None and reply.status < 300):
            return Later(f"responseCode {code}")
        return Refused(f"HTTP {reply.status}, responseCode {code}")

    async def ask(self, own_id: str, _provider_id: str | None) -> Sequence[Receipt] | Later:
        """Ask for the status by our clientTag."""
        query = {
            "token": self._account.secret,
            "clientId": self._account.name,
            "clientTag": own_id,
        }
        reply = await self._wire.get(f"{self._account.url}/p5/api/status.json", query)
        if isinstance(reply, Later):
            return reply
        rows = reply.data.get("status")
        return _read([{**row, "clientTag": own_id} for row in rows or () if isinstance(row, dict)])

    def receipts(self, callback: Callback) -> Sequence[Receipt]:
        """Read a DLR push. The count of units means something only when statusId is 2."""
        try:
            return _read(json.loads(dict(callback.form)["json"])["eventNotifications"])
        except (KeyError, TypeError) as error:
            raise ValueError("not a DLR push") from error

    def inbound(self, _callback: Callback, /) -> Inbound:
        """Refuse: people answer by other means."""
        raise ValueError("no inbound here")

    def genuine(self, _callback: Callback, /) -> bool:
        """Believe: a DLR push is not signed. In the open, allow only the provider's addresses."""
        return True

    def cost(self, message: Message) -> tuple[int, Decimal]:
        """Only what was delivered is billed, by the units the provider counted."""
        if message.told.state != "delivered":
            return 0, Decimal(0)
        told = message.told.units
        units = message.segments if told is None else told
        return units, units * self._account.unit_price


def _read(notices: Iterable[dict[str, object]]) -> list[Receipt]:
    told = [(str(n["clientTag"]), str(n["statusId"]), n) for n in notices]
    return [
        Receipt(
            tag,
            STATES[status],
            _units(notice) if status == "2" else None,
            gone=status == "3" and str(notice.get("detailedStatusId"))[-3:] == str(NOT_IN_USE),
        )
        for tag, status, notice in told
        if status in STATES
    ]


def _units(notice: dict[str, object]) -> int | None:
    count = str(notice.get("separatedSuccessCount"))
    return int(count) if count.isdecimal() and len(count) < 10 else None
