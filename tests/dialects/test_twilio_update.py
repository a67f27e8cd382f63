"""One message of Twilio's after it was made: redact, cancel, delete, feedback, media; API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.account import ApiKey
from simulator.core.command import Cancel, Delete, DeleteMedia, Feedback, Redact
from simulator.core.extra import Extra
from simulator.core.ids import public_id
from simulator.core.message import Message, Reason, Rejection, State
from simulator.core.query import Find
from tests.dialects.counter import NOW_US
from tests.dialects.test_twilio_bad_input import basic
from tests.dialects.twilio_api import AC, MESSAGES, faults_of

if TYPE_CHECKING:
    from tests.dialects.twilio_api import Api

URLS = ("https://a.test/1.png", "http://b.test/two.PDF?x=1", "http://c.test/no-ending")


@pytest.fixture
def sms(api: Api) -> Message:
    kept: Message = api.counter.keep(sender="+15005550006", state=State.DELIVERED)
    return kept


@pytest.fixture
def mms(api: Api) -> Message:
    kept: Message = api.counter.keep(sender="+15005550006", extra=Extra(media=URLS))
    return kept


def at(message: Message, prefix: str = "SM") -> str:
    return f"/{prefix}{public_id(message.key, 0)}"


# Update.


def test_an_empty_body_redacts_and_a_status_cancels(api: Api, sms: Message) -> None:
    status, seen = api.post(f"{at(sms)}.json", Body="")
    assert (status, seen["sid"], api.counter.asked.what) == (200, at(sms)[1:], Redact())
    assert api.counter.asked.about == Find(AC, public_id(sms.key, 0), media=False)
    status, _ = api.post(f"{at(sms)}.json", Status="canceled")
    assert (status, api.counter.asked.what) == (200, Cancel(scheduled=True))


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"Body": "another text"},
        {"Status": "sent"},
        {"Status": "Canceled"},
        {"Status": "canceled", "Body": ""},
        {"To": "+15005550100"},
    ],
)
def test_no_other_update_is_taken(api: Api, sms: Message, form: dict[str, str]) -> None:
    status, seen = api.post(f"{at(sms)}.json", **form)
    assert (status, seen["code"]) == (400, 20422)


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        (Reason.NOT_CANCELABLE, (409, 30409)),
        (Reason.NOT_FINISHED, (409, 20009)),
        (Reason.NOT_FOUND, (404, 20404)),
    ],
)
def test_bad_input_14_the_wrong_time_has_its_code(
    api: Api, sms: Message, reason: Reason, answer: tuple[int, int]
) -> None:
    api.counter.rejection = Rejection(reason)
    status, seen = api.post(f"{at(sms)}.json", Status="canceled")
    assert (status, seen["code"]) == answer
    assert api.delete(f"{at(sms)}.json") == answer[0]


@pytest.mark.parametrize(
    "name",
    [
        "/SM" + "0" * 32,
        "/SM" + "0" * 31,
        "/MM" + public_id(1000, 0),
        "/SM" + public_id(1000, 1),
        "/..%2f..%2fetc",
        "/SM..",
    ],
)
def test_bad_input_14_unknown_messages_cannot_be_changed(api: Api, sms: Message, name: str) -> None:
    assert sms.key == 1000
    answers = [
        api.post(f"{name}.json", Body=""),
        api.post(f"{name}.json", Status="canceled"),
        api.post(f"{name}/Feedback.json", Outcome="confirmed"),
        api.get(f"{name}/Media.json"),
        api.get(f"{name}/Media/ME{'0' * 32}.json"),
    ]
    assert {(status, seen["code"]) for status, seen in answers} == {(404, 20404)}
    assert {api.delete(f"{name}.json"), api.delete(f"{name}/Media/ME{'0' * 32}.json")} == {404}


def test_a_deletion_answers_nothing(api: Api, sms: Message) -> None:
    assert api.call("DELETE", f"{MESSAGES}{at(sms)}.json") == (204, {})
    assert api.counter.asked.what == Delete()


# Feedback.


@pytest.mark.parametrize(
    ("form", "confirmed"),
    [({"Outcome": "confirmed"}, True), ({"Outcome": "unconfirmed"}, False), ({}, True)],
)
def test_feedback_repeats_what_was_said(
    api: Api, sms: Message, form: dict[str, str], *, confirmed: bool
) -> None:
    sms.feedback = 1 if confirmed else 2
    status, seen = api.post(f"{at(sms)}/Feedback.json", **form)
    assert (status, seen["message_sid"], seen["account_sid"]) == (201, at(sms)[1:], AC)
    assert seen["outcome"] == ("confirmed" if confirmed else "unconfirmed")
    assert api.counter.asked.what == Feedback(confirmed=confirmed)


def test_another_outcome_is_refused(api: Api, sms: Message) -> None:
    status, seen = api.post(f"{at(sms)}/Feedback.json", Outcome="delivered")
    assert (status, seen["code"]) == (400, 20422)


def test_an_intention_to_give_feedback_goes_with_the_message(api: Api) -> None:
    api.create(ProvideFeedback="true")
    assert api.counter.asked.what.extra == Extra(feedback=True)
    api.create(ProvideFeedback="false")
    assert api.counter.asked.what.extra is None


# Media.


def test_media_are_listed_with_their_types(api: Api, mms: Message) -> None:
    status, seen = api.get(f"{at(mms, 'MM')}/Media.json")
    rows = seen["media_list"]
    assert status == 200
    kinds = [row["content_type"] for row in rows]
    assert kinds == ["image/png", "application/pdf", "image/jpeg"]
    assert len({row["sid"] for row in rows}) == 3
    assert {row["parent_sid"] for row in rows} == {at(mms, "MM")[1:]}
    assert (seen["page"], seen["start"], seen["end"], seen["next_page_uri"]) == (0, 0, 2, None)


def test_the_check_of_media_and_feedback_can_fail(api: Api, mms: Message) -> None:
    _, seen = api.get(f"{at(mms, 'MM')}/Media.json")
    row = seen["media_list"][0]
    assert faults_of({**row, "parent_sid": 5}) == ["parent_sid"]
    assert faults_of({**row, "sid": "ME1", "content_type": "png"}) == ["content_type", "sid"]
    _, said = api.post(f"{at(mms, 'MM')}/Feedback.json")
    assert faults_of({**said, "outcome": "maybe"}) == ["outcome"]
    assert faults_of({key: value for key, value in said.items() if key != "uri"})


def test_media_come_in_pages_and_back(api: Api, mms: Message) -> None:
    where = f"{at(mms, 'MM')}/Media.json"
    everything = [row["sid"] for row in api.get(where)[1]["media_list"]]
    _, page = api.get(f"{where}?PageSize=2")
    _, last = api.get(page["next_page_uri"].removeprefix(MESSAGES))
    assert [row["sid"] for row in page["media_list"] + last["media_list"]] == everything
    assert last["next_page_uri"] is None
    assert (last["page"], last["start"], last["end"]) == (1, 2, 2)
    _, back = api.get(last["previous_page_uri"].removeprefix(MESSAGES))
    assert back["media_list"] == page["media_list"]


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("DateCreated=2026-03-02", 3),
        ("DateCreated%3E=2026-03-02", 3),
        ("DateCreated%3C=2026-03-01", 0),
        ("DateCreated=2026-03-03", 0),
        ("Page=5", 0),
    ],
)
def test_media_are_filtered_by_date(api: Api, mms: Message, query: str, n: int) -> None:
    assert mms.accepted_us == NOW_US
    assert len(api.get(f"{at(mms, 'MM')}/Media.json?{query}")[1]["media_list"]) == n


@pytest.mark.parametrize(
    "query",
    ["PageSize=-1", "Page=x", "DateCreated=soon", f"PageToken=PAME{'0' * 32}", "PageToken=../x"],
)
def test_bad_input_15_pages_of_media(api: Api, mms: Message, query: str) -> None:
    status, seen = api.get(f"{at(mms, 'MM')}/Media.json?{query}")
    assert (status, seen["code"]) == (400, 20422)


def test_one_medium_is_shown_fetched_from_its_address_and_deleted(api: Api, mms: Message) -> None:
    _, seen = api.get(f"{at(mms, 'MM')}/Media.json")
    row = seen["media_list"][1]
    where = f"{at(mms, 'MM')}/Media/{row['sid']}"
    assert api.get(f"{where}.json") == (200, row)
    headers = {"Authorization": basic(AC, "an auth token")}
    reply = api.counter.call("GET", MESSAGES + where, b"", headers)
    assert (reply.status, dict(reply.headers)["Location"]) == (307, URLS[1])
    assert api.delete(f"{where}.json") == 204
    assert api.counter.asked.what == DeleteMedia(nth=1)
    mms.extra = Extra(media=(URLS[0], "", URLS[2]))
    _, left = api.get(f"{at(mms, 'MM')}/Media.json")
    rows = seen["media_list"]
    assert left["media_list"] == [rows[0], rows[2]]
    assert api.get(f"{where}.json")[0] == 404
    assert api.get(f"{at(mms, 'MM')}.json")[1]["num_media"] == "3"


def test_looking_at_media_does_not_tell_the_state(api: Api, mms: Message) -> None:
    api.get(f"{at(mms, 'MM')}/Media.json")
    assert api.counter.asked.what.tells is False


def test_a_message_without_media_has_an_empty_list(api: Api, sms: Message) -> None:
    assert api.get(f"{at(sms)}/Media.json")[1]["media_list"] == []


# API keys.

KEY, OTHER = "SK" + "1" * 32, "SK" + "2" * 32


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        (KEY, "secret one", 200),
        (OTHER, "secret two", 200),
        (KEY, "secret two", 401),
        (KEY, "", 401),
        ("", "", 401),
        ("SK" + "3" * 32, "secret one", 401),
        (AC, "secret one", 401),
        (AC, "an auth token", 200),
    ],
)
def test_bad_input_10_api_keys(open_api: Any, user: str, password: str, expected: int) -> None:
    api = open_api(api_keys=(ApiKey(KEY, "secret one"), ApiKey(OTHER, "secret two")))
    status, _ = api.call("GET", f"{MESSAGES}.json", Authorization=basic(user, password))
    assert status == expected


def test_an_accounts_key_opens_no_other_account(open_api: Any) -> None:
    api = open_api(api_keys=(ApiKey(KEY, "secret one"),))
    url = f"/2010-04-01/Accounts/AC{'f' * 32}/Messages.json"
    assert api.call("GET", url, Authorization=basic(KEY, "secret one"))[0] == 401
