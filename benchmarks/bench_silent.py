"""What 5,000 silent connections do to another client's p99.

Two servers are loaded in turn, one with a crowd that sends nothing or half a head, one without; the
figure is the median of the rounds' ratios. The server shows a silent connection out within ten
seconds, and whoever was shown out comes again at once, so the crowd is always there and always
coming: what an attacker with one machine would do.

    python benchmarks/bench_silent.py [--seconds 40 --rounds 5 --count 5000 --quick]

Exit code: 0; 1 above the goal; 3 no figure: the crowd was not all there.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

from child import Child
from harness import BELOW, NO_FIGURE, OK, Wrk, cores, median_ratio, need_wrk, report

P99_RATIO_MAX = 2.0
_CONNECTIONS = 8
_THERE = 0.9  # of the crowd, at the end of every round, to be called a crowd


def main() -> int:
    """Measure, and print."""
    options = _arguments()
    need_wrk()
    server_core, load_core = cores()
    common = {"core": server_core, "seed": options.seed, "rate": 1}
    with (
        Child("served.py", **common) as crowded,
        Child("served.py", **common) as calm,
        Child("silent.py", core=load_core, url=crowded.ready["url"], count=options.count) as crowd,
    ):
        seconds, first = options.seconds / options.rounds, 0
        rounds: list[tuple[float, float]] = []
        there: list[dict[str, Any]] = []
        for _ in range(1 + options.rounds):  # the first warms up
            pair = []
            for child in (crowded, calm):
                with Wrk(child.ready["url"], seconds, first=first, connections=_CONNECTIONS) as wrk:
                    result = wrk.result()
                first += result["requests"]
                pair.append(result["p99_us"] / 1000)
            rounds.append((pair[0], pair[1]))
            there.append(crowd.ask())
    return _show(options, rounds[1:], there)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40, help="of load on each server")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=5_000, help="silent connections")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a smoke test: the figure is poor")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.count = 4, 2, 1_000
    return options


def _show(
    options: argparse.Namespace, rounds: list[tuple[float, float]], there: list[dict[str, Any]]
) -> int:
    least = min(found["inside"] for found in there)
    ratio = None
    if least >= _THERE * options.count:
        ratio = median_ratio((crowded for crowded, _ in rounds), (calm for _, calm in rounds))
    report(
        "silent",
        ("round", f"p99 ms with {options.count:,}", "with none", "ratio"),
        [(i, *pair, pair[0] / pair[1]) for i, pair in enumerate(rounds, start=1)],
        p99_ratio=ratio,
        p99_ratio_max=P99_RATIO_MAX,
        p99_ms=statistics.median(crowded for crowded, _ in rounds),
        p99_ms_calm=statistics.median(calm for _, calm in rounds),
        count=options.count,
        inside_least=least,
        shown_out=there[-1]["shown_out"],
        failed=there[-1]["failed"],
        seconds=options.seconds,
        seed=options.seed,
        quick=options.quick,
    )
    if ratio is None:
        return NO_FIGURE
    return OK if options.quick or ratio <= P99_RATIO_MAX else BELOW


if __name__ == "__main__":
    sys.exit(main())
