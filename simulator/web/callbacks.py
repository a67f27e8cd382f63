"""Our HTTP calls to the customers: each is tried once, and what came of it is told once.

The one rule: a receiver's trouble stays its own. Calls are kept apart by (world, host, port); each
such bulkhead has so many calls under way and a queue of its own, and whatever finds both full is
dropped and counted. A bulkhead lives as long as it has work.

    submit -> check_url -> bulkhead: queue -> lines (plain http) | session -> Outcome -> done
                  `-- FORBIDDEN         `-- DROPPED

Retries are the gateway's: it plans them in virtual time.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from yarl import URL

from simulator.core.message import Outcome, OutcomeKind
from simulator.errors import shown
from simulator.web.attempt import UNCARRIED, attempt, open_session
from simulator.web.egress import Denied, check_url, system_lookup
from simulator.web.latency import Histogram
from simulator.web.lines import Lines, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from simulator.core.wire import HttpCall
    from simulator.web.egress import Allow, Lookup
    from simulator.web.stopwatch import Stopwatch, Timed

    Done = Callable[[Outcome], None]
    Key = tuple[str, str, int]

HOST_QUEUE_MAX = 10_000  # calls waiting for one host and port of one world
HOSTS_MAX = 1_000  # bulkheads with work at one time
URLS_MAX = 1_000  # checked URLs remembered; a call's own URL is usually one of few
REFUSALS_MAX = 100  # refusals remembered for the report

_DROPPED = Outcome(OutcomeKind.DROPPED)
_FORBIDDEN = Outcome(OutcomeKind.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that our egress policy refused.

    Attributes:
        origin: scheme, host and port; the rest of a URL may hold secrets.
        reason: for people.
    """

    world: str
    origin: str
    reason: str


class _Receiver(NamedTuple):
    """A checked URL, and its target where the short way leads there."""

    url: URL
    target: Target | None


class _Job(NamedTuple):
    world: str
    receiver: _Receiver
    call: HttpCall
    done: Done
    timed: Timed | None


@dataclass(slots=True)
class _Bulkhead:
    key: Key
    waiting: deque[_Job] = field(default_factory=deque)
    under_way: int = 0


