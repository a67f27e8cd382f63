"""Twilio's dialect, without sockets: requests in, replies out; the official SDK is the oracle."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from multidict import CIMultiDict
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4
from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from simulator.core.ids import key_of_id, public_id
from simulator.core.message import Call, Cause, Message, Reason, Rejection, State, Submission
from simulator.core.query import Find, Listing, Page
from simulator.core.wire import HttpReply, HttpRequest
from simulator.dialects import twilio
from simulator.dialects.shape import Ask, Desk, Refused, Reply

if TYPE_CHECKING:
    from simulator.core.message import Account

AC, TOKEN = "AC" + "0" * 31 + "1", "an auth token"
NOW_US = 1_772_409_600_123_456  # 2026-03-02T00:00:00.123456Z
TEXT = "str of str"
FIELDS = {  # key -> what it must look like; None: it may be null
    "account_sid": r"AC[0-9a-fA-F]{32}",
    "api_version": r"2010-04-01",
    "body": r"(?s).*",
    "date_created": r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000",
    "date_sent": r"\w{3}, .* \+0000|None",
    "date_updated": r"\w{3}, .* \+0000",
    "direction": r"inbound|outbound-api",
    "error_code": r"3\d{4}|None",
    "error_message": r"[A-Z].*|None",
    "from": r".+",
    "messaging_service_sid": r"None",
    "num_media": r"0",
    "num_segments": r"\d+",
    "price": r"-?\d+\.\d{5}|None",
    "price_unit": r"[A-Z]{3}|None",
    "sid": r"SM[0-9a-f]{32}",
    "status": r"queued|sending|sent|delivered|undelivered|failed|canceled|received",
    "subresource_uris": r"\{'media': '/2010-04-01/.*/Media\.json'\}",
    "to": r"\+\d+",
    "uri": r"/2010-04-01/Accounts/AC.{32}/Messages/SM.{32}\.json",
}
ERROR = {"code": int, "message": str, "more_info": str, "status": int}
PAGE = {"messages", "page", "page_size", "start", "end", "uri"} | {
    f"{which}_page_uri" for which in ("first", "next", "previous")
}
SPEC = (
    Path(os.environ.get("TODOKU_SHARED", Path(__file__).parents[2].parent / "shared"))
    / "specs/twilio/twilio_api_v2010.messages.json"
)
needs_spec = pytest.mark.skipif(not SPEC.exists(), reason=f"no vendor's schema at {SPEC}")


def faults_of(resource: dict[str, object]) -> list[str]:
    """What our own table, and the vendor's schema where there is one, say against a message."""
    if list(resource) != list(FIELDS):
        return [f"keys are {list(resource)}"]
    odd = [k for k, v in resource.items() if not re.fullmatch(FIELDS[k], str(v))]
    return odd + [e.json_path for e in VENDOR.iter_errors(resource)] if VENDOR else odd


def _vendor() -> OAS30Validator | None:
    if not SPEC.exists():
        return None
    spec = Resource.from_contents(json.loads(SPEC.read_text()), DRAFT4)
    ref = {"$ref": "urn:spec#/components/schemas/api.v2010.account.message"}
    return OAS30Validator(ref, registry=Registry().with_resource("urn:spec", spec))


VENDOR = _vendor()


