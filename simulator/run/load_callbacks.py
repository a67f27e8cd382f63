"""The callback side of a load: a stopwatch at the edge, and what it says when all is over.

The one rule: while the load runs, nothing is worked out. A window is given in monotonic
microseconds, as the child that serves the world says when it begins.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from simulator.load.callbacks import Attempts, CallbackSide, callback_side
from simulator.web.stopwatch import Stopwatch

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.engine.world import World
    from simulator.scenario import Scenario
    from simulator.web.server import Server

CALLBACKS_FILE = "callbacks.json"


class Watch:
    """Times every callback of a server from now on."""

    def __init__(self, server: Server, world: World) -> None:
        self._server, self._world = server, world
        self._stopwatch = server.caller.stopwatch = Stopwatch()
        self._given_up = self._abandoned()

    def mark(self) -> None:
        """Count what is given up from now on."""
        self._given_up = self._abandoned()

    def side(self, begin_us: int, end_us: int, stopped_us: int, late_us: int) -> CallbackSide:
        """Say how callbacks were taken that were due between two instants.

        Args:
            begin_us: monotonic microseconds, as the other two.
            end_us: excluded.
            stopped_us: when what was still open was given up.
            late_us: how much later than planned one may be made.
        """
        watch = self._stopwatch
        times = (watch.due, watch.placed, watch.begun, watch.ended)
        due, placed, begun, ended = (np.array(each, np.int64) // 1_000 for each in times)
        how, nth = (np.array(each, np.int64) for each in (watch.how, watch.nth))
        return callback_side(
            Attempts(due, placed, begun, ended, how, nth),
            begin_us,
            end_us,
            stopped_us=stopped_us,
            under_way_limit=self._server.caller.concurrency,
            late_after_us=late_us,
            given_up=self._abandoned() - self._given_up,
            unkept=watch.unkept,
        )

    def _abandoned(self) -> int:
        return sum(self._world.metrics.abandoned.values())


def late_after_us(scenario: Scenario) -> int:
    """Return from when on something is late, by the scenario."""
    assert scenario.load is not None
    return scenario.load.late.over_us


def write_side(side: CallbackSide, out: Path) -> None:
    """Write it into a run's folder."""
    data = msgspec.json.format(msgspec.json.encode(side), indent=1)
    (out / CALLBACKS_FILE).write_bytes(data)


def read_side(out: Path) -> CallbackSide | None:
    """Read it from a run's folder; None: there is none."""
    path = out / CALLBACKS_FILE
    return msgspec.json.decode(path.read_bytes(), type=CallbackSide) if path.is_file() else None


def mono_us() -> int:
    """Return the clock that windows are given in."""
    return time.monotonic_ns() // 1_000
