"""Accounts as people write them become accounts as the gateway wants them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from simulator.accounts import SenderLimit, WordList
from simulator.core.consent import SPOKEN, Wish
from simulator.core.queue import Throughput
from simulator.errors import ConfigError
from simulator.run.world import account_of
from simulator.scenario import Scenario, parse_scenario
from tests.worlds import HOUR_US, SECOND_US

SCENARIO = """
version: 1
name: trial
people: {count: 5, country: us}
sut: {url: http://127.0.0.1:9000, start: {request: POST /campaigns}}
accounts:
  - name: clinic
    dialect: twilio
"""


def scenario(*lines: str) -> Scenario:
    return parse_scenario(SCENARIO + "".join(f"    {line}\n" for line in lines), "s.yaml")


def made(*lines: str) -> Any:
    found = scenario(*lines)
    return account_of(found, found.accounts[0], lambda text: text)


def test_what_is_left_out_the_dialect_decides_and_there_is_no_limit() -> None:
    account = made()
    assert (account.limits, account.concurrency, account.fallback_url) == ((), -1, "")
    assert account.keywords == SPOKEN


def test_limits_keywords_and_a_fallback_are_read() -> None:
    account = made(
        "limits:",
        '  - {sender: "+15005550006", rate: 1/s}',
        '  - {sender: "12345", rate: 90/min, queue: 4h, patience: 30s}',
        "concurrency: 10",
        'fallback: "http://127.0.0.1:9000/else"',
        "keywords: {stop: [ARRET], on_stop: Fini}",
    )
    assert account.limits == (
        Throughput("+15005550006", 1_000, 10 * HOUR_US, 10 * HOUR_US),
        Throughput("12345", 1_500, 4 * HOUR_US, 30 * SECOND_US),
    )
    assert (account.concurrency, account.fallback_url) == (10, "http://127.0.0.1:9000/else")
    assert account.keywords.wish_of("arret") is Wish.STOP
    assert account.keywords.wish_of("STOP") is Wish.NOTHING


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('limits: [{sender: "1", rate: 0/s}]', "accounts[0].limits[0].rate"),
        ('limits: [{sender: "1", rate: 1}]', "expected a rate such as 50/s"),
        ('limits: [{sender: "1", rate: 1/h}]', "one segment in a thousand seconds"),
        ('limits: [{sender: "1", rate: 1/s, queu: 4h}]', "did you mean queue?"),
        ("limits: [{rate: 1/s}]", "accounts[0].limits[0].sender"),
        (
            'limits: [{sender: "1", rate: 1/s}, {sender: "1", rate: 2/s}]',
            "accounts[0].limits: a sender has one limit; declared twice: '1'",
        ),
        ("concurrency: 0", "accounts[0].concurrency"),
        ("keywords: {stop: [stop]}", "expected a word in capitals"),
        ("keywords: {on_stopp: x}", "did you mean on_stop?"),
        ("fallback: ftp://x", "accounts[0].fallback"),
    ],
)
def test_what_is_written_wrong_is_told_where_and_how(line: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        scenario(line)
    assert complaint in "\n".join(map(str, refused.value.problems))


def test_a_fallback_belongs_to_twilio() -> None:
    text = SCENARIO.replace("twilio", "zettai_reach").replace("country: us", "numbers: assignable")
    with pytest.raises(ConfigError, match="fallback"):
        parse_scenario(f'{text}    fallback: "http://127.0.0.1:1/"\n', "s.yaml")


def test_a_patience_that_is_not_written_is_the_length_of_the_queue() -> None:
    assert SenderLimit(sender="1", rate="1/s", queue="5s").throughput().patience_us == 5 * SECOND_US
    assert SenderLimit(sender="1", rate="1/s", patience="0s").throughput().patience_us == 0


def test_a_word_is_one_in_capitals() -> None:
    assert WordList(stop=["ARRÊT", "停止"]).keywords().wish_of(" arrêt ") is Wish.STOP
    with pytest.raises(ValidationError, match="in capitals"):
        WordList(stop=["Stop"])
