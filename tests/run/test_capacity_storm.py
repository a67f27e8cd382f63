"""A step of a search over callbacks, from the section that its storm left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from simulator.errors import ExitCode
from simulator.load.bottleneck import Who, bottleneck
from simulator.run.capacity_step import measured

if TYPE_CHECKING:
    from pathlib import Path

RATE = 100


def left(folder: Path, **changes: Any) -> Path:
    """Leave what a storm of four seconds at 100/s leaves."""
    whole = {"count": 390, "open": 10, "p50": 4.5, "p99": None, "at_least": {"p99": 2_000.0}}
    load = {
        "against": "callbacks",
        "counts": {"scheduled": 400, "started": 400, "dropped": 0},
        "latency_ms": {"whole": whole, "ack": {"count": 390, "open": 0, "mean": 4.0}},
        "callbacks": {
            "attempts_by_result": {"2xx": 390, "5xx": 10},
            "under_way_max": 8,
            "under_way_limit": 32,
            "seconds": [{"at_s": n, "acknowledged": 90 + n} for n in range(6)],
        },
        "simulator": {"busiest": 0.25},
    }
    for path, value in changes.items():
        at: Any = load
        *names, last = path.split("__")
        for name in names:
            at = at[name]
        at[last] = value
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(msgspec.json.encode({"load": load}))
    return folder


def test_a_storm_is_a_step_like_any_other(tmp_path: Path) -> None:
    got = measured(left(tmp_path / "03-100"), RATE, ExitCode.FAILED, "FAIL: too slow", 7)
    step = got.step
    assert (step.rate, step.met, step.why, step.seconds) == (RATE, False, "too slow", 7)
    assert step.achieved == (90 + 91 + 92) / 3  # the fourth second may have ended early
    assert (step.p50_ms, step.p99_ms) == (4.5, 2_000)  # at least: ten never came
    assert step.concurrency == pytest.approx(97.5 * 0.004)
    assert got.signs.broken == pytest.approx(0.025)
    assert bottleneck(got.signs, "", (1, 2_000)).who is Who.SYSTEM


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({"counts__dropped": 5, "callbacks__under_way_max": 32}, False),
        ({"counts__dropped": 5}, None),  # places were free: it was not the system
        ({"callbacks__under_way_max": 32}, None),
        (
            {
                "counts__dropped": 5,
                "callbacks__under_way_max": 32,
                "simulator__busiest": 0.9,
            },
            None,
        ),
    ],
)
def test_what_could_not_be_called_for_want_of_answers_is_the_system_s(
    tmp_path: Path, changes: dict[str, Any], met: bool | None
) -> None:
    got = measured(left(tmp_path / "x", **changes), RATE, ExitCode.PROVES_NOTHING, "dropped", 7)
    assert got.step.met is met


def test_a_storm_in_which_nothing_was_due_has_no_latency(tmp_path: Path) -> None:
    nothing = {"count": 0, "open": 0, "p50": None, "p99": None, "at_least": {}, "mean": None}
    folder = left(tmp_path / "x", latency_ms={"whole": nothing, "ack": nothing})
    step = measured(folder, RATE, ExitCode.PROVES_NOTHING, "PROVES NOTHING: none", 7).step
    assert (step.met, step.why, step.p50_ms, step.concurrency) == (None, "none", None, None)
