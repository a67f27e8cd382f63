"""What Twilio's dialect survives: the bad-input list, by its numbers (API plane 6-10, 14, 15)."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from simulator.core.ids import public_id
from tests.dialects.twilio_api import AC, MESSAGES, TOKEN

if TYPE_CHECKING:
    from tests.dialects.twilio_api import Api


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


OTHER = "AC" + "f" * 32


@pytest.mark.parametrize(
    ("sid", "authorization", "expected"),
    [
        (AC, basic(AC, TOKEN), 200),
        (AC, "", 401),
        (AC, basic(AC, "wrong"), 401),
        (AC, basic(AC, ""), 401),
        (AC, basic("SK" + "0" * 32, TOKEN), 401),
        (AC, basic(OTHER, TOKEN), 401),
        (OTHER, basic(AC, TOKEN), 401),
        (AC, "Basic \u00e9", 401),
        (AC, "Basic " + base64.b64encode(b"\xff:\xff").decode(), 401),
        (AC, "Bearer " + TOKEN, 401),
        ("AC12", basic("AC12", TOKEN), 404),
        ("..", basic("..", TOKEN), 404),
    ],
)
@pytest.mark.parametrize("is_open", [True, False])
def test_bad_input_10_credentials(
    open_api: Any, sid: str, authorization: str, expected: int, *, is_open: bool
) -> None:
    api = open_api(is_open=is_open)
    url = f"/2010-04-01/Accounts/{sid}/Messages.json"
    status, seen = api.call("GET", url, Authorization=authorization)
    assert status == expected
    assert expected == 200 or seen["code"] == {401: 20003, 404: 20404}[expected]


def test_an_unknown_account_is_opened_at_first_sight_only_where_accounts_are_open(
    open_api: Any,
) -> None:
    url = f"/2010-04-01/Accounts/{OTHER}/Messages.json"
    api = open_api()
    assert api.call("GET", url, Authorization=basic(OTHER, "seen first"))[0] == 200
    opened = api.counter.asked.opens
    assert (opened.id, opened.secret, opened.policy) == (OTHER, "seen first", "twilio")
    assert api.call("GET", url, Authorization=basic(OTHER, ""))[0] == 401
    assert open_api(is_open=False).call("GET", url, Authorization=basic(OTHER, "x"))[0] == 401
    declared = open_api(secret="", lane="mine")
    assert declared.get()[0] == 200
    assert (declared.counter.asked.opens.secret, declared.counter.asked.opens.lane) == (
        TOKEN,
        "mine",
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"To": "+819012345678"',
        b"[" * 1000,
        b'{"To": NaN, "To": ' + b"9" * 100_000 + b"}",
        b"\xef\xbb\xbf{}",
        b"",
    ],
)
def test_bad_input_06_json_holds_no_fields(api: Api, body: bytes) -> None:
    headers = {"Content_Type": "application/json"}
    status, seen = api.call("POST", f"{MESSAGES}.json", body, **headers)
    assert (status, seen["code"]) == (400, 21604)


@pytest.mark.parametrize("raw", [b"\xff", b"%FF", b"%E3%81", b"%ED%A0%80", b"a%00b"])
def test_bad_input_06_a_form_that_is_not_utf8(api: Api, raw: bytes) -> None:
    status, seen = api.create(b"To=%2B819012345678&From=%2B15005550006&Body=" + raw)
    assert (status, seen["code"]) == (400, 20422)


def test_bad_input_06_a_lone_surrogate_in_a_query(api: Api) -> None:
    status, seen = api.get(".json?To=\ud800")
    assert (status, seen["code"]) == (400, 20422)


def test_bad_input_06_a_replacement_character_of_the_clients_own_is_kept(api: Api) -> None:
    assert api.create(Body="\ufffd")[1]["body"] == "\ufffd"


def test_bad_input_07_many_fields(api: Api) -> None:
    media = urlencode([("MediaUrl", f"http://a.test/{i}") for i in range(1000)]).encode()
    for raw in (media, b"&".join([b"x=1"] * 100_000), b"&" * 100_000):
        assert api.create(raw)[1]["code"] == 20422
    twice = b"To=%2B819012345678&From=Todoku&Body=first&Body=last"
    assert api.create(twice)[1]["body"] == "last"


@pytest.mark.parametrize(
    ("to", "code"),
    [
        (" ", 21211),
        ("letters", 21211),
        ("+8190\u06f1\u06f2345678", 21211),
        ("+", 21211),
        ("123", 21211),
        ("+" + "8" * 40, 21211),
        ("+15005550006", 21211),  # From itself
        ("12345", 21211),
        ("\u202e+819012345678", 21211),
        ("+81 90-1234-5678", 21211),
        ("+8109012345678", 21211),
        ("09012345678", 21211),
        ("9012345678", 21211),  # a spreadsheet took the zero; in the US it would be a number
        ("whatsapp:+819012345678", 21211),
        ("+81312345678", 21614),
        ("+815012345678", 21614),
        ("+81120123456", 21614),
        ("+812012345678", 21614),
        ("+18005550100", 21614),
    ],
)
def test_bad_input_08_recipients(api: Api, to: str, code: int) -> None:
    status, seen = api.create(To=to)
    assert (status, seen["code"]) == (400, code)
    assert seen["message"].isprintable()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (" ", "1"),
        ("x" * 1600, "11"),
        ("\N{GRINNING FACE}" * 1600, "49"),
        ("\u3042" * 66 + "\N{GRINNING FACE}" * 3, "2"),
        ("x" * 152 + "\u20ac" * 5, "2"),
        ("x" * 1601, 21617),
        ("", 21602),
    ],
)
def test_bad_input_09_bodies(api: Api, body: str, expected: str | int) -> None:
    _, seen = api.create(Body=body)
    assert seen.get("num_segments", seen.get("code")) == expected


@pytest.mark.parametrize(
    "name",
    [
        "SM" + "0" * 32 + ".json",
        "SM" + "0" * 31 + ".json",
        "SM" + public_id(1000, 1) + ".json",
        "MM" + public_id(1000, 0) + ".json",
        "SM" + public_id(1000, 0),
        "..%2f..%2fetc%2fpasswd",
        "..",
    ],
)
def test_bad_input_14_unknown_messages(api: Api, name: str) -> None:
    api.counter.keep(sender="+15005550006")
    status, seen = api.get(f"/{name}")
    assert (status, seen["code"]) == (404, 20404)


@pytest.mark.parametrize(
    "query",
    [
        {"PageSize": "-1"},
        {"PageSize": "0"},
        {"PageSize": "9" * 10_000},
        {"PageSize": "1_0"},
        {"Page": "-1"},
        {"Page": "1"},  # without its token
        {"PageToken": "PASM" + "0" * 31},
        {"PageToken": "PASM" + "0" * 32},
        {"PageToken": "../../etc/passwd"},
        {"DateSent": "2026-02-30"},
        {"DateSent>": "yesterday"},
    ],
)
def test_bad_input_15_pages(api: Api, query: dict[str, str]) -> None:
    status, seen = api.get(".json?" + urlencode(query))
    assert (status, seen["code"]) == (400, 20422)
    assert json.dumps(next(iter(query)))[1:-1] in seen["message"]
