"""絶対リーチ!SMS by a hand-written client, over HTTP, against a server in a process of its own.

Every reply and every push is held against our own field table, and against the vendor's schema
where that is at hand.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openapi_schema_validator import OAS30Validator

from simulator.core.number import japan_assignable
from simulator.core.wire import HttpReply
from simulator.dialects.forms import FORM_TYPE
from tests.dialects.zettai_api import PUSH, TOKEN, Api, faults_of
from tests.sdk.served import ROOT, Post, Receiver, Served
from tests.servers import request
from tests.worlds import DAY_US, MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Callable

JST = timezone(timedelta(hours=9))
LIVES_US = 14 * DAY_US
SCHEMAS = ("p5MtResponse", "p5StatusResponse", "DLRPushJSON")
DELIVERED, FAILED = "2", "3"


class Wire:
    """What `Api` calls: sockets, in the place of a counter without any."""

    def __init__(self, url: str, check: Callable[[HttpReply], None]) -> None:
        self._url, self._check = url, check

    def call(self, method: str, url: str, body: bytes = b"", headers: Any = None) -> HttpReply:
        headers = {"Content-Type": FORM_TYPE, **(headers or {})}
        answer = request(method, self._url + url, body or None, headers)
        kind = answer.headers["Content-Type"]
        reply = HttpReply(answer.status, answer.body, kind)
        self._check(reply)
        return reply


class Customer(Api):
    """One client, and where receipts are pushed."""

    def __init__(self, served: Served, receiver: Receiver, client: str) -> None:
        super().__init__(lambda *about: Wire(served.url, about[-1]), vendor_schemas())
        self.served, self.receiver, self.client = served, receiver, client
        self.push_url = f"{receiver.base}/{client}/push"

    def send(self, raw: bytes | None = None, **form: str) -> tuple[int, str, dict[str, Any]]:
        return super().send(raw, **{"clientId": self.client, **form})

    def status(self, **query: str) -> tuple[int, str, dict[str, Any]]:
        return super().status(**{"clientId": self.client, **query})

    def pushes(self, n: int = 0) -> list[dict[str, Any]]:
        """Return what was pushed, each checked, as soon as it is as much as this."""
        return [self.pushed(post) for post in self.receiver.wait_for(f"/{self.client}/push", n)]

    def pushed(self, post: Post) -> dict[str, Any]:
        assert post.url == self.push_url
        assert post.headers["Content-Type"] == FORM_TYPE
        assert list(post.fields) == ["json"]
        seen = json.loads(post.fields["json"])
        self.ask_vendor("DLRPushJSON", seen)
        [event] = seen["eventNotifications"]
        assert faults_of(event, PUSH) == []
        return dict(event)

    def row(self, tag: str) -> dict[str, Any]:
        code, words, seen = self.status(clientTag=tag)
        assert (code, words) == (0, "Success.")
        [row] = seen["status"]
        return dict(row)


def vendor_schemas() -> dict[str, OAS30Validator | None]:
    """Read the vendor's schemas, which are no part of this repository; None: not here."""
    shared = Path(os.environ.get("TODOKU_SHARED") or ROOT.parent / "shared")
    file = shared / "specs" / "zettai-reach" / "zettai-reach-openapi.json"
    if not file.exists():
        return dict.fromkeys(SCHEMAS)
    spec = json.loads(file.read_text("utf-8"))
    return {n: OAS30Validator({"$ref": f"#/components/schemas/{n}", **spec}) for n in SCHEMAS}


@pytest.fixture
def customer(served: Served, receiver: Receiver, number: int) -> Customer:
    made = Customer(served, receiver, str(20_000 + number))
    served.account(made.client, dialect="zettai_reach", secret=TOKEN, push_url=made.push_url)
    return made


def test_a_message_is_sending_until_its_receipt_says_that_it_arrived(customer: Customer) -> None:
    text = "ご予約は明日です。" * 10
    with customer.served.stepped():
        code, words, seen = customer.send(message=text, clientTag="予約 1")
        assert (code, words, seen["phoneNumber"]) == (0, "Success.", "+819012345678")
        assert seen["smsMessage"] == text
        statuses = []
        for _ in range(200):
            row = customer.row("予約 1")
            statuses.append(row["statusId"])
            customer.served.advance(100_000)
    assert statuses == sorted(statuses)
    assert set(statuses) == {"1", DELIVERED}
    assert (row["detailedStatusId"], row["separatedSuccessCount"]) == (DELIVERED, 2)
    assert (row["message"], row["smsCode"], row["clientTag"]) == (text, 12345, "予約 1")


