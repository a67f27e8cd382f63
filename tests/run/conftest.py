"""What the tests of runs share: the first campaign, ten times; and the command line, in here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from simulator.cli import main
from tests.run.runs import FIRST_CAMPAIGN, ROOT, Ran, busy_core, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Here = Callable[..., Ran]


@pytest.fixture(scope="session")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> list[Ran]:
    """Run the first campaign ten times in a row, with the other core busy."""
    folder = tmp_path_factory.mktemp("campaigns")
    with busy_core():
        return [run(FIRST_CAMPAIGN, folder / str(n)) for n in range(10)]


@pytest.fixture
def here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Here:
    """Run a scenario through the command line as `run` does, but in this process: it is quicker."""
    monkeypatch.chdir(ROOT)

    def ran(scenario: Path, *arguments: object) -> Ran:
        out = tmp_path / "out"
        words = ["todoku", "run", scenario, "--out", out, *arguments]
        monkeypatch.setattr(sys, "argv", list(map(str, words)))
        with pytest.raises(SystemExit) as ended:
            main()
        said, complained = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, said, complained, out)

    return ran
