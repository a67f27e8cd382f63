"""The control port's accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.web import control_panel
from tests.servers import MESSAGES, SECRET, SID, basic, request, running
from tests.web.test_control_gate import refused
from tests.worlds import START_US

if TYPE_CHECKING:
    from tests.servers import Running

WORLD = "/v1/worlds/default"
SHOP = f"{WORLD}/accounts/shop"


def test_an_account_is_made_and_changed_bit_by_bit(server: Running) -> None:
    made = server.control("PUT", SHOP, {"dialect": "zettai_reach", "secret": SECRET})
    assert made.status == 201
    assert made.json == {
        "id": "shop",
        "world": "default",
        "dialect": "zettai_reach",
        "secret_set": True,
        "lane": "",
        "policy": "jp-success-billed",
        "price": "15",
        "currency": "JPY",
        "tax_percent": "10",
        "push_url": "",
        "inbound_url": "",
        "senders": [],
        "quota": None,
        "two_way": False,
        "accepted": 0,
        "opted_out": 0,
    }
    change = {
        "price": "8.25",
        "tax_percent": 8,
        "push_url": "http://127.0.0.1:9000/r",
        "quota": 3,
        "senders": ["12345"],
        "two_way": True,
        "lane": "a",
    }
    changed = server.control("PUT", SHOP, change)
    assert changed.status == 200
    assert changed.json == {**made.json, **change, "tax_percent": "8"}
    assert server.get(SHOP) == changed.json
    assert server.get(f"{WORLD}/accounts") == {"accounts": [changed.json]}
    nulls = dict.fromkeys(("price", "tax_percent", "push_url", "quota", "senders"))
    found = server.control("PUT", SHOP, nulls).json
    assert found == {**made.json, "two_way": True, "lane": "a"}


def test_a_secret_is_never_shown(server: Running) -> None:
    server.control("PUT", SHOP, {"dialect": "twilio", "secret": SECRET})
    for path in ("/v1/worlds", WORLD, f"{WORLD}/accounts", SHOP, f"{WORLD}/events"):
        assert SECRET.encode() not in server.control("GET", path).body
    answer = server.control("PUT", SHOP, {"secret": f"{SECRET}\n"})
    refused(answer, 400, "bad_request", "secret", "not shown")
    assert SECRET.encode() not in answer.body


def test_an_account_set_here_is_known_at_the_gateway() -> None:
    with running(open_accounts=False) as server:
        assert server.twilio().status == 401
        where = f"{WORLD}/accounts/{SID}"
        server.control("PUT", where, {"dialect": "twilio", "secret": SECRET, "quota": 1})
        server.accepted()
        assert server.twilio().status == 429
        assert request("POST", server.url + MESSAGES, b"", basic(secret="x" * 32)).status == 401


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, ["dialect: is missing", "twilio"]),
        ({"dialect": "twilo"}, ["dialect", "did you mean twilio?"]),
        ({"dialect": "twilio", "polcy": "x"}, ["polcy", "did you mean policy?"]),
        ({"dialect": "twilio", "policy": "free"}, ["policy", "unknown value 'free'"]),
        ({"dialect": "twilio", "price": "-1"}, ["price", "money"]),
        ({"dialect": "twilio", "price": 0.5}, ["price"]),
        ({"dialect": "twilio", "price": "1e3"}, ["price"]),
        ({"dialect": "twilio", "price": "0.00000001"}, ["price", "6 decimals"]),
        ({"dialect": "twilio", "currency": "yen"}, ["currency"]),
        ({"dialect": "twilio", "tax_percent": "7.123"}, ["tax_percent"]),
        ({"dialect": "twilio", "tax_percent": 101}, ["tax_percent"]),
        ({"dialect": "twilio", "quota": -1}, ["quota"]),
        ({"dialect": "twilio", "quota": True}, ["quota"]),
        ({"dialect": "twilio", "senders": "12345"}, ["senders", "a list"]),
        ({"dialect": "twilio", "senders": ["a\x00"]}, ["senders[0]", "printable"]),
        ({"dialect": "twilio", "push_url": "http://8.8.8.8/"}, ["push_url", "--callback-allow"]),
        ({"dialect": "twilio", "inbound_url": "ftp://localhost/"}, ["inbound_url", "scheme"]),
        ({"dialect": "twilio", "lane": "x" * 65}, ["lane", "at most 64"]),
        ({"dialect": None}, ["dialect", "text"]),
        ({"dialect": "twilo", "quota": -1, "x": 1}, ["dialect", "quota", "x"]),
    ],
)
def test_an_account_that_cannot_be_is_refused_with_every_problem(
    server: Running, body: dict[str, object], words: list[str]
) -> None:
    refused(server.control("PUT", SHOP, body), 400, "bad_request", *words)
    assert server.get(f"{WORLD}/accounts") == {"accounts": []}


def test_an_account_stays_in_its_world(server: Running) -> None:
    server.control("PUT", SHOP, {"dialect": "twilio"})
    answer = server.control("PUT", "/v1/worlds/other/accounts/shop", {"dialect": "twilio"})
    refused(answer, 409, "conflict", "belongs to world default")
    refused(server.control("GET", "/v1/worlds/other"), 404, "not_found")


def test_a_world_is_made_by_its_first_account(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "/v1/worlds/ci-1/accounts"
    assert server.control("PUT", f"{where}/one", {"dialect": "twilio"}).status == 201
    assert server.get("/v1/worlds/ci-1/clock")["now_us"] == START_US
    refused(server.control("GET", f"{where}/shop"), 404, "not_found", "shop")
    refused(
        server.control("PUT", "/v1/worlds/a%20b/accounts/x", {"dialect": "twilio"}),
        400,
        "bad_request",
    )
    refused(server.control("PUT", f"{where}/a%2Fb", {"dialect": "twilio"}), 400, "bad_request")
    monkeypatch.setattr(control_panel, "WORLDS_MAX", 2)
    refused(
        server.control("PUT", "/v1/worlds/w/accounts/x", {"dialect": "twilio"}), 429, "too_many"
    )


def test_lane_and_dialect_are_fixed_after_the_first_message(server: Running) -> None:
    where = f"{WORLD}/accounts/{SID}"
    server.control("PUT", where, {"dialect": "twilio", "secret": SECRET, "lane": "a"})
    server.accepted()
    for body in ({"lane": "b"}, {"dialect": "zettai_reach"}):
        refused(server.control("PUT", where, body), 409, "conflict", "first message")
    assert server.control("PUT", where, {"lane": "a", "quota": 9}).status == 200
    server.post(f"{WORLD}/reset")
    assert server.control("PUT", where, {"lane": "b"}).json["lane"] == "b"


def test_a_price_stays_while_a_message_is_on_its_way(server: Running) -> None:
    server.accepted()
    where = f"{WORLD}/accounts/{SID}"
    for body in ({"price": "1"}, {"policy": "jp-request-billed"}, {"tax_percent": "5"}):
        refused(server.control("PUT", where, body), 409, "conflict", "1 messages are on their way")
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    assert server.control("PUT", where, {"price": "1"}).json["price"] == "1"
    server.accepted()
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    found = server.get(f"{WORLD}/invoices")["invoices"]
    assert [invoice["subtotal"] for invoice in found] == ["0.0083", "1"]
