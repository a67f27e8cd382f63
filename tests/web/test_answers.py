"""Answers to inbound webhooks over real sockets: TwiML, its loops, the fallback, the overrides."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from twilio.request_validator import RequestValidator

from simulator.core.message import Origin, State
from simulator.core.people import Habits
from simulator.engine.world import Options
from tests.sdk.served import Post, Receiver, Said, twiml
from tests.servers import MESSAGES, SECRET, SID, running, us
from tests.worlds import CALM, DAY_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.message import Message
    from tests.servers import Running

WORLD = "/v1/worlds/default"
SENDER = "+15005550006"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().open() as made:
        yield made


@pytest.fixture
def server() -> Iterator[Running]:
    calm = Options(habits={"US": Habits("us-generic", CALM)})
    with running(callback_timeout_s=2.0, options=calm) as made:
        yield made


def listen(server: Running, **settings: Any) -> None:
    body = {"dialect": "twilio", "secret": SECRET, **settings}
    assert server.control("PUT", f"{WORLD}/accounts/{SID}", body).status in {200, 201}


def write(server: Running, body: str = "Hi", i: int = 0) -> str:
    words = {"account": SID, "from": us(i), "to": SENDER, "body": body}
    made: str = server.post(f"{WORLD}/replies", words)["id"]
    return made


def live_on(server: Running, us_: int = DAY_US) -> None:
    server.post(f"{WORLD}/clock/advance", {"by_us": us_})


def outbound(server: Running) -> list[Message]:
    def found() -> list[Message]:
        store = server.world.store
        messages = [store.get(key) for key in store.shelves[SID].keys]
        return [m for m in messages if m is not None and not m.inbound]

    made: list[Message] = server.call(found)
    return made


def warnings(server: Running) -> list[str]:
    events = server.get(f"{WORLD}/events", limit=1_000)["events"]
    return [e["fields"]["trouble"]["name"] for e in events if e["kind"] == "Warned"]


def is_signed(post: Post, fields: dict[str, str]) -> bool:
    signed = post.headers["X-Twilio-Signature"]
    valid: bool = RequestValidator(SECRET).validate(post.url, fields, signed)
    return valid


def test_twiml_becomes_a_message_and_a_redirection_is_asked(
    server: Running, receiver: Receiver
) -> None:
    receiver.answers["/in"] = lambda _: twiml(
        "<Message>One</Message><Redirect method='GET'>/next?x=1</Redirect>"
    )
    receiver.answers["/next"] = lambda _: twiml("<Message>Two</Message>")
    listen(server, inbound_url=f"{receiver.base}/in#rc=0")
    asked = write(server)
    live_on(server)
    assert [(m.body, m.to, m.state) for m in outbound(server)] == [
        ("One", us(0), State.DELIVERED),
        ("Two", us(0), State.DELIVERED),
    ]
    first, second = receiver.posts("/in") + receiver.posts("/next")
    assert is_signed(first, first.fields)
    assert is_signed(second, {})  # a GET signs its whole address
    assert second.fields == {"x": "1", **first.fields}
    shown = server.get(f"{WORLD}/messages", account=SID)["messages"]
    assert [(m["origin"], m["depth"]) for m in shown] == [("reply", 1), ("reply", 1), ("client", 0)]
    assert shown[-1]["id"] == asked


def test_a_status_callbacks_answer_orders_nothing(server: Running, receiver: Receiver) -> None:
    receiver.answers["/status"] = lambda _: twiml("<Message>No</Message>")
    server.accepted(StatusCallback=f"{receiver.base}/status")
    live_on(server)
    assert len(receiver.posts("/status")) == 3
    assert len(outbound(server)) == 1


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        (Said(200, "<Response><Message>Hello"), "malformed"),
        (Said(200, "<Response>" + " " * 70_000 + "</Response>"), "too_large"),
        (Said(200, "x" * 20_000_000), "too_large"),
        (Said(200, '{"ok": true}', "application/json"), "content_type"),
        (Said(200, "<!DOCTYPE x><Response/>"), "malformed"),
    ],
    ids=["malformed", "64 KiB", "20 MB", "json", "a DTD"],
)
def test_bad_input_22_an_answer_that_is_no_twiml_is_ignored_with_a_warning(
    server: Running, receiver: Receiver, said: Said, trouble: str
) -> None:
    receiver.answers["/in"] = lambda _: said
    listen(server, inbound_url=f"{receiver.base}/in")
    asked = write(server)
    live_on(server)
    assert outbound(server) == []
    assert warnings(server) == [trouble]
    detail = server.get(f"{WORLD}/messages/{asked}")
    assert detail["finished"]
    assert detail["timeline"][-1]["fields"]["trouble"]["name"] == trouble
    receiver.answers["/in"] = lambda _: twiml("<Message>Better</Message>")
    write(server)
    live_on(server)
    assert [m.body for m in outbound(server)] == ["Better"]


@pytest.mark.parametrize(
    ("said", "code"), [(Said(500), "11200"), (Said(200, "<Response>"), "12100")]
)
def test_the_fallback_is_told_what_was_wrong_and_where(
    server: Running, receiver: Receiver, said: Said, code: str
) -> None:
    receiver.answers["/in"] = lambda _: said
    receiver.answers["/else"] = lambda _: twiml("<Message>From elsewhere</Message>")
    url = f"{receiver.base}/in"
    listen(server, inbound_url=url, fallback_url=f"{receiver.base}/else")
    write(server)
    live_on(server)
    (post,) = receiver.posts("/else")
    assert (post.fields["ErrorCode"], post.fields["ErrorUrl"]) == (code, url)
    assert post.fields["Body"] == "Hi"
    assert is_signed(post, post.fields)
    assert [m.body for m in outbound(server)] == ["From elsewhere"]


def test_an_address_says_how_often_it_is_asked_again(server: Running, receiver: Receiver) -> None:
    receiver.answers["/in"] = lambda _: Said(503)
    listen(server, inbound_url=f"{receiver.base}/in#rc=3&rp=5xx")
    write(server)
    live_on(server)
    posts = receiver.posts("/in")
    assert len(posts) == 4
    assert len({post.headers["I-Twilio-Idempotency-Token"] for post in posts}) == 1


def test_bad_input_21_what_is_answered_too_late_is_sent_again_under_the_same_token(
    server: Running, receiver: Receiver
) -> None:
    """The address asks for a tenth of a second's patience, and for one repeat after a timeout."""

    def slow(_fields: dict[str, str]) -> Said:
        time.sleep(0.5)  # the receiver's own
        return twiml("<Message>Too late</Message>")

    receiver.answers["/in"] = slow
    listen(server, inbound_url=f"{receiver.base}/in#rt=100&rc=1&rp=rt")
    asked = write(server)
    live_on(server)
    timeline = server.get(f"{WORLD}/messages/{asked}")["timeline"]
    tried = [e["fields"]["outcome"] for e in timeline if e["kind"] == "CallbackTried"]
    assert tried == ["timed_out", "timed_out"]
    posts = receiver.wait_for("/in", 2)
    assert len({post.headers["I-Twilio-Idempotency-Token"] for post in posts}) == 1
    assert outbound(server) == []


