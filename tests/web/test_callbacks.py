"""Calls to the customers: what is sent, and what comes of it."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from simulator.core.message import Outcome, OutcomeKind
from simulator.web import egress
from simulator.web.lines import RESPONSE_BYTES_MAX
from tests.web.receiver import OK, Receiver, calling, drip, flood, hang, outcome, reset, says

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    Act = Callable[..., Awaitable[None]]
    Run = Callable[[Coroutine[Any, Any, None]], None]

ANSWERED = Outcome(OutcomeKind.ANSWERED, 200)
FORBIDDEN = Outcome(OutcomeKind.FORBIDDEN)
TIMED_OUT = Outcome(OutcomeKind.TIMED_OUT)
UNREACHABLE = Outcome(OutcomeKind.UNREACHABLE)


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param


async def outcome_of(act: Act, **settings: Any) -> Outcome:
    """Call a receiver by its address, the short way, and by its name, through aiohttp's client."""
    found = []
    for host in ("127.0.0.1", "localhost"):
        async with Receiver(act) as receiver, calling(**settings) as caller:
            found.append(await outcome(caller, receiver.url(host=host)))
    assert found[0] == found[1]
    return found[0]


def test_the_call_goes_out_as_it_was_given(run: Run) -> None:
    async def scene() -> None:
        reply = b"HTTP/1.1 204 No Content\r\nSet-Cookie: a=b\r\n\r\n"
        async with Receiver(says(reply)) as receiver, calling() as caller:
            url = receiver.url("a%7eb//c?x={}&y=%zz#part")
            signed = (("X-Signature", "c2ln"), ("User-Agent", "Provider/1"))
            for _ in range(2):
                assert (await outcome(caller, url, headers=signed)).status == 204
            assert await outcome(caller, receiver.url(), method="GET", body=b"") == Outcome(1, 204)
            assert receiver.connections == 1
            head, _, body = receiver.requests[1].partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            assert lines[0] == "POST /a%7eb//c?x={}&y=%zz HTTP/1.1"
            expected = {"X-Signature: c2ln", "User-Agent: Provider/1", "Content-Length: 3"}
            assert expected | {"Content-Type: application/x-www-form-urlencoded"} <= set(lines)
            assert body == b"a=b"
            assert not any(line.startswith("Cookie") for line in lines)
            assert receiver.requests[2].startswith(b"GET / HTTP/1.1\r\n")
            assert (caller.attempts, caller.outcomes[OutcomeKind.ANSWERED]) == (3, 3)

    run(scene())


@pytest.mark.parametrize("status", [201, 404, 500, 503])
def test_any_status_is_an_answer(run: Run, status: int) -> None:
    async def scene() -> None:
        reply = b"HTTP/1.1 %d Said\r\nContent-Length: 0\r\n\r\n" % status
        assert await outcome_of(says(reply)) == Outcome(OutcomeKind.ANSWERED, status)

    run(scene())


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("http://[64:ff9b::a9fe:a9fe]/", "NAT64"),
        ("http://[2002:a9fe:a9fe::]/", "6to4"),
        ("http://8.8.8.8/", "--callback-allow"),
        ("http://public.test/", "'public.test': 203.0.113.7 is not on loopback"),
        ("file:///etc/passwd", "scheme"),
        ("http://user:secret@127.0.0.1:8000/", "credentials"),
        ("http://127.0.0.1:8000/?secret" + "a" * 9_000, "characters"),
        ("http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/", "metadata"),
    ],
)
def test_bad_input_17_a_forbidden_url_is_refused_with_its_reason(url: str, reason: str) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        return ["203.0.113.7"]

    async def scene() -> None:
        async with calling(lookup=lookup) as caller:
            assert await outcome(caller, url) == FORBIDDEN
            (refusal,) = caller.last_refusals
            assert refusal.world == "w"
            assert reason in refusal.reason
            assert "secret" not in refusal.origin + refusal.reason

    asyncio.run(scene())


