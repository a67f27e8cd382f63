"""How a system took its callbacks: how fast it acknowledged, what waited, where its knee is.

The one rule: figures are of attempts that were due in the window that is looked at, counted from
the instant that was *planned*; an attempt that we made late does not make the system look fast.

    due -- lateness --> placed -- waited --> begun -- acknowledge time --> ended
    |     ours: the loop        for a place          the system's own        |
    `--------------------------------- whole --------------------------------'
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from simulator.core.message import OutcomeKind
from simulator.load.knee import Knee, Steps, knee_of, peak

if TYPE_CHECKING:
    from numpy.typing import NDArray

US = 1_000_000
SECONDS_MAX = 100_000  # rows of a timeline

_DROPPED = -OutcomeKind.DROPPED


class Attempts(NamedTuple):
    """Attempts as columns of the same length; instants in microseconds of one clock.

    Attributes:
        how: the status of the answer, or a kind of outcome, negative.
        nth: which attempt at its callback it is, from 0.
    """

    due: NDArray[np.int64]
    placed: NDArray[np.int64]
    begun: NDArray[np.int64]
    ended: NDArray[np.int64]
    how: NDArray[np.int64]
    nth: NDArray[np.int64]


class Spread(msgspec.Struct, frozen=True):
    """Mean and exact quantiles of `n` times, microseconds; all 0 where there is none."""

    n: int = 0
    mean_us: int = 0
    p50_us: int = 0
    p90_us: int = 0
    p99_us: int = 0
    p999_us: int = 0
    max_us: int = 0


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
    """How callbacks were taken that were due in a window.

    Attributes:
        due: how many attempts were planned in it; repeats: of these, not the first attempts.
        attempted: went to a connection, and ended.
        late: were made later than planned by more than was allowed.
        acknowledged: answered 2xx; failed: by how, such as "5xx" or "timed_out".
        dropped: found our own queue full; unanswered: were still open when all was stopped.
        given_up: callbacks without a 2xx for which no attempt is left.
        unkept: attempts beyond what is kept, in none of the figures.
        lateness: from due to placed; waited: from there to sending; ack: from sending to 2xx;
            whole: from due to 2xx.
        backlog_max: the most that were due and not ended; drained_us: from the last planned
            instant to the last end, -1 where some never ended.
        under_way_max: most calls at a time; under_way_limit: our own limit.
    """

    due: int
    repeats: int
    attempted: int
    late: int
    acknowledged: int
    failed: dict[str, int]
    dropped: int
    unanswered: int
    given_up: int
    unkept: int
    lateness: Spread
    waited: Spread
    ack: Spread
    whole: Spread
    backlog_max: int
    drained_us: int
    under_way_max: int
    under_way_limit: int
    knee: Knee
    seconds: tuple[Second, ...]


def callback_side(  # noqa: PLR0913 - what the columns do not hold
    all_of_them: Attempts,
    begin_us: int,
    end_us: int,
    *,
    stopped_us: int,
    under_way_limit: int,
    late_after_us: int = 100_000,
    given_up: int = 0,
    unkept: int = 0,
) -> CallbackSide:
    """Work out what came of the attempts that were due from `begin_us` to `end_us`, excluded.

    Args:
        stopped_us: when all that was open was given up; what ended so from then on never ended.
        under_way_limit: calls under way at one time that we allow.
        late_after_us: how much later than planned one may be made.
        given_up: see `CallbackSide`.
        unkept: see `CallbackSide`.
    """
    inside = (all_of_them.due >= begin_us) & (all_of_them.due < end_us)
    due, placed, begun, ended, how, nth = (column[inside] for column in all_of_them)
    open_ = (how == _DROPPED) & (ended >= stopped_us)
    dropped = (how == _DROPPED) & ~open_
    good = (how >= 200) & (how < 300)
    went = ~open_ & ~dropped
    never = np.iinfo(np.int64).max
    ended = np.where(open_, never, ended)
    begun = np.where(open_, never, begun)
    backlog = Steps.of(due, ended)
    waiting, under_way = Steps.of(placed, begun), Steps.of(begun[went], ended[went])
    return CallbackSide(
        due=int(due.size),
        repeats=int((nth > 0).sum()),
        attempted=int(went.sum()),
        late=int((placed - due > late_after_us).sum()),
        acknowledged=int(good.sum()),
        failed=_failed(how[went & ~good]),
        dropped=int(dropped.sum()),
        unanswered=int(open_.sum()),
        given_up=given_up,
        unkept=unkept,
        lateness=spread(placed - due),
        waited=spread((begun - placed)[went]),
        ack=spread((ended - begun)[good]),
        whole=spread((ended - due)[good]),
        backlog_max=peak(backlog),
        drained_us=_drained_us(due, ended, never),
        under_way_max=peak(under_way),
        under_way_limit=under_way_limit,
        knee=knee_of(
            backlog, waiting, under_way, np.sort(ended[good]), (begin_us, end_us), under_way_limit
        ),
        seconds=_seconds(
            Attempts(due, placed, begun, ended, how, nth), went, good, backlog, begin_us
        ),
    )


def spread(times_us: NDArray[np.int64]) -> Spread:
    """Return exact quantiles: the smallest time within which at least such a share lies."""
    n = int(times_us.size)
    if not n:
        return Spread()
    times = np.sort(times_us)
    places = [max(0, math.ceil(n * q / 1_000) - 1) for q in (500, 900, 990, 999, 1_000)]
    return Spread(n, round(times.mean()), *(int(times[place]) for place in places))


def _drained_us(due: NDArray[np.int64], ended: NDArray[np.int64], never: int) -> int:
    last_us = int(ended.max(initial=0))
    if last_us == never:
        return -1
    return max(0, last_us - int(due.max())) if due.size else 0


def _failed(how: NDArray[np.int64]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value, n in zip(*np.unique(how, return_counts=True), strict=True):
        name = f"{value // 100}xx" if value > 0 else OutcomeKind(-int(value)).name.lower()
        found[name] = found.get(name, 0) + int(n)
    return found


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
    closed = of.ended < np.iinfo(np.int64).max
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
            ack_p99_us=spread(took[order[cuts[i] : cuts[i + 1]]]).p99_us,
        )
        for i in range(n)
    )
