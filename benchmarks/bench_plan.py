"""How many lives a second the planner lives in columns, against the engine's one by one.

One thread, both on the same core, in rounds that alternate (engine, plan); the figure is the median
of their ratios. Both live the same people's first messages: from a number to the last reply, every
draw included. The engine's have every view attached, as in `bench_lives.py`; there is no figure if
the two counts of what was delivered differ.

    python benchmarks/bench_plan.py [--lives 200000 --engine 20000 --rounds 5 --seed 1 --quick]

Exit code: 0; 1 below the floor; 3 no figure.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
from harness import ACCOUNT, SECRET, median_ratio, report, verdict
from lives import Lives as EngineLives

from simulator.core.message import State
from simulator.core.number import japan_unassigned
from simulator.core.people import People
from simulator.dialects.twilio import new_account
from simulator.engine.world import Options, World
from simulator.plan.campaign import CHUNK
from simulator.plan.keys import fate_keys
from simulator.plan.lives import Laws, lived
from simulator.plan.people import crowd_of
from simulator.web.server import calm_collector

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOOR, GOAL = 8.0, 15.0
_START_US = 1_748_822_400_000_000  # 2025-06-02T00:00:00Z
_GAP_US = 1_000_000  # as lives.py sends them
_SPREAD = 7919  # as lives.py chooses them


def main() -> int:
    """Measure, and print."""
    options = _arguments()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rounds = [_round(options) for _ in range(options.rounds)]
    agree = all(engine_found == plan_found for _, _, engine_found, plan_found in rounds)
    ratio = median_ratio((plan for _, plan, *_ in rounds), (engine for engine, *_ in rounds))
    head = ("round", "engine lives/s", "plan lives/s", "ratio", "delivered")
    rows = [
        (n, engine, plan, plan / engine, found)
        for n, (engine, plan, found, _) in enumerate(rounds, 1)
    ]
    report(
        "plan",
        head,
        rows,
        ratio=ratio if agree else None,
        floor=FLOOR,
        goal=GOAL,
        engine_lives_per_s=statistics.median(engine for engine, *_ in rounds),
        plan_lives_per_s=statistics.median(plan for _, plan, *_ in rounds),
        lives=options.lives,
        seed=options.seed,
        quick=options.quick,
    )
    return verdict(ratio if agree else None, FLOOR, quick=options.quick)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=200_000, help="of the planner, each round")
    parser.add_argument("--engine", type=int, default=20_000, help="of the engine, each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a smoke test: the figure is poor")
    options = parser.parse_args()
    if options.quick:
        options.lives, options.engine, options.rounds = 20_000, 2_000, 2
    options.lives = max(options.lives, options.engine)
    return options


def _round(options: argparse.Namespace) -> tuple[float, float, int, int]:
    """Return lives a second of both, and how many of the engine's people each saw delivered."""
    world = World("bench", Options(seed=options.seed, retention=options.engine))
    world.configure(new_account(ACCOUNT, SECRET), _START_US)
    lives = EngineLives(world, _START_US, replies=True)
    asked = lives.prepare(options.engine)
    numbers = [one.to for one in asked]
    calm_collector()
    began_s = time.perf_counter()
    lives.live(asked)
    lives.drain()
    engine_s = time.perf_counter() - began_s
    assert not world.store.live, "a life has not ended"
    delivered = sum(tally.fated(State.DELIVERED) for tally in world.truth.tallies.values())
    began_s = time.perf_counter()
    states = _planned(options)
    plan_s = time.perf_counter() - began_s
    found = int(np.count_nonzero(states[: options.engine] == State.DELIVERED))
    assert len(set(numbers)) == options.engine, "somebody was written to twice"
    return options.engine / engine_s, options.lives / plan_s, delivered, found


def _planned(options: argparse.Namespace) -> Sequence[int]:
    """Live them in columns, from the making of their numbers on."""
    people, laws = People(options.seed), Laws(options.seed)
    found = []
    for at in range(0, options.lives, CHUNK):
        size = min(CHUNK, options.lives - at)
        numbers = [japan_unassigned((at + i) * _SPREAD % 1_000_000) for i in range(size)]
        begins_us = _START_US + (at + np.arange(size)) * _GAP_US
        crowd = crowd_of(people, "JP", numbers)
        found.append(lived(laws, crowd, fate_keys("", numbers, 0), begins_us).state)
    return np.concatenate(found)


if __name__ == "__main__":
    sys.exit(main())
