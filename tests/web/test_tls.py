"""The TLS port: an authority that stays, a leaf that strict clients take, and who is shown out."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import stat
from typing import TYPE_CHECKING

import pytest
import requests

from simulator.errors import UsageError
from simulator.web.tls import CA_FILE, authority_file, open_authority, server_context
from tests.servers import basic, request, running, until_true
from tests.web.raw import FORM, Raw, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Running

NAME = "sms.provider.example"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority."""
    found = tmp_path_factory.mktemp("tls")
    open_authority(str(found))
    return found


@pytest.fixture(scope="module")
def trusted(folder: Path) -> str:
    """The authority's certificate, as `todoku ca` writes it."""
    file = folder / "trusted.pem"
    file.write_bytes(open_authority(str(folder)).cert_pem.bytes())
    return str(file)


@pytest.fixture
def secure(folder: Path) -> Iterator[Running]:
    with running(
        tls=True, tls_port=0, tls_dir=str(folder), tls_name=(NAME,), head_timeout_s=0.4
    ) as found:
        yield found


def port(server: Running) -> int:
    return int(server.server.tls_url.rpartition(":")[2])


def shake(server: Running, name: str, trusted: str) -> dict[str, object]:
    """Shake hands as strictly as can be; return the certificate."""
    context = ssl.create_default_context(cafile=trusted)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", port(server)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        found: dict[str, object] = wrapped.getpeercert() or {}
        return found


def test_requests_with_the_certificate_is_content(secure: Running, trusted: str) -> None:
    url = f"https://localhost:{port(secure)}/2010-04-01/Accounts/AC{'a' * 32}/Messages.json"
    said = requests.post(url, data=FORM, headers=basic(), verify=trusted, timeout=10)
    assert said.status_code == 201
    assert secure.get("/v1/worlds/default/truth")["total"]["accepted"] == 1


def test_requests_without_it_is_not(secure: Running) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://localhost:{port(secure)}/", timeout=10)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", NAME])
def test_the_leaf_names_this_machine_and_what_was_asked_for(
    secure: Running, trusted: str, name: str
) -> None:
    certificate = shake(secure, name, trusted)
    lives = [ssl.cert_time_to_seconds(str(certificate[f"not{end}"])) for end in ("Before", "After")]
    assert lives[1] - lives[0] <= 398 * 86_400  # longer ones are refused by Apple's verifier


def test_the_leaf_names_nobody_else(secure: Running, trusted: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(secure, "api.twilio.com", trusted)


def test_bad_input_5_plain_http_on_the_tls_port_ends_at_once_and_nobody_hears_of_it(
    secure: Running, caplog: pytest.LogCaptureFixture, trusted: str
) -> None:
    with socket.create_connection(("127.0.0.1", port(secure)), timeout=10) as client:
        client.sendall(create())
        assert b"HTTP" not in client.recv(100)
    assert shake(secure, "localhost", trusted)
    assert caplog.text == ""


def test_bad_input_4_half_a_handshake_stops_nobody_and_is_closed(
    secure: Running, trusted: str
) -> None:
    silent = [socket.create_connection(("127.0.0.1", port(secure)), timeout=10) for _ in range(50)]
    for each in silent[:25]:
        each.sendall(b"\x16\x03\x01\x02\x00\x01")
    assert shake(secure, "localhost", trusted)
    for each in silent:
        with each:
            assert each.recv(100) == b""
    until_true(lambda: not secure.server.connections()["tls"])


def test_bad_input_5_a_tls_hello_on_the_plain_port_is_400_and_closes(secure: Running) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection(secure.address(), timeout=10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="localhost")
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)
    client = Raw(secure, hello)
    assert client.reply().status == 400
    assert client.closed()


def test_the_control_port_stays_plain_and_ready_counts_all_ports(secure: Running) -> None:
    assert request("GET", f"{secure.control_url}/readyz").status == 200
    assert secure.server.tls_url.startswith("https://127.0.0.1:")
    assert set(secure.server.connections()) == {"gateway", "tls", "control"}


def test_the_authority_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    inside = str(tmp_path / "a" / "b")
    first = open_authority(inside).cert_pem.bytes()
    file = tmp_path / "a" / "b" / CA_FILE
    digest = hashlib.sha256(file.read_bytes()).digest()
    assert open_authority(inside).cert_pem.bytes() == first
    assert hashlib.sha256(file.read_bytes()).digest() == digest
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == [CA_FILE]  # noqa: PTH208 - names, hidden ones too


def test_an_authority_that_others_may_read_is_refused(tmp_path: Path) -> None:
    open_authority(str(tmp_path))
    (tmp_path / CA_FILE).chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        open_authority(str(tmp_path))


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\xff\xfe", "half"])
def test_a_file_that_is_no_authority_is_told_in_one_line(tmp_path: Path, data: bytes | str) -> None:
    file = tmp_path / CA_FILE
    open_authority(str(tmp_path))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if isinstance(data, str) else data)
    with pytest.raises(UsageError, match="holds no key and certificate") as told:
        open_authority(str(tmp_path))
    assert "\n" not in str(told.value)


def test_a_broken_key_between_good_lines_is_told_too(tmp_path: Path) -> None:
    file = tmp_path / CA_FILE
    open_authority(str(tmp_path))
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join([lines[0], b"AAAA", *lines[2:]]))
    with pytest.raises(UsageError, match="holds no key and certificate"):
        open_authority(str(tmp_path))


def test_a_folder_that_cannot_be_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="set --tls-dir") as told:
        open_authority(str(tmp_path / "file" / "folder"))
    assert "\n" not in str(told.value)


def test_without_a_folder_it_is_in_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert authority_file(None) == tmp_path / "todoku" / CA_FILE
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert authority_file(None) == tmp_path / "home/.local/share/todoku" / CA_FILE


def test_a_name_that_no_certificate_can_hold_is_told_in_one_line(folder: Path) -> None:
    with pytest.raises(UsageError, match="--tls-name"):
        server_context(str(folder), ["under_score-" + "x" * 300])
