"""Rules over sockets: refused requests, lost replies, forged callbacks; and the control port's."""

from __future__ import annotations

import http.client
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from twilio.request_validator import RequestValidator

from simulator.core.number import japan_assignable
from simulator.dialects import FORGERS
from simulator.dialects.native_webhook import webhook_secret
from simulator.engine.world import Options
from simulator.rules import SIGNERS
from tests.sdk.served import Receiver
from tests.servers import MESSAGES, SECRET, SID, Answer, basic, request, running, us
from tests.worlds import LONG_US, habits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Running

WORLD = "/v1/worlds/default"
RULES = f"{WORLD}/rules"
NATIVE = "clinic"


@pytest.fixture
def server() -> Iterator[Running]:
    with running(options=Options(habits=habits())) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().open() as opened:
        yield opened


def put(server: Running, *rules: dict[str, Any]) -> list[dict[str, Any]]:
    answer = server.control("PUT", RULES, {"rules": list(rules)})
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json["rules"]
    return found


def hits(server: Running) -> dict[str, int]:
    return {each["rule"]["name"]: each["hits"] for each in server.get(RULES)["rules"]}


def rule(name: str, seam: str, then: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "seam": seam, "then": then, **more}


def accepted(server: Running) -> int:
    found: int = server.get(f"{WORLD}/truth")["total"]["accepted"]
    return found


def zettai(server: Running, tag: str = "", path: str = "/p5/api/mt.json") -> Answer:
    form = {"token": SECRET, "clientId": "10001", "smsCode": "00512", "message": "Hello"}
    form |= {"phoneNumber": japan_assignable(0), "clientTag": tag}
    if path.endswith("status.json"):
        query = urlencode({"token": SECRET, "clientId": "10001", "clientTag": tag})
        return request("GET", f"{server.url}{path}?{query}")
    return request("POST", server.url + path, urlencode(form).encode())


def native(server: Running, **more: str) -> Answer:
    pair = b64encode(f"{NATIVE}:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json", **more}
    body = {"to": "+817000000000", "from": "20345", "text": "Hello"}
    url = f"{server.url}/todoku/v1/messages"
    return request("POST", url, json.dumps(body).encode(), headers)


# A request refused, in the provider's own form.


def test_twilio_refuses_with_its_own_error_and_says_when_to_come_again(server: Running) -> None:
    put(server, rule("busy", "api", {"reject": {"status": 429, "retry_after": "30s"}}))
    answer = server.twilio()
    assert (answer.status, answer.headers["Retry-After"]) == (429, "30")
    assert answer.json == {
        "code": 20429,
        "message": "Too many requests: rule busy",
        "more_info": "https://www.twilio.com/docs/errors/20429",
        "status": 429,
    }
    assert accepted(server) == 0


@pytest.mark.parametrize(("status", "code"), [(500, 20500), (502, 20500), (503, 20503)])
def test_twilio_fails_with_its_own_error(server: Running, status: int, code: int) -> None:
    put(server, rule("broken", "api", {"reject": status}))
    answer = server.twilio()
    assert (answer.status, answer.json["code"], answer.json["status"]) == (status, code, status)
    assert "Retry-After" not in answer.headers


def test_zettai_reach_refuses_with_all_keys_of_its_reply(server: Running) -> None:
    put(server, rule("broken", "api", {"reject": {"status": 503, "retry_after": "5s"}}))
    answer = zettai(server)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json == {
        "responseCode": 500,
        "responseMessage": "System error.",
        "phoneNumber": f"+81{japan_assignable(0)[3:]}",
        "smsMessage": "Hello",
    }


def test_the_native_api_refuses_with_a_problem(server: Running) -> None:
    put(server, rule("busy", "api", {"reject": {"status": 429, "retry_after": "2s"}}))
    answer = native(server)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.json["code"], answer.json["status"]) == ("throttled", 429)


