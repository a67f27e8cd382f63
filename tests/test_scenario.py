from __future__ import annotations

import copy
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from simulator.core.person import PRESETS
from simulator.errors import ConfigError
from simulator.quantities import Request, instant_us
from simulator.scenario import METRICS, Measure, Scenario, load_scenario, parse_scenario, schema

PUBLISHED = Path(__file__).parent.parent / "docs" / "scenario.schema.json"
FULL = """\
version: 1
name: first-campaign
title: "The first"
seed: 42
world: {identity: recipient, lane: shared, retention: 100_000}
time: {mode: stepped, start: 2026-03-02T09:00:00+09:00, until: 7d, quantum: 0s}
people:
  {count: 500, country: jp, numbers: assignable, preset: jp-direct, with: {gone: 1%, reply: 30%},
   segments: [{name: warm, share: 30%, with: {reply: 0.5}}, {name: cold, share: 0.7}]}
accounts:
  - {name: main, dialect: zettai_reach, id: "10001", secret: hunter2, sender: 000512,
     billing: jp-success-billed, price: {unit: "15", currency: JPY, tax: 10%},
     push: "{sut_url}/receipts"}
  - {name: spare, dialect: twilio, inbound: "{sut_url}/in", two_way: true}
sut:
  {command: python -m examples.outreach --provider 'zettai reach', account: main,
   env: {NAME: "value {account}", PHONE: +819000000000}, idle: GET /idle, claims: GET /claims,
   start: {request: POST /campaigns, body: {name: spring, n: 5, recipients: $recipients}},
   stop: SIGINT, timeout: 1m}
expect:
  - {name: enough delivered, that: delivered / accepted, at_least: 95%}
  - {name: honest books, that: findings, equals: 0}
  - {name: price, that: subtotal, of: {account: main}, between: [7_000, 7500.5]}
"""
SMALL: dict[str, Any] = {
    "version": "1",
    "name": "small",
    "people": {"count": "5"},
    "accounts": [{"name": "main", "dialect": "twilio"}],
    "sut": {"url": "http://127.0.0.1:9000/", "start": {"request": "POST /go"}, "claims": "GET /c"},
}


def read(text: str, **options: Any) -> Scenario:
    return parse_scenario(text, "f.yaml", **options)


def written(*changes: tuple[str, Any]) -> str:
    """SMALL with some keys set, "time.mode" style, or taken out by None."""
    tree = copy.deepcopy(SMALL)
    for path, value in changes:
        *above, last = path.split(".")
        node: Any = tree
        for step in above:
            node = node[int(step)] if step.isdigit() else node.setdefault(step, {})
        node.update({last: value}) if value is not None else node.pop(last)
    return yaml.safe_dump(tree, allow_unicode=True)


def segments(*shares: str) -> list[dict[str, str]]:
    return [{"name": f"s{n}", "share": share} for n, share in enumerate(shares)]


def refusal(text: str, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, **options)
    return [str(problem) for problem in caught.value.problems]


def test_a_full_scenario_is_read_into_true_values() -> None:
    scenario = read(FULL)
    assert (scenario.version, scenario.seed, scenario.world.retention) == (1, 42, 100_000)
    assert scenario.time.start_us == instant_us("2026-03-02T00:00:00Z")
    assert scenario.time.until_us == 7 * 86_400_000_000
    assert scenario.people.rates == {"gone": 0.01, "reply": 0.3}
    assert [s.share for s in scenario.people.segments] == [Fraction(3, 10), Fraction(7, 10)]
    assert "hunter2" not in repr(scenario)
    main, spare = scenario.accounts
    assert (main.id, main.sender, main.push) == ("10001", "000512", "{sut_url}/receipts")
    assert main.price
    assert (main.price.unit_micros, main.price.tax) == (15_000_000, Fraction(1, 10))
    assert (spare.billing, spare.two_way) == ("twilio", True)


def test_a_system_under_test_is_read_into_true_values() -> None:
    scenario = read(FULL)
    sut = scenario.sut
    assert sut
    assert sut.command == ("python", "-m", "examples.outreach", "--provider", "zettai reach")
    assert sut.env == {"NAME": "value {account}", "PHONE": "+819000000000"}
    assert (sut.ready, sut.idle) == (Request("GET", "/health"), Request("GET", "/idle"))
    assert sut.start.body == {"name": "spring", "n": "5", "recipients": "$recipients"}
    assert scenario.sut_account is scenario.accounts[0]


def test_expectations_are_read_exactly_and_know_every_metric() -> None:
    enough, honest, price = read(FULL).expect
    assert (enough.that, enough.at_least) == (Measure("delivered", "accepted"), Fraction(19, 20))
    assert (honest.that, honest.equals) == (Measure("findings"), 0)
    assert price.between == (7000, Fraction(15001, 2))
    items = [{"name": m, "that": f"{m}/accepted", "at_most": "1"} for m in METRICS]
    load = ("load", {"against": "system", "arrivals": {"constant": "1/s", "for": "5s"}})
    found = read(written(("expect", items), ("time.mode", "real"), load)).expect
    assert [e.that for e in found] == [Measure(metric, "accepted") for metric in METRICS]


