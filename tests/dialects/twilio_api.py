"""One Twilio account's calls, without sockets; every reply is checked. The SDK may ride on it."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from twilio.http import HttpClient
from twilio.http.response import Response

from simulator.dialects import twilio

if TYPE_CHECKING:
    from openapi_schema_validator import OAS30Validator

    from simulator.core.wire import HttpReply

AC, TOKEN = "AC" + "0" * 31 + "1", "an auth token"
MESSAGES = f"/2010-04-01/Accounts/{AC}/Messages"
DATE = r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000"
FIELDS = {  # key -> its type, and what it must look like; None may stand where the type allows it
    "account_sid": (str, r"AC[0-9a-fA-F]{32}"),
    "api_version": (str, r"2010-04-01"),
    "body": (str, r"(?s).*"),
    "date_created": (str, DATE),
    "date_sent": (str | None, DATE),
    "date_updated": (str, DATE),
    "direction": (str, r"inbound|outbound-api"),
    "error_code": (int | None, r"3\d{4}"),
    "error_message": (str | None, r"[A-Z].*"),
    "from": (str, r".+"),
    "messaging_service_sid": (None | str, r"MG[0-9a-fA-F]{32}"),
    "num_media": (str, r"0"),
    "num_segments": (str, r"\d+"),
    "price": (str | None, r"-\d+\.\d{5}|0\.00000"),
    "price_unit": (str | None, r"[A-Z]{3}"),
    "sid": (str, r"SM[0-9a-f]{32}"),
    "status": (str, "|".join(twilio.STATUS.values())),
    "subresource_uris": (dict, r"\{'media': '/2010-04-01/.*/Media\.json'\}"),
    "to": (str, r"\+\d+"),
    "uri": (str, r"/2010-04-01/Accounts/AC.{32}/Messages/SM.{32}\.json"),
}
URIS = {f"{which}_page_uri" for which in ("first", "next", "previous")}
PAGE = {"messages", "page", "page_size", "start", "end", "uri"} | URIS


def faults_of(resource: dict[str, Any]) -> list[str]:
    """What our own table has against a Message resource."""
    if list(resource) != list(FIELDS):
        return [f"keys: {list(resource)}"]
    odd = []
    for key, (kind, form) in FIELDS.items():
        value = resource[key]
        fits = value is None or re.fullmatch(form, str(value))
        if not (isinstance(value, kind) and fits):
            odd.append(key)
    return odd


class Api:
    """One account's calls; replies are checked by our table and, if it is there, the vendor's."""

    def __init__(self, counter: Any, vendor: OAS30Validator | None, **account: Any) -> None:
        self.vendor = vendor
        self.counter = counter(twilio, AC, TOKEN, self.check, **account)

    def check(self, reply: HttpReply) -> None:
        seen = json.loads(reply.body)
        if reply.status >= 400:
            assert list(seen) == ["code", "message", "more_info", "status"]
            assert seen["status"] == reply.status < 500
            assert seen["more_info"].endswith(f"/errors/{seen['code']}")
            return
        if "messages" in seen:
            assert set(seen) == PAGE
        for resource in seen.get("messages", [seen]):
            assert faults_of(resource) == []
            assert not self.vendor or not list(self.vendor.iter_errors(resource))

    def create(self, raw: bytes | None = None, **form: str) -> tuple[int, dict[str, Any]]:
        form = {"To": "+819012345678", "From": "+15005550006", "Body": "hi", **form}
        body = urlencode({k: v for k, v in form.items() if v != "(none)"}).encode()
        return self.call("POST", f"{MESSAGES}.json", body if raw is None else raw)

    def get(self, rest: str = ".json") -> tuple[int, dict[str, Any]]:
        return self.call("GET", MESSAGES + rest)

    def call(self, method: str, url: str, body: bytes = b"", **headers: str) -> Any:
        pair = base64.b64encode(f"{AC}:{TOKEN}".encode()).decode()
        given = {"Authorization": f"Basic {pair}"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        reply = self.counter.call(method, url, body, given)
        return reply.status, json.loads(reply.body)


class InProcess(HttpClient):
    """What the SDK takes for the network."""

    def __init__(self, counter: Any) -> None:
        self.counter = counter

    def request(
        self, method: str, url: str, params: Any = None, data: Any = None, **more: Any
    ) -> Any:
        query = urlencode({k: v for k, v in (params or {}).items() if v is not None})
        form = urlencode({k: v for k, v in (data or {}).items() if v is not None}).encode()
        pair = base64.b64encode(":".join(more["auth"]).encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        reply = self.counter.call(method, f"{url}?{query}" if query else url, form, headers)
        return Response(reply.status, reply.body.decode())
