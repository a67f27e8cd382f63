"""`todoku load` against a system under test, whole: the outreach example and all its books."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from simulator.load import books
from tests.run.runs import JAPAN, begin, finish, written

if TYPE_CHECKING:
    from pathlib import Path

# Looked for, not imported: it would patch the sockets of this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="extra [load] not installed")

OUTREACH: dict[str, Any] = {
    **JAPAN,
    "time": {"mode": "real", "start": "2026-03-02T09:00:00+09:00"},
    "people": {**JAPAN["people"], "count": 40},
    "sut": {
        **JAPAN["sut"],
        "start": {
            "request": "POST /campaigns",
            "body": {"name": "$arrival", "recipients": "$recipients"},
        },
    },
    "load": {
        "against": "system",
        "arrivals": {"constant": "100/s", "for": "1s"},
        "drain": "0s",
        "late": {"over": "5s", "at_most": "100%"},
    },
    "expect": [{"name": "all was taken", "that": "load_errors", "equals": 0}],
}


def test_every_start_is_joined_and_books_report_and_claims_agree(tmp_path: Path) -> None:
    out = tmp_path / "out"
    scenario = written(tmp_path, OUTREACH, load={"workers": 2})
    ran = finish(begin("load", scenario, "--out", out), out)
    assert ran.code == 0, ran  # forty people are asked for up to three times: nobody sent it twice
    rows = list(books.read(out))
    assert len(rows) == ran.report["load"]["counts"]["started"] == 100
    assert ran.report["load"]["books"]["counts"] == {"joined": 100}
    assert ran.report["metrics"]["accepted"] == 100
    assert len({row.recipient for row in rows}) == 40
    assert (ran.report["findings"]["matched"], ran.report["findings"]["count"]) == (100, 0)
