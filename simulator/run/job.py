"""One run, from a scenario to a verdict: serve, start the system, move time, ask it, judge it.

    open -> start -> ready -> campaign -> time to the horizon -> claims -> stop -> judge -> report

Whatever goes wrong on the way ends in a verdict too: a run that proves nothing says why.
"""

from __future__ import annotations

import asyncio
import platform
import secrets
import socket
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import msgspec
from yarl import URL

from simulator import __version__
from simulator.engine.world import DEFAULT, World
from simulator.errors import ConfigError, Problem, ProvesNothing
from simulator.run.claims_source import source_of
from simulator.run.claims_sql import check_sql
from simulator.run.conductor import Conductor
from simulator.run.facts import facts_of, look_at
from simulator.run.given import free_port
from simulator.run.judging import Wanted, judged, stops
from simulator.run.kept import (
    FILE,
    Earlier,
    Ended,
    Kept,
    copies,
    digest_of_claims,
    digest_of_told,
    earlier_in,
    sections_of,
)
from simulator.run.people import listed, write_csv
from simulator.run.policy import Arrivals
from simulator.run.posted import judgement
from simulator.run.recording import Recording
from simulator.run.report import document
from simulator.run.report_rows import ROWS_FILE, write_rows
from simulator.run.saved_claims import CLAIMS_FILES, saved_bytes
from simulator.run.sut import System
from simulator.run.world import account_of, begins_at, given_to, options_of, rules_of
from simulator.settings import Settings
from simulator.verify.claim_codes import ClaimsError
from simulator.web.egress import Allow
from simulator.web.egress import judge as judge_address
from simulator.web.prompt import NOW_HEADER
from simulator.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims

RUN_FILES = (
    *(FILE, "sut.log", *CLAIMS_FILES, "report.json", "findings.csv", "policy.csv"),
    *("arrivals.bin", ROWS_FILE),
)


