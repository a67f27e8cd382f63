"""Parts added up to an outcome, and what the outcome proves.

The one rule: whatever makes a number untrue is said beside it. A load that lost a worker, sent
nothing, came late or dropped arrivals beyond its budget, or was too busy itself, proves nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from simulator.load.histogram import Histogram
from simulator.load.outcome import (
    REFUSED,
    Counts,
    Health,
    Latency,
    Outcome,
    Part,
    Second,
    Tick,
    Worker,
)
from simulator.load.shape import US

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from simulator.load.offer import Offer

SATURATED_CPU, SATURATED_S = 0.95, 5  # a core, over so many seconds on end
_PERCENT = 100


def newest(known: Part | None, news: Part) -> Part:
    """Return what is known of a worker after one more report of it, in whatever order they come."""
    if known is None:
        return news
    old, new = (known, news) if news.seq >= known.seq else (news, known)
    ticks: dict[int, Tick] = {}
    for tick in (*old.ticks, *new.ticks):
        seen = ticks.get(tick.second)
        if seen is None or _weight(tick) >= _weight(seen):
            ticks[tick.second] = tick
    health = {each.second: each for part in (old, new) for each in part.health}
    return msgspec.structs.replace(
        new,
        ticks=tuple(ticks[second] for second in sorted(ticks)),
        health=tuple(health[second] for second in sorted(health)),
        clock=new.clock or old.clock,
    )


class End(NamedTuple):
    """How and when a load ended: epoch us by the master's clock; names of the workers it lost."""

    ended: Literal["finished", "stopped", "lost"]
    started_at_us: int
    ended_at_us: int
    lost: tuple[str, ...] = ()


def merge(offer: Offer, parts: Iterable[Part], end: End) -> Outcome:
    """Add the workers' parts up, and say what they prove.

    Args:
        offer: what was asked for.
        parts: one for each worker that was heard of, from `newest`.
        end: how it ended.
    """
    found = sorted(parts, key=lambda part: (part.worker, part.name))
    histograms = _histograms(found)
    outcome = Outcome(
        run=offer.run,
        seed=offer.seed,
        against=offer.against,
        url=offer.url,
        started_at_us=end.started_at_us,
        ended_at_us=end.ended_at_us,
        ended=end.ended,
        load=added(part.load for part in found),
        warm=added(part.warm for part in found),
        codes=_summed(part.codes for part in found),
        in_flight=sum(part.in_flight for part in found),
        waiting=sum(part.waiting for part in found),
        histograms={name: each.encode() for name, each in histograms.items()},
        latency={name: _latency(each) for name, each in histograms.items()},
        seconds=_seconds(found),
        workers=tuple(_worker(part, end.lost) for part in found),
        expected=offer.workers,
        reported=len(found),
        lost=end.lost,
    )
    return msgspec.structs.replace(outcome, unproven=unproven(outcome, offer))


def unproven(outcome: Outcome, offer: Offer) -> tuple[str, ...]:
    """Return every reason for which a load says nothing about its target, gravest first."""
    load, reasons = outcome.load, []
    if outcome.lost:
        names = ", ".join(outcome.lost)
        reasons.append(f"{len(outcome.lost)} of {outcome.expected} workers was lost: {names}")
    elif outcome.reported < outcome.expected:
        words = f"{outcome.reported} of {outcome.expected} workers reported"
        reasons.append(f"{words}: start the missing ones, or expect fewer")
    if not load.started:
        reasons.append("nothing was sent")
    if load.scheduled:
        over = (
            ("dropped", load.dropped, offer.dropped_at_most),
            ("late", load.late, offer.late_at_most),
        )
        said = ""
        for word, count, at_most in over:
            if count > at_most * load.scheduled:
                share = f"{_PERCENT * count / load.scheduled:.2f}%"
                why = _because(outcome, offer, word, at_most)
                reasons.append(
                    f"{count} of {load.scheduled} arrivals were {word} ({share}, at most "
                    f"{_PERCENT * at_most:g}% may be): "
                    + ("for the same reason" if why == said else why)
                )
                said = why
    refused = load.results.get(REFUSED, 0)
    if refused and offer.refused == "proves-nothing":
        reasons.append(f"{refused} connections were refused: is the target running?")
    reasons += [
        f"worker {worker.worker} was saturated: {busiest:.0%} of a core over {SATURATED_S} s"
        for worker in outcome.workers
        if (busiest := _busiest(worker.health)) >= SATURATED_CPU
    ]
    return tuple(reasons)


