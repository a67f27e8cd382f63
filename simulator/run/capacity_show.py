"""A search for the knee on a terminal: a line for each step, and at the end tables and pictures."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.load.usl import Law
from simulator.run.capacity_files import PICTURE
from simulator.run.capacity_plot import terminal

if TYPE_CHECKING:
    from simulator.load.finder import Ask, Step
    from simulator.load.usl import Estimate
    from simulator.run.capacity_files import Search

_STYLES = {True: "green", False: "bold red", None: "yellow"}
_SAID = {True: "met", False: "not met", None: "proves nothing"}


def line(nth: int, step: Step) -> str:
    """Return what came of a step, in one line."""
    p99 = "" if step.p99_ms is None else f", p99 {step.p99_ms:.3g} ms"
    why = f": {step.why}" if step.why else ""
    numbers = f"{step.achieved:.4g}/s done{p99}, {step.seconds:.0f} s"
    return f"step {nth}: {step.rate:g}/s {_SAID[step.met]} ({numbers}){why}"


def coming(wanted: Ask, steps: list[Step], guess_s: float) -> str:
    """Return what comes next, and about how much there is left.

    Args:
        wanted: the next step.
        steps: those that are over.
        guess_s: how long one may take, before there is any.
    """
    each_s = fmean(step.seconds for step in steps) if steps else guess_s
    left_s = each_s * (wanted.left + 1)
    left = f"{left_s:.0f} s" if left_s < 100 else f"{left_s / 60:.0f} min"
    more = f"about {wanted.left} more after it, " if wanted.left else ""
    return f"next: {wanted.rate:g}/s ({wanted.why}); {more}{left} in all"


def show(search: Search) -> None:
    """Print a search that is over, but for its verdict."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(title="by rate", title_justify="left")
    for column in ("offered /s", "done /s", "p50 ms", "p99 ms", "under way"):
        table.add_column(column, justify="right")
    table.add_column("")
    for step in sorted(search.steps, key=lambda step: step.rate):
        cells = (step.rate, step.achieved, step.p50_ms, step.p99_ms, step.concurrency)
        table.add_row(*map(_number, cells), Text(_SAID[step.met], _STYLES[step.met]))
    console.print(table)
    if search.found is not None:
        color = console.is_terminal and not console.no_color
        print_as_is(terminal(search.steps, search.found, color=color))
    console.print("  the universal scalability law, done /s against requests under way:")
    for words in _law(search):
        console.print(f"    {words}", markup=False)
    if (search.out / PICTURE).exists():
        console.print(f"  picture: {search.out / PICTURE}", markup=False)


def print_as_is(text: str) -> None:
    """Print lines that have their own colours."""
    if text:
        print(text)


def _law(search: Search) -> list[str]:
    law = search.law()
    if not isinstance(law, Law):
        return [f"no fit: {law.words}"]
    level = f"at {law.confidence:.0%}"
    return [
        f"one alone gets done     {_estimate(law.throughput_of_one)}/s",
        f"contention (sigma)      {_estimate(law.contention)}",
        f"coherency (kappa)       {_estimate(law.coherency)}   (intervals {level})",
        *law.words,
    ]


def _estimate(of: Estimate) -> str:
    low = "?" if of.low is None else f"{of.low:.3g}"
    high = "?" if of.high is None else f"{of.high:.3g}"
    return f"{of.value:.3g} [{low}, {high}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
