"""A finished run judged again from its folder, held against another, and against its schema."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from simulator.cli import main
from simulator.run.report_schema import report_schema
from tests.run.runs import JAPAN, ROOT, Ran, misbehaving, run, sut, written

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Ran]

PUBLISHED = ROOT / "docs/report.schema.json"
EXPECT = [
    {"name": "sent", "that": "accepted", "at_least": "20 件"},
    {"name": "arrived", "that": "delivered / accepted", "at_least": "50%", "confidence": "90%"},
    {"name": "au", "that": "delivered / accepted", "of": {"carrier": "au"}, "at_least": "10%"},
    {"name": "cheap", "that": "total", "at_most": "1 JPY", "level": "warn"},
    {"name": "nobody", "that": "accepted / rejected", "at_most": "1", "if_no_data": "pass"},
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run a small campaign, honestly."""
    folder = tmp_path_factory.mktemp("finished")
    ended = run(written(folder, JAPAN, expect=EXPECT), folder / "out", "--junit", folder / "j.xml")
    assert ended.code == 0, ended
    return ended


@pytest.fixture(scope="module")
def lying(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run one that bills what never arrived, with whole numbers and bodies in its report."""
    folder = tmp_path_factory.mktemp("lying")
    scenario = written(folder, JAPAN, people={"with": {"gone": "40%"}})
    liar = sut("zettai_reach", "--bug", "bill-undelivered")
    ended = run(scenario, folder / "out", "--sut", liar, "--include-bodies")
    assert ended.code == 1, ended
    return ended


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command of the command line in this process."""

    def ran(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["todoku", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said, complained = capsys.readouterr()
        return Ran(int(ended.value.code or 0), said, complained, Path())

    return ran


@pytest.fixture
def folder(finished: Ran, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.out, tmp_path / "again"))


def test_the_same_expectations_end_the_same(finished: Ran, command: Command) -> None:
    before = {path.name: path.read_bytes() for path in finished.out.iterdir()}
    again = command("check", finished.out, "--json", finished.out.parent / "again.json")
    assert (again.code, again.last) == (0, finished.last)
    assert finished.last.endswith("1 warning (cheap)")
    one, other = finished.report, json.loads((finished.out.parent / "again.json").read_bytes())
    wall = one.pop("wall"), other.pop("wall")
    assert one == other
    assert wall[0]["run"] == wall[1]["run"]
    assert before == {path.name: path.read_bytes() for path in finished.out.iterdir()}
    finished.__dict__.pop("report", None)


def test_an_expectation_tightened_in_the_folder_fails_it(folder: Path, command: Command) -> None:
    text = (folder / "scenario.yaml").read_text()
    (folder / "scenario.yaml").write_text(text.replace('"20 件"', '"1000 件"'))
    again = command("check", folder)
    assert again.code == 1
    assert again.last == (
        "FAIL: 3 of 5 expectations hold (not: sent), no findings, 1 warning (cheap)"
    )


def edited(folder: Path, section: str, **values: Any) -> None:
    """Edit the scenario of a folder."""
    file = folder / "scenario.yaml"
    tree = yaml.safe_load(file.read_text("utf-8"))
    tree[section] = {**tree.get(section, {}), **values}
    file.write_text(yaml.safe_dump(tree), "utf-8")


def test_a_scenario_that_is_not_the_one_that_ran_proves_nothing(
    folder: Path, command: Command
) -> None:
    edited(folder, "people", count=30)
    again = command("check", folder)
    assert again.code == 3
    assert "scenario.yaml is not the one that ran: people changed since" in again.last
    edited(folder, "world", retention=7)
    assert "people and world changed since" in command("check", folder).last


def test_what_a_run_is_judged_by_and_how_the_file_is_written_may_change(
    folder: Path, command: Command
) -> None:
    edited(folder, "sut", command="another")
    (folder / "scenario.yaml").write_text(
        "# the same\n" + (folder / "scenario.yaml").read_text("utf-8") + "title: other\n", "utf-8"
    )
    assert command("check", folder).code == 0


def test_expectations_may_come_from_another_file(folder: Path, command: Command) -> None:
    other = folder / "other.yaml"
    other.write_text("expect:\n  - {name: many, that: accepted, at_least: 1000}\n")
    assert command("check", folder, "--expect", other).code == 1
    other.write_text("expect:\n  - {name: many, that: acepted, at_least: 1000}\n")
    wrong = command("check", folder, "--expect", other)
    assert wrong.code == 2
    assert f"{other}:2:18: expect[0].that: unknown metric 'acepted'" in wrong.complained
    other.write_text("version: 1\n")
    assert "expect: is missing" in command("check", folder, "--expect", other).complained


def test_an_empty_run_proves_nothing(
    finished: Ran, tmp_path: Path, command: Command, here: Callable[..., Ran]
) -> None:
    silent = "python -m http.server {port} --bind 127.0.0.1"
    scenario = written(
        tmp_path,
        JAPAN,
        sut={
            "command": silent,
            "ready": "GET /",
            "start": {"request": "GET /"},
            "claims": None,
            "idle": None,
        },
        expect=[{"name": "few", "that": "accepted", "at_most": "5"}],
    )
    ended = here(scenario)
    assert ended.code == 3
    again = command("check", ended.out, "--junit", tmp_path / "j.xml")
    assert again.code == 3
    assert again.last.startswith("PROVES NOTHING: nothing was sent: no message was accepted")
    empty = tmp_path / "empty"
    empty.mkdir()
    nothing = command("check", empty, "--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m")
    assert nothing.code == 3
    assert "holds no finished run" in nothing.last
    assert 'errors="1"' in (tmp_path / "j.xml").read_text()
    assert command("check", tmp_path / "gone").code == 2


@pytest.mark.parametrize("name", ["events.bin", "commands.bin", "claims.json", "scenario.yaml"])
def test_a_folder_of_which_something_is_lost_proves_nothing(
    folder: Path, name: str, command: Command
) -> None:
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    assert command("check", folder).code == 3
    if name != "scenario.yaml":
        (folder / name).write_bytes(data[: len(data) // 2])
        assert command("check", folder).code == 3


def keys_of(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """Return where a document has keys that its schema does not name."""
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            schema = option
    if isinstance(value, list):
        return [k for v in value for k in keys_of(v, schema.get("items", {}), f"{where}[]")]
    if not isinstance(value, dict):
        return []
    named, open_ = schema.get("properties", {}), schema.get("additionalProperties")
    if open_:
        return [k for v in value.values() for k in keys_of(v, open_, f"{where}.*")]
    unknown = [f"{where}.{key}" for key in value if key not in named]
    for key in named.keys() & value.keys():
        unknown += keys_of(value[key], named[key], f"{where}.{key}")
    return unknown


def test_reports_keep_their_schema_and_the_schema_names_all_they_have(
    finished: Ran, lying: Ran
) -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for ended in (finished, lying):
        jsonschema.validate(ended.report, schema)
        assert keys_of(ended.report, schema) == []
    assert json.loads(PUBLISHED.read_text("utf-8")) == schema, "write the schema to docs"


def test_the_schema_command_prints_both_schemas(command: Command) -> None:
    for what, words in ((), "scenario, version 1"), (("report",), "report, version 1"):
        ended = command("schema", *what)
        assert json.loads(ended.said)
        assert words in ended.said
    assert command("schema", "reprot").code == 2


def test_bodies_and_numbers_are_left_out_unless_they_are_asked_for(
    finished: Ran, lying: Ran, command: Command, tmp_path: Path
) -> None:
    numbers = [line.split(",")[0] for line in (lying.out / "people.csv").read_text().splitlines()]
    whole = (lying.out / "report.json").read_text()
    assert any(number in whole for number in numbers[1:])
    rows = lying.report["findings"]["rows"]
    assert all(row["body"] for row in rows)
    again = command("check", lying.out, "--json", tmp_path / "r.json", "--markdown", tmp_path / "m")
    assert again.code == 1
    for text in (again.said, *(f.read_text() for f in (tmp_path / "r.json", tmp_path / "m"))):
        assert not any(number in text or number[-9:] in text for number in numbers[1:])
        assert not any(row["body"] in text for row in rows)


def test_two_reports_are_told_apart(finished: Ran, lying: Ran, command: Command) -> None:
    same = command("report", "diff", finished.out, finished.out / "report.json")
    assert (same.code, same.last) == (0, "the same facts; exit code 0 then 0; 0 differences")
    other = command("report", "diff", finished.out, lying.out)
    assert other.code == 0
    assert other.last.startswith("other facts; exit code 0 then 1;")
    assert "expectation: sent" in other.said
    assert "new  billed though excluded" in other.said
    found = json.loads(command("report", "diff", finished.out, lying.out, "--json", "-").said)
    assert found["expectations"]["sent"][1] is None
    assert len(found["findings"]["new"]) == lying.report["findings"]["count"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": "todoku/report/9"}'])
def test_what_is_no_report_cannot_be_compared(text: str, tmp_path: Path, command: Command) -> None:
    (tmp_path / "x.json").write_text(text)
    for words in (("report", "diff"), ("check", tmp_path, "--baseline")):
        ended = command(*words, tmp_path / "x.json", *([tmp_path] if words[0] == "report" else []))
        assert ended.code == 2
        assert "x.json" in ended.complained


def test_what_is_no_whole_report_cannot_be_compared(folder: Path, command: Command) -> None:
    report = json.loads((folder / "report.json").read_bytes())
    partial = folder / "partial.json"
    partial.write_text(json.dumps({name: report[name] for name in ("schema", "digest")}))
    for ended in (
        command("report", "diff", partial, folder),
        command("check", folder, "--baseline", partial),
    ):
        assert ended.code == 2
        assert "partial.json is no whole report: 'verdict' is not there" in ended.complained


def test_a_baseline_that_proves_nothing_is_refused(folder: Path, command: Command) -> None:
    report = json.loads((folder / "report.json").read_bytes())
    report["validity"]["proves"] = False
    (folder / "before.json").write_text(json.dumps(report))
    ended = command("check", folder, "--baseline", folder / "before.json")
    assert ended.code == 2
    assert "before.json is of a run that proves nothing; name one that does" in ended.complained


def test_max_regress_without_a_baseline_is_refused(folder: Path, command: Command) -> None:
    ended = command("check", folder, "--max-regress", "5%")
    assert ended.code == 2
    assert "--max-regress goes with --baseline" in ended.complained


def test_claims_that_were_changed_since_prove_nothing(folder: Path, command: Command) -> None:
    text = (folder / "claims.json").read_text()
    (folder / "claims.json").write_text(text.replace("undelivered", "delivered") + " ")
    ended = command("check", folder)
    assert ended.code == 3
    assert ended.last == (
        "PROVES NOTHING: the claims are not those of the run: their file was changed since"
    )


def test_a_run_may_not_be_worse_than_its_baseline(folder: Path, command: Command) -> None:
    report = json.loads((folder / "report.json").read_bytes())
    arrived = next(row for row in report["expectations"] if row["name"] == "arrived")
    for before, allowed, code in (("1", "10%", 0), ("2", "10%", 1), ("2", "60%", 0)):
        arrived["exact"] = before
        baseline = folder / "before.json"
        baseline.write_text(json.dumps(report))
        ended = command("check", folder, "--baseline", baseline, "--max-regress", allowed)
        assert ended.code == code, ended
    assert "not worse: arrived: expected less than before by at most 60%" in ended.said
    assert command("check", folder, "--baseline", baseline, "--max-regress", "lots").code == 2
    report["expectations"] = []
    baseline.write_text(json.dumps(report))
    assert command("check", folder, "--baseline", baseline).code == 0  # new ones are not worse


def test_a_run_is_stopped_early_for_what_will_not_recover(
    tmp_path: Path, here: Callable[..., Ran]
) -> None:
    expect = [
        {"name": "later", "that": "findings", "equals": "0"},
        {
            "name": "dead route",
            "that": "delivered / finished",
            "at_least": "90%",
            "confidence": "99%",
            "abort_after": "2h",
        },
    ]
    scenario = written(tmp_path, JAPAN, people={"with": {"gone": "95%"}}, expect=expect)
    ended = here(scenario, "--junit", tmp_path / "j.xml")
    assert ended.code == 1
    assert ended.last == (
        "FAIL: stopped early for dead route; 0 of 1 expectation holds (not: dead route), "
        "no claims to compare"
    )
    later, dead = ended.report["expectations"]
    assert (later["outcome"], dead["outcome"]) == ("not_judged", "failed")
    assert ended.report["repeatable"]["answer"] == "yes"
    last_us = max(event.at_us for event in ended.events)
    first_us = min(event.at_us for event in ended.events)
    assert last_us - first_us < 12 * 3_600_000_000  # of seven days
    assert 'skipped="1"' in (tmp_path / "j.xml").read_text()


def test_claims_left_over_from_an_earlier_run_prove_nothing(
    tmp_path: Path, here: Callable[..., Ran]
) -> None:
    """A system that answers with the same claims, whatever the seed."""
    scenario = misbehaving(tmp_path, "talkative")
    assert here(scenario).code == 1
    assert here(scenario).code == 1  # the same facts: no copy
    ended = here(scenario, "--seed", "2")
    assert ended.code == 3
    assert "the claims are a copy: byte for byte those of run" in ended.last
    assert len(json.loads((ended.out / "run.json").read_bytes())["earlier"]) == 2


def test_claims_that_name_another_run_prove_nothing(
    tmp_path: Path, here: Callable[..., Ran]
) -> None:
    ended = here(misbehaving(tmp_path, "leftover"))
    assert ended.code == 3
    assert "the claims are of run 'of yesterday', not of this one" in ended.last


def test_callbacks_that_are_still_to_be_tried_prove_nothing(
    tmp_path: Path, here: Callable[..., Ran]
) -> None:
    expect = [{"name": "sent", "that": "accepted", "at_least": "1"}]
    ended = here(
        misbehaving(tmp_path, "deaf", time={"until": "3m"}, sut={"claims": None}, expect=expect)
    )
    assert ended.code == 3, ended
    assert "still undelivered at the horizon, each with another attempt to come" in ended.last