def test_bad_input_17_odd_spellings_of_loopback_are_called(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(says(OK)) as receiver, calling() as caller:
            for host in ("127.1", "2130706433", "0x7f000001", "017700000001", "①②⑦.⓪.⓪.①"):
                assert await outcome(caller, receiver.url(host=host)) == ANSWERED
            assert await outcome(caller, receiver.url(host="localhost")) == ANSWERED

    run(scene())


def test_bad_input_17_a_header_that_breaks_the_line_is_not_sent(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(says(OK)) as receiver, calling() as caller:
            headers = (("X-Name", "a\r\nX-Other: b"),)
            assert await outcome(caller, receiver.url(), headers=headers) == FORBIDDEN
            assert receiver.requests == []

    run(scene())


def test_bad_input_18_a_name_that_changes_its_answer_is_called_only_where_it_was_judged(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "LOOKUP_TTL_S", 0)
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def lookup(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async def scene() -> None:
        async with Receiver(says(OK, close=True)) as receiver, calling(lookup=lookup) as caller:
            url = receiver.url(host="turns.test")
            assert await outcome(caller, url) == ANSWERED
            assert await outcome(caller, url) == FORBIDDEN
            assert (receiver.connections, answers) == (1, [])

    run(scene())


def test_bad_input_19_a_redirect_is_not_followed(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(says(OK)) as other, calling() as caller:
            for target in (other.url(), "http://169.254.169.254/", "file:///etc/passwd"):
                reply = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"
                async with Receiver(says(reply.encode())) as receiver:
                    assert (await outcome(caller, receiver.url())).status == 302
                    assert len(receiver.requests) == 1
            assert other.connections == 0

    run(scene())


@pytest.mark.parametrize("act", [hang, drip, says(b"HTTP/1.1 200 OK\r\nContent-Le")])
def test_bad_input_20_a_receiver_that_hangs_or_drips_times_out(run: Run, act: Act) -> None:
    async def scene() -> None:
        assert await outcome_of(act, timeout_s=0.2) == TIMED_OUT

    run(scene())


@pytest.mark.parametrize(
    "act",
    [
        reset,
        says(b"", close=True),
        says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        says(b"HTTP/1.1 abc\r\n\r\n"),
        says(bytes(100)),
        says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", close=True),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ],
)
def test_bad_input_20_resets_and_what_is_not_http_are_unreachable(run: Run, act: Act) -> None:
    async def scene() -> None:
        assert await outcome_of(act) == UNREACHABLE

    run(scene())


def test_bad_input_20_a_body_without_end_is_left_early_and_counts_as_answered(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(flood) as receiver, calling() as caller:
            assert await outcome(caller, receiver.url()) == ANSWERED
            assert await outcome(caller, receiver.url()) == ANSWERED
            assert receiver.connections == 2
            assert receiver.bytes_sent < 50_000_000

    run(scene())


@pytest.mark.parametrize(("excess", "connections"), [(0, 1), (1_000_000, 2)])
def test_a_body_is_read_to_the_limit_so_that_the_connection_is_kept(
    run: Run, excess: int, connections: int
) -> None:
    async def scene() -> None:
        body = bytes(RESPONSE_BYTES_MAX + excess)
        reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        async with Receiver(says(reply)) as receiver, calling() as caller:
            for _ in range(2):
                assert await outcome(caller, receiver.url()) == ANSWERED
            assert receiver.connections == connections

    run(scene())


def test_bad_input_20_a_tls_error_and_a_closed_port_are_unreachable(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(says(OK), greeting=OK) as receiver, calling() as caller:
            assert await outcome(caller, receiver.url(scheme="https")) == UNREACHABLE
        with socket.create_server(("127.0.0.1", 0)) as once:
            port = once.getsockname()[1]
        async with calling() as caller:
            assert await outcome(caller, f"http://127.0.0.1:{port}/") == UNREACHABLE

    run(scene())


def test_bad_input_20_a_name_that_does_not_resolve_is_unreachable(run: Run) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def scene() -> None:
        async with calling(lookup=lookup) as caller:
            assert await outcome(caller, "http://nowhere.test/") == UNREACHABLE

    run(scene())


def test_bad_input_21_an_answer_after_the_timeout_changes_nothing(run: Run) -> None:
    async def scene() -> None:
        async with Receiver(hang) as receiver, calling(timeout_s=0.2) as caller:
            assert await outcome(caller, receiver.url()) == TIMED_OUT
            receiver.released.set()
            assert await outcome(caller, receiver.url()) == ANSWERED
            assert len(receiver.requests) == 2
            assert sum(caller.outcomes.values()) == 2

    run(scene())


def test_no_proxy_of_the_environment_is_used(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with Receiver(says(OK)) as proxy, Receiver(says(OK)) as receiver:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy.url())
            async with calling() as caller:
                assert await outcome(caller, receiver.url()) == ANSWERED
            assert proxy.connections == 0

    run(scene())