class Provider(HttpClient):
    """The smallest provider behind the dialect: it keeps what it takes. Also the SDK's transport."""

    def __init__(self, *, is_open: bool = True, **account: object) -> None:
        self.account = twilio.new_account(AC, TOKEN)
        for name, value in account.items():
            self.account = type(self.account)(**{**_fields(self.account), name: value})
        self.desk = Desk({AC: self.account}, open_accounts=is_open)
        self.messages: list[Message] = []
        self.asked: Ask | Refused | None = None
        self.rejection: Rejection | None = None

    def call(self, method: str, url: str, body: bytes = b"", **headers: str) -> HttpReply:
        parts = urlsplit(url)
        route, tail = _route(method, parts.path)
        auth = "Basic " + base64.b64encode(f"{AC}:{TOKEN}".encode()).decode()
        defaults = {"authorization": auth, "content-type": "application/x-www-form-urlencoded"}
        given = {k.replace("_", "-"): v for k, v in headers.items()}
        http = CIMultiDict({**defaults, **given})
        request = HttpRequest(method, parts.path, parts.query, http, body, tail)
        self.asked = route.parse(request, self.desk)
        result = self.rejection or (
            self.asked.rejection if isinstance(self.asked, Refused) else self._do(self.asked)
        )
        reply = route.render(self.asked, result, Reply(self.account, 0, NOW_US))
        check(reply)
        return reply

    def create(self, **form: str) -> tuple[int, dict[str, object]]:
        form = {"To": "+819012345678", "From": "+15005550006", "Body": "hi", **form}
        body = urlencode({k: v for k, v in form.items() if v != "(none)"}).encode()
        reply = self.call("POST", f"/2010-04-01/Accounts/{AC}/Messages.json", body)
        return reply.status, json.loads(reply.body)

    def get(self, rest: str, **headers: str) -> tuple[int, dict[str, object]]:
        reply = self.call("GET", f"/2010-04-01/Accounts/{AC}/Messages{rest}", **headers)
        return reply.status, json.loads(reply.body)

    def request(self, method, url, params=None, data=None, headers=None, auth=None, **_more):  # noqa: ANN001, ANN003, ANN201
        """What the SDK calls instead of a socket."""
        pairs = [(k, v) for k, v in (params or {}).items() if v is not None]
        url = url + ("?" + urlencode(pairs) if pairs else "")
        basic = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        form = urlencode({k: v for k, v in (data or {}).items() if v is not None}, doseq=True)
        reply = self.call(method.upper(), url, form.encode(), authorization=basic)
        return Response(reply.status, reply.body.decode())

    def _do(self, ask: Ask) -> Message | Listing | Rejection:
        what = ask.what
        if isinstance(what, Submission):
            self.messages.insert(0, message_of(what, 1000 + len(self.messages)))
            return self.messages[0]
        if isinstance(what, Find):
            key = key_of_id(what.public_id, 0)
            found = [m for m in self.messages if m.key == key]
            return found[0] if found else Rejection(Reason.NOT_FOUND)
        assert isinstance(what, Page)
        return self._page(what)

    def _page(self, page: Page) -> Listing:
        keys = [m.key for m in self.messages]
        cursor = key_of_id(page.cursor, 0)
        if page.cursor and cursor not in keys:
            return Listing((), older=False, newer=False)
        start = keys.index(cursor) + 1 if page.cursor else 0
        if page.back:
            start = max(start - 1 - page.size, 0)
        taken = self.messages[start : start + page.size]
        return Listing(tuple(taken), start + len(taken) < len(keys), start > 0)


def _fields(account: Account) -> dict[str, object]:
    return {f: getattr(account, f) for f in account.__struct_fields__}


def _route(method: str, path: str) -> tuple[object, tuple[str, ...]]:
    for route in twilio.ROUTES:
        pattern = re.escape(route.path).replace(r"\*", "([^/]*)")
        if route.method == method and (found := re.fullmatch(pattern, path)):
            return route, found.groups()
    raise AssertionError(f"no route for {method} {path}")


def message_of(s: Submission, key: int, **more: object) -> Message:
    head = (s.account, s.to, s.country, s.sender, s.body, s.encoding, s.segments, s.reference)
    tail = (s.callback_url, s.notify, s.validity_us, s.can_reply)
    return Message(key, key, *head, *tail, carrier=1, accepted_us=NOW_US, **more)


def check(reply: HttpReply) -> None:
    """Every reply of every test comes by here."""
    seen = json.loads(reply.body)
    if reply.status >= 300:
        assert {k: type(v) for k, v in seen.items()} == ERROR
        assert seen["status"] == reply.status < 500
        assert seen["more_info"].endswith(str(seen["code"]))
    elif "messages" in seen:
        assert set(seen) == PAGE
        assert [faults_of(m) for m in seen["messages"]] == [[]] * len(seen["messages"])
    else:
        assert faults_of(seen) == []


@needs_spec
def test_the_check_against_the_vendors_schema_can_fail() -> None:
    _, seen = Provider().create()
    assert faults_of(seen) == []
    assert faults_of({**seen, "num_segments": 1}) == ["$.num_segments"]


def test_the_check_against_our_own_table_can_fail() -> None:
    _, seen = Provider().create()
    assert "status" in faults_of({**seen, "status": "lost"})
    assert "error_code" in faults_of({**seen, "error_code": "thirty"})
    assert faults_of({k: v for k, v in seen.items() if k != "uri"})


def test_a_create_answers_201_with_the_message_queued() -> None:
    status, seen = Provider().create(Body="予約は10時です 😀", StatusCallback="http://a.test:9000/s")
    assert (status, seen["status"], seen["body"]) == (201, "queued", "予約は10時です 😀")
    assert (seen["price"], seen["date_sent"], seen["num_segments"]) == (None, None, "1")
    assert seen["date_created"] == "Mon, 02 Mar 2026 00:00:00 +0000"
    assert seen["sid"] == "SM" + public_id(1000, 0)
