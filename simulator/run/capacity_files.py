"""What a search leaves in its folder: `capacity.json`, `capacity.csv` and `capacity.svg`.

The one rule: the table and the document are written after each step, so that a search that was
ended half-way has left what it knew.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.load.bottleneck import bottleneck
from simulator.load.finder import End
from simulator.load.usl import fit
from simulator.run.capacity_plot import svg
from simulator.run.capacity_verdict import verdict

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.load.bottleneck import Bottleneck
    from simulator.load.finder import Found, Plan, Step
    from simulator.load.usl import Law, Untold
    from simulator.run.capacity_step import Measured
    from simulator.scenario import Scenario

SCHEMA = "todoku/capacity/1"
DOCUMENT, TABLE, PICTURE = "capacity.json", "capacity.csv", "capacity.svg"
FILES = (DOCUMENT, TABLE, PICTURE)
STEPS = "steps"  # the folder with a folder for each step
_COLUMNS = ("step", "rate", "met", "achieved", "p50_ms", "p99_ms", "concurrency", "seconds", "why")


@dataclass(slots=True)
class Search:
    """A search, under way or over.

    Attributes:
        found: None until it is over.
        at_least: what was asked of it, a second.
    """

    scenario: Scenario
    plan: Plan
    out: Path
    at_least: float | None = None
    measured: list[Measured] = field(default_factory=list)
    found: Found | None = None
    interrupted: bool = False

    @property
    def steps(self) -> list[Step]:
        """All steps so far, in order."""
        return [each.step for each in self.measured]

    def bottleneck(self) -> Bottleneck | None:
        """Return what stood in the way: of the rate above the knee, or of the last step."""
        if self.found is None or self.found.end is End.BEYOND or not self.measured:
            return None
        at = self.measured[-1]
        if self.found.end is not End.BROKE:
            above = [each for each in self.measured if each.step.rate == self.found.fails_at]
            at = next((each for each in above if each.step.met is False), at)
        met = (each for each in self.measured if each.step.rate == self.found.knee)
        knee = next((each for each in met if each.step.met), None)
        then = knee.step.p99_ms if knee else None
        signs = knee.signs if knee else None
        return bottleneck(at.signs, at.step.why, (then, at.step.p99_ms), signs)

    def law(self) -> Law | Untold:
        """Return the scalability law of the steps that say something."""
        seen = [s for s in self.steps if s.met is not None and s.concurrency]
        return fit([s.concurrency or 0.0 for s in seen], [s.achieved for s in seen])

    def document(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        narrow, law = self.bottleneck(), self.law()
        why = narrow.words if narrow else ""
        code, words = verdict(self.found, self.at_least, why, interrupted=self.interrupted)
        values = {
            "schema": SCHEMA,
            "verdict": {"exit_code": int(code), "words": words},
            "scenario": {"name": self.scenario.name, "seed": self.scenario.seed},
            "at_least": self.at_least,
            "plan": self.plan,
            "found": self.found,
            "bottleneck": narrow,
            "law": law,
            "steps": self.measured,
        }
        plain: dict[str, Any] = msgspec.to_builtins(values)
        return plain

    def write(self) -> None:
        """Write the document and the table as they are now."""
        encoded = msgspec.json.format(msgspec.json.encode(self.document()), indent=1)
        (self.out / DOCUMENT).write_bytes(encoded + b"\n")
        with (self.out / TABLE).open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(_COLUMNS)
            for nth, step in enumerate(self.steps, 1):
                rows.writerow([nth, *(_cell(getattr(step, name)) for name in _COLUMNS[1:])])

    def draw(self) -> None:
        """Write the picture, if there is anything to show."""
        if self.found is not None and any(step.met is not None for step in self.steps):
            title = self.scenario.title or self.scenario.name
            svg(self.out / PICTURE, self.steps, self.found, title)


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else value
