"""The gateway port against clients that behave badly, on raw sockets."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING

import pytest

from simulator.web.quick import LOG
from tests.servers import MESSAGES, SID, basic, request, running, until_true, us
from tests.web.raw import FORM, Raw, create

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Running

LIMIT = 10_000


@pytest.fixture
def hasty() -> Iterator[Running]:
    """A server without patience, for small bodies."""
    with running(body_limit_bytes=LIMIT, body_timeout_s=0.2, keepalive_s=0.4) as found:
        yield found


def accepted(server: Running) -> int:
    total: int = server.get("/v1/worlds/default/truth")["total"]["accepted"]
    return total


def test_bad_input_1_a_body_over_the_limit_is_413_and_the_connection_closes(hasty: Running) -> None:
    client = Raw(hasty, create(b"Body=" + b"x" * LIMIT))
    said = client.reply()
    assert (said.status, json.loads(said.body)["code"]) == (413, 20413)
    assert client.closed()
    assert accepted(hasty) == 0
    assert Raw(hasty, create(FORM.ljust(LIMIT, b"x"))).reply().status == 400  # too long a text


def test_bad_input_1_an_endless_body_is_cut_off(hasty: Running) -> None:
    client = Raw(hasty, create(b"Body=" + b"x" * LIMIT, length=10**12))
    assert client.reply().status == 413
    with pytest.raises(OSError, match=r"reset|pipe"):
        client.flood()  # what nobody reads any more is not taken for long


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bad_input_2_the_limit_counts_what_is_inflated(hasty: Running, encoding: str) -> None:
    press = gzip.compress if encoding == "gzip" else zlib.compress
    bomb = press(b"Body=" + b"x" * 50_000_000)
    said = Raw(hasty, create(bomb, f"Content-Encoding: {encoding}")).reply()
    assert said.status == 413
    packed = Raw(hasty, create(press(FORM), f"Content-Encoding: {encoding}")).reply()
    assert packed.status == 201


def test_what_clients_do_wrong_fills_no_log(
    hasty: Running, caplog: pytest.LogCaptureFixture
) -> None:
    head = "Content-Encoding: gzip"
    assert Raw(hasty, create(b"no gzip", head)).reply().status == 400
    for control in (False, True):
        assert Raw(hasty, b"GET / HTTP/1.1\r\n\r\n", control=control).reply().status == 400
    assert caplog.text == ""
    LOG.error("a bug of ours", exc_info=KeyError())
    assert "a bug of ours" in caplog.text


@pytest.mark.parametrize("begun", [b"", b"To=%2B1", FORM])
def test_bad_input_3_a_body_that_never_comes_is_408_and_the_connection_closes(
    hasty: Running, begun: bytes
) -> None:
    client = Raw(hasty, create(begun, length=1_000))
    said = client.reply()
    assert (said.status, json.loads(said.body)["status"]) == (408, 408)
    assert client.closed()
    assert accepted(hasty) == 0
    assert hasty.server.front.in_flight == 0


@pytest.mark.parametrize(
    "begun", [b"", b"POST /x", f"POST {MESSAGES} HTTP/1.1\r\nHost: a\r\n".encode()]
)
def test_bad_input_4_half_a_header_is_closed_at_the_limit(hasty: Running, begun: bytes) -> None:
    others = [Raw(hasty, begun) for _ in range(100)]
    assert Raw(hasty, create()).reply().status == 201
    assert all(client.closed() for client in others)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * 5_000 + b"\r\n",
        b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01",
        b"HELLO\r\n\r\n",
    ],
)
def test_bad_input_5_what_is_not_http_is_400_and_the_connection_closes(
    server: Running, data: bytes
) -> None:
    client = Raw(server, data)
    assert client.reply().status == 400
    assert client.closed()


def test_bad_input_5_a_bad_chunk_is_400(hasty: Running) -> None:
    client = Raw(hasty, create(b"zz\r\nTo=1\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))
    assert client.reply().status == 400
    assert client.closed()
    good = b"%x\r\n%b\r\n0\r\n\r\n" % (len(FORM), FORM)
    assert Raw(hasty, create(good, "Transfer-Encoding: chunked")).reply().status == 201


def test_bad_input_5_a_body_that_is_not_encoded_as_it_says_is_400(hasty: Running) -> None:
    client = Raw(hasty, create(b"this is no gzip", "Content-Encoding: gzip"))
    said = client.reply()
    assert (said.status, json.loads(said.body)["code"]) == (400, 20422)


@pytest.mark.parametrize(
    "body",
    [
        b"To=%FF%FE&From=1&Body=x",
        b"\xff\xfe\xfd",
        b"To=" + b"&" * 5_000,
        b'{"To": "+12015550100"}',
        b"Body=%00&To=%2B12015550100&From=%2B15005550006",
        b"\xef\xbb\xbfTo=1",
        b"Body=%ED%A0%80&To=%2B12015550100&From=%2B15005550006",
    ],
)
def test_bad_input_6_a_bad_form_is_told_in_the_providers_words(
    server: Running, body: bytes
) -> None:
    answer = request("POST", server.url + MESSAGES, body, basic())
    assert answer.status == 400
    assert {"code", "message", "more_info", "status"} == set(answer.json)


@pytest.mark.parametrize(
    "body",
    [
        b"&".join(b"MediaUrl=http%%3A%%2F%%2Fa.test%%2F%d" % i for i in range(1_000)),
        b"&".join([b"x=1"] * 60_000),
        b"&" * 100_000,
    ],
)
def test_bad_input_7_a_form_of_a_great_many_fields_is_400_and_holds_nobody_up(
    server: Running, body: bytes
) -> None:
    answer = request("POST", server.url + MESSAGES, body, basic())
    assert (answer.status, answer.json["code"]) == (400, 20422)
    timed = server.server.front.latency.routes["POST /2010-04-01/Accounts/*/Messages.json"][4]
    assert timed.sum_s < 0.5
    assert server.accepted()


def test_bad_input_10_credentials_are_checked_before_the_body(server: Running) -> None:
    other = "AC" + "b" * 32
    server.accepted()
    for headers in (
        basic(secret="x" * 32),
        basic(sid=other),
        {"Authorization": "Basic !"},
        {"Authorization": "Bearer x"},
        {},
    ):
        answer = request("POST", server.url + MESSAGES, b"\xff", headers)
        assert (answer.status, answer.json["code"]) == (401, 20003)
    assert accepted(server) == 1


def test_bad_input_12_a_client_that_leaves_before_the_reply_has_sent_exactly_once(
    server: Running,
) -> None:
    for i in range(20):
        Raw(server, create(FORM.replace(us(0)[1:].encode(), us(i)[1:].encode()))).socket.close()
    until_true(lambda: server.server.front.requests == 20 and not server.server.front.in_flight)
    listed = request("GET", f"{server.url}{MESSAGES}?PageSize=1000", None, basic()).json
    assert sorted(message["to"] for message in listed["messages"]) == sorted(map(us, range(20)))


def test_bad_input_12_what_was_taken_from_a_client_that_resets_is_accepted_once(
    server: Running,
) -> None:
    for _ in range(20):
        Raw(server, create()).reset()  # what the server had not read yet is lost on the way
    server.accepted()
    until_true(lambda: not server.server.front.in_flight)
    assert accepted(server) == server.server.front.requests


def test_bad_input_12_a_client_that_leaves_in_the_middle_of_its_body_has_sent_nothing(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    for begun in (b"", FORM):
        client = Raw(server, create(begun, length=1_000))
        until_true(lambda: server.server.front.in_flight)
        client.reset()
        until_true(lambda: not server.server.front.in_flight)
    assert accepted(server) == 0
    assert server.get("/v1/worlds/default/truth")["total"]["refused"] == {}
    assert caplog.text == ""


def test_bad_input_14_a_path_leads_to_no_file(server: Running) -> None:
    for path in ("../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "SM%00.json", "a/b/c/d/e/f/g/h"):
        where = f"/2010-04-01/Accounts/{SID}/Messages/{path}"
        said = Raw(server, f"GET {where} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).reply()
        assert said.status in {400, 401, 404}