def test_what_is_left_out_has_a_default() -> None:
    scenario = read(written())
    assert (scenario.seed, scenario.time.mode, scenario.world.lane) == (1, "stepped", None)
    assert scenario.time.start_us == instant_us("2026-03-02T09:00:00+09:00")
    assert (scenario.people.numbers, scenario.people.preset) == ("unassigned", "jp-direct")
    assert scenario.sut
    assert scenario.sut.url == "http://127.0.0.1:9000"
    assert scenario.sut_account.name == "main"
    assert scenario.expect == ()


def test_the_country_decides_numbers_and_preset_and_only_the_run_knows_now() -> None:
    real = read(written(("people.country", "us"), ("time", {"mode": "real", "start": "now"})))
    assert (real.people.numbers, real.people.preset) == ("reserved", "us-generic")
    assert real.time.start_us is None


def test_every_mistake_is_reported_at_once_with_its_place_and_a_suggestion() -> None:
    bad = FULL.replace("seed: 42", "sed: 42").replace("country: jp", "country: fr")
    bad = bad.replace("dialect: twilio", "dialect: twillio").replace("findings, eq", "fndings, eq")
    bad = bad.replace("shared,", "shred,").replace("share: 30%", "share: 20%")
    assert refusal(bad) == [
        "f.yaml:4:1: sed: unknown key 'sed'; did you mean seed?",
        "f.yaml:5:30: world.lane: unknown value 'shred'; did you mean shared?",
        "f.yaml:8:16: people.country: unknown value 'fr'; known: jp, us",
        "f.yaml:9:4: people.segments: the shares sum to 90%: make them sum to 100% exactly",
        "f.yaml:14:19: accounts[1].dialect: unknown value 'twillio'; did you mean twilio?",
        "f.yaml:22:26: expect[1].that: unknown metric 'fndings'; did you mean findings?",
    ]


def test_bad_input_36_duplicate_keys_are_reported_beside_all_the_rest() -> None:
    assert refusal(FULL.replace("title:", "name: x\ntitel:")) == [
        "f.yaml:3:1: name: the key 'name' stands twice, first in line 2",
        "f.yaml:4:1: titel: unknown key 'titel'; did you mean title?",
    ]


@pytest.mark.timeout(5)
def test_bad_input_36_a_flood_of_unknown_keys_is_refused_soon() -> None:
    flood = "".join(f"key{n}: x\n" for n in range(9_000))
    assert any("unknown key 'key0'" in line for line in refusal(flood))


@pytest.mark.parametrize("text", ["x", "[]", "{}", "accounts: [{dialect: [], push: x}]"])
def test_a_file_of_another_shape_is_refused_in_words(text: str) -> None:
    assert all(line.startswith("f.yaml:1:") for line in refusal(text))


BAD_INPUT_37 = [
    ("people.count", "0", "at least 1"),
    ("people.count", "", "seen nothing"),
    ("people.count", "1_000_000_000", "at most 100000000"),
    ("people.with", {"reply": "nan"}, "a share such as"),
    ("people.with", {"reply": "101%"}, "at most 100%"),
    ("people.with", {"noticed": "10%", "opened": "20%"}, "cannot exceed noticed"),
    ("people.with", {"opened": "10%", "reply": 0, "click": "20%"}, "cannot exceed opened"),
    ("people.segments", segments("90%"), "sum to 90%"),
    ("people.segments", segments("55%", "0.55"), "sum to 110%"),
    ("people.segments", segments("33.333%", "66.666%"), "sum to 99.999%"),
    ("people.segments", segments("0%", "1"), "more than zero"),
    ("time.until", "0s", "longer than zero"),
    ("time", {"mode": "scaled", "rate": "0"}, "larger than zero"),
    ("sut.timeout", "0m", "longer than zero"),
    ("accounts", [], "at least 1"),
]


@pytest.mark.parametrize(("path", "value", "clue"), BAD_INPUT_37)
def test_bad_input_37_impossible_numbers_are_refused_by_name(
    path: str, value: object, clue: str
) -> None:
    [line] = refusal(written((path, value)))
    assert f": {path}" in line
    assert clue in line


BAD_INPUT_38 = [
    ({"that": "delivred", "equals": "1"}, "unknown metric 'delivred'; did you mean delivered?"),
    ({"that": "sent / zzz", "equals": "1"}, "unknown metric 'zzz'; known: accepted"),
    ({"that": "a / b / c", "equals": "1"}, "expected a metric, or one / another"),
    ({"that": "sent"}, "needs exactly one of at_least, at_most, equals, between; seen none"),
    ({"that": "sent", "equals": "1", "at_most": "2"}, "seen at_most and equals"),
    ({"that": "sent", "at_least": "95%"}, "95% of what?"),
    ({"that": "sent", "at_least": "nan"}, "expected a number"),
    ({"that": "sent", "between": ["3", "2"]}, "the lower bound comes first"),
    ({"that": "sent", "between": ["3"]}, "is missing"),
]


