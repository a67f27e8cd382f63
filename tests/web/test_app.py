"""The gateway port: routes, HTTP's own habits, the virtual now, and what is heard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.servers import MESSAGES, SECRET, basic, request, us
from tests.web.raw import FORM, Raw, create

if TYPE_CHECKING:
    from tests.servers import Running


def accepted(server: Running) -> int:
    total: int = server.get("/v1/worlds/default/truth")["total"]["accepted"]
    return total


def test_unknown_paths_and_methods_are_told_in_words(server: Running) -> None:
    answer = request("GET", f"{server.url}/v2/none")
    assert (answer.status, answer.json["error"]) == (404, "not_found")
    assert answer.headers["X-Todoku-Now"].isdecimal()
    answer = request("PATCH", server.url + MESSAGES)
    assert (answer.status, answer.json["error"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, POST"


def test_requests_in_a_pipeline_are_answered_in_order(server: Running) -> None:
    bodies = [FORM.replace(us(0)[1:].encode(), us(i)[1:].encode()) for i in range(50)]
    client = Raw(server, b"".join(create(body) for body in bodies))
    said = [client.reply() for _ in bodies]
    assert [json.loads(reply.body)["to"] for reply in said] == [us(i) for i in range(50)]
    assert accepted(server) == 50


def test_http_1_0_is_served_and_closed(server: Running) -> None:
    client = Raw(server, create(version="1.0"))
    assert client.reply().status == 201
    assert client.closed()
    kept = Raw(server, create(FORM, "Connection: keep-alive", version="1.0"))
    assert b"keep-alive" in kept.reply().head.lower()
    kept.send(create(version="1.0"))
    assert kept.reply().status == 201


def test_head_is_answered_without_a_body(server: Running) -> None:
    head = f"HEAD {MESSAGES} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    client = Raw(server, head + create())
    said = client.reply(bodiless=True)
    assert said.status == 405
    assert client.reply().status == 201


def test_a_client_that_asks_first_is_told_to_go_on(server: Running) -> None:
    client = Raw(server, create(b"", "Expect: 100-continue", length=len(FORM)))
    assert client.reply().status == 100
    client.send(FORM)
    assert client.reply().status == 201


def test_every_reply_carries_the_virtual_now(server: Running) -> None:
    server.post("/v1/worlds/default/clock/advance", {"by": "1s"})
    now = str(server.get("/v1/worlds/default/clock")["now_us"])
    assert server.twilio().headers["X-Todoku-Now"] == now
    assert server.twilio("x").headers["X-Todoku-Now"] == now
    assert request("GET", f"{server.url}/").headers["X-Todoku-Now"] == now


def test_a_draining_server_takes_nothing_more(server: Running) -> None:
    client = Raw(server, create())
    assert client.reply().status == 201
    server.server.front.draining = True
    client.send(create())
    said = client.reply()
    assert (said.status, json.loads(said.body)["error"]) == (503, "stopping")
    assert client.closed()
    server.server.front.draining = False
    assert accepted(server) == 1


def test_what_changes_something_is_heard_and_what_reads_is_not(server: Running) -> None:
    noted: list[tuple[str, bool]] = []
    server.server.front.heard = lambda world, changes: noted.append((world, changes))
    key = server.accepted()
    request("GET", server.url + MESSAGES.replace(".json", f"/SM{key}.json"), None, basic())
    server.twilio("nobody")
    assert noted == [("default", True), ("default", False), ("default", True)]
    assert SECRET not in str(noted)
