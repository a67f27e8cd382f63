"""One 絶対リーチ! client's calls, without sockets; every reply and push is checked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from simulator.core.message import Call, Message, State
from simulator.dialects import zettai_reach

if TYPE_CHECKING:
    from simulator.core.wire import HttpReply

CLIENT, TOKEN = "12345", "0123456789abcdef0123456789ABCDEF"
PHONE = r"\+81(?:[26789]0[0-9]{8}|20[0-9]{11})"
CARRIER = r"10[1356]|999"
SENT = {
    "responseCode": (int, r"\d{1,3}"),
    "responseMessage": (str, r".+"),
    "phoneNumber": (str, PHONE),
    "smsMessage": (str, r"(?s).{1,660}"),
}
LIST = {
    "responseCode": (int, r"\d{1,3}"),
    "responseMessage": (str, r".+"),
    "status": (list, r"(?s).*"),
}
ROW = {
    "dateTime": (str, r"\d{8} \d{9}"),
    "phoneNumber": (str, PHONE),
    "message": (str, r"(?s).{1,660}"),
    "smsCode": (int, r"\d{1,6}"),
    "carrierId": (str | None, CARRIER),
    "carrierName": (str, r"AU|Docomo|Softbank|楽天モバイル|"),
    "statusId": (str, r"[0123]"),
    "clientTag": (str, r"(?s).{0,203}"),
    "detailedStatusId": (str, r"\d{1,5}"),
    "separatedSuccessCount": (int, r"\d+"),
}
PUSH = {
    "type": (str, r"DLR"),
    "dateTime": (str, r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d"),
    "messageId": (str, r"[0-9a-f]{32}"),
    "phoneNumber": (str, PHONE),
    "smsCode": (str, r"\d{5,6}"),
    "carrierId": (str | None, CARRIER),
    "carrierName": (str, r"AU|Docomo|Softbank|楽天モバイル|"),
    "messageText": (str, r"(?s).{1,660}"),
    "clientId": (str, r"\d+"),
    "clientTag": (str, r"(?s).{1,200}"),
    "statusId": (str, r"[23]"),
    "statusDescription": (str, r"Message delivered|Message delivery failed"),
    "detailedStatusId": (int, r"2|[136]1\d{3}|51\d{3}|\d{3}"),
    "separatedSuccessCount": (int, r"\d+"),
}


def faults_of(seen: dict[str, Any], table: dict[str, Any]) -> list[str]:
    """What our own table has against an object."""
    if list(seen) != list(table):
        return [f"keys: {list(seen)}"]
    return [
        key
        for key, (kind, form) in table.items()
        if not isinstance(seen[key], kind)
        or not (seen[key] is None or re.fullmatch(form, str(seen[key])))
    ]


class Api:
    """Send, ask, be pushed to.

    Attributes:
        vendor: the vendor's schemas by name, where they are here.
    """

    def __init__(self, counter: Any, vendor: dict[str, Any], **account: Any) -> None:
        self.vendor = vendor
        self.counter = counter(zettai_reach, CLIENT, TOKEN, self.check, **account)

    def check(self, reply: HttpReply) -> None:
        seen = json.loads(reply.body)
        assert (reply.status, reply.content_type) == (200, "application/json")
        assert faults_of(seen, LIST if "status" in seen else SENT) == []
        for row in seen.get("status", ()):
            assert faults_of(row, ROW) == []
            if not row["clientTag"]:
                # The page says it is empty where none was given; its schema asks for a character.
                del row["clientTag"]
        self.ask_vendor("p5StatusResponse" if "status" in seen else "p5MtResponse", seen)

    def ask_vendor(self, name: str, seen: Any) -> None:
        if self.vendor[name] is not None:
            assert list(self.vendor[name].iter_errors(seen)) == []

    def send(self, raw: bytes | None = None, **form: str) -> tuple[int, str, dict[str, Any]]:
        plain = {"token": TOKEN, "clientId": CLIENT, "smsCode": "12345", "message": "hi"}
        form = {**plain, "phoneNumber": "09012345678", **form}
        body = urlencode({k: v for k, v in form.items() if v != "(none)"}).encode()
        return self.call("POST", "/p5/api/mt.json", body if raw is None else raw)

    def status(self, **query: str) -> tuple[int, str, dict[str, Any]]:
        query = {"token": TOKEN, "clientId": CLIENT, **query}
        return self.call("GET", "/p5/api/status.json?" + urlencode(query))

    def call(
        self, method: str, url: str, body: bytes = b"", headers: Any = None
    ) -> tuple[int, str, dict[str, Any]]:
        seen = json.loads(self.counter.call(method, url, body, headers).body)
        return seen["responseCode"], seen["responseMessage"], seen

    def push(self, message: Message, state: State | None = None) -> dict[str, Any]:
        """Return the notification about a message's state."""
        call = Call(99, message, state or message.state, 0, 0)
        posted = zettai_reach.callback(call, self.counter.account, 0)
        assert posted is not None
        [(name, text)] = parse_qsl(posted.body.decode(), strict_parsing=True)
        seen = json.loads(text)
        assert (name, posted.url, posted.method) == ("json", message.callback_url, "POST")
        assert faults_of(seen["eventNotifications"][0], PUSH) == []
        self.ask_vendor("DLRPushJSON", seen)
        return seen["eventNotifications"][0]
