"""The control port's accounts."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import pytest

from simulator.core.consent import SILENT
from simulator.web import control_panel
from tests.servers import MESSAGES, SECRET, SID, basic, request, running
from tests.web.test_control_gate import refused
from tests.worlds import START_US

if TYPE_CHECKING:
    from tests.servers import Running

WORLD = "/v1/worlds/default"
WORDS = msgspec.json.decode(msgspec.json.encode(SILENT))
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
        "signature_time": "real",
        "retry": server.get(SHOP)["retry"],
        "fallback_url": "",
        "keywords": WORDS,
        "limits": [],
        "concurrency": None,
        "services": [],
        "api_keys": [],
        "scheduled_max": None,
        "countries": [],
        "verified": [],
        "test_credentials": False,
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
        "fallback_url": "http://127.0.0.1:9000/f",
        "keywords": {**WORDS, "stop": ["ARRET"], "on_stop": "C'est fini."},
        "limits": [{"sender": "12345", "rate": "1.5/s", "queue": "3600s", "patience": "60s"}],
        "concurrency": 9,
    }
    changed = server.control("PUT", SHOP, change)
    assert changed.status == 200
    assert changed.json == {**made.json, **change, "tax_percent": "8"}
    assert server.get(SHOP) == changed.json
    assert server.get(f"{WORLD}/accounts") == {"accounts": [changed.json], "next": None}
    nulls = dict.fromkeys(
        (
            *("price", "tax_percent", "push_url", "quota", "senders"),
            *("fallback_url", "keywords", "limits", "concurrency"),
        )
    )
    found = server.control("PUT", SHOP, nulls).json
    assert found == {**made.json, "two_way": True, "lane": "a"}
    empty = server.control("PUT", SHOP, {"limits": [], "keywords": {}}).json
    assert empty["limits"] == empty["keywords"]["stop"] == []


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
        ({"dialect": "twilio", "limits": [{"sender": "1"}]}, ["limits[0].rate"]),
        ({"dialect": "twilio", "limits": [{"sendr": "1"}]}, ["limits[0].sendr", "sender"]),
        ({"dialect": "twilio", "keywords": {"stopp": []}}, ["keywords.stopp", "stop"]),
        ({"dialect": "twilio", "limits": [{"sender": "1", "rate": "0/s"}]}, ["limits[0].rate"]),
        ({"dialect": "twilio", "limits": [{"sender": "1", "rate": "1"}]}, ["a rate such as"]),
        ({"dialect": "twilio", "keywords": {"stop": ["stop"]}}, ["keywords.stop[0]", "capitals"]),
        (
            {"dialect": "twilio", "limits": [{"sender": "1", "rate": "1/s"}] * 2},
            ["limits", "one limit", "twice: '1'"],
        ),
        ({"dialect": "twilio", "concurrency": 0}, ["concurrency"]),
        ({"dialect": "twilio", "fallback_url": "http://8.8.8.8/"}, ["fallback_url"]),
        ({"dialect": "twilio", "senders": ["a\x00"]}, ["senders[0]", "printable"]),
        ({"dialect": "twilio", "push_url": "http://8.8.8.8/"}, ["push_url", "--callback-allow"]),
        ({"dialect": "twilio", "inbound_url": "ftp://localhost/"}, ["inbound_url", "scheme"]),
        ({"dialect": "twilio", "lane": "x" * 65}, ["lane", "at most 64"]),
        ({"dialect": None}, ["dialect", "text"]),
        ({"dialect": "twilio", "retry": {"delays_us": [-1]}}, ["retry.delays_us[0]", "at least 0"]),
        ({"dialect": "twilio", "retry": {"delays_us": [1] * 101}}, ["retry.delays_us", "100"]),
        ({"dialect": "twilio", "retry": {"timeout_us": 0}}, ["retry.timeout_us", "at least 1"]),
        ({"dialect": "twilio", "retry": {"delay_us": []}}, ["did you mean delays_us?"]),
        ({"dialect": "twilo", "quota": -1, "x": 1}, ["dialect", "quota", "x"]),
    ],
)
def test_an_account_that_cannot_be_is_refused_with_every_problem(
    server: Running, body: dict[str, object], words: list[str]
) -> None:
    refused(server.control("PUT", SHOP, body), 400, "bad_request", *words)
    assert server.get(f"{WORLD}/accounts") == {"accounts": [], "next": None}


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


def test_how_callbacks_are_repeated_is_set_bit_by_bit(server: Running) -> None:
    server.control("PUT", SHOP, {"dialect": "twilio", "secret": SECRET})
    usual = server.get(SHOP)["retry"]
    once = server.control("PUT", SHOP, {"retry": {"delays_us": [5_000_000]}}).json["retry"]
    assert once == {**usual, "delays_us": [5_000_000]}
    strict = server.control("PUT", SHOP, {"retry": {"on_status": False}}).json["retry"]
    assert strict == {**once, "on_status": False}
    assert server.control("PUT", SHOP, {"two_way": True}).json["retry"] == strict
    assert server.control("PUT", SHOP, {"retry": None}).json["retry"] == usual


def test_a_schedule_of_callbacks_is_kept_to(server: Running) -> None:
    where = f"{WORLD}/accounts/{SID}"
    retry = {"delays_us": [1_000_000, 2_000_000], "on_status": True}
    server.control("PUT", where, {"dialect": "twilio", "secret": SECRET, "retry": retry})
    server.accepted(StatusCallback=f"{server.url}/nobody")  # answers 404
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    tried = server.get(f"{WORLD}/callbacks", kind="tried", limit=100)["callbacks"]
    sent = [found for found in tried if found["state"] == "sent"][::-1]
    assert [found["attempt"] for found in sent] == [1, 2, 3]
    gaps = [b["at_us"] - a["at_us"] for a, b in itertools.pairwise(sent)]
    assert gaps == [1_000_001, 2_000_001]


def test_accounts_made_at_sight_have_a_bound() -> None:
    with running(accounts_limit=2) as server:
        assert server.control("PUT", SHOP, {"dialect": "twilio"}).status == 201
        names = ["AC" + digit * 32 for digit in "bcd"]
        asked = b"To=%2B12025550100&From=%2B15005550006&Body=x"
        statuses = [
            request("POST", server.url + MESSAGES.replace(SID, name), asked, basic(name)).status
            for name in names
        ]
        assert statuses == [201, 401, 401]
        full = server.control("PUT", f"{WORLD}/accounts/one-more", {"dialect": "twilio"})
        refused(full, 429, "too_many", "there are 2 accounts", "--accounts-limit")
        assert server.control("PUT", SHOP, {"quota": 1}).status == 200
        again = request(
            "POST", server.url + MESSAGES.replace(SID, names[0]), asked, basic(names[0])
        )
        assert again.status == 201
        assert len(server.get(f"{WORLD}/accounts")["accounts"]) == 2


def test_an_account_declared_without_a_secret_may_still_bring_one_when_all_are_there() -> None:
    with running(accounts_limit=1) as server:
        server.control("PUT", f"{WORLD}/accounts/{SID}", {"dialect": "twilio"})
        server.accepted()


SERVICE = {"id": "MG" + "1" * 32, "senders": ["+12025550100", "Clinic"]}
KEY = {"id": "SK" + "2" * 32, "secret": SECRET}


def test_services_and_other_declarations_are_shown_as_declared_and_null_takes_them_back(
    server: Running,
) -> None:
    plain = server.control("PUT", SHOP, {"dialect": "twilio"}).json
    declared = {
        "services": [{**SERVICE, "status_callback": "http://127.0.0.1:9000/s", "enabled": False}],
        "scheduled_max": 3,
        "countries": ["JP"],
        "verified": ["+12025550123"],
        "test_credentials": True,
    }
    changed = server.control("PUT", SHOP, {**declared, "api_keys": [KEY]})
    assert changed.json == {**plain, **declared, "api_keys": [KEY["id"]]}
    assert SECRET.encode() not in changed.body
    nulls = dict.fromkeys(("services", "api_keys", "countries", "verified", "scheduled_max"))
    back = server.control("PUT", SHOP, {**nulls, "test_credentials": False})
    assert back.json == {**plain, "scheduled_max": None}


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"services": [{"id": "MG1"}]}, "services"),
        ({"services": [SERVICE, SERVICE]}, "declared twice"),
        ({"services": [{**SERVICE, "sender": ["1"]}]}, "senders"),
        ({"services": [{**SERVICE, "status_callback": "ftp://x"}]}, "services"),
        ({"api_keys": [{**KEY, "secret": ""}]}, "secret"),
        ({"api_keys": {**KEY}}, "api_keys"),
        ({"api_keys": [KEY] * 101}, "api_keys"),
        ({"countries": ["Japan"]}, "countries"),
        ({"verified": ["0312345678"]}, "verified"),
        ({"scheduled_max": -1}, "scheduled_max"),
    ],
)
def test_a_wrong_declaration_is_refused_by_name_and_no_secret_is_repeated(
    server: Running, settings: dict[str, object], word: str
) -> None:
    answer = server.control("PUT", SHOP, {"dialect": "twilio", **settings})
    refused(answer, 400, "bad_request", word)
    assert SECRET.encode() not in answer.body
