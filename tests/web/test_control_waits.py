"""The control port's clock for those who sleep by it, or have themselves called."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from simulator.engine import driver as driver_module
from tests.servers import PATIENCE_S, TOKEN, running, until_true
from tests.web.test_control_gate import refused
from tests.worlds import DAY_US, HOUR_US, START_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Running

CLOCK = "/v1/worlds/default/clock"


class Sleeper(threading.Thread):
    """Somebody outside who waits for an instant."""

    def __init__(self, server: Running, until: object) -> None:
        super().__init__(daemon=True)
        self._server, self._until = server, until
        self.woken_at: Any = None
        before = len(server.world.gateway.waits)
        self.start()
        until_true(lambda: len(server.world.gateway.waits) > before or not self.is_alive())

    def run(self) -> None:
        self.woken_at = self._server.get(f"{CLOCK}/wait", until=self._until)

    def woken(self) -> Any:
        self.join(PATIENCE_S)
        return self.woken_at


@pytest.fixture
def heard() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """Listen on loopback: the URL, and what was called there (path, now, body)."""
    calls: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.append((self.path, self.headers["X-Todoku-Now"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    listener = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_port}", calls
    listener.shutdown()
    thread.join(PATIENCE_S)
    listener.server_close()


@pytest.mark.parametrize(
    "until",
    [START_US + DAY_US, "2025-06-03T00:00:00Z", "2025-06-03T09:00:00+09:00"],
)
def test_a_wait_is_answered_when_its_instant_is_reached(server: Running, until: object) -> None:
    sleeper = Sleeper(server, until)
    server.post(f"{CLOCK}/advance", {"to_us": START_US + DAY_US - 1})
    assert sleeper.is_alive()
    found = server.post(f"{CLOCK}/advance", {"by": "30d"})
    assert found["instants"] == 1
    assert sleeper.woken()["now_us"] >= START_US + DAY_US


def test_a_plus_that_a_query_made_a_space_is_understood(server: Running) -> None:
    answer = server.control("GET", f"{CLOCK}/wait?until=2025-06-02T09:00:00+09:00")
    assert (answer.status, answer.json["now_us"]) == (200, START_US)


def test_a_wait_for_the_past_is_answered_at_once(server: Running) -> None:
    assert server.get(f"{CLOCK}/wait", until=0)["now_us"] == START_US


@pytest.mark.parametrize("until", ["", "soon", "-1", "1.5", "9" * 30, "9" * 5_000, "2025-06-02"])
def test_a_wait_for_no_instant_is_refused(server: Running, until: str) -> None:
    answer = server.control("GET", f"{CLOCK}/wait?until={until}")
    refused(answer, 400, "bad_request", "until")
    refused(server.control("GET", f"{CLOCK}/wait"), 400, "bad_request", "until: is missing")


def test_a_client_that_leaves_its_wait_leaves_nothing_behind(server: Running) -> None:
    line = f"GET {CLOCK}/wait?until={START_US + DAY_US} HTTP/1.1\r\nHost: localhost\r\n"
    driver = server.server.driver("default")
    for _ in range(20):
        with socket.create_connection(server.address(control=True)) as client:
            client.sendall(f"{line}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
            until_true(lambda: any(sleep.sleepers for sleep in driver._sleeps.values()))
        until_true(lambda: not any(sleep.sleepers for sleep in driver._sleeps.values()))
    assert len(server.world.gateway.waits) == 1  # one entry for one instant, however often
    assert server.post(f"{CLOCK}/advance", {"by": "2d"})["instants"] == 1
    assert driver._sleeps == driver._tokens == server.world.gateway.waits == {}


def test_a_pending_wait_is_no_activity(server: Running) -> None:
    noted: list[tuple[str, bool]] = []
    server.server.front.heard = lambda world, changes: noted.append((world, changes))
    sleeper = Sleeper(server, START_US + 1)
    assert (server.server.front.in_flight, noted) == (0, [])
    server.post(f"{CLOCK}/advance", {"by_us": 1})
    assert sleeper.woken()["now_us"] == START_US + 1
    assert noted == []
    server.post(f"{CLOCK}/alarms", {"at_us": START_US + 5, "url": "http://127.0.0.1:9000/"})
    assert noted == [("default", True)]


def test_sleepers_are_let_go_when_the_server_stops() -> None:
    answers = []
    with running() as server:
        until = START_US + DAY_US

        def sleep() -> None:
            answers.append(server.control("GET", f"{CLOCK}/wait?until={until}"))

        thread = threading.Thread(target=sleep, daemon=True)
        thread.start()
        until_true(lambda: server.world.gateway.waits)
    thread.join(PATIENCE_S)
    refused(answers[0], 503, "stopping", "stops")


def test_there_may_not_be_any_number_of_waits(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module, "WAITS_MAX", 2)
    alarm = {"at_us": START_US + DAY_US, "url": "http://127.0.0.1:9000/"}
    for _ in range(2):
        server.post(f"{CLOCK}/alarms", alarm)
    refused(server.control("POST", f"{CLOCK}/alarms", alarm), 429, "too_many")
    refused(server.control("GET", f"{CLOCK}/wait?until={START_US + 1}"), 429, "too_many")


def test_an_alarm_calls_its_url_at_its_instant(
    server: Running, heard: tuple[str, list[tuple[str, str, bytes]]]
) -> None:
    url, calls = heard
    at_us = START_US + HOUR_US
    answer = server.control("POST", f"{CLOCK}/alarms", {"at_us": at_us, "url": f"{url}/tick"})
    assert answer.status == 201
    assert answer.json == {
        "at": "2025-06-02T01:00:00.000000Z",
        "at_us": at_us,
        "url": f"{url}/tick",
    }
    server.post(f"{CLOCK}/alarms", {"at": "2025-06-02T02:00:00Z", "url": f"{url}/tock"})
    assert server.post(f"{CLOCK}/advance", {"to_us": at_us - 1})["instants"] == 0
    assert calls == []
    assert server.post(f"{CLOCK}/advance", {"by": "1d"})["instants"] == 2
    assert calls == [
        ("/tick", str(at_us), b'{"now_us":%d}' % at_us),
        ("/tock", str(at_us + HOUR_US), b'{"now_us":%d}' % (at_us + HOUR_US)),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"url": "http://127.0.0.1/"}, ["exactly one of at, at_us"]),
        ({"at_us": 1}, ["url: is missing"]),
        ({"at_us": 1, "url": ""}, ["url"]),
        ({"at_us": 1, "url": "http://169.254.169.254/"}, ["url", "metadata"]),
        ({"at_us": 1, "url": "http://8.8.8.8/"}, ["url", "--callback-allow"]),
        ({"at_us": 1, "url": "file:///etc/passwd"}, ["url", "scheme"]),
        ({"at_us": 1, "url": "http://127.0.0.1/" + "a" * 9_000}, ["url"]),
        ({"at_us": 2**63, "url": "http://127.0.0.1/"}, ["at_us"]),
    ],
)
def test_an_alarm_that_cannot_be_is_refused(
    server: Running, body: dict[str, object], words: list[str]
) -> None:
    refused(server.control("POST", f"{CLOCK}/alarms", body), 400, "bad_request", *words)
