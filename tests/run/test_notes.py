"""What a run says about itself, beside its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.run.runs import JAPAN, begin, finish, sut, written

if TYPE_CHECKING:
    from pathlib import Path

FEW = {"count": 5}


def run(folder: Path, **changes: Any) -> Any:
    """Run five people in Japan to the end."""
    path = written(folder, JAPAN, people=FEW, **changes)
    return finish(begin("run", path, "--out", folder, "--sut", sut("zettai_reach")), folder)


def test_receipts_that_nobody_took_are_named(tmp_path: Path) -> None:
    account = {
        "name": "clinic",
        "dialect": "zettai_reach",
        "push": "{sut_url}/nowhere",
    }
    ran = run(tmp_path, accounts=[account])
    (note,) = [words for words in ran.report["notes"] if "callbacks were given up" in words]
    assert "never told" in note
    assert note in ran.said


def test_a_run_without_oddities_has_no_notes(tmp_path: Path) -> None:
    assert run(tmp_path).report["notes"] == []


@pytest.mark.parametrize("key", ["push"])
def test_plausible_numbers_and_a_public_address_do_not_go_together(
    tmp_path: Path, key: str
) -> None:
    account = {"name": "clinic", "dialect": "zettai_reach", key: "http://8.8.8.8/x"}
    ran = run(tmp_path, accounts=[account])
    assert ran.code == 2
    assert f"accounts[0].{key}" in ran.complained
    assert "8.8.8.8" in ran.complained
