"""What few creates ask of Twilio: services, schedules, media, test credentials; and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from simulator.core.account import Service
from simulator.core.cause import Cause
from simulator.core.extra import Extra
from simulator.core.message import Reason, Rejection, State
from simulator.dialects import twilio_magic, twilio_render
from simulator.dialects.twilio_extra import instant_us
from simulator.dialects.twilio_page import BACK
from tests.dialects.counter import NOW_US

if TYPE_CHECKING:
    from tests.dialects.twilio_api import Api

US, JP = "+15005550100", "+819012345678"
POOL = ("+12025550101", "+12025550102", "Clinic")
CALLED = "http://sut.test/service"


def sid(digit: str) -> str:
    return "MG" + digit * 32


SERVICES = (
    Service(sid("1"), POOL, CALLED),
    Service(sid("2"), POOL, enabled=False),
    Service(sid("3")),
    Service(sid("4"), ("Clinic",)),
)


@pytest.fixture
def served(open_api: Any) -> Api:
    api: Api = open_api(services=SERVICES)
    return api


# Messaging Services.


def test_a_service_answers_accepted_and_hides_the_sender_that_it_will_choose(served: Api) -> None:
    _, seen = served.create(To=US, From="(none)", MessagingServiceSid=sid("1"))
    asked = served.counter.asked.what
    assert (asked.sender, asked.callback_url) == ("", CALLED)
    assert asked.extra == Extra(service=sid("1"), pool=POOL[:2])  # no name reaches the US
    assert seen["messaging_service_sid"] == sid("1")
    served.create(From="(none)", MessagingServiceSid=sid("1"))
    assert served.counter.asked.what.extra.pool == POOL
    kept = served.counter.keep(sender=POOL[0], extra=Extra(service=sid("1"), chosen=True))
    _, seen = served.get(f"/{twilio_render.sid_of(kept, 0)}.json")
    assert (seen["status"], seen["from"], seen["num_segments"]) == ("accepted", None, "0")
    kept.state = State.QUEUED
    _, seen = served.get(f"/{twilio_render.sid_of(kept, 0)}.json")
    assert (seen["status"], seen["from"], seen["num_segments"]) == ("queued", POOL[0], "1")


def test_a_messages_own_callback_address_goes_before_the_services(served: Api) -> None:
    served.create(From="(none)", MessagingServiceSid=sid("1"), StatusCallback="http://sut.test/own")
    assert served.counter.asked.what.callback_url == "http://sut.test/own"


def test_a_service_may_stand_in_from(served: Api) -> None:
    served.create(To=US, From=sid("1"))
    assert served.counter.asked.what.extra == Extra(service=sid("1"), pool=POOL[:2])


def test_a_sender_of_the_pool_may_be_named(served: Api) -> None:
    _, seen = served.create(To=US, From=POOL[1], MessagingServiceSid=sid("1"))
    assert (seen["status"], seen["from"], seen["num_segments"]) == ("accepted", POOL[1], "1")
    assert served.counter.asked.what.sender == POOL[1]


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ({"MessagingServiceSid": sid("9")}, (404, 21701)),
        ({"MessagingServiceSid": sid("2")}, (400, 21702)),
        ({"MessagingServiceSid": sid("4")}, (400, 21703)),
        ({"MessagingServiceSid": sid("3")}, (400, 21704)),
        ({"MessagingServiceSid": "MG12"}, (400, 21705)),
        ({"MessagingServiceSid": "mg" + "1" * 32}, (400, 21705)),
        ({"MessagingServiceSid": sid("1"), "From": "+12025550199"}, (400, 21711)),
    ],
)
def test_a_service_that_cannot_send_is_refused_with_its_code(
    served: Api, form: dict[str, str], answer: tuple[int, int]
) -> None:
    status, seen = served.create(**{"To": US, "From": "(none)", **form})
    assert (status, seen["code"]) == answer
    assert served.counter.messages == []


# Schedules.

SOON = "2026-03-02T00:10:00Z"
FIXED = {"From": "(none)", "MessagingServiceSid": sid("1"), "ScheduleType": "fixed"}


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-02T00:10:00Z", 600),
        ("2026-03-02T09:10:00+09:00", 600),
        ("2026-03-01T19:10:00-05:00", 600),
        ("2026-03-02T00:10:00", 600),
        ("2026-03-02 00:10:00", 600),
        ("2026-03-02T00:10:00.5Z", 600.5),
    ],
)
def test_bad_input_16_an_instant_is_the_same_in_every_offset(
    served: Api, text: str, at: float
) -> None:
    assert served.create(**FIXED, SendAt=text)[0] == 201
    second = NOW_US - NOW_US % 1_000_000
    assert served.counter.asked.what.extra.send_at_us == second + int(at * 1_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow",
        "2026-03-02",
        "2026-02-30T00:00:00Z",
        "2026-03-02T24:00:00Z",
        "2026-06-30T23:59:60Z",  # a leap second
        "2026-03-08T02:30:00 America/New_York",  # a gap
        "2026-W10-1T00:00:00Z",
        "20260302T001000Z",
        "10000-01-01T00:00:00Z",
        "\uff12026-03-02T00:10:00Z",
        "1772409600",
        "2026-03-02T00:10:00+99:99",
    ],
)
def test_bad_input_16_what_is_no_instant_is_35114(served: Api, text: str) -> None:
    status, seen = served.create(**FIXED, SendAt=text)
    assert (status, seen["code"]) == (400, 35114)


def test_bad_input_16_both_sides_of_a_clock_change_are_told_apart_by_their_offsets() -> None:
    before, after = "2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"
    assert instant_us(after) == (instant_us(before) or 0) + 3_600_000_000


def test_bad_input_16_the_year_9999_and_the_past_are_instants_for_the_gateway_to_judge(
    served: Api,
) -> None:
    for text in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"):
        assert served.create(**FIXED, SendAt=text)[0] == 201
        assert served.counter.asked.what.extra.send_at_us > 0
    served.counter.rejection = Rejection(Reason.BAD_PARAMETER, "SendAt", "60 s ahead")
    status, seen = served.create(**FIXED, SendAt="2026-03-02T00:01:00Z")
    assert (status, seen["code"]) == (400, 35114)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"ScheduleType": "fixed"}, 35111),
        ({"ScheduleType": "fixed", "SendAt": SOON, "MessagingServiceSid": ""}, 35118),
        ({"ScheduleType": "flexible", "SendAt": SOON}, 35126),
        ({"ScheduleType": "", "SendAt": SOON}, 35126),
    ],
)  # fmt: skip
def test_what_scheduling_needs_is_refused_by_its_code(
    served: Api, form: dict[str, str], code: int
) -> None:
    asked = {"MessagingServiceSid": sid("1"), "From": POOL[0], **form}
    status, seen = served.create(**asked)
    assert (status, seen["code"]) == (400, code)


def test_a_full_schedule_is_35125(served: Api) -> None:
    served.counter.rejection = Rejection(Reason.SCHEDULE_FULL)
    status, seen = served.create(**FIXED, SendAt=SOON)
    assert (status, seen["code"]) == (400, 35125)


def test_a_scheduled_message_is_called_back_about_its_acceptance_and_cancellation(
    served: Api,
) -> None:
    served.create(**FIXED, SendAt=SOON)
    notify = served.counter.asked.what.notify
    assert all(notify >> state & 1 for state in (State.ACCEPTED, State.QUEUED, State.CANCELED))
    assert not notify >> State.SCHEDULED & 1


# Media.


def test_media_make_an_mms_of_one_part(api: Api) -> None:
    urls = ["http://a.test/1.png", "https://b.test/2"]
    fields = [("To", US), ("From", "+15005550006"), ("Body", "x" * 400)]
    _, seen = api.create(urlencode([*fields, *(("MediaUrl", url) for url in urls)]).encode())
    assert (seen["sid"][:2], seen["num_media"], seen["num_segments"]) == ("MM", "2", "1")
    assert api.counter.asked.what.extra.media == tuple(urls)
    assert api.create(To=US, Body="(none)", MediaUrl=urls[0])[0] == 201


@pytest.mark.parametrize(
    ("urls", "code"),
    [
        (["http://a.test/x"] * 11, 21623),
        (["http://a.test/x", "/etc/passwd"], 21620),
        (["http://"], 21620),
        (["http://a b/"], 21620),
        (["http://[::1/"], 21620),
        (["http://a.test:99999/"], 21620),
        (["http://a.test/" + "x" * 5000], 21620),
        (["javascript:alert(1)"], 21620),
    ],
)
def test_bad_input_07_media_addresses(api: Api, urls: list[str], code: int) -> None:
    fields = [("To", US), ("From", "+15005550006"), ("Body", "x")]
    status, seen = api.create(urlencode([*fields, *(("MediaUrl", url) for url in urls)]).encode())
    assert (status, seen["code"]) == (400, code)


def test_a_name_carries_no_media(open_api: Any) -> None:
    api = open_api(services=SERVICES)
    media = {"MediaUrl": "http://a.test/1.png"}
    assert api.create(From="Clinic", **media)[1]["code"] == 21612
    assert api.create(From="(none)", MessagingServiceSid=sid("4"), **media)[1]["code"] == 21703


# Limits that an account declares.


def test_geo_permissions_and_verified_numbers_are_the_accounts(open_api: Any) -> None:
    assert open_api(countries=("US",)).create(To=JP)[1]["code"] == 21408
    assert open_api(countries=("US", "JP")).create(To=JP)[0] == 201
    assert open_api(verified=(US,)).create(To=JP)[1]["code"] == 21608
    assert open_api(verified=(US,)).create(To=US)[0] == 201
    served = open_api(services=SERVICES, countries=("US",))
    refused = served.create(To=JP, From="(none)", MessagingServiceSid=sid("1"))
    assert refused[1]["code"] == 21408


# Test credentials.


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "+15005550008"}, 21611),
        ({"From": "+12025550100"}, 21606),
        ({"From": "Clinic"}, 21606),
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"To": "0312345678"}, 21211),
        ({"Body": "(none)"}, 21602),
    ],
)
def test_magic_numbers_decide_where_credentials_are_for_tests(
    open_api: Any, form: dict[str, str], code: int
) -> None:
    api = open_api(test=True)
    status, seen = api.create(**{"From": twilio_magic.GOOD_SENDER, "To": US, **form})
    assert (status, seen["code"]) == (400, code)


def test_test_credentials_pretend_to_send_and_can_do_nothing_else(open_api: Any) -> None:
    api = open_api(test=True)
    status, seen = api.create(To=US, From=twilio_magic.GOOD_SENDER)
    assert (status, seen["status"], api.counter.asked.what.extra.dry) == (201, "queued", True)
    name = f"/{seen['sid']}.json"
    media = api.get(name.replace(".json", "/Media.json"))
    for answer in (api.get(), api.get(name), api.post(name, Body=""), media):
        assert (answer[0], answer[1]["code"]) == (403, 20008)
    assert api.delete(name) == 403


def test_magic_numbers_are_ordinary_numbers_to_other_accounts(api: Api) -> None:
    assert api.create(From="+15005550001", To="+15005550100")[0] == 201


# Errors that come later.


def test_every_cause_has_a_code_and_words() -> None:
    assert set(twilio_render.CAUSES) == set(Cause)
    for code, words in twilio_render.CAUSES.values():
        assert 30001 <= code <= 30450
        assert twilio_render.WORDS[code] == words


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause])
def test_a_failure_shows_its_causes_code(api: Api, cause: Cause) -> None:
    message = api.counter.keep(state=State.FAILED, cause=cause, country="US")
    _, seen = api.get(f"/{twilio_render.sid_of(message, 0)}.json")
    assert (seen["error_code"], seen["error_message"]) == twilio_render.CAUSES[cause]


def test_a_token_backwards_of_an_mms_is_a_token(api: Api) -> None:
    kept = api.counter.keep(extra=Extra(media=("http://a.test/1",)))
    older = api.counter.keep()
    api.counter.messages.sort(key=lambda m: -m.key)
    sid_of = twilio_render.sid_of
    status, seen = api.get(f".json?PageToken={BACK}{sid_of(kept, 0)}&PageSize=1")
    assert (status, [m["sid"] for m in seen["messages"]]) == (200, [sid_of(older, 0)])
