"""TwiML, from a receiver who may write anything: orders, or a trouble, never an exception."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.twiml.messaging_response import MessagingResponse

from simulator.core.message import Call, Outcome, OutcomeKind, State
from simulator.core.orders import Orders
from simulator.core.trouble import Trouble
from simulator.dialects import twilio, twilio_twiml
from tests.dialects.counter import message_of
from tests.dialects.twilio_api import AC, TOKEN

PERSON, SENDER = "+12025550100", "+15005550006"
URL = "http://sut.test:8080/twilio/in?x=1#rc=2"
ACCOUNT = twilio.new_account(AC, TOKEN)
repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)


def read(body: str | bytes, kind: str = "text/xml", **call: Any) -> Orders:
    """Read an answer to a message from PERSON to SENDER."""
    data = body.encode() if isinstance(body, str) else body
    parts = {"sender": PERSON, "to": SENDER, "callback_url": URL}
    message = message_of(ACCOUNT, 7, **parts, state=State.RECEIVED, inbound=True)
    asked = Call(1, message, State.RECEIVED, 0, 0, **call)
    return twilio_twiml.orders(asked, ACCOUNT, Outcome(OutcomeKind.ANSWERED, 200, data, kind))


def said(orders: Orders) -> list[tuple[str, str, str]]:
    return [(say.sender, say.to, say.body) for say in orders.says]


@pytest.mark.parametrize("kind", ["text/xml", "application/xml; charset=utf-8", "Text/HTML"])
def test_a_message_goes_back_to_who_wrote(kind: str) -> None:
    body = "<Response><Message>Hello &amp; 春</Message></Response>"
    assert said(read(body, kind)) == [(SENDER, PERSON, "Hello & 春")]


def test_what_twilios_own_library_writes_is_understood() -> None:
    response = MessagingResponse()
    response.message("One")
    second = response.message(to="+12025550101", from_="+15005550009", status_callback="/s?a=b")
    second.body("Two ")
    response.redirect("../next", method="GET")
    response.message("never said")
    orders = read(str(response))
    assert said(orders) == [
        (SENDER, PERSON, "One"),
        ("+15005550009", "+12025550101", "Two "),
    ]
    assert orders.says[1].callback_url == "http://sut.test:8080/s?a=b"
    assert (orders.redirect, orders.method) == ("http://sut.test:8080/next", "GET")
    assert orders.troubles == ()


@pytest.mark.parametrize(
    "body", ["<Response/>", "<Response></Response>", " \n", "", "<?xml version='1.0'?><Response/>"]
)
def test_nothing_to_say_is_nothing_to_do(body: str) -> None:
    assert read(body).is_idle
    assert read(body.strip()[:0], "application/json").is_idle


def test_plain_text_is_sent_as_it_stands_so_that_a_careless_ok_is_a_message() -> None:
    assert said(read("ok", "text/plain; charset=utf-8")) == [(SENDER, PERSON, "ok")]
    assert read("x" * 1_601, "text/plain").troubles == (Trouble.BAD_BODY,)


@pytest.mark.parametrize("kind", ["", "application/json", "text/css", "image/png", "text"])
def test_bad_input_22_another_type_is_ignored_with_a_warning(kind: str) -> None:
    orders = read('{"say": "hello"}', kind)
    assert (orders.fatal, orders.troubles, orders.says) == (True, (Trouble.CONTENT_TYPE,), ())


LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in ("ab", "bc", "cd", "de", "ef")
)


@pytest.mark.parametrize(
    "body",
    [
        "<Response>",
        "<Response><Message>Hello</Response>",
        "hello",
        "<Reply/>",
        "<response/>",
        "<Response/><Response/>",
        b"\xff\xfe\x00",
        b"<?xml version='1.0' encoding='utf-9'?><Response/>",
        b"<?xml version='1.0' encoding='utf-7'?><Response/>",
        "<Response><Message>\x00</Message></Response>",
        "<Response>" * 9_000,
        "<Response>" * 4_000 + "</Response>" * 2_000,
        "<a>" * 5_000 + "</a>" * 5_000,
        "<Response>" + "<a>" * 2_000 + "</a>" * 2_000 + "</Response>",
        "<Response>" + "<Message/>" * 1_001 + "</Response>",
        f"{LAUGHS}]><Response><Message>&f;</Message></Response>",
        '<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]><Response>&f;</Response>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1/x.dtd"><Response/>',
    ],
)  # fmt: skip
def test_bad_input_22_malformed_twiml_is_ignored_with_a_warning(body: str | bytes) -> None:
    orders = read(body)
    trouble = Trouble.TOO_LARGE if len(body) > twilio_twiml.BYTES_MAX else Trouble.MALFORMED
    assert (orders.fatal, orders.troubles, orders.says) == (True, (trouble,), ())


def test_bad_input_22_twiml_of_more_than_64_kib_is_ignored_with_a_warning() -> None:
    filler = "<Response><Message>Hello</Message>" + " " * 70_000 + "</Response>"
    assert read(filler[:30] + filler[30 : twilio_twiml.BYTES_MAX + 1]).troubles == (
        Trouble.TOO_LARGE,
    )
    just = "<Response><Message>Hello</Message>"
    just += " " * (twilio_twiml.BYTES_MAX - len(just) - len("</Response>")) + "</Response>"
    assert said(read(just)) == [(SENDER, PERSON, "Hello")]


@pytest.mark.parametrize(
    ("verb", "trouble"),
    [
        ("<Message/>", Trouble.BAD_BODY),
        ("<Message><Body></Body></Message>", Trouble.BAD_BODY),
        (f"<Message>{'x' * 1_601}</Message>", Trouble.BAD_BODY),
        ("<Message to='nobody'>x</Message>", Trouble.BAD_TO),
        ("<Message to='+81312345678'>x</Message>", Trouble.BAD_TO),
        ("<Message from='not a sender'>x</Message>", Trouble.BAD_FROM),
        ("<Message statusCallback='ftp://x/'>x</Message>", Trouble.MALFORMED),
        ("<Say>Hello</Say>", Trouble.UNKNOWN_VERB),
        ("<Redirect>ftp://x/</Redirect>", Trouble.HTTP),
    ],
)
def test_one_bad_verb_spoils_only_itself(verb: str, trouble: Trouble) -> None:
    orders = read(f"<Response><Message>Hello</Message>{verb}</Response>")
    assert said(orders) == [(SENDER, PERSON, "Hello")]
    assert orders.troubles == (trouble,)
    assert not orders.fatal


def test_addresses_are_relative_to_the_document_they_stand_in() -> None:
    orders = read("<Response><Redirect>b?c=d</Redirect></Response>", url="http://other.test/a/x")
    assert orders.redirect == "http://other.test/a/b?c=d"
    assert read("<Response><Redirect/></Response>").redirect == URL.partition("#")[0]


@repeatable
@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(body: bytes) -> None:
    for kind in ("text/xml", "text/plain"):
        assert isinstance(read(body, kind), Orders)


@repeatable
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_any_text_comes_back_as_it_was_written(text: str) -> None:
    orders = read(f"<Response><Message><Body>{escape(text)}</Body></Message></Response>")
    for _, _, body in said(orders):
        assert body == text
