"""What `todoku explain` says of a load: what it will measure, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.run.expanded import duration, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.scenario import Scenario


def load_can(scenario: Scenario) -> Iterator[str]:
    """Yield what a load can judge."""
    load = scenario.load
    if load is None:
        return
    target = {"gateway": "the simulated provider's API"}.get(load.against, "the system under test")
    yield (
        f"how quickly {target} answers: from the planned instant of each request, so that a "
        "target that stalls cannot hide it (`todoku load`)"
    )
    yield "how long until the final receipt was taken, and how quickly callbacks were answered"
    yield (
        f"its own honesty: more than {percent(float(load.late.at_most))} started later than "
        f"{duration(load.late.over_us)}, or more than {percent(float(load.dropped.at_most))} "
        "dropped, is exit 3"
    )


def load_cannot(scenario: Scenario) -> Iterator[str]:
    """Yield what keeps it from judging."""
    load = scenario.load
    if load is None:
        yield "how fast anything is: a run says nothing of load; see `load:` and docs/load.md"
        return
    yield "a real provider's speed: what answers here is the simulator, on this machine"
    if load.callbacks == "none" and scenario.sut is None:
        yield "receipts and callbacks: `load.callbacks: none`, so nobody is told"