@dataclass(slots=True)
class Run:
    """A run under way.

    Attributes:
        out: its folder; see `kept.py`.
        invalid: why it proves nothing; empty while it may.
        details: lines that say more about that than one line can.
        cut: whether it ended before its horizon and its claims.
    """

    scenario: Scenario
    out: Path
    timeout_s: float
    progress: Callable[[int, World], None]
    invalid: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    interrupted: bool = False
    cut: bool = False
    instants: int = 0
    stragglers: int = 0
    arrivals: Arrivals = field(default_factory=Arrivals)
    stopped: str = ""
    wanted: Wanted = field(default_factory=Wanted)
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    earlier: tuple[Earlier, ...] = ()
    _work: asyncio.Future[Claims | None] | None = None

    def interrupt(self) -> None:
        """Give up; the partial report is still written. Once more, and the system is killed."""
        if self._work is not None:
            self._work.cancel()

    async def judged(self) -> dict[str, Any]:
        """Run to the end and return the report's document."""
        check_numbers(self.scenario)
        sut = self.scenario.sut
        if sut is not None and sut.claims is not None and sut.claims.sql is not None:
            check_sql(sut.claims.sql.url)
        began = time.time()
        self.out.mkdir(parents=True, exist_ok=True)
        self.earlier = earlier_in(self.out)
        for name in RUN_FILES:
            (self.out / name).unlink(missing_ok=True)  # of a run before
        write_csv(self.scenario, self.out / "people.csv")
        with (
            (self.out / "events.bin").open("wb") as events,
            (self.out / "commands.bin").open("w+b") as commands,
        ):
            server = self._server(events, commands)
            self._work = asyncio.ensure_future(self._conduct(server))
            try:
                claims = await self._work
            except asyncio.CancelledError:
                self.interrupted = self.cut = True
                claims = None
            finally:
                await server.stop()
            world = server.worlds.by_name[DEFAULT]
            world.log.close()
        if self.scenario.time.mode != "stepped":
            self.arrivals.write(self.out)
        return self._judge(world, claims, began)

    def _server(self, events: IO[bytes], commands: IO[bytes]) -> Server:
        record = self.arrivals.beside(Recording(commands))
        options = options_of(self.scenario, events.write, record)
        return Server(
            Settings(port=0, control_port=0),
            lambda name: World(name, options),
            token=secrets.token_urlsafe(24),
            base_us=begins_at(self.scenario)[0],
            rate=0,  # until the campaign starts
            open_accounts=False,
            judge=judgement,
        )

    async def _conduct(self, server: Server) -> Claims | None:
        """Do everything that may take real time; note why it proves nothing."""
        try:
            await server.start()
            return await self._campaign(server)
        except ClaimsError as error:
            self.invalid.append(error.reason)
            self.details = str(error).splitlines()
        except ProvesNothing as error:
            self.invalid.append(error.reason)
            self.cut = True
        except _StoppedError as error:
            self.stopped = str(error)
            self.cut = True
        return None

    async def _campaign(self, server: Server) -> Claims | None:
        scenario, driver = self.scenario, server.driver(DEFAULT)
        assert scenario.sut is not None
        given = given_to(scenario, server.url, server.control_url, server.token, self.out, self.id)
        port = free_port()
        system = System(scenario.sut, given, port, self.out / "sut.log")
        for written in scenario.accounts:
            account = account_of(scenario, written, lambda t: given.fill(t, port, system.url))
            server.worlds.configure(account, now_us=driver.now())
        conductor = Conductor(server, driver, system)
        source = source_of(
            scenario, server.posted, system, lambda t: given.fill(t, port, system.url)
        )
        limit = asyncio.timeout_at(asyncio.get_running_loop().time() + self.timeout_s)
        try:
            await system.start()
            await system.ready(self.timeout_s)
            async with limit:
                await self._move(server, conductor, system)
                conductor.awaited = "the claims"
                return None if source is None else await source.claims()
        except TimeoutError:
            if not limit.expired():
                raise
            words = f"the run took longer than {self.timeout_s:g} s of real time"
            raise ProvesNothing(f"{words}; it last waited for {conductor.awaited}") from None
        finally:
            self.instants, self.stragglers = conductor.instants, conductor.stragglers
            await system.stop()

    async def _move(self, server: Server, conductor: Conductor, system: System) -> None:
        timing, driver = self.scenario.time, conductor.driver
        numbers = list(listed(self.scenario))
        start_us, rate = begins_at(self.scenario)
        driver.clock.jump(start_us)  # later than when it was opened, if that means `now`
        until_us = driver.now() + timing.until_us
        if self.scenario.rules:
            rules = rules_of(self.scenario, driver.now())
            server.worlds.rule(rules, now_us=driver.now())

        async def start() -> None:
            await system.begin(numbers, {NOW_HEADER: str(driver.now())})

        watched = any(each.abort_after_us for each in self.scenario.expect)

        def step(now_us: int) -> None:
            self.progress(now_us, driver.world)
            if watched:
                look = look_at(driver.world, self.scenario, None, None, conductor.stragglers)
                if name := stops(self.scenario, look, now_us - until_us + timing.until_us):
                    raise _StoppedError(name)

        if rate == 0:
            await conductor.stepped(start, until_us, timing.quantum_us, step)
        else:
            await conductor.flowing(start, until_us, rate, step)

    def _judge(self, world: World, claims: Claims | None, began: float) -> dict[str, Any]:
        began_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))
        told = digest_of_told(facts_of(world, self.scenario)) if claims is not None else ""
        data = b"" if claims is None else saved_bytes(self.out)
        if claims is not None and not self.invalid:
            self.invalid += copies(data, told, self.id, self.earlier)
        ended = Ended(
            stragglers=self.stragglers,
            cut=self.cut,
            interrupted=self.interrupted,
            stopped=self.stopped,
            invalid=tuple(self.invalid),
        )
        kept = Kept(
            run=self.id,
            began=began_at,
            todoku=__version__,
            seed=self.scenario.seed,
            digest=world.log.digest(),
            recorded=(self.out / "commands.bin").stat().st_size,
            claims=digest_of_claims(data) if claims is not None else "",
            told=told,
            sections=sections_of(self.out),
            ended=ended,
            earlier=self.earlier,
        )
        (self.out / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1))
        wall = {
            "began": began_at,
            "seconds": round(time.time() - began, 3),
            "run": self.id,
            "todoku": __version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
        }
        found = judged(self.scenario, world, self.out, claims, ended, self.wanted)
        if found.reconciliation is not None:
            write_rows(found, self.out / ROWS_FILE, self.wanted.encoding)
        return {**document(found), "wall": wall}


class _StoppedError(Exception):
    """An expectation with `abort_after` failed; its name."""


def check_numbers(scenario: Scenario) -> None:
    """Refuse plausible numbers together with any target outside this machine's networks."""
    if scenario.people.numbers != "assignable":
        return
    targets = {"sut.url": scenario.sut.url if scenario.sut else None}
    targets["load.callback"] = scenario.load.callback if scenario.load else None
    for n, account in enumerate(scenario.accounts):
        targets[f"accounts[{n}].push"] = account.push
        targets[f"accounts[{n}].inbound"] = account.inbound
        targets[f"accounts[{n}].fallback"] = account.fallback
        for m, service in enumerate(account.services):
            targets[f"accounts[{n}].services[{m}].callback"] = service.callback
    problems = [
        Problem(
            path,
            "assignable numbers may belong to people, so this must be on loopback or a private "
            f"network, not {URL(url).host}",
        )
        for path, url in targets.items()
        if url and not url.startswith("{") and not _is_private(URL(url).host or "")
    ]
    if problems:
        raise ConfigError(problems)


def _is_private(host: str) -> bool:
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and not any(judge_address(address, Allow()) for address in found)
