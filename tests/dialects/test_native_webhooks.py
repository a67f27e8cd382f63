"""Native callbacks, as the reference library of Standard Webhooks takes them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from simulator.core.message import Call, Cause, State
from simulator.dialects import native
from simulator.dialects.native_webhook import webhook_secret
from simulator.web.control import native_openapi
from tests.dialects.counter import NOW_US, message_of

URL = "http://sut.test:9000/status?a=1"
DOCUMENT = yaml.safe_load(native_openapi())
EVENT = Draft202012Validator({"$ref": "#/components/schemas/Event", **DOCUMENT})
ENDS = (State.DELIVERED, State.UNDELIVERED, State.EXPIRED, State.FAILED, State.CANCELED)


def call_of(state: State, nth: int = 0, due_us: int = NOW_US, **fields: Any) -> Call:
    account = account_of()
    known_us = NOW_US + 5 if state in ENDS else 0
    plain = {"state": state, "sent_us": NOW_US + 1, "known_us": known_us}
    message = message_of(account, 77, **{**plain, **fields})
    return Call(5, message, state, nth, due_us)


def account_of(**fields: Any) -> Any:
    account = native.new_account("clinic", "a secret, 32 characters in all..")
    return msgspec.structs.replace(account, inbound_url="http://sut.test/inbound", **fields)


def posted(call: Call, wall_s: int | None = None, **account: Any) -> tuple[dict[str, str], bytes]:
    wall_s = int(time.time()) if wall_s is None else wall_s
    made = native.callback(call, account_of(**account), 0, wall_s)
    assert made is not None
    assert (made.method, made.content_type) == ("POST", "application/json")
    return dict(made.headers), made.body


@pytest.mark.parametrize("state", [State.SENT, *ENDS, State.RECEIVED])
def test_the_reference_library_takes_every_callback(state: State) -> None:
    headers, body = posted(call_of(state, inbound=state is State.RECEIVED))
    secret = webhook_secret(account_of().secret)
    told = Webhook(secret).verify(body, headers)
    assert told["type"] == f"message.{state.name.lower()}"
    assert told["data"]["status"] == state.name.lower()
    assert list(EVENT.iter_errors(told)) == []


def test_another_secret_another_body_and_another_id_are_found_out() -> None:
    headers, body = posted(call_of(State.SENT))
    secret = webhook_secret(account_of().secret)
    for wrong, changed, text in (
        (webhook_secret("another"), {}, body),
        (secret, {}, body + b" "),
        (secret, {"webhook-id": "evt_0"}, body),
        (secret, {"webhook-timestamp": str(int(time.time()) + 1)}, body),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(wrong).verify(text, {**headers, **changed})


def test_the_id_is_equal_over_the_repeats_and_unlike_for_another_state_or_epoch() -> None:
    ids = {posted(call_of(State.SENT, nth, NOW_US + nth))[0]["webhook-id"] for nth in range(3)}
    assert len(ids) == 1
    other = msgspec.structs.replace(call_of(State.DELIVERED), key=6)
    assert posted(other)[0]["webhook-id"] not in ids
    later = native.callback(call_of(State.SENT), account_of(), 1, 0)
    assert later is not None
    assert dict(later.headers)["webhook-id"] not in ids


def test_a_repeat_says_what_the_first_said_whatever_has_come_since() -> None:
    first = posted(call_of(State.SENT))[1]
    since = call_of(State.SENT, 1, NOW_US + 99)
    since.message.state, since.message.known_us = State.DELIVERED, NOW_US + 50
    assert posted(since)[1] == first


def test_a_signature_holds_real_time_unless_the_account_asks_for_virtual_time() -> None:
    call = call_of(State.SENT, due_us=NOW_US + 60_000_000)
    assert posted(call, 1_234)[0]["webhook-timestamp"] == "1234"
    virtual, body = posted(call, 1_234, signature_time="virtual")
    assert virtual["webhook-timestamp"] == str(NOW_US // 1_000_000 + 60)
    assert posted(call, 9_999, signature_time="virtual") == (virtual, body)


def test_the_body_holds_the_virtual_instant_at_which_the_state_was_known() -> None:
    _, body = posted(call_of(State.DELIVERED), 0)
    told = json.loads(body)
    assert told["timestamp"] == told["data"]["final_at"] == "2026-03-02T00:00:00.123461Z"
    assert told["data"]["sent_at"] == "2026-03-02T00:00:00.123457Z"
    _, body = posted(call_of(State.SENT), 0)
    assert json.loads(body)["timestamp"] == "2026-03-02T00:00:00.123457Z"


@pytest.mark.parametrize(
    ("state", "units", "excluded", "amount"),
    [(State.DELIVERED, 2, 0, "30"), (State.UNDELIVERED, 0, 2, "0"), (State.FAILED, 0, 2, "0")],
)
def test_what_did_not_arrive_is_not_billed(
    state: State, units: int, excluded: int, amount: str
) -> None:
    _, body = posted(call_of(state, segments=2, cause=Cause.ABSENT))
    told = json.loads(body)["data"]["billing"]
    expected = {"units": units, "excluded_units": excluded, "amount": amount, "currency": "JPY"}
    assert told == {"policy": "jp-success-billed", **expected}


def test_a_price_of_the_accounts_own_is_what_is_billed() -> None:
    fields = {"price_micros": 8_300, "currency": "USD", "policy": "jp-request-billed"}
    _, body = posted(call_of(State.UNDELIVERED, segments=2), **fields)
    told = json.loads(body)["data"]["billing"]
    assert (told["units"], told["amount"], told["currency"]) == (2, "0.0166", "USD")


def test_nothing_is_called_where_there_is_no_address() -> None:
    call = call_of(State.SENT, callback_url="")
    assert native.callback(call, account_of(), 0, 0) is None
    account = msgspec.structs.replace(account_of(), inbound_url="")
    assert native.callback(call_of(State.RECEIVED), account, 0, 0) is None


@given(secret=st.text(min_size=1, max_size=80))
def test_any_secret_of_an_account_makes_one_of_a_webhook(secret: str) -> None:
    try:
        secret.encode()
    except UnicodeEncodeError:
        return
    made = webhook_secret(secret)
    assert webhook_secret(made) == made
    assert Webhook(made).sign("evt_1", datetime.fromtimestamp(0, UTC), "{}").startswith("v1,")
