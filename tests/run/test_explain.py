"""`todoku explain`: every default, what to expect, where it is from; and no secret."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from simulator.cli import main
from simulator.core.carrier import CARRIERS
from simulator.core.chance import Law
from simulator.core.handset import DAILY_LENGTH, WEEKLY_LENGTH
from simulator.core.person import PRESETS, RATE_NAMES, rates_of
from simulator.core.sources import LAWS, PATIENCE
from simulator.run.expanded import HIDDEN, duration, settings_of
from simulator.run.explain import explained
from simulator.run.explain_show import show
from simulator.run.foresee import COUNTED, foresee, lived, prospects
from simulator.scenario import load_scenario
from tests.run.runs import AMERICA, FIRST_CAMPAIGN, JAPAN, ROOT, US_REMINDER, run, written

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.scenario import Scenario


def scenario(folder: Path, base: dict[str, Any] = JAPAN, **sections: Any) -> Scenario:
    return load_scenario(written(folder, base, **sections), needs_sut=False)


# Defaults


def test_every_default_is_written_out_as_people_write_it() -> None:
    found = {s.key: (s.value, s.by) for s in settings_of(load_scenario(US_REMINDER))}
    assert found["time.until"] == ("7d", "file")
    assert found["time.quantum"] == ("0s", "default")
    assert found["time.start"] == ("2026-03-02T14:00:00Z", "file")
    assert found["sut.timeout"] == ("2m", "file")
    assert found["sut.ready"] == ("GET /health", "default")
    assert found["world.retention"] == ("100000", "default")
    assert found["accounts[0].price.unit"] == ("0.0083", "file")
    assert found["accounts[0].price.tax"] == ("0", "file") or found["accounts[0].price.tax"] == (
        "0%",
        "file",
    )
    assert found["people.with.reply"] == ("25%", "file")
    assert found["expect[1].at_least"] == ("90%", "file")
    assert found["expect[3].at_least"] == ("1", "file")


@pytest.mark.parametrize(
    ("us", "text"),
    [(0, "0s"), (250_000, "250ms"), (5_400_000_000, "1h30m"), (7 * 86_400_000_000, "7d")],
)
def test_durations_go_back_to_text(us: int, text: str) -> None:
    assert duration(us) == text


# Secrets


def test_no_secret_is_echoed_wherever_it_stands(tmp_path: Path) -> None:
    secrets = ["s3cret-of-the-account", "hunter2-env", "k-of-a-flag", "k-with-equals", "body-pass"]
    path = written(
        tmp_path,
        AMERICA,
        title="uses s3cret-of-the-account",
        accounts=[
            {
                "name": "shop",
                "dialect": "twilio",
                "secret": secrets[0],
                "inbound": "http://user:url-pass@127.0.0.1:9/in",
            }
        ],
        sut={
            "command": f"run --token {secrets[2]} --api-key={secrets[3]} DB={secrets[0]}",
            "env": {"DB_PASS": secrets[1], "SMS_KEY": "{secret}"},
            "start": {"request": "POST /c", "body": {"password": secrets[4], "n": "5"}},
        },
    )
    document = explained(load_scenario(path))
    text = json.dumps(document)
    for secret in (*secrets, "url-pass"):
        assert secret not in text
    found = {row["key"]: row["value"] for row in document["settings"]}
    assert found["accounts[0].secret"] == HIDDEN
    assert found["sut.env.SMS_KEY"] == "{secret}"
    assert found["sut.env.DB_PASS"] == "(set, not shown)"
    assert found["sut.command"].startswith(f"run --token {HIDDEN} --api-key={HIDDEN} ")
    assert document["scenario"]["title"] == f"uses {HIDDEN}"


def test_a_derived_secret_is_not_shown_either() -> None:
    found = load_scenario(FIRST_CAMPAIGN)
    from simulator.run.world import credentials  # noqa: PLC0415

    assert credentials(found.sut_account)[1] not in json.dumps(explained(found))


# What to expect


def test_a_real_run_lies_where_it_is_expected(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        AMERICA,
        people={"count": 300},
        sut={"command": "python -m examples.outreach --provider twilio --remind-after 2000"},
    )
    found = foresee(load_scenario(path))
    ran = run(path, tmp_path / "out", "--seed", 8)  # one in twenty lies outside
    (tally,) = ran.report["truth"]["accounts"].values()
    seen = {**tally, **tally["fate"], "charged_units": ran.report["invoices"]["rows"][0]["units"]}
    for name in ("delivered", "noticed", "opened", "replied", "charged_units"):
        count = found.counts[name]
        assert count.low <= seen[name] <= count.high, count


def test_of_a_hundred_seeds_about_ninety_five_lie_where_they_are_expected(tmp_path: Path) -> None:
    found = scenario(tmp_path, AMERICA, people={"count": 150})
    expected = foresee(found)
    for name in ("delivered", "opened", "replied", "charged_units"):
        count = expected.counts[name]
        seen = [lived(found, seed, 150)[name] for seed in range(100)]
        assert sum(count.low <= n <= count.high for n in seen) >= 90, name


def test_a_sample_agrees_with_the_presets_it_is_made_of(tmp_path: Path) -> None:
    rates = {"gone": "20%", "refuses": "0%", "absent": "0%", "away": "0%"}
    found = foresee(scenario(tmp_path, AMERICA, people={"count": 1000, "with": rates}))
    gone = found.counts["undelivered"]
    assert gone.share_low < 0.2 < gone.share_high
    opened = found.counts["opened"]
    assert opened.share_low < 0.8 * 0.86 < opened.share_high
    assert set(found.counts) == set(COUNTED)
    assert found.lives == 10_000


def test_the_same_scenario_is_explained_the_same() -> None:
    found = load_scenario(US_REMINDER)
    assert explained(found) == explained(found)


def test_expectations_that_luck_can_break_are_told_from_those_it_cannot(tmp_path: Path) -> None:
    limits = [
        ("sure", "delivered / accepted", "50%"),
        ("luck", "delivered / accepted", "95.5%"),
        ("never", "delivered / accepted", "99.9%"),
        ("own", "findings", "0"),
    ]
    expect = [{"name": n, "that": t, "at_least": at} for n, t, at in limits]
    found = scenario(tmp_path, AMERICA, people={"count": 300}, expect=expect)
    answers = {p.name: p.answer for p in prospects(found, foresee(found))}
    assert answers == {"sure": "holds", "luck": "chance", "never": "fails", "own": "system"}


def test_a_route_without_replies_expects_none() -> None:
    document = explained(load_scenario(FIRST_CAMPAIGN))
    counts = {row["metric"]: row for row in document["expected"]["counts"]}
    assert counts["replied"]["seen"] == 0
    assert any(line.startswith("replies and STOP") for line in document["judges"]["cannot"])


# Where it is from


def test_every_law_and_every_carriers_patience_has_a_source() -> None:
    laws = [DAILY_LENGTH, WEEKLY_LENGTH]
    for carrier in CARRIERS.values():
        laws += [v for n in type(carrier).__slots__ if isinstance(v := getattr(carrier, n), Law)]
        assert PATIENCE[carrier.name].cite
    for preset in PRESETS.values():
        laws += [v for n in type(preset).__slots__ if isinstance(v := getattr(preset, n), Law)]
    for law in laws:
        assert LAWS[law.name].cite, law.name


def test_every_figure_of_the_preset_is_shown_with_source_and_certainty() -> None:
    rows = explained(load_scenario(FIRST_CAMPAIGN))["figures"]
    shown = {row["what"] for row in rows}
    assert {f"jp-direct: {name}" for name in RATE_NAMES} <= shown
    assert all(row["cite"] and row["certainty"] and row["value"] for row in rows)


def test_a_rate_says_which_of_three_places_it_is_from(tmp_path: Path) -> None:
    people = {
        "count": 10,
        "with": {"reply": "95%"},
        "segments": [
            {"name": "vip", "share": "20%", "with": {"reply": "96%", "stop": "1%"}},
            {"name": "rest", "share": "80%"},
        ],
    }
    document = explained(scenario(tmp_path, AMERICA, people=people))
    by = {(row["segment"], row["rate"]): row["by"] for row in document["rates"]}
    assert by["vip", "reply"] == "segment vip"
    assert by["rest", "reply"] == "people.with"
    assert by["rest", "opened"] == "raised with a later stage"
    assert by["rest", "gone"] == by["rest", "click"] == "preset us-generic"
    assert any("overrule people.with: vip.reply" in line for line in document["precedence"])


def test_a_rate_of_clicks_that_nobody_gave_is_said_to_be_lowered(tmp_path: Path) -> None:
    rates = {"opened": "2%", "reply": "1%", "stop": "1%"}
    document = explained(scenario(tmp_path, people={"count": 10, "with": rates}))
    (clicks,) = [row for row in document["rates"] if row["rate"] == "click"]
    assert (clicks["value"], clicks["by"]) == ("2%", "lowered with an earlier stage")


def test_rates_are_the_presets_with_the_given_ones_over_them() -> None:
    preset = PRESETS["jp-direct"]
    assert rates_of(preset, {})["gone"] == preset.gone.value
    assert rates_of(preset, {"opened": 1.0})["noticed"] == 1.0
    with pytest.raises(ValueError, match="cannot exceed"):
        rates_of(preset, {"reply": 0.9, "opened": 0.5})


# What it can judge


def test_without_claims_or_expectations_it_says_that_nothing_is_judged(tmp_path: Path) -> None:
    found = scenario(tmp_path, sut={"claims": None, "idle": None})
    cannot = " ".join(explained(found)["judges"]["cannot"])
    assert "`sut.claims` is missing" in cannot
    assert "proves nothing (exit 3)" in cannot
    assert "without `sut.idle`" in cannot


# The command


def test_it_is_shown_on_a_terminal_and_written_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for flags in ([], ["--json", "-"], ["--json", "x.json", "--seed", "7"]):
        monkeypatch.setattr(sys, "argv", ["todoku", "explain", "first-campaign", *flags])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        said = capsys.readouterr().out
        if not flags:
            for title in ("defaults included", "95% of runs", "certainty", "What it cannot"):
                assert title in said
        elif flags[1] == "-":
            assert json.loads(said)["schema"] == "todoku/explain/1"
    assert json.loads((tmp_path / "x.json").read_bytes())["scenario"]["seed"] == 7


def test_markup_in_a_scenario_is_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(explained(scenario(tmp_path, title="[bold]not markup[/]", name="x")))
    assert "[bold]not markup[/]" in capsys.readouterr().out
    assert ROOT.is_dir()


# Policy


def test_the_policy_is_explained_check_by_check_with_its_source(tmp_path: Path) -> None:
    policy = ["cadence", "us-tcpa-hours"]
    document = explained(scenario(tmp_path, AMERICA, policy=policy))
    assert [row["check"] for row in document["policy"]] == [
        *(f"cadence: at_most_per_window ({channel})" for channel in ("call", "mail", "sms")),
        "us-tcpa-hours: quiet_hours",
    ]
    assert all(row["source"] and row["what"].endswith(".") for row in document["policy"])
    assert "2 policy check(s) on the traffic" in " ".join(document["judges"]["can"])
    cannot = " ".join(document["judges"]["cannot"])
    assert "1 policy check(s) that need call: no such channel in this run" in cannot
    assert "America/New_York is assumed" in cannot


# Filters and confidence


def test_a_filter_is_not_foreseen_and_a_confidence_leaves_chance_its_room(tmp_path: Path) -> None:
    rate = {"that": "delivered / accepted", "at_least": "98%"}
    expect = [
        {"name": "exact", **rate},
        {"name": "sure", **rate, "confidence": "99.9%"},
        {"name": "filtered", **rate, "of": {"carrier": "au"}},
    ]
    people = {"count": 200, "country": "jp", "numbers": "assignable"}
    found = scenario(tmp_path, people=people, expect=expect)
    exact, sure, filtered = prospects(found, foresee(found, 2000))
    assert (exact.answer, sure.answer) == ("chance", "holds")
    assert filtered.answer == "system"
    assert filtered.words == "foreseen for all messages only, not for carrier kddi (see --seeds)"
    defaults = {setting.key for setting in settings_of(found)}
    assert "expect[2].of.carrier" in defaults
    assert "expect[2].of.account" not in defaults
