"""What every test gets: the auditor at its shoulder; and what some ask for by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simulator.engine.world import World
from tests.last_words import hand_over, say, spoken, take

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "breaks_the_books: makes a world's books wrong on purpose; the auditor looks away",
    )


@pytest.fixture(autouse=True)
def auditor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold the conservation laws against every world that the test has made."""
    made: list[World] = []
    build = World.__init__

    def noting(world: World, *args: Any, **kwargs: Any) -> None:
        build(world, *args, **kwargs)
        made.append(world)

    monkeypatch.setattr(World, "__init__", noting)
    yield
    if request.node.get_closest_marker("breaks_the_books") is None:
        for world in made:
            assert world.faults() == [], f"the books of world {world.name!r} are out of balance"


@pytest.fixture(scope="session")
def shared_specs(pytestconfig: pytest.Config) -> Path:
    """Find the providers' specifications: `specs` in $TODOKU_SHARED or in ../shared, if present."""
    shared = Path(os.environ.get("TODOKU_SHARED") or ROOT.parent / "shared")
    specs = shared / "specs"
    if not specs.is_dir():
        reason = f"no provider specifications in {specs}; set TODOKU_SHARED to their parent folder"
        say(pytestconfig, [f"skipped: {reason}"])
        pytest.skip(reason)
    return specs


def pytest_sessionfinish(session: pytest.Session) -> None:
    hand_over(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    take(node.config, node)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in spoken(config):
        terminalreporter.write_line(line)
