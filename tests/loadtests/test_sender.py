"""Every way in which an answer can be wrong ends in its time, in a word, and in no exception."""

from __future__ import annotations

import pytest

pytest.importorskip("geventhttpclient", reason="extra [load] not installed")

from loadtests.dialects import WORD_MAX
from loadtests.http import Answer
from loadtests.sender import sender
from loadtests.wire import requests_of
from simulator.load import offer as o
from simulator.load.shape import US, Constant
from tests.loadtests.hostile import WAYS, hostile

ACCOUNT = o.Account("twilio", "AC" + 32 * "a", "secret", "+15005550006")
NATIVE = o.Account("native", "clinic", "secret", "20345")
TIMEOUT_S, PATIENCE_S = 0.2, 30.0
NOT_HTTP, CLOSED = (
    Answer("other", "", "HTTPParseError"),
    Answer("other", "", "HTTPConnectionClosed"),
)
UNREADABLE, TIMEOUT = Answer("other", "", "unreadable"), Answer("timeout", "", "timeout")
TOO_LONG, TAKEN = Answer("other", "", "TooLongError"), Answer("2xx", "SM1")
MEANS = {
    "hang": TIMEOUT,
    "drip": TIMEOUT,
    "close": CLOSED,
    "reset": CLOSED,
    "binary": NOT_HTTP,
    "ssh": NOT_HTTP,
    "cut head": NOT_HTTP,
    "headers": NOT_HTTP,
    "cut body": NOT_HTTP,
    "bad chunks": NOT_HTTP,
    "bad header": NOT_HTTP,
    "switch": NOT_HTTP,
    "no json": UNREADABLE,
    "no text": UNREADABLE,
    "deep json": UNREADABLE,
    "twice": UNREADABLE,
    "500": Answer("5xx", "", "unreadable"),
    "999": Answer("5xx", "", ""),
    "endless body": TOO_LONG,
    "endless head": TOO_LONG,
    "endless wait": TOO_LONG,
    "continue": TAKEN,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_target_that_answers_badly_is_counted_by_what_it_did(way: str) -> None:
    with hostile(way) as url:
        offer = o.Offer(run="r", seed=1, url=url, shape=Constant(1, US), accounts=(ACCOUNT,))
        requests = requests_of(offer, None)
        timeout_s = TIMEOUT_S if MEANS[way] == TIMEOUT else PATIENCE_S
        send = sender(url, connections=1, timeout_s=timeout_s)
        found = []
        for n in range(2):  # the one connection is given back, whatever has become of it
            reply = send(requests.method, requests.build(n, 0))
            found.append(
                requests.read(reply.status, reply.body)
                if reply.status
                else Answer(reply.trouble, "", reply.code)
            )
    assert found == [MEANS[way]] * 2


@pytest.mark.parametrize(
    ("account", "status", "body"),
    [
        (ACCOUNT, 201, b'{"sid":"%b"}'),
        (NATIVE, 201, b'{"id":"%b"}'),
        (NATIVE, 400, b'{"code":"%b"}'),
    ],
)
def test_an_id_or_a_code_without_end_is_kept_in_part(
    account: o.Account, status: int, body: bytes
) -> None:
    offer = o.Offer(run="r", seed=1, url="http://h:1", shape=Constant(1, US), accounts=(account,))
    answer = requests_of(offer, None).read(status, body % (b"x" * 5_000))
    assert "x" * WORD_MAX in answer
