"""Several runs as one: which files and seeds, beside each other, and one verdict for all.

    words -> files_of -> planned -> children.py (each run its own process) -> suite_show.py

The rule for what is a suite: one file alone, without --seeds, is a run as ever; anything else (two
arguments, a folder, a glob, --seeds) is a suite, and has a folder for each run under --out.
"""

from __future__ import annotations

import glob
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import ConfigError, ExitCode, UsageError
from simulator.run.bundled import names, scenario_file
from simulator.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simulator.scenario import Scenario

RUNS_MAX = 10_000
SEED_MAX = 2**63 - 1
SUFFIXES = (".yaml", ".yml")
REPORT = "report.json"
OUTPUT = "output.txt"  # what a run said, in its folder
# A run keeps its own limit; this is for one that hangs: to stop its system, and to judge.
GRACE_S = 60.0


@dataclass(frozen=True, slots=True)
class Item:
    """One run of a suite.

    Attributes:
        name: of the scenario; of the file, where that cannot be read.
        out: its folder.
        seed: None where the scenario cannot be read.
        limit_s: real time after which it is ended from outside.
        alone: it calls a system that is not its own, so nothing may run beside it.
        problem: why it cannot be run: exit code 2.
        load: it is a load test, which a suite passes over.
        flags: of this run alone, for its command line.
    """

    file: Path
    name: str
    out: Path
    seed: int | None = None
    limit_s: float = 0.0
    alone: bool = False
    problem: str = ""
    load: bool = False
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run ended; `words` is the last line of its output."""

    item: Item
    code: ExitCode
    words: str
    seconds: float = 0.0


def is_single(words: Sequence[str], seeds: int | None) -> bool:
    """Tell whether this is one run as ever: one file alone, without --seeds."""
    if len(words) != 1 or seeds is not None:
        return False
    path = scenario_file(Path(words[0]))
    return path.is_file() or not (path.is_dir() or _is_pattern(words[0]))


def files_of(words: Iterable[str]) -> list[Path]:
    """Return the scenario files that files, folders, globs and bundled names stand for.

    Each file once, in the order of the arguments; inside a folder or a glob by name.

    Raises:
        UsageError: one of them stands for nothing.
    """
    found: dict[Path, Path] = {}
    for word in words:
        for file in _files(word):
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _is_pattern(word: str) -> bool:
    return glob.has_magic(word)


def _files(word: str) -> list[Path]:
    path = scenario_file(Path(word))
    if path.is_file():
        return [path]
    if path.is_dir():
        inside = [file for file in sorted(path.iterdir()) if _is_scenario(file)]
        if not inside:
            raise UsageError(f"{word}: no scenario in this folder: it holds no *.yaml")
        return inside
    if _is_pattern(word):
        matches = [Path(match) for match in sorted(glob.glob(word, recursive=True))]  # noqa: PTH207
        inside = [file for file in matches if _is_scenario(file)]
        if not inside:
            raise UsageError(f"{word}: no *.yaml matches")
        return inside
    raise UsageError(
        f"{word}: there is no such file or folder, and no scenario of that name comes with Todoku "
        f"(those that do: {', '.join(names())})"
    )


def _is_scenario(file: Path) -> bool:
    return file.is_file() and file.suffix in SUFFIXES and not file.name.startswith(".")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line wants of every run, in place of what the scenario says.

    Attributes:
        seed: the first seed.
        seeds: how many, each one more than the one before; None: one, without a folder of its own.
        sut, limit_s: of --sut and --timeout.
        baseline: the folder of an earlier suite, each of whose runs one of this is held against.
        regress_max: of --max-regress.
    """

    seed: int | None = None
    seeds: int | None = None
    sut: str | None = None
    limit_s: float | None = None
    baseline: Path | None = None
    regress_max: str | None = None


def planned(files: Sequence[Path], out: Path, wish: Wish) -> list[Item]:
    """Return the runs of a suite, in order; `out` is its folder.

    Raises:
        UsageError: too many runs, or seeds beyond the last.
    """
    if len(files) * (wish.seeds or 1) > RUNS_MAX:
        runs = len(files) * (wish.seeds or 1)
        raise UsageError(f"{runs:,} runs; a suite has at most {RUNS_MAX:,}")
    items: list[Item] = []
    taken: set[str] = set()
    for file in files:
        try:
            scenario = load_scenario(file, sut=wish.sut)
        except ConfigError as error:
            items.append(Item(file, file.stem, _folder(out, file.stem, taken), problem=str(error)))
        else:
            folder = _folder(out, scenario.name, taken)
            if scenario.load is not None:
                items.append(Item(file, scenario.name, folder, load=True))
                continue
            items += _with_seeds(file, scenario, folder, wish)
    return items if wish.baseline is None else _held(items, out, wish.baseline, wish)


def _held(items: Sequence[Item], out: Path, before: Path, wish: Wish) -> list[Item]:
    """Hold each run against that of the same folder in an earlier suite; a new one has none."""
    if before.resolve() == out.resolve():
        raise UsageError(f"--baseline {before} is --out as well; name another --out")
    share = ("--max-regress", wish.regress_max) if wish.regress_max else ()
    held = []
    for item in items:
        report = before / item.out.relative_to(out) / REPORT
        if report.is_file() and not item.problem:
            held.append(replace(item, flags=("--baseline", str(report), *share)))
        else:
            held.append(item)
    if not any(item.flags for item in held):
        words = f"{before} has no report of any of these runs"
        raise UsageError(f"--baseline: {words}; name the --out of an earlier suite")
    return held


def _with_seeds(file: Path, scenario: Scenario, folder: Path, wish: Wish) -> list[Item]:
    assert scenario.sut is not None
    first = scenario.seed if wish.seed is None else wish.seed
    last = first + (wish.seeds or 1) - 1
    if last > SEED_MAX:
        raise UsageError(f"--seeds {wish.seeds} from {first}: the last seed is {SEED_MAX}")
    limit_s = (wish.limit_s or scenario.sut.timeout_us / 1e6) + GRACE_S
    alone = scenario.sut.url is not None
    return [
        Item(
            file,
            scenario.name,
            folder if wish.seeds is None else folder / f"seed-{seed}",
            seed,
            limit_s,
            alone,
        )
        for seed in range(first, last + 1)
    ]


def _folder(out: Path, name: str, taken: set[str]) -> Path:
    """Return a folder of its own: of two scenarios with one name, the second gets a number."""
    choice, n = name, 1
    while choice in taken:
        n += 1
        choice = f"{name}-{n}"
    taken.add(choice)
    return out / choice
