"""The locust file, run headless as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import pytest

from simulator.core.number import is_fictional
from tests.sdk.served import ROOT, serving
from tests.servers import SECRET, SID, basic, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sdk.served import Served

# Looked for, not imported: it would patch the sockets of this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="extra [load] not installed")

PATIENCE_S = 60
AT_ONCE = 3


RUNS: dict[str, tuple[str, ...]] = {
    "taken": ("--users=4", "--spawn-rate=4", "--run-time=1s"),
    "none": ("--users=0", "--run-time=1s", "--host=http://127.0.0.1:1"),
    "refused": ("--users=1", "--run-time=1s", "--host=http://127.0.0.1:1"),
    "provider": ("--host=https://api.twilio.com",),
    "outside": ("--host=http://93.184.216.34",),
    "nowhere": ("--host=",),
    "no folder": ("--host=http://127.0.0.1:1", "--run-time=1s", "--out=/dev/null/x"),
}


class Ran(NamedTuple):
    """Locust on the file, over; its numbers come as JSON."""

    code: int
    said: str
    complained: str


def locust(*arguments: str) -> Ran:
    """Run the file."""
    command = [sys.executable, "-m", "locust", "-f", "loadtests/gateway.py", "--headless", "--json"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("TODOKU_", "LOCUST_"))}
    ran = subprocess.run(
        [*command, "--only-summary", *arguments],
        cwd=ROOT,
        env=environ | {"TODOKU_ACCOUNT": SID, "TODOKU_SECRET": SECRET},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Serve a gateway."""
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def runs(served: Served) -> dict[str, Ran]:
    """Run the file a few times beside each other: nearly all of it is starting, and waiting."""
    own = {"taken": (f"--host={served.url}",)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        many = {name: pool.submit(locust, *it, *own.get(name, ())) for name, it in RUNS.items()}
        return {name: run.result() for name, run in many.items()}


def test_users_send_messages_that_the_gateway_has(served: Served, runs: dict[str, Ran]) -> None:
    ran = runs["taken"]
    url = f"{served.url}/2010-04-01/Accounts/{SID}/Messages.json"
    listed = request("GET", url, headers=basic())
    assert ran.code == 0, ran.complained
    [entry] = json.loads(ran.said)
    assert entry["name"] == "create"
    assert entry["num_failures"] == 0
    ours = [m for m in listed.json["messages"] if m["direction"] == "outbound-api"]
    # One that was under way at the end may have been accepted, and not have been counted.
    assert 0 < entry["num_requests"] <= len(ours) <= entry["num_requests"] + 2
    assert len({m["to"] for m in ours}) == len(ours)
    assert all(is_fictional(m["to"]) for m in ours)


def test_a_run_without_a_request_proves_nothing(runs: dict[str, Ran]) -> None:
    ran = runs["none"]
    assert ran.code == 3
    assert "proves nothing: no message was taken\n" in ran.complained


def test_a_run_whose_every_request_fails_proves_nothing(runs: dict[str, Ran]) -> None:
    ran = runs["refused"]
    assert ran.code == 3
    assert json.loads(ran.said)[0]["num_failures"] > 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("provider", "--host: api.twilio.com is a provider's"),
        ("outside", "--host: 93.184.216.34 is neither loopback nor private"),
        ("nowhere", "--host: expected http://host:port"),
    ],
)
def test_a_host_outside_is_refused_in_one_line(runs: dict[str, Ran], name: str, says: str) -> None:
    ran = runs[name]
    assert ran.code == 2
    assert [line for line in ran.complained.splitlines() if says in line]
    assert "Traceback" not in ran.complained
    assert ran.said == ""


def test_a_folder_that_cannot_be_written_to_ends_the_load_at_once(runs: dict[str, Ran]) -> None:
    ran = runs["no folder"]
    assert ran.code == 2
    assert "--out: cannot write to /dev/null/x: Not a directory" in ran.complained
    assert "Traceback" not in ran.complained


def test_what_the_file_takes_from_us_brings_no_asyncio_to_gevent() -> None:
    seen = (
        "import sys, loadtests.target, simulator.core.number, simulator.errors;"
        "print([name for name in ('asyncio', 'aiohttp', 'pydantic') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", seen], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