@pytest.mark.parametrize(("fields", "clue"), BAD_INPUT_38)
def test_bad_input_38_an_expectation_that_means_nothing_is_refused_before_the_run(
    fields: dict[str, Any], clue: str
) -> None:
    [line] = refusal(written(("expect", [{"name": "e", **fields}])))
    assert clue in line


def test_bad_input_39_phone_numbers_times_and_norway_stay_text() -> None:
    traps = {"A": "+15550001111", "B": "0015550001111", "C": "22:30:00", "D": "NO", "E": "1:30"}
    plain = ", ".join(f"{k}: {v}" for k, v in traps.items())
    sut = read(FULL.replace("PHONE: +819000000000", plain)).sut
    assert sut
    assert sut.env == {"NAME": "value {account}", **traps}


TWO = [{"name": "a", "dialect": "twilio"}, {"name": "b", "dialect": "twilio"}]
BOOKS = [{"name": "e", "that": "findings", "equals": "0"}]
TOGETHER: list[tuple[list[tuple[str, Any]], str]] = [
    ([("time.rate", "60")], "time.rate: belongs to mode: scaled"),
    ([("time.mode", "scaled")], "time.mode: scaled needs a rate"),
    ([("time", {"mode": "real", "quantum": "1s"})], "time.quantum: belongs to mode: stepped"),
    ([("time.start", "now")], "time.start: stepped time is repeatable, `now` is not"),
    ([("people.numbers", "reserved")], "write unassigned or assignable"),
    ([("people.country", "us"), ("people.numbers", "assignable")], "write reserved"),
    ([("people.preset", "jp-dirct")], "unknown preset 'jp-dirct'; did you mean jp-direct?"),
    ([("accounts.0.dialect", "zettai_reach")], "write `numbers: assignable`"),
    ([("accounts.0.dialect", "zettai_reach"), ("people.country", "us")], "Japanese numbers only"),
    ([("accounts", TWO)], "several accounts need `world.lane`"),
    ([("accounts", [TWO[0], {**TWO[0]}]), ("world.lane", "own")], "'a' is taken by number 1"),
    (
        [("accounts.0.push", "http://127.0.0.1/x")],
        "belongs to dialect zettai_reach or native",
    ),
    ([("sut.command", "python x")], "both command and url are given"),
    ([("sut.url", None)], "neither command nor url"),
    ([("sut.url", "{sut_url}/x")], "{sut_url} is this address itself"),
    ([("sut.account", "mian")], "no account is called 'mian'; did you mean main?"),
    ([("sut", None)], "no system under test"),
    ([("sut.claims", None), ("expect", BOOKS)], "needs claims: add `sut.claims`"),
    ([("sut.start", None)], "sut.start: is missing"),
]


@pytest.mark.parametrize(("changes", "clue"), TOGETHER)
def test_what_does_not_go_together_is_refused(changes: list[tuple[str, Any]], clue: str) -> None:
    [line] = refusal(written(*changes))
    assert clue in line


def test_the_caller_can_give_the_presets_and_the_system_under_test() -> None:
    named = {"mine": PRESETS["us-generic"]}
    assert read(written(("people.preset", "mine")), presets=named).people.preset == "mine"
    whole = read(written(("sut", None)), sut="python -m mine --fast").sut
    assert whole
    assert whole.command == ("python", "-m", "mine", "--fast")
    assert whole.start.request == Request("POST", "/campaigns")
    assert read(written(("sut", None)), needs_sut=False).sut is None
    moved = read(FULL, sut="http://127.0.0.1:7000").sut
    assert moved
    assert (moved.command, moved.url, moved.stop) == (None, "http://127.0.0.1:7000", "SIGINT")


def test_a_file_is_named_in_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "my scenario.yaml"
    path.write_text(FULL.replace("seed: 42", "seed: -1"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"my scenario\.yaml:4:1: seed: "):
        load_scenario(path)


def test_the_published_schema_is_current() -> None:
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert published == schema(), "write json.dumps(schema(), indent=2, ensure_ascii=False) to it"


def test_the_schema_is_a_schema_and_accepts_a_scenario_as_an_editor_reads_it() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    as_text = yaml.load(FULL, Loader=yaml.BaseLoader)  # every scalar is text
    jsonschema.validate(as_text, schema())
    as_typed = as_text | {"version": 1, "seed": 42, "people": {"count": 5, "with": {"gone": 0.01}}}
    jsonschema.validate(as_typed, schema())


REFUSED_BY_BOTH = [
    ("version", "2"),
    ("people.with", {"repply": "1%"}),
    ("time.until", "30"),
    ("expect", [{"name": "e", "that": "sent", "at_least": "1", "at_most": "2"}]),
    ("expect", [{"name": "e", "that": "snt", "at_least": "1"}]),
    ("sut.command", "both command and url"),
]


@pytest.mark.parametrize(("path", "value"), REFUSED_BY_BOTH)
def test_the_schema_refuses_what_the_loader_refuses(path: str, value: object) -> None:
    text = written((path, value))
    assert refusal(text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.load(text, Loader=yaml.BaseLoader), schema())
