"""What may be called: addresses, URLs, and names that change their mind."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from simulator.web import egress
from simulator.web.egress import Allow, Denied, EgressError, check_url, connector, judge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

NOTHING = Allow()
METADATA = "169.254.169.254"


words = str.split

AT_HOME = words("""127.0.0.1 127.8.9.10 ::1 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255
192.168.1.1 fc00::1 fd12:3456::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:7f00:1""")

PUBLIC = words("""8.8.8.8 1.1.1.1 172.15.255.255 172.32.0.1 192.167.1.1 11.0.0.1 100.64.0.1
198.51.100.7 2606:4700::1 2001:db8::1 100::1 ::ffff:8.8.8.8""")

NEVER = words("""169.254.169.254 169.254.0.1 169.254.170.2 0.0.0.0 0.1.2.3 224.0.0.1 239.255.255.255
255.255.255.255 240.0.0.1 100.100.100.200 168.63.129.16 192.0.0.192 :: ::7f00:1 ::127.0.0.1
fe80::1 fe80::1%eth0 fec0::1 ff02::1 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:42::42
::ffff:169.254.169.254 ::ffff:0.0.0.0 ::ffff:0:127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::7f00:1
64:ff9b:1::a9fe:a9fe 2002:a9fe:a9fe:: 2002:7f00:1:: 2001:0:4136:e378:8000:63bf:3fff:fdd2
fd00::5efe:7f00:1 fd00::200:5efe:a9fe:a9fe 2606:4700::5efe:808:808""")


@pytest.mark.parametrize("address", AT_HOME)
def test_loopback_and_private_addresses_are_called(address: str) -> None:
    assert judge(address, NOTHING) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called_only_by_leave(address: str) -> None:
    denied = judge(address, NOTHING)
    assert denied is not None
    assert "--callback-allow" in denied.reason
    everything = Allow.of(["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"])
    assert judge(address, everything) is None
    assert judge(address, NOTHING, named=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_bad_input_17_metadata_multicast_and_wrappers_are_never_called(address: str) -> None:
    everything = Allow.of(["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"])
    denied = judge(address, everything, named=True)
    assert denied is not None
    assert "never" in denied.reason


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "::g", "1.2.3.4.5", "[::1]", "%"])
def test_what_is_no_address_is_denied(text: str) -> None:
    assert judge(text, NOTHING)


@given(st.ip_addresses(v=4))
def test_no_wrapper_gets_any_ipv4_address_through(inner: IPv4Address) -> None:
    bits = int(inner)
    wrapped = [
        (0x0064FF9B << 96) + bits,
        (0x0064FF9B0001 << 80) + bits,
        (0x2002 << 112) + (bits << 80),
        (0x20010000 << 96) + (bits ^ 0xFFFFFFFF),
        (0xFFFF << 48) + bits,
        (0xFD00 << 112) + (0x5EFE << 32) + bits,
    ]
    assert all(judge(str(IPv6Address(address)), NOTHING, named=True) for address in wrapped)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_what_it_maps(inner: IPv4Address) -> None:
    mapped = str(IPv6Address((0xFFFF << 32) + int(inner)))
    assert (judge(mapped, NOTHING) is None) == (judge(str(inner), NOTHING) is None)


def test_leave_is_given_by_name_address_or_network() -> None:
    allow = Allow.of(["Example.COM.", "203.0.113.7", "2606:4700::/32"])
    assert allow.names == {"example.com"}
    assert judge("203.0.113.7", allow) is None
    assert judge("203.0.113.8", allow) is not None
    assert judge("2606:4700::1", allow) is None


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000/callback",
        "http://app:8000/a%7eb//c?x={}&y=%zz&&z",
        "https://localhost/",
        "http://app.internal.:8000/",
        "http://my_app:65535/?q",
        "http://[::1]:8000/",
        "http://[::ffff:127.0.0.1]:8000/",
    ],
)
def test_a_url_is_called_byte_for_byte(text: str) -> None:
    url = check_url(text, NOTHING)
    assert isinstance(url, URL)
    assert str(url) == text


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "017700000001", "127.0.0.1."]
)
def test_odd_spellings_of_an_address_become_that_address(host: str) -> None:
    assert str(check_url(f"http://{host}:8000/a%7eb", NOTHING)) == "http://127.0.0.1:8000/a%7eb"


@pytest.mark.parametrize("host", ["①②⑦.⓪.⓪.①", "①②⑦。⓪。⓪。①", "①②⑦.1"])
def test_bad_input_17_idn_digits_are_judged_as_the_address_they_spell(host: str) -> None:
    assert str(check_url(f"http://{host}:8000/", NOTHING)) == "http://127.0.0.1:8000/"
    assert isinstance(check_url("http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/", NOTHING), Denied)


def test_a_url_that_is_not_ascii_is_encoded() -> None:
    url = check_url("http://例え.jp:8000/受信?名=花", NOTHING)
    assert isinstance(url, URL)
    assert url.raw_host == "xn--r8jz45g.jp"
    assert url.raw_path_qs == "/%E5%8F%97%E4%BF%A1?%E5%90%8D=%E8%8A%B1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"http://{METADATA}/latest/meta-data/", "never"),
        ("http://2852039166/", "never"),
        ("http://0xA9FEA9FE/", "never"),
        ("http://0251.0376.0251.0376/", "never"),
        ("http://169.254.43518/", "never"),
        ("http://0/", "never"),
        ("http://0:8080/", "never"),
        ("http://[::]/", "never"),
        ("http://[64:ff9b::a9fe:a9fe]/", "never"),
        ("http://[::ffff:169.254.169.254]/", "never"),
        ("http://8.8.8.8/", "--callback-allow"),
        ("http://[2606:4700::1]/", "--callback-allow"),
        ("file:///etc/passwd", "scheme 'file'"),
        ("ftp://127.0.0.1/", "scheme 'ftp'"),
        ("gopher://127.0.0.1:8000/", "scheme 'gopher'"),
        ("javascript:alert(1)", "scheme 'javascript'"),
        ("//127.0.0.1/", "scheme nothing"),
        ("127.0.0.1:8000", "scheme"),
        ("", "scheme nothing"),
        ("http://user:secret@127.0.0.1:8000/", "credentials"),
        ("http://user@127.0.0.1:8000/", "credentials"),
        ("http://@127.0.0.1:8000/", "credentials"),
        ("http://127.0.0.1:8000/" + "a" * 9_000, "9022 characters"),
        ("http:///path", "no host"),
        ("http://:8000/", "no host"),
        ("http://127.0.0.1:22/", "port 22"),
        ("http://127.0.0.1:0/", "port 0"),
        ("http://127.0.0.1:65536/", "not a URL"),
        ("http://127.0.0.1:8o/", "not a URL"),
        ("http://[::1/", "not a URL"),
        ("http://[fe80::1%25eth0]/", "neither"),
        ("http://[::1%25lo]:8000/", "neither"),
        ("http://1.2.3.4.5/", "neither"),
        ("http://256.1.1.1/", "neither"),
        ("http://a..b/", "neither"),
        ("http://%31%32%37.0.0.1/", "neither"),
        (f"http://{'a' * 64}.jp/", "neither"),
        ("http://a\\@127.0.0.1/", "not a URL"),
        ("http://127.0.0.1:8000/ HTTP/1.1\r\nX: y", "control character"),
        ("http://127.0.0.1:8000/a b", "space"),
        ("http://127.0.0.1:8000/\0", "control character"),
        ("http://\ud800/", "not a URL"),
    ],
)
def test_bad_input_17_urls_that_are_not_called_say_why(text: str, reason: str) -> None:
    url = check_url(text, NOTHING)
    assert isinstance(url, Denied)
    assert reason in url.reason
    assert "secret" not in url.reason


@given(st.text() | st.text().map("http://{}".format) | st.from_regex(r"http://[^/]{1,9}/.*"))
def test_any_text_is_checked_without_an_exception(text: str) -> None:
    url = check_url(text, NOTHING)
    assert isinstance(url, Denied) or (url.raw_host and url.scheme in {"http", "https"})


class Answers:
    """A resolver of names that answers from a script; its last answer stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = [list(answer) for answer in answers]
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[str]]]:
    """Listen on 127.0.0.1; note where each connection came to, and close it after one reply."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("sockname")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


async def ask(
    answers: Answers, path: str = "", allow: Allow = NOTHING, times: int = 1
) -> list[str]:
    """Get http://app.test a few times; return where the connections came to."""
    async with (
        listening() as (port, seen),
        aiohttp.ClientSession(connector=connector(allow, answers)) as session,
    ):
        for _ in range(times):
            async with session.get(f"http://app.test:{port}/{path}") as response:
                assert response.status == 200
        return seen


