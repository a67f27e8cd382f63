"""The rest of Twilio's messaging by its own SDK: update, delete, feedback, media, services."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from twilio.base.exceptions import TwilioRestException

from simulator.core.number import us_fictional
from simulator.dialects.forms import FORM_TYPE
from tests.sdk.twilio_customer import SENDER, TOKEN, client_of, is_signed
from tests.servers import PATIENCE_S
from tests.worlds import DAY_US, HOUR_US, MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sdk.twilio_customer import Customer

SERVICE = "MG" + "5" * 32
POOL = [f"+1202555{n:04}" for n in range(150, 156)]
LIVES_US = 14 * DAY_US
SECRET_WORDS = "the words that must be gone"


def refused(call: Callable[[], Any]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as caught:
        call()
    return caught.value.status, caught.value.code


def with_service(customer: Customer, **more: Any) -> None:
    service = {"id": SERVICE, "senders": POOL, "status_callback": customer.status_url}
    settings = {"dialect": "twilio", "secret": TOKEN, "services": [service], **more}
    customer.served.account(customer.sid, **settings)


def at(customer: Customer, seconds: float) -> datetime:
    """So many seconds of virtual time from now on; the SDK writes it with a Z."""
    now = datetime.fromtimestamp(customer.served.now_us() / 1e6, UTC)
    return now + timedelta(seconds=seconds)


def sums(customer: Customer) -> dict[str, Any]:
    where = "/v1/worlds/default/invoices"
    found = customer.served.ask("GET", where, account=customer.sid)["invoices"]
    return {name: found[0][name] for name in ("units", "excluded_units", "total")}


# Redact, delete.


def test_a_redacted_text_is_gone_from_every_door_and_its_price_stays(customer: Customer) -> None:
    with customer.served.stepped():
        message = customer.send(us_fictional(0), SECRET_WORDS)
        assert refused(lambda: message.update(body="")) == (409, 20009)
        customer.served.advance(LIVES_US)
    before, price = sums(customer), message.fetch().price
    assert message.update(body="").body == ""
    assert (message.fetch().body, message.fetch().price) == ("", price)
    detail = customer.served.ask("GET", f"/v1/worlds/default/messages/{message.sid[2:]}")
    listed = customer.served.ask("GET", "/v1/worlds/default/messages", account=customer.sid)
    assert SECRET_WORDS not in f"{detail} {listed}"
    assert detail["redacted"] is True
    assert sums(customer) == before
    assert message.update(body="").body == ""  # once more


def test_a_deleted_message_is_gone_and_its_charge_stays(customer: Customer) -> None:
    with customer.served.stepped():
        kept, message = customer.send(us_fictional(1)), customer.send(us_fictional(0))
        assert refused(message.delete) == (409, 20009)
        customer.served.advance(LIVES_US)
    before = sums(customer)
    assert before["units"] + before["excluded_units"] == 2
    assert message.delete() is True
    assert refused(message.fetch) == (404, 20404)
    assert refused(message.delete) == (404, 20404)
    assert refused(lambda: message.update(body="")) == (404, 20404)
    assert [m.sid for m in customer.client.messages.list()] == [kept.sid]
    assert sums(customer) == before


def test_an_inbound_message_can_be_redacted_and_deleted_too(customer: Customer) -> None:
    customer.served.account(customer.sid, dialect="twilio", secret=TOKEN)
    customer.answer(us_fictional(3), SECRET_WORDS)
    (message,) = customer.client.messages.list()
    assert (message.direction, message.body) == ("inbound", SECRET_WORDS)
    assert message.update(body="").body == ""
    assert message.delete() is True
    assert customer.client.messages.list() == []


# Schedules and cancellation.


def test_a_scheduled_message_waits_is_told_of_and_can_no_longer_be_canceled(
    customer: Customer,
) -> None:
    with_service(customer)
    with customer.served.stepped():
        message = customer.client.messages.create(
            to=us_fictional(0),
            messaging_service_sid=SERVICE,
            body="Tomorrow at ten",
            schedule_type="fixed",
            send_at=at(customer, 3600),
        )
        assert (message.status, message.from_, message.num_segments) == ("scheduled", None, "0")
        customer.served.advance(HOUR_US - 1_000_000)
        waiting = message.fetch()
        assert (waiting.status, waiting.date_sent, waiting.price) == ("scheduled", None, None)
        customer.served.advance(LIVES_US)
    sent = message.fetch()
    assert (sent.status, sent.from_ in POOL, sent.num_segments) == ("delivered", True, "1")
    assert sent.date_sent - sent.date_created >= timedelta(hours=1)
    assert refused(lambda: message.update(status="canceled")) == (409, 30409)
    posts = customer.statuses(5)
    assert [post.fields["MessageStatus"] for post in posts] == [
        *("accepted", "queued", "sending", "sent", "delivered")
    ]
    assert {post.fields["MessagingServiceSid"] for post in posts} == {SERVICE}
    assert all(map(is_signed, posts))


def test_a_canceled_message_is_never_sent_and_costs_nothing(customer: Customer) -> None:
    with_service(customer)
    with customer.served.stepped():
        message = customer.client.messages.create(
            to=us_fictional(0),
            messaging_service_sid=SERVICE,
            body=SECRET_WORDS,
            schedule_type="fixed",
            send_at=at(customer, 600),
        )
        assert message.update(status="canceled").status == "canceled"
        assert refused(lambda: message.update(status="canceled")) == (409, 30409)
        customer.served.advance(LIVES_US)
    found = message.fetch()
    assert (found.status, found.date_sent, found.price) == ("canceled", None, "0.00000")
    assert sums(customer) == {"units": 0, "excluded_units": 1, "total": "0"}
    assert [post.fields["MessageStatus"] for post in customer.statuses()] == ["canceled"]
    assert message.update(body="").body == ""
    assert message.delete() is True


def test_an_ordinary_message_cannot_be_canceled(customer: Customer) -> None:
    with customer.served.stepped():
        message = customer.send(us_fictional(0))
        assert refused(lambda: message.update(status="canceled")) == (409, 30409)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (300, 0),
        (299, 35114),
        (-60, 35114),
        (35 * 86_400, 0),
        (35 * 86_400 + 1, 35114),
    ],
)
def test_bad_input_16_how_far_ahead_a_message_may_be_scheduled(
    customer: Customer, seconds: int, code: int
) -> None:
    with_service(customer)
    asked = {"messaging_service_sid": SERVICE, "from_": POOL[0], "schedule_type": "fixed"}
    with customer.served.stepped():
        customer.served.advance(1_000_000 - customer.served.now_us() % 1_000_000)
        asked["send_at"] = at(customer, seconds)
        if code:
            assert customer.refusal(**asked) == (400, code)
        else:
            sent = customer.client.messages.create(to=us_fictional(0), body="x", **asked)
            assert sent.update(status="canceled").status == "canceled"


def test_so_many_may_be_scheduled_as_the_account_allows(customer: Customer) -> None:
    with_service(customer, scheduled_max=2)
    asked = {"messaging_service_sid": SERVICE, "from_": POOL[0], "schedule_type": "fixed"}
    with customer.served.stepped():
        asked["send_at"] = at(customer, 900)
        kept = [
            customer.client.messages.create(to=us_fictional(i), body="x", **asked) for i in (1, 2)
        ]
        assert customer.refusal(**asked) == (400, 35125)
        kept[0].update(status="canceled")
        customer.client.messages.create(to=us_fictional(3), body="x", **asked)


# Services.


def test_a_service_keeps_each_persons_sender_and_an_opt_out_covers_it(customer: Customer) -> None:
    with_service(customer, inbound_url=customer.inbound_url)

    def send(i: int) -> Any:
        return customer.client.messages.create(
            to=us_fictional(i), messaging_service_sid=SERVICE, body="Hello"
        )

    with customer.served.stepped():
        sent = [send(i) for i in (*range(20), *range(20))]
        customer.served.advance(MINUTE_US)
        senders = [message.fetch().from_ for message in sent]
        assert senders[:20] == senders[20:]
        assert len(set(senders)) > 2
        assert {message.status for message in sent} == {"accepted"}
        person = us_fictional(0)
        other = next(number for number in POOL if number != senders[0])
        customer.served.reply(customer.sid, person, senders[0], "STOP")
        assert refused(lambda: send(0)) == (400, 21610)
        assert customer.refusal(to=person, from_=other) == (400, 21610)
        customer.served.advance(1_000_000)
    (post,) = [p for p in customer.inbound(1) if p.fields["Body"] == "STOP"]
    assert (post.fields["MessagingServiceSid"], post.fields["To"]) == (SERVICE, senders[0])


def test_a_service_nobody_declared_does_not_exist(customer: Customer) -> None:
    customer.send(us_fictional(0))
    unknown = {"from_": None, "messaging_service_sid": SERVICE}
    assert customer.refusal(**unknown) == (404, 21701)


# Feedback, media.


def test_feedback_is_noted(customer: Customer) -> None:
    message = customer.send(us_fictional(0), provide_feedback=True)
    where = f"/v1/worlds/default/messages/{message.sid[2:]}"
    assert customer.served.ask("GET", where)["feedback"] == "unconfirmed"
    said = customer.client.messages(message.sid).feedback.create(outcome="confirmed")
    assert (said.outcome, said.message_sid) == ("confirmed", message.sid)
    assert customer.served.ask("GET", where)["feedback"] == "confirmed"


def test_media_are_listed_shown_and_deleted_one_by_one(customer: Customer) -> None:
    urls = [f"https://a.test/{i}.png" for i in range(3)]
    message = customer.send(us_fictional(0), media_url=urls)
    assert (message.sid[:2], message.num_media) == ("MM", "3")
    media = customer.client.messages(message.sid).media
    sids = [row.sid for row in media.list(page_size=2)]
    assert len(set(sids)) == 3
    assert media(sids[0]).fetch().content_type == "image/png"
    assert media(sids[1]).delete() is True
    assert refused(media(sids[1]).fetch) == (404, 20404)
    assert [row.sid for row in media.list()] == [sids[0], sids[2]]
    assert customer.refusal(media_url=urls * 4) == (400, 21623)
    wrong = customer.client.messages("SM" + message.sid[2:])
    assert refused(wrong.fetch) == (404, 20404)


# Credentials.


def test_an_api_key_does_what_the_token_does_until_it_is_taken_back(customer: Customer) -> None:
    key = {"id": "SK" + "7" * 32, "secret": "a secret of a key"}
    customer.served.account(customer.sid, dialect="twilio", secret=TOKEN, api_keys=[key])
    by_key = client_of(customer.served, customer.sid, key["secret"], user=key["id"])
    sent = by_key.messages.create(to=us_fictional(0), from_=SENDER, body="Hello")
    assert customer.client.messages(sent.sid).fetch().account_sid == customer.sid
    stranger = client_of(customer.served, "AC" + "e" * 32, key["secret"], user=key["id"])
    assert refused(stranger.messages(sent.sid).fetch) == (401, 20003)
    customer.served.account(customer.sid, api_keys=[])
    assert refused(by_key.messages(sent.sid).fetch) == (401, 20003)


def test_test_credentials_charge_nothing_keep_nothing_and_call_nobody(customer: Customer) -> None:
    settings = {"dialect": "twilio", "secret": TOKEN, "test_credentials": True}
    customer.served.account(customer.sid, **settings)
    with customer.served.stepped():
        sent = customer.send(us_fictional(0), status_callback=customer.status_url)
        again = customer.send(us_fictional(0), status_callback=customer.status_url)
        assert (sent.status, again.status, sent.sid == again.sid) == ("queued", "queued", False)
        assert customer.refusal(to="+15005550009") == (400, 21614)
        assert refused(sent.fetch) == (403, 20008)
        customer.served.advance(LIVES_US)
    assert customer.statuses() == []
    kept = customer.served.ask("GET", "/v1/worlds/default/messages", account=customer.sid)
    assert kept["messages"] == []
    invoices = customer.served.ask("GET", "/v1/worlds/default/invoices", account=customer.sid)
    assert invoices["invoices"] == []


# Many.


def test_the_sdk_pages_over_3000_messages_and_misses_none(customer: Customer) -> None:
    with customer.served.stepped():
        sids = set(sent_in_bulk(customer, 3_050))
        seen = [message.sid for message in customer.client.messages.list(page_size=1000)]
        few = [m.sid for m in customer.client.messages.stream(limit=2_100, page_size=300)]
    assert len(seen) == len(sids)
    assert set(seen) == sids
    assert few == seen[:2_100]


def sent_in_bulk(customer: Customer, n: int) -> Iterator[str]:
    """Send without the SDK, over one connection: the lists are what is looked at."""
    host, port = customer.served.url.removeprefix("http://").split(":")
    link = HTTPConnection(host, int(port), timeout=PATIENCE_S)
    path = f"/2010-04-01/Accounts/{customer.sid}/Messages.json"
    pair = b64encode(f"{customer.sid}:{TOKEN}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": FORM_TYPE}
    for i in range(n):
        form = {"To": us_fictional(i % 500), "From": SENDER, "Body": "Hello"}
        link.request("POST", path, urlencode(form), headers)
        with link.getresponse() as reply:
            yield json.loads(reply.read())["sid"]
    link.close()