def test_a_rule_for_sends_leaves_reads_alone_and_one_for_any_leaves_nothing(
    server: Running,
) -> None:
    sid = server.accepted()
    fetch = server.url + MESSAGES.replace(".json", f"/SM{sid}.json")
    put(server, rule("busy", "api", {"reject": 503}))
    assert request("GET", fetch, headers=basic()).status == 200
    put(server, rule("down", "api", {"reject": 503}, when={"request": "any"}))
    assert request("GET", fetch, headers=basic()).status == 503
    assert request("GET", fetch, headers=basic(secret="wrong")).status == 503  # it cannot tell


def test_a_rule_may_be_for_one_endpoint_or_one_recipient(server: Running) -> None:
    endpoint = "POST /p5/api/mt.json"
    put(server, rule("a", "api", {"reject": 503}, when={"endpoint": endpoint}))
    assert (server.twilio().status, zettai(server).status) == (201, 503)
    put(server, rule("b", "api", {"reject": 503}, when={"to": us(1)}))
    assert (server.twilio(us(1)).status, server.twilio(us(2)).status) == (503, 201)


def test_the_third_request_only_is_contended_and_says_so(server: Running) -> None:
    put(server, rule("third", "api", {"reject": 503}, when={"nth": 3}))
    assert [server.twilio().status for _ in range(4)] == [201, 201, 503, 201]
    assert server.world.firings.contended == {"third": 1}
    put(server, rule("twice", "api", {"reject": 503}, at_most=2))
    assert [server.twilio().status for _ in range(4)] == [503, 503, 201, 201]
    assert hits(server) == {"twice": 2}


# A reply lost: done once, and nobody told.


def test_a_lost_reply_is_a_closed_connection_and_one_message(server: Running) -> None:
    put(server, rule("lost", "reply", "lose", at_most=1))
    with pytest.raises(http.client.RemoteDisconnected):
        server.twilio()
    assert accepted(server) == 1
    (message,) = server.get(f"{WORLD}/messages")["messages"]
    assert (message["known"]["state"], message["told"]["state"]) == ("accepted", "none")
    listed = request("GET", server.url + MESSAGES, headers=basic()).json["messages"]
    assert [each["sid"] for each in listed] == [f"SM{message['id']}"]
    (message,) = server.get(f"{WORLD}/messages")["messages"]
    assert message["told"]["state"] == "accepted"  # by reading


def test_the_other_requests_of_the_connection_are_served(server: Running) -> None:
    put(server, rule("lost", "reply", "lose", when={"to": us(1)}))
    assert server.twilio(us(0)).status == 201
    with pytest.raises(http.client.RemoteDisconnected):
        server.twilio(us(1))
    assert server.twilio(us(0)).status == 201


def test_who_has_a_reference_of_his_own_learns_that_it_was_accepted(server: Running) -> None:
    put(server, rule("lost", "reply", "lose", at_most=1))
    with pytest.raises(http.client.RemoteDisconnected):
        zettai(server, "tag-1")
    assert zettai(server, "tag-1").json["responseMessage"] == "Duplicate client tag."
    assert accepted(server) == 1


def test_who_has_a_key_of_his_own_has_the_same_reply_later(server: Running) -> None:
    put(server, rule("lost", "reply", "lose", at_most=1))
    key = {"Idempotency-Key": "one"}
    with pytest.raises(http.client.RemoteDisconnected):
        native(server, **key)
    assert native(server, **key).status == 201
    assert accepted(server) == 1


