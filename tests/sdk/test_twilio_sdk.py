"""Twilio's own Python SDK, unmodified, against a server in a process of its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.twiml.messaging_response import MessagingResponse

from simulator.core.number import japan_assignable, us_fictional
from tests.sdk.served import START, Said, twiml
from tests.sdk.twilio_customer import SENDER, TOKEN, client_of, is_signed
from tests.worlds import DAY_US, MINUTE_US

if TYPE_CHECKING:
    from tests.sdk.twilio_customer import Customer

LIVES_US = 14 * DAY_US  # whatever a carrier does is done
BEGAN = datetime.fromisoformat(START)


# Create and fetch.


def test_a_created_message_can_be_fetched_and_is_delivered_in_the_end(customer: Customer) -> None:
    created = customer.send(us_fictional(0), "ご予約は明日です 😀")
    assert (created.status, created.direction, created.num_segments) == (
        "queued",
        "outbound-api",
        "1",
    )
    assert (created.to, created.from_, created.account_sid) == (
        us_fictional(0),
        SENDER,
        customer.sid,
    )
    assert re.fullmatch(r"SM[0-9a-f]{32}", created.sid)
    assert created.date_created >= BEGAN
    assert created.date_sent is None
    customer.served.pass_time(10 * MINUTE_US)
    fetched = customer.client.messages(created.sid).fetch()
    assert (fetched.status, fetched.body) == ("delivered", "ご予約は明日です 😀")
    assert created.date_created <= fetched.date_sent <= fetched.date_updated
    assert fetched.error_code is fetched.error_message is None


def test_a_price_is_null_until_the_state_is_final(customer: Customer) -> None:
    with customer.served.stepped():
        sid = customer.send(us_fictional(0), "x" * 161).sid
        seen = []
        for _ in range(60):
            message = customer.client.messages(sid).fetch()
            seen.append((message.status, message.price, message.price_unit))
            customer.served.advance(100_000)
        prices = dict.fromkeys(seen)
    assert list(prices) == [
        ("queued", None, None),
        ("sending", None, None),
        ("sent", None, None),
        ("delivered", "-0.01660", "USD"),
    ]


def test_a_message_that_nobody_sent_is_not_found(customer: Customer) -> None:
    sid = customer.send(us_fictional(0)).sid
    other = client_of(customer.served, "AC" + "f" * 32, TOKEN)
    for client, asked in ((customer.client, "SM" + "0" * 32), (other, sid)):
        with pytest.raises(TwilioRestException) as refused:
            client.messages(asked).fetch()
        assert (refused.value.status, refused.value.code) == (404, 20404)


# Lists.


def test_a_list_runs_across_pages_newest_first(customer: Customer) -> None:
    with customer.served.stepped():
        sids = []
        for i in range(130):
            sids.append(customer.send(japan_assignable(i % 7), f"Message {i}").sid)
            customer.served.advance(1)
    newest_first = sids[::-1]
    messages = customer.client.messages
    assert [m.sid for m in messages.list(page_size=50)] == newest_first
    assert [m.sid for m in messages.stream(page_size=50)] == newest_first
    assert [m.sid for m in messages.list()] == newest_first
    assert [m.sid for m in messages.list(limit=70, page_size=50)] == newest_first[:70]
    page, sizes = messages.page(page_size=50), []
    while page is not None:
        rows = [m.sid for m in page]
        sizes.append(len(rows))
        last, page = page, page.next_page()
    assert sizes == [50, 50, 30]
    back = last.previous_page()
    assert [m.sid for m in back] == newest_first[50:100]
    assert [m.sid for m in back.previous_page()] == newest_first[:50]


def test_lists_are_filtered_by_recipient_sender_and_date_sent(customer: Customer) -> None:
    people = [japan_assignable(i) for i in range(3)]
    with customer.served.stepped():
        sent = []
        for day in range(3):
            for person in people:
                for sender in (SENDER, "+15005550009"):
                    asked = {"to": person, "from_": sender, "body": f"Day {day}"}
                    sent.append(customer.client.messages.create(**asked).sid)
            customer.served.advance(DAY_US)
    messages = {m.sid: m for m in customer.client.messages.list()}
    assert set(messages) == set(sent)

    def sids(**filters: Any) -> set[str]:
        return {m.sid for m in customer.client.messages.list(page_size=4, **filters)}

    def those(fits: Any) -> set[str]:
        found = {sid for sid, m in messages.items() if fits(m)}
        assert 0 < len(found) < len(sent)
        return found

    assert sids(to=people[1]) == those(lambda m: m.to == people[1])
    assert sids(from_=SENDER) == those(lambda m: m.from_ == SENDER)
    both = those(lambda m: m.to == people[2] and m.from_ == SENDER)
    assert sids(to=people[2], from_=SENDER) == both
    assert sids(to=japan_assignable(99)) == set()
    instant = sorted(m.date_sent for m in messages.values())[len(sent) // 2]
    assert instant.tzinfo == UTC
    assert sids(date_sent=instant.date()) == those(lambda m: m.date_sent.date() == instant.date())
    assert sids(date_sent_before=instant) == those(lambda m: m.date_sent <= instant)
    assert sids(date_sent_after=instant) == those(lambda m: m.date_sent >= instant)
    until = instant + timedelta(days=1)
    between = those(lambda m: instant <= m.date_sent <= until)
    assert sids(date_sent_after=instant, date_sent_before=until) == between


# Webhooks.


def test_status_callbacks_come_in_order_and_none_tells_the_status_that_the_reply_told(
    customer: Customer,
) -> None:
    with customer.served.stepped():
        message = customer.send(us_fictional(0), status_callback=customer.status_url)
        assert message.status == "queued"
        customer.served.advance(LIVES_US)
    posts = customer.statuses()
    assert [p.fields["MessageStatus"] for p in posts] == ["sending", "sent", "delivered"]
    assert {p.url for p in posts} == {customer.status_url}
    assert {p.fields["MessageSid"] for p in posts} == {message.sid}
    assert {p.fields["AccountSid"] for p in posts} == {customer.sid}
    assert len({p.headers["I-Twilio-Idempotency-Token"] for p in posts}) == 3


def test_status_callbacks_are_valid_for_the_validator_and_only_as_they_are(
    customer: Customer,
) -> None:
    sid = customer.send(us_fictional(0), status_callback=customer.status_url).sid
    posts = customer.statuses(3)
    assert {p.fields["MessageStatus"] for p in posts} == {"sending", "sent", "delivered"}
    for post in posts:
        assert is_signed(post)
        assert not is_signed(post, token=TOKEN[::-1])
        assert not is_signed(post, MessageStatus="failed")
        assert not is_signed(post, Price="0")
        assert not is_signed(post._replace(url=post.url + "&x=1"))
    assert customer.client.messages(sid).fetch().status == "delivered"


def test_inbound_webhooks_arrive_and_are_valid_for_the_validator(customer: Customer) -> None:
    customer.served.account(customer.sid, dialect="twilio", inbound_url=customer.inbound_url)
    customer.send(us_fictional(0))
    body = "はい、お願いします。 a=b&c=d + 100% 😀"
    customer.answer(us_fictional(0), body)
    [post] = customer.inbound(1)
    assert is_signed(post)
    assert not is_signed(post, Body="No")
    assert not is_signed(post, token=TOKEN.upper())
    fields = post.fields
    assert (fields["Body"], fields["From"], fields["To"]) == (body, us_fictional(0), SENDER)
    fetched = customer.client.messages(fields["MessageSid"]).fetch()
    assert (fetched.direction, fetched.status, fetched.body) == ("inbound", "received", body)


def test_an_inbound_webhook_answered_with_twiml_becomes_a_message(customer: Customer) -> None:
    url, person = customer.inbound_url, us_fictional(3)
    customer.served.account(customer.sid, dialect="twilio", inbound_url=url)
    response = MessagingResponse()
    response.message("Thank you & see you", status_callback=f"/{customer.sid}/status")
    response.redirect(f"/{customer.sid}/more")
    more = twiml("<Message><Body>PS: bring an umbrella ☂</Body></Message>")
    customer.receiver.answers[f"/{customer.sid}/inbound"] = lambda _: Said(200, str(response))
    customer.receiver.answers[f"/{customer.sid}/more"] = lambda _: more
    customer.send(person)
    with customer.served.stepped():
        customer.answer(person, "What time?")
        customer.served.advance(10 * MINUTE_US)
    found = {m.body: m for m in customer.client.messages.list(to=person)}
    for body in ("Thank you & see you", "PS: bring an umbrella ☂"):
        reply = found[body]
        assert (reply.direction, reply.from_, reply.status) == (
            "outbound-reply",
            SENDER,
            "delivered",
        )
    assert reply.price is not None
    told = [p.fields["MessageStatus"] for p in customer.statuses(3)]
    assert told == ["sending", "sent", "delivered"]
    (redirected,) = customer.receiver.posts(f"/{customer.sid}/more")
    assert is_signed(redirected)


def test_a_slow_sender_is_queued_and_a_full_queue_refused(customer: Customer) -> None:
    limit = {"sender": SENDER, "rate": "1/s", "queue": "3s"}
    customer.served.account(customer.sid, dialect="twilio", secret=TOKEN, limits=[limit])
    people = [us_fictional(i) for i in range(5)]
    with customer.served.stepped():
        sids = [customer.send(person).sid for person in people[:4]]
        assert customer.refusal(to=people[4]) == (400, 21611)
        seen = []
        for _ in range(4):
            customer.served.advance(MINUTE_US // 60)
            statuses = [customer.client.messages(sid).fetch().status for sid in sids]
            seen.append(statuses.count("queued"))
    assert seen == [3, 2, 1, 0]


def test_who_waits_too_long_in_the_queue_fails_with_its_code(customer: Customer) -> None:
    limit = {"sender": SENDER, "rate": "1/s", "queue": "0s", "patience": "2s"}
    customer.served.account(customer.sid, dialect="twilio", secret=TOKEN, limits=[limit])
    with customer.served.stepped():
        for i in range(5):
            customer.send(us_fictional(i), status_callback=customer.status_url)
        customer.served.advance(LIVES_US)
    failed = [m for m in customer.client.messages.list() if m.status == "failed"]
    assert [m.error_code for m in failed] == [30001] * 2  # turns after 0, 1 and 2 s are in time
    codes = [p.fields["ErrorCode"] for p in customer.statuses() if "ErrorCode" in p.fields]
    assert codes.count("30001") == 2


def test_americans_answer_by_themselves_and_who_says_stop_is_not_written_to_again(
    customer: Customer,
) -> None:
    customer.served.account(customer.sid, dialect="twilio", inbound_url=customer.inbound_url)
    people = [us_fictional(i) for i in range(150)]
    with customer.served.stepped():
        for person in people:
            customer.send(person)
        customer.served.advance(60 * DAY_US)
    posts = customer.inbound()
    assert 20 < len(posts) < 75
    assert all(map(is_signed, posts))
    stopped = {p.fields["From"] for p in posts if p.fields["Body"] == "STOP"}
    assert stopped
    assert stopped < {p.fields["From"] for p in posts} < set(people)
    for person in people[:40] + sorted(stopped):
        if person in stopped:
            assert customer.refusal(to=person) == (400, 21610)
        else:
            customer.send(person)


# Refusals.


def test_a_wrong_token_is_refused_everywhere(customer: Customer) -> None:
    sid = customer.send(us_fictional(0)).sid
    for token in ("wrong", TOKEN.upper(), TOKEN + " "):
        messages = client_of(customer.served, customer.sid, token).messages
        with pytest.raises(TwilioRestException) as refused:
            messages.create(to=us_fictional(1), from_=SENDER, body="Hello")
        assert (refused.value.status, refused.value.code) == (401, 20003)
        with pytest.raises(TwilioRestException) as refused:
            messages(sid).fetch()
        assert (refused.value.status, refused.value.code) == (401, 20003)
        with pytest.raises(TwilioException, match="20003"):  # of a page the SDK makes no more
            messages.list()
    assert [m.sid for m in customer.client.messages.list()] == [sid]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"to": "hello"}, 21211),
        ({"to": "+1500555"}, 21211),
        ({"to": "090-1234-5678"}, 21211),
        ({"body": None}, 21602),
        ({"from_": None}, 21603),
        ({"to": ""}, 21604),
        ({"from_": "no sender"}, 21606),
        ({"from_": "+15005550001"}, 21606),
        ({"to": "+81312345678"}, 21614),
        ({"to": "+815012345678"}, 21614),
        ({"body": "あ" * 1601}, 21617),
        ({"status_callback": "ftp://example.jp/"}, 21609),
    ],
)
def test_a_bad_parameter_is_refused_with_its_code(
    customer: Customer, parameters: dict[str, Any], code: int
) -> None:
    senders = [SENDER] if "from_" in parameters else None
    customer.served.account(customer.sid, dialect="twilio", secret=TOKEN, senders=senders)
    assert customer.refusal(**parameters) == (400, code)
    assert customer.client.messages.list() == []


def test_stop_is_obeyed_until_start_and_both_are_answered(customer: Customer) -> None:
    person = us_fictional(0)
    customer.send(person)
    customer.answer(person, " stop ")
    assert customer.refusal(to=person) == (400, 21610)
    (reply,) = customer.automatic(person)
    assert "START" in reply["body"]
    assert reply["bill"] is None
    customer.client.messages.create(to=person, from_="+15005550009", body="Another sender")
    customer.send(us_fictional(1))
    customer.answer(person, "Start")
    customer.send(person)
    assert len(customer.automatic(person)) == 2
    listed = customer.client.messages.list(to=person)
    assert {m.direction for m in listed} == {"outbound-api"}  # Twilio lists no such reply


# Japan.


def test_japanese_neither_answer_nor_leave_a_cause(customer: Customer) -> None:
    """Twilio's page for Japan: one way only, and no reason with `undelivered`."""
    customer.served.account(customer.sid, dialect="twilio", inbound_url=customer.inbound_url)
    with customer.served.stepped():
        for i in range(200):
            customer.send(japan_assignable(i), status_callback=customer.status_url)
        customer.served.advance(LIVES_US)
    messages = customer.client.messages.list()
    assert len(messages) == 200
    assert {m.status for m in messages} == {"delivered", "undelivered"}
    assert all(m.price == "-0.00830" for m in messages)
    failed = {m.sid for m in messages if m.status == "undelivered"}
    assert {m.error_code for m in messages if m.sid in failed} == {30008}
    assert {m.error_code for m in messages if m.sid not in failed} == {None}
    posts = customer.statuses()
    told = {p.fields["MessageSid"]: p for p in posts if p.fields["MessageStatus"] == "undelivered"}
    assert {(sid, post.fields["ErrorCode"]) for sid, post in told.items()} == {
        (sid, "30008") for sid in failed
    }
    assert all(map(is_signed, told.values()))
    assert customer.inbound() == []


def test_japanese_answer_where_the_account_departs_from_that_page(customer: Customer) -> None:
    settings = {"inbound_url": customer.inbound_url, "two_way": True}
    customer.served.account(customer.sid, dialect="twilio", **settings)
    with customer.served.stepped():
        for i in range(100):
            customer.send(japan_assignable(i))
        customer.served.advance(60 * DAY_US)
    assert 0 < len(customer.inbound()) < 30


def test_americans_leave_a_cause_with_a_failure(customer: Customer) -> None:
    with customer.served.stepped():
        for i in range(120):
            customer.send(us_fictional(i))
        customer.served.advance(LIVES_US)
    sent = customer.client.messages.list(from_=SENDER)
    seen = [(m.status, m.error_code, m.error_message) for m in sent]
    assert len(seen) == 120
    causes = {code for status, code, _ in seen if status != "delivered"}
    assert causes
    assert causes <= {30003, 30004, 30005, 30017}
    assert all((code is None) == (status == "delivered") for status, code, _ in seen)
    assert all((code is None) == (words is None) for _, code, words in seen)
