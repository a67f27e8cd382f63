"""How many messages a second the Twilio create accepts, against a bare handler.

The server lives every message to its end in scaled time, and keeps as many as it always keeps.
Rounds alternate (ours, bare), each in steady state; the figure is the median of their ratios. If
what was completed differs from what was accepted by over 2%, there is no figure: the server would
have been putting work off.

    python benchmarks/bench_accept.py [--seconds 30 --rounds 5 --rate 20000 --seed 1 --quick]

Exit code: 0; 1 below the floor; 3 no figure.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from child import Child
from harness import (
    NO_FIGURE,
    Window,
    Wrk,
    agree,
    cores,
    measure,
    median_ratio,
    need_wrk,
    reply_bytes,
    report,
    verdict,
)

FLOOR, GOAL = 0.6, 1.0
_WARM_S = 2.0  # longer than the longest life: ten virtual hours, of those whose phone is off
_SIZE_DIFFERENCE_MAX = 16  # bytes of reply, of a thousand


def main() -> int:
    """Measure, and print."""
    options = _arguments()
    need_wrk()
    server_core, _ = cores()
    served = Child(
        "served.py",
        core=server_core,
        rate=options.rate,
        retention=options.retention,
        seed=options.seed,
        routes=options.routes,
    )
    with served:
        with Child("bare.py", core=server_core) as probe:
            filler = reply_bytes(served.ready["url"]) - reply_bytes(probe.ready["url"])
        with Child("bare.py", core=server_core, filler=max(filler, 0)) as bare:
            sizes = [reply_bytes(each.ready["url"]) for each in (served, bare)]
            if abs(sizes[0] - sizes[1]) > _SIZE_DIFFERENCE_MAX:
                print(f"no figure: replies of {sizes[0]} and {sizes[1]} bytes", file=sys.stderr)
                return NO_FIGURE
            rounds = _rounds(options, served, bare)
            faults = served.ask()["faults"]
    return _show(options, rounds, sizes[0], faults)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="steady state, all rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=20_000, help="virtual per real seconds")
    parser.add_argument("--retention", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--routes", type=int, default=200, help="registered, of all providers")
    parser.add_argument("--quick", action="store_true", help="a smoke test: the figure is poor")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.retention = 4, 2, 5_000
    return options


def _rounds(options: argparse.Namespace, served: Child, bare: Child) -> list[tuple[Window, Window]]:
    seconds, first = options.seconds / options.rounds, 0
    while not served.ask()["pruned"]:  # steady state: each new message drives out an old one
        with Wrk(served.ready["url"], 2, first=first) as wrk:
            first += wrk.result()["requests"]
    measure(bare, 1)
    rounds = []
    for _ in range(options.rounds):
        ours = measure(served, seconds, warm_s=_WARM_S, first=first)
        first += ours.sent
        rounds.append((ours, measure(bare, seconds)))
    return rounds


def _show(
    options: argparse.Namespace, rounds: list[tuple[Window, Window]], size: int, faults: int
) -> int:
    ours, bares = zip(*rounds, strict=True)
    accepted = sum(window.accepted for window in ours)
    finished = sum(window.finished for window in ours)
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
    head = ("round", "ours/s", "bare/s", "ratio", "ours us", "bare us", "lives/accepts")
    report(
        "accept",
        head,
        rows,
        ratio=ratio,
        floor=FLOOR,
        goal=GOAL,
        accepts_per_s=statistics.median(w.per_second for w in ours),
        bare_per_s=statistics.median(w.per_second for w in bares),
        cpu_us=statistics.median(w.cpu_us for w in ours),
        bare_cpu_us=statistics.median(w.cpu_us for w in bares),
        cpu_ratio=median_ratio((w.cpu_us for w in bares), (w.cpu_us for w in ours)),
        accepted=accepted,
        finished=finished,
        faults=faults,
        reply_bytes=size,
        seconds=sum(w.seconds for w in ours),
        rate=options.rate,
        routes=options.routes,
        seed=options.seed,
        quick=options.quick,
    )
    return verdict(ratio, FLOOR, quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
