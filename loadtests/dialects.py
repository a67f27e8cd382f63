"""The clients of three provider APIs: a message written as each wants it, its answer understood.

The one rule: this is a customer's side, written from the providers' pages; nothing of the
simulator's own dialects is in it, so a mistake in one is not repeated in the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlencode

import msgspec

from loadtests.http import BROKEN, Answer, grade, head
from simulator.load import outcome as result

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.load.offer import Account, Offer

    Writer = Callable[[int, str, str], bytes]

_TWILIO_OPTED_OUT, _NATIVE_OPTED_OUT = 21610, "opted_out"
_JAPAN = "+81"
WORD_MAX = 100  # characters of an id or a code that are kept; none is longer
UNREADABLE = (ValueError, RecursionError)  # no JSON, no text, not its form, nested without end


# Each dialect: a writer (n, recipient, own id) -> bytes, made for one account; and a reader.


def _twilio(account: Account, offer: Offer) -> Writer:
    path = f"/2010-04-01/Accounts/{account.id}/Messages.json"
    kind = "application/x-www-form-urlencoded"
    before = head(offer.url, "POST", path, kind, account.id, account.secret)
    more = {"StatusCallback": offer.callback} if offer.callback else {}
    rest = [urlencode({"From": account.sender, "Body": text, **more}) for text in offer.texts]
    bodies = len(rest)

    def write(n: int, to: str, _own_id: str) -> bytes:
        body = f"To={quote_plus(to)}&{rest[n % bodies]}"
        return f"{before}{len(body)}\r\n\r\n{body}".encode("ascii")

    return write


def _native(account: Account, offer: Offer) -> Writer:
    path = "/todoku/v1/messages"
    before = head(offer.url, "POST", path, "application/json", account.id, account.secret)
    more = {"callback_url": offer.callback} if offer.callback else {}
    rest = [
        msgspec.json.encode({"from": account.sender, "text": text, **more})[1:]
        for text in offer.texts
    ]
    bodies = len(rest)
    start = before.encode()

    def write(n: int, to: str, own: str) -> bytes:
        body = b'{"to":%b,"reference":%b,%b' % (
            msgspec.json.encode(to),
            msgspec.json.encode(own),
            rest[n % bodies],
        )
        return b"%b%d\r\n\r\n%b" % (start, len(body), body)

    return write


def _zettai(account: Account, offer: Offer) -> Writer:
    before = head(offer.url, "POST", "/p5/api/mt.json", "application/x-www-form-urlencoded")
    fixed = {"token": account.secret, "clientId": account.id, "smsCode": account.sender}
    rest = [urlencode({**fixed, "message": text}) for text in offer.texts]
    bodies = len(rest)

    def write(n: int, to: str, own: str) -> bytes:
        national = "0" + to[len(_JAPAN) :] if to.startswith(_JAPAN) else to
        body = f"phoneNumber={quote_plus(national)}&clientTag={quote_plus(own)}&{rest[n % bodies]}"
        return f"{before}{len(body)}\r\n\r\n{body}".encode("ascii")

    return write


class _TwilioReply(msgspec.Struct):
    sid: str = ""
    code: int | None = None


class _NativeReply(msgspec.Struct):
    id: str = ""
    code: str = ""


class _ZettaiReply(msgspec.Struct):
    responseCode: int  # noqa: N815 - theirs


_twilio_reply = msgspec.json.Decoder(_TwilioReply).decode
_native_reply = msgspec.json.Decoder(_NativeReply).decode
_zettai_reply = msgspec.json.Decoder(_ZettaiReply).decode


def _read_twilio(status: int, body: bytes) -> Answer:
    try:
        reply = _twilio_reply(body)
    except UNREADABLE:
        return _unread(status)
    if status == 201:
        return Answer(result.OK, reply.sid[:WORD_MAX])
    if reply.code == _TWILIO_OPTED_OUT:
        return Answer(result.OPTED_OUT, "", str(reply.code))
    return Answer(grade(status), "", "" if reply.code is None else str(reply.code))


def _read_native(status: int, body: bytes) -> Answer:
    try:
        reply = _native_reply(body)
    except UNREADABLE:
        return _unread(status)
    if status == 201:
        return Answer(result.OK, reply.id[:WORD_MAX])
    kind = result.OPTED_OUT if reply.code == _NATIVE_OPTED_OUT else grade(status)
    return Answer(kind, "", reply.code[:WORD_MAX])


def read_zettai(status: int, body: bytes) -> Answer:
    """Read 絶対リーチ!'s answer: 200 whatever it means, with a code inside."""
    try:
        code = _zettai_reply(body).responseCode
    except UNREADABLE:
        return _unread(status)
    if status == 200 and code == 0:
        return Answer(result.OK)
    kind = result.BROKEN if status == 200 and code >= BROKEN else result.REJECTED
    return Answer(kind if status == 200 else grade(status), "", str(code))


def read_any(status: int, body: bytes) -> Answer:
    """Read Twilio's or the native API's, by what is in it."""
    read = _read_twilio if b'"sid"' in body or b'"more_info"' in body else _read_native
    return read(status, body)


def _unread(status: int) -> Answer:
    """Return what an answer means that is not in the provider's form."""
    return Answer(result.OTHER if 200 <= status < 300 else grade(status), "", "unreadable")


WRITERS = {"twilio": _twilio, "native": _native, "zettai_reach": _zettai}
READERS = {"twilio": _read_twilio, "native": _read_native, "zettai_reach": read_zettai}
