"""When a system under load is at rest: what the simulator's news say, and what the system does."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from simulator.core.command import Wait
from simulator.engine.world import DEFAULT, Options, World
from simulator.errors import ProvesNothing
from simulator.run.given import Given
from simulator.run.load_idle import at_rest, is_quiet, wakes_s
from simulator.run.sut import System
from simulator.scenario import load_scenario
from simulator.settings import Settings
from simulator.web.server import Server
from tests.run.runs import JAPAN, written
from tests.worlds import START_US

if TYPE_CHECKING:
    from pathlib import Path

S = 1_000_000
QUIET = {
    "accepted": 5,
    "fated": 5,
    "known": 5,
    "unanswered": 0,
    "requests": 0,
    "wakes_s": None,
}


@pytest.mark.parametrize(
    ("news", "quiet"),
    [
        ({}, True),
        ({"known": 4}, False),
        ({"unanswered": 1}, False),
        ({"requests": 1}, False),
        ({"wakes_s": 2.0}, False),  # a second try waits, say: claims would come too early
        ({"wakes_s": 172_800.0}, True),  # a reminder in two days, which will not be
    ],
)
def test_all_is_quiet_when_nothing_is_in_flight_and_nobody_wakes_in_the_drain(
    news: dict[str, Any], quiet: bool
) -> None:
    assert is_quiet({**QUIET, **news}, left_s=5.0) is quiet
    assert not is_quiet({}, left_s=5.0)


def test_the_next_who_wakes_is_so_far_away_in_real_time() -> None:
    server = Server(
        Settings(), lambda name: World(name, Options()), token="t", base_us=START_US, rate=0
    )
    driver = server.driver(DEFAULT)
    assert wakes_s(driver) is None
    for token, at_s in enumerate((90, 30, 60)):
        driver.world.gateway.submit(Wait(START_US + at_s * S, token), START_US)
    assert wakes_s(driver) == 30.0


async def rest(folder: Path, url: str, *, timeout_s: float = 30.0, idle: str | None) -> None:
    """Wait for a system that is there already."""
    path = written(folder, JAPAN, sut={"command": None, "url": url, "idle": idle})
    sut = load_scenario(path).sut
    assert sut is not None
    system = System(sut, Given(*[""] * 7), 0, folder / "sut.log")
    await system.start()
    try:
        await at_rest(system, START_US, timeout_s)
    finally:
        await system.stop()


def told_until_idle(
    folder: Path, answers: list[int], *, timeout_s: float = 30.0, idle: str | None = "GET /idle"
) -> list[str]:
    """Serve a system that gives these answers, the last for ever; return what it was told."""
    told: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        told.append(request.headers["X-Todoku-Now"])
        return web.Response(status=answers.pop(0) if len(answers) > 1 else answers[0])

    async def work() -> None:
        app = web.Application()
        app.router.add_get("/idle", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        try:
            await rest(folder, f"http://{host}:{port}", timeout_s=timeout_s, idle=idle)
        finally:
            await runner.cleanup()

    asyncio.run(work())
    return told


def test_a_busy_system_is_asked_again_until_it_is_idle_and_told_where_the_clock_stands(
    tmp_path: Path,
) -> None:
    assert told_until_idle(tmp_path, [409, 409, 204]) == [str(START_US)] * 3


def test_a_system_that_cannot_say_is_not_asked(tmp_path: Path) -> None:
    assert told_until_idle(tmp_path, [204], idle=None) == []


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([409], "was still busy 0.2 s after the load (GET /idle), so its claims would not be"),
        ([500], "GET /idle (`idle`) answers 204 or 409, not 500"),
    ],
)
def test_the_claims_of_a_system_that_is_not_idle_in_time_prove_nothing(
    tmp_path: Path, answers: list[int], words: str
) -> None:
    with pytest.raises(ProvesNothing) as error:
        told_until_idle(tmp_path, answers, timeout_s=0.2)
    assert words in error.value.reason


def test_a_system_that_answers_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(ProvesNothing, match=r"was still busy 0\.2 s after the load"):
            asyncio.run(rest(tmp_path, url, timeout_s=0.2, idle="GET /idle"))
