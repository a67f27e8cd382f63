"""Bad input to the native API: a problem with a code, always; by number, field-notes section 8."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from simulator.core.command import Batch, Once, Submission
from simulator.core.message import Account
from simulator.core.query import Page
from simulator.core.wire import HttpRequest
from simulator.dialects import native, native_parse
from simulator.dialects.shape import Ask, Desk, Refused, Reply

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)

GOOD = {"to": "+819012345678", "from": "20345", "text": "hi"}
MESSAGES, BATCHES = "/todoku/v1/messages", "/todoku/v1/batches"


def parse(
    method: str,
    path: str,
    body: bytes = b"",
    query: str = "",
    account: Account | None = None,
    **headers: str,
) -> Ask | Refused:
    pair = b64encode(b"clinic:secret").decode()
    given_headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
    given_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
    [route] = [r for r in native.ROUTES if (r.method, r.path) == (method, path)]
    request = HttpRequest(method, path, query, CIMultiDict(given_headers), body, ("x",))
    accounts = {} if account is None else {account.id: account}
    return route.parse(request, Desk(accounts, open_accounts=True))


def create(raw: bytes | None = None, **fields: Any) -> Ask | Refused:
    made = {k: v for k, v in {**GOOD, **fields}.items() if v != "(none)"}
    return parse("POST", MESSAGES, json.dumps(made).encode() if raw is None else raw)


def problem(asked: Ask | Refused) -> tuple[int, str, str]:
    """Return what is answered: status, code, field."""
    assert isinstance(asked, Refused), asked
    reply = native.ROUTES[0].render(asked, asked.rejection, Reply(None, 0, 0))
    assert reply.content_type == "application/problem+json"
    found = json.loads(reply.body)
    assert set(found) <= {"type", "title", "status", "code", "field", "detail"}
    assert found["type"] == f"urn:todoku:problem:{found['code']}"
    assert found["status"] == reply.status
    return reply.status, found["code"], found.get("field", "")


MALFORMED = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"to"',
    json.dumps(GOOD).encode() + b" {}",
    json.dumps(GOOD).encode() + b",",
    b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    json.dumps(GOOD).encode("utf-16"),
    b"[" * 100 + b"]" * 100,
    b"[" * 200_000,
    b'{"to":NaN}',
    b'{"to":"+819012345678","from":"20345","text":"a","to":"+819012345679"}',
    b'{"to":"+819012345678","from":"20345","text":"\\ud800"}',
    b'{"to":"+819012345678","from":"20345","text":"\\udc00\\ud800"}',
    b'{"to":"+819012345678","from":"20345","text":"\xed\xa0\x80"}',
    b'{"to":"+819012345678","from":"20345","text":"\xff"}',
    b'{"to":"+819012345678","from":"20345","text":"\x01"}',
    b"{'to':1}",
    b'{"to":"+819012345678","from":"20345","text":"a",}',
]


@pytest.mark.parametrize("raw", MALFORMED, ids=range(len(MALFORMED)))
def test_bad_input_06_what_two_readers_could_read_in_two_ways_is_malformed(raw: bytes) -> None:
    assert problem(create(raw)) == (400, "malformed", "body")


@pytest.mark.parametrize(
    ("raw", "code", "field"),
    [
        (b'{"to":' + b"9" * 100_000 + b"}", "invalid_value", "to"),
        (b'{"to":' + b"[" * 99 + b"]" * 99 + b"}", "invalid_value", "to"),
        (b'{"to":1}', "invalid_value", "to"),
        (b'{"to":null}', "invalid_value", "to"),
        (b'{"a":' + b"[" * 1000, "unknown_field", "a"),
        (b'{"To":"+819012345678"}', "unknown_field", "To"),
        (b'{"\\u202e":1}', "unknown_field", "\u202e"),
    ],
    ids=range(7),
)
def test_bad_input_06_a_wrong_value_is_named(raw: bytes, code: str, field: str) -> None:
    assert problem(create(raw)) == (400, code, field)


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
def test_bad_input_06_another_content_type_is_not_read(kind: str) -> None:
    asked = parse("POST", MESSAGES, json.dumps(GOOD).encode(), Content_Type=kind)
    assert problem(asked) == (400, "malformed", "Content-Type")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_json_in_utf8_is_read_however_it_is_called(kind: str) -> None:
    asked = parse("POST", MESSAGES, json.dumps(GOOD).encode(), Content_Type=kind)
    assert isinstance(asked, Ask)


@repeatable
@given(raw=st.binary(max_size=200))
def test_bad_input_06_no_bytes_raise(raw: bytes) -> None:
    for path in (MESSAGES, BATCHES):
        assert problem(parse("POST", path, raw))[0] == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*native_parse.Create.__struct_encode_fields__, "messages", "x"])


@repeatable
@given(body=st.dictionaries(FIELDS, JSON, max_size=6), batch=st.booleans())
def test_no_json_raises(body: dict[str, Any], *, batch: bool) -> None:
    whole = {"messages": [body, GOOD]} if batch else {**GOOD, **body}
    try:
        raw = json.dumps(whole, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raw = json.dumps(whole).encode()
    asked = parse("POST", BATCHES if batch else MESSAGES, raw)
    if isinstance(asked, Refused):
        assert problem(asked)[0] == 400


def test_a_field_that_is_missing_is_named() -> None:
    for field in GOOD:
        assert problem(create(**{field: "(none)"})) == (400, "missing_field", field)
        assert problem(create(**{field: ""})) == (400, "missing_field", field)
    assert problem(parse("POST", BATCHES, b"{}")) == (400, "missing_field", "messages")


@pytest.mark.parametrize(
    "to",
    [
        *(
            "0",
            "09012345678",
            "+81 90 1234 5678",
            "+81\uff19\uff1012345678",
            "+",
            "+81",
            "+819",
            "abc",
        ),
        *("+" + "9" * 40, "\u202e+819012345678", "+819012345678\n", "20345"),
    ],
)
def test_bad_input_08_a_recipient_is_a_number_in_e164(to: str) -> None:
    assert problem(create(to=to)) == (400, "invalid_recipient", "to")


@pytest.mark.parametrize("to", ["?", "  ", "07012345678"])
def test_bad_input_08_the_form_to_write_is_one_that_is_taken(to: str) -> None:
    asked = create(to=to)
    assert isinstance(asked, Refused)
    assert re.search(r"write .*\+81\d{10}$", asked.rejection.detail)


def test_bad_input_08_a_recipient_is_a_mobile_and_somebody_else() -> None:
    assert problem(create(to="+81312345678")) == (400, "not_mobile", "to")
    assert problem(create(to="+15005550006", **{"from": "+15005550006"}))[1] == "invalid_recipient"


@pytest.mark.parametrize("sender", ["1", "+0", " ", "a" * 12, "店", "123456789", "-ab", "a\n"])
def test_bad_input_08_a_sender_is_a_number_a_code_or_a_name(sender: str) -> None:
    assert problem(create(**{"from": sender})) == (400, "invalid_sender", "from")


def test_an_account_with_senders_has_no_others() -> None:
    account = native.new_account("clinic", "secret")
    account = Account(
        **{f: getattr(account, f) for f in account.__struct_fields__} | {"senders": ("77777",)}
    )
    for sender, taken in (("77777", True), ("20345", False)):
        raw = json.dumps({**GOOD, "from": sender}).encode()
        asked = parse("POST", MESSAGES, raw, account=account)
        assert isinstance(asked, Ask) is taken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" ", 1),
        ("x" * 1600, 11),
        ("x" * 1601, "too_long"),
        ("\0", "invalid_value"),
        ("x" * 159 + "€", 2),
        ("あ" * 69 + "😀", 2),
        ("👩‍👩‍👧", 1),
    ],
    ids=range(7),
)
def test_bad_input_09_texts(text: str, expected: int | str) -> None:
    asked = create(text=text)
    if isinstance(expected, str):
        assert problem(asked) == (400, expected, "text")
    else:
        assert isinstance(asked, Ask)
        assert isinstance(asked.what, Submission)
        assert (asked.what.body, asked.what.segments) == (text, expected)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://a/", "file:///etc/passwd", "http://", "http:///x", "//a/", "a", "http://u:p@a/"),
        *("http://a/ b", "http://a:99999/", "http://é/", "http://a/" + "x" * 2048, "http://a\n/"),
    ],
    ids=range(12),
)
def test_bad_input_17_a_callback_url_is_an_address(url: str) -> None:
    assert problem(create(callback_url=url)) == (400, "invalid_value", "callback_url")


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !", "Basic Og==", "Bearer clinic:secret", "Basic " + "x" * 9000],
)
def test_bad_input_10_without_credentials_nothing_is_read(authorization: str) -> None:
    asked = parse("POST", MESSAGES, b"\xff", Authorization=authorization)
    assert problem(asked) == (401, "unauthorized", "Authorization")
    reply = native.ROUTES[0].render(asked, asked.rejection, Reply(None, 0, 0))
    assert dict(reply.headers)["WWW-Authenticate"].startswith("Basic ")


def test_bad_input_10_another_secret_is_not_admitted() -> None:
    account = native.new_account("clinic", "another")
    asked = parse("POST", MESSAGES, json.dumps(GOOD).encode(), account=account)
    assert problem(asked)[:2] == (401, "unauthorized")


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
def test_bad_input_11_a_key_is_of_printable_ascii(key: str) -> None:
    asked = parse("POST", MESSAGES, json.dumps(GOOD).encode(), Idempotency_Key=key)
    assert problem(asked) == (400, "invalid_value", "Idempotency-Key")


def test_bad_input_11_a_fingerprint_is_of_the_json_value_and_the_path() -> None:
    def fingerprint(path: str, raw: str) -> int:
        asked = parse("POST", path, raw.encode(), Idempotency_Key="k")
        assert isinstance(asked, Ask)
        assert isinstance(asked.what, Once)
        return asked.what.fingerprint

    plain = fingerprint(MESSAGES, json.dumps(GOOD))
    assert plain == fingerprint(MESSAGES, json.dumps(dict(reversed(GOOD.items())), indent=4))
    assert plain != fingerprint(MESSAGES, json.dumps({**GOOD, "text": "ho"}))
    assert plain != fingerprint(BATCHES, json.dumps({"messages": [GOOD]}))


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("limit=0", "invalid_value", "limit"),
        ("limit=1001", "invalid_value", "limit"),
        ("limit=-1", "invalid_value", "limit"),
        ("limit=1e3", "invalid_value", "limit"),
        ("limit=%D9%A1", "invalid_value", "limit"),
        ("limit=" + "9" * 400, "invalid_value", "limit"),
        ("limit=", "invalid_value", "limit"),
        ("cursor=", "invalid_value", "cursor"),
        ("cursor=msg_" + "A" * 32, "invalid_value", "cursor"),
        ("cursor=../../etc/passwd", "invalid_value", "cursor"),
        ("limit=1&limit=2", "invalid_value", "limit"),
        ("page=2", "unknown_field", "page"),
        ("to=%ff", "malformed", "query"),
        ("&".join(["to=1"] * 1000), "malformed", "query"),
    ],
    ids=range(14),
)
def test_bad_input_15_pages(query: str, code: str, field: str) -> None:
    assert problem(parse("GET", MESSAGES, query=query)) == (400, code, field)


def test_a_list_asks_for_fifty_unless_told_otherwise() -> None:
    asked = parse("GET", MESSAGES)
    assert isinstance(asked, Ask)
    assert asked.what == Page("clinic", size=50)
    asked = parse("GET", MESSAGES, query="to=%2B819012345678&from=20345&limit=1000")
    assert isinstance(asked, Ask)
    assert asked.what == Page("clinic", to="+819012345678", sender="20345", size=1000)


@pytest.mark.parametrize("n", [0, 1001])
def test_a_batch_is_bounded(n: int) -> None:
    raw = json.dumps({"messages": [GOOD] * n}).encode()
    assert problem(parse("POST", BATCHES, raw)) == (400, "invalid_value", "messages")


def test_an_item_that_is_wrong_keeps_its_place_in_a_batch() -> None:
    items: list[Any] = [GOOD, 1, {}, {**GOOD, "x": 1}, {**GOOD, "to": "1"}, GOOD]
    asked = parse("POST", BATCHES, json.dumps({"messages": items}).encode())
    assert isinstance(asked, Ask)
    assert isinstance(asked.what, Batch)
    kinds = [type(item).__name__ for item in asked.what.items]
    assert kinds == ["Submission", "Refusal", "Refusal", "Refusal", "Refusal", "Submission"]
    refused = [item for item in asked.what.items if not isinstance(item, Submission)]
    assert [(r.reason.name, r.field, r.to) for r in refused] == [
        ("MALFORMED", "body", ""),
        ("NO_TO", "to", ""),
        ("UNKNOWN_PARAMETER", "x", ""),
        ("BAD_TO", "to", "1"),
    ]


def test_other_calls_have_no_query() -> None:
    raw = json.dumps(GOOD).encode()
    assert problem(parse("POST", MESSAGES, raw, "dry=1")) == (400, "unknown_field", "dry")


def test_bad_input_14_what_is_no_id_is_not_found() -> None:
    assert problem(parse("GET", f"{MESSAGES}/*")) == (404, "not_found", "id")
