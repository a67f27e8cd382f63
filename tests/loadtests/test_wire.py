"""What is sent at an arrival, byte by byte; and what its answer means, dialect by dialect."""

from __future__ import annotations

import json
from base64 import b64decode
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from loadtests.wire import requests_of
from simulator.core.number import japan_assignable
from simulator.errors import UsageError
from simulator.load import offer as o
from simulator.load.shape import US, Constant
from tests.loadtests.loads import ended, left, locust, offer
from tests.sdk.served import CLOCK, RATE, serving

ACCOUNTS = (
    o.Account("twilio", "AC" + 32 * "a", "s:é", "+15005550006"),
    o.Account("native", "clinic", "secret", "20345"),
    o.Account("zettai_reach", "10000001", 32 * "t", "20345"),
)
PEOPLE = ("+819012345678", "090-1234 5678")
OFFER = o.Offer(
    run="r",
    seed=1,
    url="http://127.0.0.1:1",
    shape=Constant(1, US),
    accounts=ACCOUNTS,
    texts=("明日です & more", "Two"),
    callback="http://127.0.0.1:2/in?a=1",
)


def sent(n: int, account: int, of: o.Offer = OFFER) -> tuple[str, dict[str, str], bytes]:
    """Return a request's line, headers and body; its length must be true."""
    data = requests_of(of, PEOPLE).build(n, account)
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    headers = dict(each.split(": ", 1) for each in rest)
    assert int(headers["Content-Length"]) == len(body)
    assert headers["Host"] == "127.0.0.1:1"
    return line, headers, body


def form(body: bytes) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(body.decode("ascii")).items()}


def test_a_message_is_written_as_twilio_wants_it() -> None:
    line, headers, body = sent(2, 0)
    assert line == f"POST /2010-04-01/Accounts/{ACCOUNTS[0].id}/Messages.json HTTP/1.1"
    assert b64decode(headers["Authorization"][6:]).decode() == f"{ACCOUNTS[0].id}:s:é"
    assert form(body) == {
        "To": "+819012345678",
        "From": "+15005550006",
        "Body": "明日です & more",
        "StatusCallback": "http://127.0.0.1:2/in?a=1",
    }


def test_a_message_is_written_as_the_native_api_wants_it() -> None:
    line, headers, body = sent(3, 1)
    assert line == "POST /todoku/v1/messages HTTP/1.1"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "to": "090-1234 5678",
        "from": "20345",
        "text": "Two",
        "reference": "r-3",
        "callback_url": "http://127.0.0.1:2/in?a=1",
    }


def test_a_message_is_written_as_zettai_reach_wants_it() -> None:
    line, _, body = sent(2, 2)
    assert line == "POST /p5/api/mt.json HTTP/1.1"
    assert form(body) == {
        "token": 32 * "t",
        "clientId": "10000001",
        "smsCode": "20345",
        "message": "明日です & more",
        "phoneNumber": "09012345678",
        "clientTag": "r-2",
    }


def test_a_campaign_is_started_with_the_next_recipients_in_turn() -> None:
    asks = o.SystemAsks(o.Ask("POST", "/campaigns", '{"to": "$recipients", "n": 1}'), batch=3)
    system = msgspec.structs.replace(OFFER, against="system", system=asks, accounts=())
    line, _, body = sent(1, 0, system)
    assert line == "POST /campaigns HTTP/1.1"
    assert json.loads(body) == {"to": [PEOPLE[1], PEOPLE[0], PEOPLE[1]], "n": 1}
    assert requests_of(system, PEOPLE).about(1, 0) == ("", PEOPLE[1], 1)


@pytest.mark.parametrize(
    ("status", "body", "means"),
    [
        (201, b'{"sid":"SM1","code":null}', ("2xx", "SM1", "")),
        (400, b'{"code":21610,"more_info":""}', ("opted out", "", "21610")),
        (400, b'{"code":21211,"more_info":""}', ("4xx", "", "21211")),
        (429, b'{"code":20429,"more_info":""}', ("429", "", "20429")),
        (503, b"<html>", ("5xx", "", "unreadable")),
        (201, b"<html>", ("other", "", "unreadable")),
        (302, b"", ("other", "", "unreadable")),
        (201, b'{"id":"m1","status":"accepted"}', ("2xx", "m1", "")),
        (409, b'{"type":"x","code":"opted_out"}', ("opted out", "", "opted_out")),
        (200, b'{"responseCode":0,"responseMessage":"Success."}', ("2xx", "", "")),
        (200, b'{"responseCode":110,"responseMessage":"x"}', ("4xx", "", "110")),
        (200, b'{"responseCode":500,"responseMessage":"x"}', ("5xx", "", "500")),
        (429, b'{"responseCode":500,"responseMessage":"x"}', ("429", "", "500")),
    ],
)
def test_an_answer_is_understood_in_its_dialect(
    status: int, body: bytes, means: tuple[str, str, str]
) -> None:
    assert requests_of(OFFER, PEOPLE).read(status, body) == means


@pytest.mark.parametrize(
    "changes",
    [
        {"accounts": ()},
        {"against": "system"},
        {"accounts": (o.Account("twilio", "AC\r\nX: y", "s"),)},
    ],
)
def test_an_offer_that_cannot_be_sent_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        requests_of(msgspec.structs.replace(OFFER, **changes), PEOPLE)


@pytest.mark.skipif(find_spec("locust") is None, reason="extra [load] not installed")
def test_the_gateway_takes_every_dialect(tmp_path: Any) -> None:
    people = tmp_path / "people.csv"
    people.write_text("number\n" + "".join(f"{japan_assignable(i)}\n" for i in range(20)))
    accounts = tuple(msgspec.structs.replace(each, secret=32 * "t") for each in ACCOUNTS)
    more: dict[str, Any] = {"accounts": accounts, "people": str(people), "late_at_most": 1.0}
    with serving() as served:
        more |= {"clock_url": served.control_url + CLOCK, "token": served._token}
        file = offer(served.url, 30, 1, tmp_path / "load", **more)
        code, said = ended(locust("--offer", file))
        truth = served.ask("GET", "/v1/worlds/default/truth")
    assert code == 0, said
    outcome = left(file)
    assert outcome.load.results == {"2xx": 30}
    assert outcome.codes == {}
    [worker] = outcome.workers
    assert worker.clock is not None
    assert worker.clock.rate == RATE
    assert worker.clock.uncertainty_us > 0
    assert worker.clock.there(outcome.ended_at_us) > worker.clock.there(outcome.started_at_us)
    assert outcome.latency["api"].count == 30
    assert truth["total"]["accepted"] == 30
