"""The mutation test: the example's bugs against the scenarios, two runs at a time.

    python -m tests.run.mutants     every bug against every scenario, written to docs/mutants.md

The one rule: a bug is caught where the run ends with exit code 1, and where it is to be caught the
findings are, row by row, what the bug confesses.
"""

from __future__ import annotations

import json
import resource
import shlex
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from examples.outreach.bugs import BUGS
from simulator import strict_yaml
from tests.run.runs import ROOT, Ran, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def _catches(path: Path) -> bool:
    """Tell whether bugs can show in a scenario: it asks for claims, and is no load test."""
    tree: Any = strict_yaml.parse(path.read_text("utf-8"), str(path)).tree
    return "load" not in tree and "claims" in tree.get("sut", {})


SCENARIOS = {p.stem: p for p in sorted((ROOT / "scenarios").glob("*.yaml")) if _catches(p)}
AT_ONCE = 2
PAGE = ROOT / "docs/mutants.md"
GENERATED = "<!-- below this line: python -m tests.run.mutants (make mutants) -->\n"


@dataclass(frozen=True)
class Trial:
    """One run to be made: a scenario, with a bug or honest, perhaps with one thing changed."""

    scenario: str
    bug: str = ""
    change: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        changed = f"{self.scenario} with another {self.change[0]}" if self.change else self.scenario
        return f"{changed}, {self.bug or 'honest'}"


@dataclass(frozen=True)
class Tried:
    """How it went."""

    trial: Trial
    ran: Ran
    seconds: float

    @property
    def caught(self) -> bool:
        return self.ran.code == 1 and self.ran.last.startswith("FAIL: ")

    @property
    def confessed(self) -> list[dict[str, Any]]:
        text = (self.ran.out / "bug.log").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    @property
    def line(self) -> str:
        return f"{self.seconds:5.1f} s  exit {self.ran.code}  {self.trial.name}: {self.ran.last}"


class Runs:
    """Runs under way, two at a time; a test waits for its own."""

    def __init__(self, trials: Iterable[Trial], folder: Path) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._runs = {
            trial: self._pool.submit(_try, trial, folder / f"run-{n}")
            for n, trial in enumerate(trials)
        }

    def __getitem__(self, trial: Trial) -> Tried:
        return self._runs[trial].result()

    def all(self) -> list[Tried]:
        """Wait for all of them."""
        return [run.result() for run in self._runs.values()]

    def stop(self) -> None:
        """Start no more of them."""
        self._pool.shutdown(cancel_futures=True)


def cpu_seconds() -> float:
    """Return what all processes that this one has started and seen end have taken of the CPU."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _try(trial: Trial, folder: Path) -> Tried:
    folder.mkdir(parents=True)
    path, arguments = SCENARIOS[trial.scenario], []
    tree: Any = strict_yaml.parse(path.read_text("utf-8"), str(path)).tree
    if trial.change:
        where, value = trial.change
        path = folder / "changed.yaml"
        path.write_text(json.dumps(changed(tree, where.split("."), value)), "utf-8")
    if trial.bug:
        more = ["--bug", trial.bug, "--bug-log", str(folder / "bug.log")]
        arguments = ["--sut", f"{tree['sut']['command']} {shlex.join(more)}"]
    began = time.monotonic()
    return Tried(trial, run(path, folder, *arguments), time.monotonic() - began)


def changed(tree: Any, where: Sequence[str], value: Any) -> Any:
    """Return the tree with one place changed; a number in `where` is an index, None removes."""
    if not where:
        return value
    first, *rest = where
    if isinstance(tree, list):
        index = int(first)
        return [*tree[:index], changed(tree[index], rest, value), *tree[index + 1 :]]
    inside = changed(tree.get(first, {}), rest, value)
    return {key: item for key, item in {**tree, first: inside}.items() if item is not None}


def found(report: Mapping[str, Any]) -> tuple[set[str], list[dict[str, Any]]]:
    """Return how the report calls what it has found, and the rows that say so.

    Findings of the claims go before breaches of a policy, and those before expectations.
    """
    findings = report["findings"]
    broken = [
        check["check"] for check in report.get("policy", {}).get("checks", ()) if check["fails"]
    ]
    if findings["count"]:
        return {row["kind"] for row in findings["rows"]}, findings["rows"]
    if broken:
        return set(broken), report["policy"]["rows"]
    failed = [each for each in report["expectations"] if each["outcome"] == "failed"]
    return {each["name"] for each in failed}, failed


def amounts(rows: Iterable[Mapping[str, Any]], amount: str) -> Counter[tuple[str, str, Decimal]]:
    """Return rows, of findings or of a confession, by what they are about and its amount."""
    return Counter(
        (row.get("own_id") or "", row.get("provider_id") or "", Decimal(row[amount]))
        for row in rows
    )


def main() -> None:
    """Run the full matrix and write the page's table."""
    trials = [Trial(scenario, bug) for scenario in SCENARIOS for bug in ("", *BUGS)]
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(trials, Path(folder))
        tried = {one.trial: one for one in runs.all()}
    for one in tried.values():
        sys.stdout.write(one.line + "\n")
    text, _, _ = PAGE.read_text("utf-8").partition(GENERATED)
    PAGE.write_text(text + GENERATED + "\n" + "\n".join(_table(tried)) + "\n", "utf-8")
    caught = sum(tried[Trial(bug.killer, name)].caught for name, bug in BUGS.items())
    honest = sum(tried[Trial(scenario)].ran.code == 0 for scenario in SCENARIOS)
    sys.stdout.write(f"mutants caught: {caught}/{len(BUGS)}\n")
    sys.stdout.write(f"honest runs passed: {honest}/{len(SCENARIOS)}\n")
    if caught < len(BUGS) or honest < len(SCENARIOS):
        raise SystemExit(1)


def _table(tried: Mapping[Trial, Tried]) -> Iterable[str]:
    yield "| | " + " | ".join(SCENARIOS) + " |"
    yield "|---|" + "---|" * len(SCENARIOS)
    for bug in ("", *BUGS):
        cells = []
        for scenario in SCENARIOS:
            one = tried[Trial(scenario, bug)]
            cell = _CELLS.get(one.ran.code, f"exit {one.ran.code}")
            cells.append(f"**{cell}**" if bug and BUGS[bug].killer == scenario else cell)
        yield f"| {bug or 'honest'} | " + " | ".join(cells) + " |"


_CELLS = {0: "·", 1: "caught"}

if __name__ == "__main__":
    main()
