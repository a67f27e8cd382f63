"""A foreign process in virtual time: it sleeps by our clock, or is seen not to."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from simulator.run import conductor
from tests.run.runs import JAPAN, SYSTEMS, Ran, busy_core, misbehaving, run, written

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.run.conftest import Here

SECOND_US, DAY_US = 1_000_000, 86_400_000_000
PEOPLE, REPEATS = 6, 20
BACKOFF: dict[str, Any] = {
    "people": {"count": PEOPLE},
    "accounts": [{"name": "shop", "dialect": "zettai_reach"}],
    "sut": {"command": f"python {SYSTEMS / 'backoff.py'}", "claims": None},
    "expect": [{"name": "everybody, every day", "that": "accepted", "equals": str(7 * PEOPLE)}],
}


def test_the_foreign_system_is_short() -> None:
    text = (SYSTEMS / "backoff.py").read_text("utf-8")
    code = re.sub(r'""".*?"""', "", text, count=1, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 40


def test_a_system_that_sleeps_by_our_clock_is_repeatable_beside_a_busy_core(
    here: Here, tmp_path: Path
) -> None:
    path = written(tmp_path, JAPAN, **BACKOFF)
    digests = set()
    with busy_core():
        for _ in range(REPEATS):
            ran = here(path)
            assert ran.code == 0, ran
            assert ran.report["repeatable"] == {"answer": "yes", "why": [], "stragglers": 0}
            check_back_off(ran)
            digests.add(ran.report["digest"])
    assert len(digests) == 1


def check_back_off(ran: Ran) -> None:
    """See that no try comes before its own pause, to the microsecond."""
    tries = defaultdict(list)
    for at_us, asked in ran.submissions:
        tries[asked.to].append((at_us, asked.reference == asked.to))
    assert len(tries) == PEOPLE
    for mine in tries.values():
        assert len(mine) == 1 + 6 * 3  # the name is free on the first day only
        for number, ((before_us, _), (at_us, _)) in enumerate(pairwise(mine)):
            assert at_us - before_us == (DAY_US if number % 3 == 0 else SECOND_US)
        assert [used for _, used in mine] == [True, *[True, True, False] * 6]


def test_a_system_that_acts_after_its_answer_by_a_clock_of_its_own_is_found_out(
    here: Here, tmp_path: Path
) -> None:
    ran = here(misbehaving(tmp_path, "timeless", sut={"idle": None}))
    late = ran.report["repeatable"]["stragglers"]
    assert 0 < late <= 20
    assert ran.report["repeatable"]["answer"] == "no"
    assert f"repeatable: no ({late} requests came after their instant had been left)" in ran.said


def test_a_system_without_idle_is_given_a_moment(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example needs some real time for each callback and each wake-up, and gets it."""
    monkeypatch.setattr(conductor, "GRACE_S", 0.4)  # more than a busy machine takes
    until = {"until": "3d", "quantum": "1d"}
    path = written(tmp_path, JAPAN, time=until, people={"count": 5}, sut={"idle": None})
    ran = here(path)
    assert ran.code == 0, ran
    assert ran.report["repeatable"] == {"answer": "yes", "why": [], "stragglers": 0}


SCALED = {"mode": "scaled", "rate": "50_000", "until": "1d"}


def test_a_day_goes_by_in_two_seconds_of_scaled_time(here: Here, tmp_path: Path) -> None:
    ran = here(written(tmp_path, JAPAN, time=SCALED))
    assert ran.code == 0, ran
    assert ran.last == "PASS: no expectations, no findings"
    why = "scaled time: the system's own pace decides the instants"
    assert ran.report["repeatable"] == {"answer": "no", "why": [why], "stragglers": 0}
    begun_us = ran.submissions[0][0]
    assert {at_us - begun_us < DAY_US for at_us, _ in ran.submissions} == {True}
    assert len(ran.submissions) == 20


def test_a_rate_that_the_system_cannot_follow_proves_nothing(here: Here, tmp_path: Path) -> None:
    too_fast = {**SCALED, "rate": "1_000_000_000"}  # the day is over before it has begun
    ran = here(misbehaving(tmp_path, "timeless", time=too_fast, sut={"idle": None}))
    assert ran.code == 3, ran
    assert re.search(r"(\d+) of \1 requests came after the horizon: ask for a lower", ran.last)


def test_a_world_that_cannot_follow_its_clock_proves_nothing(tmp_path: Path) -> None:
    ran = run(misbehaving(tmp_path, "heavy", time=SCALED), tmp_path)
    assert ran.code == 3, ran
    assert re.search(r"the world fell \d\.\d s behind its clock \(budget 2 s\)", ran.last)
    assert conductor.LAG_BUDGET_S == 2
