"""TLS for clients that insist on it: a certificate authority of our own, and a leaf for each start.

The one rule: the authority's key never leaves its file, which nobody else may read. Whoever trusts
the certificate trusts the holder of that key with every name there is, so it is to be trusted in a
process and not in a machine (docs/tls.md). The leaf is new at each start and is in no file.

    folder/ca.pem    key and certificate, 0600: one file, so that they cannot part
"""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

from simulator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

CA_FILE = "ca.pem"
ALWAYS = ("localhost", "127.0.0.1", "::1")
_LEAF_LIVES = timedelta(days=397)  # what clients take from an authority of somebody's own
_SKEW = timedelta(days=1)  # of the clients' clocks
_PARTS = re.compile(
    rb"(-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \2-----\n?).*?"
    rb"(-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?)",
    re.DOTALL,
)


def server_context(folder: str | None, names: Iterable[str]) -> ssl.SSLContext:
    """Return what a TLS port presents: a leaf for `ALWAYS` and `names`, signed by our authority.

    Raises:
        UsageError: the authority cannot be read or made, or a name cannot stand in a certificate.
    """
    authority = open_authority(folder)
    now = datetime.now(UTC)
    identities = dict.fromkeys((*ALWAYS, *names))
    try:
        leaf = authority.issue_cert(
            *identities,
            organization_name="Todoku (simulated)",
            not_before=now - _SKEW,
            not_after=now + _LEAF_LIVES,
        )
    except ValueError as error:
        raise UsageError(f"--tls-name: {error}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    leaf.configure_cert(context)
    return context


def open_authority(folder: str | None) -> trustme.CA:
    """Return the authority kept in a folder, made at first.

    Raises:
        UsageError: in one line, what is wrong with its folder or its file.
    """
    file = authority_file(folder)
    try:
        if not file.exists():
            _make(file)
        if file.stat().st_mode & 0o077:
            raise UsageError(f"{file} can be read by others: chmod 600 it, or delete it")
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"the CA in {file}: {error.strerror}; set --tls-dir") from None
    parts = _PARTS.search(data)
    if parts is not None:
        try:
            return trustme.CA.from_pem(parts[3], parts[1])
        except ValueError:
            pass
    raise UsageError(f"{file} holds no key and certificate: delete it, and a new CA is made")


def authority_file(folder: str | None) -> Path:
    """Return where the authority is kept.

    Raises:
        UsageError: no folder was named, and this user has no home.
    """
    if folder is not None:
        return Path(folder) / CA_FILE
    data = os.environ.get("XDG_DATA_HOME", "")
    try:
        home = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    except RuntimeError:
        raise UsageError("this user has no home for the CA: set --tls-dir") from None
    return home / "todoku" / CA_FILE


def _make(file: Path) -> None:
    """Make an authority; of two who do so at once, the first one's stays."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Todoku", organization_unit_name="Simulated, local CA")
    handle, name = tempfile.mkstemp(dir=file.parent)  # 0600 from its beginning
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(authority.private_key_pem.bytes() + authority.cert_pem.bytes())
        try:
            os.link(name, file)
        except FileExistsError:
            return
    finally:
        Path(name).unlink()
