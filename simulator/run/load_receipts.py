"""When the customer heard what: the real instants of every callback, from a run's folder.

    events.bin (CallbackTried: what, due when)  +  commands.bin, arrivals.bin (when it was settled)

The one rule: the i-th settled attempt of the recording is the i-th attempt of the log; both were
written in one breath, so nothing had to be measured on the hot path for it.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.core import events as ev
from simulator.core.message import FINAL, OutcomeKind
from simulator.engine.log import Settled, events_in, recorded_in
from simulator.errors import ProvesNothing
from simulator.load.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from simulator.load.outcome import Clock
    from simulator.run.load_join import Pair

_EVERY = 100_000  # latencies recorded at once


@dataclass(frozen=True, slots=True)
class Pace:
    """One instant by three clocks of the simulator, and how fast the virtual one runs."""

    epoch_us: int
    mono_us: int
    virtual_us: int
    rate: float

    def epoch_at(self, virtual_us: int) -> float:
        """Return when a virtual instant was, epoch microseconds."""
        return self.epoch_us + (virtual_us - self.virtual_us) / self.rate

    def epoch_of(self, mono_us: int) -> int:
        """Return the epoch of a monotonic instant."""
        return self.epoch_us + mono_us - self.mono_us


@dataclass(slots=True)
class Heard:
    """What came of callbacks, by real time.

    Attributes:
        final: epoch us at which a message's final state was first answered 2xx, by its key.
        acknowledged: from the instant an attempt was due to its 2xx.
        tries, answered: attempts, and how many were answered 2xx.
    """

    final: dict[int, int] = field(default_factory=dict)
    acknowledged: Histogram = field(default_factory=Histogram)
    tries: int = 0
    answered: int = 0


def heard_in(folder: Path, pace: Pace) -> Heard:
    """Read what was told to the customer, and when.

    Raises:
        ProvesNothing: the recording and the log do not belong together.
    """
    found, took_us = Heard(), array("q")
    attempts = _attempts(folder)
    for mono_us in _settled(folder):
        tried = next(attempts, None)
        if tried is None:
            raise ProvesNothing(f"{folder}: the recording has more callbacks than the log")
        if not isinstance(tried, ev.CallbackTried):
            continue  # a forged one: nobody was told anything
        found.tries += 1
        if tried.outcome is not OutcomeKind.ANSWERED or not 200 <= tried.status < 300:
            continue
        found.answered += 1
        at_us = pace.epoch_of(mono_us)
        took_us.append(round(at_us - pace.epoch_at(tried.at_us)))
        if tried.state in FINAL:
            found.final.setdefault(tried.key, at_us)
        if len(took_us) >= _EVERY:
            found.acknowledged.record(took_us)
            took_us = array("q")
    found.acknowledged.record(took_us)
    return found


def _attempts(folder: Path) -> Iterator[ev.Event]:
    with (folder / "events.bin").open("rb") as file:
        for event in events_in(file):
            if isinstance(event, (ev.CallbackTried, ev.ForgeryTried)):
                yield event


def _settled(folder: Path) -> Iterator[int]:
    """Yield the monotonic instant of each settled attempt."""
    arrivals = array("q")
    arrivals.frombytes((folder / "arrivals.bin").read_bytes())
    with (folder / "commands.bin").open("rb") as file:
        for at_us, item in zip(arrivals, recorded_in(file), strict=True):
            if isinstance(item.what, Settled):
                yield at_us


def receipts(
    pairs: Iterable[Pair], heard: Heard, clocks: Sequence[Clock | None], pace: Pace
) -> Histogram:
    """Return from the planned instant of each request to its final receipt, without the warm-up.

    Args:
        pairs: requests and their messages.
        heard: from `heard_in`.
        clocks: of the workers, in the order of their numbers: arrival n is worker n mod N's.
        pace: the simulator's clocks.
    """
    found, took_us = Histogram(), array("q")
    for pair in pairs:
        at_us = heard.final.get(pair.key)
        if at_us is None or pair.warm:
            continue
        clock = clocks[pair.n % len(clocks)] if clocks else None
        took_us.append(round(at_us - in_our_epoch(pair.intended_us, clock, pace)))
    found.record(took_us)
    return found


def offset_us(clock: Clock, pace: Pace) -> float:
    """Return by how much the simulator's epoch is ahead of a worker's."""
    return pace.epoch_at(clock.there_us) - clock.at_us


def in_our_epoch(theirs_us: int, clock: Clock | None, pace: Pace) -> float:
    """Return a worker's instant by the simulator's epoch; an offset inside its doubt is none."""
    if clock is None:
        return theirs_us
    ahead_us = offset_us(clock, pace)
    return theirs_us + (ahead_us if abs(ahead_us) > clock.uncertainty_us else 0.0)
