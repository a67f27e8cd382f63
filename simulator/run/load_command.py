"""What `todoku load` does: one load test, its report everywhere it is wanted, its exit code."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from simulator import strict_yaml
from simulator.errors import UsageError
from simulator.run.command import judged_already
from simulator.run.folder_lock import alone_in
from simulator.run.load_locust import needs_locust
from simulator.run.load_progress import LoadProgress
from simulator.run.load_run import LoadRun
from simulator.run.load_served import SCENARIO
from simulator.run.load_tenants import tenanted
from simulator.run.report import findings_csv
from simulator.run.report_files import encoded, prepare, write, write_all
from simulator.run.sheet import encoded as in_sheets
from simulator.run.show import show
from simulator.run.sut import last_lines
from simulator.scenario import parse_scenario

if TYPE_CHECKING:
    from simulator.run.judging import Wanted
    from simulator.run.report_files import Outputs
    from simulator.scenario_overlays import Offered

_DIRECTORY = Path(".todoku")
READY_S = 60.0  # for a system under test without a timeout of its own


def load_command(  # noqa: PLR0913 - one parameter for each flag
    file: Path,
    outputs: Outputs,
    wanted: Wanted,
    *,
    seed: int | None,
    out: Path | None,
    sut: str | None,
    timeout_s: float | None,
    offered: Offered | None = None,
) -> int:
    """Load what a scenario says; print the report; return the exit code.

    Raises:
        UsageError: locust is missing, or the scenario describes no load.
        ConfigError: the scenario is wrong.
    """
    source = strict_yaml.read_text(file)
    scenario = parse_scenario(source, str(file), sut=sut, needs_sut=False, offered=offered)
    if scenario.load is None:
        raise UsageError(f"{file}: no load test: add `load:`, or use `todoku run`")
    if scenario.load.against != "callbacks":
        needs_locust()
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    folder = out or _DIRECTORY / scenario.name
    prepare(folder, outputs)
    limit_s = timeout_s or (scenario.sut.timeout_us / 1e6 if scenario.sut else READY_S)
    with alone_in(folder):
        write(folder / SCENARIO, source.encode())
        progress = LoadProgress(scenario, terminal=sys.stderr.isatty())
        job = LoadRun(
            tenanted(scenario), file.parent, folder, sut, limit_s, progress.step, wanted=wanted
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            document = runner.run(_judged(job))
        write(folder / "report.json", encoded(document))
        write_all(document, outputs)
        write(folder / "findings.csv", in_sheets(findings_csv(document), wanted.encoding))
    show(document, folder, job.details, last_lines(folder / "sut.log"))
    return int(document["verdict"]["exit_code"])


async def _judged(job: LoadRun) -> dict[str, Any]:
    """Run it to its end; an interrupt ends it early, and the report is partial."""
    work = asyncio.ensure_future(job.judged())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, job.interrupt)
    try:
        return await work
    except OSError as error:
        raise UsageError(f"cannot write to {job.out}: {error.strerror or error}") from None
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, judged_already)
