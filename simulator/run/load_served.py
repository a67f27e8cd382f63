"""The simulator of a load test, in a process of its own.

    python -m simulator.run.load_served FOLDER --sut-url URL [--seed N]      (load_child.py)

    ready -> {"do": "begin"}: the clock starts -> news every second -> {"do": "hold"}: it stops
          -> {"do": "end"}: the books are closed

The one rule: nothing is in this process but the simulator. Whoever conducts the load, joins books
and shows progress would otherwise be busy in the loop that is being measured.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import uvloop

from simulator.core.message import FINAL
from simulator.engine.world import DEFAULT, World
from simulator.errors import TodokuError
from simulator.load.by_callback import Window
from simulator.run.load_busy import SAMPLE_S, Meter, busiest
from simulator.run.load_callbacks import Watch, late_after_us, load_began_us, mono_us, write_side
from simulator.run.load_child import serve_lines
from simulator.run.load_idle import wakes_s
from simulator.run.load_storm import StormServed
from simulator.run.load_tenants import tenanted
from simulator.run.policy import Arrivals
from simulator.run.recording import Recording
from simulator.run.world import account_of, begins_at, given_to, options_of, rules_of
from simulator.scenario import parse_scenario
from simulator.scenario_checks import DIALECT_KEYS
from simulator.scenario_load_checks import TENANTS_MAX
from simulator.settings import Settings
from simulator.web.descriptors import room_for
from simulator.web.server import Server, calm_collector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.accounts import Account
    from simulator.run.load_child import Handler
    from simulator.scenario import Scenario

SCENARIO = "scenario.yaml"
_UNANSWERED_S = 10.0  # at the end, for callbacks under way
_LOOK_S = 0.02
_CONNECTIONS = 20_000  # more than any load has in flight; the door is not what is tested


class Served:
    """The world under load, and what there is to say of it."""

    def __init__(self, scenario: Scenario, server: Server, arrivals: Arrivals, out: Path) -> None:
        self._scenario, self._server, self._arrivals, self._out = scenario, server, arrivals, out
        self._driver = server.driver(DEFAULT)
        self._meter = Meter()
        self._metering: asyncio.Task[None] | None = None
        self._held: dict[str, Any] | None = None  # what was so when the clock stopped
        self._watch, self._begun = Watch(server, self._driver.world), (0, 0)
        load = scenario.load
        storms = load is not None and load.against == "callbacks"
        self._storm = StormServed(server, scenario, out) if storms else None

    def handlers(self) -> Mapping[str, Handler]:
        """Return what can be asked of us."""
        own: dict[str, Handler] = {"begin": self.begin, "hold": self.hold, "end": self.end}
        return own if self._storm is None else {**own, **self._storm.handlers()}

    async def begin(self) -> Mapping[str, Any]:
        """Start the clock, and say which instants belong together."""
        start_us, rate = begins_at(self._scenario)
        driver = self._driver
        driver.clock.jump(max(start_us, driver.now()))
        if self._scenario.rules:
            rules = rules_of(self._scenario, driver.now())
            self._server.worlds.rule(rules, now_us=driver.now())
        if self._storm is not None:
            self._storm.hold()
        calm_collector()
        driver.set_rate(rate)
        self._metering = asyncio.create_task(self._measure())
        mono_ns = time.monotonic_ns()
        self._begun = (time.time_ns() // 1000, mono_ns // 1000)
        return {
            "epoch_us": self._begun[0],
            "mono_us": self._begun[1],
            "virtual_us": driver.clock.now(mono_ns),
            "rate": rate,
        }

    async def hold(self) -> Mapping[str, Any]:
        """Stop the clock where it is, and let what is under way end.

        From here on nobody is told anything, so that what a system claims now is about all it was.
        """
        if self._held is not None:
            return self._held
        driver, server = self._driver, self._server
        if self._metering is not None:
            self._metering.cancel()
        self._meter.take()
        lag_us = max(driver.lag_us_max, driver.lag_us())
        rate = driver.clock.rate or 1.0
        unanswered = driver.outstanding
        driver.set_rate(0)
        over_us = mono_us()
        until = time.monotonic() + _UNANSWERED_S
        while time.monotonic() < until:
            if not (driver.outstanding or server.front.in_flight):
                break
            await asyncio.sleep(_LOOK_S)
        lag_s, now_us = lag_us / (rate * 1e6), driver.now()
        self._held = {
            "lag_s": lag_s,
            "unanswered": unanswered,
            "over_us": over_us,
            "now_us": now_us,
        }
        return self._held

    async def end(self) -> Mapping[str, Any]:
        """Hold, if that has not been done, and close the books."""
        held, server = await self.hold(), self._server
        stopped_us = mono_us()
        await server.stop()
        storm = self._storm
        if storm is None:
            window = (load_began_us(self._out, *self._begun), stopped_us)
        else:
            window = storm.window
        keys = None if storm is None else storm.keys()
        late_us = late_after_us(self._scenario)
        seen = Window(*window, held["over_us"], stopped_us, late_us, keys)
        write_side(self._watch.side(seen), self._out)
        world = server.worlds.by_name[DEFAULT]
        world.log.close()
        self._arrivals.write(self._out)
        return {
            **self.news(),
            **held,
            "digest": world.log.digest(),
            "faults": world.faults(),
            "samples": [[s.at_ns, s.busy_ns] for s in self._meter.samples],
        }

    def news(self) -> Mapping[str, Any]:
        """Say how it goes."""
        driver = self._driver
        tallies = driver.world.truth.tallies.values()
        accepted = sum(t.accepted for t in tallies)
        fated = sum(sum(t.fate.values()) for t in tallies)
        known = sum(n for t in tallies for state, n in t.known.items() if state in FINAL)
        return {
            "accepted": accepted,
            "fated": fated,
            "known": known,
            "callbacks": sum(t.callbacks for t in tallies),
            "unanswered": driver.outstanding,
            "wakes_s": wakes_s(driver),
            "requests": self._server.front.in_flight,
            "lag_s": driver.lag_us() / ((driver.clock.rate or 1.0) * 1e6),
            "busy": round(self._meter.latest(), 3),
            "busiest": round(busiest(self._meter.samples), 3),
        }

    async def _measure(self) -> None:
        while True:
            self._meter.take()
            await asyncio.sleep(SAMPLE_S)


async def serve(scenario: Scenario, out: Path, sut_url: str, run: str) -> None:
    """Serve a scenario's world until input ends."""
    arrivals = Arrivals()
    with (out / "events.bin").open("wb") as events, (out / "commands.bin").open("w+b") as commands:
        server = _server(scenario, events, commands, arrivals)
        await server.start()
        try:
            _open_accounts(server, scenario, out, sut_url, run)
            served = Served(scenario, server, arrivals, out)
            ready = {"url": server.url, "control_url": server.control_url, "token": server.token}
            await serve_lines(ready, served.handlers(), served.news)
        finally:
            await server.stop(0.0)