def test_a_receipt_is_pushed_and_says_what_the_status_says(customer: Customer) -> None:
    customer.send(clientTag="t-1", message="あ" * 71)
    [event] = customer.pushes(1)
    row = customer.row("t-1")
    assert event["statusId"] == row["statusId"] == DELIVERED
    assert str(event["detailedStatusId"]) == row["detailedStatusId"]
    assert event["separatedSuccessCount"] == row["separatedSuccessCount"] == 2
    assert event["smsCode"] == str(row["smsCode"])
    assert {k: event[k] for k in ("phoneNumber", "carrierId", "carrierName", "clientTag")} == {
        k: row[k] for k in ("phoneNumber", "carrierId", "carrierName", "clientTag")
    }
    assert (event["clientId"], event["messageText"]) == (customer.client, "あ" * 71)
    pushed = datetime.strptime(event["dateTime"], "%Y/%m/%d %H:%M:%S").replace(tzinfo=JST)
    shown = datetime.strptime(row["dateTime"], "%Y%m%d %H%M%S%f").replace(tzinfo=JST)
    assert pushed == shown.replace(microsecond=0)


def test_a_receipt_with_a_broken_field_would_be_found(customer: Customer) -> None:
    customer.send(clientTag="t-1")
    [event] = customer.pushes(1)
    for field, value in (
        ("statusId", 2),
        ("phoneNumber", "09012345678"),
        ("dateTime", "2026-03-02 09:00:00"),
        ("separatedSuccessCount", "1"),
    ):
        assert faults_of({**event, field: value}, PUSH) == [field]
    vendor = customer.vendor["DLRPushJSON"]
    if vendor is not None:
        assert not list(vendor.iter_errors({"eventNotifications": [event]}))
        assert list(vendor.iter_errors({"eventNotifications": [{**event, "statusId": 2}]}))


def test_a_client_tag_is_taken_once(customer: Customer) -> None:
    assert customer.send(clientTag="t-1")[0] == 0
    code, words, _ = customer.send(clientTag="t-1", phoneNumber="08012345678")
    assert (code, words) == (400, "Duplicate client tag.")
    customer.served.pass_time(MINUTE_US)
    assert customer.send(clientTag="t-1")[0] == 400
    assert customer.send(clientTag="t-2")[0] == 0
    assert [customer.send()[0] for _ in range(2)] == [0, 0]
    assert customer.row("t-1")["phoneNumber"] == "+819012345678"


def test_one_clients_tags_are_nothing_to_another(customer: Customer, served: Served) -> None:
    customer.send(clientTag="t-1", message="one")
    other = Customer(served, customer.receiver, customer.client + "0")
    assert other.status(clientTag="t-1")[:2] == (200, "No data.")
    assert other.send(clientTag="t-1", message="other")[0] == 0
    assert [c.row("t-1")["message"] for c in (customer, other)] == ["one", "other"]


def test_the_status_of_a_date_is_that_of_a_day_in_japan(customer: Customer) -> None:
    with customer.served.stepped():
        now = datetime.fromtimestamp(customer.served.now_us() / 1e6, UTC).astimezone(JST)
        midnight = datetime(now.year, now.month, now.day, tzinfo=JST) + timedelta(days=1)
        customer.served.advance(
            int(midnight.timestamp()) * 1_000_000 - customer.served.now_us() - 1
        )
        customer.send(clientTag="before")
        customer.served.advance(1)
        customer.send(clientTag="after", phoneNumber=japan_assignable(1))
        customer.send(phoneNumber=japan_assignable(2))
        days = [f"{midnight + timedelta(days=n):%Y%m%d}" for n in (-2, -1, 0, 1)]
        answers = [customer.status(date=day) for day in days]
    assert [code for code, _, _ in answers] == [200, 0, 0, 200]
    tags = [sorted(row["clientTag"] for row in seen["status"]) for _, _, seen in answers]
    assert tags == [[], ["before"], ["", "after"], []]
    assert customer.status(date=days[0], clientTag="after")[0] == 0
    assert customer.status(date="20260230")[:2] == (110, "Invalid date.")


