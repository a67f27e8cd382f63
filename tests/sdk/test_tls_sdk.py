"""Twilio's own SDK over TLS, against `todoku serve --tls`, trusting what `todoku ca` wrote."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from simulator.core.number import us_fictional
from tests.sdk.served import ROOT, Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROVIDER = "api.twilio.com"
SENDER, TOKEN = "+15005550006", "an auth token of this test"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the authority."""
    return tmp_path_factory.mktemp("authority")


@pytest.fixture(scope="module")
def secure(kept: Path) -> Iterator[Served]:
    flags = ["--tls", "--tls-port", "0", "--tls-dir", str(kept), "--tls-name", PROVIDER]
    with serving(*flags) as process:
        yield process


@pytest.fixture(scope="module")
def certificate(secure: Served, kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `todoku ca` writes for clients."""
    out = tmp_path_factory.mktemp("client")
    command = [sys.executable, "-m", "simulator", "ca", "--out", str(out), "--tls-dir", str(kept)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    written = out / "todoku-ca.pem"
    for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        assert f"export {variable}='{written}'" in said
    assert b"PRIVATE" not in written.read_bytes()
    return written


class ToUs(HTTPAdapter):
    """Connects to our port for whatever host is asked; the certificate is checked for that host."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(
            *args, server_hostname=PROVIDER, assert_hostname=PROVIDER, **kwargs
        )

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:  # type: ignore[override]
        assert request.url is not None
        assert request.url.startswith(f"https://{PROVIDER}/")
        request.headers["Host"] = PROVIDER
        request.url = request.url.replace(f"https://{PROVIDER}", self._address)
        return super().send(request, **more)


def send(client: Client) -> str:
    message = client.messages.create(to=us_fictional(3), from_=SENDER, body="Hello")
    return str(client.messages(str(message.sid)).fetch().to)


def test_the_sdk_with_our_address_trusts_the_certificate_that_ca_wrote(
    secure: Served, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    client = Client("AC" + "1" * 32, TOKEN)
    client.api.base_url = secure.tls_url.replace("127.0.0.1", "localhost")
    assert send(client) == us_fictional(3)


def test_the_sdk_with_its_own_address_finds_the_providers_name_in_the_leaf(
    secure: Served, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    transport = TwilioHttpClient()
    assert transport.session is not None
    transport.session.mount(f"https://{PROVIDER}", ToUs(secure.tls_url))
    client = Client("AC" + "2" * 32, TOKEN, http_client=transport)
    assert urlsplit(client.api.base_url).hostname == PROVIDER
    assert send(client) == us_fictional(3)


def test_without_the_certificate_the_sdk_refuses(
    secure: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    client = Client("AC" + "3" * 32, TOKEN)
    client.api.base_url = secure.tls_url
    with pytest.raises(requests.exceptions.SSLError):
        send(client)


def test_a_restart_keeps_the_authority(kept: Path, certificate: Path) -> None:
    with serving("--tls", "--tls-port", "0", "--tls-dir", str(kept)) as again:
        said = requests.get(f"{again.tls_url}/", verify=str(certificate), timeout=10)
        assert said.status_code == 404
