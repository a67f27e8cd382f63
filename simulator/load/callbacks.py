"""How a system took its callbacks: how fast it acknowledged, what waited, where its knee is.

The one rule: figures are of attempts that were due in the window that is looked at, or made again
for a callback that was, and counted from the instant that was *planned*; an attempt that we made
late does not make the system look fast. What is of whole callbacks is in `by_callback.py`.

    due -- lateness --> placed -- waited --> begun -- acknowledge time --> ended
         ours: the loop        for a place          the system's own
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from simulator.load.by_callback import (
    DROPPED,
    NEVER,
    Attempts,
    Callbacks,
    Window,
    by_callback,
    grouped,
    named,
)
from simulator.load.knee import Knee, Steps, knee_of, peak
from simulator.load.spread import Spread, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

US = 1_000_000
SECONDS_MAX = 100_000  # rows of a timeline


class Second(msgspec.Struct, frozen=True):
    """One second of the timeline.

    Attributes:
        at_s: from the window's begin; due, attempted, acknowledged, failed: in this second.
        backlog: due and not ended at its end.
        late_max_us: of what was due; ack_p99_us: of what was acknowledged.
    """

    at_s: int
    due: int
    attempted: int
    acknowledged: int
    failed: int
    backlog: int
    late_max_us: int
    ack_p99_us: int


class CallbackSide(msgspec.Struct, frozen=True):
    """How callbacks were taken that were due in a window, repeats included.

    Attributes:
        callbacks: of the callbacks themselves; all else is of attempts.
        due: how many attempts were planned in it; repeats: of these, not the first attempts.
        attempted: went to a connection, and ended.
        late: were made later than planned by more than was allowed.
        acknowledged: answered 2xx; failed: by how, such as "5xx" or "timed_out".
        dropped: found our own queue full; unanswered: were still open when all was stopped.
        unkept: attempts beyond what is kept, in none of the figures.
        lateness: from due to placed; waited: from there to sending; ack: from sending to 2xx.
        backlog_max: the most that were due and not ended.
        under_way_max: most calls at a time; under_way_limit: our own limit.
    """

    callbacks: Callbacks
    due: int
    repeats: int
    attempted: int
    late: int
    acknowledged: int
    failed: dict[str, int]
    dropped: int
    unanswered: int
    unkept: int
    lateness: Spread
    waited: Spread
    ack: Spread
    backlog_max: int
    under_way_max: int
    under_way_limit: int
    knee: Knee
    seconds: tuple[Second, ...]


def callback_side(
    all_of_them: Attempts, window: Window, *, under_way_limit: int, unkept: int = 0
) -> CallbackSide:
    """Work out what came of the attempts of a window.

    Args:
        all_of_them: every attempt that was kept.
        window: what is looked at.
        under_way_limit: calls under way at one time that we allow.
        unkept: see `CallbackSide`.
    """
    begin_us, end_us = window.begin_us, window.end_us
    by = grouped(all_of_them)
    first_due = all_of_them.due[by.first][by.of]
    inside = (all_of_them.due >= begin_us) & (all_of_them.due < end_us)
    inside |= (first_due >= begin_us) & (first_due < end_us)
    due, placed, begun, ended, how, nth = (column[inside] for column in all_of_them[:6])
    key = all_of_them.key[inside]
    open_ = (how == DROPPED) & (ended >= window.stopped_us)
    dropped = (how == DROPPED) & ~open_
    good = (how >= 200) & (how < 300)
    went = ~open_ & ~dropped
    ended = np.where(open_, NEVER, ended)
    begun = np.where(open_, NEVER, begun)
    backlog = Steps.of(due, ended)
    waiting, under_way = Steps.of(placed, begun), Steps.of(begun[went], ended[went])
    return CallbackSide(
        callbacks=by_callback(all_of_them, by, window),
        due=int(due.size),
        repeats=int((nth > 0).sum()),
        attempted=int(went.sum()),
        late=int((placed - due > window.late_after_us).sum()),
        acknowledged=int(good.sum()),
        failed=named(how[went & ~good]),
        dropped=int(dropped.sum()),
        unanswered=int(open_.sum()),
        unkept=unkept,
        lateness=spread(placed - due),
        waited=spread((begun - placed)[went]),
        ack=spread((ended - begun)[good]),
        backlog_max=peak(backlog),
        under_way_max=peak(under_way),
        under_way_limit=under_way_limit,
        knee=knee_of(
            backlog, waiting, under_way, np.sort(ended[good]), (begin_us, end_us), under_way_limit
        ),
        seconds=_seconds(
            Attempts(due, placed, begun, ended, how, nth, key), went, good, backlog, begin_us
        ),
    )


def _seconds(
    of: Attempts,
    went: NDArray[np.bool_],
    good: NDArray[np.bool_],
    backlog: Steps,
    begin_us: int,
) -> tuple[Second, ...]:
    """Return the timeline, from the window's begin to the last end."""
    if not of.due.size:
        return ()
    closed = of.ended < NEVER
    last_us = max(int(of.due.max()), int(of.ended[closed].max(initial=begin_us)))
    n = min((last_us - begin_us) // US + 1, SECONDS_MAX)
    edges = begin_us + np.arange(n + 1) * US
    due, begun, acked, failed = (
        np.histogram(column, edges)[0]
        for column in (
            *(of.due, of.begun[went], of.ended[good]),
            of.ended[went & ~good],
        )
    )
    late = np.zeros(n, np.int64)
    np.maximum.at(late, np.clip((of.due - begin_us) // US, 0, n - 1), of.placed - of.due)
    ends, took = of.ended[good], (of.ended - of.begun)[good]
    order = np.argsort(ends)
    cuts = np.searchsorted(ends[order], edges)
    standing = backlog.open_at(edges[1:])
    return tuple(
        Second(
            at_s=i,
            due=int(due[i]),
            attempted=int(begun[i]),
            acknowledged=int(acked[i]),
            failed=int(failed[i]),
            backlog=int(standing[i]),
            late_max_us=int(late[i]),
            ack_p99_us=spread(took[order[cuts[i] : cuts[i + 1]]]).p99_us or 0,
        )
        for i in range(n)
    )
