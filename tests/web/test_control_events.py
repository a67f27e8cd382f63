"""The control port's facts: paged, and as they come."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Self

import pytest

from simulator.engine.world import Options
from simulator.web import control_events
from tests.servers import PATIENCE_S, TOKEN, running, until_true
from tests.web.test_control_gate import refused
from tests.worlds import facts

if TYPE_CHECKING:
    from tests.servers import Running

WORLD = "/v1/worlds/default"


class Stream:
    """A subscriber."""

    def __init__(self, server: Running, query: str = "", **headers: str) -> None:
        self._connection = HTTPConnection(*server.address(control=True), timeout=PATIENCE_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(
            "GET",
            f"{WORLD}/events/stream{query}",
            headers={"Authorization": f"Bearer {TOKEN}", **named},
        )
        self.reply = self._connection.getresponse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reply.close()
        self._connection.close()

    def line(self) -> str:
        return self.reply.readline().decode().rstrip("\n")

    def next(self) -> tuple[str, str, Any]:
        """Read one event: its kind, its id, its data."""
        fields = {}
        while line := self.line():
            name, _, value = line.partition(": ")
            fields[name] = value
        return fields["event"], fields.get("id", ""), json.loads(fields["data"])


def test_facts_are_paged_by_number(server: Running) -> None:
    server.accepted()
    server.post(f"{WORLD}/clock/advance", {"by": "1d"})
    found: list[Any] = []
    while True:
        page = server.get(f"{WORLD}/events", since=len(found), limit=3)
        assert (page["first"], page["count"]) == (len(found), server.world.log.count)
        assert page["digest"] == server.world.log.digest()
        assert page["next"] == len(found) + len(page["events"])
        if not page["events"]:
            break
        found += page["events"]
    assert [fact["number"] for fact in found] == list(range(len(found)))
    assert [fact["kind"] for fact in found] == [type(f).__name__ for f in facts(server.world)]
    assert [fact["at_us"] for fact in found] == [fact.at_us for fact in facts(server.world)]


def test_a_page_tells_what_retention_has_dropped() -> None:
    with running(options=Options(retention=1)) as server:  # ten facts
        for _ in range(30):
            server.twilio("nobody")
        page = server.get(f"{WORLD}/events", since=2)
        assert (page["first"], page["count"], len(page["events"])) == (20, 30, 10)


def test_a_page_beyond_the_end_is_empty(server: Running) -> None:
    page = server.get(f"{WORLD}/events", since=2**63 - 1)
    assert page["events"] == []
    for since in ("-1", "x", 2**63):
        answer = server.control("GET", f"{WORLD}/events?since={since}")
        refused(answer, 400, "bad_request", "since")


def test_facts_stream_as_they_come(server: Running) -> None:
    server.accepted()
    with Stream(server) as stream:
        assert stream.reply.status == 200
        assert stream.reply.headers["Content-Type"] == "text/event-stream"
        assert stream.reply.headers["X-Todoku-Now"].isdecimal()
        server.twilio("nobody")
        kind, number, fact = stream.next()
        assert (kind, number, fact["kind"]) == ("fact", "2", "Rejected")
        assert fact == server.get(f"{WORLD}/events", since=2)["events"][0]


@pytest.mark.parametrize(("query", "headers"), [("?since=1", {}), ("", {"Last_Event_ID": "0"})])
def test_a_stream_goes_on_where_it_was_left(
    server: Running, query: str, headers: dict[str, str]
) -> None:
    server.accepted()
    server.post(f"{WORLD}/clock/advance", {"by": "1d"})
    with Stream(server, query, **headers) as stream:
        numbers = [stream.next()[1] for _ in range(server.world.log.count - 1)]
    assert numbers == [str(n) for n in range(1, server.world.log.count)]


def test_a_slow_subscriber_is_told_how_much_it_has_missed(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_events, "BEHIND_MAX", 3)
    for _ in range(10):
        server.twilio("nobody")
    with Stream(server, "?since=0") as stream:
        assert stream.next() == ("skipped", "", {"skipped": 7})
        assert [stream.next()[1] for _ in range(3)] == ["7", "8", "9"]


def test_a_subscriber_that_reads_nothing_costs_a_bounded_buffer() -> None:
    with running() as server:
        for _ in range(50):
            server.accepted()
        with Stream(server, "?since=0") as stream:
            for _ in range(100):
                server.post(f"{WORLD}/clock/advance", {"by": "1h"})
            count = server.world.log.count
            last = ""
            while last != str(count - 1):
                _, last, _ = stream.next()


def test_a_reset_is_told_and_numbers_begin_again(server: Running) -> None:
    server.accepted()
    with Stream(server) as stream:
        server.post(f"{WORLD}/reset")
        assert stream.next() == ("reset", "", {"epoch": 1})
        kind, number, fact = stream.next()
        assert (kind, number, fact["kind"]) == ("fact", "0", "AccountOpened")


def test_a_quiet_stream_beats(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_events, "HEARTBEAT_S", 0.0)
    with Stream(server) as stream:
        assert stream.line() == ": quiet"


def test_a_stream_ends_with_the_server() -> None:
    with running() as server:
        stream = Stream(server)
        with stream:
            server.run(server.server.stop())
            assert stream.reply.read() == b""


def test_a_subscriber_that_leaves_is_forgotten(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_events, "STREAMS_MAX", 1)
    for _ in range(3):
        with Stream(server) as stream:
            assert stream.reply.status == 200
            refused(server.control("GET", f"{WORLD}/events/stream"), 429, "too_many", "streams")
        until_true(lambda: _free(server))


def _free(server: Running) -> bool:
    with Stream(server) as stream:
        free: bool = stream.reply.status == 200
    return free
