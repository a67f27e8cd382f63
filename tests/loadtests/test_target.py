"""Where a load may go: a table of what is taken and what is refused."""

from __future__ import annotations

import pytest

from loadtests.target import PROVIDERS, target
from simulator.errors import ExitCode, UsageError

NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "gateway": ["172.18.0.2"],
    "six.test": ["fd12:3456::1"],
    "127.1": ["127.0.0.1"],  # as the system's resolver reads it
    "public.test": ["93.184.216.34"],
    "both.test": ["127.0.0.1", "93.184.216.34"],
    "nowhere.test": [],
    "api.twilio.com": ["10.0.0.5"],
    "aossms.com": ["127.0.0.1"],
}


def lookup(host: str) -> list[str]:
    if host not in NAMES:
        raise OSError("Name or service not known")
    return NAMES[host]


@pytest.mark.parametrize(
    ("url", "loaded"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("HTTP://LocalHost.:8080", "http://127.0.0.1:8080"),
        ("http://127.1:8080", "http://127.0.0.1:8080"),
        ("https://gateway:8443", "https://172.18.0.2:8443"),
        ("http://192.168.1.9", "http://192.168.1.9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[::ffff:10.0.0.1]", "http://[::ffff:a00:1]"),
        ("http://six.test:1", "http://[fd12:3456::1]:1"),
    ],
)
def test_private_hosts_are_loaded_by_the_address_that_was_judged(url: str, loaded: str) -> None:
    assert target(url, lookup) == loaded


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://93.184.216.34", "neither loopback nor private"),
        ("http://[2001:db8::1]:80", "neither loopback nor private"),
        ("http://[::ffff:93.184.216.34]", "neither loopback nor private"),
        ("http://169.254.169.254", "neither loopback nor private"),
        ("http://[fd00:ec2::254]", "neither loopback nor private"),
        ("http://0.0.0.0:8080", "neither loopback nor private"),
        ("http://public.test", "public.test (93.184.216.34) is neither"),
        ("http://both.test", "both.test (93.184.216.34) is neither"),
        ("http://nowhere.test", "cannot be resolved"),
        ("http://unknown.test", "cannot be resolved"),
        ("https://api.twilio.com", "a provider's"),
        ("https://API.TWILIO.COM.:443", "a provider's"),
        ("http://aossms.com", "a provider's"),
        ("", "expected http://host:port"),
        ("localhost:8080", "expected http://host:port"),
        ("ftp://127.0.0.1", "expected http://host:port"),
        ("http://", "expected http://host:port"),
        ("http://127.0.0.1:notaport", "expected http://host:port"),
        ("http://user:secret@127.0.0.1", "expected http://host:port"),
        ("http://127.0.0.1@public.test", "expected http://host:port"),
        ("http://127.0.0.1/path", "leave out what follows the port"),
    ],
)
def test_everything_else_is_refused_in_one_line(url: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        target(url, lookup)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_is_refused_before_its_name_is_looked_up(provider: str) -> None:
    def never(_host: str) -> list[str]:
        raise AssertionError

    with pytest.raises(UsageError, match="a provider's"):
        target(f"https://sms.{provider}", never)


def test_a_name_that_only_ends_like_a_provider_s_is_no_provider_s() -> None:
    assert target("http://nottwilio.com", lambda _: ["10.0.0.1"]) == "http://10.0.0.1"
