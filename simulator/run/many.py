"""What `todoku run` does with more than one file alone: runs them all, and tells of all as one."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import UsageError
from simulator.run.children import Children
from simulator.run.report_files import prepare
from simulator.run.report_suite import write_suite
from simulator.run.suite import files_of, planned
from simulator.run.suite_show import document, show, show_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.run.report_files import Outputs
    from simulator.run.suite import Ended, Wish

_DIRECTORY = Path(".todoku")


async def suite_command(  # noqa: PLR0913 - one parameter for each flag
    words: Sequence[str],
    wish: Wish,
    flags: Sequence[str],
    *,
    jobs: int,
    out: Path | None,
    asked: Outputs,
) -> int:
    """Run several scenarios, or one with several seeds; return the gravest exit code.

    Args:
        words: files, folders, globs and bundled names.
        wish: what is wanted of every run; `flags` says the same to a child's command line.
        jobs: how many at a time.
        out, asked: of the command line.

    Raises:
        UsageError: there are only load tests, which a suite passes over: they want a machine alone.
    """
    began = time.monotonic()
    folder = out or _DIRECTORY
    wanted = planned(files_of(words), folder, wish)
    items = [item for item in wanted if not item.load]
    passed_over = [item.name for item in wanted if item.load]
    if not items:
        raise UsageError(f"nothing to run: use `todoku load` for {', '.join(passed_over)}")
    prepare(folder, asked)
    if jobs > 1 and any(item.alone for item in items):
        print("one run at a time: the system at a URL is the same for all", file=sys.stderr)
        jobs = 1
    for name in passed_over:
        print(f"passed over: {name} is a load test: use `todoku load`", file=sys.stderr)
    if wish.baseline is not None:
        for item in items:
            if not item.flags and not item.problem:
                print(f"no baseline for {item.name} (seed {item.seed}): it is new", file=sys.stderr)
    print(f"todoku run: {len(items)} runs, {min(jobs, len(items))} at a time", file=sys.stderr)
    done = 0

    def tell(ended: Ended) -> None:
        nonlocal done
        done += 1
        show_end(ended, done, len(items))

    children = Children(items, jobs, flags, tell)
    ended = await children.run()
    seconds = time.monotonic() - began
    report = document(
        ended, folder, seconds, interrupted=children.interrupted, passed_over=passed_over
    )
    write_suite(report, folder, asked)
    show(report, folder, several_seeds=wish.seeds is not None)
    return int(report["verdict"]["exit_code"])
