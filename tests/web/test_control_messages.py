"""The control port's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.message import State
from simulator.web import control_messages
from tests.servers import MESSAGES, SECRET, SID, basic, request, us
from tests.web.test_control_gate import refused
from tests.worlds import START_US

if TYPE_CHECKING:
    from tests.servers import Running

WORLD = "/v1/worlds/default"
SHOP = f"{WORLD}/accounts/shop"


def test_a_message_is_found_by_its_id_in_every_spelling(server: Running) -> None:
    key = server.accepted(Body="こんにちは")
    dashed = f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"
    details = [
        server.get(f"{WORLD}/messages/{id_}") for id_ in (key, f"SM{key}", key.upper(), dashed)
    ]
    assert all(detail == details[0] for detail in details)
    found = details[0]
    assert (found["id"], found["to"], found["body"]) == (key, us(0), "こんにちは")
    assert (found["encoding"], found["segments"], found["carrier"]) == ("ucs2", 1, "us-generic")
    assert found["known"] == {
        "state": "accepted",
        "cause": None,
        "at": "2025-06-02T00:00:00.000000Z",
        "at_us": START_US,
    }
    assert found["fate"] == {"state": "none", "cause": None, "at": None, "at_us": None}
    assert [event["kind"] for event in found["timeline"]] == ["Accepted"]


@pytest.mark.parametrize(
    "seen", ["0" * 32, "SM" + "0" * 32, "x", "..%2F..%2Fetc%2Fpasswd", "%00", "SM", "0" * 5_000]
)
def test_bad_input_14_an_unknown_id_is_not_found(server: Running, seen: str) -> None:
    refused(server.control("GET", f"{WORLD}/messages/{seen}"), 404, "not_found", "no message")


def test_looking_tells_nobody_anything(server: Running) -> None:
    key = server.accepted()
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    digest = server.world.log.digest()
    for path in (
        f"messages/{key}",
        "messages",
        "events",
        "truth",
        "ledger",
        "invoices",
        "accounts",
    ):
        server.get(f"{WORLD}/{path}")
    assert server.world.log.digest() == digest
    found = server.get(f"{WORLD}/messages/{key}")
    assert (found["known"]["state"], found["told"]["state"]) == ("delivered", "accepted")


def test_messages_are_paged_newest_first_across_accounts(server: Running) -> None:
    other = "AC" + "b" * 32
    keys = []
    for i in range(7):
        path = MESSAGES if i % 2 else MESSAGES.replace(SID, other)
        form = f"To=%2B{us(i)[1:]}&From=%2B15005550006&Body=x".encode()
        answer = request("POST", server.url + path, form, basic(SID if i % 2 else other))
        keys.append(answer.json["sid"][2:])
        if i != 3:  # two of them share an instant
            server.post(f"{WORLD}/clock/advance", {"by": "1s"})
    found, cursor = [], ""
    while cursor is not None:
        page = server.get(f"{WORLD}/messages", limit=2, cursor=cursor)
        found += page["messages"]
        cursor = page["next"]
    assert {message["id"] for message in found} == set(keys)
    instants = [message["accepted_at_us"] for message in found]
    assert instants == sorted(instants, reverse=True)
    own = server.get(f"{WORLD}/messages", account=other)["messages"]
    assert [message["id"] for message in own] == keys[::-1][::2]


def test_messages_are_filtered(server: Running) -> None:
    keys = [server.accepted(us(i)) for i in range(3)]
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    keys.append(server.accepted(us(1)))

    def ids(**query: Any) -> list[str]:
        return [m["id"] for m in server.get(f"{WORLD}/messages", **query)["messages"]]

    assert ids(to=us(1)) == [keys[3], keys[1]]
    assert ids(to=us(1), state="accepted") == [keys[3]]
    assert ids(state="canceled") == []
    assert set(ids(**{"from": "+15005550006"})) == set(keys)
    unescaped = server.control("GET", f"{WORLD}/messages?to={us(1)}").json["messages"]
    assert [message["id"] for message in unescaped] == [keys[3], keys[1]]
    refused(server.control("GET", f"{WORLD}/messages?account=none"), 404, "not_found")


def test_bad_input_15_a_page_looks_at_so_many_messages(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_messages, "SCANNED_MAX", 2)
    wanted = server.accepted(us(0))
    for i in range(1, 6):
        server.accepted(us(i))
    found, cursor, pages = [], "", 0
    while cursor is not None:
        page = server.get(f"{WORLD}/messages", to=us(0), cursor=cursor)
        found += page["messages"]
        cursor, pages = page["next"], pages + 1
    assert [message["id"] for message in found] == [wanted]
    assert pages == 3


def test_a_message_is_found_by_the_clients_reference(server: Running) -> None:
    form = (
        f"token={SECRET}&clientId=1234&smsCode=12345&clientTag=tag-1&message=Hi&phoneNumber=09012345678"
    ).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert request("POST", f"{server.url}/p5/api/mt.json", form, kind).status == 200
    where = f"{WORLD}/messages/by-reference"
    found = server.get(where, account="1234", reference="tag-1")
    assert (found["reference"], found["to"]) == ("tag-1", "+819012345678")
    assert server.get(f"{WORLD}/messages/{found['id']}") == found
    for query, status in (("account=1234&reference=x", 404), ("account=x&reference=tag-1", 404)):
        refused(server.control("GET", f"{where}?{query}"), status, "not_found")
    refused(
        server.control("GET", f"{where}?account=1234"), 400, "bad_request", "reference: is missing"
    )


def test_states_of_the_filter_are_those_of_the_model(server: Running) -> None:
    for state in set(State) - {State.NONE}:
        server.get(f"{WORLD}/messages", state=state.name.lower())


def test_messages_are_filtered_by_text_carrier_and_direction(server: Running) -> None:
    hello = server.accepted(us(0), Body="Hello Café")
    japan = server.accepted("+819012345678", Body="こんにちは")
    reply = {"account": SID, "from": us(0), "to": "+15005550006", "body": "café, yes"}
    answer = server.post(f"{WORLD}/replies", reply)["id"]

    def ids(**query: Any) -> set[str]:
        return {m["id"] for m in server.get(f"{WORLD}/messages", **query)["messages"]}

    assert ids(text="CAFÉ") == {hello, answer}
    assert ids(text="んにち") == {japan}
    assert ids(text="café", direction="inbound") == {answer}
    assert ids(direction="outbound") == {hello, japan}
    assert ids(carrier="us-generic") == {hello}
    nearest = "did you mean docomo?"
    refused(server.control("GET", f"{WORLD}/messages?carrier=docomoo"), 400, "bad_request", nearest)
    refused(server.control("GET", f"{WORLD}/messages?text={'x' * 201}"), 400, "bad_request")


def test_a_purge_forgets_what_has_ended_and_keeps_every_counter(server: Running) -> None:
    done = [server.accepted(us(i), Body=f"secret {i}") for i in range(5)]
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    under_way = server.accepted(us(9))
    before = server.get(f"{WORLD}/truth")["total"]
    digest = server.world.log.digest()
    invoices = server.get(f"{WORLD}/invoices")
    inbound = {"account": SID, "from": us(0), "to": "+15005550006", "body": "Hm"}
    server.post(f"{WORLD}/replies", inbound)
    answer = server.control("DELETE", f"{WORLD}/messages")
    assert answer.status == 200
    assert answer.json["kept"] == 1
    assert answer.json["purged"] >= 6  # people may have answered by themselves
    left = server.get(f"{WORLD}/messages")["messages"]
    assert [message["id"] for message in left] == [under_way]
    for key in done:
        refused(server.control("GET", f"{WORLD}/messages/{key}"), 404, "not_found")
    after = server.get(f"{WORLD}/truth")["total"]
    assert after == {**before, "inbound": before["inbound"] + 1}
    assert server.get(f"{WORLD}/invoices") == invoices
    assert server.world.log.digest() != digest  # a purge is a fact
    assert server.control("DELETE", f"{WORLD}/messages").json == {"purged": 0, "kept": 1}


def test_a_purge_may_be_of_one_account(server: Running) -> None:
    other = "AC" + "b" * 32
    path = MESSAGES.replace(SID, other)
    form = f"To=%2B{us(1)[1:]}&From=%2B15005550006&Body=x".encode()
    assert request("POST", server.url + path, form, basic(other)).status == 201
    server.accepted()
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    answer = server.control("DELETE", f"{WORLD}/messages?account={other}")
    assert answer.json["purged"] >= 1
    left = server.get(f"{WORLD}/messages")["messages"]
    assert {message["account"] for message in left} == {SID}
    nobody = server.control("DELETE", f"{WORLD}/messages?account=nobody")
    refused(nobody, 404, "not_found")
