"""What 絶対リーチ!SMS tells of a message: an entry of the status reply, the push of a receipt.

The one rule: what the vendor's page calls undefined (不定) is noise, drawn from the message's key,
so that a client that reads it is caught, and caught in the same place every time:

    statusId            1 sending        2 delivered    3 failed
    status reply        carrier, detail  all defined    all defined
                        and count noise
    push                not pushed       all defined    count noise

Times are Japan's. The count is of billed units (課金通数), by the account's policy. Codes may be
added without notice, says the page; those of causes are its classes, mapped by us.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

import msgspec

from simulator.core.carrier import DOCOMO, KDDI, RAKUTEN, SOFTBANK
from simulator.core.cause import Cause
from simulator.core.chance import Purpose, draw64, key_bytes, stream_of
from simulator.core.ids import public_id
from simulator.core.message import Account, Message, State
from simulator.core.tariff import POLICIES, bill
from simulator.core.wire import HttpCall
from simulator.dialects.forms import write_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.message import Call
    from simulator.dialects.shape import Reply

POLICY: Final = "jp-success-billed"  # 成功課金: the 2-Way plan's, and an account's that names none
JST: Final = timezone(timedelta(hours=9))

STATUS: Mapping[State, int] = {
    State.ACCEPTED: 1,
    State.SENDING: 1,
    State.SENT: 1,
    State.DELIVERED: 2,
    State.UNDELIVERED: 3,
    State.EXPIRED: 3,
    State.FAILED: 3,
    State.CANCELED: 3,
    State.RECEIVED: 0,
    State.SCHEDULED: 1,
    State.QUEUED: 1,
}
DESCRIPTIONS: Final = (
    "Unknown",
    "Message is Sending",
    "Message delivered",
    "Message delivery failed",
)
DELIVERED: Final = 2  # below it nothing is final, above it nothing arrived

# detailedStatusId of a failure: two digits of the carrier's module, three of the cause's class.
CAUSES: Mapping[Cause, int] = {
    Cause.NONE: 824,
    Cause.NOT_IN_USE: 732,  # 欠番
    Cause.REFUSED: 834,  # SMS 拒否設定
    Cause.ABSENT: 824,  # 圏外, 電源OFF
    Cause.CONGESTION: 721,  # 輻輳
    Cause.NO_ROUTE: 823,
    Cause.TOO_LATE: 823,
    Cause.CANCELED: 823,
    **dict.fromkeys((cause for cause in Cause if cause > Cause.CANCELED), 824),
}
CARRIERS: Mapping[int, tuple[int, str, str]] = {  # our index -> module, carrierId, carrierName
    KDDI.index: (11, "101", "AU"),
    DOCOMO.index: (31, "103", "Docomo"),
    SOFTBANK.index: (51, "105", "Softbank"),
    RAKUTEN.index: (61, "106", "楽天モバイル"),
}
UNKNOWN_CARRIER: Final = (0, "999", "")


def callback(call: Call, account: Account, epoch: int, _wall_s: int = 0) -> HttpCall | None:
    """Write the push of a receipt; None for a reply, which this provider has no push for."""
    m = call.message
    if call.state is State.RECEIVED:
        return None
    status = STATUS[call.state]
    carrier, name, detail = _particulars(m, status)
    units = _units(m, call.state, account) if status == DELIVERED else _noise(m) >> _COUNT_SHIFT
    event = {
        "type": "DLR",
        "dateTime": f"{_jst(m.known_us):%Y/%m/%d %H:%M:%S}",
        "messageId": public_id(m.key, epoch),
        "phoneNumber": m.to,
        "smsCode": m.sender,
        "carrierId": carrier,
        "carrierName": name,
        "messageText": m.body,
        "clientId": m.account,
        "clientTag": m.reference,
        "statusId": str(status),
        "statusDescription": DESCRIPTIONS[status],
        "detailedStatusId": detail,
        "separatedSuccessCount": units,
    }
    text = msgspec.json.encode({"eventNotifications": [event]}).decode()
    return HttpCall(m.callback_url, write_form({"json": text}))


def status_row(m: Message, reply: Reply) -> dict[str, object]:
    """Write one entry of the status reply."""
    status = STATUS[m.state]
    at = _jst(m.known_us or max(m.accepted_us, m.sending_us, m.sent_us))
    carrier, name, detail = _particulars(m, status)
    units = _noise(m) >> _COUNT_SHIFT if status < DELIVERED else _units(m, m.state, reply.account)
    return {
        "dateTime": f"{at:%Y%m%d %H%M%S}{at.microsecond // 1000:03}",
        "phoneNumber": m.to,
        "message": m.body,
        "smsCode": int(m.sender),
        "carrierId": carrier,
        "carrierName": name,
        "statusId": str(status),
        "clientTag": m.reference,
        "detailedStatusId": str(detail),
        "separatedSuccessCount": units,
    }


_COUNT_SHIFT: Final = 60  # a small number, which looks like a count
_ANY_CARRIER: Final = (*CARRIERS.values(), UNKNOWN_CARRIER, (0, None, ""))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).astimezone(JST)
_NOISE: Final = stream_of(0, Purpose.NOISE)


def _particulars(m: Message, status: int) -> tuple[str | None, str, int]:
    """Return carrierId, carrierName and detailedStatusId; noise where the status is not final."""
    if status < DELIVERED:
        noise = _noise(m)
        _, carrier, name = _ANY_CARRIER[noise % len(_ANY_CARRIER)]
        return carrier, name, noise // 8 % 100_000
    module, carrier, name = CARRIERS.get(m.carrier, UNKNOWN_CARRIER)
    return carrier, name, status if status == DELIVERED else module * 1000 + CAUSES[m.cause]


def _units(m: Message, state: State, account: Account | None) -> int:
    policy = POLICIES[(account.policy if account else "") or POLICY]
    return bill(policy, m.segments, state, m.cause).units


def _noise(m: Message) -> int:
    return draw64(_NOISE, key_bytes(m.key))


def _jst(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
