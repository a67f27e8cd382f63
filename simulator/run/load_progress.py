"""Progress of a load: a line a second on a terminal, one every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.scenario import Scenario

_TERMINAL_S, _ELSEWHERE_S = 1.0, 10.0


class LoadProgress:
    """Says how far a load has come, on standard error.

    Args:
        scenario: named first.
        terminal: whether a person watches.
        say: prints a line.
    """

    def __init__(
        self, scenario: Scenario, *, terminal: bool, say: Callable[[str], None] | None = None
    ) -> None:
        self._every_s = _TERMINAL_S if terminal else _ELSEWHERE_S
        self._say = say or _print
        self._phase, self._said_at = "", time.monotonic()
        self._say(f"todoku load {scenario.name} (seed {scenario.seed})")

    def step(self, phase: str, done: float, news: Mapping[str, Any]) -> None:
        """Tell the phase, how far it is, and what the simulator last said of itself."""
        now = time.monotonic()
        if phase == self._phase and now - self._said_at < self._every_s:
            return
        self._phase, self._said_at = phase, now
        words = f"{phase:<8} {done:4.0%}"
        if news:
            words += f"  {news['accepted']:,} accepted, {news['callbacks']:,} callbacks"
            words += f", simulator busy {news['busy']:.0%}"
        self._say(words)


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
