"""Rules as people write them: in a scenario, with file and line; and the page about them."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from simulator.core.faults import (
    IN_USE,
    Asks,
    Corrupt,
    Delay,
    Duplicate,
    Hold,
    Kind,
    Lose,
    Reject,
    Reorder,
    Rule,
    Seam,
    When,
)
from simulator.core.message import State
from simulator.core.trouble import Forgery
from simulator.dialects import DIALECTS
from simulator.errors import ConfigError
from simulator.rules import SIGNERS, RuleBody
from simulator.run.rules_explain import rules_asked, rules_cannot, rules_precedence
from simulator.run.world import credentials, rules_of
from simulator.scenario import Scenario, parse_scenario, schema
from simulator.verdicts import ENDPOINTS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/faults.md").read_text("utf-8")
HEAD = """\
version: 1
name: faulty
people: {count: 5, numbers: assignable}
accounts:
  - {name: main, dialect: twilio}
  - {name: spare, dialect: zettai_reach}
world: {lane: own}
rules:
"""
HOUR_US = 3_600_000_000


def read(*rules: str) -> Scenario:
    text = HEAD + "".join(f"  - {rule}\n" for rule in rules)
    return parse_scenario(text, "f.yaml", needs_sut=False)


def refusal(*rules: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(*rules)
    return [str(problem) for problem in caught.value.problems]


def test_a_rule_is_read_into_true_values() -> None:
    scenario = read(
        "{name: busy, seam: api, when: {account: main, request: any, nth: {from: 2, to: 3}},"
        " then: {reject: {status: 429, retry_after: 1500ms}}, chance: 20%,"
        " during: {from: 1h, for: 30m}, at_most: 5}",
        "{name: late, seam: receipt, when: {carrier: [kddi, docomo], to: +819012345678,"
        " state: expired}, then: [{delay: {from: 1h, to: 2h}}, {duplicate: {copies: 3}}]}",
        "{name: forger, seam: callback, then: {corrupt: stale_signature},"
        " during: {until: 2026-03-02T09:00:00Z}}",
        "{name: mixed, seam: callback, when: {state: [sent, sending]}, then: reorder}",
        "{name: gone, seam: reply, then: lose, chance: 0.5}",
        "{name: out, seam: receipt, then: {hold: {release: 90/min}}, during: {for: 20m}}",
        "{name: shut, seam: callback, then: hold}",
    )
    twilio_id, _ = credentials(scenario.accounts[0])
    assert rules_of(scenario, HOUR_US) == (
        Rule(
            "busy",
            Seam.API,
            (Reject(429, 2),),
            When(accounts=(twilio_id,), requests=Asks.ANY, nth_from=2, nth_to=3),
            0.2,
            2 * HOUR_US,
            2 * HOUR_US + HOUR_US // 2,
            5,
        ),
        Rule(
            "late",
            Seam.RECEIPT,
            (Delay(HOUR_US, 2 * HOUR_US), Duplicate(3, 1_000_000)),
            When(to=("+819012345678",), carriers=("kddi", "docomo"), states=(State.EXPIRED,)),
        ),
        Rule(
            "forger",
            Seam.CALLBACK,
            (Corrupt(Forgery.STALE),),
            When(dialects=SIGNERS),
            from_us=HOUR_US,
            until_us=1_772_442_000_000_000,
        ),
        Rule(
            "mixed",
            Seam.CALLBACK,
            (Reorder(600_000_000),),
            When(states=(State.SENT, State.SENDING)),
        ),
        Rule("gone", Seam.REPLY, (Lose(),), chance=0.5),
        Rule(
            "out", Seam.RECEIPT, (Hold(1_500),), from_us=HOUR_US, until_us=HOUR_US + 1_200_000_000
        ),
        Rule("shut", Seam.CALLBACK, (Hold(),)),
    )


@pytest.mark.parametrize("kind", [kind.value for kind in (Kind.HANG, Kind.DISCONNECT)])
def test_a_verdict_that_is_not_in_use_yet_is_refused_by_name_and_line(kind: str) -> None:
    assert refusal(
        "{name: a, seam: receipt, then: lose}", f"{{name: b, seam: api, then: {kind}}}"
    ) == [f"f.yaml:10:5: rules[1]: {kind} is not in use at seam api yet; in use there: reject"]


@pytest.mark.parametrize("seam", ["carrier", "handset", "smpp"])
def test_a_seam_where_no_rule_acts_yet_is_refused_by_name(seam: str) -> None:
    (line,) = refusal(f"{{name: a, seam: {seam}, then: lose}}")
    assert line.startswith(f"f.yaml:9:5: rules[0]: no rule acts at seam {seam} yet; seams in use: ")


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("{name: a, seam: apj, then: lose}", "9:15: rules[0].seam: unknown value 'apj'"),
        ("{name: a, seam: api}", "9:5: rules[0].then: is missing"),
        ("{name: a, seam: api, then: loose}", "9:26: rules[0].then[0].loose: unknown key 'loose'"),
        (
            "{name: a, seam: api, then: {reject: {status: 404}}}",
            "9:26: rules[0].then[0].reject.status",
        ),
        ("{name: a, seam: receipt, then: {delay: 6}}", "a unit is needed"),
        (
            "{name: a, seam: receipt, then: {delay: {from: 2h, to: 1h}}}",
            "shorter delay comes first",
        ),
        ("{name: a, seam: receipt, then: {duplicate: {copies: 101}}}", "at most 100"),
        ("{name: a, seam: receipt, then: {delay: 1h, lose: {}}}", "expected one verdict"),
        ("{name: a, seam: receipt, then: {hold: 1/h}}", "expected a rate from 4/h to 1_000_000/s"),
        ("{name: a, seam: receipt, then: {hold: 20m}}", "hold.release: expected a rate such as"),
        ("{name: a, seam: receipt, then: {hold: {until: 20m}}}", "hold.until: unknown key"),
        ("{name: a, seam: receipt, then: pass}", "a rule that passes does nothing"),
        ("{name: a, seam: receipt, then: lose, chance: 101%}", "rules[0].chance: expected a share"),
        ("{name: a, seam: receipt, then: lose, at_most: 0}", "at least 1"),
        ("{name: a, seam: receipt, then: lose, when: {acount: main}}", "did you mean account?"),
        ("{name: a, seam: receipt, then: lose, when: {account: mian}}", "did you mean main?"),
        ("{name: a, seam: receipt, then: lose, when: {carrier: dokomo}}", "did you mean docomo?"),
        ("{name: a, seam: receipt, then: lose, when: {to: nobody}}", "not a phone number"),
        ("{name: a, seam: receipt, then: lose, during: {from: 1h, until: 1h}}", "ends before"),
        ("{name: a, seam: receipt, then: lose, during: {until: 1h, for: 1h}}", "keep one"),
        ("{name: a, seam: callback, then: corrupt, when: {account: spare}}", "nothing to corrupt"),
        ("{name: a, seam: callback, then: corrupt, when: {dialect: zettai_reach}}", "not sign"),
        ("{name: a, seam: receipt, then: lose, during: {from: 7d}}", "begins when the run is over"),
        (
            "{name: a, seam: receipt, then: lose, during: {from: 2030-01-01T00:00:00Z}}",
            "time.until 7d",
        ),
        (
            "{name: a, seam: receipt, then: lose, during: {from: 2020-01-01T00:00:00Z, for: 1d}}",
            "is over before the run begins",
        ),
        (
            "{name: a, seam: receipt, then: lose, during: {until: 2020-01-02T00:00:00Z}}",
            "is over before the run begins",
        ),
        (
            "{name: a, seam: api, then: {reject: 503}, when: {endpoint: POST /p5/api/mt.jsn}}",
            "did you mean POST /p5/api/mt.json?",
        ),
        (
            "{name: a, seam: api, then: {reject: 503}, when: {endpoint: POST /todoku/v1/messages}}",
            "no account here speaks native",
        ),
        ("{name: tel-09012345678, seam: receipt, then: lose}", "may be somebody's number"),
        ("lose", "expected a mapping"),
    ],
)
def test_a_rule_that_is_wrong_is_told_where_and_what(rule: str, line: str) -> None:
    found = refusal(rule)
    assert any(line in each for each in found), found
    assert all(each.startswith("f.yaml:9:") for each in found)


def test_a_segment_that_nobody_is_of_is_told_before_the_run() -> None:
    rule = "{name: a, seam: receipt, when: {segment: SEGMENT}, then: lose}"
    [line] = refusal(rule.replace("SEGMENT", "cold"))
    said = "rules[0].when.segment: no segment is called 'cold'; known: jp-direct"
    assert line.endswith(said)
    assert read(rule.replace("SEGMENT", "jp-direct")).rules


@pytest.mark.parametrize(
    "during",
    [
        "{from: 6d}",
        "{from: 2020-01-01T00:00:00Z}",
        "{until: 1h}",
        "{from: 6d, until: 2026-03-09T00:00:00Z}",
    ],
)
def test_a_window_that_is_in_part_within_the_run_is_let_pass(during: str) -> None:
    rule = f"{{name: a, seam: receipt, then: lose, during: {during}}}"
    assert parse_scenario(f"{HEAD}  - {rule}", "f.yaml", needs_sut=False).rules


def test_the_endpoints_that_a_rule_may_name_are_those_that_there_are() -> None:
    routes = {name: module.ROUTES for name, module in DIALECTS.items()}
    there = {f"{r.method} {r.path}": name for name, found in routes.items() for r in found}
    assert there == ENDPOINTS


def test_two_rules_of_one_name_are_told() -> None:
    same = "{name: a, seam: receipt, then: lose}"
    assert refusal(same, same) == [
        "f.yaml:10:6: rules[1].name: 'a' is taken by number 1: choose another"
    ]


@pytest.mark.parametrize("rules", ["x", "[x]", "[[]]", "[{then: {}}]", "[{when: x, then: [[]]}]"])
def test_rules_of_another_shape_are_refused_in_words(rules: str) -> None:
    text = HEAD.replace("rules:\n", f"rules: {rules}\n")
    with pytest.raises(ConfigError):
        parse_scenario(text, "f.yaml", needs_sut=False)


def test_the_schema_takes_rules_as_an_editor_reads_them() -> None:
    text = HEAD + "".join(f"  {line}\n" for line in examples())
    jsonschema.validate(yaml.load(text, Loader=yaml.BaseLoader), schema())
    wrong = yaml.load(text, Loader=yaml.BaseLoader)
    for key, value in {"seam": "apj", "chance": "x", "then": "loose", "nope": "1"}.items():
        broken: Any = copy.deepcopy(wrong)
        broken["rules"][0][key] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema())


# What `todoku explain` says.


def test_explain_says_each_rule_in_words_and_which_goes_first() -> None:
    scenario = read(
        "{name: busy, seam: api, then: {reject: {status: 429, retry_after: 30s}}, chance: 20%,"
        " during: {from: 1h, for: 30m}, at_most: 5}",
        "{name: broken, seam: api, when: {request: any, endpoint: GET /p5/api/status.json},"
        " then: {reject: 503}}",
        "{name: late, seam: receipt, when: {carrier: kddi}, then: [{delay: 6h}, duplicate]}",
    )
    rows = list(rules_asked(scenario))
    assert [(row["what"], row["whom"]) for row in rows] == [
        (
            "reject with 429, again after 30 s",
            "20% of send requests; from 1h for 30m; at most 5 times",
        ),
        ("reject with 503", "100% of requests; GET /p5/api/status.json"),
        ("delay 6h and 1 more after 1s each", "100% of receipts; carrier kddi"),
    ]
    assert list(rules_precedence(scenario)) == [
        "rules at seam api: the first that fires wins, in this order: busy, broken"
    ]
    assert list(rules_cannot(scenario)) == ["the same again for sure: rule busy counts arrivals"]


def test_explain_says_how_fast_a_backlog_comes() -> None:
    rows = rules_asked(
        read(
            "{name: out, seam: receipt, then: {hold: 700/s}, during: {for: 20m}}",
            "{name: shut, seam: callback, then: hold}",
        )
    )
    assert [(row["what"], row["whom"]) for row in rows] == [
        ("hold, then 700 a second", "100% of receipts; from 0s for 20m"),
        ("hold, then all at once", "100% of callbacks"),
    ]


# The page.


def examples() -> list[str]:
    return re.findall(r"^- \{.*\}$", PAGE, re.MULTILINE)


def test_the_page_has_every_pair_in_use_with_an_example_of_it() -> None:
    pairs = [(seam.value, kind.value) for seam, kinds in IN_USE.items() for kind in kinds]
    assert sorted(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE)) == sorted(pairs)
    bodies = [RuleBody.model_validate(yaml.load(each, yaml.BaseLoader)[0]) for each in examples()]
    shown = [(body.seam, then.kind.value) for body in bodies for then in body.then]
    assert sorted(shown) == sorted(pairs)
    for seam, kind in shown:
        assert f"\n`{seam}` `{kind}`: " in PAGE


def test_the_page_names_every_seam_and_every_key() -> None:
    for seam in Seam:
        assert f"`{seam.value}`" in PAGE
    for key in (*RuleBody.model_fields, *RuleBody.model_fields["when"].annotation.model_fields):
        assert re.search(rf"\b{key}\b", PAGE), key
