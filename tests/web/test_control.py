"""The control port's worlds, replies and sums."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

from simulator.engine.world import Options
from tests.servers import MESSAGES, SECRET, SID, TOKEN, request, running, until_true, us
from tests.web.test_control_gate import refused
from tests.worlds import DAY_US, START_US, habits, phone

if TYPE_CHECKING:
    from tests.servers import Running

WORLD = "/v1/worlds/default"
SHOP = f"{WORLD}/accounts/shop"


def test_health_and_readiness_need_no_token(server: Running) -> None:
    for method in ("GET", "HEAD"):
        assert request(method, server.control_url + "/healthz").status == 200
    answer = request("GET", server.control_url + "/readyz")
    assert (answer.status, answer.json) == (
        200,
        {"ready": True, "worlds": {"default": {"faults": 0}}},
    )
    server.server.front.draining = True
    answer = request("GET", server.control_url + "/readyz")
    assert (answer.status, answer.json["ready"]) == (503, False)
    assert request("GET", server.control_url + "/healthz").status == 200


@pytest.mark.breaks_the_books
def test_readiness_counts_faults_and_the_world_tells_them() -> None:
    with running(balanced=False) as server:
        world = server.world
        world.audit.seen.append("message 0 was read before it was delivered")
        assert server.get("/readyz")["worlds"] == {"default": {"faults": 1}}
        assert server.get(WORLD)["faults"] == world.audit.seen


def test_worlds_are_listed(server: Running) -> None:
    server.accepted()
    (found,) = server.get("/v1/worlds")["worlds"]
    assert (found["name"], found["seed"], found["accounts"]) == ("default", 1, 1)
    assert found["messages"] == {"limit": 100_000, "kept": 1, "unfinished": 1, "pruned": 0}
    assert found["digest"] == server.world.log.digest()
    assert server.get(WORLD) == {**found, "faults": []}


# Replies.


def test_a_reply_is_received_and_heeded(server: Running) -> None:
    noted: list[tuple[str, bool]] = []
    server.server.front.heard = lambda world, changes: noted.append((world, changes))
    key = server.accepted()
    words = {"account": SID, "from": us(0), "to": "+15005550006", "body": "STOP"}
    answer = server.control("POST", f"{WORLD}/replies", words)
    assert answer.status == 201
    found = answer.json
    assert (found["direction"], found["from"], found["body"]) == ("inbound", us(0), "STOP")
    assert server.get(f"{WORLD}/messages/{found['id']}")["known"]["state"] == "received"
    assert noted == [("default", True)] * 2
    assert server.get(f"{WORLD}/accounts/{SID}")["opted_out"] == 1
    assert server.twilio().json["code"] == 21610
    assert found["id"] != key


def test_a_repliers_number_is_normalised(server: Running) -> None:
    server.control("PUT", SHOP, {"dialect": "twilio"})
    words = {
        "account": "shop",
        "from": "\uff10\uff17\uff10-0000-0001",
        "to": "12345",
        "body": "はい",
    }
    assert server.post(f"{WORLD}/replies", words)["from"] == phone(1)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"account": "none"}, 404, ["no account 'none'"]),
        ({"account": ""}, 400, ["account"]),
        ({"from": "hello"}, 400, ["from", "not a phone number"]),
        ({"from": "7000000001"}, 400, ["from", "leading zero"]),
        ({"to": ""}, 400, ["to"]),
        ({"body": ""}, 400, ["body"]),
        ({"body": "x" * 1_601}, 400, ["body", "at most 1600"]),
        ({"body": "\ud800"}, 400, ["body", "expected text"]),
        ({"body": 1}, 400, ["body"]),
        ({"words": "x"}, 400, ["words", "unknown key"]),
    ],
)
def test_a_reply_that_cannot_be_is_refused(
    server: Running, change: dict[str, object], status: int, words: list[str]
) -> None:
    server.control("PUT", SHOP, {"dialect": "twilio"})
    good = {"account": "shop", "from": phone(1), "to": "12345", "body": "はい"}
    answer = server.control("POST", f"{WORLD}/replies", {**good, **change})
    refused(answer, status, {404: "not_found", 400: "bad_request"}[status], *words)


# Sums, and beginning anew.


def test_truth_ledger_and_invoices_agree() -> None:
    rates = Options(habits=habits(gone=0.5, absent=0.3))
    with running(options=rates) as server:
        server.control(
            "PUT",
            f"{WORLD}/accounts/{SID}",
            {
                "dialect": "twilio",
                "secret": SECRET,
                "policy": "jp-success-billed",
                "currency": "JPY",
                "price": "15",
                "tax_percent": "10",
            },
        )
        for i in range(40):
            server.accepted(phone(i).replace("+81700", "+81701"))
        assert server.twilio("+81312345678").status == 400
        assert server.get(f"{WORLD}/truth")["total"]["in_flight"] == 40
        server.post(f"{WORLD}/clock/advance", {"by": "10d"})
        truth = server.get(f"{WORLD}/truth")
        (tally,) = truth["accounts"]
        assert tally == {"account": SID, **truth["total"]}
        assert (tally["accepted"], tally["in_flight"]) == (40, 0)
        assert tally["refused"] == {"not_mobile": 1}
        assert tally["fate"] == tally["known"]
        delivered = tally["fate"]["delivered"]
        assert 0 < delivered < 40
        assert (
            sum(n for causes in tally["causes"].values() for n in causes.values()) == 40 - delivered
        )
        assert truth["digest"] == server.world.log.digest()
        assert truth["retention"]["kept"] == 40 + tally["inbound"]
        (sheet,) = server.get(f"{WORLD}/ledger", account=SID)["sheets"]
        lines = {}
        for line in sheet["lines"]:
            lines[line["kind"]] = lines.get(line["kind"], 0) + line["units"]
        assert lines == {"provisional": 40, "charge": delivered, "exclusion": 40 - delivered}
        found = server.get(f"{WORLD}/invoices")
        (invoice,) = found["invoices"]
        assert found["head"] == "試算 (simulated)"
        assert (invoice["units"], invoice["excluded_units"]) == (delivered, 40 - delivered)
        assert invoice["subtotal"] == str(15 * delivered)
        assert invoice["total"] == str(15 * delivered + 15 * delivered // 10)
        assert server.get(f"{WORLD}/invoices", account=SID) == found


def test_a_refusal_that_names_no_account_counts_in_the_total_only(server: Running) -> None:
    request("POST", server.url + MESSAGES, b"x=1")
    truth = server.get(f"{WORLD}/truth")
    assert truth["total"]["refused"] == {"unauthorized": 1}
    assert truth["accounts"] == []


def test_a_reset_keeps_accounts_and_waits_and_brings_no_id_back(server: Running) -> None:
    key = server.accepted()
    server.post(f"{WORLD}/clock/advance", {"by_us": DAY_US})
    server.post(
        f"{WORLD}/clock/alarms", {"at_us": START_US + 2 * DAY_US, "url": "http://127.0.0.1:1025/"}
    )
    found = server.post(f"{WORLD}/reset")
    assert (found["epoch"], found["messages"]["kept"], found["pending_waits"]) == (1, 0, 1)
    assert found["now_us"] == START_US + DAY_US
    assert server.get(f"{WORLD}/accounts/{SID}")["accepted"] == 0
    refused(server.control("GET", f"{WORLD}/messages/{key}"), 404, "not_found")
    assert server.accepted() != key
    refused(server.control("POST", "/v1/worlds/none/reset"), 404, "not_found")


def test_all_worlds_are_reset_at_once(server: Running) -> None:
    server.control("PUT", "/v1/worlds/b/accounts/x", {"dialect": "twilio"})
    found = server.post("/v1/reset")["worlds"]
    assert [(world["name"], world["epoch"]) for world in found] == [("b", 1), ("default", 1)]


def test_every_reply_carries_the_now_of_its_world(server: Running) -> None:
    server.control("PUT", "/v1/worlds/b/accounts/x", {"dialect": "twilio"})
    server.post("/v1/worlds/b/clock/advance", {"by": "1s"})
    for path, now_us in (
        ("/v1/worlds/b", START_US + 1_000_000),
        ("/v1/worlds/b/messages/x", START_US + 1_000_000),
        (WORLD, START_US),
        ("/healthz", START_US),
        ("/nothing", START_US),
    ):
        assert server.control("GET", path).headers["X-Todoku-Now"] == str(now_us)


def test_a_world_is_ended_with_its_accounts_and_its_name_is_free_again(server: Running) -> None:
    account = {"dialect": "twilio", "secret": SECRET}
    path = f"/v1/worlds/ci-1/accounts/{SID}"
    assert server.control("PUT", path, account).status == 201
    server.accepted()
    assert server.control("DELETE", "/v1/worlds/ci-1").status == 204
    assert server.control("GET", "/v1/worlds/ci-1").status == 404
    assert [found["name"] for found in server.get("/v1/worlds")["worlds"]] == ["default"]
    server.accepted()  # the account is an unknown one now, and opens in `default`
    assert server.get("/v1/worlds/default")["messages"]["kept"] == 1
    assert server.control("PUT", "/v1/worlds/ci-1/accounts/x", account).status == 201
    assert server.get("/v1/worlds/ci-1")["events"] == 1


def test_a_sleeper_in_a_world_that_ends_is_let_go() -> None:
    with running() as server:
        server.control("PUT", "/v1/worlds/ci-1/accounts/x", {"dialect": "twilio"})
        until = START_US + 1_000_000
        asleep: list[int] = []

        def sleep() -> None:
            answer = server.control("GET", f"/v1/worlds/ci-1/clock/wait?until={until}")
            asleep.append(answer.status)

        sleeper = threading.Thread(target=sleep)
        sleeper.start()
        until_true(lambda: server.server.drivers["ci-1"].world.gateway.waits)
        assert server.control("DELETE", "/v1/worlds/ci-1").status == 204
        sleeper.join(10)
        assert asleep == [503]


def test_a_stream_of_a_world_that_ends_ends() -> None:
    with running() as server:
        server.control("PUT", "/v1/worlds/ci-1/accounts/x", {"dialect": "twilio"})
        asked = Request(
            f"{server.control_url}/v1/worlds/ci-1/events/stream?since=0",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        with urlopen(asked, timeout=10) as stream:
            assert stream.readline() == b"event: fact\n"
            assert server.control("DELETE", "/v1/worlds/ci-1").status == 204
            assert b"AccountOpened" in stream.read()


def test_the_default_world_stays(server: Running) -> None:
    answer = server.control("DELETE", "/v1/worlds/default")
    assert (answer.status, answer.json["error"]) == (409, "conflict")
    assert server.control("DELETE", "/v1/worlds/nowhere").status == 404
