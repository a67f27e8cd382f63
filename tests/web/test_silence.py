"""Connections that say nothing, or say it slowly: they stop nobody, and they end at their limit.

A silent connection that is opened last serves as the clock: once it has been shown out, all that
was opened before it has had its time.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.servers import MESSAGES, TOKEN, request, running, until_true
from tests.web.raw import FORM, Raw, create

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Running

MANY = 300
HALF = f"POST {MESSAGES} HTTP/1.1\r\nHost: a\r\nX-Half: ".encode()


@pytest.fixture
def strict() -> Iterator[Running]:
    """A server that wants a first head soon and has patience for all else."""
    with running(head_timeout_s=0.4, keepalive_s=60, body_timeout_s=60) as found:
        yield found


class Dripping:
    """A client that sends one more byte every now and then until it is shown out."""

    def __init__(self, server: Running, before: bytes) -> None:
        self.client = Raw(server, before)
        self.sent = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()

    def _drip(self) -> None:
        try:
            while not self._ended.wait(0.02):
                self.client.send(b"x")
                self.sent += 1
        except OSError:
            pass

    def closed(self) -> bool:
        closed = self.client.closed()
        self._ended.set()
        self._thread.join(10)
        return closed


@pytest.mark.parametrize("begun", [b"", b"P", HALF])
def test_bad_input_4_many_silent_sockets_stop_nobody_and_are_closed_at_their_limit(
    strict: Running, begun: bytes
) -> None:
    silent = [Raw(strict, begun) for _ in range(MANY)]
    assert Raw(strict, create()).reply().status == 201
    assert all(each.closed() for each in silent)  # a minute before the keep-alive limit
    until_true(lambda: not strict.server.connections()["gateway"])


def test_bad_input_4_a_head_that_drips_is_closed_at_the_limit(strict: Running) -> None:
    dripping = Dripping(strict, HALF)
    assert dripping.closed()
    assert dripping.sent > 1


def test_bad_input_4_a_second_head_that_drips_is_closed_at_the_keep_alive_limit() -> None:
    with running(head_timeout_s=60, keepalive_s=0.4) as server:
        dripping = Dripping(server, create() + HALF)
        assert dripping.client.reply().status == 201
        assert dripping.closed()
        assert dripping.sent > 1


def test_bad_input_3_a_body_that_drips_is_408_however_long_it_could_go_on() -> None:
    with running(head_timeout_s=60, keepalive_s=60, body_timeout_s=0.3) as server:
        dripping = Dripping(server, create(b"", length=10_000))
        assert dripping.client.reply().status == 408
        assert dripping.closed()
        assert dripping.sent > 1


def test_bad_input_3_the_control_port_says_408_too() -> None:
    with running(body_timeout_s=0.2) as server:
        head = (
            "POST /v1/worlds/default/clock/rate HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
            "Content-Length: 100\r\n\r\n{"
        )
        client = Raw(server, head.encode(), control=True)
        assert client.reply().status == 408
        assert client.closed()


def test_bad_input_4_the_control_port_shows_the_silent_out_as_well(strict: Running) -> None:
    silent = [Raw(strict, begun, control=True) for begun in (b"", b"GET /healthz HT") * 20]
    assert request("GET", f"{strict.control_url}/healthz").status == 200
    assert all(client.closed() for client in silent)


def test_bad_input_4_a_full_house_of_silence_is_full_for_a_while_only() -> None:
    with running(head_timeout_s=0.4, keepalive_s=60, connections_limit=5) as server:
        silent = [Raw(server) for _ in range(5)]
        until_true(lambda: server.server.connections()["gateway"] == 5)
        assert Raw(server, create()).reply().status == 201
        assert all(each.closed() for each in silent)


def test_who_has_sent_a_head_stays(strict: Running) -> None:
    kept, half = Raw(strict, create()), Raw(strict, create(b"", length=len(FORM)))
    assert kept.reply().status == 201
    assert Raw(strict).closed()  # some time later
    kept.send(create())
    assert kept.reply().status == 201
    half.send(FORM)
    assert half.reply().status == 201


def test_who_waits_for_an_answer_stays(strict: Running) -> None:
    until = strict.get("/v1/worlds/default/clock")["now_us"] + 1_000_000
    head = (
        f"GET /v1/worlds/default/clock/wait?until={until} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n"
    )
    waiting = Raw(strict, head.encode(), control=True)
    assert Raw(strict, control=True).closed()
    strict.post("/v1/worlds/default/clock/advance", {"by": "2s"})
    assert waiting.reply().status == 200
