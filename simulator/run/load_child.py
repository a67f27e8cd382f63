"""A process of ours that speaks in lines of JSON: our side of it, and its own.

    us: Child -- {"do": "begin"} --> stdin      child: serve_lines
              <-- {"news": ...} -- stdout

The one rule: a child lives as long as its input is open, so it ends with us, however we end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.errors import ProvesNothing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    Handler = Callable[[], Awaitable[Mapping[str, Any]]]

READY_S = 30.0
_STOP_S = 5.0
_LINE_BYTES_MAX = 1 << 24
_TAIL_BYTES = 4_096


class Child:
    """A module of ours in a process of its own.

    Args:
        what: what it is, for people: "the simulator".
        log: where what it says in words goes.

    Attributes:
        news: the latest line that answers nothing.
    """

    def __init__(self, what: str, log: Path) -> None:
        self.what, self.log = what, log
        self.news: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def start(self, module: str, *arguments: str) -> dict[str, Any]:
        """Start it; return what it says when it is ready.

        Raises:
            ProvesNothing: it is not ready in time.
        """
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", module, *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LINE_BYTES_MAX,
                start_new_session=True,  # an interrupt at the keyboard is ours to pass on
            )
        ready = self._expect("ready")
        self._reader = asyncio.create_task(self._read())
        return await self._answer(ready, READY_S)

    async def ask(self, what: str, within_s: float) -> dict[str, Any]:
        """Have it do something; return what it answers.

        Raises:
            ProvesNothing: it has ended, or does not answer in time.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        answer = self._expect(what)
        with suppress(OSError):
            self._process.stdin.write(msgspec.json.encode({"do": what}) + b"\n")
            await self._process.stdin.drain()
        return await self._answer(answer, within_s)

    def ended(self) -> str:
        """Say how it ended by itself; empty while it runs."""
        code = None if self._process is None else self._process.returncode
        if code is None:
            return ""
        how = f"exit status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        said = self._last_line()
        return f"{self.what} ended by itself ({how})" + (f": {said}" if said else "")

    async def stop(self) -> None:
        """End it: its input is closed, and if that is not enough, it is killed."""
        process = self._process
        if process is None:
            return
        try:
            if process.stdin is not None:
                process.stdin.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            if self._reader is not None:
                self._reader.cancel()

    def _expect(self, what: str) -> asyncio.Future[dict[str, Any]]:
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[what] = future
        return future

    async def _answer(
        self, future: asyncio.Future[dict[str, Any]], within_s: float
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(within_s):
                return await future
        except TimeoutError:
            words = f"{self.what} did not answer within {within_s:g} s of real time"
            raise ProvesNothing(words) from None

    async def _read(self) -> None:
        """Read its lines until it ends; then nobody is left waiting."""
        assert self._process is not None
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            found = msgspec.json.decode(line, type=dict[str, Any])
            waiting = self._answers.pop(str(found.get("to", "")), None)
            if waiting is None:
                self.news = found
            elif not waiting.done():
                waiting.set_result(found)
        await self._process.wait()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ProvesNothing(self.ended()))

    def _last_line(self) -> str:
        with suppress(OSError):
            lines = self.log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""


async def serve_lines(
    ready: Mapping[str, Any],
    handlers: Mapping[str, Handler],
    news: Callable[[], Mapping[str, Any]],
    every_s: float = 1.0,
) -> None:
    """In the child: say that we are ready, then the news, and do what is asked, until input ends.

    Args:
        ready: said first.
        handlers: what can be asked, by name.
        news: what there is to say every `every_s` seconds.
    """
    loop = asyncio.get_running_loop()
    asked: asyncio.Queue[str | None] = asyncio.Queue()
    rest = bytearray()

    def come() -> None:
        data = os.read(0, 4096)
        rest.extend(data)
        while (end := rest.find(b"\n")) >= 0:
            asked.put_nowait(msgspec.json.decode(bytes(rest[:end]), type=dict[str, str])["do"])
            del rest[: end + 1]
        if not data:
            loop.remove_reader(0)
            asked.put_nowait(None)

    loop.add_reader(0, come)
    _say({"to": "ready", **ready})
    due = loop.time() + every_s
    while True:
        try:
            async with asyncio.timeout_at(due):
                what = await asked.get()
        except TimeoutError:
            _say(news())
            due = max(due + every_s, loop.time())
            continue
        if what is None:
            return
        _say({"to": what, **await handlers[what]()})


def _say(words: Mapping[str, Any]) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(msgspec.json.encode(words) + b"\n")
        sys.stdout.buffer.flush()
