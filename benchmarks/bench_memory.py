"""What a kept message costs: in the accept's p99, and in bytes.

p99: two servers, one with a million finished messages in memory and one with none, are loaded in
turn; the figure is the median of the rounds' ratios. Bytes: a process takes 200,000 messages, each
with a text of its own, and its growth is divided by them. Live ones have been delivered and wait
for their reader; finished ones have had their whole life. Everything that grows is in it: the
message, its text, its timeline, its share of the log, the indexes.

    python benchmarks/bench_memory.py [--seconds 25 --rounds 5 --kept 1000000 --quick]

Exit code: 0; 1 above a limit; 3 no figure.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from child import Child
from harness import ACCOUNT, BELOW, OK, SECRET, Wrk, cores, median_ratio, need_wrk, report
from lives import SECOND_US, Lives

from simulator.dialects.twilio import new_account
from simulator.engine.world import Options, World

P99_RATIO_MAX = 2.0
GOALS = {"live": 1500, "finished": 1000}  # bytes
_CONNECTIONS = 8
_START_US = 1_748_822_400_000_000  # 2025-06-02T00:00:00Z
_DELIVERED_US = 12 * SECOND_US  # by then a receipt is back, and few have looked
_PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Measure, and print; or be the process that is measured."""
    options = _arguments()
    if options.weigh:
        print(json.dumps(_weigh(options.weigh, options.count, options.seed)))
        return OK
    need_wrk()
    server_core, _ = cores()
    weights = {kind: _weighed(kind, options) for kind in GOALS}
    common = {"core": server_core, "seed": options.seed, "retention": options.kept}
    with (
        Child("served.py", kept=options.kept, **common) as full,
        Child("served.py", **common) as empty,
    ):
        kept = full.ask()["finished"]
        seconds, first = options.seconds / options.rounds, 0
        p99s: list[tuple[float, float]] = []
        for _ in range(1 + options.rounds):  # the first warms up
            pair = []
            for child in (full, empty):
                with Wrk(child.ready["url"], seconds, first=first, connections=_CONNECTIONS) as wrk:
                    result = wrk.result()
                first += result["requests"]
                pair.append(result["p99_us"] / 1000)
            p99s.append((pair[0], pair[1]))
        faults = full.ask()["faults"] + empty.ask()["faults"]
    return _show(options, p99s[1:], weights, kept, faults)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=25, help="of load on each server")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kept", type=int, default=1_000_000, help="messages kept")
    parser.add_argument("--count", type=int, default=200_000, help="messages weighed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weigh", choices=sorted(GOALS), help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="a smoke test: the figures are poor")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.kept, options.count = 4, 2, 20_000, 20_000
    return options


def _weighed(kind: str, options: argparse.Namespace) -> dict[str, float]:
    flags = [f"--weigh={kind}", f"--count={options.count}", f"--seed={options.seed}"]
    ran = subprocess.run(
        [sys.executable, __file__, *flags], check=True, stdout=subprocess.PIPE, timeout=600
    )
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def _weigh(kind: str, count: int, seed: int) -> dict[str, float]:
    """In a process of its own: take messages in, and see how it grows."""
    world = World("bench", Options(seed=seed, retention=count))
    world.configure(new_account(ACCOUNT, SECRET), _START_US)
    lives = Lives(world, _START_US)
    gc.collect()
    before = _resident_bytes()
    if kind == "finished":
        lives.run(count)
        lives.drain()
    else:
        lives.burst(count)
        lives.run_due(_START_US + _DELIVERED_US)
    gc.collect()
    grown = _resident_bytes() - before
    return {"bytes": grown / count, "live": len(world.store.live) / count}


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def _show(
    options: argparse.Namespace,
    p99s: list[tuple[float, float]],
    weights: dict[str, dict[str, float]],
    kept: int,
    faults: int,
) -> int:
    ratio = median_ratio((full for full, _ in p99s), (empty for _, empty in p99s))
    bytes_each = {kind: weight["bytes"] for kind, weight in weights.items()}
    rows: list[tuple[object, ...]] = [
        (f"p99 ms, round {i}", full, empty, full / empty)
        for i, (full, empty) in enumerate(p99s, start=1)
    ]
    rows += [
        (f"bytes, {kind}", each, GOALS[kind], each / GOALS[kind])
        for kind, each in bytes_each.items()
    ]
    report(
        "memory",
        ("what", f"with {kept:,} / seen", "with none / goal", "ratio"),
        rows,
        p99_ratio=ratio,
        p99_ratio_max=P99_RATIO_MAX,
        p99_ms=statistics.median(full for full, _ in p99s),
        p99_ms_empty=statistics.median(empty for _, empty in p99s),
        kept=kept,
        **{f"bytes_{kind}": round(each) for kind, each in bytes_each.items()},
        **{f"bytes_{kind}_goal": goal for kind, goal in GOALS.items()},
        live_share=weights["live"]["live"],
        count=options.count,
        faults=faults,
        seed=options.seed,
        quick=options.quick,
    )
    return OK if options.quick or (ratio <= P99_RATIO_MAX and not faults) else BELOW


if __name__ == "__main__":
    sys.exit(main())
