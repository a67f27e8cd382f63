"""Attempts at callbacks, taken together by the callback that they were made for.

    attempt 0: 503    attempt 1: 503        attempt 2: 200
    due ------------------ whole -----------------> acknowledged

The one rule: a callback is counted once, from the instant at which it was first due, however often
it was tried and whoever tried again. One without a 2xx is given up, or open: then it takes longer
than all that were acknowledged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from simulator.core.message import OutcomeKind
from simulator.load.achieved import achieved
from simulator.load.spread import Spread, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

DROPPED = -OutcomeKind.DROPPED
UNANSWERED = "unanswered"  # how an attempt ended that was open to the last
NEVER = int(np.iinfo(np.int64).max)


class Attempts(NamedTuple):
    """Attempts as columns of the same length; instants in microseconds of one clock.

    Attributes:
        how: the status of the answer, or a kind of outcome, negative.
        nth: which attempt at its callback it is, from 0.
        key: of its callback.
    """

    due: NDArray[np.int64]
    placed: NDArray[np.int64]
    begun: NDArray[np.int64]
    ended: NDArray[np.int64]
    how: NDArray[np.int64]
    nth: NDArray[np.int64]
    key: NDArray[np.uint64]


class Window(NamedTuple):
    """What is looked at; instants in microseconds of the attempts' clock.

    Attributes:
        begin_us, end_us: what was first due from the one to the other, excluded.
        over_us: the end of the drain: nothing new was tried from then on.
        stopped_us: when all that was open was given up; what ended so from then on never ended.
        late_after_us: how much later than planned something may be made.
        keys: callbacks that are looked at; None: all of the window.
        pending: callbacks that wait for another attempt.
    """

    begin_us: int
    end_us: int
    over_us: int
    stopped_us: int
    late_after_us: int = 100_000
    keys: NDArray[np.uint64] | None = None
    pending: NDArray[np.uint64] = np.zeros(0, np.uint64)


class Callbacks(msgspec.Struct, frozen=True):
    """What came of the callbacks that were first due in a window.

    Attributes:
        due: how many; others: were due beside them, and are not looked at.
        started: went to a connection, once or more; late: of these, made later than planned.
        dropped: found our own queue full and never went.
        acknowledged: were answered 2xx in the end; repeated: needed more than one attempt.
        failed: started, and not acknowledged: by how the last attempt ended, or "unanswered".
        given_up: without a 2xx, and no attempt is left; open: neither of these.
        whole: from first due to 2xx; what was not acknowledged is open in it.
        drained_us: from the last planned instant to the last that was acknowledged or given up,
            -1 where one is open.
        sent_per_s: first attempts a second (`achieved`), a fraction; empty: it had no length.
    """

    due: int
    others: int
    started: int
    late: int
    dropped: int
    acknowledged: int
    repeated: int
    failed: dict[str, int]
    given_up: int
    open: int
    whole: Spread
    drained_us: int
    sent_per_s: str


class Grouped(NamedTuple):
    """The callbacks of attempts.

    Attributes:
        keys: of each callback, sorted; of: the place among them of each attempt's.
        first, last: the place of the first and the last attempt of each.
    """

    keys: NDArray[np.uint64]
    of: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def grouped(attempts: Attempts) -> Grouped:
    """Find the callback of each attempt."""
    keys, of = np.unique(attempts.key, return_inverse=True)
    of = of.astype(np.int64).reshape(-1)
    order = np.lexsort((attempts.ended, attempts.due, of))
    first = np.searchsorted(of[order], np.arange(keys.size))
    last = np.append(first[1:], of.size) - 1 if keys.size else first
    return Grouped(keys, of, order[first], order[last])


def by_callback(attempts: Attempts, by: Grouped, window: Window) -> Callbacks:
    """Work out what came of the callbacks of a window."""
    due, placed, begun, ended, how, nth, _ = attempts
    first_us = due[by.first]
    inside = (first_us >= window.begin_us) & (first_us < window.end_us)
    ours = inside if window.keys is None else inside & np.isin(by.keys, window.keys)
    unended = (how == DROPPED) & (ended >= window.stopped_us)
    sent_us = _least(by, begun, (unended & (begun < window.stopped_us)) | (how != DROPPED))
    good_us = _least(by, ended, (how >= 200) & (how < 300))
    good, went = ours & (good_us < NEVER), ours & (sent_us < NEVER)
    waits = np.isin(by.keys, window.pending)
    waits[by.of[unended]] = True
    open_, given_up = ours & ~good & waits, ours & ~good & ~waits
    over_us = np.where(good, good_us, ended[by.last])
    bad, left = went & ~good & ~unended[by.last], went & ~good & unended[by.last]
    failed = {**named(how[by.last[bad]]), UNANSWERED: int(left.sum())}
    rate = achieved(sent_us[went] - window.begin_us, window.end_us - window.begin_us)
    drained_us = -1
    if not open_.any():
        drained_us = max(0, int(over_us[ours].max(initial=0)) - int(first_us[ours].max(initial=0)))
    return Callbacks(
        due=int(ours.sum()),
        others=int((inside & ~ours).sum()),
        started=int(went.sum()),
        late=int((went & (placed[by.first] - first_us > window.late_after_us)).sum()),
        dropped=int((ours & ~went & ~unended[by.last]).sum()),
        acknowledged=int(good.sum()),
        repeated=int((good & (nth[by.last] > 0)).sum()),
        failed={name: n for name, n in failed.items() if n},
        given_up=int(given_up.sum()),
        open=int(open_.sum()),
        whole=spread(
            (good_us - first_us)[good],
            np.maximum(0, window.over_us - first_us[ours & ~good]),
        ),
        drained_us=drained_us,
        sent_per_s="" if rate is None else str(rate),
    )


def named(how: NDArray[np.int64]) -> dict[str, int]:
    """Count attempts by how they ended, such as "5xx" or "timed_out"."""
    found: dict[str, int] = {}
    for value, n in zip(*np.unique(how, return_counts=True), strict=True):
        name = f"{value // 100}xx" if value > 0 else OutcomeKind(-int(value)).name.lower()
        found[name] = found.get(name, 0) + int(n)
    return found


def _least(by: Grouped, times_us: NDArray[np.int64], which: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the earliest instant of some attempts for each callback; NEVER where none is."""
    found = np.full(by.keys.size, NEVER, np.int64)
    np.minimum.at(found, by.of[which], times_us[which])
    return found
