"""A worker's share of a load, played: schedule, requests, totals, books and its own health.

The one rule: it needs no locust. What locust shows of each request it is told by `tell`; what the
master is told is `part()`, a running total.
"""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, NamedTuple

import gevent
import msgspec

from loadtests.clocks import now_us, run_clock
from loadtests.http import Answer, read_plain
from loadtests.pace import Pace
from loadtests.sender import sender
from loadtests.tally import US, Ended, Tally
from loadtests.wire import poll
from simulator.errors import ProvesNothing, UsageError
from simulator.load import books
from simulator.load import outcome as o
from simulator.load.histogram import Histogram
from simulator.load.offer import Offer, accounts_of, own_id, schedule
from simulator.load.shape import share

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from loadtests.wire import Requests
    from simulator.load.offer import Ask

    Tell = Callable[["Told"], None]

FOLD_S = 0.1
_FINE = frozenset({o.OK, o.OPTED_OUT})


class Begin(msgspec.Struct, frozen=True):
    """What the master tells a worker: the offer, its share, and the one start.

    `start_us`: epoch us of the load's start, by this worker's own clock, within `uncertainty_us`.
    """

    offer: Offer
    worker: int
    workers: int
    start_us: int
    uncertainty_us: int = 0


class Told(NamedTuple):
    """A request that is over, as locust's tables have it; `trouble`: empty where it was taken."""

    method: str
    name: str
    api_ms: float
    size: int
    trouble: str


class _Mark(NamedTuple):
    """Where the processor's and the wall's time stood."""

    second: int
    wall_s: float
    cpu_s: float


