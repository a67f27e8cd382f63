"""`load:` in a scenario: read strictly, and refused where a load would mean nothing."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from simulator.core.metric import METRIC
from simulator.errors import ConfigError
from simulator.scenario import Scenario, parse_scenario, schema

CONSTANT = {"constant": "20/s", "for": "5s"}
SCENARIO: dict[str, Any] = {
    "version": "1",
    "name": "trial",
    "time": {"mode": "real"},
    "people": {"count": "20", "country": "us"},
    "accounts": [{"name": "shop", "dialect": "twilio"}],
}
SUT = {"command": "run", "start": {"request": "POST /go"}}


def tree(load: Any, **sections: Any) -> dict[str, Any]:
    found = {**SCENARIO, "load": load, **sections}
    return {key: value for key, value in found.items() if value is not None}


def read(load: Any, **sections: Any) -> Scenario:
    return parse_scenario(json.dumps(tree(load, **sections)), "x.yaml", needs_sut=False)


def refused(load: Any, **sections: Any) -> str:
    with pytest.raises(ConfigError) as error:
        read(load, **sections)
    return str(error.value)


def spike(**changes: str) -> dict[str, Any]:
    inner = {"base": "1/s", "peak": "9/s", "at": "1s", "for": "2s", **changes}
    return {"spike": inner, "for": "5s"}


def test_what_is_left_out_has_a_default() -> None:
    load = read({"arrivals": CONSTANT}).load
    assert load is not None
    assert (load.against, load.in_flight, load.workers) == ("gateway", 1_200, 1)
    assert (load.late.over_us, load.late.at_most) == (100_000, Fraction(1, 100))
    assert (load.dropped.after_us, load.dropped.at_most) == (10_000_000, 0)
    assert (load.refused, load.callbacks, load.tenants) == ("proves-nothing", "answered", None)


@pytest.mark.parametrize(
    "arrivals",
    [
        CONSTANT,
        {"poisson": "3000/min", "for": "1m"},
        {"ramp": {"from": "0/s", "to": "50/s"}, "for": "10s"},
        {"steps": [{"rate": "10/s", "for": "1s"}, {"rate": "0/s", "for": "1s"}]},
        spike(),
        {"trace": "yesterday.txt"},
    ],
    ids=lambda arrivals: next(iter(arrivals)),
)
def test_every_shape_is_read_and_the_schema_takes_it(arrivals: dict[str, Any]) -> None:
    assert read({"arrivals": arrivals}).load is not None
    jsonschema.validate(tree({"arrivals": arrivals}), schema())


@pytest.mark.parametrize(
    ("arrivals", "words"),
    [
        ({}, "needs exactly one of constant, poisson, ramp, steps, spike, trace; seen none"),
        ({**CONSTANT, "poisson": "1/s"}, "seen constant and poisson"),
        ({"constant": "20/s"}, "constant needs a length: add `for: 30s`"),
        ({"constant": "20", "for": "5s"}, "expected a rate such as 50/s"),
        ({"constant": "0/s", "for": "5s"}, "more than zero"),
        ({"constant": "-1/s", "for": "5s"}, "expected a rate"),
        ({"constant": "nan/s", "for": "5s"}, "expected a rate"),
        ({"constant": "900000/s", "for": "5s"}, "must be at most 100000"),
        ({"constant": "90000/s", "for": "1h"}, "about 324,000,000 requests; a load has at most"),
        ({"constant": "1/h", "for": "5s"}, "a run that sends nothing proves nothing"),
        ({"constant": "1/s", "for": "25h"}, "lasts more than a day"),
        ({"ramp": {"from": "5/s", "to": "5/s"}, "for": "5s"}, "the same rate: write `constant`"),
        ({"ramp": {"from": "5/s"}, "for": "5s"}, "arrivals.ramp.to: is missing"),
        ({"steps": []}, "expected at least 1 of them"),
        ({"steps": [{"rate": "0/s", "for": "1s"}]}, "a run that sends nothing"),
        ({"steps": [{"rate": "1/s", "for": "9s"}], "for": "9s"}, "says itself how long it lasts"),
        (spike(peak="1/s"), "is not more than the base"),
        (spike(at="4s"), "ends after the arrivals do"),
        ({"trace": ""}, "expected at least 1 character"),
        ({"constan": "1/s", "for": "5s"}, "unknown key 'constan'; did you mean constant?"),
        ("20/s", "expected a mapping of keys and values; seen '20/s'"),
    ],
)
def test_arrivals_without_sense_are_refused(arrivals: Any, words: str) -> None:
    assert words in refused({"arrivals": arrivals})


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ({"workers": "0"}, "at least 1; seen '0'"),
        ({"workers": "65"}, "must be at most 64"),
        ({"in_flight": "0"}, "at least 1; seen '0'"),
        ({"in_flight": "1e9"}, "expected a whole number"),
        ({"drain": "soon"}, "expected a duration"),
        ({"late": {"at_most": "120%"}}, "at most 100%"),
        ({"late": {"over": "0s"}}, "longer than zero"),
        ({"late": {"over": "10s"}}, "is not after late.over, so nothing could ever be late"),
        ({"dropped": {"after": "50ms"}}, "is not after late.over"),
        ({"refused": "never"}, "unknown value 'never'"),
        ({"against": "moon"}, "unknown value 'moon'"),
        ({"against": "system"}, "system is the system under test: add `sut:`"),
        ({"tenants": "0"}, "at least 1; seen '0'"),
        ({"bogus": "1"}, "unknown key 'bogus'"),
        ({"warm_up": "61s"}, "load.warm_up: is longer than the arrivals that count"),
        ({"timeout": "25h"}, "load.timeout: is longer than a day"),
        ({"drain": "9d"}, "load.drain: is longer than a day"),
    ],
)
def test_every_other_nonsense_has_its_line(load: dict[str, Any], words: str) -> None:
    assert words in refused({"arrivals": CONSTANT, **load})


def test_a_warm_up_of_a_short_load_may_last_a_minute() -> None:
    load = read({"arrivals": CONSTANT, "warm_up": "1m"}).load
    assert load is not None
    assert load.warm_up_us == 60_000_000


def test_stepped_time_is_refused_in_one_line() -> None:
    for time in (None, {"mode": "stepped"}):
        said = refused({"arrivals": CONSTANT}, time=time)
        assert "so nothing could be late under a load: write `mode: real`" in said
        assert said.startswith("1 problem")


def test_what_a_load_cannot_judge_is_refused() -> None:
    load = {"arrivals": CONSTANT}
    assert "judged by `todoku run` only" in refused(load, policy=["cadence"])
    stopping = {"name": "e", "that": "accepted", "at_least": "1", "abort_after": "1s"}
    assert "leave abort_after out" in refused(load, expect=[stopping])
    unclaimed = {"name": "e", "that": "claimed_delivered", "at_least": "1"}
    assert "needs claims" in refused(load, expect=[unclaimed])
    assert read(load, expect=[{"name": "e", "that": "findings", "equals": "0"}])


def test_no_system_can_claim_what_the_load_itself_sends() -> None:
    claiming = {**SUT, "claims": "GET /claims"}
    load = {"arrivals": CONSTANT}
    assert "cannot claim what the load itself sends" in refused(load, sut=claiming)
    assert read({**load, "against": "system"}, sut=claiming).load
    assert read({**load, "against": "callbacks"}, sut=claiming).load
    assert read(load, sut=SUT).load


def test_tenants_are_made_of_one_account_and_belong_to_the_gateway() -> None:
    load = {"arrivals": CONSTANT, "tenants": "300"}
    two = [{"name": "a", "dialect": "twilio"}, {"name": "b", "dialect": "twilio"}]
    assert "leave the other accounts out" in refused(load, accounts=two, world={"lane": "own"})
    named = [{"name": "a", "dialect": "twilio", "secret": "x"}]
    assert "each tenant has its own: remove it" in refused(load, accounts=named)
    assert "remove one of the two" in refused(load, sut=SUT)
    assert "belongs to against: gateway" in refused({**load, "against": "system"}, sut=SUT)


def test_where_a_system_takes_the_receipts_nothing_else_answers_them() -> None:
    load = {"arrivals": CONSTANT, "callbacks": "none"}
    assert read(load).load is not None
    assert "receipts go to the system under test" in refused(load, sut=SUT)


def test_a_storm_of_callbacks_takes_a_mix_and_nothing_of_the_generator() -> None:
    storm = {"against": "callbacks", "arrivals": CONSTANT}
    heard = [{**SCENARIO["accounts"][0], "inbound": "{sut_url}/in"}]
    found = read({**storm, "mix": {"replies": "3%"}}, sut=SUT, accounts=heard).load
    assert found is not None
    assert (found.mix.replies, found.campaign_us) == (Fraction(3, 100), 60_000_000)
    assert "callbacks is the system under test" in refused(storm)
    assert "and none has one" in refused({**storm, "mix": {"replies": "3%"}}, sut=SUT)
    assert "callbacks are the simulator's own: remove it" in refused(
        {**storm, "workers": "2"}, sut=SUT
    )
    assert "belongs to against: callbacks: remove it" in refused(
        {"arrivals": CONSTANT, "campaign": "1m"}
    )


@pytest.mark.parametrize("name", [name for name, metric in METRIC.items() if metric.load])
def test_what_a_load_measures_is_an_error_without_one(name: str) -> None:
    expect = [{"name": "e", "that": name, "at_most": "5"}]
    assert "is measured under a load only" in refused(None, expect=expect)
    assert read({"arrivals": CONSTANT}, expect=expect).expect[0].that.metric == name


@pytest.mark.parametrize(
    ("that", "bound", "words"),
    [
        ("api_p99", "250 ms", ""),
        ("achieved_rate", "20/s", ""),
        ("late / started", "1%", ""),
        ("api_p99", "5 件", "write milliseconds"),
        ("api_p99", "1%", "1% of what?"),
        ("achieved_rate", "5 ms", "write a number a second"),
        ("late", "5 ms", "late is not counted in ms"),
    ],
)
def test_measured_numbers_have_units(that: str, bound: str, words: str) -> None:
    expect = [{"name": "e", "that": that, "at_most": bound}]
    if words:
        assert words in refused({"arrivals": CONSTANT}, expect=expect)
    else:
        assert read({"arrivals": CONSTANT}, expect=expect).expect
