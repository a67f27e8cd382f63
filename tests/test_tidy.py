"""Style as a test. Each rule is applied to the house, and to a small bad source: it can fail."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulator.core import command, events, message, person, query
from simulator.engine import log
from tests.tidy import (
    Source,
    banned_calls,
    cyclic_structs,
    impure_core,
    impure_load,
    load_in_simulator,
    machine_addresses,
    message_writers,
    source,
    stray_asyncio,
    too_long,
    unreachable,
    wrong_directions,
)

ROOT = Path(__file__).resolve().parents[1]
STDLIB = frozenset(sys.stdlib_module_names)
# Everything under simulator/ is imported by one of these.
ROOTS = {
    "simulator.cli": "the command",
    "simulator.__main__": "python -m simulator",
    "simulator.testing": "for those who test with us",
    "simulator.pytest_plugin": "loaded by pytest",
    "simulator.engine.replay": "a tool: recordings are replayed by tests and by people",
    "loadtests.gateway": "a locust file",
    "loadtests.system": "a locust file",
}


@cache
def house(*rooms: str) -> tuple[Source, ...]:
    found = []
    for path in sorted(path for room in rooms for path in (ROOT / room).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found.append(Source(name, str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")))
    return tuple(found)


def structs() -> list[type[msgspec.Struct]]:
    return [
        kind
        for module in (message, command, events, query, person, log)
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and kind is not msgspec.Struct
    ]


def test_the_house_is_found() -> None:
    names = {of.module for of in house("simulator")}
    assert names >= {"simulator", "simulator.core.chance", "simulator.engine.gateway"}
    assert len(structs()) > 40


# Imports go one way.


def test_imports_go_the_way_of_the_design() -> None:
    assert wrong_directions(house("simulator", "loadtests", "examples")) == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("simulator.core.text", "from simulator.engine.log import Log"),
        ("simulator.core.text", "from simulator import engine"),
        ("simulator.core.text", "import simulator.errors"),
        ("simulator.core.text", "def f():\n    import simulator.views.inbox"),
        ("simulator.engine.log", "from simulator.web import app"),
        ("simulator.engine.gateway", "from simulator.views.inbox import Inbox"),
        ("simulator.dialects.twilio", "from simulator.engine.store import Store"),
        ("simulator.views.truth", "if TYPE_CHECKING:\n    from simulator.engine.log import View"),
        ("simulator.verify.claims", "import simulator.engine"),
        ("simulator.verify.claims", "from simulator.web.app import make"),
        ("simulator.scenario", "from simulator.run import conductor"),
        ("simulator.web.app", "from simulator.run import conductor"),
        ("simulator.web.app", "from simulator.cli import main"),
        ("simulator.run.conductor", "from tests.worlds import world"),
        ("simulator.load.offer", "from simulator.engine.gateway import Gateway"),
        ("simulator.load.offer", "from simulator.scenario import Scenario"),
        ("simulator.engine.gateway", "from simulator.load.shape import Shape"),
        ("simulator.web.app", "from simulator.load.shape import Shape"),
        ("loadtests.gateway", "from simulator.engine.gateway import Gateway"),
        ("examples.outreach.server", "from simulator.core.text import count"),
    ],
)
def test_an_import_against_the_direction_is_found(module: str, text: str) -> None:
    assert wrong_directions([source(module, text)])


def test_an_import_along_the_direction_is_let_be() -> None:
    assert not wrong_directions(
        [
            source("simulator.engine.log", "from simulator.core import events as ev"),
            source("simulator.engine.world", "from simulator.views.inbox import Inbox"),
            source("simulator.cli", "from simulator import errors\nimport os"),
            source("loadtests.gateway", "from simulator.core.text import count"),
        ]
    )


def test_the_core_is_pure() -> None:
    assert impure_core(house("simulator"), STDLIB) == []


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio",
        "import time",
        "from random import random",
        "import os.path",
        "import logging",
        "import pydantic",
        "def f():\n    from uuid import uuid4",
    ],
)
def test_an_impure_core_is_found(text: str) -> None:
    assert impure_core([source("simulator.core.text", text)], STDLIB)
    assert not impure_core([source("simulator.web.app", text)], STDLIB)


def test_the_offer_is_pure() -> None:
    assert impure_load(house("simulator"), STDLIB) == []


@pytest.mark.parametrize(
    "text", ["import asyncio", "import time", "import gevent", "def f():\n    import locust"]
)
def test_an_impure_offer_is_found(text: str) -> None:
    assert impure_load([source("simulator.load.shape", text)], STDLIB)
    assert not impure_load([source("loadtests.gateway", text)], STDLIB)


def test_asyncio_keeps_to_its_rooms() -> None:
    assert stray_asyncio(house("simulator", "loadtests")) == []


@pytest.mark.parametrize(
    "module",
    [
        "simulator.core.text",
        "simulator.engine.gateway",
        "simulator.dialects.twilio",
        "simulator.views.audit",
        "simulator.verify.claims",
        "simulator.scenario",
        "loadtests.gateway",
    ],
)
@pytest.mark.parametrize("text", ["import asyncio", "from asyncio import sleep", "import uvloop"])
def test_asyncio_outside_them_is_found(module: str, text: str) -> None:
    assert stray_asyncio([source(module, text)])
    assert not stray_asyncio([source("simulator.engine.driver", text)])


def test_the_simulator_knows_no_load_generator() -> None:
    assert load_in_simulator(house("simulator")) == []


@pytest.mark.parametrize("text", ["import locust", "from gevent import sleep", "import loadtests"])
def test_a_load_generator_in_the_simulator_is_found(text: str) -> None:
    assert load_in_simulator([source("simulator.web.app", text)])
    assert not load_in_simulator([source("loadtests.gateway", text)])


def test_every_file_is_used() -> None:
    assert unreachable(house("simulator", "loadtests"), ROOTS) == []


def test_a_file_that_nobody_uses_is_found() -> None:
    used = source("simulator.cli", "from simulator.core import text")
    lost = "simulator/core/lost.py is imported by nothing that runs; delete it or use it"
    rest = [
        source("simulator", ""),
        source("simulator.core", ""),
        source("simulator.core.text", ""),
    ]
    assert unreachable([used, *rest], ROOTS) == []
    assert unreachable([used, *rest, source("simulator.core.lost", "")], ROOTS) == [lost]
    typed = "if TYPE_CHECKING:\n    from simulator.core import lost\n"
    only_typed = source("simulator.cli", f"from simulator.core import text\n{typed}")
    assert unreachable([only_typed, *rest, source("simulator.core.lost", "")], ROOTS) == [lost]


# No clock, no chance, no hidden hand.


def test_the_core_and_the_engine_call_no_clock_and_no_generator() -> None:
    assert banned_calls(house("simulator")) == []


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("import random\nx = random.random()", "chance.draw"),
        ("import random as r\nx = r.Random(1)", "chance.draw"),
        ("from random import choice", "chance.draw"),
        ("import numpy as np\nx = np.random.default_rng()", "chance.draw"),
        ("import os\nx = os.urandom(8)", "chance.draw"),
        ("import time\nx = time.time()", "now_us"),
        ("from time import monotonic", "now_us"),
        ("import time as clock\nx = clock.perf_counter()", "now_us"),
        ("import time\ntime.sleep(1)", "agenda"),
        ("from datetime import datetime\nx = datetime.now()", "now_us"),
        ("import datetime\nx = datetime.datetime.utcnow()", "now_us"),
        ("import datetime as dt\nx = dt.date.today()", "now_us"),
        ("import uuid\nx = uuid.uuid4()", "public_id"),
    ],
)
@pytest.mark.parametrize("module", ["simulator.core.ids", "simulator.engine.gateway"])
def test_a_banned_call_is_found_and_the_replacement_named(
    module: str, text: str, instead: str
) -> None:
    (finding, *_) = banned_calls([source(module, text)])
    assert instead in finding


def test_the_driver_alone_reads_a_clock_and_even_it_does_not_sleep() -> None:
    reads = "import time\nx = time.monotonic_ns()"
    assert not banned_calls([source("simulator.engine.driver", reads)])
    assert not banned_calls([source("simulator.web.app", "import time\nx = time.time()")])
    assert banned_calls([source("simulator.engine.driver", "import time\ntime.sleep(1)")])
    assert banned_calls([source("simulator.engine.driver", "import random\nx = random.random()")])


def test_a_live_message_is_changed_in_one_place() -> None:
    assert message_writers(house("simulator")) == []


@pytest.mark.parametrize(
    "text",
    [
        "message.told = 1",
        "message.pending += 1",
        "call.message.state = 2",
        "a, message.state = 1, 2",
        "message.state: int = 3",
        "for _ in ():\n    message.body = ''",
    ],
)
def test_a_second_hand_on_a_message_is_found(text: str) -> None:
    assert message_writers([source("simulator.engine.gateway", text)])
    assert not message_writers([source("simulator.engine.state", text)])


def test_a_variable_called_message_is_nobodys_business() -> None:
    assert not message_writers(
        [source("simulator.engine.gateway", "message = x.message\nself.m = 1")]
    )


# Values.


def test_no_reference_cycle_can_hide_in_a_per_message_struct() -> None:
    assert cyclic_structs(structs()) == []


class Tracked(msgspec.Struct):
    at: int


class Listed(msgspec.Struct, gc=False):
    many: list[int]


class Mapped(msgspec.Struct, gc=False):
    by_name: dict[str, int]


class Loose(msgspec.Struct, gc=False):
    anything: Any


class Nested(msgspec.Struct, gc=False):
    deep: tuple[Listed, ...]


class Chained(msgspec.Struct, gc=False):
    following: Chained | None


@pytest.mark.parametrize("kind", [Tracked, Listed, Mapped, Loose, Nested, Chained])
def test_a_struct_that_could_hold_a_cycle_is_found(kind: type[msgspec.Struct]) -> None:
    assert cyclic_structs([kind])


# Sizes.


def test_files_and_functions_are_short() -> None:
    assert too_long(house("simulator", "loadtests", "examples")) == []


@pytest.mark.parametrize("lines", [58, 59, 298, 299, 300])
def test_a_long_file_and_a_long_function_are_found(lines: int) -> None:
    flat = source("simulator.x", "x = 1\n" * lines)
    assert bool(too_long([flat])) == (lines >= 300)
    long = source("simulator.x", "async def f():\n" + "    x = 1\n" * min(lines, 200))
    assert bool(too_long([long])) == (lines >= 59)


# What is tracked.


def tracked() -> dict[str, str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout: nobody says which files are ours")
    texts = {}
    for name in listing.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file():
            data = path.read_bytes()
            if b"\0" not in data:
                texts[name] = data.decode("utf-8")
    return texts


def test_no_tracked_file_names_this_machine_or_a_registry() -> None:
    assert len(tracked()) > 50
    assert machine_addresses(tracked()) == []


@pytest.mark.parametrize(
    "line",
    [
        "see /wor" + "k/main/x",
        '"/roo' + 't/.pyenv"',
        "PATH=/hom" + "e/someone",
        "https://pypi" + ".org/simple/",
        "--index" + "-url x",
        "--extra-index" + "-url x",
        "file:///opt/" + "pypi/simple",
    ],
)
def test_an_address_that_means_nothing_elsewhere_is_found(line: str) -> None:
    assert machine_addresses({"a.txt": f"first\n{line}"}) == [
        finding
        for finding in machine_addresses({"a.txt": f"first\n{line}"})
        if "a.txt:2" in finding
    ]
    assert machine_addresses({"a.txt": line})


@pytest.mark.parametrize("line", ["todoku/work/x", "https://example.org/project/todoku", "$HOME/x"])
def test_an_address_of_everyone_is_let_be(line: str) -> None:
    assert not machine_addresses({"a.txt": line})
