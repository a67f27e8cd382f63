"""Requests as bytes, and what their answers mean: the clients of three provider APIs and a system.

The one rule: whatever does not change from arrival to arrival is written once. A request is one
piece of bytes, so that a load of thousands a second is not spent on building headers.

    (n, account) -> build -> bytes ... status, body -> read -> Answer
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from simulator.core.number import (
    JAPAN_UNASSIGNED_COUNT,
    US_FICTIONAL_COUNT,
    japan_unassigned,
    us_fictional,
)
from simulator.errors import UsageError
from simulator.load import outcome as result
from simulator.load.offer import own_id, turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.load.offer import Account, Ask, Offer

_TWILIO_OPTED_OUT, _NATIVE_OPTED_OUT = 21610, "opted_out"
_TOO_MANY, _BROKEN = 429, 500
_JAPAN = "+81"


class Answer(NamedTuple):
    """What an answer means: how the request ended, the provider's id and its error code."""

    result: str
    provider_id: str = ""
    code: str = ""


class About(NamedTuple):
    """Whom an arrival is about; `k`: earlier arrivals of this load to the same recipient."""

    account: str
    recipient: str
    k: int


class Requests(Protocol):
    """What is sent at each arrival."""

    name: str  # as locust's tables call it
    method: str

    def build(self, n: int, account: int) -> bytes:
        """Return the request of arrival n by an account of the offer."""

    def read(self, status: int, body: bytes) -> Answer:
        """Say what an answer means."""

    def about(self, n: int, account: int) -> About:
        """Say whom arrival n is about."""


class People:
    """Recipients by their place: of a list, or numbers that are nobody's."""

    def __init__(self, numbers: Sequence[str] | None, dialects: frozenset[str]) -> None:
        self._numbers = numbers
        self._fictional, self.count = (us_fictional, US_FICTIONAL_COUNT)
        if numbers is not None:
            self.count = len(numbers)
        elif "zettai_reach" in dialects:
            self._fictional, self.count = (japan_unassigned, JAPAN_UNASSIGNED_COUNT)

    def __getitem__(self, place: int) -> str:
        return self._fictional(place) if self._numbers is None else self._numbers[place]


class GatewayRequests:
    """One message at each arrival, sent to the gateway in the dialect of the arrival's account."""

    name, method = "create", "POST"

    def __init__(self, offer: Offer, people: Sequence[str] | None) -> None:
        if not offer.accounts:
            raise UsageError("an offer against the gateway needs an account at least")
        self._people = People(people, frozenset(a.dialect for a in offer.accounts))
        self._run = offer.run
        self._accounts = offer.accounts
        self._writers = [_WRITERS[account.dialect](account, offer) for account in offer.accounts]
        self._readers = {account.dialect: _READERS[account.dialect] for account in offer.accounts}
        self._mixed = len(self._readers) > 1
        self._read = next(iter(self._readers.values()))

    def build(self, n: int, account: int) -> bytes:
        """Return the request of arrival n by an account of the offer."""
        to = self._people[n % self._people.count]
        return self._writers[account](n, to, own_id(self._run, n))

    def read(self, status: int, body: bytes) -> Answer:
        """Say what an answer means."""
        if self._mixed and body.startswith(b'{"responseCode"'):
            return _read_zettai(status, body)
        return (_read_any if self._mixed else self._read)(status, body)

    def about(self, n: int, account: int) -> About:
        """Say whom arrival n is about."""
        place, k = turn(n, self._people.count)
        return About(self._accounts[account].id, self._people[place], k)


class SystemRequests:
    """A campaign for so many recipients at each arrival, started in a system under test."""

    method: str

    def __init__(self, offer: Offer, people: Sequence[str] | None) -> None:
        if offer.system is None or offer.system.batch < 1:
            raise UsageError("an offer against a system needs `system`, with a batch of 1 or more")
        self._people = People(people, frozenset())
        self._batch = offer.system.batch
        start = offer.system.start
        self.name, self.method = f"{start.method} {start.path}", start.method
        self._head = head(offer.url, start.method, start.path, "application/json")
        self._before, self._slot, self._after = start.body.partition('"$recipients"')

    def build(self, n: int, account: int) -> bytes:  # noqa: ARG002 - a system has its own accounts
        """Return the request that starts the campaign of arrival n."""
        first = n * self._batch
        there = [self._people[i % self._people.count] for i in range(first, first + self._batch)]
        body = self._before + (msgspec.json.encode(there).decode() if self._slot else "")
        return whole(self._head, body + self._after)

    def read(self, status: int, body: bytes) -> Answer:
        """Say what an answer means."""
        return read_plain(status, body)

    def about(self, n: int, account: int) -> About:  # noqa: ARG002
        """Say who the first recipient of arrival n is."""
        place, k = turn(n * self._batch, self._people.count)
        return About("", self._people[place], k)


