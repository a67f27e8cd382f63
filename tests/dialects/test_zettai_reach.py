"""絶対リーチ!SMS: what is taken, what is refused with which code, what is told and when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from simulator.core.cause import Cause
from simulator.core.ids import public_id
from simulator.core.message import Call, Message, Reason, Rejection, State
from simulator.dialects import zettai_reach
from tests.dialects.zettai_api import CLIENT, SENT, TOKEN, Api, faults_of

if TYPE_CHECKING:
    from collections.abc import Callable

PUSH_URL = "http://sut.test:9000/dlr"
FAILURES = [State.UNDELIVERED, State.EXPIRED, State.FAILED]
NOBODY = "+817000000000"


@pytest.fixture
def open_api(counter: Any, vendors_schema: Any) -> Callable[..., Api]:
    names = ("p5MtResponse", "p5StatusResponse", "DLRPushJSON")
    vendor = {n: vendors_schema("zettai-reach/zettai-reach-openapi.json", n) for n in names}
    return lambda **account: Api(counter, vendor, **account)


@pytest.fixture
def api(open_api: Callable[..., Api]) -> Api:
    return open_api(push_url=PUSH_URL)


def test_the_check_against_the_vendors_schema_can_fail(api: Api) -> None:
    vendor = api.vendor["p5MtResponse"]
    if vendor is None:
        pytest.skip("the vendor's schema is not here (set TODOKU_SHARED)")
    assert list(vendor.iter_errors({**api.send()[2], "phoneNumber": "09012345678"}))


def test_the_check_against_our_own_table_can_fail(api: Api) -> None:
    seen = api.send()[2]
    assert faults_of({**seen, "responseCode": "0"}, SENT) == ["responseCode"]
    assert faults_of({"responseCode": 0}, SENT)


def test_a_send_echoes_the_number_in_international_form_and_the_message(api: Api) -> None:
    code, words, seen = api.send(message="ご予約は明日です 😀")
    assert (code, words) == (0, "Success.")
    assert (seen["phoneNumber"], seen["smsMessage"]) == ("+819012345678", "ご予約は明日です 😀")


@pytest.mark.parametrize(
    ("tag", "push_url", "states"),
    [("t-1", PUSH_URL, {State.DELIVERED, *FAILURES}), ("", PUSH_URL, set()), ("t-1", "", set())],
)
def test_receipts_are_pushed_only_with_a_tag_and_an_address(
    open_api: Any, tag: str, push_url: str, states: set[State]
) -> None:
    api = open_api(push_url=push_url)
    api.send(clientTag=tag)
    asked = api.counter.asked.what
    assert {s for s in State if asked.notify >> s & 1} == states
    assert asked.callback_url == (push_url if states else "")
    assert (asked.reference, asked.unique_reference) == (tag, bool(tag))
    assert not asked.can_reply


@pytest.mark.parametrize(
    ("form", "code", "words"),
    [
        ({"token": "(none)"}, 100, "Required token."),
        ({"clientId": ""}, 100, "Required clientId."),
        ({"smsCode": "(none)"}, 100, "Required smsCode."),
        ({"message": "(none)"}, 100, "Required message."),
        ({"phoneNumber": "(none)"}, 100, "Required phoneNumber."),
        ({"token": "short"}, 110, "Invalid token."),
        ({"clientId": "seven"}, 110, "Invalid clientId."),
        ({"smsCode": "1234"}, 110, "Invalid smsCode."),
        ({"smsCode": "Todo5"}, 110, "Invalid smsCode."),
        ({"smsCode": "1234567"}, 120, "smsCode too long."),
        ({"carrierId": "102"}, 110, "Invalid carrierId."),
        ({"clientTag": "t" * 201}, 120, "clientTag too long."),
        ({"groupTag": "g" * 201}, 120, "groupTag too long."),
        ({"scheduleTime": "2026-03-02 09:00"}, 110, "Invalid scheduleTime."),
        ({"message": "あ" * 661}, 120, "message too long."),
    ],
)
def test_a_send_is_refused_with_the_documented_code(
    api: Api, form: dict[str, str], code: int, words: str
) -> None:
    assert api.send(**form)[:2] == (code, words)
    assert api.counter.messages == []


def test_what_cannot_be_echoed_is_replaced_by_what_fits_the_schema(api: Api) -> None:
    _, _, seen = api.send(phoneNumber="0312345678", message="(none)")
    assert (seen["phoneNumber"], seen["smsMessage"]) == (NOBODY, "-")
    _, _, seen = api.send(message="あ" * 661)
    assert (seen["phoneNumber"], seen["smsMessage"]) == ("+819012345678", "あ" * 660)


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        (Reason.DUPLICATE_REFERENCE, 400, "Duplicate client tag."),
        (Reason.OVER_QUOTA, 300, "Exceed sending count."),
        (Reason.OPTED_OUT, 110, "Invalid phoneNumber."),
    ],
)
def test_the_gateways_refusal_wears_the_providers_code(
    api: Api, reason: Reason, code: int, words: str
) -> None:
    api.counter.rejection = Rejection(reason)
    found, said, seen = api.send(clientTag="t-1", message="mine")
    assert (found, said, seen["smsMessage"]) == (code, words, "mine")


def test_a_client_may_use_only_its_own_sms_codes(open_api: Any) -> None:
    api = open_api(senders=("54321",))
    assert [api.send(smsCode=c)[0] for c in ("54321", "12345")] == [0, 110]


@pytest.mark.parametrize("state", [State.ACCEPTED, State.SENDING, State.SENT])
def test_before_the_end_what_is_undefined_is_noise_and_always_the_same(
    api: Api, state: State
) -> None:
    for i in range(40):
        api.counter.keep(reference=f"t-{i}", state=state, carrier=1)
    rows = [api.status(clientTag=f"t-{i}")[2]["status"][0] for i in range(40)]
    assert {row["statusId"] for row in rows} == {"1"}
    assert len({row["separatedSuccessCount"] for row in rows}) > 5
    assert len({row["carrierId"] for row in rows}) == 6
    assert len({row["detailedStatusId"] for row in rows}) > 30
    assert {row["dateTime"] for row in rows} == {"20260302 090000123"}  # of acceptance
    assert rows[7] == api.status(clientTag="t-7")[2]["status"][0]


MODULES = {1: ("31", "103", "Docomo"), 2: ("11", "101", "AU"), 3: ("51", "105", "Softbank")}
MODULES[4] = ("61", "106", "楽天モバイル")
CLASSES = {
    Cause.NOT_IN_USE: "732",
    Cause.REFUSED: "834",
    Cause.ABSENT: "824",
    Cause.CONGESTION: "721",
}


@pytest.mark.parametrize("carrier", MODULES)
@pytest.mark.parametrize("cause", CLASSES)
def test_a_failure_tells_its_carriers_module_and_the_causes_class(
    api: Api, carrier: int, cause: Cause
) -> None:
    parts = {"carrier": carrier, "cause": cause, "segments": 3, "reference": "t-1"}
    message = api.counter.keep(state=State.UNDELIVERED, known_us=1_772_409_601_987_654, **parts)
    [row] = api.status(clientTag="t-1")[2]["status"]
    module, carrier_id, name = MODULES[carrier]
    assert (row["carrierId"], row["carrierName"], row["statusId"]) == (carrier_id, name, "3")
    assert row["detailedStatusId"] == module + CLASSES[cause]
    assert row["separatedSuccessCount"] == 0  # 成功課金
    assert row["dateTime"] == "20260302 090001987"
    pushed = api.push(message)
    assert pushed["detailedStatusId"] == int(module + CLASSES[cause])
    assert (pushed["statusId"], pushed["statusDescription"]) == ("3", "Message delivery failed")


def test_a_delivery_tells_the_billed_units_in_status_and_push(api: Api) -> None:
    parts = {"reference": "t-1", "segments": 3, "state": State.DELIVERED, "body": "予約 & 確認"}
    message = api.counter.keep(**parts, known_us=1_772_409_601_987_654)
    [row] = api.status(clientTag="t-1")[2]["status"]
    assert (row["statusId"], row["detailedStatusId"], row["separatedSuccessCount"]) == ("2", "2", 3)
    pushed = api.push(message)
    assert (pushed["statusId"], pushed["detailedStatusId"]) == ("2", 2)
    assert pushed["separatedSuccessCount"] == 3
    assert pushed["messageId"] == public_id(message.key, 0)
    assert (pushed["clientId"], pushed["clientTag"]) == (CLIENT, "t-1")
    assert (pushed["messageText"], pushed["dateTime"]) == ("予約 & 確認", "2026/03/02 09:00:01")


def test_under_request_billing_a_failure_counts_as_billed(open_api: Any) -> None:
    api = open_api(policy="jp-request-billed")
    api.counter.keep(reference="t-1", segments=3, state=State.UNDELIVERED, cause=Cause.ABSENT)
    assert api.status(clientTag="t-1")[2]["status"][0]["separatedSuccessCount"] == 3


def test_the_push_of_a_failure_has_noise_for_a_count(api: Api) -> None:
    def pushed(key: int) -> int:
        fields = {"reference": "t", "state": State.FAILED, "cause": Cause.ABSENT}
        message = api.counter.keep(**fields)
        message.key = key
        return api.push(message)["separatedSuccessCount"]

    counts = [pushed(key) for key in range(60)]
    assert len(set(counts)) > 5
    assert counts[7] == pushed(7)


def test_a_reply_has_no_push(api: Api) -> None:
    message: Message = api.counter.keep(state=State.RECEIVED, inbound=True)
    call = Call(99, message, State.RECEIVED, 0, 0)
    assert zettai_reach.callback(call, api.counter.account, 0) is None


def test_a_status_by_date_covers_the_japanese_day_of_acceptance(api: Api) -> None:
    api.counter.keep(state=State.DELIVERED)
    api.counter.keep(state=State.RECEIVED, inbound=True)
    code, _, seen = api.status(date="20260302")
    assert (code, len(seen["status"])) == (0, 1)
    asked = api.counter.asked.what
    start_us = 1_772_377_200_000_000  # 2026-03-01T15:00:00Z
    assert (asked.accepted_from_us, asked.accepted_before_us) == (
        start_us,
        start_us + 86_400 * 10**6,
    )
    api.status(date="20260302", clientTag="t-1")
    assert api.counter.asked.what.reference == "t-1"  # a tag goes before a date


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ({}, 100, "Required clientTag."),
        ({"clientTag": "nobody's"}, 200, "No data."),
        ({"date": "20260101"}, 200, "No data."),
        ({"date": "20260230"}, 110, "Invalid date."),
        ({"date": "2026-3-2"}, 110, "Invalid date."),
        ({"date": "00010101"}, 200, "No data."),
        ({"date": "99991231"}, 200, "No data."),
        ({"clientTag": "t" * 204}, 120, "clientTag too long."),
        ({"clientTag": "t", "token": TOKEN[::-1]}, 110, "Invalid token."),
    ],
)
def test_a_status_that_cannot_be_told(
    api: Api, query: dict[str, str], code: int, words: str
) -> None:
    found, said, seen = api.status(**query)
    assert (found, said, seen["status"]) == (code, words, [])


def test_bad_input_06_other_types_and_other_encodings(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    for body in (b'{"token": NaN}', b"[" * 1000, b"\xef\xbb\xbf{}", b"9" * 100_000):
        assert api.call("POST", "/p5/api/mt.json", body, headers)[:2] == (100, "Required token.")
    credentials = urlencode({"token": TOKEN, "clientId": CLIENT}).encode()
    for raw in (b"%ff", b"%83e%83X%83g", b"%ED%A0%80", b"a%00"):  # Shift_JIS among them
        body = credentials + b"&smsCode=12345&phoneNumber=09012345678&message=" + raw
        assert api.send(body)[:2] == (110, "Invalid message.")
    assert api.send(b"token=\xff")[:2] == (110, "Invalid body.")


def test_bad_input_07_many_fields(api: Api) -> None:
    assert api.send(b"&".join([b"x=1"] * 100_000))[:2] == (110, "Invalid form.")


@pytest.mark.parametrize(
    ("number", "is_taken"),
    [
        *((n, True) for n in ("06012345678", "07012345678", "+818012345678", "09098765432")),
        *((n, True) for n in ("02012345678", "02011234567890", "+812091234567890")),
        *((n, False) for n in ("0312345678", "05012345678", "0120123456", "08001234567")),
        *((n, False) for n in ("07000000000", "0901234567", "090123456789", "9012345678")),
        *((n, False) for n in ("090-1234-5678", "+8109012345678", "819012345678", "+15005550006")),
        *((n, False) for n in ("0901234567\u0668", "\u202e09012345678", "09012345678\n", " ", "+")),
    ],
)
def test_bad_input_08_recipients(api: Api, number: str, *, is_taken: bool) -> None:
    assert api.send(phoneNumber=number)[0] == (0 if is_taken else 110)
    schema = api.vendor["p5MtResponse"]
    if schema is not None:
        parts = schema.schema["components"]["schemas"]["P5MtRequest"]["properties"]
        pattern = parts["phoneNumber"]["pattern"]
        assert bool(re.search(pattern, number.replace("\n", "x"))) is is_taken


def test_bad_input_09_bodies(api: Api) -> None:
    for message, segments in ((" ", 1), ("あ" * 660, 10), ("x" * 660, 5), ("😀" * 660, 20)):
        assert api.send(message=message)[0] == 0
        assert api.counter.asked.what.segments == segments
    assert api.send(message="")[0] == 100


@pytest.mark.parametrize("is_open", [True, False])
def test_bad_input_10_credentials(open_api: Any, *, is_open: bool) -> None:
    api = open_api(is_open=is_open)
    assert api.send(token=TOKEN.swapcase())[:2] == (110, "Invalid token.")
    code, words, _ = api.send(clientId="777", token="t" * 32)
    assert (code, words) == ((0, "Success.") if is_open else (110, "Invalid token."))
    opened = getattr(api.counter.asked, "opens", None)
    assert (opened.id, opened.policy) == ("777", "jp-success-billed") if is_open else True
