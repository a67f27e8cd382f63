"""A load on a terminal: what was sent, how long it took, and how the generator felt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from simulator.run.load_storm_measured import open_lines, storm_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

_LONG_MS = 1_000  # from here on, nobody reads its tenths
COLUMNS = ("p50", "p90", "p99", "p999", "max")
WORDS: Mapping[str, str] = {
    "api": "planned instant to answer",
    "service": "sending to answer",
    "lateness": "planned instant to sending",
    "poll": "polls, from theirs",
    "receipt": "planned instant to final receipt",
    "callback": "callback due to 2xx",
    "waited": "waiting for a place",
    "ack": "sending to 2xx",
    "whole": "planned instant to 2xx",
}


def show_load(console: Console, load: Mapping[str, Any]) -> None:
    """Print the section `load` of a report."""
    if "counts" not in load:
        return  # it left nothing, or was none
    for line in lines_of(load):
        console.print(f"  {line}", markup=False)
    table = Table("ms of real time", *COLUMNS, "count", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for row in latency_rows(load):
        table.add_row(*row)
    console.print(table)


def latency_rows(load: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield what was timed, its quantiles, and how many; of some, how many of them had ended."""
    for name, words in WORDS.items():
        found = load["latency_ms"].get(name)
        open_ = found.get("open", 0) if found else 0
        if found and found["count"] + open_:
            count = f"{found['count']:,}" + (f" of {found['count'] + open_:,}" if open_ else "")
            yield (words, *(_cell(found, column) for column in COLUMNS), count)


def _cell(found: Mapping[str, Any], column: str) -> str:
    ms = found[column]
    if ms is None:  # it depends on what had not ended
        least = found["at_least"][column]
        return f"≥{int(least):,}" if least >= _LONG_MS else f"≥{least:.1f}"
    return f"{ms:,.0f}" if ms >= _LONG_MS else f"{ms:.1f}"


def lines_of(load: Mapping[str, Any]) -> Iterator[str]:
    """Yield what there is to say of a load besides its latencies."""
    if load["against"] == "callbacks":
        yield from storm_lines(load)
        return
    counts, simulator = load["counts"], load["simulator"]
    results = ", ".join(f"{n:,} {name}" for name, n in counts["results"].items() if n)
    yield (
        f"load    {counts['scheduled']:,} arrivals: {counts['started']:,} started, "
        f"{counts['late']:,} late, {counts['dropped']:,} dropped; {results or 'no answers'}"
    )
    if load["warm_up"]["started"]:
        warm = load["warm_up"]
        yield (
            f"warm-up {warm['started']:,} requests before these, {warm['accepted']:,} messages "
            "accepted: the world's own counts have them in"
        )
    yield from open_lines(load["latency_ms"]["receipt"], "receipts had not come")
    books = load["books"]
    yield f"books   {books['rows']:,} rows: " + "; ".join(
        f"{n:,} {name}" for name, n in books["counts"].items()
    )
    for worker in load["generator"]["workers"]:
        doubt = worker["clock_uncertainty_ms"]
        clock = "" if doubt is None else f", clock {worker['clock_ahead_ms']:+.2f} ms ± {doubt:.2f}"
        lost = ", LOST" if worker["lost"] else ""
        yield (
            f"worker  {worker['worker']}: {worker['started']:,} started, at most "
            f"{worker['cpu_max']:.0%} of a core, {worker['lag_ms_max']:.0f} ms behind{clock}{lost}"
        )
    yield (
        f"simulator at most {simulator['busiest']:.0%} busy in {simulator['window_s']:g} s "
        f"(limit {simulator['at_most']:.0%}), {simulator['lag_s'] * 1000:.0f} ms behind its clock"
    )
