"""Runs, each a `todoku run` (or `load`) of its own, so many at a time; none outlives us.

A child has a session of its own: an interrupt at the keyboard reaches us alone, and we pass it on,
so that each run still ends its system and writes its partial report. What it says goes to a file
in its folder and is shown whole, when it is over.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from simulator.errors import ExitCode
from simulator.run.suite import GRACE_S, OUTPUT, Ended, Item

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PATIENCE_S = 15.0  # from an interrupt to the next, harder one
_TAIL_BYTES = 65_536
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Children:
    """The processes of a suite.

    Args:
        items: what to run, in order.
        jobs: how many at a time, 1 or more.
        flags: for each of them, such as --sut and --timeout.
        verb: which command each of them is.
        tell: called with each end, in the order of the ends.
    """

    def __init__(
        self,
        items: Sequence[Item],
        jobs: int,
        flags: Sequence[str],
        tell: Callable[[Ended], None],
        verb: str = "run",
    ) -> None:
        self._waiting = deque(items)
        self._jobs, self._flags, self._tell, self._verb = jobs, tuple(flags), tell, verb
        self._running: set[asyncio.subprocess.Process] = set()
        self._ended: dict[Item, Ended] = {}
        self._order = tuple(items)
        self._interrupts = 0

    @property
    def interrupted(self) -> bool:
        """Whether the suite was stopped by hand."""
        return self._interrupts > 0

    async def run(self) -> list[Ended]:
        """Run all of them; return how each ended, in the order of the items."""
        loop = asyncio.get_running_loop()
        heard = [n for n in _SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]  # nohup
        for number in heard:
            loop.add_signal_handler(number, self.interrupt)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._jobs, len(self._order))):
                    group.create_task(self._work())
        finally:
            for process in self._running:
                _signal(process, signal.SIGKILL)
            for number in heard:
                loop.remove_signal_handler(number)
        not_begun = "INTERRUPTED: not begun"
        return [
            self._ended.get(item, Ended(item, ExitCode.INTERRUPTED, not_begun))
            for item in self._order
        ]

    def interrupt(self) -> None:
        """End every child, more firmly each time; begin no further one."""
        self._interrupts += 1
        self._waiting.clear()
        firm = signal.SIGINT if self._interrupts <= 2 else signal.SIGKILL
        for process in self._running:
            _signal(process, firm)

    async def _work(self) -> None:
        while self._waiting:
            item = self._waiting.popleft()
            ended = await self._one(item)
            self._ended[item] = ended
            self._tell(ended)

    async def _one(self, item: Item) -> Ended:
        if item.problem:
            return Ended(item, ExitCode.USAGE, item.problem)
        began = time.monotonic()
        try:
            process = await self._started(item)
        except OSError as error:
            words = f"PROVES NOTHING: the run could not be started: {error}"
            return Ended(item, ExitCode.PROVES_NOTHING, words)
        self._running.add(process)
        if self.interrupted:  # it came while this one was being started
            _signal(process, signal.SIGINT)
        try:
            hung = await self._end_of(process, item.limit_s)
        finally:
            self._running.discard(process)
        code, said = self._verdict(item, process.returncode or 0, hung=hung)
        return Ended(item, code, said, time.monotonic() - began)

    async def _started(self, item: Item) -> asyncio.subprocess.Process:
        """Start one; its own folder is there, without the report of a run before."""
        item.out.mkdir(parents=True, exist_ok=True)
        (item.out / "report.json").unlink(missing_ok=True)
        words = [self._verb, str(item.file), "--out", str(item.out), "--seed", str(item.seed)]
        with (item.out / OUTPUT).open("wb") as output:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "simulator", *words, *self._flags, *item.flags),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )

    async def _end_of(self, process: asyncio.subprocess.Process, limit_s: float) -> bool:
        """Wait for its end; tell whether it had to be ended because it hung."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await process.wait()
            return False
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
            _signal(process, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await process.wait()
                return True
        await process.wait()
        return True

    def _verdict(self, item: Item, code: int, *, hung: bool) -> tuple[ExitCode, str]:
        """Return a child's verdict: its report's, or what can be said without one."""
        if hung:
            limit_s = item.limit_s - GRACE_S
            words = f"the run did not end {GRACE_S:g} s after its timeout ({limit_s:g} s)"
            return ExitCode.PROVES_NOTHING, f"PROVES NOTHING: {words}; it was ended"
        found = _reported(item)
        if found is not None and found[0] == code:
            return ExitCode(code), found[1]
        if code == ExitCode.USAGE:
            return ExitCode.USAGE, "\n".join(tail_of(item)) or "no reason was given"
        if self.interrupted:
            return ExitCode.INTERRUPTED, "INTERRUPTED: before there was anything to report"
        how = f"exit status {code}" if code >= 0 else f"signal {-code}"
        words = f"the run ended without a report ({how}); see {item.out / OUTPUT}"
        return ExitCode.PROVES_NOTHING, f"PROVES NOTHING: {words}"


def tail_of(item: Item) -> list[str]:
    """Return the last lines of what a run said."""
    try:
        with (item.out / OUTPUT).open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


class _Verdict(msgspec.Struct):
    exit_code: int
    words: str


class _Report(msgspec.Struct):
    verdict: _Verdict


def _reported(item: Item) -> tuple[int, str] | None:
    try:
        verdict = msgspec.json.decode((item.out / "report.json").read_bytes(), type=_Report).verdict
    except (OSError, msgspec.MsgspecError):
        return None
    return verdict.exit_code, verdict.words


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(number)
