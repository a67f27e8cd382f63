"""When time may move: everybody has been told, everybody has been heard."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from simulator.run.conductor import Conductor
from tests.servers import TOKEN, running, until_true, us
from tests.worlds import DAY_US, START_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.run.sut import System
    from tests.servers import Running

CLOCK = "/v1/worlds/default/clock"


@pytest.fixture
def server() -> Iterator[Running]:
    with running() as server:
        yield server


def conductor_of(server: Running, answers: list[bool]) -> tuple[Conductor, list[str]]:
    """Conduct for a system that says when it is idle; returns what it was asked for, too."""
    asked: list[str] = []

    async def idle(headers: dict[str, str]) -> bool:
        asked.append(headers["X-Todoku-Now"])
        return answers.pop(0)

    system = SimpleNamespace(sut=SimpleNamespace(idle="GET /idle"), idle=idle, ended=lambda: "")
    driver = server.server.driver("default")
    return Conductor(server.server, driver, cast("System", system)), asked


def test_a_sleeper_is_told_before_anybody_is_asked_what_is_left_to_do(server: Running) -> None:
    driver, heard = server.server.driver("default"), []
    line = f"GET {CLOCK}/wait?until={START_US + DAY_US} HTTP/1.1\r\nHost: localhost\r\n"
    with socket.create_connection(server.address(control=True)) as client:
        client.sendall(f"{line}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        until_true(lambda: any(sleep.sleepers for sleep in driver._sleeps.values()))

        async def quiet() -> None:
            heard.append(client.recv(65_536, socket.MSG_DONTWAIT))

        driver.quiet = quiet
        assert server.run(driver.advance(START_US + DAY_US)) == 1
    [reply] = heard
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f'"now_us": {START_US + DAY_US}'.encode() in reply


def test_time_stands_until_the_system_says_that_it_is_idle(server: Running) -> None:
    conductor, asked = conductor_of(server, [False, False, True])
    server.run(conductor._quiet())
    assert asked == [str(START_US)] * 3


def test_what_is_sent_while_the_system_is_asked_makes_it_be_asked_again(server: Running) -> None:
    conductor, asked = conductor_of(server, [True, True])
    idle = conductor._system.idle

    async def idle_and_busy(headers: Any) -> bool:
        if not asked:
            await asyncio.get_running_loop().run_in_executor(None, server.accepted)
        return await idle(headers)

    conductor._system.idle = idle_and_busy  # type: ignore[method-assign]
    server.run(conductor._quiet())
    assert len(asked) == 2
    assert conductor.stragglers == 0


def test_what_changes_something_after_its_instant_is_a_straggler(server: Running) -> None:
    conductor, _ = conductor_of(server, [True])
    sid = server.accepted()
    server.run(conductor._quiet())
    assert conductor.stragglers == 0
    server.accepted()
    server.post(f"{CLOCK}/alarms", {"at_us": START_US + DAY_US, "url": "http://127.0.0.1:9000/"})
    reply = {"account": "AC" + "a" * 32, "from": us(0), "to": "+15005550006", "body": "Hello"}
    server.post("/v1/worlds/default/replies", reply)
    assert conductor.stragglers == 3
    assert sid


def test_looking_is_no_activity(server: Running) -> None:
    conductor, _ = conductor_of(server, [True])
    sid = server.accepted()
    server.run(conductor._quiet())
    server.get(CLOCK)
    server.get("/v1/worlds/default/truth")
    server.get(f"/v1/worlds/default/messages/{sid}")
    assert conductor.stragglers == 0
