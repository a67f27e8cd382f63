"""The locust file, run headless as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from simulator.core.number import is_fictional
from tests.sdk.served import ROOT, serving
from tests.servers import SECRET, SID, basic, request

# Looked for, not imported: it would patch the sockets of this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="extra [load] not installed")

PATIENCE_S = 60


def locust(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the file; its numbers come as JSON."""
    command = [sys.executable, "-m", "locust", "-f", "loadtests/gateway.py", "--headless", "--json"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("TODOKU_", "LOCUST_"))}
    return subprocess.run(
        [*command, "--only-summary", *arguments],
        cwd=ROOT,
        env=environ | {"TODOKU_ACCOUNT": SID, "TODOKU_SECRET": SECRET},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_two_users_send_messages_that_the_gateway_has() -> None:
    with serving() as served:
        ran = locust("--users=2", "--spawn-rate=2", "--run-time=3s", f"--host={served.url}")
        listed = request(
            "GET", f"{served.url}/2010-04-01/Accounts/{SID}/Messages.json", headers=basic()
        )
    assert ran.returncode == 0, ran.stderr
    [entry] = json.loads(ran.stdout)
    assert entry["name"] == "create"
    assert entry["num_failures"] == 0
    ours = [m for m in listed.json["messages"] if m["direction"] == "outbound-api"]
    # One that was under way at the end may have been accepted, and not have been counted.
    assert 0 < entry["num_requests"] <= len(ours) <= entry["num_requests"] + 2
    assert len({m["to"] for m in ours}) == len(ours)
    assert all(is_fictional(m["to"]) for m in ours)


def test_a_run_without_a_request_proves_nothing() -> None:
    ran = locust("--users=0", "--run-time=1s", "--host=http://127.0.0.1:1")
    assert ran.returncode == 3
    assert "proves nothing: no message was taken\n" in ran.stderr


def test_a_run_whose_every_request_fails_proves_nothing() -> None:
    ran = locust("--users=1", "--run-time=1s", "--host=http://127.0.0.1:1")
    assert ran.returncode == 3
    assert json.loads(ran.stdout)[0]["num_failures"] > 0


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("https://api.twilio.com", "--host: api.twilio.com is a provider's"),
        ("http://93.184.216.34", "--host: 93.184.216.34 is neither loopback nor private"),
        ("", "--host: expected http://host:port"),
    ],
)
def test_a_host_outside_is_refused_in_one_line(host: str, says: str) -> None:
    ran = locust("--users=1", "--run-time=1s", f"--host={host}")
    assert ran.returncode == 2
    assert [line for line in ran.stderr.splitlines() if says in line]
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_what_the_file_takes_from_us_brings_no_asyncio_to_gevent() -> None:
    seen = (
        "import sys, loadtests.target, simulator.core.number, simulator.errors;"
        "print([name for name in ('asyncio', 'aiohttp', 'pydantic') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", seen], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
