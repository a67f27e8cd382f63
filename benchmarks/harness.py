"""What the benchmarks share: the cores, the load, a window of counters, the table and the line.

The server has one core to itself and the load another, where there are two. Figures come from the
servers' own counters at both ends of a window; wrk only makes the load, since no client in Python
keeps up with the server.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from child import Child

OK, BELOW, NO_FIGURE = 0, 1, 3  # exit codes
PEOPLE = 1_000_000
CONNECTIONS = 32
DIFFERENCE_MAX = 0.02  # between what was accepted and what was completed, or no figure

ACCOUNT, SECRET = "AC" + 32 * "b", "benchmark"
SENDER = "+12015550123"
BODY = (
    "【サンプル商店】ご予約は明日の午後三時でございます。ご変更やお取り消しは店頭または"
    "お電話で承ります。皆様のご来店を心よりお待ちしております。"
)
assert len(BODY) == 70, len(BODY)
CREATE = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
CREDENTIALS = b64encode(f"{ACCOUNT}:{SECRET}".encode()).decode()

_SCRIPT = Path(__file__).resolve().parent / "create.lua"
_SLACK_S = 1.0  # of load beyond the window


def cores() -> tuple[int, int]:
    """Return the server's core and the load's, and move this process to the latter."""
    mine = sorted(os.sched_getaffinity(0))
    server, load = mine[0], mine[min(1, len(mine) - 1)]
    os.sched_setaffinity(0, {load})
    return server, load


def need_wrk() -> None:
    """End in one line where there is no wrk."""
    if shutil.which("wrk") is None:
        print("no figure: wrk is missing; apt-get install wrk", file=sys.stderr)
        raise SystemExit(NO_FIGURE)


class Wrk:
    """wrk sending creates, on the load's core; use it in a `with`.

    Args:
        url: of the server.
        seconds: how long; wrk takes whole ones.
        first: where to begin among `PEOPLE`.
        connections: each with one request under way.
    """

    def __init__(
        self, url: str, seconds: float, *, first: int = 0, connections: int = CONNECTIONS
    ) -> None:
        self._seconds = math.ceil(seconds)
        options = ["-t1", f"-c{connections}", f"-d{self._seconds}s", "--timeout=10s"]
        arguments = [str(first), str(PEOPLE), CREDENTIALS, quote(BODY)]
        self._process = subprocess.Popen(
            ["wrk", *options, "--latency", "-s", str(_SCRIPT), url + CREATE, "--", *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def result(self) -> dict[str, int]:
        """Wait for its end; return requests, errors, p50_us, p99_us."""
        out, _ = self._process.communicate(timeout=self._seconds + 30)
        found: dict[str, int] = json.loads(out.strip().rpartition("\n")[2])
        if found["errors"]:
            print(f"no figure: {found['errors']} requests failed", file=sys.stderr)
            raise SystemExit(NO_FIGURE)
        return found


@dataclass(frozen=True, slots=True)
class Window:
    """What one server did in one stretch of steady load."""

    accepted: int
    finished: int
    seconds: float
    cpu_s: float
    sent: int  # by wrk, before and after included

    @property
    def per_second(self) -> float:
        """Requests accepted a second."""
        return self.accepted / self.seconds

    @property
    def cpu_us(self) -> float:
        """Processor time of one request, all the server's work included."""
        return self.cpu_s * 1e6 / max(self.accepted, 1)


def measure(child: Child, seconds: float, *, warm_s: float = 1.0, first: int = 0) -> Window:
    """Load a server and count between two instants of the load."""
    with Wrk(child.ready["url"], warm_s + seconds + _SLACK_S, first=first) as wrk:
        time.sleep(warm_s)
        before, cpu_before = child.ask(), child.cpu_seconds()
        time.sleep(seconds)
        after, cpu_after = child.ask(), child.cpu_seconds()
        return Window(
            after["accepted"] - before["accepted"],
            after["finished"] - before["finished"],
            (after["mono_ns"] - before["mono_ns"]) / 1e9,
            cpu_after - cpu_before,
            wrk.result()["requests"],
        )


def reply_bytes(url: str) -> int:
    """Return the size of the reply to one create."""
    form = urlencode({"To": "+817000000000", "From": SENDER, "Body": BODY}).encode()
    request = urllib.request.Request(
        url + CREATE, form, {"Authorization": f"Basic {CREDENTIALS}"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return len(reply.read())


def median_ratio(ours: Iterable[float], bare: Iterable[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(ours, bare, strict=True))


def agree(accepted: float, completed: float) -> bool:
    """Tell whether as much was completed as was accepted."""
    return accepted > 0 and abs(completed - accepted) <= DIFFERENCE_MAX * accepted


def report(name: str, head: Sequence[str], rows: Sequence[Sequence[object]], **line: Any) -> None:
    """Print the table and the JSON line."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    print(json.dumps({"benchmark": name, **line}))


def verdict(ratio: float | None, floor: float, *, quick: bool) -> int:
    """Return the exit code; a quick run is too short to be held against the floor."""
    if ratio is None:
        return NO_FIGURE
    return OK if quick or ratio >= floor else BELOW


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
