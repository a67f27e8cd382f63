"""The server as a whole: it starts or says why not, and it stops without losing anything."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.message import OutcomeKind, State
from simulator.dialects import twilio
from simulator.errors import ExitCode, UsageError
from simulator.web import server as server_module
from tests.servers import SID, make_server, request, running, until_true
from tests.web.raw import FORM, Raw, create
from tests.worlds import START_US, kinds

if TYPE_CHECKING:
    from tests.servers import Running


async def start_and_stop(**how: Any) -> None:
    server = make_server(**how)
    await server.start()
    await server.stop()


@pytest.mark.parametrize("which", ["port", "control_port"])
def test_bad_input_32_a_port_that_is_taken_is_one_line(which: str) -> None:
    async def scene(port: int) -> None:
        server = make_server(**{which: port})
        with pytest.raises(UsageError) as told:
            await server.start()
        words = str(told.value)
        assert str(port) in words
        assert "is taken by another program" in words
        assert "\n" not in words
        assert told.value.exit_code is ExitCode.USAGE
        assert told.value.__suppress_context__
        assert not server.ready()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        asyncio.run(scene(taken.getsockname()[1]))


def test_bad_input_32_a_start_that_fails_leaves_no_port_behind() -> None:
    async def scene(port: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = probe.getsockname()[1]
        with pytest.raises(UsageError, match="control port"):
            await start_and_stop(port=free, control_port=port)
        with socket.create_server(("127.0.0.1", free)):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        asyncio.run(scene(taken.getsockname()[1]))


def test_bad_input_32_a_host_that_is_not_ours_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"cannot listen on port 0 on 192\.0\.2\.1") as told:
        asyncio.run(start_and_stop(host="192.0.2.1", token="t"))
    assert "\n" not in str(told.value)

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UsageError, match="no-such-host is not an address of this machine"):
        asyncio.run(start_and_stop(host="no-such-host", token="t"))


def test_localhost_is_one_address_with_one_port() -> None:
    with running(host="localhost") as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert request("GET", f"{server.control_url}/readyz").status == 200


def test_it_is_ready_once_both_ports_answer_and_not_after() -> None:
    async def scene() -> None:
        server = make_server()
        assert not server.ready()
        await server.start()
        assert server.ready()
        await server.stop()
        assert not server.ready()
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))

    asyncio.run(scene())


def test_bad_input_25_what_is_in_flight_is_drained_and_nothing_new_is_taken(
    server: Running,
) -> None:
    kept, half = Raw(server, create()), Raw(server, create(b"", length=len(FORM)))
    assert kept.reply().status == 201
    until_true(lambda: server.server.front.in_flight)
    stopping = asyncio.run_coroutine_threadsafe(server.server.stop(), server._loop)
    until_true(lambda: server.server.front.draining)
    assert request("GET", f"{server.control_url}/readyz").status == 503
    kept.send(create())
    assert kept.reply().status == 503
    with pytest.raises(OSError, match="refused"):
        Raw(server)
    half.send(FORM)
    assert half.reply().status == 201
    stopping.result()
    assert len(server.world.store.shelves[SID].keys) == 2


def test_bad_input_25_a_drain_has_an_end(server: Running) -> None:
    half = Raw(server, create(b"", length=len(FORM)))
    until_true(lambda: server.server.front.in_flight)
    server.run(server.server.stop(drain_s=0.05))
    assert half.closed()
    assert server.server.front.in_flight == 0


def test_a_callback_under_way_at_the_stop_is_given_up_and_settled() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, running() as server:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        server.accepted(StatusCallback=url)

        async def begin() -> asyncio.Task[int]:
            return asyncio.ensure_future(server.server.driver("default").advance(START_US + 10**9))

        server.run(begin())
        until_true(lambda: server.server.caller.attempts)
        server.run(server.server.stop(drain_s=0.05))
        assert kinds(server.world)[-2:] == ["CallbackTried", "CallbackAbandoned"]
        assert server.server.caller.outcomes[OutcomeKind.DROPPED] >= 1
        assert server.server.caller.outstanding == 0


def test_a_callback_that_cannot_be_written_is_no_end_of_time(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(twilio, "callback", broken)
    reported: list[dict[str, Any]] = []
    server.call(server._loop.set_exception_handler, lambda _loop, context: reported.append(context))
    key = server.accepted(StatusCallback="http://127.0.0.1:1025/")
    server.post("/v1/worlds/default/clock/advance", {"by": "4d"})
    found = server.get(f"/v1/worlds/default/messages/{key}")
    assert (found["known"]["state"], found["finished"]) == ("delivered", True)
    assert {type(context["exception"]) for context in reported} == {ZeroDivisionError}


def test_worlds_of_one_server_share_the_clock_they_were_born_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mono = [10**9]
    monkeypatch.setattr(server_module.time, "monotonic_ns", lambda: mono[0])

    async def scene() -> None:
        server = make_server(rate=1.0)
        mono[0] += 3600 * 10**9
        server.worlds.world("later")
        assert (
            server.driver("later").now()
            == server.driver("default").now()
            == START_US + 3600 * 10**6
        )

    asyncio.run(scene())


def test_states_that_call_back_are_calls_of_the_accounts_dialect(server: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        receiver.settimeout(30)
        url = f"http://127.0.0.1:{receiver.getsockname()[1]}/cb"
        server.accepted(StatusCallback=url)
        work = asyncio.run_coroutine_threadsafe(
            server.server.driver("default").advance(START_US + 10**7), server._loop
        )
        states = []
        while not work.done():
            try:
                client, _ = receiver.accept()
            except TimeoutError:
                break
            with client:
                data = client.recv(65_536)
                states.append(data.rpartition(b"MessageStatus=")[2].split(b"&")[0].decode())
                assert b"X-Twilio-Signature: " in data
                assert b"X-Todoku-Now: " in data
                client.sendall(b"HTTP/1.1 204 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            if states[-1] == State.DELIVERED.name.lower():
                break
        work.result(30)
        assert states == ["sending", "sent", "delivered"]


def test_connections_beyond_the_limit_wait_until_one_leaves() -> None:
    with running(connections_limit=2) as server:
        inside = [Raw(server, create()), Raw(server, create())]
        assert [client.reply().status for client in inside] == [201, 201]
        third = Raw(server, create())
        inside[0].send(create())
        assert inside[0].reply().status == 201
        assert server.server.front.requests == 3
        inside[1].socket.close()
        assert third.reply().status == 201


def test_bad_input_31_without_descriptors_it_waits_and_says_so_once(
    server: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket.socket, "accept", none_left)
    client = Raw(server, create())
    until_true(lambda: "Too many open files" in caplog.text)
    monkeypatch.undo()
    assert client.reply().status == 201
    assert caplog.text.count("Too many open files") == 1
