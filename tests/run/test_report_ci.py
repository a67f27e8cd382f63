"""What CI reads: JUnit by an independent parser, Markdown within limits, commands escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from simulator.errors import UsageError
from simulator.run.report_files import Outputs, write_all
from simulator.run.report_findings import without
from simulator.run.report_github import (
    ANNOTATIONS_MAX,
    SUMMARY_BYTES_MAX,
    Github,
    add_to_summary,
    commands_for,
    github_of,
)
from simulator.run.report_junit import FINDINGS, VALIDITY, junit
from simulator.run.report_markdown import BYTES_MAX, markdown
from simulator.run.report_suite import no_report, write_suite

if TYPE_CHECKING:
    from pathlib import Path

NASTY = 'a|b `c` <img src=x> [d](http://e) **f**\n::error::g % \x00\x1b[31m "é" 件'


def result(name: str = "enough", outcome: str = "passed", **more: Any) -> dict[str, Any]:
    plain = {"that": "accepted", "of": "", "level": "fail", "limit": "at least 1", "exact": "1"}
    holds = outcome == "passed"
    return {
        "name": name,
        "outcome": outcome,
        "holds": holds,
        "words": f"{name}: so",
        **plain,
        **more,
    }


def report(
    *results: dict[str, Any], code: int = 0, why: tuple[str, ...] = (), found: int = 0
) -> Any:
    rows = [
        {
            "kind": "state differs",
            "own_id": f"{NASTY}{n}",
            "provider_id": None,
            "to": "+8190***5678",
            "words": f"claims this; told that {NASTY}",
            "units": 1,
            "amount": "15",
        }
        for n in range(found)
    ]
    return {
        "verdict": {"exit_code": code, "words": f"words {NASTY}"},
        "validity": {"proves": not why, "why": list(why)},
        "scenario": {"name": "s", "title": NASTY, "seed": 1},
        "departures": [],
        "notes": [NASTY],
        "repeatable": {"answer": "yes", "why": []},
        "expectations": list(results),
        "totals": {"accepted": {"todoku": 5, "system": None}},
        "findings": {
            "judged": True,
            "allowed": not found,
            "count": found,
            "amount": "15",
            "rows": rows,
        },
        "digest": "0" * 32 + "-1",
        "wall": {"began": "2026-03-02T00:00:00Z", "seconds": 1.5, "run": "r", "todoku": "0"},
    }


def cases(*reports: dict[str, Any]) -> dict[str, list[type]]:
    """Read a document by the independent parser: the kinds of results by the case's name."""
    document = JUnitXml.fromroot(JUnitXml.fromstring(junit(reports))._elem)
    return {case.name: [type(r) for r in case.result] for suite in document for case in suite}


def test_an_independent_parser_reads_a_case_for_each_expectation_and_one_for_validity() -> None:
    document = JUnitXml.fromstring(junit([report(result("a"), result("b", "failed"), code=1)]))
    (suite,) = document
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (4, 1, 0, 0)
    assert (document.tests, document.failures) == (4, 1)
    assert [case.name for case in suite] == [VALIDITY, "a", "b", FINDINGS]
    assert {p.name: p.value for p in suite.properties()}["seed"] == "1"
    assert suite.timestamp == "2026-03-02T00:00:00"
    assert suite.time == 1.5


@pytest.mark.parametrize(
    ("one", "kinds"),
    [
        (result(), []),
        (result(outcome="failed"), [Failure]),
        (result(outcome="no_data"), [Failure]),
        (result(outcome="no_data", holds=True), []),
        (result(outcome="failed", level="warn"), [Skipped]),
        (result(outcome="not_judged"), [Skipped]),
    ],
)
def test_each_outcome_is_its_own_kind_of_result(one: dict[str, Any], kinds: list[type]) -> None:
    assert cases(report(one))["enough"] == kinds


def test_nothing_is_green_in_a_run_that_proves_nothing() -> None:
    found = cases(report(result(), result("bad", "failed"), code=3, why=("nothing was sent",)))
    assert found[VALIDITY] == [Error]
    assert found["enough"] == found[FINDINGS] == [Skipped]
    assert found["bad"] == [Failure]


@pytest.mark.parametrize(
    ("check", "kinds"),
    [
        ({"outcome": "held"}, []),
        ({"outcome": "broken", "fails": True}, [Failure]),
        ({"outcome": "broken", "level": "warn"}, [Skipped]),
        ({"outcome": "not_judged"}, [Skipped]),
        ({"outcome": "not_judged", "fails": True}, [Failure]),
    ],
)
def test_each_policy_check_is_a_case(check: dict[str, Any], kinds: list[type]) -> None:
    plain = {"name": "quiet hours", "level": "fail", "fails": False, "words": "so"}
    found = report(result(), found=int(check.get("fails", False)))
    found["policy"] = {"checks": [{**plain, **check}]}
    assert cases(found)["policy: quiet hours"] == kinds
    assert "quiet hours" in " ".join(commands_for(found)) or kinds != [Failure]


