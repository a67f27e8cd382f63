"""Progress of a run: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from types import TracebackType

    from simulator.engine.world import World
    from simulator.scenario import Scenario

_LINE_EVERY_S = 10.0


class Progress:
    """Shows how far a run has come in virtual time, on standard error."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._from_us: int | None = None
        self._said_at = time.monotonic()
        console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[at]}  {task.fields[sent]} accepted"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._terminal = console.is_terminal
        self._task = self._bar.add_task(scenario.name, total=1.0, at="", sent=0)

    def __enter__(self) -> Self:
        print(f"todoku run {self._scenario.name} (seed {self._scenario.seed})", file=sys.stderr)
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def step(self, now_us: int, world: World) -> None:
        """Tell that virtual time has come to `now_us`."""
        if self._from_us is None:
            self._from_us = now_us
        done = (now_us - self._from_us) / self._scenario.time.until_us
        at = f"{datetime.fromtimestamp(now_us / 1e6, UTC):%Y-%m-%d %H:%M}Z"
        accepted = sum(t.accepted for t in world.truth.tallies.values())
        self._bar.update(self._task, completed=done, at=at, sent=accepted)
        if not self._terminal and time.monotonic() - self._said_at >= _LINE_EVERY_S:
            self._said_at = time.monotonic()
            print(f"{at}  {done:.0%}  {accepted} accepted", file=sys.stderr, flush=True)