def test_a_lost_batch_was_accepted_whole(server: Running) -> None:
    put(server, rule("lost", "reply", "lose"))
    pair = b64encode(f"{NATIVE}:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
    one = {"to": "+817000000000", "from": "20345", "text": "Hello"}
    body = json.dumps({"messages": [one, one, one]}).encode()
    with pytest.raises(http.client.RemoteDisconnected):
        request("POST", f"{server.url}/todoku/v1/batches", body, headers)
    told = [m["told"]["state"] for m in server.get(f"{WORLD}/messages")["messages"]]
    assert told == ["none"] * 3
    assert hits(server) == {"lost": 1}


def test_a_read_whose_reply_is_lost_tells_nothing(server: Running) -> None:
    zettai(server, "tag-1")
    server.post(f"{WORLD}/clock/advance", {"by_us": LONG_US})
    put(server, rule("lost", "reply", "lose", when={"request": "read"}, at_most=1))
    with pytest.raises(http.client.RemoteDisconnected):
        zettai(server, "tag-1", "/p5/api/status.json")
    (message,) = server.get(f"{WORLD}/messages")["messages"]
    assert message["told"]["state"] == "accepted"
    assert zettai(server, "tag-1", "/p5/api/status.json").json["responseCode"] == 0
    (message,) = server.get(f"{WORLD}/messages")["messages"]
    assert message["told"]["state"] == "delivered"


def test_a_rule_that_fired_is_in_the_message_the_events_and_the_scrape(server: Running) -> None:
    put(server, rule("lost", "reply", "lose"), rule("busy", "api", {"reject": 429}, at_most=1))
    assert server.twilio().status == 429
    with pytest.raises(http.client.RemoteDisconnected):
        server.twilio()
    (message,) = server.get(f"{WORLD}/messages")["messages"]
    timeline = server.get(f"{WORLD}/messages/{message['id']}")["timeline"]
    (fired,) = [fact["fields"] for fact in timeline if fact["kind"] == "RuleFired"]
    assert fired == {
        "account": SID,
        "rule": "lost",
        "seam": "reply",
        "verdict": "lose",
        "contended": False,
    }
    scrape = server.control("GET", "/metrics").body.decode()
    for line in (
        'todoku_rules_fired_total{rule="busy",seam="api",verdict="reject",world="default"} 1.0',
        'todoku_rules_fired_total{rule="lost",seam="reply",verdict="lose",world="default"} 1.0',
    ):
        assert line in scrape


# Forged callbacks: official validators refuse them, and nothing was told by them.


def test_every_dialect_that_signs_can_be_forged() -> None:
    assert sorted(FORGERS) == sorted(SIGNERS)


@pytest.mark.parametrize("how", ["wrong_signature", "stale_signature"])
def test_a_forged_twilio_callback_differs_by_its_signature_and_its_lie(
    server: Running, receiver: Receiver, how: str
) -> None:
    put(server, rule("forger", "callback", {"corrupt": how}))
    url = receiver.base + "/status"
    server.accepted(StatusCallback=url)
    server.post(f"{WORLD}/clock/advance", {"by_us": LONG_US})
    validator = RequestValidator(SECRET)
    seen = []
    for post in receiver.posts("/status"):
        signature = post.headers["X-Twilio-Signature"]
        seen.append((post.fields["MessageStatus"], validator.validate(url, post.fields, signature)))
    assert seen == [
        ("sending", True),
        ("sent", True),
        ("failed", False),
        ("delivered", True),
        ("failed", False),
    ]
    truth = server.get(f"{WORLD}/truth")["total"]
    assert truth["told"]["delivered"] == 1
    assert "failed" not in truth["told"]


@pytest.mark.parametrize("how", ["wrong_signature", "stale_signature"])
def test_a_forged_native_callback_fails_the_standards_own_validator(
    server: Running, receiver: Receiver, how: str
) -> None:
    put(server, rule("forger", "callback", {"corrupt": how}))
    pair = b64encode(f"{NATIVE}:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
    body = {"to": "+817000000000", "from": "20345", "text": "Hello"}
    body["callback_url"] = receiver.base + "/status"
    answer = request("POST", f"{server.url}/todoku/v1/messages", json.dumps(body).encode(), headers)
    assert answer.status == 201
    server.post(f"{WORLD}/clock/advance", {"by_us": LONG_US})
    seen = []
    for post in receiver.posts("/status"):
        status = json.loads(post.body)["data"]["status"]
        try:
            Webhook(webhook_secret(SECRET)).verify(
                post.body, {name.lower(): value for name, value in post.headers.items()}
            )
        except WebhookVerificationError:
            seen.append((status, False))
        else:
            seen.append((status, True))
    assert seen[-3:] == [("failed", False), ("delivered", True), ("failed", False)]
    assert all(genuine for _, genuine in seen[:-3])


# The control port.


def test_rules_are_listed_as_they_can_be_sent_back(server: Running) -> None:
    found = put(
        server,
        rule(
            "busy",
            "api",
            {"reject": {"status": 429, "retry_after": "30s"}},
            when={"account": SID, "to": ["070-0000-0000"], "nth": {"from": 2}, "request": "any"},
            chance="20%",
            during={"from": "1h", "for": "30m"},
            at_most=5,
        ),
        rule("late", "receipt", [{"delay": {"from": "1h", "to": "2h"}}, "duplicate"]),
        rule("mixed", "callback", "reorder", when={"state": "sent", "carrier": "kddi"}),
        rule("forger", "callback", {"corrupt": "stale_signature"}),
        rule("lost", "receipt", "lose", when={"segment": "cold"}, chance=0.125),
        rule("out", "receipt", {"hold": "700/s"}, during={"from": "1h", "for": "20m"}),
        rule("shut", "callback", "hold"),
    )
    rules = [each["rule"] for each in found]
    assert put(server, *rules) == found
    assert rules[0]["during"] == {
        "from": "2025-06-02T01:00:00.000000Z",
        "until": "2025-06-02T01:30:00.000000Z",
    }
    assert rules[0]["when"]["to"] == ["+817000000000"]
    assert rules[3]["when"]["dialect"] == list(SIGNERS)


def test_a_rule_sent_again_keeps_its_hits_and_none_are_left_after_a_delete(
    server: Running,
) -> None:
    busy = rule("busy", "api", {"reject": 429})
    put(server, busy)
    assert server.twilio().status == 429
    put(server, rule("late", "receipt", {"delay": "1h"}), busy)
    assert hits(server) == {"late": 0, "busy": 1}
    assert server.control("DELETE", RULES).status == 204
    assert server.get(RULES) == {"rules": []}
    assert server.twilio().status == 201


def test_rules_belong_to_their_world_and_survive_its_reset(server: Running) -> None:
    server.control("PUT", "/v1/worlds/other/accounts/10009", {"dialect": "zettai_reach"})
    put(server, rule("busy", "api", {"reject": 429}))
    assert server.get("/v1/worlds/other/rules") == {"rules": []}
    assert server.twilio().status == 429
    server.post(f"{WORLD}/reset")
    assert hits(server) == {"busy": 0}
    assert server.twilio().status == 429
    assert server.control("GET", "/v1/worlds/none/rules").status == 404


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([rule("a", "api", "hang")], "rules[0]: hang is not in use at seam api yet"),
        ([rule("a", "handset", "lose")], "rules[0]: no rule acts at seam handset yet"),
        ([rule("a", "receipt", "lose")] * 2, "rules of one name: a"),
        ([rule("a", "receipt", {"delay": "6"})], "a unit is needed"),
        ([rule("a", "receipt", {"dealy": "6h"})], "did you mean delay?"),
        ([rule("a", "callback", {"corrupt": "x"})], "unknown value 'x'"),
        ([rule("a", "api", {"reject": 418})], "unknown value"),
        ([rule("a", "receipt", "lose", chance=2)], "at most 100%"),
        ([rule("07012345678", "receipt", "lose")], "may be somebody's number"),
        ([rule("a", "receipt", "lose", when={"to": "x"})], "this is not a phone number"),
        ([rule(f"a-{n}", "receipt", "lose") for n in range(101)], "at most 100"),
        ("x", "expected a list"),
    ],
)
def test_a_rule_that_means_nothing_is_refused_in_one_line(
    server: Running, rules: Any, words: str
) -> None:
    answer = server.control("PUT", RULES, {"rules": rules})
    assert answer.status == 400
    assert words in answer.json["message"]
    assert server.get(RULES) == {"rules": []}