def test_without_a_tag_or_an_address_nothing_is_pushed(customer: Customer) -> None:
    with customer.served.stepped():
        customer.send()
        customer.served.account(customer.client, push_url=None)
        customer.send(clientTag="t-1")
        customer.served.account(customer.client, push_url=customer.push_url)
        customer.send(clientTag="t-2")
        customer.served.advance(LIVES_US)
    assert [event["clientTag"] for event in customer.pushes()] == ["t-2"]


def test_a_campaign_ends_with_one_receipt_each_and_only_arrivals_count(customer: Customer) -> None:
    people = {f"p-{i}": japan_assignable(i) for i in range(300)}
    with customer.served.stepped():
        for tag, person in people.items():
            assert customer.send(phoneNumber=person, clientTag=tag)[0] == 0
        day = f"{datetime.fromtimestamp(customer.served.now_us() / 1e6, JST):%Y%m%d}"
        customer.served.advance(LIVES_US)
    pushes = {event["clientTag"]: event for event in customer.pushes()}
    assert len(customer.pushes()) == len(pushes) == 300
    assert {tag: event["phoneNumber"] for tag, event in pushes.items()} == people
    rows = {row["clientTag"]: row for row in customer.status(date=day)[2]["status"]}
    for tag, event in pushes.items():
        row = rows[tag]
        assert (event["statusId"], str(event["detailedStatusId"])) == (
            row["statusId"],
            row["detailedStatusId"],
        )
        assert row["separatedSuccessCount"] == (1 if row["statusId"] == DELIVERED else 0)
    failed = [row for row in rows.values() if row["statusId"] == FAILED]
    assert 0 < len(failed) < 30
    invoices = customer.served.ask("GET", "/v1/worlds/default/invoices", account=customer.client)
    assert "試算" in json.dumps(invoices, ensure_ascii=False)


@pytest.mark.parametrize(
    ("form", "code", "words"),
    [
        ({"token": TOKEN[::-1]}, 110, "Invalid token."),
        ({"token": "(none)"}, 100, "Required token."),
        ({"phoneNumber": "0312345678"}, 110, "Invalid phoneNumber."),
        ({"phoneNumber": "07001234567"}, 110, "Invalid phoneNumber."),
        ({"message": "あ" * 661}, 120, "message too long."),
        ({"message": "(none)"}, 100, "Required message."),
        ({"smsCode": "1234"}, 110, "Invalid smsCode."),
    ],
)
def test_what_is_refused_is_refused_with_its_code_and_leaves_nothing(
    customer: Customer, form: dict[str, str], code: int, words: str
) -> None:
    assert customer.send(clientTag="t-1", **form)[:2] == (code, words)
    assert customer.status(clientTag="t-1")[:2] == (200, "No data.")


def test_a_wrong_token_reads_nothing(customer: Customer) -> None:
    customer.send(clientTag="t-1")
    assert customer.status(clientTag="t-1", token="f" * 32)[:2] == (110, "Invalid token.")
    assert customer.status(clientTag="t-1")[0] == 0


def test_an_account_made_at_first_sight_keeps_its_first_token(
    served: Served, receiver: Receiver, number: int
) -> None:
    customer = Customer(served, receiver, str(20_000 + number))
    assert customer.send(clientTag="t-1", token="f" * 32)[0] == 0
    assert customer.send(clientTag="t-2")[:2] == (110, "Invalid token.")
    assert customer.status(clientTag="t-1", token="f" * 32)[0] == 0


def test_the_reply_carries_the_virtual_instant(customer: Customer) -> None:
    with customer.served.stepped():
        now_us = customer.served.now_us()
        url = f"{customer.served.url}/p5/api/status.json"
        assert int(request("GET", url).headers["X-Todoku-Now"]) == now_us
        customer.served.advance(MINUTE_US)
        assert int(request("GET", url).headers["X-Todoku-Now"]) == now_us + MINUTE_US
