"""One suite, all dialects: total tables, routes apart, and nothing a client sends raises."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from simulator.core.command import Batch, Batched, Once, Replayed, Submission
from simulator.core.message import Call, Message, Reason, Rejection, State
from simulator.core.query import Listing, Page
from simulator.core.tariff import POLICIES
from simulator.core.wire import HttpCall, HttpReply, HttpRequest
from simulator.dialects import DIALECTS
from simulator.dialects.forms import FORM_TYPE
from simulator.dialects.shape import Ask, Desk, Refused, Reply
from tests.dialects.counter import NOW_US, message_of

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=400)

each = pytest.mark.parametrize("name", DIALECTS)
ROUTES = [(d, i) for d in DIALECTS for i in range(len(DIALECTS[d].ROUTES))]


@each
def test_the_registry_names_each_dialect_by_its_own_name(name: str) -> None:
    dialect = DIALECTS[name]
    account = dialect.new_account("an id", "a secret")
    assert dialect.NAME == account.dialect == name
    assert (account.id, account.secret, account.retry) == ("an id", "a secret", dialect.RETRY)
    assert account.policy in POLICIES
    assert account.senders == ()


@each
def test_an_account_of_another_provider_does_not_exist_here(name: str) -> None:
    dialect = DIALECTS[name]
    other = msgspec.structs.replace(dialect.new_account(IDS[name], SECRETS[name]), dialect="other")
    body = written(name, known(name, []))
    request = HttpRequest("POST", "/", "", CIMultiDict(door(name)), body, (IDS[name],))
    route = dialect.ROUTES[0]
    assert isinstance(route.parse(request, Desk({}, open_accounts=True)), Ask)
    refused = route.parse(request, Desk({other.id: other}, open_accounts=True))
    assert isinstance(refused, Refused)
    assert refused.rejection.reason is Reason.UNAUTHORIZED


@each
def test_every_reason_has_a_reply_and_none_is_our_fault(name: str) -> None:
    reasons = DIALECTS[name].REASONS
    assert set(reasons) == set(Reason)
    for reason, (status, code, words) in reasons.items():
        # Only where a rule wants the provider to fail.
        assert 200 <= status < 500 or (reason, status) == (Reason.BROKEN, 500)
        assert code
        assert words


@each
def test_every_state_a_message_can_be_in_has_a_status(name: str) -> None:
    assert set(DIALECTS[name].STATUS) == set(State) - {State.NONE}  # type: ignore[attr-defined]


@each
def test_every_route_renders_every_reason(name: str) -> None:
    dialect = DIALECTS[name]
    for route in dialect.ROUTES:
        for reason in Reason:
            rejection = Rejection(reason, "field", "detail")
            for result in (rejection, None):  # a rule's, and the dialect's own
                reply = route.render(Refused(rejection), result, Reply(None, 0, NOW_US))
                assert reply.status == dialect.REASONS[reason][0]
                assert isinstance(json.loads(reply.body), dict)


IDS = {"native": "clinic", "twilio": "AC" + "0" * 32, "zettai_reach": "12345"}
SECRETS = {"native": "secret", "twilio": "token", "zettai_reach": "t" * 32}
NASTY = st.sampled_from(
    [
        *(
            "",
            " ",
            "+",
            "0",
            "-1",
            "1e9",
            "9" * 400,
            "+819012345678",
            "09012345678",
            "+15005550006",
        ),
        *("12345", "Clinic", "2026-03-02", "20260302", "PASM" + "0" * 32, "true", "\x00", "\ud800"),
        *("MG" + "0" * 32, "fixed", "canceled", "SM" + "0" * 32, "2026-03-02T00:00:60Z"),
        *("http://a.test/", "http://[::1]:80/x#y", "\u202e", "\ufeff", "あ" * 700, "x" * 1700),
        *(
            "..",
            "\r\n",
            '"',
            "\\",
            "%",
            "&=;",
            "\U0001d7d9\U0001d7da",
            "\ufffd",
            "NaN",
            "0001-01-01",
            "9999-12-31",
        ),
    ]
)
VALUES = st.one_of(NASTY, st.text(max_size=30))
FIELDS = st.sampled_from(
    [
        *("To", "From", "Body", "StatusCallback", "ValidityPeriod", "MediaUrl", "SendAt"),
        *("MessagingServiceSid", "ScheduleType", "Status", "Outcome", "DateCreated>"),
        *("PageSize", "Page", "PageToken", "DateSent", "DateSent<", "DateSent>"),
        *("token", "clientId", "smsCode", "message", "phoneNumber", "clientTag", "groupTag"),
        *("carrierId", "scheduleTime", "date", "あ", ""),
        *("to", "from", "text", "reference", "callback_url", "messages", "limit", "cursor"),
    ]
)
FORMS = st.lists(st.tuples(FIELDS, VALUES), max_size=12)


def escaped(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(k)}={quote(v, errors='surrogatepass')}" for k, v in pairs)


def known(name: str, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Put in what lets a request get past the door, where it says nothing else."""
    given_names = {k for k, _ in pairs}
    enough = {
        "native": {"to": "+819012345678", "from": "+15005550006", "text": "hi"},
        "twilio": {"To": "+819012345678", "From": "+15005550006", "Body": "hi"},
        "zettai_reach": {
            "token": SECRETS[name],
            "clientId": IDS[name],
            "smsCode": "12345",
            "message": "hi",
            "phoneNumber": "09012345678",
        },
    }[name]
    return pairs + [(k, v) for k, v in enough.items() if k not in given_names]


