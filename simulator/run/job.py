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

from yarl import URL

from simulator import __version__
from simulator.core.orders import CAUSED_MAX
from simulator.engine.world import DEFAULT, World
from simulator.errors import ConfigError, Problem, ProvesNothing
from simulator.run.conductor import Conductor
from simulator.run.facts import facts_of, metrics_of, totals_of
from simulator.run.people import numbers_of, write_csv
from simulator.run.policy import Arrivals, policy_of_run
from simulator.run.policy_report import section
from simulator.run.recording import Recording
from simulator.run.report import Judged, document
from simulator.run.sut import System, free_port
from simulator.run.world import account_of, begins_at, given_to, options_of, rules_of
from simulator.settings import Settings
from simulator.verify.claims import ClaimsError, parse_claims
from simulator.verify.expect import evaluate
from simulator.verify.reconcile import reconcile
from simulator.verify.verdict import judge
from simulator.web.egress import Allow
from simulator.web.egress import judge as judge_address
from simulator.web.prompt import NOW_HEADER
from simulator.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims
    from simulator.verify.findings import Fact
    from simulator.verify.reconcile import Reconciliation

RUN_FILES = ("sut.log", "claims.json", "report.json", "findings.csv", "policy.csv", "arrivals.bin")


@dataclass(slots=True)
class Run:
    """A run under way.

    Attributes:
        out: its folder: people.csv, sut.log, events.bin, commands.bin, claims.json, report.json,
            findings.csv.
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
    _work: asyncio.Future[Claims | None] | None = None

    def interrupt(self) -> None:
        """Give up; the partial report is still written. Once more, and the system is killed."""
        if self._work is not None:
            self._work.cancel()

    async def judged(self) -> dict[str, Any]:
        """Run to the end and return the report's document."""
        _check_numbers(self.scenario)
        began = time.time()
        self.out.mkdir(parents=True, exist_ok=True)
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
        return None

    async def _campaign(self, server: Server) -> Claims | None:
        scenario, driver = self.scenario, server.driver(DEFAULT)
        assert scenario.sut is not None
        given = given_to(
            scenario, server.url, server.control_url, server.token, str(self.out / "people.csv")
        )
        port = free_port()
        system = System(scenario.sut, given, port, self.out / "sut.log")
        for written in scenario.accounts:
            account = account_of(scenario, written, lambda t: given.fill(t, port, system.url))
            server.worlds.configure(account, now_us=driver.now())
        conductor = Conductor(server, driver, system)
        limit = asyncio.timeout_at(asyncio.get_running_loop().time() + self.timeout_s)
        try:
            await system.start()
            await system.ready(self.timeout_s)
            async with limit:
                await self._move(server, conductor, system)
                conductor.awaited = "the claims"
                return await self._claims(system)
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
        numbers = list(numbers_of(self.scenario))
        start_us, rate = begins_at(self.scenario)
        driver.clock.jump(start_us)  # later than when it was opened, if that means `now`
        until_us = driver.now() + timing.until_us
        if self.scenario.rules:
            rules = rules_of(self.scenario, driver.now())
            server.worlds.rule(rules, now_us=driver.now())

        async def start() -> None:
            await system.begin(numbers, {NOW_HEADER: str(driver.now())})

        def step(now_us: int) -> None:
            self.progress(now_us, driver.world)

        if rate == 0:
            await conductor.stepped(start, until_us, timing.quantum_us, step)
        else:
            await conductor.flowing(start, until_us, rate, step)

    async def _claims(self, system: System) -> Claims | None:
        if system.sut.claims is None:
            return None
        data = await system.claims()
        (self.out / "claims.json").write_bytes(data)
        return parse_claims(data)

    def _judge(self, world: World, claims: Claims | None, began: float) -> dict[str, Any]:
        facts = facts_of(world, self.scenario)
        if not self.invalid:
            self._check_worth(world, claims)
        reconciliation: Reconciliation | None = None
        if claims is not None:
            reconciliation = reconcile(claims, facts, totals_of(world, self.scenario))
        policy = policy_of_run(self.scenario, self.out, claims)
        metrics = metrics_of(world, claims, reconciliation, self.stragglers, policy)
        results = evaluate(self.scenario.expect, metrics)
        verdict = judge(
            results, reconciliation, self.invalid, interrupted=self.interrupted, policy=policy
        )
        judged = Judged(
            self.scenario,
            world,
            claims,
            reconciliation,
            results,
            verdict,
            self.stragglers,
            self.cut,
            _strangers(facts, self.scenario),
        )
        wall = {
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
            "seconds": round(time.time() - began, 3),
            "todoku": __version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
        }
        return {**document(judged), "policy": section(policy), "wall": wall}

    def _check_worth(self, world: World, claims: Claims | None) -> None:
        """Note why this run would prove nothing, whatever the numbers say."""
        idle = self.scenario.sut is not None and self.scenario.sut.idle is not None
        tally = world.truth.tallies
        if not sum(t.accepted for t in tally.values()):
            self.invalid.append(
                "nothing was sent: no message was accepted"
                + (
                    ""
                    if idle
                    else " (without `idle`, time waits only a moment for a system to act)"
                )
            )
        elif claims is not None and not claims.rows:
            self.invalid.append("the claims are empty although messages were accepted")
        self.invalid += [f"the books are out of balance: {fault}" for fault in world.faults()]
        if world.truth.cuts:
            self.invalid.append(
                f"{world.truth.cuts} instants were cut: each caused more than {CAUSED_MAX:,} steps "
                "itself, so something answers itself without end"
            )
        if world.store.pruned:
            words = f"{world.store.pruned} messages were pruned and cannot be judged one by one"
            self.invalid.append(f"{words}: raise world.retention")


def _strangers(facts: Sequence[Fact], scenario: Scenario) -> int:
    """Count messages to numbers that are not among the campaign's people."""
    people = set(numbers_of(scenario))
    return sum(fact.to not in people for fact in facts)


def _check_numbers(scenario: Scenario) -> None:
    """Refuse plausible numbers together with any target outside this machine's networks."""
    if scenario.people.numbers != "assignable":
        return
    targets = {"sut.url": scenario.sut.url if scenario.sut else None}
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
