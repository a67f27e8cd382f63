"""Reconciling a million claims with a million messages, against a pandas outer merge of both.

Each side is a process of its own that gets the same texts and numbers, a batch at a time, keeps
them in its own kind of table, and then joins. Ours also judges: it puts every row in its class,
adds up the money and finds what was sent twice. Pandas only merges, on the own id. Rates are claims
a second of the join alone; memory is the process's peak, tables included, less what its imports
take.

    python benchmarks/bench_reconcile.py [--rows 1000000 --rounds 5 --wrong 0.01 --quick]

Exit code: 0 at least as fast with at most as much memory; 1 not; 3 no figure (pandas is missing:
pip install 'todoku[bench]').
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from harness import BELOW, NO_FIGURE, OK, report

from simulator.core.message import State
from simulator.verify.claims import Claim, ClaimedState, ClaimedTotals, ClaimRows, Claims
from simulator.verify.facts import Fact, Facts
from simulator.verify.reconcile import reconcile

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 1 << 16
_PRICE = 15_000_000
_STATES = ("delivered",) * 19 + ("undelivered",)


def main() -> int:
    """Measure, and print; or be one of the processes that are measured."""
    options = _arguments()
    if options.side:
        print(json.dumps(_SIDES[options.side](options)))
        return OK
    if importlib.util.find_spec("pandas") is None:
        print("no figure: pandas is missing; pip install todoku[bench]", file=sys.stderr)
        return NO_FIGURE
    found: dict[str, list[dict[str, float]]] = {"ours": [], "pandas": []}
    for _ in range(options.rounds):
        for side, results in found.items():
            results.append(_child(side, options))
    ours, theirs = found["ours"], found["pandas"]
    rows = []
    for n, (a, b) in enumerate(zip(ours, theirs, strict=True), start=1):
        rates = options.rows / a["join_s"], options.rows / b["join_s"]
        peaks = a["peak_bytes"] / 1e6, b["peak_bytes"] / 1e6
        rows.append((n, *rates, rates[0] / rates[1], *peaks, peaks[0] / peaks[1]))
    speed, memory = (statistics.median(row[column] for row in rows) for column in (3, 6))
    report(
        "reconcile",
        ("round", "ours rows/s", "pandas rows/s", "ratio", "ours MB", "pandas MB", "ratio"),
        rows,
        ratio=speed,
        memory_ratio=memory,
        rows_per_s=options.rows / statistics.median(a["join_s"] for a in ours),
        peak_mb=statistics.median(a["peak_bytes"] for a in ours) / 1e6,
        findings=ours[0]["findings"],
        unmatched_pandas=theirs[0]["unmatched"],
        claims=options.rows,
        quick=options.quick,
    )
    return OK if options.quick or (speed >= 1 and memory <= 1) else BELOW


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="claims, and messages")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wrong", type=float, default=0.01, help="share of claims that are wrong")
    parser.add_argument("--side", choices=("ours", "pandas"), help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="a smoke test: the figures are poor")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.rounds = min(options.rows, 20_000), 2
    return options


def _child(side: str, options: argparse.Namespace) -> dict[str, float]:
    flags = [f"--side={side}", f"--rows={options.rows}", f"--wrong={options.wrong}"]
    ran = subprocess.run(
        [sys.executable, __file__, *flags], check=True, stdout=subprocess.PIPE, timeout=900
    )
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def _claims(rows: int, wrong: float) -> Iterator[tuple[str, str, str, str, int, int]]:
    """Yield the same in another order, some lost, some of another state, some invented."""
    every = max(int(1 / wrong), 1) if wrong else 0
    step = next(p for p in (7_368_787, 9_999_991) if rows % p)  # a prime: each number comes once
    for n in range(rows):
        m = n * step % rows
        own, provider, to, state, units, micros = _message(m)
        if every and n % every == 0:
            which = n // every % 3
            own = f"stranger-{m}" if which == 0 else own
            provider = f"SM{own}" if which == 0 else provider
            state = "sent" if which == 1 else state
            micros += _PRICE if which == 2 else 0
        yield own, provider, to, state, units, micros


def _message(n: int) -> tuple[str, str, str, str, int, int]:
    state = _STATES[n % 20]
    units = 1 if state == "delivered" else 0
    return (
        f"spring-{n:07d}-1",
        f"SM{n * 2654435761:032x}",
        f"+8190{n:08d}",
        state,
        units,
        units * _PRICE,
    )


def _ours(options: argparse.Namespace) -> dict[str, float]:
    before = _peak()
    told = {"delivered": State.DELIVERED, "undelivered": State.UNDELIVERED}
    states = {state.value: state for state in ClaimedState}
    facts = Facts.of(
        Fact(
            key=n,
            own_id=own,
            provider_id=provider,
            to=to,
            fate=told[state],
            known=told[state],
            told=told[state],
            units=units,
            micros=micros,
            currency="JPY",
            policy="jp-success-billed",
            accepted_us=1_772_409_600_000_000 + n,
            text=n % 97 + 1,
        )
        for n, (own, provider, to, state, units, micros) in enumerate(
            map(_message, range(options.rows))
        )
    )
    rows = ClaimRows.of(
        Claim(own, provider, to, states[state], units, micros)
        for own, provider, to, state, units, micros in _claims(options.rows, options.wrong)
    )
    claims = Claims("JPY", rows, ClaimedTotals())
    began = time.perf_counter()
    judged = reconcile(claims, facts)
    join_s = time.perf_counter() - began
    assert judged.amount_micros == rows.micros_in_all - facts.micros_in_all
    return {
        "join_s": join_s,
        "peak_bytes": _peak() - before,
        "findings": len(judged.findings),
    }


def _pandas(options: argparse.Namespace) -> dict[str, float]:
    import pandas as pd  # noqa: PLC0415 - one side's only

    before = _peak()
    names = ["own_id", "provider_id", "to", "state", "units", "micros"]
    facts = _frame(pd, names, map(_message, range(options.rows)))
    claims = _frame(pd, names, _claims(options.rows, options.wrong))
    began = time.perf_counter()
    merged = claims.merge(facts, on="own_id", how="outer", indicator=True)
    join_s = time.perf_counter() - began
    return {
        "join_s": join_s,
        "peak_bytes": _peak() - before,
        "unmatched": int((merged["_merge"] != "both").sum()),
    }


def _frame(pd: object, names: list[str], rows: Iterator[tuple[object, ...]]) -> object:
    """Make a frame a batch at a time, so that its peak is not that of a list of tuples."""
    frames = []
    while batch := list(islice(rows, BATCH)):
        frames.append(pd.DataFrame(batch, columns=names))  # type: ignore[attr-defined]
    return pd.concat(frames, ignore_index=True)  # type: ignore[attr-defined]


def _peak() -> int:
    """Return the most memory that this process has had, bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)) * 1024


_SIDES = {"ours": _ours, "pandas": _pandas}

if __name__ == "__main__":
    sys.exit(main())
