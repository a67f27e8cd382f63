"""The simulator as `todoku serve` runs it, with its counters on request.

Everything is on: views, ledger, audit, chance, time. The access log is off, as always.

    python benchmarks/served.py --rate 20000 --retention 100000      (ends with its input)
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import uvloop
from child import answer
from harness import ACCOUNT, SECRET
from lives import HOUR_US, LIVES_PER_SECOND, Lives, ended

from simulator.dialects import DIALECTS
from simulator.dialects.twilio import new_account
from simulator.engine.world import DEFAULT, Options, World
from simulator.settings import Settings
from simulator.web.descriptors import room_for
from simulator.web.server import Server, calm_collector

if TYPE_CHECKING:
    from collections.abc import Callable

_LATER_US = 48 * HOUR_US  # by then nearly every life is over; one reader in 100,000 takes years


async def main() -> None:
    """Serve until input ends."""
    options = _arguments()
    _more_routes(options.routes)
    base_us = time.time_ns() // 1000
    server = Server(
        Settings(port=0, control_port=0, retention=options.retention),
        lambda name: World(name, Options(seed=options.seed, retention=options.retention)),
        token="benchmark",
        base_us=base_us,
        rate=options.rate,
    )
    world = server.worlds.by_name[DEFAULT]
    room_for(server.settings.connections_limit)  # as `serve` does
    calm_collector()  # as `serve` does, before there is any message
    if options.kept:
        began_us = base_us - options.kept * 1_000_000 // LIVES_PER_SECOND - _LATER_US
        world.gateway.now_us = began_us
        server.worlds.configure(new_account(ACCOUNT, SECRET), now_us=began_us)
        lives = Lives(world, began_us)
        lives.run(options.kept)
        lives.run_due(base_us)
    await server.start()
    mono_ns = time.monotonic_ns()
    ready = {
        "url": server.url,
        "clock_offset_us": server.driver(DEFAULT).clock.now(mono_ns) - mono_ns // 1000,
    }
    try:
        await answer(ready, _counters(server))
    finally:
        await server.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20_000, help="virtual per real seconds")
    parser.add_argument("--retention", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--routes", type=int, default=0, help="of all providers together")
    parser.add_argument("--kept", type=int, default=0, help="finished messages to begin with")
    return parser.parse_args()


def _more_routes(total: int) -> None:
    """Register routes of a provider that nobody calls, until there are so many."""
    there = [route for dialect in DIALECTS.values() for route in dialect.ROUTES]
    more = range(len(there), total)
    routes = [dataclasses.replace(there[0], path=f"/2010-04-01/Other{i}/*/Sms.json") for i in more]
    cast("dict[str, Any]", DIALECTS)["more"] = SimpleNamespace(ROUTES=routes)


def _counters(server: Server) -> Callable[[], dict[str, int]]:
    world, driver = server.worlds.by_name[DEFAULT], server.driver(DEFAULT)

    def counters() -> dict[str, int]:
        return {
            "accepted": sum(tally.accepted for tally in world.truth.tallies.values()),
            "finished": ended(world),
            "pruned": world.store.pruned,
            "told": sum(sum(tally.told.values()) for tally in world.truth.tallies.values()),
            "abandoned": sum(t.callbacks_abandoned for t in world.truth.tallies.values()),
            "outstanding": server.caller.outstanding,
            "lag_us": driver.lag_us(),
            "faults": len(world.faults()),
        }

    return counters


if __name__ == "__main__":
    uvloop.run(main())
