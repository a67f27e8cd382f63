"""At what rate of messages three callbacks a message keep pace, against a bare handler's requests.

Messages are offered at a fixed rate to a server in real time; each has callbacks for sending, sent
and its end, to a receiver that does next to nothing. A rate is kept when, within 2%, all that was
due was accepted and three times as many callbacks were answered, none was dropped, and the backlog
did not grow. Short trials find the rate by bisection; long ones confirm it, lower where they must.
Each trial has fresh processes, and the bare handler is measured between them.

    python benchmarks/bench_callbacks.py [--seconds 60 --trials 5 --seed 1 --quick]

Exit code: 0; 1 below the floor; 3 no figure.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from itertools import takewhile

from child import Child
from harness import DIFFERENCE_MAX, agree, cores, measure, need_wrk, report, verdict

FLOOR, GOAL = 0.15, 0.25
CALLBACKS = 3
_HIGHEST = 0.6  # of the bare handler's rate: where the bisection begins
_WARM_S = 9.0  # a receipt is back after 7 s, if the handset is there
_LOWER = 0.95
_CONFIRMATIONS_MAX = 6
_BARE_S = 2.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One rate, tried.

    Attributes:
        answered: callbacks answered 2xx.
        backlog_before, backlog_after: callbacks begun and not answered.
        lag_ms: by how much the world was behind its clock at the end.
        p50_ms, p99_ms: lateness of callbacks: arrival less planned instant.
        wait_ms: the longest that an arrival waited for a free connection.
        busy: share of the load's core that sender and receiver took.
    """

    seconds: float
    rate: float
    sent: int
    accepted: int
    answered: int
    failed: int
    backlog_before: int
    backlog_after: int
    lag_ms: float
    p50_ms: float
    p99_ms: float
    wait_ms: float
    busy: float

    @property
    def keeps_pace(self) -> bool:
        """Whether this rate may be called kept."""
        allowed = self.backlog_before + DIFFERENCE_MAX * CALLBACKS * self.accepted / self.seconds
        return (
            agree(self.rate * self.seconds, self.accepted)
            and agree(CALLBACKS * self.accepted, self.answered)
            and self.backlog_after <= allowed
            and not self.failed
        )


def main() -> int:
    """Search, confirm, and print."""
    options = _arguments()
    need_wrk()
    server_core, load_core = cores()
    trials: list[Trial] = []
    with Child("bare.py", core=server_core) as bare:
        bares = [measure(bare, _BARE_S).per_second]

        def keeps(rate: float, seconds: float) -> bool:
            trials.append(_trial(options.seed, rate, seconds, (server_core, load_core)))
            bares.append(measure(bare, _BARE_S).per_second)
            return trials[-1].keeps_pace

        low, high = 0.0, _HIGHEST * bares[0]
        for _ in range(options.trials):
            middle = (low + high) / 2
            low, high = (middle, high) if keeps(middle, options.short) else (low, middle)
        rates = (low * _LOWER**i for i in range(_CONFIRMATIONS_MAX if low else 0))
        failed = list(takewhile(lambda rate: not keeps(rate, options.seconds), rates))
    kept = trials[-1] if low and len(failed) < _CONFIRMATIONS_MAX else None
    return _show(options, trials, kept, bares)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of the confirming trial")
    parser.add_argument("--short", type=float, default=8, help="seconds of a searching trial")
    parser.add_argument("--trials", type=int, default=5, help="of the search")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a smoke test: the figure is poor")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.short, options.trials = 5, 3, 3
    return options


def _trial(seed: int, rate: float, seconds: float, on: tuple[int, int]) -> Trial:
    server_core, load_core = on
    with Child("served.py", core=server_core, rate=1, seed=seed) as served:
        ready = served.ready
        with (
            Child("receiver.py", core=load_core, offset_us=ready["clock_offset_us"]) as receiver,
            Child(
                "offer.py",
                core=load_core,
                url=ready["url"],
                callback=receiver.ready["url"],
                rate=rate,
            ) as offer,
        ):
            children = (offer, receiver, served)  # the server's clock counts
            time.sleep(_WARM_S)
            begun = {k: v for child in children for k, v in child.ask().items()}
            busy_s = receiver.cpu_seconds() + offer.cpu_seconds()
            time.sleep(seconds)
            ended = {k: v for child in children for k, v in child.ask().items()}
            busy_s = receiver.cpu_seconds() + offer.cpu_seconds() - busy_s
    passed_s = (ended["mono_ns"] - begun["mono_ns"]) / 1e9
    return Trial(
        passed_s,
        rate,
        *(ended[name] - begun[name] for name in ("sent", "accepted", "told")),
        ended["abandoned"] + ended["refused"],
        begun["outstanding"],
        ended["outstanding"],
        ended["lag_us"] / 1000,
        ended["p50_ms"],
        ended["p99_ms"],
        ended["late_ms"],
        busy_s / passed_s,
    )


def _show(
    options: argparse.Namespace, trials: list[Trial], kept: Trial | None, bares: list[float]
) -> int:
    bare = statistics.median(bares)
    ratio = kept.accepted / kept.seconds / bare if kept else None
    head = ("offered/s", "seconds", "accepted/s", "callbacks/s", "backlog", "lag ms", "p50 ms")
    head += ("p99 ms", "wait ms", "load core", "keeps pace")
    rows = [
        (
            trial.rate,
            trial.seconds,
            trial.accepted / trial.seconds,
            trial.answered / trial.seconds,
            f"{trial.backlog_before} to {trial.backlog_after}",
            trial.lag_ms,
            trial.p50_ms,
            trial.p99_ms,
            trial.wait_ms,
            f"{trial.busy:.0%}",
            "yes" if trial.keeps_pace else "no",
        )
        for trial in trials
    ]
    report(
        "callbacks",
        head,
        rows,
        ratio=ratio,
        floor=FLOOR,
        goal=GOAL,
        messages_per_s=kept.accepted / kept.seconds if kept else None,
        callbacks_per_s=kept.answered / kept.seconds if kept else None,
        late_p50_ms=kept.p50_ms if kept else None,
        late_p99_ms=kept.p99_ms if kept else None,
        bare_per_s=bare,
        seconds=options.seconds,
        seed=options.seed,
        quick=options.quick,
    )
    return verdict(ratio, FLOOR, quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