def _server(
    scenario: Scenario, events: IO[bytes], commands: IO[bytes], arrivals: Arrivals
) -> Server:
    options = options_of(scenario, events.write, arrivals.beside(Recording(commands)))
    settings = Settings(port=0, control_port=0)
    room_for(_CONNECTIONS)
    return Server(
        settings.model_copy(
            update={"connections_limit": _CONNECTIONS, "accounts_limit": 2 * TENANTS_MAX}
        ),
        lambda name: World(name, options),
        token=secrets.token_urlsafe(24),
        base_us=begins_at(scenario)[0],
        rate=0,  # until the load begins
        open_accounts=False,
    )


def _open_accounts(server: Server, scenario: Scenario, out: Path, sut_url: str, run: str) -> None:
    given = given_to(scenario, server.url, server.control_url, server.token, out, run)
    now_us = server.driver(DEFAULT).now()
    for written in scenario.accounts:
        account = account_of(scenario, written, lambda text: given.fill(text, 0, sut_url))
        server.worlds.configure(account, now_us=now_us)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the scenario in a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sut")
    parser.add_argument("--sut-url", default="")
    parser.add_argument("--push", default="")
    parser.add_argument("--run", default="")
    parser.add_argument("--seed", type=int)
    given = parser.parse_args(arguments)
    text = (given.folder / SCENARIO).read_text("utf-8")
    scenario = tenanted(parse_scenario(text, SCENARIO, sut=given.sut, needs_sut=False))
    update: dict[str, Any] = {} if given.seed is None else {"seed": given.seed}
    if given.push:
        update["accounts"] = tuple(_pushed(account, given.push) for account in scenario.accounts)
    scenario = scenario.model_copy(update=update)
    scenario = scenario if given.sut_url else _unheard(scenario)
    try:
        uvloop.run(serve(scenario, given.folder, given.sut_url, given.run))
    except TodokuError as error:
        sys.exit(str(error))


def _pushed(account: Account, url: str) -> Account:
    """Return an account whose receipts are pushed somewhere, where its provider pushes at all."""
    if account.push or account.dialect not in DIALECT_KEYS["push"]:
        return account
    return account.model_copy(update={"push": url})


def _unheard(scenario: Scenario) -> Scenario:
    """Return a scenario that tells nobody: there is no system, and no receiver is wanted."""
    silent = dict.fromkeys(("push", "inbound", "fallback"))
    accounts = tuple(account.model_copy(update=silent) for account in scenario.accounts)
    return scenario.model_copy(update={"accounts": accounts})


if __name__ == "__main__":
    main()
