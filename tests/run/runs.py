"""The real thing for tests: `todoku` as its own process, beside a core that is busy."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.core.command import Submission
from simulator.engine.log import decode, read_encoded, read_recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.events import Event

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = Path(__file__).parent / "systems"
FIRST_CAMPAIGN = ROOT / "scenarios/first-campaign.yaml"
US_REMINDER = ROOT / "scenarios/us-reminder.yaml"
PATIENCE_S = 60.0

_ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TODOKU_")}

JAPAN: dict[str, Any] = {
    "version": 1,
    "name": "trial",
    "time": {"start": "2026-03-02T09:00:00+09:00", "until": "7d"},
    "people": {"count": 20, "country": "jp", "numbers": "assignable"},
    "accounts": [
        {
            "name": "shop",
            "dialect": "zettai_reach",
            "price": {"unit": "15", "currency": "JPY", "tax": "10%"},
            "push": "{sut_url}/receipts",
        }
    ],
    "sut": {
        "command": "python -m examples.outreach --provider zettai_reach",
        "start": {
            "request": "POST /campaigns",
            "body": {"name": "spring", "recipients": "$recipients"},
        },
        "claims": "GET /claims",
        "idle": "GET /idle",
        "timeout": "30s",
    },
}
AMERICA: dict[str, Any] = {
    **JAPAN,
    "time": {"start": "2026-03-02T09:00:00-05:00", "until": "7d"},
    "people": {"count": 20, "country": "us"},
    "accounts": [{"name": "shop", "dialect": "twilio", "inbound": "{sut_url}/twilio/inbound"}],
    "sut": {**JAPAN["sut"], "command": "python -m examples.outreach --provider twilio"},
}


class Ran:
    """A run that is over."""

    def __init__(self, code: int, said: str, complained: str, out: Path) -> None:
        self.code, self.said, self.complained, self.out = code, said, complained, out

    @property
    def last(self) -> str:
        """The last line of the output."""
        return self.said.splitlines()[-1] if self.said.strip() else ""

    @cached_property
    def report(self) -> Any:
        return json.loads((self.out / "report.json").read_bytes())

    @property
    def facts_of_report(self) -> bytes:
        """The report byte for byte, without its last key."""
        data = (self.out / "report.json").read_bytes()
        assert list(self.report)[-1] == "wall"
        facts, _, _ = data.rpartition(b'\n "wall":')
        return facts

    @property
    def submissions(self) -> list[tuple[int, Submission]]:
        """What was asked of the provider, and when, refused or not."""
        items = read_recording((self.out / "commands.bin").read_bytes())
        return [(item.at_us, item.what) for item in items if isinstance(item.what, Submission)]

    @property
    def events(self) -> list[Event]:
        """What happened."""
        return [decode(data) for data in read_encoded((self.out / "events.bin").read_bytes())]

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.said}{self.complained}"


def begin(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start `todoku` from the repo's root."""
    return subprocess.Popen(
        [sys.executable, "-m", "simulator", *map(str, arguments)],
        cwd=ROOT,
        env={**_ENVIRONMENT, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def finish(process: subprocess.Popen[str], out: Path = ROOT) -> Ran:
    """Wait for its end, but not for ever."""
    try:
        said, complained = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)  # so that its system ends as well
        said, complained = process.communicate(timeout=PATIENCE_S)
        raise AssertionError(f"no end in {PATIENCE_S:g} s\n{said}{complained}") from None
    return Ran(process.returncode, said, complained, out)


def todoku(*arguments: object, **environment: str) -> Ran:
    """Run `todoku` to its end."""
    return finish(begin(*arguments, **environment))


def run(scenario: Path, out: Path, *arguments: object, **environment: str) -> Ran:
    """Run a scenario to its end."""
    return finish(begin("run", scenario, "--out", out, *arguments, **environment), out)


def written(folder: Path, base: dict[str, Any], **sections: Any) -> Path:
    """Write a scenario: `base` with these sections laid over its own; None takes a key away."""
    found = {**base}
    for name, given in sections.items():
        if isinstance(given, dict):
            both = {**base.get(name, {}), **given}
            found[name] = {key: value for key, value in both.items() if value is not None}
        else:
            found[name] = given
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scenario.yaml"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False), "utf-8")
    return path


def misbehaving(folder: Path, name: str, base: dict[str, Any] = JAPAN, **sections: Any) -> Path:
    """Write a scenario for one of the systems in `systems/misbehaving.py`."""
    sut = {"command": f"python {SYSTEMS / 'misbehaving.py'} {name}", **sections.pop("sut", {})}
    return written(folder, base, sut=sut, **sections)


def sut(provider: str, *more: object) -> str:
    """Return the command of the example, as one flag."""
    words = ["python", "-m", "examples.outreach", "--provider", provider, *map(str, more)]
    return shlex.join(words)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be buried does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy."""
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        burner.kill()
        burner.wait()
