"""Twilio's webhooks: what they say, and a signature that Twilio's own validator accepts."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

from simulator.core.cause import Cause
from simulator.core.ids import public_id
from simulator.core.message import Call, State
from simulator.dialects import twilio
from tests.dialects.counter import message_of
from tests.dialects.twilio_api import AC, TOKEN

ACCOUNT = twilio.new_account(AC, TOKEN)
STATUS_FIELDS = [
    *("AccountSid", "ApiVersion", "From", "To"),
    *("MessageSid", "SmsSid", "MessageStatus", "SmsStatus"),
]
INBOUND_FIELDS = [
    *("MessageSid", "SmsSid", "SmsMessageSid", "AccountSid", "From", "To", "Body"),
    *("NumMedia", "NumSegments", "SmsStatus", "ApiVersion"),
]


def called(of: State, nth: int = 0, **fields: Any) -> tuple[Any, dict[str, str]]:
    """Call back about a state; the signature is checked on the way."""
    message = message_of(ACCOUNT, 7, **{"sender": "+15005550006", **fields})
    call = twilio.callback(Call(99 + of, message, of, nth, 0), ACCOUNT, 0)
    pairs = parse_qsl(call.body.decode(), keep_blank_values=True, strict_parsing=True)
    signature = dict(call.headers)["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate(call.url, dict(pairs), signature)
    assert not RequestValidator(TOKEN).validate(call.url + "x", dict(pairs), signature)
    assert (call.method, call.content_type) == ("POST", "application/x-www-form-urlencoded")
    return call, dict(pairs)


@pytest.mark.parametrize(
    ("token", "url", "fields", "expected"),
    [
        (
            "12345",
            "https://example.com/myapp.php?foo=1&bar=2",
            {
                "CallSid": "CA1234567890ABCDE",
                "Caller": "+14158675309",
                "Digits": "1234",
                "From": "+14158675309",
                "To": "+18005551212",
            },
            "9pyy2ZSJda9ihJ1NNXPXtY4oV2Y=",
        ),
        (
            "12345",
            "http://127.0.0.1:9000/sms/status",
            {
                "AccountSid": "AC" + "0" * 32,
                "ApiVersion": "2010-04-01",
                "From": "+15005550006",
                "MessageSid": "SM" + "1" * 32,
                "SmsSid": "SM" + "1" * 32,
                "MessageStatus": "delivered",
                "SmsStatus": "delivered",
                "To": "+819012345678",
            },
            "tSHkHAeeIqN5mbrJHhu38+zE96A=",
        ),
    ],
)
def test_the_signature_is_the_one_twilios_sdk_computes(
    token: str, url: str, fields: dict[str, str], expected: str
) -> None:
    assert twilio.signature(token, url, fields) == expected
    assert RequestValidator(token).validate(url, fields, expected)


@pytest.mark.parametrize("state", [State.SENDING, State.SENT])
def test_a_status_on_the_way_carries_the_plain_fields(state: State) -> None:
    call, fields = called(state)
    assert list(fields) == STATUS_FIELDS
    assert fields["MessageStatus"] == fields["SmsStatus"] == state.name.lower()
    assert fields["MessageSid"] == "SM" + public_id(7, 0)
    assert call.url == "http://sut.test:9000/status?a=1"


@pytest.mark.parametrize(
    ("state", "fields", "more"),
    [
        (State.DELIVERED, {}, {"RawDlrDoneDate": "2603020906"}),
        (State.UNDELIVERED, {}, {"ErrorCode": "30008", "RawDlrDoneDate": "2603020906"}),
        (
            State.UNDELIVERED,
            {"country": "US", "cause": Cause.REFUSED},
            {"ErrorCode": "30004", "RawDlrDoneDate": "2603020906"},
        ),
        (
            State.EXPIRED,
            {"country": "US", "cause": Cause.ABSENT},
            {"ErrorCode": "30003", "RawDlrDoneDate": "2603020906"},
        ),
        (State.FAILED, {"cause": Cause.TOO_LATE}, {"ErrorCode": "30036"}),
    ],
)
def test_a_final_status_says_when_and_why(
    state: State, fields: dict[str, Any], more: dict[str, str]
) -> None:
    done_us = 1_772_442_360_000_000  # 2026-03-02T09:06:00Z
    _, seen = called(state, known_us=done_us, state=state, **fields)
    assert list(seen) == [*STATUS_FIELDS, *more]
    assert {name: seen[name] for name in more} == more


def test_a_status_overtaken_by_a_later_one_still_says_its_own() -> None:
    _, fields = called(State.SENT, state=State.UNDELIVERED, cause=Cause.REFUSED)
    assert list(fields) == STATUS_FIELDS
    assert fields["MessageStatus"] == "sent"


def test_the_idempotency_token_is_equal_over_repeats_and_unlike_between_states() -> None:
    tokens = [
        dict(called(state, nth)[0].headers)["I-Twilio-Idempotency-Token"]
        for state, nth in ((State.SENT, 0), (State.SENT, 1), (State.DELIVERED, 0))
    ]
    assert tokens[0] == tokens[1] != tokens[2]
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", t) for t in tokens)


def test_connection_overrides_are_neither_sent_nor_signed() -> None:
    call, _ = called(State.SENT, callback_url="https://sut.test:8443/s?x=%20#rc=3&rp=all")
    assert call.url == "https://sut.test:8443/s?x=%20"


@pytest.mark.parametrize("body", ["STOP", "はい。10時に伺います & よろしく = + % 😀", "\r\n", ""])
def test_a_reply_is_posted_to_the_accounts_inbound_address(body: str) -> None:
    account = twilio.new_account(AC, TOKEN)
    parts = {"sender": "+819012345678", "to": "+15005550006", "body": body, "segments": 2}
    message = message_of(account, 7, **parts, state=State.RECEIVED, inbound=True)
    call = Call(99, message, State.RECEIVED, 0, 0)
    assert twilio.callback(call, account, 0) is None  # nowhere to go
    account = type(account)(id=AC, dialect="twilio", secret=TOKEN, inbound_url="http://sut.test/in")
    posted = twilio.callback(call, account, 0)
    assert posted is not None
    fields = dict(parse_qsl(posted.body.decode(), keep_blank_values=True))
    assert list(fields) == INBOUND_FIELDS
    assert (fields["From"], fields["To"], fields["Body"]) == ("+819012345678", "+15005550006", body)
    assert (fields["SmsStatus"], fields["NumSegments"]) == ("received", "2")
    signature = dict(posted.headers)["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate("http://sut.test/in", fields, signature)
