"""Requests under way at once: a limit of the account's, and nobody else's."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.servers import PATIENCE_S, SECRET, SID, running
from tests.web.raw import Raw, create

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Running
    from tests.web.raw import Said

WORLD = "/v1/worlds/default"
OTHER = "AC" + "b" * 32


@pytest.fixture
def server() -> Iterator[Running]:
    with running() as made:
        yield made


def limit(server: Running, concurrency: int | None, account: str = SID) -> None:
    body = {"dialect": "twilio", "secret": SECRET, "concurrency": concurrency}
    assert server.control("PUT", f"{WORLD}/accounts/{account}", body).status in {200, 201}


def replies(server: Running, n: int) -> list[Said]:
    """Send so many requests on connections of their own while the server looks away."""
    clients = [Raw(server, create()) for _ in range(n)]
    assert all(client.reply().status in {201, 429} for client in clients)  # it has let them in
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go.wait(PATIENCE_S)

    watcher = threading.Thread(target=server.call, args=(hold,))
    watcher.start()
    assert held.wait(PATIENCE_S)
    for client in clients:
        client.send(create())
    go.set()
    watcher.join(PATIENCE_S)
    return [client.reply() for client in clients]


def at_once(server: Running, n: int) -> Counter[int]:
    """Do so, and count the statuses."""
    return Counter(reply.status for reply in replies(server, n))


def test_an_account_without_a_limit_has_as_many_as_it_likes(server: Running) -> None:
    limit(server, None)
    assert at_once(server, 20) == {201: 20}


def test_one_request_too_many_is_refused_and_the_others_are_not(server: Running) -> None:
    limit(server, 3)
    seen = at_once(server, 20)
    assert seen == {201: 3, 429: 17}
    for _ in range(10):  # one after the other is no crowd
        assert server.twilio().status == 201


def test_the_refusal_has_twilios_code_and_says_when_to_come_again(server: Running) -> None:
    limit(server, 1)
    first, second = sorted(replies(server, 2), key=lambda reply: reply.status)
    assert (first.status, second.status) == (201, 429)
    assert json.loads(second.body)["code"] == 20429
    assert b"Retry-After: 1" in second.head


def test_a_refusal_is_recorded_as_contended(server: Running) -> None:
    limit(server, 2)
    assert at_once(server, 6)[429] == 4
    refused = server.get(f"{WORLD}/truth")["total"]["refused"]["too_many_requests"]
    events = server.get(f"{WORLD}/events")["events"]
    found = [e["fields"] for e in events if e["kind"] == "Rejected"]
    assert len(found) >= 4
    assert [f["contended"] for f in found] == [True] * refused
    assert {f["reason"] for f in found} == {"too_many_requests"}


def test_bad_input_13_the_limit_of_one_account_is_nothing_to_another(server: Running) -> None:
    limit(server, 1, OTHER)
    assert at_once(server, 20) == {201: 20}


def test_a_limit_may_go_again(server: Running) -> None:
    limit(server, 1)
    limit(server, None)
    assert at_once(server, 5) == {201: 5}
