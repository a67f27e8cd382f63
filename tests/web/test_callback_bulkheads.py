"""Who must not suffer for whom: queues, limits, and calls that are told exactly once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from simulator.core.message import Outcome, OutcomeKind
from simulator.core.wire import HttpCall
from simulator.web import callbacks
from simulator.web.callbacks import Caller
from simulator.web.egress import Allow
from tests.web.receiver import OK, Receiver, calling, hang, outcome, says

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Run = Callable[[Coroutine[Any, Any, None]], None]

ANSWERED = Outcome(OutcomeKind.ANSWERED, 200)
DROPPED = Outcome(OutcomeKind.DROPPED)


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param


def submit(caller: Caller, url: str, times: int, world: str = "w") -> list[Outcome]:
    """Submit some calls at once; return the list that their outcomes will be in."""
    told: list[Outcome] = []
    for _ in range(times):
        caller.submit(world, HttpCall(url, b"a=b"), told.append)
    return told


def test_bad_input_20_a_hanging_receiver_does_not_starve_another(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(hang) as hung, Receiver(says(OK)) as well, calling() as caller:
            stuck = submit(caller, hung.url(), 500)
            for n in range(100):
                assert await outcome(caller, well.url(f"?{n}")) == ANSWERED
            assert stuck == []
            assert caller.outstanding == 500
            hung.released.set()
            await caller.drained()
            assert stuck == [ANSWERED] * 500

    run(scene())


def test_one_world_does_not_starve_another_at_the_same_receiver(run: Run) -> None:
    async def act(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        if b"POST /slow" in receiver.requests[-1]:
            await receiver.released.wait()
        writer.write(OK)

    async def scene() -> None:
        async with Receiver(act) as receiver, calling(concurrency=2) as caller:
            stuck = submit(caller, receiver.url("slow"), 10, world="busy")
            assert await outcome(caller, receiver.url(), world="quiet") == ANSWERED
            assert stuck == []

    run(scene())


def test_attempts_at_one_receiver_are_bounded_and_connections_are_kept(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(says(OK)) as receiver, calling(concurrency=3) as caller:
            told = submit(caller, receiver.url(), 200)
            await caller.drained()
            assert told == [ANSWERED] * 200
            assert receiver.connections == receiver.open_most == 3

    run(scene())


@pytest.mark.parametrize(("host_queue", "queue"), [(2, 1_000), (1_000, 2)])
def test_a_call_beyond_the_queue_is_dropped_and_told_later(
    run: Run, monkeypatch: pytest.MonkeyPatch, host_queue: int, queue: int
) -> None:
    monkeypatch.setattr(callbacks, "HOST_QUEUE_MAX", host_queue)

    async def scene() -> None:
        limits = {"concurrency": 1, "queue_limit": queue}
        async with Receiver(says(OK)) as receiver, calling(**limits) as caller:
            told = submit(caller, receiver.url(), 5)
            assert told == []
            assert caller.outstanding == 5
            await caller.drained()
            assert Counter(told) == {ANSWERED: 3, DROPPED: 2}
            assert caller.outcomes[OutcomeKind.DROPPED] == 2
            assert caller.attempts == 3
            told = submit(caller, receiver.url(), 3)
            await caller.drained()
            assert told == [ANSWERED] * 3

    run(scene())


def test_receivers_at_one_time_are_bounded_and_idle_ones_do_not_count(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "HOSTS_MAX", 1)

    async def scene() -> None:
        async with Receiver(says(OK)) as one, Receiver(says(OK)) as other, calling() as caller:
            first, second = submit(caller, one.url(), 1), submit(caller, other.url(), 1)
            await caller.drained()
            assert (first, second) == ([ANSWERED], [DROPPED])
            assert await outcome(caller, other.url()) == ANSWERED

    run(scene())


def test_urls_remembered_are_bounded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "URLS_MAX", 4)

    async def scene() -> None:
        async with Receiver(says(OK)) as receiver, calling() as caller:
            for n in range(10):
                assert await outcome(caller, receiver.url(f"?{n}")) == ANSWERED
                assert len(caller._receivers) <= 4

    run(scene())


def test_what_is_unfinished_at_the_end_is_told_as_dropped_once(run: Run) -> None:
    async def scene() -> None:
        under_way = asyncio.Barrier(3)

        async def act(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
            await under_way.wait()
            await hang(receiver, writer)

        async with Receiver(act) as receiver, calling(concurrency=2) as caller:
            waiting = submit(caller, receiver.url(), 5)
            await under_way.wait()
            just_now = submit(caller, receiver.url(), 1, world="other")
            await caller.close()
            assert (waiting, just_now) == ([DROPPED] * 5, [DROPPED])
            late = submit(caller, receiver.url(), 1)
            await caller.drained()
            assert late == [DROPPED]

    run(scene())


def test_a_call_before_the_start_is_dropped(run: Run) -> None:
    async def scene() -> None:
        caller = Caller(timeout_s=1, concurrency=1, queue_limit=1, allow=Allow())
        told = submit(caller, "http://127.0.0.1:8000/", 1)
        await caller.drained()
        assert told == [DROPPED]

    run(scene())


def test_a_listener_may_submit_the_next_call(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(says(OK)) as receiver, calling(concurrency=1, queue_limit=1) as caller:
            told: list[Outcome] = []
            call = HttpCall(receiver.url(), b"")

            def again(outcome: Outcome) -> None:
                told.append(outcome)
                if len(told) < 50:
                    caller.submit("w", call, again)

            caller.submit("w", call, again)
            await caller.drained()
            assert told == [ANSWERED] * 50

    run(scene())


def test_a_listener_that_raises_is_reported_and_the_others_are_told(run: Run) -> None:
    async def scene() -> None:
        reported: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(context))

        def fails(_: Outcome) -> None:
            raise ValueError("listener")

        async with Receiver(says(OK)) as receiver, calling(concurrency=1) as caller:
            caller.submit("w", HttpCall(receiver.url(), b""), fails)
            caller.submit("w", HttpCall("file:///", b""), fails)
            told = submit(caller, receiver.url(), 1)
            await caller.drained()
            assert told == [ANSWERED]
            assert [str(context["exception"]) for context in reported] == ["listener"] * 2

    run(scene())