class Caller:
    """Makes HTTP calls, many at once, and none that the egress policy forbids.

    Everything happens in one event loop.

    Attributes:
        attempts: calls that went as far as a connection, or the attempt at one.
        outcomes: how many calls ended how.
        last_refusals: why the latest forbidden ones were.
        took: how long attempts were under way; stopwatch: each attempt, where that is wanted.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        concurrency: int,
        queue_limit: int,
        allow: Allow,
        lookup: Lookup = system_lookup,
    ) -> None:
        """Set the limits.

        Args:
            timeout_s: real time for one attempt: lookup, connection, request, response.
            concurrency: attempts under way at once in one bulkhead.
            queue_limit: calls waiting in all bulkheads together.
            allow: what may be called besides loopback and private networks.
            lookup: resolves a name; the system's.
        """
        self.attempts = 0
        self.outcomes = dict.fromkeys(OutcomeKind, 0)
        self.last_refusals: deque[Refusal] = deque(maxlen=REFUSALS_MAX)
        self.took = Histogram()
        self.stopwatch: Stopwatch | None = None
        self.concurrency = concurrency
        self._timeout_s = timeout_s
        self._queue_limit = queue_limit
        self._allow = allow
        self._lookup = lookup
        self._session: aiohttp.ClientSession | None = None
        self._lines = Lines(timeout_s, allow)
        self._receivers: dict[str, _Receiver] = {}
        self._bulkheads: dict[Key, _Bulkhead] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._outstanding = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def outstanding(self) -> int:
        """Calls whose `done` has not been called yet: waiting and under way."""
        return self._outstanding

    async def start(self) -> None:
        """Open the session; calls submitted before are dropped."""
        assert self._session is None, "started twice"
        self._session = open_session(self._timeout_s, self._allow, self._lookup)

    async def close(self) -> None:
        """Give up what waits or is under way, as dropped, and close every connection."""
        session, self._session = self._session, None
        for bulkhead in self._bulkheads.values():
            while bulkhead.waiting:
                job = bulkhead.waiting.popleft()
                self._note(job.timed, time.monotonic_ns(), _DROPPED)
                self._settle(job.done, _DROPPED)
        self._waiting = 0
        await self._lines.close()
        await asyncio.sleep(0)  # a task cancelled before its first step would tell nobody
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if session is not None:
            await session.close()

    async def drained(self) -> None:
        """Return when nothing is outstanding."""
        while self._outstanding:
            await self._quiet.wait()

    def submit(self, world: str, call: HttpCall, done: Done, timed: Timed | None = None) -> None:
        """Take a call; it never blocks and never raises.

        Args:
            world: whose call it is.
            call: what to send.
            done: called once, later, in the event loop, with what came of it.
            timed: for the stopwatch; None: it is none of its business.
        """
        self._outstanding += 1
        self._quiet.clear()
        receiver = self._checked(call.url)
        if isinstance(receiver, Denied):
            self._refuse(world, call.url, receiver.reason)
            asyncio.get_running_loop().call_soon(self._settle, done, _FORBIDDEN)
        elif not self._place(_Job(world, receiver, call, done, timed)):
            self._note(timed, time.monotonic_ns(), _DROPPED)
            asyncio.get_running_loop().call_soon(self._settle, done, _DROPPED)

    def _checked(self, text: str) -> _Receiver | Denied:
        known = self._receivers.get(text)
        if known is not None:
            return known
        url = check_url(text, self._allow)
        if isinstance(url, Denied):
            return url
        if len(self._receivers) >= URLS_MAX:
            self._receivers.clear()
        found = self._receivers[text] = _Receiver(url, Target.of(url))
        return found

    def _place(self, job: _Job) -> bool:
        """Begin the job or queue it; tell whether there was room."""
        if self._session is None:
            return False
        url = job.receiver.url
        key = (job.world, (url.raw_host or "").lower(), url.port or 0)
        bulkhead = self._bulkheads.get(key)
        if bulkhead is None:
            if len(self._bulkheads) >= HOSTS_MAX:
                return False
            bulkhead = self._bulkheads[key] = _Bulkhead(key)
        if bulkhead.under_way < self.concurrency:
            bulkhead.under_way += 1
            self._begin(bulkhead, job)
            return True
        if len(bulkhead.waiting) >= HOST_QUEUE_MAX or self._waiting >= self._queue_limit:
            return False
        bulkhead.waiting.append(job)
        self._waiting += 1
        return True

    def _begin(self, bulkhead: _Bulkhead, job: _Job) -> None:
        self.attempts += 1
        target, begun_ns = job.receiver.target, time.monotonic_ns()

        def ended(outcome: Outcome) -> None:
            if outcome.kind is OutcomeKind.FORBIDDEN:
                self._refuse(job.world, job.call.url, UNCARRIED.reason)
            self._ended(bulkhead, job, outcome, begun_ns)

        if target is not None and not job.call.is_special:
            self._lines.call(target, job.call, ended)
            return
        assert self._session is not None, "nothing begins after closing"
        task = asyncio.create_task(self._work(self._session, bulkhead, job, begun_ns))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(
        self, session: aiohttp.ClientSession, bulkhead: _Bulkhead, job: _Job, begun_ns: int
    ) -> None:
        outcome = _DROPPED  # if we are closed meanwhile
        try:
            answer = await attempt(session, job.receiver.url, job.call)
            if isinstance(answer, Denied):
                self._refuse(job.world, job.call.url, answer.reason)
                answer = _FORBIDDEN
            outcome = answer
        finally:
            self._ended(bulkhead, job, outcome, begun_ns)

    def _ended(self, bulkhead: _Bulkhead, job: _Job, outcome: Outcome, begun_ns: int) -> None:
        """Tell what came of a job, and let the next of its bulkhead begin."""
        self._note(job.timed, begun_ns, outcome)
        self._settle(job.done, outcome)
        if bulkhead.waiting and self._session is not None:
            self._waiting -= 1
            self._begin(bulkhead, bulkhead.waiting.popleft())
            return
        bulkhead.under_way -= 1
        if not bulkhead.under_way:
            del self._bulkheads[bulkhead.key]

    def _note(self, timed: Timed | None, begun_ns: int, outcome: Outcome) -> None:
        ended_ns = time.monotonic_ns()
        if outcome.kind is not OutcomeKind.DROPPED:
            self.took.observe((ended_ns - begun_ns) / 1e9)
        if self.stopwatch is not None and timed is not None:
            self.stopwatch.note(timed, begun_ns, ended_ns, outcome)

    def _refuse(self, world: str, url: str, reason: str) -> None:
        self.last_refusals.append(Refusal(world, _origin(url), reason))

    def _settle(self, done: Done, outcome: Outcome) -> None:
        self.outcomes[outcome.kind] += 1
        try:
            done(outcome)
        except Exception as error:  # noqa: BLE001 - the listener's bug, as above
            _report("a callback's listener raised", error)
        finally:
            self._outstanding -= 1
            if not self._outstanding:
                self._quiet.set()


def _origin(text: str) -> str:
    """Name where a call would have gone, without what may be secret in its URL."""
    try:
        url = URL(text)
        return shown(f"{url.scheme}://{url.host or ''}:{url.port or ''}")
    except ValueError:
        return "not a URL"


def _report(message: str, error: Exception) -> None:
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": message, "exception": error})