def _because(outcome: Outcome, offer: Offer, word: str, at_most: float) -> str:
    """Say who is to blame for late or dropped arrivals: the target, or the generator itself."""
    load = outcome.load
    stalled = [worker for worker in outcome.workers if _stalled(worker)]
    behind_it = sum(getattr(worker.crowd, word) for worker in stalled)
    if not behind_it or getattr(load, word) - behind_it > at_most * load.scheduled:
        return "the generator itself was behind: more workers or a lower rate are needed"
    places = f"all {offer.in_flight} places in flight"
    places += " of a worker" if offer.workers > 1 else ""
    oldest_s = max(worker.crowd.oldest_us for worker in stalled) / US
    return (
        f"{places} were held by requests that the target had not answered, the oldest for "
        f"{oldest_s:.2g} s: the target stalled or is too slow for this rate; allow more in flight "
        "to see how it does then"
    )


def _stalled(worker: Worker) -> bool:
    """Tell whether it was the target that held a worker's places, and not the worker itself.

    A worker that is busy, or is not let run, has answers that it has not read yet.
    """
    busy = _busiest(worker.health) >= SATURATED_CPU
    return not busy and 2 * worker.crowd.lag_us < worker.crowd.oldest_us


def added(counts: Iterable[Counts]) -> Counts:
    """Return the sum of counts."""
    all_of = tuple(counts)
    return Counts(
        scheduled=sum(each.scheduled for each in all_of),
        started=sum(each.started for each in all_of),
        late=sum(each.late for each in all_of),
        dropped=sum(each.dropped for each in all_of),
        results=_summed(each.results for each in all_of),
    )


def _weight(tick: Tick) -> int:
    """Return what only grows while a second is reported again."""
    return tick.scheduled + tick.started + tick.finished + tick.dropped


def _summed(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in many:
        total.update(each)
    return dict(sorted(total.items()))


def _histograms(parts: Iterable[Part]) -> dict[str, Histogram]:
    found: dict[str, Histogram] = {}
    for part in parts:
        for name, text in part.histograms.items():
            found.setdefault(name, Histogram()).add(Histogram.decode(text))
    return found


def _latency(of: Histogram) -> Latency:
    p50, p90, p99, p999 = (of.percentile(percent) for percent in (50, 90, 99, 99.9))
    return Latency(of.count, of.mean(), p50, p90, p99, p999, of.max())


def _seconds(parts: Sequence[Part]) -> tuple[Second, ...]:
    by_second: dict[int, list[Tick]] = {}
    for part in parts:
        for tick in part.ticks:
            by_second.setdefault(tick.second, []).append(tick)
    return tuple(_second(second, by_second[second]) for second in sorted(by_second))


def _second(second: int, ticks: Sequence[Tick]) -> Second:
    latencies = Histogram()
    for tick in ticks:
        latencies.add_sparse(tick.cells)
    return Second(
        second=second,
        scheduled=sum(tick.scheduled for tick in ticks),
        started=sum(tick.started for tick in ticks),
        finished=sum(tick.finished for tick in ticks),
        failed=sum(tick.failed for tick in ticks),
        dropped=sum(tick.dropped for tick in ticks),
        in_flight=sum(tick.in_flight for tick in ticks),
        p50_us=latencies.percentile(50),
        p99_us=latencies.percentile(99),
    )


def _worker(part: Part, lost: Sequence[str]) -> Worker:
    return Worker(
        worker=part.worker,
        name=part.name,
        started_at_us=part.started_at_us,
        lost=part.name in lost,
        done=part.done,
        load=part.load,
        histograms=part.histograms,
        health=part.health,
        clock=part.clock,
        start_uncertainty_us=part.start_uncertainty_us,
        crowd=part.crowd,
    )


def _busiest(health: Sequence[Health]) -> float:
    """Return the highest mean share of a core over `SATURATED_S` seconds on end."""
    shares = [each.cpu for each in health]
    spans = range(len(shares) - SATURATED_S + 1)
    return max((sum(shares[i : i + SATURATED_S]) / SATURATED_S for i in spans), default=0.0)
