"""Twilio's API: what is taken, what is refused with which code, what is shown of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.cause import Cause
from simulator.core.ids import public_id
from simulator.core.message import Message, Reason, Rejection, State
from simulator.dialects import twilio_render
from simulator.dialects.shape import Reply
from tests.dialects.counter import NOW_US
from tests.dialects.twilio_api import faults_of

if TYPE_CHECKING:
    from tests.dialects.twilio_api import Api


def test_the_check_against_the_vendors_schema_can_fail(api: Api) -> None:
    if api.vendor is None:
        pytest.skip("the vendor's schema is not here (set TODOKU_SHARED)")
    _, seen = api.create()
    assert list(api.vendor.iter_errors({**seen, "num_segments": 1}))


def test_the_check_against_our_own_table_can_fail(api: Api) -> None:
    _, seen = api.create()
    assert faults_of({**seen, "status": "lost", "error_code": "30003"}) == ["error_code", "status"]
    assert faults_of({k: v for k, v in seen.items() if k != "uri"})


def test_a_create_answers_201_with_the_message_queued(api: Api) -> None:
    status, seen = api.create(Body="予約は10時です 😀", StatusCallback="http://a.test:9000/s")
    assert (status, seen["status"], seen["body"]) == (201, "queued", "予約は10時です 😀")
    assert (seen["price"], seen["date_sent"], seen["num_segments"]) == (None, None, "1")
    assert seen["date_created"] == "Mon, 02 Mar 2026 00:00:00 +0000"
    assert seen["sid"] == "SM" + public_id(1000, 0)


def test_a_create_asks_for_every_callback_but_the_initial_status(api: Api) -> None:
    api.create(StatusCallback="https://sut.test/s#rc=2", ValidityPeriod="60")
    asked = api.counter.asked.what
    called = {state for state in State if asked.notify >> state & 1}
    silent = {State.NONE, State.ACCEPTED, State.CANCELED, State.RECEIVED, State.SCHEDULED}
    assert called == set(State) - silent
    assert (asked.validity_us, asked.callback_url) == (60_000_000, "https://sut.test/s#rc=2")
    api.create()
    assert (api.counter.asked.what.notify, api.counter.asked.what.validity_us) == (
        0,
        36_000_000_000,
    )


@pytest.mark.parametrize(
    ("account", "to", "sender", "can_reply"),
    [
        ({}, "+819012345678", "+15005550006", False),
        ({"two_way": True}, "+819012345678", "+15005550006", True),
        ({}, "+15005550100", "+15005550006", True),
        ({}, "+447700900123", "Todoku", False),
        ({"two_way": True}, "+819012345678", "1st Clinic", False),
    ],
)
def test_replies_come_only_where_the_route_carries_them(
    open_api: Any, account: dict[str, Any], to: str, sender: str, *, can_reply: bool
) -> None:
    api = open_api(**account)
    assert api.create(To=to, From=sender)[0] == 201
    assert api.counter.asked.what.can_reply is can_reply


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": "(none)"}, 21604),
        ({"From": "(none)"}, 21603),
        ({"Body": "(none)"}, 21602),
        ({"From": "05", "Body": "x"}, 21606),
        ({"From": "a name that is too long"}, 21606),
        ({"StatusCallback": "ftp://sut.test/"}, 21609),
        ({"StatusCallback": "http://my_host.test/"}, 21609),
        ({"StatusCallback": "http://sut.test:99999/"}, 21609),
        ({"StatusCallback": "http://sut.test/" + "x" * 9000}, 21609),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "\uff11\uff10"}, 21624),
        ({"MessagingServiceSid": "MG" + "0" * 31, "From": "(none)"}, 21705),
        ({"MediaUrl": "ftp://a.test/x.png", "Body": "(none)"}, 21620),
        ({"SendAt": "2026-03-03T00:00:00Z", "ScheduleType": "fixed"}, 35118),
        ({"To": "+15005550100", "From": "Todoku"}, 21612),
        ({"SmartEncoded": "true"}, 20422),
        ({"ShortenUrls": "true"}, 20422),
        ({"ContentSid": "HX" + "0" * 32}, 20422),
    ],
)
def test_a_create_is_refused_with_the_documented_code(
    api: Api, form: dict[str, str], code: int
) -> None:
    status, seen = api.create(**form)
    assert (status, seen["code"]) == (400, code)
    assert api.counter.messages == []


def test_parameters_that_change_nothing_are_taken(api: Api) -> None:
    harmless = {"SmartEncoded": "false", "ProvideFeedback": "true", "Attempt": "1", "Later": "x"}
    assert api.create(**harmless, ContentRetention="retain", MediaUrl="")[0] == 201


def test_an_account_with_senders_may_use_no_other(open_api: Any) -> None:
    api = open_api(senders=("Clinic", "+15005550006"))
    assert [api.create(From=f)[0] for f in ("Clinic", "+15005550006", "+15005550007")] == [
        *(201, 201),
        400,
    ]


def test_the_gateways_refusal_wears_twilios_code(api: Api) -> None:
    api.counter.rejection = Rejection(Reason.OPTED_OUT, detail="+819012345678")
    status, seen = api.create()
    assert (status, seen["code"]) == (400, 21610)


@pytest.mark.parametrize(
    ("fields", "status", "error", "price"),
    [
        ({"state": State.SENT}, "sent", None, None),
        ({"state": State.DELIVERED, "segments": 2}, "delivered", None, "-0.01660"),
        ({"state": State.UNDELIVERED, "cause": Cause.NOT_IN_USE}, "undelivered", 30005, "-0.00830"),
        ({"state": State.UNDELIVERED, "cause": Cause.REFUSED}, "undelivered", 30004, "-0.00830"),
        ({"state": State.EXPIRED, "cause": Cause.ABSENT}, "undelivered", 30003, "-0.00830"),
        ({"state": State.EXPIRED, "country": "JP"}, "undelivered", 30008, "-0.00830"),
        ({"state": State.FAILED, "cause": Cause.NO_ROUTE}, "failed", 30006, "-0.00100"),
        ({"state": State.FAILED, "cause": Cause.TOO_LATE}, "failed", 30036, "0.00000"),
        ({"state": State.CANCELED, "cause": Cause.CANCELED}, "canceled", None, "0.00000"),
        ({"state": State.RECEIVED, "inbound": True}, "received", None, None),
    ],
)
def test_a_fetch_shows_what_is_known(
    api: Api, fields: dict[str, Any], status: str, error: int | None, price: str | None
) -> None:
    message = api.counter.keep(**{"country": "US", **fields})
    _, seen = api.get(f"/SM{public_id(message.key, 0)}.json")
    assert (seen["status"], seen["error_code"], seen["price"]) == (status, error, price)
    assert seen["price_unit"] == ("USD" if price else None)


def test_dates_are_those_of_what_happened(api: Api) -> None:
    second = 1_000_000
    sent = {"sending_us": NOW_US + second, "sent_us": NOW_US + 2 * second}
    message = api.counter.keep(state=State.DELIVERED, **sent, known_us=NOW_US + 3 * second)
    _, seen = api.get(f"/SM{public_id(message.key, 0)}.json")
    found = [seen[f"date_{which}"][-14:-6] for which in ("created", "sent", "updated")]
    assert found == ["00:00:00", "00:00:02", "00:00:03"]
    reply = api.counter.keep(state=State.RECEIVED, inbound=True)
    _, seen = api.get(f"/SM{public_id(reply.key, 0)}.json")
    assert seen["date_sent"] == seen["date_created"]
    assert seen["direction"] == "inbound"


@given(body=st.text(min_size=1, max_size=80), sender=st.text(min_size=1, max_size=20))
def test_the_quick_way_to_write_a_new_message_is_the_long_way(body: str, sender: str) -> None:
    made = Message(
        7, 7, "AC" + "0" * 32, "+12025550123", "US", sender, body, 1, 2, "", "", 0, 0,
        can_reply=True, carrier=5, accepted_us=1_772_409_600_000_000,
    )  # fmt: skip
    asked = Reply(None, 0, made.accepted_us)
    assert twilio_render.created_json(made, asked) == twilio_render.message_json(made, asked)