def door(name: str) -> dict[str, str]:
    """Headers that let a request in, where the provider looks at headers."""
    basic = base64.b64encode(f"{IDS[name]}:{SECRETS[name]}".encode()).decode()
    kind = "application/json" if name == "native" else FORM_TYPE
    return {"Authorization": f"Basic {basic}", "Content-Type": kind}


def written(name: str, pairs: list[tuple[str, str]]) -> bytes:
    """Write a body as the provider wants it."""
    if name != "native":
        return escaped(pairs).encode()
    fields: dict[str, Any] = dict(pairs)
    if fields.pop("messages", None) is not None:
        fields = {"messages": [fields]}
    return json.dumps(fields).encode()


def well_formed(dialect: Any, reply: HttpReply) -> None:
    allowed = {status for status, _, _ in dialect.REASONS.values()} | {200, 201}
    assert reply.status in allowed
    assert reply.content_type in {"application/json", "application/problem+json"}
    assert isinstance(json.loads(reply.body), dict)


def outcomes(asked: Ask | Refused, account: Any) -> list[Any]:
    """What a gateway may answer to this."""
    if isinstance(asked, Refused):
        return [asked.rejection, None]
    what = asked.what
    if isinstance(what, Once):
        return [Replayed(r) for r in outcomes(Ask(asked.account, what.what), account) if r]
    if isinstance(what, Batch):
        both = (message_of(account, 1), Rejection(Reason.OPTED_OUT))
        return [Batched(both), *(Rejection(reason) for reason in Reason)]
    if isinstance(what, Submission):
        names = sorted(set(what.__struct_fields__) & set(Message.__struct_fields__) - {"account"})
        fields = {n: getattr(what, n) for n in names}
    else:
        fields = {}
    states = [s for s in State if s is not State.NONE]
    messages = [
        message_of(account, i, **fields, state=s, inbound=s is State.RECEIVED)
        for i, s in enumerate(states)
    ]
    refusals = [Rejection(reason) for reason in Reason]
    if isinstance(what, Page):
        pages = [Listing((), False, False), Listing((), True, True)]
        return [*pages, Listing(tuple(messages), True, True), *refusals]
    return [*messages, *refusals]


def survives(name: str, index: int, request: HttpRequest, *, is_open: bool) -> None:
    dialect = DIALECTS[name]
    route = dialect.ROUTES[index]
    account = dialect.new_account(IDS[name], SECRETS[name])
    account = msgspec.structs.replace(
        account, push_url="http://s.test/", inbound_url="http://s.test/"
    )
    asked = route.parse(request, Desk({account.id: account}, open_accounts=is_open))
    for result in outcomes(asked, account):
        well_formed(dialect, route.render(asked, result, Reply(account, 1, NOW_US)))
        if isinstance(result, Message):
            call = dialect.callback(Call(5, result, result.state, 0, NOW_US), account, 1)
            assert call is None or read_back(call)


def read_back(call: HttpCall) -> Any:
    if call.content_type == "application/json":
        return json.loads(call.body)
    return parse_qsl(call.body.decode(), strict_parsing=True)


@pytest.mark.parametrize(("name", "index"), ROUTES)
@repeatable
@given(pairs=FORMS, tail=VALUES, is_open=st.booleans(), is_known=st.booleans())
def test_no_form_raises(
    name: str, index: int, pairs: list[Any], tail: str, *, is_open: bool, is_known: bool
) -> None:
    pairs = known(name, pairs) if is_known else pairs
    route = DIALECTS[name].ROUTES[index]
    headers, body = CIMultiDict(door(name)), written(name, pairs)
    request = HttpRequest(route.method, "/", escaped(pairs), headers, body, (IDS[name], tail))
    survives(name, index, request, is_open=is_open)


HEADERS = st.dictionaries(
    st.sampled_from(["Authorization", "Content-Type", "Content-Length", "X"]),
    st.one_of(
        VALUES,
        st.binary(max_size=40).map(lambda b: "Basic " + base64.b64encode(b).decode()),
        st.sampled_from(
            [
                "application/json",
                "application/json; charset=utf-8",
                "application/x-www-form-urlencoded; charset=x",
            ]
        ),
    ),
)


@pytest.mark.parametrize(("name", "index"), ROUTES)
@repeatable
@given(body=st.binary(max_size=300), query=VALUES, headers=HEADERS, tail=st.tuples(VALUES, VALUES))
def test_no_bytes_raise(  # noqa: PLR0917 - two of them are the route
    name: str, index: int, body: bytes, query: str, headers: dict[str, str], tail: tuple[str, str]
) -> None:
    route = DIALECTS[name].ROUTES[index]
    request = HttpRequest(route.method, "/", query, CIMultiDict(headers), body, tail)
    survives(name, index, request, is_open=True)


@each
def test_a_form_of_many_fields_is_refused_unread(name: str) -> None:
    fields = [("x", str(i)) for i in range(100_000)]
    body = written(name, known(name, fields))
    if name == "native":
        body = b"{" + b",".join([b'"x":1'] * 100_000) + b"}"
    request = HttpRequest("POST", "/", "", CIMultiDict(door(name)), body, (IDS[name],))
    asked = DIALECTS[name].ROUTES[0].parse(request, Desk({}, open_accounts=True))
    assert isinstance(asked, Refused)
    assert asked.rejection.reason in {Reason.MALFORMED, Reason.UNKNOWN_PARAMETER}
