"""Suites, before anything runs: which files, which seeds, which folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import ExitCode, UsageError
from simulator.run.bundled import names, scenario_file, share
from simulator.run.suite import RUNS_MAX, SEED_MAX, Ended, Item, Wish, files_of, is_single, planned
from simulator.run.suite_show import document, luck
from tests.run.runs import FIRST_CAMPAIGN, JAPAN, ROOT, US_REMINDER, written

LESSONS = {
    *("first-campaign", "native-reminder", "us-reminder", "lost-receipts"),
    *("load-steady", "load-spike-and-drain", "soak", "capacity-outreach"),
    *("ambiguous-timeouts", "receipt-storm"),
    *("billing-exclusion", "contact-policy", "delivery-rate", "late-and-out-of-order-receipts"),
    *("long-messages", "opt-out"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "notes.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/c.yaml").write_text("")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["b.yaml"], ["b.yaml"]),
        (["."], ["a.yml", "b.yaml"]),
        (["b.yaml", "."], ["b.yaml", "a.yml"]),
        (["./b.yaml", "b.yaml"], ["b.yaml"]),
        (["*.yaml"], ["b.yaml"]),
        (["**/*.y*ml"], ["a.yml", "b.yaml", "deep/c.yaml"]),
        (["deep", "a.yml"], ["deep/c.yaml", "a.yml"]),
    ],
)
def test_files_folders_and_globs_stand_for_scenarios_each_once(
    folder: Path, words: list[str], found: list[str]
) -> None:
    assert files_of(words) == list(map(Path, found))


@pytest.mark.parametrize("word", ["none.yaml", "empty", "x*.yaml", "no-such-name"])
def test_a_word_that_stands_for_nothing_is_refused(folder: Path, word: str) -> None:
    with pytest.raises(UsageError, match="^" + word.replace("*", r"\*") + ": "):
        files_of(["b.yaml", word])


def test_a_bundled_scenario_goes_by_its_name_unless_something_here_has_it(folder: Path) -> None:
    assert names() == sorted(LESSONS)
    assert files_of(["first-campaign"]) == [share() / "scenarios/first-campaign.yaml"]
    assert scenario_file(Path("first-campaign.yaml")) == Path("first-campaign.yaml")
    assert scenario_file(Path("x/first-campaign")) == Path("x/first-campaign")
    (folder / "first-campaign").mkdir()
    (folder / "first-campaign/mine.yaml").write_text("")
    assert files_of(["first-campaign"]) == [Path("first-campaign/mine.yaml")]


def test_one_file_alone_is_a_run_as_ever_and_anything_else_a_suite(folder: Path) -> None:
    assert is_single(["b.yaml"], None)
    assert is_single(["none.yaml"], None)  # the run says what is wrong with it
    assert is_single(["first-campaign"], None)
    assert not is_single(["b.yaml"], 1)
    assert not is_single(["b.yaml", "a.yml"], None)
    assert not is_single(["deep"], None)
    assert not is_single(["b*.yaml"], None)
    (folder / "b[1].yaml").write_text("")
    assert is_single(["b[1].yaml"], None)


def test_each_run_has_a_folder_of_its_own_also_where_names_are_the_same(tmp_path: Path) -> None:
    same = written(tmp_path / "x", JAPAN), written(tmp_path / "y", JAPAN)
    items = planned(same, tmp_path, Wish())
    assert [item.out.name for item in items] == ["trial", "trial-2"]
    assert [item.seed for item in items] == [1, 1]


def test_seeds_count_on_from_the_scenarios_or_from_the_given_one(tmp_path: Path) -> None:
    items = planned([US_REMINDER], tmp_path, Wish(seeds=3))
    assert [item.seed for item in items] == [42, 43, 44]
    assert [item.out.relative_to(tmp_path).as_posix() for item in items] == [
        f"us-reminder/seed-{seed}" for seed in (42, 43, 44)
    ]
    (only,) = planned([US_REMINDER], tmp_path, Wish(seed=7, limit_s=5.0))
    assert (only.seed, only.out, only.limit_s) == (7, tmp_path / "us-reminder", 65.0)
    with pytest.raises(UsageError, match="the last seed is"):
        planned([US_REMINDER], tmp_path, Wish(seed=SEED_MAX, seeds=2))
    with pytest.raises(UsageError, match="at most 10,000"):
        planned([US_REMINDER], tmp_path, Wish(seeds=RUNS_MAX + 1))


def test_a_system_at_a_url_has_nothing_beside_it(tmp_path: Path) -> None:
    items = planned([FIRST_CAMPAIGN, US_REMINDER], tmp_path, Wish(sut="http://127.0.0.1:9"))
    assert all(item.alone for item in items)
    assert not any(item.alone for item in planned([US_REMINDER], tmp_path, Wish()))


def test_a_scenario_that_is_wrong_keeps_its_place_and_its_reason(tmp_path: Path) -> None:
    bad = written(tmp_path, JAPAN, people={"count": 0})
    first, second = planned([bad, US_REMINDER], tmp_path, Wish())
    assert (first.name, first.seed, first.out) == ("scenario", None, tmp_path / "scenario")
    assert "people.count" in first.problem
    assert not second.problem


def ended(*codes: int) -> list[Ended]:
    return [
        Ended(Item(ROOT / "x.yaml", "x", ROOT / f"seed-{n}", n), ExitCode(code), "words")
        for n, code in enumerate(codes)
    ]


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ((0, 0), 0),
        ((0, 1, 0), 1),
        ((1, 3, 0), 3),
        ((3, 2, 1), 2),
        ((2, 130, 3), 130),
    ],
)
def test_the_gravest_exit_code_stands_for_all(codes: tuple[int, ...], worst: int) -> None:
    report = document(ended(*codes), ROOT, 1.0, interrupted=False)
    assert report["verdict"]["exit_code"] == worst
    by_hand = document(ended(*codes), ROOT, 1.0, interrupted=True)
    assert by_hand["verdict"]["exit_code"] == 130
    assert by_hand["verdict"]["words"].startswith("INTERRUPTED: of ")


def test_luck_is_counted_over_the_runs_that_judged_something() -> None:
    found = luck(ended(0, 1, 3, 0, 130))
    assert (found["failed"], found["judged"], found["not_judged"]) == (1, 3, 2)
    assert 0 < found["low"] < 1 / 3 < found["high"] < 1
    assert luck(ended(3))["low"] is None


def test_load_tests_are_passed_over_and_named(tmp_path: Path) -> None:
    items = planned([ROOT / "scenarios/load-steady.yaml", US_REMINDER], tmp_path, Wish())
    assert [(item.name, item.load) for item in items] == [
        ("load-steady", True),
        ("us-reminder", False),
    ]
    report = document([], tmp_path, 0.0, interrupted=False, passed_over=["load-steady"])
    assert report["verdict"]["words"].endswith("1 load test passed over (load-steady)")
    assert report["passed_over"] == ["load-steady"]
