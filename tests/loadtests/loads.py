"""Loads for tests: a stub as a process, locust as processes, and what they leave."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.load import offer as o
from simulator.load import outcome
from simulator.load.shape import US, Constant

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
ACCOUNT = o.Account("twilio", "AC" + 32 * "a", "secret", "+15005550006")
_ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("TODOKU_", "LOCUST_"))}


@contextmanager
def stub(*flags: str) -> Iterator[str]:
    """Run a stub; give its address."""
    command = [sys.executable, str(Path(__file__).with_name("stub.py")), *flags]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def offer(url: str, rate: float, seconds: float, folder: Path, **changes: Any) -> Path:
    """Write an offer; return its file. What it leaves is beside it."""
    made = o.Offer(
        run=f"t-{folder.name}",
        seed=1,
        url=url,
        shape=Constant(rate, round(seconds * US)),
        accounts=(ACCOUNT,),
        out=str(folder),
    )
    folder.mkdir(parents=True)
    o.write(msgspec.structs.replace(made, **changes), folder / "offer.json")
    return folder / "offer.json"


def locust(*flags: object, file: str = "gateway", ui: bool = False) -> subprocess.Popen[str]:
    """Start locust on one of our files."""
    command = [sys.executable, "-m", "locust", "-f", f"loadtests/{file}.py", "--only-summary"]
    command += [] if ui else ["--headless"]
    return subprocess.Popen(
        [*command, *map(str, flags)],
        cwd=ROOT,
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for its end; return the exit code, and what it said on stderr."""
    try:
        _, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    return process.returncode, said


def left(file: Path) -> outcome.Outcome:
    """Return the outcome that a load with this offer has left."""
    return outcome.read(file.with_name("outcome.json"))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def workers(count: int) -> list[str]:
    """Return the flags of a load with so many workers of its own, beside other such loads."""
    port = str(free_port())
    return ["--processes", str(count), "--master-bind-port", port, "--master-port", port]
