"""A search for the knee as pictures: on a terminal, and as one SVG that needs nothing beside it.

Two of them over each other, with the offered rate along both: what was done, and the p99 in a
logarithm. The knee is the upright line; a dot is a step that was met, a cross one that was not.
"""

from __future__ import annotations

from math import ceil, floor, log10
from statistics import median
from typing import TYPE_CHECKING

from simulator.load.finder import knees
from simulator.run.plot import svg as drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.load.finder import Found, Step

WIDTH, HEIGHT = 60, 11  # of one picture on a terminal, in characters
_MET, _FAILED, _KNEE = "#1b6e3c", "#b3261e", "#555555"


def terminal(steps: Sequence[Step], found: Found, *, color: bool = False) -> str:
    """Return both pictures as text; empty where no step says anything."""
    from uniplot import plot_to_string  # noqa: PLC0415 - extra [load]

    usable = knees(steps)
    if not usable:
        return ""
    lines = [] if found.knee is None else [found.knee]
    pictures = []
    for title, unit, value, log in (
        ("finished /s, against offered /s", "/s", _achieved, False),
        ("p99 ms, against offered /s", "ms", _p99, True),
    ):
        rates, values = _middles(usable, value)
        if rates:
            pictures.append(
                plot_to_string(
                    values,
                    rates,
                    lines=True,
                    y_as_log=log,
                    y_unit=unit,
                    x_unit="/s",
                    x_min=0,
                    y_min=_decades(values)[0] if log else 0,
                    y_max=_decades(values)[1] if log else max(values),
                    x_gridlines=lines,
                    title=title,
                    width=WIDTH,
                    height=HEIGHT,
                    color=["blue"] if color else False,
                )
            )
    return "\n".join(pictures)


def svg(path: Path, steps: Sequence[Step], found: Found, title: str) -> None:
    """Write both pictures into a file."""

    def draw(figure: Figure) -> None:
        done, late = figure.subplots(2, 1, sharex=True)
        figure.suptitle(title, parse_math=False, fontsize=12)
        done.set_title(found.words, parse_math=False, fontsize=10, color=_KNEE)
        _done(done, steps)
        _late(late, steps)
        for axes in (done, late):
            axes.grid(visible=True, color="#e6e6e6")
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
            _mark(axes, found)
        done.legend(loc="upper left", frameon=False)

    path.write_bytes(drawn(draw, (8, 7)))


def _done(axes: Axes, steps: Sequence[Step]) -> None:
    most = max(step.rate for step in steps) if steps else 1.0
    axes.plot([0, most], [0, most], ":", color="#999999", label="all that was offered")
    _series(axes, steps, _achieved)
    axes.set_ylabel("finished without a failure, /s")
    axes.set_ylim(bottom=0)


def _late(axes: Axes, steps: Sequence[Step]) -> None:
    _series(axes, steps, _p99)
    axes.set_yscale("log")
    axes.set_ylim(*_decades([step.p99_ms for step in steps if step.p99_ms]))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(lambda _value, _place: "")
    axes.set_ylabel("p99 from the intended instant, ms")
    axes.set_xlabel("offered, arrivals /s")
    axes.set_xlim(left=0)


def _series(axes: Axes, steps: Sequence[Step], value: Callable[[Step], float | None]) -> None:
    axes.plot(*_middles(knees(steps), value), "-", color="#7aa6c2", linewidth=1.5)
    for met, marker, color, label in (
        (True, "o", _MET, "a step that met everything"),
        (False, "x", _FAILED, "a step that did not"),
    ):
        dots = [(step.rate, y) for step in steps if step.met is met and (y := value(step))]
        if dots:
            rates, values = zip(*dots, strict=True)
            axes.scatter(rates, values, marker=marker, color=color, s=28, label=label)


def _mark(axes: Axes, found: Found) -> None:
    if found.knee is None:
        return
    axes.axvline(found.knee, color=_KNEE, linewidth=1.2, label=f"the knee, {found.knee:g}/s")
    if found.fails_at is not None:
        axes.axvspan(found.knee, found.fails_at, color=_KNEE, alpha=0.12, linewidth=0)


def _middles(
    steps: Sequence[Step], value: Callable[[Step], float | None]
) -> tuple[list[float], list[float]]:
    """Return each rate with the median of its steps, by rate; only what can be drawn."""
    by_rate: dict[float, list[float]] = {}
    for step in steps:
        if found := value(step):
            by_rate.setdefault(step.rate, []).append(found)
    return list(by_rate), [median(values) for values in by_rate.values()]


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """Return the powers of ten around some values, so that each label is a round number."""
    if not values:
        return 1.0, 10.0
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return 10.0**low, 10.0 ** max(high, low + 1)


def _achieved(step: Step) -> float | None:
    return step.achieved


def _p99(step: Step) -> float | None:
    return step.p99_ms