def test_bad_input_23_a_receiver_may_call_the_api_inside_its_handler(
    server: Running, receiver: Receiver
) -> None:
    """For each status it sends another message, forty deep, and answers only then."""
    sent: list[str] = []

    def status(fields: dict[str, str]) -> Said:
        if fields["MessageStatus"] == "delivered" and len(sent) < 40:
            sent.append(server.accepted(us(len(sent)), StatusCallback=url))
        return Said(204)

    url = f"{receiver.base}/status"
    receiver.answers["/status"] = status
    server.accepted(StatusCallback=url)
    live_on(server, 30 * DAY_US)
    assert len(sent) == 40
    assert len(outbound(server)) == 41
    assert {m.told for m in outbound(server)} == {State.DELIVERED}


def test_bad_input_23_a_receiver_may_call_the_control_port_inside_its_handler_but_not_for_ever(
    server: Running, receiver: Receiver
) -> None:
    """Each inbound message makes it let the person write again: an answering machine."""
    asked = 0

    def machine(_fields: dict[str, str]) -> Said:
        nonlocal asked
        asked += 1
        if asked < 60:
            write(server)
        return twiml("<Message>I am away</Message>")

    receiver.answers["/in"] = machine
    listen(server, inbound_url=f"{receiver.base}/in")
    write(server)
    live_on(server)
    replies = [m for m in outbound(server) if m.origin is Origin.REPLY]
    assert (asked, len(replies)) == (60, 15)
    assert set(warnings(server)) == {"reply_loop"}


def test_bad_input_23_a_callback_to_our_own_send_endpoint_sends_nothing(server: Running) -> None:
    own = server.url + MESSAGES
    listen(server, inbound_url=own, fallback_url=own)
    server.accepted(StatusCallback=own)
    asked = write(server, "loop")
    live_on(server)
    assert len(outbound(server)) == 1
    timeline = server.get(f"{WORLD}/messages/{asked}")["timeline"]
    tried = [e["fields"]["status"] for e in timeline if e["kind"] == "CallbackTried"]
    assert tried == [401, 401]  # the address and its fallback: nobody signs in by a webhook
