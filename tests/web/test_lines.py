"""The short way of a callback: what HTTP allows, and what ends a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from yarl import URL

from simulator.core.message import Outcome, OutcomeKind
from simulator.web import lines
from simulator.web.lines import Target
from tests.web.receiver import OK, Receiver, calling, hang, outcome, says

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from simulator.web.callbacks import Caller

    Run = Callable[[Coroutine[Any, Any, None]], None]

ANSWERED = Outcome(OutcomeKind.ANSWERED, 200)
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - nobody sends an event
        await asyncio.sleep(0.001)


def at_rest(caller: Caller) -> int:
    return sum(line.open for free in caller._lines._free.values() for line in free)


@pytest.mark.parametrize(
    ("url", "leads"),
    [
        ("http://127.0.0.1:8000/a?b", True),
        ("http://[::1]:8000/", True),
        ("http://10.0.0.7/", True),
        ("http://localhost:8000/", False),
        ("https://127.0.0.1:8443/", False),
    ],
)
def test_only_plain_http_to_an_address_goes_the_short_way(url: str, *, leads: bool) -> None:
    assert (Target.of(URL(url)) is not None) is leads


@pytest.mark.parametrize(
    ("reply", "connections"),
    [
        (OK, 1),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 1),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1),
        (HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
        (OK + OK, 2),  # an answer that nobody asked for
    ],
)
def test_a_connection_is_kept_while_its_answers_are_in_order(
    run: Run, reply: bytes, connections: int
) -> None:
    async def scene() -> None:
        async with Receiver(says(reply)) as receiver, calling() as caller:
            for _ in range(2):
                assert await outcome(caller, receiver.url()) == ANSWERED
            assert receiver.connections == connections

    run(scene())


def test_an_answer_in_pieces_is_read_to_its_end(run: Run) -> None:
    async def act(_: Receiver, writer: asyncio.StreamWriter) -> None:
        for piece in (HEAD[:9], HEAD[9:], b"Connection: close\r\nContent-Length: 4\r\n\r\n", b"ab"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"cd")

    async def scene() -> None:
        async with Receiver(act) as receiver, calling() as caller:
            assert await outcome(caller, receiver.url()) == ANSWERED
            assert await outcome(caller, receiver.url()) == ANSWERED
            assert receiver.connections == 2  # the head has said so, though the body came later

    run(scene())


def test_an_answer_without_a_length_ends_with_its_connection(run: Run) -> None:
    async def scene() -> None:
        act = says(HEAD + b"\r\nall there is", close=True)
        async with Receiver(act) as receiver, calling() as caller:
            assert await outcome(caller, receiver.url()) == ANSWERED

    run(scene())


def test_a_line_at_rest_is_closed_after_a_while(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "KEEPALIVE_S", 0.0)

    async def scene() -> None:
        async with Receiver(says(OK)) as receiver, calling() as caller:
            assert await outcome(caller, receiver.url()) == ANSWERED
            await until(lambda: not receiver.open)
            assert await outcome(caller, receiver.url()) == ANSWERED
            assert receiver.connections == 2

    run(scene())


def test_a_receiver_that_closes_at_rest_costs_no_call(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(says(OK, close=True)) as receiver, calling() as caller:
            for _ in range(5):
                assert await outcome(caller, receiver.url()) == ANSWERED
                await until(lambda: not at_rest(caller))

    run(scene())


def test_closing_drops_what_is_under_way_once(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(hang) as receiver, calling() as caller:
            told = [asyncio.ensure_future(outcome(caller, receiver.url())) for _ in range(3)]
            await until(lambda: len(receiver.requests) == 3)
            await caller.close()
            assert {(await one).kind for one in told} == {OutcomeKind.DROPPED}
            assert caller.outcomes[OutcomeKind.DROPPED] == 3

    run(scene())