def requests_of(offer: Offer, people: Sequence[str] | None) -> Requests:
    """Return what is sent at each arrival of an offer.

    Args:
        offer: what was asked for.
        people: numbers of recipients; None: such as are nobody's.

    Raises:
        UsageError: the offer does not say enough.
    """
    if offer.against == "gateway":
        return GatewayRequests(offer, people)
    return SystemRequests(offer, people)


def poll(offer: Offer, ask: Ask) -> bytes:
    """Return the request of a poll."""
    return whole(head(offer.url, ask.method, ask.path, "application/json"), ask.body)


def head(url: str, method: str, path: str, kind: str, *credentials: str) -> str:
    """Return the head of a request up to the length of its body."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "User-Agent: todoku"]
    if credentials:
        lines.append(f"Authorization: Basic {b64encode(':'.join(credentials).encode()).decode()}")
    for line in lines:
        if not line.isprintable() or line.count(" ") < 1:
            raise UsageError(f"{line!r} cannot stand in the head of a request")
    return "\r\n".join([*lines, f"Content-Type: {kind}", "Content-Length: "])


def whole(before: str, body: str) -> bytes:
    """Return a head and a body as one request."""
    data = body.encode()
    return f"{before}{len(data)}\r\n\r\n".encode() + data


def read_plain(status: int, _body: bytes) -> Answer:
    """Say what a status means where nothing is known of the body."""
    if 200 <= status < 300:
        return Answer(result.OK)
    return Answer(_grade(status))


# Each dialect: a writer (n, recipient, own id) -> bytes, made for one account; and a reader.


def _twilio(account: Account, offer: Offer) -> Callable[[int, str, str], bytes]:
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


def _native(account: Account, offer: Offer) -> Callable[[int, str, str], bytes]:
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


def _zettai(account: Account, offer: Offer) -> Callable[[int, str, str], bytes]:
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
    except msgspec.DecodeError:
        return _unread(status)
    if status == 201:
        return Answer(result.OK, reply.sid)
    if reply.code == _TWILIO_OPTED_OUT:
        return Answer(result.OPTED_OUT, "", str(reply.code))
    return Answer(_grade(status), "", "" if reply.code is None else str(reply.code))


def _read_native(status: int, body: bytes) -> Answer:
    try:
        reply = _native_reply(body)
    except msgspec.DecodeError:
        return _unread(status)
    if status == 201:
        return Answer(result.OK, reply.id)
    kind = result.OPTED_OUT if reply.code == _NATIVE_OPTED_OUT else _grade(status)
    return Answer(kind, "", reply.code)


def _read_zettai(status: int, body: bytes) -> Answer:
    try:
        code = _zettai_reply(body).responseCode
    except msgspec.DecodeError:
        return _unread(status)
    if status == 200 and code == 0:
        return Answer(result.OK)
    kind = result.BROKEN if status == 200 and code >= _BROKEN else result.REJECTED
    return Answer(kind if status == 200 else _grade(status), "", str(code))


def _read_any(status: int, body: bytes) -> Answer:
    """Read Twilio's or the native API's, by what is in it."""
    read = _read_twilio if b'"sid"' in body or b'"more_info"' in body else _read_native
    return read(status, body)


def _unread(status: int) -> Answer:
    """Return what an answer means that is not in the provider's form."""
    return Answer(result.OTHER if 200 <= status < 300 else _grade(status), "", "unreadable")


def _grade(status: int) -> str:
    if status == _TOO_MANY:
        return result.THROTTLED
    if 400 <= status < _BROKEN:
        return result.REJECTED
    return result.BROKEN if status >= _BROKEN else result.OTHER


_WRITERS = {"twilio": _twilio, "native": _native, "zettai_reach": _zettai}
_READERS = {"twilio": _read_twilio, "native": _read_native, "zettai_reach": _read_zettai}
