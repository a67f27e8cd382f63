r"""A process of our own: one JSON line when it is ready, and one for each line it is asked.

The one rule: a child lives as long as its input is open. So it ends with its parent, however that
ends.

    parent: Child ── "\n" ──▶ stdin     child: answer
                  ◀─ JSON ── stdout
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE = Path(__file__).resolve().parent
_READY_S = 600.0  # a million messages may have to be lived first
_ANSWER_S = 30.0
_END_S = 10.0


class Child:
    """A script of this folder in a process of its own; use it in a `with`.

    Args:
        script: its file name.
        arguments: names become flags.
        core: the only one that it may use.
    """

    def __init__(self, script: str, *, core: int, **arguments: object) -> None:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in arguments.items()]
        self._process = subprocess.Popen(
            [sys.executable, str(_HERE / script), *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._name = script
        os.sched_setaffinity(self._process.pid, {core})
        self.ready: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self.ready = self._line(_READY_S)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def ask(self) -> dict[str, Any]:
        """Return its counters."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._line(_ANSWER_S)

    def cpu_seconds(self) -> float:
        """Return the processor time it has used, from /proc; it counts in hundredths."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _line(self, within_s: float) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        if select.select([stdout], [], [], within_s)[0] and (line := stdout.readline()):
            found: dict[str, Any] = json.loads(line)
            return found
        raise SystemExit(f"{self._name} said nothing within {within_s:g} s, or has ended")

    def _end(self) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.close()
            process.wait(_END_S)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


async def answer(ready: dict[str, Any], counters: Callable[[], dict[str, Any]]) -> None:
    """In the child: say that we are ready, then our counters when asked, until input ends."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def asked() -> None:
        data = os.read(0, 4096)
        for _ in range(data.count(b"\n")):
            print(json.dumps({**counters(), "mono_ns": time.monotonic_ns()}), flush=True)
        if not data:
            loop.remove_reader(0)
            ended.set()

    loop.add_reader(0, asked)
    print(json.dumps(ready), flush=True)
    await ended.wait()
