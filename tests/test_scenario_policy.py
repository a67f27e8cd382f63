"""`policy:` in a scenario: read strictly, and refused where the run's clock cannot judge it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simulator.errors import ConfigError
from simulator.policy_sets import RULE_SETS
from simulator.scenario import Scenario, parse_scenario, schema
from simulator.scenario_policy import CHECKS, NAMES, asked_of

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs/policies.md").read_text("utf-8")
SCENARIO: dict[str, Any] = {
    "version": "1",
    "name": "trial",
    "people": {"count": "20"},
    "accounts": [{"name": "shop", "dialect": "twilio"}],
    "sut": {"command": "run", "start": {"request": "POST /go"}, "idle": "GET /idle"},
}


def read(policy: list[Any], **sections: Any) -> Scenario:
    tree = {**SCENARIO, "policy": policy, **sections}
    return parse_scenario(json.dumps(tree), "x.yaml")


def refused(policy: list[Any], **sections: Any) -> str:
    with pytest.raises(ConfigError) as error:
        read(policy, **sections)
    return str(error.value)


def test_names_alone_and_names_with_parameters_are_read() -> None:
    policy = ["jp-courtesy", {"no_duplicate_text": {"in": "2d"}}, {"jp-lender": {"level": "warn"}}]
    asked = list(asked_of(read(policy).policy))
    assert [(each.name, each.level) for each in asked] == [
        ("jp-courtesy: quiet_hours", "fail"),
        ("jp-courtesy: no_holidays", "fail"),
        ("no_duplicate_text", "fail"),
        ("jp-lender: quiet_hours", "warn"),
    ]
    jsonschema.validate({**SCENARIO, "policy": policy}, schema())


def test_the_sender_of_an_advertisement_goes_into_its_check() -> None:
    asked = {a.kind: a.check for a in asked_of(read([{"jp-advertising": {"sender": "X"}}]).policy)}
    assert asked["names_sender"].any_of == ("X",)  # type: ignore[attr-defined]


def test_the_cadence_is_three_three_two_in_seven_or_fourteen_days() -> None:
    day = 86_400_000_000
    found = [
        (c.channel, c.count, c.within_us // day, c.business_us // day)
        for c in (a.check for a in asked_of(read(["cadence"]).policy))
    ]
    assert found == [("call", 3, 7, 14), ("mail", 3, 7, 14), ("sms", 2, 7, 14)]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("jp-curtesy", "did you mean jp-courtesy?"),
        ({"no_duplicate_txt": {}}, "did you mean no_duplicate_text?"),
        ({"cadence": {}, "jp-lender": {}}, "needs exactly one name; seen cadence and jp-lender"),
        ({}, "needs exactly one name; seen none"),
        (["cadence"], "expected a mapping"),
        ("quiet_hours", "quiet_hours.from: is missing"),
        ({"quiet_hours": {"from": "25:00", "until": "8:00"}}, "expected a time of day such as"),
        (
            {"quiet_hours": {"from": "9:00", "until": "9:00"}},
            "the same hour: that is the whole day",
        ),
        ({"no_holidays": {"zone": "Asia/Tokio"}}, "expected a name of the IANA list"),
        ({"no_holidays": {"zone": "../etc/passwd"}}, "expected a name of the IANA list"),
        ({"jp-advertising": {}}, "jp-advertising.sender: is missing"),
        ({"at_most_per_window": {"count": "0"}}, "at least 1"),
        ({"at_most_per_window": {"count": "2", "channel": "fax"}}, "known: call, mail, sms"),
        ({"backs_off": {"factor": "0.5"}}, "must be at least 1"),
        ({"names_sender": {"any_of": []}}, "expected at least 1 of them"),
        ({"stop_after": {"span": "7"}}, "a unit is needed"),
        ({"jp-lender": {"levle": "warn"}}, "did you mean level?"),
    ],
)
def test_a_mistake_is_one_clear_line(item: Any, words: str) -> None:
    said = refused([item])
    assert words in said
    assert "policy[0]" in said


STEPPED: dict[str, str] = {}
SCALED = {"mode": "scaled", "rate": "60"}
REAL = {"mode": "real"}
LIVE = {"mode": "real", "start": "now"}
ORDER, PACE = "no_send_after_opt_out", "backs_off"
SPAN, CALENDAR = "no_duplicate_text", "jp-lender"


@pytest.mark.parametrize(
    ("time", "clock", "name", "able"),
    [
        *((STEPPED, None, name, True) for name in (ORDER, PACE, SPAN, CALENDAR)),
        *((STEPPED, "todoku", name, True) for name in (ORDER, PACE, SPAN, CALENDAR)),
        (STEPPED, "own", ORDER, True),
        *((STEPPED, "own", name, False) for name in (PACE, SPAN, CALENDAR)),
        *((SCALED, "todoku", name, True) for name in (ORDER, PACE, SPAN, CALENDAR)),
        *((SCALED, None, name, True) for name in (ORDER, PACE)),
        *((SCALED, None, name, False) for name in (SPAN, CALENDAR)),
        *((REAL, None, name, True) for name in (ORDER, PACE, SPAN)),
        (REAL, None, CALENDAR, False),
        *((LIVE, None, name, True) for name in (ORDER, PACE, SPAN, CALENDAR)),
    ],
)
def test_what_the_clock_cannot_judge_is_an_error_before_the_run(
    time: dict[str, str], clock: str | None, name: str, able: bool
) -> None:
    sut = {**SCENARIO["sut"], **({"clock": clock} if clock else {})}
    if able:
        assert read([name], time=time, sut=sut).policy
    else:
        said = refused([name], time=time, sut=sut)
        assert f"policy[0]: {name} cannot be judged here: " in said


def test_in_stepped_time_a_pace_needs_to_know_whose_clock_it_is() -> None:
    blind = {key: value for key, value in SCENARIO["sut"].items() if key != "idle"}
    assert "write sut.clock: todoku" in refused([PACE], sut=blind)
    assert read([PACE], sut={**blind, "clock": "todoku"})
    assert read([SPAN], sut=blind)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (["jp-lender", "jp-lender"], "policy[1]: 'jp-lender' stands in number 1 too"),
        (
            [
                {"at_most_per_window": {"count": 1}},
                {"at_most_per_window": {"count": 9, "in": "9d"}},
            ],
            "'at_most_per_window' stands in number 1 too: give one of them another `name`",
        ),
    ],
)
def test_what_the_report_could_not_tell_apart_is_refused(policy: list[Any], said: str) -> None:
    assert said in refused(policy)
    window = {"at_most_per_window": {"count": 9, "in": "9d", "name": "nine"}}
    assert read([policy[0], window]).policy


def test_findings_may_be_expected_of_a_policy_alone() -> None:
    expect = [{"name": "clean", "that": "findings", "equals": "0"}]
    assert read(["cadence"], expect=expect)
    with pytest.raises(ConfigError, match="findings needs claims"):
        parse_scenario(json.dumps({**SCENARIO, "expect": expect}), "x.yaml")


def test_each_name_is_a_set_or_a_check() -> None:
    assert set(NAMES) == set(CHECKS) | set(RULE_SETS)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_on_policies_has_a_row_for_each(name: str) -> None:
    assert f"| `{name}` |" in DOCS


@pytest.mark.parametrize("name", CHECKS)
def test_the_page_names_each_parameter(name: str) -> None:
    (row,) = [line for line in DOCS.splitlines() if line.startswith(f"| `{name}` |")]
    shared = {"level", "if_not_judged", "name"}
    for field, info in CHECKS[name].model_fields.items():
        if field not in shared:
            assert f"`{info.alias or field}`" in row