def test_findings_fail_a_case_of_their_own_unless_an_expectation_is_about_them() -> None:
    assert cases(report(result(), code=1, found=3))[FINDINGS] == [Failure]
    about = result("books", "failed", that="findings")
    assert FINDINGS not in cases(report(about, code=1, found=3))


def test_what_xml_cannot_hold_is_replaced_and_a_run_without_a_report_is_an_error() -> None:
    missing = no_report("gone", None, 2, NASTY)
    found = cases(report(result(NASTY), found=1), missing)
    assert [kinds for name, kinds in found.items() if name.startswith("a|b")] == [[]]
    assert found[VALIDITY] == [Error]  # of the second


def test_the_page_stays_below_the_limits_with_ten_thousand_findings() -> None:
    many = [result(f"{NASTY}{n}", "failed", words=NASTY * 50) for n in range(1000)]
    page = markdown(report(*many, code=1, found=10_000))
    assert len(page.encode()) <= BYTES_MAX < SUMMARY_BYTES_MAX
    assert "10,000 findings" in page


def test_nothing_that_a_system_wrote_is_markup_or_a_line_of_its_own() -> None:
    page = markdown(report(result(words=NASTY), found=1))
    assert "<" not in page.replace("\\<", "")
    assert "](http" not in page.replace("\\]", "")
    assert not any(line.startswith("::") for line in page.splitlines())
    assert "\x1b" not in page
    rows = [line for line in page.splitlines() if line.startswith("| state differs")]
    assert [line.replace("\\|", "").count("|") for line in rows] == [5]


def test_failures_come_first_on_the_page() -> None:
    page = markdown(report(result("fine"), result("broken", "failed")))
    assert page.index("broken") < page.index("fine")


def test_annotations_keep_the_limits_and_escape_what_github_would_obey() -> None:
    many = [result(f"e{n}", "failed", words=NASTY) for n in range(40)]
    warned = [result(f"w{n}", "failed", level="warn") for n in range(40)]
    lines = commands_for(report(*many, *warned, code=1, found=1))
    for level in ("error", "warning"):
        assert sum(line.startswith(f"::{level} ") for line in lines) == ANNOTATIONS_MAX
    assert all("\n" not in line and "\r" not in line for line in lines)
    assert "%25" in lines[0]
    assert commands_for(report(result())) == []


def test_a_summary_is_appended_to_and_never_outgrows_what_github_shows(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    add_to_summary(file, "one\n")
    add_to_summary(file, "two\n")
    assert file.read_text() == "one\ntwo\n"
    for _ in range(10):
        add_to_summary(file, "x" * 200_000)
    assert file.stat().st_size < SUMMARY_BYTES_MAX
    with pytest.raises(UsageError, match="cannot write GITHUB_STEP_SUMMARY"):
        add_to_summary(tmp_path / "no" / "summary.md", "x")


def test_outside_of_a_workflow_nothing_is_said_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert github_of({}) == Github()
    file = tmp_path / "s.md"
    inside = github_of({"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)})
    write_all(report(result("bad", "failed"), code=1), Outputs(github=inside))
    assert capsys.readouterr().out == "::error title=bad::bad: so\n"
    assert "bad" in file.read_text()


def test_a_suite_has_one_junit_file_one_page_and_an_annotation_for_each_bad_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = {"seed": 1, "exit_code": 3, "words": "PROVES NOTHING: x", "folder": "gone"}
    suite = {
        "verdict": {"exit_code": 3, "words": "PROVES NOTHING: of 1 run"},
        "scenarios": [{"name": "gone", "runs": [run]}],
    }
    outputs = Outputs(None, tmp_path / "j.xml", tmp_path / "m.md", Github(annotates=True))
    write_suite(suite, tmp_path, outputs)
    (only,) = JUnitXml.fromfile(str(tmp_path / "j.xml"))
    assert only.errors == 1
    assert "gone" in (tmp_path / "m.md").read_text()
    assert capsys.readouterr().out == "::error title=gone seed 1::PROVES NOTHING: x\n"
    assert (tmp_path / "suite.json").exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("letter 12", "letter 12"),
        ("+819012345678", "+819***5678"),
        ("09012345678-1", "09***5678-1"),
        ("", ""),
    ],
)
def test_an_id_that_holds_the_number_is_shortened(name: str, shown: str) -> None:
    assert without(name, "+819012345678") == shown


def test_the_parser_is_not_ours() -> None:
    assert JUnitXml.__module__.startswith("junitparser")