def test_a_name_is_looked_up_once_and_connected_to_where_it_was_judged() -> None:
    answers = Answers(["127.0.0.1"])
    assert asyncio.run(ask(answers)) == ["127.0.0.1"]
    assert answers.asked == 1


def test_judged_addresses_serve_the_next_connections_too() -> None:
    answers = Answers(["127.0.0.1"], [METADATA])
    assert asyncio.run(ask(answers, times=3)) == ["127.0.0.1"] * 3
    assert answers.asked == 1


def test_bad_input_18_of_several_addresses_the_allowed_are_tried_in_turn() -> None:
    answers = Answers([METADATA, "8.8.8.8", "::ffff:169.254.169.254", "::1", "127.0.0.1"])
    assert asyncio.run(ask(answers)) == ["127.0.0.1"]


@pytest.mark.parametrize("answer", [["8.8.8.8"], [METADATA], ["fe80::1%2"], ["64:ff9b::7f00:1"]])
def test_a_name_that_leads_nowhere_allowed_is_an_egress_error(answer: list[str]) -> None:
    with pytest.raises(EgressError):
        asyncio.run(ask(Answers(answer)))


def test_a_name_without_an_address_is_a_connection_error() -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(ask(Answers([])))


@pytest.mark.parametrize("allow", [Allow(), Allow(names=frozenset({"app.test"}))])
def test_the_gate_judges_what_went_past_the_url_check(allow: Allow) -> None:
    async def scene() -> None:
        async with aiohttp.ClientSession(connector=connector(allow)) as session:
            await session.get(f"http://{METADATA}:8000/")

    with pytest.raises(EgressError, match="never"):
        asyncio.run(scene())


def test_a_name_with_leave_may_resolve_to_a_public_address_but_not_to_metadata() -> None:
    async def resolve(host: str, *addresses: str) -> list[str]:
        connecting = connector(Allow.of(["App.Test"]), Answers(addresses))
        try:
            return [found["host"] for found in await connecting._resolver.resolve(host, 80)]
        finally:
            await connecting.close()

    assert asyncio.run(resolve("APP.test.", "203.0.113.7", METADATA)) == ["203.0.113.7"]
    with pytest.raises(EgressError):
        asyncio.run(resolve("other.test", "203.0.113.7"))


def test_the_addresses_of_one_name_are_bounded() -> None:
    async def resolve() -> int:
        connecting = connector(NOTHING, Answers([f"10.0.0.{n}" for n in range(99)]))
        found = await connecting._resolver.resolve("app.test", 80)
        await connecting.close()
        return len(found)

    assert asyncio.run(resolve()) == egress.ADDRESSES_MAX
