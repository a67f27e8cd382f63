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
from tests.vendors import vendors_schema

if TYPE_CHECKING:
    from openapi_schema_validator import OAS30Validator

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
    "direction": (str, r"inbound|outbound-(api|reply)"),
    "error_code": (int | None, r"3\d{4}"),
    "error_message": (str | None, r"[A-Z].*"),
    "from": (str | None, r".+"),
    "messaging_service_sid": (None | str, r"MG[0-9a-fA-F]{32}"),
    "num_media": (str, r"\d|10"),
    "num_segments": (str, r"\d+"),
    "price": (str | None, r"-\d+\.\d{5}|0\.00000"),
    "price_unit": (str | None, r"[A-Z]{3}"),
    "sid": (str, r"(SM|MM)[0-9a-f]{32}"),
    "status": (str, "accepted|" + "|".join(twilio.STATUS.values())),
    "subresource_uris": (dict, r"\{'media': '/2010-04-01/.*/Media\.json'\}"),
    "to": (str, r"\+\d+"),
    "uri": (str, r"/2010-04-01/Accounts/AC.{32}/Messages/[SM]M.{32}\.json"),
}
FEEDBACK = {
    "account_sid": (str, r"AC[0-9a-fA-F]{32}"),
    "message_sid": (str, r"[SM]M[0-9a-f]{32}"),
    "outcome": (str, r"confirmed|unconfirmed"),
    "date_created": (str, DATE),
    "date_updated": (str, DATE),
    "uri": (str, r"/2010-04-01/Accounts/AC.{32}/Messages/[SM]M.{32}/Feedback\.json"),
}
MEDIUM = {
    "account_sid": (str, r"AC[0-9a-fA-F]{32}"),
    "content_type": (str, r"[a-z]+/[a-z0-9.+-]+"),
    "date_created": (str, DATE),
    "date_updated": (str, DATE),
    "parent_sid": (str, r"MM[0-9a-f]{32}"),
    "sid": (str, r"ME[0-9a-f]{32}"),
    "uri": (str, r"/2010-04-01/Accounts/AC.{32}/Messages/MM.{32}/Media/ME.{32}\.json"),
}
TABLES = {  # the vendor's name of a resource, by a key that only it has -> our table
    "body": ("api.v2010.account.message", FIELDS),
    "outcome": ("api.v2010.account.message.message_feedback", FEEDBACK),
    "content_type": ("api.v2010.account.message.media", MEDIUM),
}
LISTS = ("messages", "media_list")
URIS = {f"{which}_page_uri" for which in ("first", "next", "previous")}
PAGE = {"page", "page_size", "start", "end", "uri"} | URIS


def table_of(resource: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Find which resource it is."""
    return next(found for key, found in TABLES.items() if key in resource)


def faults_of(resource: dict[str, Any]) -> list[str]:
    """What our own table has against a resource."""
    fields = table_of(resource)[1]
    if list(resource) != list(fields):
        return [f"keys: {list(resource)}"]
    odd = []
    for key, (kind, form) in fields.items():
        value = resource[key]
        fits = value is None or re.fullmatch(form, str(value))
        if not (isinstance(value, kind) and fits):
            odd.append(key)
    return odd


def vendor_of(name: str) -> OAS30Validator | None:
    """Read one of Twilio's schemas, if they are at hand."""
    return vendors_schema("twilio/twilio_api_v2010.messages.json", name)


def check(status: int, body: bytes) -> None:
    """Hold a reply against our table and, if it is there, the vendor's schema."""
    if status in {204, 307}:
        assert body == b""
        return
    seen = json.loads(body)
    if status >= 400:
        assert list(seen) == ["code", "message", "more_info", "status"]
        assert seen["status"] == status < 500
        assert seen["more_info"].endswith(f"/errors/{seen['code']}")
        return
    rows = next((name for name in LISTS if name in seen), None)
    if rows:
        assert set(seen) == {rows, *PAGE}
    for resource in seen[rows] if rows else [seen]:
        assert faults_of(resource) == []
        vendor = vendor_of(table_of(resource)[0])
        assert not vendor or not list(vendor.iter_errors(resource))


class Api:
    """One account's calls; every reply is checked."""

    def __init__(self, counter: Any, **account: Any) -> None:
        self.vendor = vendor_of(TABLES["body"][0])
        self.counter = counter(
            twilio, AC, TOKEN, lambda reply: check(reply.status, reply.body), **account
        )

    def create(self, raw: bytes | None = None, **form: str) -> tuple[int, dict[str, Any]]:
        form = {"To": "+819012345678", "From": "+15005550006", "Body": "hi", **form}
        body = urlencode({k: v for k, v in form.items() if v != "(none)"}).encode()
        return self.call("POST", f"{MESSAGES}.json", body if raw is None else raw)

    def post(self, rest: str, **form: str) -> tuple[int, dict[str, Any]]:
        return self.call("POST", MESSAGES + rest, urlencode(form).encode())

    def delete(self, rest: str) -> int:
        status: int = self.call("DELETE", MESSAGES + rest)[0]
        return status

    def get(self, rest: str = ".json") -> tuple[int, dict[str, Any]]:
        return self.call("GET", MESSAGES + rest)

    def call(self, method: str, url: str, body: bytes = b"", **headers: str) -> Any:
        pair = base64.b64encode(f"{AC}:{TOKEN}".encode()).decode()
        given = {"Authorization": f"Basic {pair}"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        reply = self.counter.call(method, url, body, given)
        return reply.status, json.loads(reply.body or b"{}")


class InProcess(HttpClient):
    """What the SDK takes for the network."""

    def __init__(self, counter: Any) -> None:
        self.counter = counter

    def request(
        self, method: str, url: str, params: Any = None, data: Any = None, **more: Any
    ) -> Any:
        query = urlencode({k: v for k, v in (params or {}).items() if v is not None})
        fields = {k: v for k, v in (data or {}).items() if v is not None}
        form = urlencode(fields, doseq=True).encode()
        pair = base64.b64encode(":".join(more["auth"]).encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        reply = self.counter.call(method, f"{url}?{query}" if query else url, form, headers)
        return Response(reply.status, reply.body.decode())
