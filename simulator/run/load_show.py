"""A load on a terminal: what was sent, how long it took, and how the generator felt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from simulator.run.load_storm_measured import storm_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

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
    table = Table("ms of real time", *COLUMNS, "count")
    for name, words in WORDS.items():
        found = load["latency_ms"].get(name)
        if found and found["count"]:
            shown = (f"{found[column]:,.1f}" for column in COLUMNS)
            table.add_row(words, *shown, f"{found['count']:,}")
    console.print(table)


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
