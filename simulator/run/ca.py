"""What `todoku ca` does: the certificate of our authority, where clients can be pointed at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExitCode, UsageError
from simulator.web.tls import authority_file, open_authority

if TYPE_CHECKING:
    from pathlib import Path

CERTIFICATE = "todoku-ca.pem"
VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


def ca_command(out: Path, folder: str | None) -> int:
    """Write the certificate into a folder, and say how to trust it; the key stays where it is."""
    certificate = open_authority(folder).cert_pem.bytes()
    file = out / CERTIFICATE
    try:
        out.mkdir(parents=True, exist_ok=True)
        file.write_bytes(certificate)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None
    where = file.resolve()
    print(f"certificate of the CA in {authority_file(folder)}: {where}")
    print("trust it in the process that needs it, by one of these:")
    for name in VARIABLES:
        print(f"  export {name}='{where}'")
    return ExitCode.OK
