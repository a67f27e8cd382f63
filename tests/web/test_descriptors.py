"""How many files may be open: raised as far as the system allows, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASKS = (
    "import resource; from simulator.web.descriptors import room_for; "
    "print(room_for({}), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
)


@pytest.mark.parametrize(
    ("limits", "connections", "room", "soft"),
    [
        ("ulimit -Sn 256; ulimit -Hn 12000", 2_000, 2_000, 3 * 2_000 + 1_024),
        ("ulimit -Sn 256; ulimit -Hn 3000", 2_000, 3_000 - 1_024, 3_000),
        ("ulimit -Sn 256; ulimit -Hn 3000", 10, 10, 3 * 10 + 1_024),
        ("ulimit -Sn 12000; ulimit -Hn 12000", 10, 10, 12_000),
        ("ulimit -Sn 256; ulimit -Hn 500", 10, 0, 500),
    ],
)
def test_the_limit_is_raised_to_what_is_needed_or_allowed(
    limits: str, connections: int, room: int, soft: int
) -> None:
    command = f'{limits}; exec "$0" -c "$1"'
    said = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, ASKS.format(connections)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == [str(room), str(soft)]