class Player:
    """Plays one worker's share.

    Args:
        begin: the share.
        name: what locust calls this worker.
        url: the target, by the address that was judged.
        requests: what is sent.
        tell: is told of each request that is over.
    """

    def __init__(self, begin: Begin, name: str, url: str, requests: Requests, tell: Tell) -> None:
        offer = begin.offer
        self._begin, self._name, self._requests, self._tell = begin, name, requests, tell
        whole = schedule(offer)
        numbers = share(whole.times_us, begin.worker, begin.workers)
        self._due_us = whole.times_us[numbers]
        self._warm = int((numbers < whole.warm).sum())
        self._numbers: list[int] = numbers.tolist()
        self._accounts = [0] * len(self._numbers)
        if len(offer.accounts) > 1:
            self._accounts = accounts_of(offer, numbers).tolist()
        self._start_s = perf_counter() + (begin.start_us - now_us()) / US
        self._tally = Tally(self._due_us, self._warm, self._start_s, offer.late_after_ms * 1000)
        self._pace = Pace(
            (self._due_us / US + self._start_s).tolist(),
            self._act,
            self._tally.dropped,
            self._tally.waits,
            in_flight=offer.in_flight,
            queue=offer.queue,
            drop_after_s=offer.drop_after_ms / 1000,
        )
        self._polls = offer.system.polls if offer.system and begin.worker == 0 else ()
        connections = offer.in_flight + len(self._polls)
        self._send = sender(url, connections=connections, timeout_s=offer.timeout_s)
        self._polled = Histogram()
        self._health: dict[int, o.Health] = {}
        self._lag_us, self._seq, self._done = 0, 0, False
        self._clock: o.Clock | None = None
        self._book, self._unwritten = _book(offer.out, begin.worker), ""
        self._mark = _Mark(self._second(), perf_counter(), process_time())

    def play(self) -> None:
        """Let every arrival of the share come; return when the last is over.

        Raises:
            ProvesNothing: its books are not whole.
        """
        gc.collect()
        gc.freeze()  # what is here stays: the collector need not look at it again
        beside = [gevent.spawn(self._keep)]
        if self._begin.offer.clock_url:
            beside.append(gevent.spawn(self._read_clock))
        beside += [gevent.spawn(self._poll, ask) for ask in self._polls if ask.every_us]
        try:
            self._pace.play()
            self._done = True
        finally:
            self._pace.stop()
            gevent.killall(beside)
            self._fold()
            gc.unfreeze()
        if self._unwritten:
            raise ProvesNothing(self._unwritten)

    def part(self) -> o.Part:
        """Return the running totals; seconds only where they have changed since the last time."""
        self._fold()
        self._seq += 1
        load, warm = self._tally.counts()
        health, self._health = self._health, {}
        histograms = dict(self._tally.histograms)
        if self._polled.count:
            histograms[o.POLL] = self._polled
        return o.Part(
            run=self._begin.offer.run,
            worker=self._begin.worker,
            workers=self._begin.workers,
            name=self._name,
            seq=self._seq,
            started_at_us=self._begin.start_us,
            load=load,
            warm=warm,
            codes=self._tally.codes(),
            in_flight=self._tally.in_flight,
            waiting=self._pace.waiting,
            histograms={name: each.encode() for name, each in histograms.items()},
            ticks=self._tally.ticks(),
            health=tuple(health.values()),
            clock=self._clock,
            done=self._done,
            start_uncertainty_us=self._begin.uncertainty_us,
            crowd=self._tally.crowd,
        )

    def _act(self, place: int) -> None:
        started = perf_counter()
        self._tally.started(place, started)
        requests = self._requests
        data = requests.build(self._numbers[place], self._accounts[place])
        reply = self._send(requests.method, data)
        answered = perf_counter()
        result, provider_id, code = (
            requests.read(reply.status, reply.body)
            if reply.status
            else Answer(reply.trouble, "", reply.code)
        )
        end = Ended(place, started, answered, reply.status, result, code, provider_id)
        self._tally.ended(end)
        api_ms = (answered - self._start_s) * 1e3 - float(self._due_us[place]) / 1e3
        trouble = "" if result in _FINE else f"{result}: {reply.status} {code}".rstrip()
        self._tell(Told(requests.method, requests.name, api_ms, len(reply.body), trouble))

    def _keep(self) -> None:
        """Sort what was noted, every tenth of a second, and see how late the loop wakes."""
        due = perf_counter() + FOLD_S
        while True:
            gevent.sleep(max(due - perf_counter(), 0))
            now = perf_counter()
            lag_us = round((now - due) * US)
            self._lag_us = max(self._lag_us, lag_us)
            due = max(due + FOLD_S, now)
            self._fold(lag_us)

    def _fold(self, lag_us: int = 0) -> None:
        now = perf_counter()
        ends, drops = self._tally.fold(self._pace.arrived, now, self._pace.waiting, lag_us)
        if self._book is not None:
            lines = [books.line(self._row(end)) for end in ends]
            lines += [books.line(self._dropped(place)) for place in drops]
            self._write("".join(lines))
        second = self._second()
        if second != self._mark.second:
            cpu = process_time()
            share_of_core = (cpu - self._mark.cpu_s) / (now - self._mark.wall_s)
            last = second - 1
            self._health[last] = o.Health(last, round(share_of_core, 4), self._lag_us)
            self._mark, self._lag_us = _Mark(second, now, cpu), 0

    def _write(self, lines: str) -> None:
        """Add to the book; where that cannot be, the load goes on to its end, and says so."""
        assert self._book is not None
        try:
            self._book.write(lines)
            self._book.flush()
        except OSError as error:
            self._unwritten = f"the books cannot be written: {error.strerror or error}"
            self._book = None

    def _second(self) -> int:
        return int((perf_counter() - self._start_s) // 1)

    def _epoch_us(self, at_s: float) -> int:
        return self._begin.start_us + round((at_s - self._start_s) * US)

    def _row(self, end: Ended) -> books.Row:
        row = self._dropped(end.place)
        return row._replace(
            provider_id=end.provider_id,
            started_us=self._epoch_us(end.started_s),
            answered_us=self._epoch_us(end.answered_s),
            status=end.status,
            code=end.code,
        )

    def _dropped(self, place: int) -> books.Row:
        n = self._numbers[place]
        account, recipient, k = self._requests.about(n, self._accounts[place])
        own = own_id(self._begin.offer.run, n)
        intended = self._begin.start_us + int(self._due_us[place])
        warm = int(place < self._warm)
        return books.Row(n, warm, account, recipient, k, own, "", intended, 0, 0, 0, books.DROPPED)

    def _read_clock(self) -> None:
        offer = self._begin.offer
        self._clock = run_clock(offer.clock_url, offer.token)

    def _poll(self, ask: Ask) -> None:
        """Ask again and again, at instants that the answers do not move."""
        data, due = poll(self._begin.offer, ask), self._start_s
        while True:
            due += ask.every_us / US
            gevent.sleep(max(due - perf_counter(), 0))
            reply = self._send(ask.method, data)
            answered = perf_counter()
            result = reply.trouble or read_plain(reply.status, reply.body).result
            if result == o.OK:
                self._polled.record([round((answered - due) * US)])
            trouble = "" if result == o.OK else f"{result}: {reply.status} {reply.code}".rstrip()
            api_ms = (answered - due) * 1e3
            self._tell(Told(ask.method, ask.path, api_ms, len(reply.body), trouble))


def _book(folder: str, worker: int) -> TextIO | None:
    if not folder:
        return None
    path = Path(folder) / books.NAME.format(worker=worker)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - of an earlier load in the same folder
        file = path.open("w", encoding="utf-8", newline="", buffering=1 << 16)
        file.write(books.HEADER)
        file.flush()
    except OSError as error:
        raise UsageError(f"cannot write to {path}: {error.strerror or error}") from None
    return file
