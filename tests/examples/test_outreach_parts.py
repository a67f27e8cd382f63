"""The pure parts of outreach: quiet hours, folds, segments, prices, hosts."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from standardwebhooks.webhooks import Webhook

from examples.outreach import claims, settings
from examples.outreach.books import Books, Message, Receipt, fold
from examples.outreach.bugs import BUGS
from examples.outreach.clock import daytime
from examples.outreach.native import Native
from examples.outreach.numbers import dialled
from examples.outreach.private import is_private, private_url
from examples.outreach.provider import Accepted, Account, Callback, Letter
from examples.outreach.server import read_people, unwilling_in
from examples.outreach.texts import ENGLISH, JAPANESE, redacted, segments
from examples.outreach.twilio import Twilio
from examples.outreach.zettai_reach import ZettaiReach
from tests.examples.outreach_world import NEW_YORK, ROOT, TOKYO, at

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo


ENVIRON = {"TODOKU_URL": "http://127.0.0.1:9", "TODOKU_ACCOUNT": "1", "TODOKU_SECRET": "x"}


@pytest.mark.parametrize(
    ("zone", "due", "sent"),
    [
        (TOKYO, "2026-03-02 07:59:59", "2026-03-02 08:00"),
        (TOKYO, "2026-03-02 08:00", "2026-03-02 08:00"),
        (TOKYO, "2026-03-02 20:59:59", "2026-03-02 20:59:59"),
        (TOKYO, "2026-12-31 21:00", "2027-01-01 08:00"),
        (NEW_YORK, "2026-03-07 22:00", "2026-03-08 08:00"),  # the night with an hour less
        (NEW_YORK, "2026-11-01 03:00", "2026-11-01 08:00"),  # the night with an hour more
    ],
)
def test_a_send_due_in_quiet_hours_moves_to_eight(zone: ZoneInfo, due: str, sent: str) -> None:
    assert daytime(at(due, zone), zone) == at(sent, zone)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([], "accepted"),
        (["sent"], "sent"),
        (["delivered", "sent"], "delivered"),
        (["delivered", "undelivered"], "delivered"),
        (["undelivered", "sent"], "undelivered"),
        (["undelivered", "delivered"], "delivered"),
        (["undelivered", "failed"], "undelivered"),
        (["failed", "delivered"], "failed"),
    ],
)
def test_receipts_are_folded_in_the_order_of_arrival(told: list[str], state: str) -> None:
    assert fold(Receipt("x", "accepted"), [Receipt("x", each) for each in told]).state == state
    forged = [Receipt("x", state, signed=False) for state in ("delivered", "undelivered")]
    assert fold(Receipt("x", "accepted"), forged).state == "accepted"


def test_the_texts_name_the_sender_and_the_way_out_in_one_and_two_segments() -> None:
    for texts, way_out in ((JAPANESE, "配信停止"), (ENGLISH, "Reply STOP to opt out")):
        assert (segments(texts.opening), segments(texts.reminder)) == (1, 2)
        assert way_out in texts.opening
        assert way_out in texts.reminder


@pytest.mark.parametrize(
    ("text", "count"),
    [("a" * 160, 1), ("a" * 161, 2), ("a" * 307, 3), ("あ" * 70, 1), ("あ" * 71, 2)],
)
def test_segments_are_counted(text: str, count: int) -> None:
    assert segments(text) == count


@pytest.mark.parametrize(
    ("state", "error", "cost"),
    [
        ("accepted", 0, (0, "0")),
        ("sent", 0, (2, "0.0166")),
        ("delivered", 0, (2, "0.0166")),
        ("undelivered", 30003, (2, "0.0166")),
        ("failed", 30007, (0, "0.001")),
        ("failed", 30008, (0, "0")),
    ],
)
def test_twilio_bills_what_has_left_and_a_fee_for_what_failed(
    state: str, error: int, cost: tuple[int, str]
) -> None:
    provider = Twilio(_account("0.0083"), None, "http://127.0.0.1:1", Books(":memory:", fold))
    message = Message("a", "SM1", "+12025550109", 2, Receipt("a", state, error=error))
    units, amount = provider.cost(message)
    assert (units, claims.plain(amount)) == cost


def test_zettai_reach_bills_the_units_it_counted_for_what_was_delivered() -> None:
    provider = ZettaiReach(_account("15"), None)
    told = {"delivered": (2, 30), "undelivered": (0, 0), "sent": (0, 0), "accepted": (0, 0)}
    for state, cost in told.items():
        assert provider.cost(Message("a", None, "1", 1, Receipt("a", state, units=2))) == cost


def _told(secret: str = "a secret", *, late_s: int = 0, **data: object) -> Callback:
    """Make a callback of the native API, signed by the reference library."""
    plain = {"id": "msg_1", "status": "delivered", "billing": None, "from": "1", "text": "hi"}
    body = json.dumps({"type": "t", "timestamp": "t", "data": {**plain, **data}})
    at_s = int(time.time()) - late_s
    key = "whsec_" + base64.b64encode(secret.encode()).decode()
    signature = Webhook(key).sign("evt_1", datetime.fromtimestamp(at_s, UTC), body)
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(at_s)}
    headers["webhook-signature"] = signature
    return Callback("http://127.0.0.1/receipts", headers, body.encode())


def _native() -> Native:
    return Native(_account("15"), None, "http://127.0.0.1:1")


def test_native_believes_what_the_reference_library_signs_and_nothing_old() -> None:
    secret = _account("15").secret
    assert _native().genuine(_told(secret))
    assert not _native().genuine(_told("another"))
    assert not _native().genuine(_told(secret, late_s=301))
    assert not _native().genuine(replace(_told(secret), body=b"{}"))
    assert not _native().genuine(replace(_told(secret), headers={}))


def test_native_reads_states_units_and_stop() -> None:
    billing = {"units": 2, "excluded_units": 0}
    assert _native().receipts(_told(billing=billing)) == [Receipt("msg_1", "delivered", 2)]
    assert _native().receipts(_told(status="expired")) == [Receipt("msg_1", "undelivered")]
    assert _native().receipts(_told(status="canceled")) == []
    assert _native().inbound(_told(text=" stop ")).stop
    assert not _native().inbound(_told(text="stop it")).stop
    for body in (b"", b"[]", b"1", b'{"data": 1}', b'{"data": {}}', b"\xff"):
        with pytest.raises(ValueError, match=r"event|Expecting|decode"):
            _native().receipts(replace(_told(), body=body))


def test_native_bills_the_units_it_counted_for_what_was_delivered() -> None:
    for state, cost in {"delivered": (2, 30), "undelivered": (0, 0), "sent": (0, 0)}.items():
        assert _native().cost(Message("a", "msg_1", "1", 1, Receipt("a", state, units=2))) == cost


@pytest.mark.parametrize(
    ("currency", "percent", "tax"), [("JPY", "10", "10"), ("USD", "10", "10.95")]
)
def test_tax_is_rounded_once_on_the_subtotal(currency: str, percent: str, tax: str) -> None:
    amounts = [Decimal("54.725"), Decimal("54.725")]
    assert claims.tax(amounts, Decimal(percent), currency) == Decimal(tax)


@pytest.mark.parametrize(
    ("written", "code", "number"),
    [
        ("+819012345678", "81", "+819012345678"),
        ("090-1234-5678", "81", "+819012345678"),
        ("\uff19\uff10 \uff11\uff12345678", "81", "+819012345678"),  # full-width digits
        ("06012345678", "81", "+816012345678"),
        ("9012345678", "81", "+819012345678"),
        ("0312345678", "81", None),
        ("08001234567", "81", None),
        ("", "81", None),
        ("(202) 555-0147", "1", "+12025550147"),
        ("1 202 555 0147", "1", "+12025550147"),
        ("+819012345678", "1", "+819012345678"),
        ("+447700900123", "81", "+447700900123"),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, code: str, number: str | None) -> None:
    assert dialled(written, code) == number


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True),
        ("10.255.0.1", True),
        ("172.31.0.1", True),
        ("192.168.1.1", True),
        ("::1", True),
        ("fd00::1", True),
        ("::ffff:127.0.0.1", True),
        ("172.32.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("::ffff:8.8.8.8", False),
        ("2001:db8::1", False),
    ],
)
def test_only_loopback_and_private_addresses_pass(address: str, private: bool) -> None:
    assert is_private(address) is private


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1", "http://127.0.0.1@203.0.113.7/"])
def test_an_url_that_is_not_private_http_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"refused|not an http URL"):
        private_url(url)


def test_recipients_are_read_from_a_csv(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("number,name,segment\n+819012340001,安,a\n+819012340002,坊,b\n", "utf-8")
    assert read_people(people) == ["+819012340001", "+819012340002"]
    people.write_text("phone\n1\n")
    for path in (people, None):
        with pytest.raises(ValueError, match=r"number|TODOKU_PEOPLE"):
            read_people(path)


def test_who_has_not_agreed_stands_in_the_list(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("number,consent\n+819012340001,yes\n+819012340002,no\n", "utf-8")
    assert read_people(people, consent="no") == ["+819012340002"]
    assert read_people(people) == ["+819012340001", "+819012340002"]
    people.write_text("number\n+819012340001\n", "utf-8")
    assert read_people(people, consent="no") == []  # a list that does not say


def test_the_list_of_who_has_not_agreed_is_read_when_it_has_changed(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("number,consent\n+819012340002,no\n", "utf-8")
    first = unwilling_in(people, 1)
    people.write_text("number,consent\n+819012340003,no\n", "utf-8")
    assert unwilling_in(people, 1) is first
    assert unwilling_in(people, 2) == {"+819012340003"}


def test_each_provider_tells_of_a_number_that_nobody_has() -> None:
    twilio = Twilio(_account("1"), None, "http://127.0.0.1:1", None)
    zettai_reach = ZettaiReach(_account("1"), None)

    def pushed(detail: int) -> Callback:
        event = {"clientTag": "a", "statusId": "3", "detailedStatusId": detail}
        text = json.dumps({"eventNotifications": [event]})
        return Callback("", {}, urlencode({"json": text}).encode())

    def called(error: int) -> Callback:
        told = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": error}
        return Callback("", {}, urlencode(told).encode())

    def gone(provider: Any, callback: Callback) -> bool:
        [receipt] = provider.receipts(callback)
        return bool(receipt.gone)

    assert [gone(zettai_reach, pushed(n)) for n in (31732, 11834)] == [True, False]
    assert [gone(twilio, called(n)) for n in (30005, 30003)] == [True, False]
    causes = {"not_in_use": True, "refused": False}
    for cause, expected in causes.items():
        assert gone(_native(), _told(status="undelivered", cause=cause)) is expected


def test_a_number_is_gone_until_something_else_is_told_of_it() -> None:
    books = Books(":memory:")
    letter = Letter("spring", 1, 1, "+819012340001", "hello")
    books.accept(letter, Accepted(None, 1), 0)
    assert not books.gone(letter.to)
    books.add_receipts([Receipt(letter.own_id, "undelivered", gone=True)], 1, signed=False)
    assert not books.gone(letter.to)  # anybody can say so
    books.add_receipts([Receipt(letter.own_id, "undelivered", gone=True)], 2)
    assert books.gone(letter.to)
    books.add_receipts([Receipt(letter.own_id, "delivered")], 3)
    assert not books.gone(letter.to)
    books.close()


def test_a_public_provider_is_refused_in_one_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "examples.outreach", "--url", "http://203.0.113.7"],
        cwd=ROOT,
        env=os.environ | ENVIRON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "203.0.113.7" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--clock-url", "http://203.0.113.7/clock"], "203.0.113.7"),
        (["--port", "70000"], "PORT"),
        (["--account", ""], "TODOKU_ACCOUNT"),
        (["--unit-price", "free"], "--unit-price"),
        (["--zone", "Mars/Olympus"], "--zone"),
        (["--bug-log", "x"], "--bug"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        settings.read(arguments, ENVIRON)
    assert left.value.code == 2
    line = capsys.readouterr().err
    assert named in line
    assert line.count("\n") == 1


def test_help_explains_every_bug_and_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        settings.read(["--help"], {})
    assert left.value.code == 0
    page = capsys.readouterr().out
    assert all(f"{name} " in page and bug.line in page for name, bug in BUGS.items())
    assert "python -m examples.outreach --port 9000" in page


def test_a_number_in_the_log_is_redacted() -> None:
    assert redacted("+819012344567") == "+8190***4567"


def _account(unit_price: str) -> Account:
    return Account("http://127.0.0.1:1", "AC1", "secret", "000512", Decimal(unit_price))
