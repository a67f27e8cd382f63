"""The callback side of a load: a stopwatch at the edge, and what it says when all is over.

The one rule: while the load runs, nothing is worked out. A window is given in monotonic
microseconds, as the child that serves the world says when it begins.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from simulator.core.chance import key_of
from simulator.core.message import FINAL, Call
from simulator.errors import ProvesNothing
from simulator.load import outcome as outcomes
from simulator.load.by_callback import Attempts, Window
from simulator.load.callbacks import CallbackSide, callback_side
from simulator.web.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from simulator.engine.ruling import Waiting
    from simulator.engine.world import World
    from simulator.scenario import Scenario
    from simulator.web.server import Server

CALLBACKS_FILE = "callbacks.json"
OUTCOME = "outcome.json"  # of the generator


class Watch:
    """Times every callback of a server from now on."""

    def __init__(self, server: Server, world: World) -> None:
        self._server, self._world = server, world
        self._stopwatch = server.caller.stopwatch = Stopwatch()

    def side(self, window: Window) -> CallbackSide:
        """Say how callbacks were taken; all is stopped by now, and what is left is pending."""
        watch = self._stopwatch
        times = (watch.due, watch.placed, watch.begun, watch.ended)
        due, placed, begun, ended = (np.array(each, np.int64) // 1_000 for each in times)
        how, nth = (np.array(each, np.int64) for each in (watch.how, watch.nth))
        left = self._world.gateway.agenda.data()
        waiting = [each.key for each in left if isinstance(each, Call)]
        return callback_side(
            Attempts(due, placed, begun, ended, how, nth, np.array(watch.key, np.uint64)),
            window._replace(pending=np.array(waiting, np.uint64)),
            under_way_limit=self._server.caller.concurrency,
            unkept=watch.unkept,
        )


def keys_of(released: Iterable[Waiting]) -> NDArray[np.uint64]:
    """Return the keys of the callbacks that what was held becomes: receipts, and calls."""
    found = [
        key
        for held in released
        for key in (
            [key_of("callback", held.key, state) for state in FINAL]
            if held.call is None
            else [held.call.key]
        )
    ]
    return np.array(found, np.uint64)


def load_began_us(out: Path, epoch_us: int, mono_us: int) -> int:
    """Return when the load itself began, after its warm-up; never known: when all began.

    Args:
        out: the run's folder, where the generator has left its outcome.
        epoch_us: when all began.
        mono_us: the same, by the clock that the answer is by.
    """
    try:
        began_us = outcomes.read(out / OUTCOME).started_at_us
    except ProvesNothing:
        return mono_us
    return mono_us + max(0, began_us - epoch_us)


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
