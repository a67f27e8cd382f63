"""The generator's processes: locust, alone or a master with workers; never inside ours.

    workers: 1    one process, headless
    workers: N    a master on a free port of loopback, and N workers that it waits for

The one rule: a process that ends before its time is told at once, and what it said is kept.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from simulator.errors import UsageError
from simulator.load import books
from simulator.run.given import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

FILES = {"gateway": "gateway.py", "system": "system.py", "callbacks": "gateway.py"}
MISSING = "locust is not installed: pip install 'todoku[load]'"
PROCESSES = "processes.json"
MASTER = "master"
BOOKS = books.NAME.format(worker="*")
WORKERS_S = 20  # until all workers have reported to the master
_STOP_S = 8.0
_NEEDED = ("locust", "hdrh")


def needs_locust() -> None:
    """See that the generator is installed; it is looked for, and not imported.

    Raises:
        UsageError: it is not.
    """
    if not all(find_spec(name) for name in _NEEDED):
        raise UsageError(MISSING)


def locust_file(against: str) -> Path:
    """Return the locust file that loads this kind of target."""
    found = find_spec("loadtests")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(next(iter(found.submodule_search_locations))) / FILES[against]


class Generator:
    """Locust, for one load.

    Args:
        against: what is loaded.
        offer: the file of the offer.
        workers: how many processes send.
        out: where their output goes.
    """

    def __init__(self, against: str, offer: Path, workers: int, out: Path) -> None:
        self._file, self._offer = locust_file(against), offer.resolve()
        self._workers, self._out = workers, out
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def start(self) -> None:
        """Start every process, and write down which is which."""
        if self._workers == 1:
            await self._start("worker-0", ["--headless"])
        else:
            await self._start_many()
        pids = {name: process.pid for name, process in self._processes.items()}
        (self._out / PROCESSES).write_bytes(msgspec.json.encode(pids))

    async def _start_many(self) -> None:
        port = str(free_port())
        master = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
        master += ["--expect-workers", str(self._workers)]
        master += ["--expect-workers-max-wait", str(WORKERS_S)]
        await self._start(MASTER, ["--headless", "--master", *master])
        for n in range(self._workers):
            to = ["--worker", "--master-host", "127.0.0.1", "--master-port", port]
            await self._start(f"worker-{n}", to)

    async def _start(self, name: str, words: Sequence[str]) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("LOCUST_", "TODOKU_"))}
        environ["TODOKU_OFFER"] = str(self._offer)
        environ["TODOKU_STARTED_BY"] = str(os.getpid())  # it ends with us, however we end
        environ["PYTHONPATH"] = os.pathsep.join(
            (str(self._file.parent.parent), *filter(None, [environ.get("PYTHONPATH")]))
        )
        with (self._out / f"locust-{name}.log").open("wb") as output:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "locust", "-f", str(self._file), *words),
                *("--offer", str(self._offer), "--loglevel", "WARNING"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=environ,
                start_new_session=True,
                preexec_fn=_hear_interrupts,
            )

    async def wait(self) -> None:
        """Return when the one that writes the outcome has ended."""
        await self._first.wait()

    @property
    def _first(self) -> asyncio.subprocess.Process:
        """The one that writes the outcome."""
        return next(iter(self._processes.values()))

    def lost(self) -> str:
        """Say which processes have been ended by a signal; empty: none."""
        killed = {
            name: signal.Signals(-process.returncode).name
            for name, process in self._processes.items()
            if process.returncode is not None and process.returncode < 0
        }
        first = next(iter(self._processes), "")
        if first in killed:
            who = "master process" if first == MASTER else "only process"
            return (
                f"the load's {who} was killed ({killed[first]}), so nobody has added its numbers "
                f"up; what was sent until then is in {self._out / BOOKS}: run it again"
            )
        said = [f"{name} was ended by {number}" for name, number in killed.items()]
        return f"a worker was lost: {'; '.join(said)}" if said else ""

    @property
    def log(self) -> Path:
        """Return the file where the one that writes the outcome says what it has to say."""
        return self._out / f"locust-{next(iter(self._processes))}.log"

    async def stop(self) -> None:
        """End all: first the one that writes the outcome, which ends its workers, then for sure."""
        everyone = list(self._processes.values())
        await _end(everyone[:1], signal.SIGINT)  # its SIGTERM is deaf until the load is over
        await _end(everyone, signal.SIGTERM)
        await _end(everyone, signal.SIGKILL)

    def kill(self) -> None:
        """Kill whatever still runs; there is no time to ask."""
        for process in self._processes.values():
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()


def _hear_interrupts() -> None:
    """In the child: a job in the background of a shell is born deaf to them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def _end(processes: Sequence[asyncio.subprocess.Process], number: signal.Signals) -> None:
    """Signal those that still run, and give them a moment."""
    running = [process for process in processes if process.returncode is None]
    for process in running:
        with suppress(ProcessLookupError):
            process.send_signal(number)
    if running:
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await asyncio.gather(*(process.wait() for process in running))
