"""A load test, from a scenario to a verdict: three kinds of processes, and this one conducts.

    simulator  (load_served.py, its own process: its event loop is measured, so it is alone in it)
    receiver | system under test
    locust     one process, or a master with workers

    open -> ready -> clock -> warm-up and load (locust) -> drain -> hold the clock
         -> claims -> stop -> join -> judge

Whatever goes wrong on the way ends in a verdict too, with all that had been measured until then.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from simulator.errors import ProvesNothing
from simulator.load import offer as offers
from simulator.run import load_receiver, load_served
from simulator.run.claims_source import source_of
from simulator.run.claims_sql import check_sql
from simulator.run.given import free_port
from simulator.run.job import RUN_FILES, check_numbers
from simulator.run.judging import Wanted
from simulator.run.kept import Earlier, earlier_in
from simulator.run.load_callbacks import CALLBACKS_FILE, OUTCOME
from simulator.run.load_child import Child
from simulator.run.load_idle import at_rest, is_quiet
from simulator.run.load_locust import WORKERS_S, Generator
from simulator.run.load_measured import FILE as LOAD_FILE
from simulator.run.load_offer import OFFER, lasts_s, offer_of, shape_of
from simulator.run.load_reading import BOOKS
from simulator.run.load_receipts import Pace
from simulator.run.load_result import document_of
from simulator.run.load_storm_run import StormRun
from simulator.run.people import write_csv
from simulator.run.sut import System
from simulator.run.world import given_to
from simulator.verify.claim_codes import ClaimsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from simulator.load.offer import Offer
    from simulator.load.shape import Shape
    from simulator.run.given import Given
    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims

_LOOK_S = 0.1
_LOST_S = 6.0  # for the master to notice by itself that a worker is gone
_SLACK_S = 30.0  # for locust to start, and to write what it has seen
_SETTLE_S = 1.0  # nothing new for so long, and the drain is over
_END_S = 30.0
SERVED, RECEIVER = load_served.__name__, load_receiver.__name__  # modules that are run, not called


@dataclass(slots=True)
class LoadRun:
    """A load test under way.

    Args:
        scenario: with `load:`, its tenants made accounts.
        source: the folder of the scenario's file, where a trace is looked for.
        out: the run's folder; it holds the scenario already.
        sut: of --sut.
        timeout_s: most real time for the system under test to become ready, and for its claims.
        progress: told the phase, how far it is (0 to 1), and the simulator's news.
    """

    scenario: Scenario
    source: Path
    out: Path
    sut: str | None
    timeout_s: float
    progress: Callable[[str, float, Mapping[str, Any]], None]
    wanted: Wanted = field(default_factory=Wanted)
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    invalid: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    interrupted: bool = False
    cut: bool = False
    offer: Offer | None = None
    pace: Pace | None = None
    ended: Mapping[str, Any] = field(default_factory=dict)
    released: Mapping[str, Any] = field(default_factory=dict)
    earlier: tuple[Earlier, ...] = ()
    generator: Generator | None = None
    _simulator: Child | None = None
    _children: tuple[Child, ...] = ()
    _system: System | None = None
    _work: asyncio.Future[Claims | None] | None = None

    def interrupt(self) -> None:
        """Give up; the partial report is still written. Once more, and all is killed."""
        if self._work is not None:
            self._work.cancel()

    async def judged(self) -> dict[str, Any]:
        """Run to the end and return the report's document."""
        check_numbers(self.scenario)
        assert self.scenario.load is not None
        shape = shape_of(self.scenario.load.arrivals, self.source)
        if (sut := self.scenario.sut) and sut.claims is not None and sut.claims.sql is not None:
            check_sql(sut.claims.sql.url)
        began = time.time()
        self.earlier = earlier_in(self.out)
        for name in (*RUN_FILES, LOAD_FILE, OFFER, OUTCOME, CALLBACKS_FILE):
            (self.out / name).unlink(missing_ok=True)  # of a run before
        for pattern in (BOOKS, "locust-*.log"):
            for file in self.out.glob(pattern):
                file.unlink()
        write_csv(self.scenario, self.out / "people.csv")
        self._work = asyncio.ensure_future(self._conduct(shape))
        try:
            claims = await self._work
        except asyncio.CancelledError:
            self.interrupted = self.cut = True
            claims = None
        return document_of(self, claims, began)

    async def _conduct(self, shape: Shape) -> Claims | None:
        """Do everything that takes real time; note why it proves nothing."""
        simulator = Child("the simulator", self.out / "simulator.log")
        receiver = Child("the receiver of callbacks", self.out / "receiver.log")
        self._children = (simulator, receiver)
        try:
            return await self._phases(simulator, receiver, shape)
        except ClaimsError as error:
            self.invalid.append(error.reason)
            self.details = str(error).splitlines()
        except ProvesNothing as error:
            self.invalid.append(error.reason)
            self.cut = True
        finally:
            await self._end(simulator, receiver)
        return None

    async def _phases(self, simulator: Child, receiver: Child, shape: Shape) -> Claims | None:
        scenario, load = self.scenario, self.scenario.load
        assert load is not None
        self.progress("starting", 0.0, {})
        port, sut_url, push = free_port(), "", ""
        if scenario.sut is not None:
            sut_url = scenario.sut.url or f"http://127.0.0.1:{port}"
        elif load.callbacks == "answered":
            sut_url = str((await receiver.start(RECEIVER))["url"])
            push = f"{sut_url}/receipts"
        ready = await simulator.start(SERVED, *self._flags(sut_url, push))
        self._simulator = simulator
        url, control_url, token = (str(ready[k]) for k in ("url", "control_url", "token"))
        given = given_to(scenario, url, control_url, token, self.out, self.id)
        system = await self._started(given, port)
        callback = push if system is None else given.fill(load.callback or "", port, system.url)
        target = given.url if load.against == "gateway" or system is None else system.url
        self.offer = offer_of(
            scenario,
            shape,
            run=self.id,
            url=target,
            callback=callback,
            clock=(given.clock_url, given.token),
            out=self.out,
        )
        offers.write(self.offer, self.out / OFFER)
        began = await simulator.ask("begin", _END_S)
        self.pace = Pace(**{name: began[name] for name in Pace.__slots__})
        if load.against == "callbacks":
            await self._stormed(simulator)
        else:
            self.generator = Generator(load.against, self.out / OFFER, load.workers, self.out)
            await self.generator.start()
            await self._sent(self.generator, simulator)
            await self._drained(simulator)
        held = await simulator.ask("hold", _END_S)
        if system is None:
            return None
        self.progress("claims", 1.0, simulator.news)
        source = source_of(scenario, {}, system, lambda t: given.fill(t, port, system.url))
        if source is None:
            return None
        await at_rest(system, held["now_us"], self.timeout_s)
        return await source.claims()

    def _flags(self, sut_url: str, push: str) -> list[str]:
        flags = [str(self.out), "--run", self.id, "--seed", str(self.scenario.seed)]
        flags += ["--sut-url", sut_url, "--push", push]
        return flags if self.sut is None else [*flags, "--sut", self.sut]

    async def _started(self, given: Given, port: int) -> System | None:
        if self.scenario.sut is None:
            return None
        self._system = System(self.scenario.sut, given, port, self.out / "sut.log")
        await self._system.start()
        await self._system.ready(self.timeout_s)
        return self._system

    async def _sent(self, generator: Generator, simulator: Child) -> None:
        """Wait until the generator has ended; give up where it, or what it loads, is gone."""
        assert self.offer is not None
        began, whole_s = time.monotonic(), lasts_s(self.offer)
        limit_s = whole_s + self.offer.drop_after_ms / 1000 + self.offer.timeout_s
        limit_s += _SLACK_S + WORKERS_S
        waiting = asyncio.ensure_future(generator.wait())
        try:
            while not waiting.done():
                await asyncio.wait([waiting], timeout=_LOOK_S)
                passed_s = time.monotonic() - began
                done = min(passed_s / whole_s, 1.0) if whole_s else 1.0  # a trace of one instant
                self.progress("load", done, simulator.news)
                self._check_alive()
                if generator.lost() and not waiting.done():
                    await asyncio.wait([waiting], timeout=_LOST_S)
                    break
                if passed_s > limit_s:
                    raise ProvesNothing(f"the generator did not end within {limit_s:.0f} s")
        finally:
            waiting.cancel()
        if lost := generator.lost():
            self.cut = True
            self.invalid.append(lost)
            await generator.stop()

    async def _stormed(self, simulator: Child) -> None:
        """Have the system send, and let the receipts of that come on schedule."""
        assert self._system is not None
        assert self.pace is not None
        storm = StormRun(
            self.scenario,
            simulator,
            self._system,
            self.pace,
            self._idle,
            self._check_alive,
            self.progress,
        )
        self.released = await storm.conducted()

    def _check_alive(self) -> None:
        for each in (*self._children, self._system):
            if each is not None and (said := each.ended()):
                raise ProvesNothing(f"{said} in the middle of the load")

    async def _drained(self, simulator: Child) -> None:
        """Wait for receipts: until nothing is in flight, or as long as the scenario says."""
        assert self.scenario.load is not None
        drain_s, began = self.scenario.load.drain_us / 1e6, time.monotonic()
        calm_at, seen = began, -1
        while (passed_s := time.monotonic() - began) < drain_s:
            await asyncio.sleep(min(_LOOK_S, drain_s))
            news = simulator.news
            self.progress("drain", passed_s / drain_s, news)
            self._check_alive()
            moves = (news.get("accepted"), news.get("callbacks"), news.get("known"))
            quiet = is_quiet(news, drain_s - passed_s)
            if hash(moves) != seen or not quiet or not await self._idle():
                seen, calm_at = hash(moves), time.monotonic()
            elif time.monotonic() - calm_at >= _SETTLE_S:
                return

    async def _idle(self) -> bool:
        if self._system is None or self._system.sut.idle is None:
            return True
        try:
            return await self._system.idle({})
        except (ProvesNothing, aiohttp.ClientError):
            return True  # a system that breaks under load is found in its claims

    async def _end(self, simulator: Child, receiver: Child) -> None:
        """End every process, in the order in which they need each other."""
        try:
            if self.generator is not None:
                await self.generator.stop()
            if self._simulator is not None and not simulator.ended():
                self.ended = await simulator.ask("end", _END_S)
        except ProvesNothing as error:
            self.invalid.append(error.reason)
        finally:
            if self.generator is not None:
                self.generator.kill()  # after a second interrupt it may not have ended
            if self._system is not None:
                await self._system.stop()
            await simulator.stop()
            await receiver.stop()
