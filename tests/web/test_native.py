"""The native API over sockets: create, fetch, list, batches, keys, and clients that leave."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook

from simulator.core.message import OutcomeKind
from simulator.dialects.native_webhook import webhook_secret
from tests.native_api import BATCHES, MESSAGES, SENDER, Api, open_native
from tests.sdk.served import Receiver
from tests.servers import until_true
from tests.web.raw import Raw
from tests.worlds import DAY_US, HOUR_US, MINUTE_US, habits

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK = "/v1/worlds/default/clock"


@pytest.fixture
def api() -> Iterator[Api]:
    with open_native(habits=habits()) as found:
        yield found


def advance(api: Api, us: int) -> None:
    api.server.post(f"{CLOCK}/advance", {"by_us": us})


def truth(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.server.get("/v1/worlds/default/truth")["total"]
    return found


def charged(api: Api) -> int:
    invoices = api.server.get("/v1/worlds/default/invoices")["invoices"]
    return sum(invoice["units"] for invoice in invoices)


# Create, fetch, list.


def test_a_message_is_accepted_and_can_be_fetched_until_its_end(api: Api) -> None:
    answer = api.send(text="ご予約は明日です 😀", reference="r-1")
    assert answer.status == 201
    first = answer.json
    assert (first["status"], first["encoding"], first["segments"]) == ("accepted", "ucs2", 1)
    assert (first["reference"], first["billing"], first["final_at"]) == ("r-1", None, None)
    assert answer.headers["Location"] == f"{MESSAGES}/{first['id']}"
    assert answer.headers["Idempotency-Replayed"] is None
    advance(api, HOUR_US)
    last = api.get(answer.headers["Location"]).json
    assert last["status"] == "delivered"
    assert last["accepted_at"] < last["sent_at"] < last["final_at"]
    assert last["billing"]["amount"] == "15"


def test_an_account_is_opened_at_first_sight_and_keeps_its_secret(api: Api) -> None:
    api.accepted()
    other = Api(api.server, secret="x" * 32)
    assert api.problem(other.send()) == (401, "unauthorized", "Authorization")
    assert Api(api.server, "bank", "x" * 32).accepted()["status"] == "accepted"


def test_a_message_of_another_account_is_not_found(api: Api) -> None:
    name = api.accepted()["id"]
    other = Api(api.server, "bank")
    other.accepted()
    assert api.problem(other.get(f"{MESSAGES}/{name}"))[:2] == (404, "not_found")
    assert api.get(f"{MESSAGES}/..%2f..%2fetc%2fpasswd").status == 404
    for odd in ("msg_" + "0" * 32, "x", "msg_%00"):
        assert api.problem(api.get(f"{MESSAGES}/{odd}"))[:2] == (404, "not_found")


def test_pages_follow_each_other_newest_first_without_gap_or_repeat(api: Api) -> None:
    sent = []
    for _ in range(7):
        sent.append(api.accepted()["id"])
        advance(api, 1)
    seen, cursor = [], ""
    for _ in range(4):
        page = api.get(f"{MESSAGES}?limit=2{cursor}").json
        seen += [message["id"] for message in page["messages"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == sent[::-1]


def test_a_list_may_be_of_one_number_or_one_sender(api: Api) -> None:
    to = api.number()
    wanted = api.accepted(to=to)["id"]
    api.accepted(**{"from": "77777"})
    for query in (f"to=%2B{to[1:]}", f"from={SENDER}"):
        page = api.get(f"{MESSAGES}?{query}").json
        assert [message["id"] for message in page["messages"]] == [wanted]


def test_bad_input_15_a_cursor_of_another_account_is_refused(api: Api) -> None:
    other = Api(api.server, "bank").accepted()["id"]
    api.accepted()
    answer = api.get(f"{MESSAGES}?cursor={other}")
    assert api.problem(answer) == (400, "invalid_value", "cursor")


# Scheduled, and taken back.


def test_a_message_waits_for_its_instant_and_is_then_sent(api: Api) -> None:
    first = api.accepted(send_at="2025-06-02T12:00:00+09:00")
    assert (first["status"], first["send_at"]) == ("scheduled", "2025-06-02T03:00:00.000000Z")
    advance(api, 3 * HOUR_US - 1)
    assert api.get(f"{MESSAGES}/{first['id']}").json["status"] == "scheduled"
    advance(api, HOUR_US)
    last = api.get(f"{MESSAGES}/{first['id']}").json
    assert last["status"] == "delivered"
    assert last["sent_at"] > last["send_at"] == first["send_at"]


@pytest.mark.parametrize(
    "send_at",
    [
        *("2025-06-02T00:00:00Z", "2025-06-01T00:00:00Z", "1969-01-01T00:00:00Z", "now", ""),
        *("2025-07-08T00:00:00Z", "9999-12-31T23:59:59Z", "2025-06-02T12:00:00", "2025-06-03"),
        *("2025-06-02T12:00:60Z", "2025-06-31T12:00:00Z", "2025-06-02 12:00:00Z", "1748844000"),
    ],
)
def test_bad_input_16_an_instant_is_ahead_within_35_days_and_has_an_offset(
    api: Api, send_at: str
) -> None:
    assert api.problem(api.send(send_at=send_at)) == (400, "invalid_value", "send_at")


def test_a_message_can_be_taken_back_while_it_waits_and_only_once(api: Api) -> None:
    for fields in ({}, {"send_at": "2025-06-02T12:00:00+09:00"}):
        where = f"{MESSAGES}/{api.accepted(**fields)['id']}/cancel"
        answer = api.post(where, b"")
        assert (answer.status, answer.json["status"]) == (200, "canceled")
        assert (answer.json["billing"]["units"], answer.json["cause"]) == (0, "canceled")
        assert api.problem(api.post(where, b"")) == (409, "not_cancelable", "")
    advance(api, DAY_US)
    assert charged(api) == 0


def test_what_has_left_cannot_be_taken_back(api: Api) -> None:
    where = f"{MESSAGES}/{api.accepted()['id']}/cancel"
    assert api.problem(api.post(where, b"x")) == (400, "malformed", "body")
    advance(api, HOUR_US)
    assert api.problem(api.post(where, b"{}")) == (409, "not_cancelable", "")
    nobodys = f"{MESSAGES}/msg_{'0' * 32}/cancel"
    assert api.problem(api.post(nobodys, b""))[:2] == (404, "not_found")


# Batches.


def test_each_message_of_a_batch_has_its_own_result(api: Api) -> None:
    items = [api.message(), {"to": "1"}, api.message(to="+81312345678"), api.message()]
    answer = api.post(BATCHES, {"messages": items})
    assert answer.status == 200
    found = answer.json
    assert (found["accepted"], found["refused"]) == (2, 2)
    assert [row["status"] for row in found["results"]] == [201, 400, 400, 201]
    assert [row["message"]["to"] for row in found["results"] if "message" in row] == [
        items[0]["to"],
        items[3]["to"],
    ]
    codes = [row["problem"]["code"] for row in found["results"] if "problem" in row]
    assert codes == ["missing_field", "not_mobile"]
    assert truth(api)["accepted"] == 2
    assert sum(truth(api)["refused"].values()) == 2


def test_a_batch_of_a_thousand_is_taken(api: Api) -> None:
    items = [api.message() for _ in range(1000)]
    answer = api.post(BATCHES, {"messages": items})
    assert (answer.status, answer.json["accepted"]) == (200, 1000)
    listed = api.get(f"{MESSAGES}?limit=1000").json["messages"]
    assert {message["to"] for message in listed} == {item["to"] for item in items}


# Keys.


def test_bad_input_11_a_key_used_twice_has_one_reply_byte_for_byte_and_one_charge(
    api: Api,
) -> None:
    body = api.message()
    first = api.post(MESSAGES, body, Idempotency_Key="k-1")
    advance(api, DAY_US - 1)
    again = api.post(MESSAGES, body, Idempotency_Key="k-1")
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert (truth(api)["accepted"], charged(api)) == (1, 1)


def test_bad_input_11_after_24_virtual_hours_a_key_is_new(api: Api) -> None:
    body = api.message()
    api.post(MESSAGES, body, Idempotency_Key="k-1")
    advance(api, DAY_US)
    again = api.post(MESSAGES, body, Idempotency_Key="k-1")
    assert again.headers["Idempotency-Replayed"] is None
    assert truth(api)["accepted"] == 2


def test_bad_input_11_another_body_under_the_key_is_a_conflict(api: Api) -> None:
    body = api.message()
    api.post(MESSAGES, body, Idempotency_Key="k-1")
    changed = api.post(MESSAGES, {**body, "text": "Goodbye"}, Idempotency_Key="k-1")
    assert api.problem(changed) == (409, "key_reused", "Idempotency-Key")
    batch = api.post(BATCHES, {"messages": [body]}, Idempotency_Key="k-1")
    assert api.problem(batch) == (409, "key_reused", "Idempotency-Key")
    assert truth(api)["accepted"] == 1


def test_bad_input_11_one_key_from_many_clients_at_once_makes_one_message(api: Api) -> None:
    body = api.message()
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: api.post(MESSAGES, body, Idempotency_Key="k-1"), range(64))
        )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    replayed = [answer for answer in answers if answer.headers["Idempotency-Replayed"]]
    assert len(replayed) == 63
    advance(api, HOUR_US)
    assert (truth(api)["accepted"], charged(api)) == (1, 1)


def test_bad_input_11_a_refusal_that_lasts_is_said_again_byte_for_byte(api: Api) -> None:
    body = api.message()
    api.accepted(to=body["to"])
    reply = {"account": api.account, "from": body["to"], "to": SENDER, "body": "STOP"}
    api.server.post("/v1/worlds/default/replies", reply)
    first = api.post(MESSAGES, body, Idempotency_Key="k-1")
    assert api.problem(first)[:2] == (409, "opted_out")
    api.server.post("/v1/worlds/default/replies", {**reply, "body": "START"})
    again = api.post(MESSAGES, body, Idempotency_Key="k-1")
    assert (again.status, again.body) == (409, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.post(MESSAGES, body, Idempotency_Key="k-2").status == 201


def test_bad_input_11_a_refused_request_leaves_the_key_to_the_mended_one(api: Api) -> None:
    wrong = api.post(MESSAGES, api.message(to="1"), Idempotency_Key="k-1")
    assert wrong.status == 400
    assert api.post(MESSAGES, api.message(), Idempotency_Key="k-1").status == 201


def test_bad_input_11_a_batch_has_one_reply_as_well(api: Api) -> None:
    items = {"messages": [api.message(), {"to": 1}, api.message()]}
    first = api.post(BATCHES, items, Idempotency_Key="k-1")
    advance(api, HOUR_US)
    again = api.post(BATCHES, items, Idempotency_Key="k-1")
    assert again.body == first.body
    assert (truth(api)["accepted"], charged(api)) == (2, 2)


# Clients that leave.


def raw(api: Api, body: dict[str, Any], key: str = "") -> bytes:
    data = json.dumps(body).encode()
    lines = [f"POST {MESSAGES} HTTP/1.1", "Host: a", "Content-Type: application/json"]
    headers = {"Content-Length": str(len(data)), **api.credentials()}
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Idempotency-Key: {key}"] if key else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def test_bad_input_12_a_client_that_leaves_before_the_reply_has_sent_exactly_once(
    api: Api,
) -> None:
    sent = [api.message() for _ in range(20)]
    for body in sent:
        Raw(api.server, raw(api, body)).socket.close()
    front = api.server.server.front
    until_true(lambda: front.requests == len(sent) and not front.in_flight)
    listed = api.get(f"{MESSAGES}?limit=1000").json["messages"]
    assert sorted(message["to"] for message in listed) == sorted(body["to"] for body in sent)


def test_bad_input_12_whoever_left_and_comes_again_with_its_key_learns_of_the_one_message(
    api: Api,
) -> None:
    body = api.message()
    for _ in range(10):
        Raw(api.server, raw(api, body, "k-1")).reset()
    answer = api.post(MESSAGES, body, Idempotency_Key="k-1")
    until_true(lambda: not api.server.server.front.in_flight)
    listed = api.get().json["messages"]
    assert [message["id"] for message in listed] == [answer.json["id"]]


# Callbacks.


def test_an_account_may_sign_virtual_instants(api: Api) -> None:
    api.accepted()
    where = f"/v1/worlds/default/accounts/{api.account}"
    api.server.control("PUT", where, {"signature_time": "virtual"})
    seen = api.server.get(where)
    assert seen["signature_time"] == "virtual"
    with Receiver().open() as receiver:
        api.accepted(callback_url=f"{receiver.base}/status")
        advance(api, HOUR_US)
        posts = receiver.posts("/status")
    secret = webhook_secret(api.secret)
    assert len(posts) == 2
    for post in posts:
        at_s = int(post.headers["webhook-timestamp"])
        assert at_s == int(post.headers["X-Todoku-Now"]) // 1_000_000
        moment = datetime.fromtimestamp(at_s, UTC)
        signed = Webhook(secret).sign(post.headers["webhook-id"], moment, post.body.decode())
        assert signed == post.headers["webhook-signature"]


def test_what_a_person_writes_comes_as_a_callback_too(api: Api) -> None:
    sent = api.accepted()
    where = f"/v1/worlds/default/accounts/{api.account}"
    with Receiver().open() as receiver:
        api.server.control("PUT", where, {"inbound_url": f"{receiver.base}/inbound"})
        reply = {"account": api.account, "from": sent["to"], "to": SENDER, "body": "はい"}
        api.server.post("/v1/worlds/default/replies", reply)
        advance(api, 1)
        [post] = receiver.posts("/inbound")
    told = Webhook(webhook_secret(api.secret)).verify(post.body, post.headers)
    assert told["type"] == "message.received"
    assert (told["data"]["direction"], told["data"]["text"]) == ("inbound", "はい")
    assert (told["data"]["from"], told["data"]["to"]) == (sent["to"], SENDER)
    listed = api.get().json["messages"]
    assert [message["direction"] for message in listed] == ["inbound", "outbound"]


# Beyond the dialect: what the port itself answers.


def test_other_methods_and_paths_are_told_which_there_are(api: Api) -> None:
    assert api.post(f"{MESSAGES}/msg_{'0' * 32}", {}).status == 405
    assert api.get("/todoku/v1/nothing").status == 404


def test_a_body_over_the_limit_is_a_problem_too() -> None:
    with open_native(body_limit_bytes=1024) as api:
        answer = api.send(text="x" * 1600)
        assert api.problem(answer) == (413, "too_large", "")


def test_a_callback_to_the_metadata_address_is_not_made_and_life_goes_on(api: Api) -> None:
    name = api.accepted(callback_url="http://169.254.169.254/latest")["id"]
    advance(api, 10 * MINUTE_US)
    assert api.get(f"{MESSAGES}/{name}").json["status"] == "delivered"
    outcomes = api.server.server.caller.outcomes
    assert outcomes[OutcomeKind.FORBIDDEN] == sum(outcomes.values()) == 2
