"""Requests that have come whole are answered where they arrive; all others as ever, in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from simulator.web.app import Front
from tests.servers import MESSAGES, basic, us
from tests.web.raw import FORM, Raw, create

if TYPE_CHECKING:
    from tests.servers import Running

UNKNOWN = b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n"
LISTING = (
    f"GET {MESSAGES}?PageSize=1 HTTP/1.1\r\nHost: a\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in basic().items())
    + "\r\n"
).encode()


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the methods of requests that went the long way."""
    seen: list[str] = []
    long_way = Front.__call__

    async def counted(self: Front, asked: Any) -> Any:
        seen.append(asked.method)
        return await long_way(self, asked)

    monkeypatch.setattr(Front, "__call__", counted)
    return seen


def test_a_whole_request_needs_no_task(tasks: list[str], server: Running) -> None:
    client = Raw(server, create())
    assert client.reply().status == 201
    client.send(create() + LISTING)
    assert [client.reply().status, client.reply().status] == [201, 200]
    client.send(create(b"x=1"))
    assert client.reply().status == 400
    assert tasks == []


def test_a_request_in_pieces_is_answered_all_the_same(tasks: list[str], server: Running) -> None:
    whole = create()
    client = Raw(server, create())
    assert client.reply().status == 201
    for cut in (3, len(whole) - len(FORM), len(whole) - 2):
        client.send(whole[:cut])
        server.get("/v1/worlds/default/clock")  # the first piece has been read by now
        client.send(whole[cut:])
        assert client.reply().status == 201
    assert set(tasks) <= {"POST"}
    assert tasks


def test_what_takes_the_long_way_keeps_its_place(tasks: list[str], server: Running) -> None:
    bodies = [FORM.replace(us(0)[1:].encode(), us(i)[1:].encode()) for i in range(4)]
    first, second, third, fourth = map(create, bodies)
    client = Raw(server, LISTING)
    assert client.reply().status == 200
    client.send(first + UNKNOWN + second + third + UNKNOWN + fourth)
    said = [client.reply() for _ in range(6)]
    assert [reply.status for reply in said] == [201, 404, 201, 201, 404, 201]
    sent = [json.loads(reply.body)["to"] for reply in said if reply.status == 201]
    assert sent == [us(i) for i in range(4)]
    assert tasks.count("GET") == 2


def test_a_pipeline_of_thousands_comes_to_its_end(server: Running) -> None:
    client = Raw(server, LISTING)
    assert client.reply().status == 200
    client.send(LISTING * 3_000)
    assert {client.reply().status for _ in range(3_000)} == {200}
    client.send(create())
    assert client.reply().status == 201


def test_a_bug_is_told_to_its_client_only(monkeypatch: pytest.MonkeyPatch, server: Running) -> None:
    other, client = Raw(server, create()), Raw(server, LISTING)
    assert (other.reply().status, client.reply().status) == (201, 200)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(Front, "at_once", broken)
        client.send(create())
        assert client.reply().status == 500
        assert client.closed()
    other.send(create())
    assert other.reply().status == 201
