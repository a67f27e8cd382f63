"""How busy the simulator's own event loop is: one that is out of breath measures nothing.

    running + waiting for a core, of the loop's thread   (Linux: schedstat; elsewhere: its CPU time)

The one rule: waiting for a core counts as busy. A loop that had something to do and was not let has
been late with it, whatever the CPU time says.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BUSY_MAX = 0.80  # share of the window
WINDOW_NS = 5_000_000_000
SAMPLE_S = 0.25
SAMPLES_MAX = 400_000  # more than a day of them


class Sample(NamedTuple):
    """At an instant, how long the loop has been busy in all; both in nanoseconds."""

    at_ns: int
    busy_ns: int


class Meter:
    """Samples of one thread; made in that thread."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._read = _reader()

    def take(self) -> None:
        """Take a sample now."""
        if len(self.samples) < SAMPLES_MAX:
            self.samples.append(Sample(time.monotonic_ns(), self._read()))

    def latest(self, window_ns: int = WINDOW_NS) -> float:
        """Return the share of the last window."""
        if len(self.samples) < 2:
            return 0.0
        last = self.samples[-1]
        recent = next(
            (s for s in reversed(self.samples) if last.at_ns - s.at_ns >= window_ns),
            self.samples[0],
        )
        return share(recent, last)


def share(first: Sample, last: Sample) -> float:
    """Return how much of the time between two samples was busy."""
    passed_ns = last.at_ns - first.at_ns
    return (last.busy_ns - first.busy_ns) / passed_ns if passed_ns > 0 else 0.0


def busiest(samples: Sequence[Sample], window_ns: int = WINDOW_NS) -> float:
    """Return the highest share of any window; of the whole, where that is shorter than one.

    Args:
        samples: in the order of time.
        window_ns: each window is the shortest between two samples that is not shorter than this.
    """
    if len(samples) < 2:
        return 0.0
    if samples[-1].at_ns - samples[0].at_ns < window_ns:
        return share(samples[0], samples[-1])
    most, first = 0.0, 0
    for last, sample in enumerate(samples):
        while first < last and sample.at_ns - samples[first + 1].at_ns >= window_ns:
            first += 1
        if sample.at_ns - samples[first].at_ns >= window_ns:
            most = max(most, share(samples[first], sample))
    return most


def _reader() -> Callable[[], int]:
    """Return what reads how long this thread has run, or wanted to, in nanoseconds."""
    file = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")

    def scheduled() -> int:
        ran, waited = file.read_bytes().split()[:2]
        return int(ran) + int(waited)

    try:
        found = scheduled()
    except (OSError, ValueError):
        found = 0
    return scheduled if found else time.thread_time_ns
