"""A million lives through the gateway without HTTP, every view attached, with retention on.

Shows three things: memory is flat (less than 10% growth over the last half), the counters are exact
(against counts kept here, apart from the views), and pruning does not move the digest (the same
lives again in a second process that prunes nothing).

    python benchmarks/million_lives.py [--lives N --people N --retention N --callbacks]
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from simulator.core.command import Submission as Send
from simulator.core.message import FINAL, Account, Call, Message, Outcome, OutcomeKind, State
from simulator.core.number import japan_unassigned
from simulator.core.text import count
from simulator.engine.gateway import BATCH
from simulator.engine.world import Options, World

START_US = 1_748_822_400_000_000  # 2025-06-02T00:00:00Z
SECOND_US = 1_000_000
LIVES_PER_VIRTUAL_SECOND = 4  # a steady state needs lives to end while others begin
BODY = "【サンプル商店】ご予約は明日15時です。変更は03-0000-0000、配信停止はSTOPと返信。"
GROWTH_MAX = 0.10
ANSWERED = Outcome(OutcomeKind.ANSWERED, 200)
NOTIFY = sum(1 << state for state in (State.SENT, *FINAL))


def main() -> int:
    """Run the pruned world here and the unpruned one in a second process; compare."""
    options = _arguments()
    result = run(options, show=not options.quiet)
    if options.quiet:
        print(json.dumps(result))
        return 0
    arguments = [str(Path(__file__)), "--quiet", "--lives", str(options.lives)]
    arguments += ["--people", str(options.people), "--retention", str(4 * options.lives)]
    arguments += ["--callbacks"] if options.callbacks else []
    second = subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE)
    unpruned = json.loads(second.stdout)
    print(f"digest  pruned {result['digest']}   ({result['pruned']:,} messages pruned)")
    print(f"      unpruned {unpruned['digest']}   ({unpruned['pruned']:,} messages pruned)")
    for unit in ("s", "cpu_s"):
        each = f"lives_per_{unit}"
        print(f"{each:15s} {result[each]:,} pruned, {unpruned[each]:,} unpruned")
    print(f"rss     {result['rss_mb'][-1]} MB pruned, {unpruned['rss_mb'][-1]} MB unpruned")
    wrong = []
    if result["digest"] != unpruned["digest"] or result["tally"] != unpruned["tally"]:
        wrong.append("pruning moved the digest or a counter")
    if unpruned["pruned"] or not result["pruned"]:
        wrong.append("the two runs do not differ in pruning")
    if result["growth"] >= GROWTH_MAX:
        wrong.append(f"memory grew by {result['growth']:.1%} over the last half")
    print(json.dumps({"benchmark": "million_lives", **result, "unpruned": unpruned}))
    print("ok" if not wrong else "FAILED: " + "; ".join(wrong))
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--retention", type=int, default=100_000)
    parser.add_argument("--callbacks", action="store_true", help="two callbacks a life, answered")
    parser.add_argument("--quiet", action="store_true", help="one JSON line only")
    return parser.parse_args()


def run(options: argparse.Namespace, *, show: bool) -> dict[str, object]:
    """Live all lives in one world and hold its counters against our own counts."""
    world = World("bench", Options(retention=options.retention))
    world.configure(Account(id="bench", dialect="native"), START_US)
    gateway = world.gateway
    ours: Counter[str] = Counter()
    rss_mb, began, cpu_began = [], time.perf_counter(), time.process_time()
    for tenth, sends in enumerate(_tenths(options), start=1):
        for at_us, send in sends:
            if (due_us := gateway.next_due()) is not None and due_us <= at_us:
                _run_until(world, at_us, ours)
            answer = gateway.submit(send, at_us)
            ours["accepted"] += isinstance(answer, Message)
            ours["refused"] += not isinstance(answer, Message)
        rss_mb.append(_rss_mb())
        if show:
            took = time.perf_counter() - began
            done = tenth * options.lives // 10
            print(
                f"{tenth * 10:3d}%  {rss_mb[-1]:5d} MB  {done / took:8,.0f} lives/s  "
                f"live {len(world.store.live):7,}  kept {len(world.store.finished):7,}  "
                f"pruned {world.store.pruned:9,}",
                flush=True,
            )
    while (due_us := gateway.next_due()) is not None:
        _run_until(world, due_us + 3600 * SECOND_US, ours)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    rss_mb.append(_rss_mb())
    half = rss_mb[4]
    return {
        "lives": options.lives,
        "lives_per_s": round(options.lives / took),
        "lives_per_cpu_s": round(options.lives / cpu),
        "digest": world.log.digest(),
        "pruned": world.store.pruned,
        "rss_mb": rss_mb,
        "growth": max(rss_mb[5:10]) / half - 1,
        "tally": _checked(world, ours),
    }


def _tenths(options: argparse.Namespace) -> Iterator[Iterator[tuple[int, Send]]]:
    size, gap_us = options.lives // 10, SECOND_US // LIVES_PER_VIRTUAL_SECOND
    encoding, segments = count(BODY)
    notify = NOTIFY if options.callbacks else 0
    url = "http://127.0.0.1/" if options.callbacks else ""

    def send(i: int) -> tuple[int, Send]:
        to = japan_unassigned(i * 7919 % options.people)
        words = Send(
            "bench",
            to,
            "JP",
            "12345",
            BODY,
            encoding,
            segments,
            callback_url=url,
            notify=notify,
            can_reply=True,
        )
        return START_US + i * gap_us, words

    for tenth in range(10):
        yield map(send, range(tenth * size, (tenth + 1) * size))


def _run_until(world: World, at_us: int, ours: Counter[str]) -> None:
    gateway = world.gateway
    while True:
        ran = gateway.run_due(at_us)
        for effect in gateway.take_effects():
            assert isinstance(effect, Call)
            ours["callbacks"] += 1
            gateway.settle(effect, ANSWERED)
        if ran < BATCH:
            return


def _checked(world: World, ours: Counter[str]) -> dict[str, int]:
    """Return the counters, after asserting that each agrees with every other book."""
    tally = world.truth.tallies["bench"]
    fates = {state.name.lower(): tally.fated(state) for state in sorted(FINAL)}
    known = {state.name.lower(): tally.known[state] for state in sorted(FINAL)}
    refused = sum(world.truth.refused.values())
    segments = count(BODY)[1]
    units = sum(i.units + i.excluded_units for i in world.ledger.invoices())
    assert world.faults() == [], world.faults()
    assert (tally.accepted, refused) == (ours["accepted"], ours["refused"])
    assert tally.callbacks == ours["callbacks"]
    assert fates == known
    assert sum(fates.values()) == tally.accepted == world.store.shelves["bench"].accepted
    assert units == segments * tally.accepted == tally.segments
    assert len(world.store.finished) + world.store.pruned == tally.accepted + tally.inbound
    assert not world.store.live
    gc.collect()
    others = ("noticed", "opened", "replied", "stopped", "opted_out", "inbound", "callbacks")
    return {
        "accepted": tally.accepted,
        "refused": refused,
        **fates,
        **{name: getattr(tally, name) for name in others},
    }


def _rss_mb() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    sys.exit(main())
