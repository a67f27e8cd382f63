"""How many lives a second core and engine live without HTTP, against a bare handler's requests.

One thread, every view attached, retention on. Rounds alternate (lives, bare) on the same core; the
figure is the median of their ratios, and there is none if the lives that ended differ from those
that began by over 2%.

    python benchmarks/bench_lives.py [--seconds 30 --rounds 5 --retention 100000 --seed 1 --quick]

Exit code: 0; 1 below the floor; 3 no figure.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING, TypeVar

from child import Child
from harness import (
    ACCOUNT,
    SECRET,
    Window,
    agree,
    cores,
    measure,
    median_ratio,
    need_wrk,
    report,
    verdict,
)
from lives import Lives

from simulator.dialects.twilio import new_account
from simulator.engine.world import Options, World
from simulator.web.server import calm_collector

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

FLOOR, GOAL = 1.5, 2.4
_START_US = 1_748_822_400_000_000  # 2025-06-02T00:00:00Z
_MOST_PER_SECOND = 50_000
_WARM_LIVES = 60_000  # most of a virtual day: slow answers come in as fast as they go out


def main() -> int:
    """Measure, and print."""
    options = _arguments()
    need_wrk()
    server_core, _ = cores()
    world = World("bench", Options(seed=options.seed, retention=options.retention))
    world.configure(new_account(ACCOUNT, SECRET), _START_US)
    lives = Lives(world, _START_US, replies=True)
    calm_collector()
    with Child("bare.py", core=server_core) as bare:
        _on(server_core, lambda: lives.run(max(3 * options.retention, _WARM_LIVES)))
        assert world.store.pruned, "not steady yet: each life that ends should drive out another"
        rounds = []
        for _ in range(options.rounds):
            seconds = options.seconds / options.rounds
            ours = _on(server_core, lambda s=seconds: _lived(lives, s))
            rounds.append((ours, measure(bare, seconds)))
    return _show(options, rounds, world)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of lives, all rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--retention", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a smoke test: the figure is poor")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.retention = 4, 2, 5_000
    return options


def _on(core: int, work: Callable[[], T]) -> T:
    """Do some work on the server's core, and come back to the load's."""
    load = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        return work()
    finally:
        os.sched_setaffinity(0, load)


def _lived(lives: Lives, seconds: float) -> Window:
    asked = lives.prepare(int(seconds * _MOST_PER_SECOND))
    accepted, finished = lives.accepted, lives.finished
    cpu_s, began_s = time.process_time(), time.perf_counter()
    lives.live(asked, until_s=began_s + seconds)
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    accepted, finished = lives.accepted - accepted, lives.finished - finished
    return Window(accepted, finished, took_s, cpu_s, accepted)


def _show(options: argparse.Namespace, rounds: list[tuple[Window, Window]], world: World) -> int:
    ours, bares = zip(*rounds, strict=True)
    accepted = sum(window.accepted for window in ours)
    finished = sum(window.finished for window in ours)
    faults = world.faults()
    ratio = None
    if agree(accepted, finished) and not faults:
        ratio = median_ratio((w.per_second for w in ours), (w.per_second for w in bares))
    rows: list[tuple[object, ...]] = [
        (
            i,
            our.per_second,
            bare.per_second,
            our.per_second / bare.per_second,
            our.cpu_us,
            bare.cpu_us,
            our.finished / our.accepted,
        )
        for i, (our, bare) in enumerate(rounds, start=1)
    ]
    head = ("round", "lives/s", "bare/s", "ratio", "life us", "bare us", "ended/begun")
    report(
        "lives",
        head,
        rows,
        ratio=ratio,
        floor=FLOOR,
        goal=GOAL,
        lives_per_s=statistics.median(w.per_second for w in ours),
        bare_per_s=statistics.median(w.per_second for w in bares),
        cpu_us=statistics.median(w.cpu_us for w in ours),
        bare_cpu_us=statistics.median(w.cpu_us for w in bares),
        cpu_ratio=median_ratio((w.cpu_us for w in bares), (w.cpu_us for w in ours)),
        begun=accepted,
        ended=finished,
        faults=len(faults),
        retention=options.retention,
        seed=options.seed,
        quick=options.quick,
    )
    return verdict(ratio, FLOOR, quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
