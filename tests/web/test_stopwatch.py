"""What the stopwatch keeps of attempts at callbacks: the planned instant, begin, end, and how."""

from __future__ import annotations

import asyncio
import time

from simulator.core.message import Outcome, OutcomeKind
from simulator.core.wire import HttpCall
from simulator.web.stopwatch import Stopwatch, Timed
from tests.web.receiver import OK, Receiver, calling, hang, says

DROPPED = -OutcomeKind.DROPPED
AT = Timed(1, 1, 0, 7)


def test_each_attempt_is_kept_with_its_planned_instant_and_how_it_ended() -> None:
    async def scene() -> None:
        async with Receiver(says(OK)) as receiver, calling(concurrency=1) as caller:
            watch = caller.stopwatch = Stopwatch()
            due_ns = time.monotonic_ns() - 1_000_000_000
            told: list[Outcome] = []
            for n in range(3):  # the short way, and by name through aiohttp's client
                host = "localhost" if n == 1 else "127.0.0.1"
                call = HttpCall(receiver.url(host=host), b"a=b")
                caller.submit("w", call, told.append, Timed(due_ns, due_ns + 5, n, 2**64 - 1))
            await caller.drained()
            assert list(watch.due) == [due_ns] * 3
            assert list(watch.placed) == [due_ns + 5] * 3
            assert sorted(watch.nth) == [0, 1, 2]
            assert list(watch.key) == [2**64 - 1] * 3
            assert list(watch.how) == [200] * 3
            assert all(b - d >= 999_000_000 for d, b in zip(watch.due, watch.begun, strict=True))
            assert all(b <= e for b, e in zip(watch.begun, watch.ended, strict=True))
            assert sum(caller.took.counts) == 3

    asyncio.run(scene())


def test_what_finds_no_room_is_kept_as_dropped_and_took_no_time() -> None:
    async def scene() -> None:
        async with Receiver(hang) as receiver:
            async with calling(concurrency=1, queue_limit=1) as caller:
                watch = caller.stopwatch = Stopwatch()
                for _ in range(3):
                    caller.submit("w", HttpCall(receiver.url(), b""), lambda _: None, AT)
                assert list(watch.how) == [DROPPED]
            assert list(watch.how) == [DROPPED] * 3  # what was open when it was closed
            assert sum(caller.took.counts) == 0

    asyncio.run(scene())


def test_what_has_no_planned_instant_is_not_kept() -> None:
    async def scene() -> None:
        async with Receiver(says(OK)) as receiver, calling() as caller:
            watch = caller.stopwatch = Stopwatch()
            caller.submit("w", HttpCall(receiver.url(), b""), lambda _: None)
            await caller.drained()
            assert len(watch.due) == 0
            assert sum(caller.took.counts) == 1

    asyncio.run(scene())


def test_it_keeps_so_many_and_counts_the_rest() -> None:
    watch = Stopwatch(limit=2)
    for n in range(5):
        watch.note(Timed(n, n, 0, n), n, n, Outcome(OutcomeKind.TIMED_OUT))
    assert list(watch.due) == [0, 1]
    assert list(watch.how) == [-OutcomeKind.TIMED_OUT] * 2
    assert watch.unkept == 3
