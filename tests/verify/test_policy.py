"""Checks as expectations: held, broken or not judged; and never a pass by default."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import ExitCode
from simulator.policy_sets import RULE_SETS
from simulator.scenario_policy import CHECKS, PolicyItem, asked_of
from simulator.verify.policy import JUDGES, Policy, Standing, judge_policy
from simulator.verify.touch import Channel, Person, Traffic, lasting
from simulator.verify.verdict import judge
from tests.verify.touches import DAY, KEN, MIKA, MONDAY, at, call, mail, sms

ALL = frozenset(Channel)


def policy(*items: dict[str, Any], traffic: Traffic) -> Policy:
    return judge_policy(asked_of([PolicyItem.model_validate(item) for item in items]), traffic)


def standings(found: Policy) -> list[str]:
    return [judgement.standing.value for judgement in found.judgements]


def test_every_check_has_a_judge_and_every_judge_a_check() -> None:
    assert set(JUDGES) == set(CHECKS)
    assert {rule.check for rules in RULE_SETS.values() for rule in rules.rules} <= set(CHECKS)


@pytest.mark.parametrize("name", RULE_SETS)
def test_every_rule_names_its_source_or_says_that_it_is_custom(name: str) -> None:
    rules = RULE_SETS[name]
    assert rules.about
    for rule in rules.rules:
        assert rule.source.startswith("custom: ") == rules.custom
        assert rules.custom or any(mark in rule.source for mark in ("Art. ", "CFR"))


@pytest.mark.parametrize("name", RULE_SETS)
def test_a_check_without_its_channel_is_not_judged_and_says_so(name: str) -> None:
    item = {name: {"sender": "x"} if name == "jp-advertising" else {}}
    found = policy(item, traffic=Traffic([sms(MONDAY)], people={MIKA: Person()}))
    for judgement in found.judgements:
        check = judgement.asked.check
        wants = {*type(check).channels, getattr(check, "channel", "any")} - {"any", "sms"}
        if wants:
            assert judgement.standing is Standing.NOT_JUDGED
            assert "cannot be judged: no such channel in this run" in judgement.words
        assert not (wants and judgement.fails)


def test_with_every_channel_the_same_checks_are_judged() -> None:
    person = {MIKA: Person(band=(0, 1439))}
    text = "お電話しました。03-1234-5678"
    touches = [mail(MONDAY), sms(MONDAY + 1), call(MONDAY + 2), sms(MONDAY + 3, text=text)]
    traffic = Traffic(touches, people=person, channels=ALL)
    found = policy({"outreach-practice": {}}, {"cadence": {}}, traffic=traffic)
    assert set(standings(found)) == {"held"}


def test_a_check_with_no_occasion_has_not_passed() -> None:
    found = policy({"no_send_after_opt_out": {}}, traffic=Traffic([sms(MONDAY)]))
    assert standings(found) == ["cannot be judged"]
    assert found.judged == 0
    assert "the system was told of no opt-out" in found.judgements[0].words


@pytest.mark.parametrize(
    ("options", "fails"),
    [({}, False), ({"if_not_judged": "fail"}, True), ({"level": "warn"}, False)],
)
def test_a_scenario_may_demand_that_a_check_is_judged(options: dict[str, str], fails: bool) -> None:
    found = policy({"mail_first": options}, traffic=Traffic([sms(MONDAY)]))
    assert [judgement.fails for judgement in found.judgements] == [fails]
    verdict = judge([], None, policy=found)
    assert verdict.exit_code is ExitCode.PROVES_NOTHING


def test_breaches_are_findings_and_fail_the_run() -> None:
    touches = [sms(at("2026-03-02 22:00")), sms(at("2026-03-02 12:00"), KEN)]
    found = policy({"jp-lender": {}}, traffic=Traffic(touches))
    assert (standings(found), found.findings) == (["broken"], 1)
    verdict = judge([], None, policy=found)
    assert (verdict.exit_code, verdict.findings) == (ExitCode.FAILED, 1)
    assert (
        "policy: 0 of 1 check held, 1 broken (jp-lender: quiet_hours), 1 finding" in verdict.words
    )


def test_a_warning_is_shown_and_fails_nothing() -> None:
    touches = [sms(at("2026-03-02 22:00"))]
    found = policy({"jp-lender": {"level": "warn"}}, traffic=Traffic(touches))
    assert (standings(found), found.findings) == (["broken"], 0)
    assert judge([], None, policy=found).exit_code is ExitCode.OK


def test_a_policy_that_holds_is_something_judged() -> None:
    found = policy({"jp-lender": {}}, traffic=Traffic([sms(MONDAY)]))
    verdict = judge([], None, policy=found)
    assert verdict.exit_code is ExitCode.OK
    assert verdict.words.endswith("policy: 1 of 1 check held")


def test_a_check_can_be_given_a_name() -> None:
    item = {"quiet_hours": {"name": "no lunch", "from": "12:00", "until": "13:00"}}
    (judgement,) = policy(item, traffic=Traffic([sms(MONDAY)])).judgements
    assert judgement.asked.name == "no lunch"
    assert judgement.words.startswith("no lunch: held on 1 occasion [custom: ")


def test_breaches_come_in_the_order_of_their_instants_whoever_they_are_about() -> None:
    touches = [sms(MONDAY + n * DAY, to, nth=9 - n) for n, to in enumerate((MIKA, KEN, MIKA))]
    found = policy({"consent_on_record": {}}, traffic=Traffic(touches))
    when = [b.at_us for b in found.judgements[0].breaches]
    assert when == sorted(when)
    assert len(when) == 3


@pytest.mark.parametrize(
    ("us", "words"),
    [(7 * DAY, "7 d"), (5_400_000_000, "1.5 h"), (600_000_000, "10 min"), (250_000, "0.25 s")],
)
def test_spans_are_written_in_the_largest_unit_that_fits(us: int, words: str) -> None:
    assert lasting(us) == words
