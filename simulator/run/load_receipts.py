"""When the customer heard what: the real instants of every callback, from a run's folder.

    events.bin (CallbackTried: what, due when)  +  commands.bin, arrivals.bin (when it was settled)

The one rule: the i-th settled attempt of the recording is the i-th attempt of the log; both were
written in one breath, so nothing had to be measured on the hot path for it. What was never told is
never left out: it has waited until the end, and is open.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.core import events as ev
from simulator.core.message import FINAL, OutcomeKind
from simulator.engine.log import Settled, events_in, recorded_in
from simulator.errors import ProvesNothing
from simulator.load.spread import Spread, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from simulator.core.message import State
    from simulator.engine.world import World
    from simulator.load.outcome import Clock
    from simulator.run.load_join import Pair

RECEIPT_QUANTILES = ("p50", "p90", "p99", "p999")
OPEN_RECEIPTS = "receipts had not come by the end of the drain"


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
        callback: from the instant a callback was first due to its 2xx; those of the load alone.
        tries, answered: attempts, and how many were answered 2xx; those of a warm-up too.
    """

    final: dict[int, int] = field(default_factory=dict)
    callback: Spread = field(default_factory=Spread)
    tries: int = 0
    answered: int = 0


def heard_in(folder: Path, pace: Pace, since_us: int, over_us: int) -> Heard:
    """Read what was told to the customer, and when.

    Args:
        folder: of the run.
        pace: the simulator's clocks.
        since_us: when the load began, epoch; callbacks first due before are its warm-up's.
        over_us: the end of the drain, epoch.

    Raises:
        ProvesNothing: the recording and the log do not belong together.
    """
    found, took_us = Heard(), array("q")
    failing: dict[tuple[int, State], int] = {}  # since when: the first due, virtual
    attempts = _attempts(folder)
    for mono_us in _settled(folder):
        tried = next(attempts, None)
        if tried is None:
            raise ProvesNothing(f"{folder}: the recording has more callbacks than the log")
        if not isinstance(tried, ev.CallbackTried):
            continue  # a forged one: nobody was told anything
        found.tries += 1
        first_us = failing.get((tried.key, tried.state), tried.at_us) if tried.nth else tried.at_us
        if tried.outcome is not OutcomeKind.ANSWERED or not 200 <= tried.status < 300:
            failing[tried.key, tried.state] = first_us
            continue
        found.answered += 1
        failing.pop((tried.key, tried.state), None)
        at_us, due_us = pace.epoch_of(mono_us), pace.epoch_at(first_us)
        if due_us >= since_us:
            took_us.append(round(at_us - due_us))
        if tried.state in FINAL:
            found.final.setdefault(tried.key, at_us)
    due = (pace.epoch_at(us) for us in failing.values())
    waited = [max(0, round(over_us - us)) for us in due if us >= since_us]
    found.callback = spread(np.array(took_us, np.int64), np.array(waited, np.int64))
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


def receipts(  # noqa: PLR0913, PLR0917 - two books, and the clocks between them
    pairs: Iterable[Pair],
    heard: Heard,
    clocks: Sequence[Clock | None],
    pace: Pace,
    over_us: int,
    wanted: Callable[[int], bool],
) -> Spread:
    """Return from the planned instant of each request to its final receipt, without the warm-up.

    Args:
        pairs: requests and their messages; one whose receipt has not come is open.
        heard: from `heard_in`.
        clocks: of the workers, in the order of their numbers: arrival n is worker n mod N's.
        pace: the simulator's clocks.
        over_us: the end of the drain, epoch.
        wanted: tells by its key whether a message was to have a receipt.
    """
    took_us, waited_us = array("q"), array("q")
    for pair in pairs:
        at_us = heard.final.get(pair.key)
        if pair.warm or (at_us is None and not wanted(pair.key)):
            continue
        clock = clocks[pair.n % len(clocks)] if clocks else None
        since_us = in_our_epoch(pair.intended_us, clock, pace)
        if at_us is None:
            waited_us.append(max(0, round(over_us - since_us)))
        else:
            took_us.append(max(0, round(at_us - since_us)))
    return spread(np.array(took_us, np.int64), np.array(waited_us, np.int64))


def wants_receipt(world: World) -> Callable[[int], bool]:
    """Return what tells whether the customer is to be told of a message's end, by its key."""
    final = sum(1 << state for state in FINAL)

    def wanted(key: int) -> bool:
        message = world.store.get(key)
        return message is None or bool(message.notify & final)  # None: pruned

    return wanted


def offset_us(clock: Clock, pace: Pace) -> float:
    """Return by how much the simulator's epoch is ahead of a worker's."""
    return pace.epoch_at(clock.there_us) - clock.at_us


def in_our_epoch(theirs_us: int, clock: Clock | None, pace: Pace) -> float:
    """Return a worker's instant by the simulator's epoch; an offset inside its doubt is none."""
    if clock is None:
        return theirs_us
    ahead_us = offset_us(clock, pace)
    return theirs_us + (ahead_us if abs(ahead_us) > clock.uncertainty_us else 0.0)
