"""Our HTTP calls to the customers: each is tried once, and what came of it is told once.

The one rule: a receiver's trouble stays its own. Calls are kept apart by (world, host, port); each
such bulkhead has its own workers and its own queue, and whatever finds them full is dropped and
counted. A bulkhead lives as long as it has work, and a worker as long as its bulkhead's queue.

    submit -> check_url -> bulkhead: queue -> worker -> session -> Outcome -> done
                  `-- FORBIDDEN         `-- DROPPED

Retries are the gateway's: it plans them in virtual time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from simulator.core.message import Outcome, OutcomeKind
from simulator.errors import shown
from simulator.web.egress import Denied, EgressError, check_url, connector, system_lookup

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.core.wire import HttpCall
    from simulator.web.egress import Allow, Lookup

    Done = Callable[[Outcome], None]
    Key = tuple[str, str, int]

HOST_QUEUE_MAX = 10_000  # calls waiting for one host and port of one world
HOSTS_MAX = 1_000  # bulkheads with work at one time
URLS_MAX = 1_000  # checked URLs remembered; a call's own URL is usually one of few
REFUSALS_MAX = 100  # refusals remembered for the report
RESPONSE_BYTES_MAX = 65_536  # of a body, read so that the connection can be used again

_HEADERS = {"User-Agent": "todoku", "Accept-Encoding": "identity"}
_DROPPED = Outcome(OutcomeKind.DROPPED)
_FORBIDDEN = Outcome(OutcomeKind.FORBIDDEN)
_TIMED_OUT = Outcome(OutcomeKind.TIMED_OUT)
_UNREACHABLE = Outcome(OutcomeKind.UNREACHABLE)


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


class _Job(NamedTuple):
    world: str
    url: URL
    call: HttpCall
    done: Done


@dataclass(slots=True)
class _Bulkhead:
    key: Key
    waiting: deque[_Job] = field(default_factory=deque)
    workers: int = 0


class Caller:
    """Makes HTTP calls, many at once, and none that the egress policy forbids.

    Everything happens in one event loop.

    Attributes:
        attempts: calls that went as far as a connection, or the attempt at one.
        outcomes: how many calls ended how.
        last_refusals: why the latest forbidden ones were.
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
        self._timeout_s = timeout_s
        self._concurrency = concurrency
        self._queue_limit = queue_limit
        self._allow = allow
        self._lookup = lookup
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}
        self._bulkheads: dict[Key, _Bulkhead] = {}
        self._workers: set[asyncio.Task[None]] = set()
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
        self._session = aiohttp.ClientSession(
            connector=connector(self._allow, self._lookup),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=RESPONSE_BYTES_MAX // 4,
        )

    async def close(self) -> None:
        """Give up what waits or is under way, as dropped, and close every connection."""
        session, self._session = self._session, None
        for bulkhead in self._bulkheads.values():
            while bulkhead.waiting:
                self._settle(bulkhead.waiting.popleft().done, _DROPPED)
        self._waiting = 0
        await asyncio.sleep(0)  # a worker cancelled before its first step would tell nobody
        workers = tuple(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        if session is not None:
            await session.close()

    async def drained(self) -> None:
        """Return when nothing is outstanding."""
        while self._outstanding:
            await self._quiet.wait()

    def submit(self, world: str, call: HttpCall, done: Done) -> None:
        """Take a call; it never blocks and never raises.

        Args:
            world: whose call it is.
            call: what to send.
            done: called once, later, in the event loop, with what came of it.
        """
        self._outstanding += 1
        self._quiet.clear()
        url = self._checked(call.url)
        if isinstance(url, Denied):
            self._refuse(world, call.url, url.reason)
            asyncio.get_running_loop().call_soon(self._settle, done, _FORBIDDEN)
        elif not self._place(_Job(world, url, call, done)):
            asyncio.get_running_loop().call_soon(self._settle, done, _DROPPED)

    def _checked(self, text: str) -> URL | Denied:
        known = self._urls.get(text)
        if known is not None:
            return known
        url = check_url(text, self._allow)
        if isinstance(url, URL):
            if len(self._urls) >= URLS_MAX:
                self._urls.clear()
            self._urls[text] = url
        return url

    def _place(self, job: _Job) -> bool:
        """Give the job to a new worker or to the queue; tell whether there was room."""
        if self._session is None:
            return False
        key = (job.world, (job.url.raw_host or "").lower(), job.url.port or 0)
        bulkhead = self._bulkheads.get(key)
        if bulkhead is None:
            if len(self._bulkheads) >= HOSTS_MAX:
                return False
            bulkhead = self._bulkheads[key] = _Bulkhead(key)
        if bulkhead.workers < self._concurrency:
            bulkhead.workers += 1
            worker = asyncio.create_task(self._work(self._session, bulkhead, job))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
            return True
        if len(bulkhead.waiting) >= HOST_QUEUE_MAX or self._waiting >= self._queue_limit:
            return False
        bulkhead.waiting.append(job)
        self._waiting += 1
        return True

    async def _work(self, session: aiohttp.ClientSession, bulkhead: _Bulkhead, job: _Job) -> None:
        waiting = bulkhead.waiting
        try:
            while True:
                outcome = _DROPPED  # if we are closed meanwhile
                try:
                    outcome = await self._attempt(session, job)
                finally:
                    self._settle(job.done, outcome)
                if not waiting:
                    return
                job = waiting.popleft()
                self._waiting -= 1
        finally:
            bulkhead.workers -= 1
            if not bulkhead.workers:
                del self._bulkheads[bulkhead.key]

    async def _attempt(self, session: aiohttp.ClientSession, job: _Job) -> Outcome:
        self.attempts += 1
        call = job.call
        try:
            response = await session.request(
                call.method,
                job.url,
                data=call.body or None,
                headers=CIMultiDict((("Content-Type", call.content_type), *call.headers)),
                allow_redirects=False,
            )
            try:
                if not response.content.is_eof():
                    await _skip_body(response)
            finally:
                response.release()
        except EgressError as error:
            self._refuse(job.world, call.url, error.reason)
            return _FORBIDDEN
        except TimeoutError:
            return _TIMED_OUT
        except ValueError:  # a line break in a header, say; the text may hold secrets
            self._refuse(job.world, call.url, "a header or a host that HTTP cannot carry")
            return _FORBIDDEN
        except (aiohttp.ClientError, OSError):
            return _UNREACHABLE
        except Exception as error:  # noqa: BLE001 - a bug, and the worker goes on
            _report("a callback failed in a way not foreseen", error)
            return _UNREACHABLE
        return Outcome(OutcomeKind.ANSWERED, response.status)

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


async def _skip_body(response: aiohttp.ClientResponse) -> None:
    """Read the body to its end, or leave the connection where it is too long."""
    left = RESPONSE_BYTES_MAX
    while left >= 0:
        chunk = await response.content.readany()
        if not chunk:
            return
        left -= len(chunk)
    response.close()


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
