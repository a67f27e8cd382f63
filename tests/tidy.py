"""The house rules that a machine can check; `tests/test_tidy.py` applies them.

Each rule takes sources and returns findings, one line each: where, what was seen, what to do.
"""

from __future__ import annotations

import ast
import re
import types
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FILE_LINES, FUNCTION_LINES = 300, 60  # both are to stay under these

# Who may import whom, by the longest prefix; design.md section 3.
_EDGE = (
    *("errors", "quantities", "strict_yaml", "scenario_overlays", "scenario_claims_checks"),
    *("scenario_expect", "scenario_expect_checks", "scenario_checks", "accounts"),
    *("scenario_claims", "verdicts", "rules", "scenario_load_checks", "scenario_load"),
    *("policy_sets", "policy_checks", "scenario_policy", "scenario_plan", "scenario", "settings"),
)
_MODEL = ("core", "engine", "dialects", "views", "verify")
DIRECTION: Mapping[str, tuple[str, ...]] = {
    "simulator.core": ("simulator.core",),
    "simulator.engine": ("simulator.core", "simulator.engine"),
    # The one place that puts a gateway and its views together.
    "simulator.engine.world": ("simulator.core", "simulator.engine", "simulator.views"),
    "simulator.dialects": ("simulator.core", "simulator.dialects"),
    "simulator.views": ("simulator.core", "simulator.views"),
    "simulator.plan": ("simulator.core", "simulator.plan"),
    "simulator.verify": (
        "simulator.core",
        "simulator.verify",
        *(f"simulator.{name}" for name in ("errors", "quantities", "scenario", "scenario_expect")),
        *(f"simulator.{name}" for name in ("policy_checks", "scenario_policy")),
    ),
    **{
        f"simulator.{name}": ("simulator.core", *(f"simulator.{other}" for other in _EDGE[:place]))
        for place, name in enumerate(_EDGE)
    },
    # What a load is and what came of it: read by gevent's processes and by asyncio's.
    "simulator.load": (
        "simulator.core",
        "simulator.load",
        *(f"simulator.{name}" for name in ("errors", "quantities")),
    ),
    "simulator.web": ("simulator.web", *(f"simulator.{name}" for name in (*_EDGE, *_MODEL))),
    "simulator.run": (
        "simulator.run",
        "simulator.web",
        "simulator.plan",
        "simulator.load",
        *(f"simulator.{name}" for name in (*_EDGE, *_MODEL)),
    ),
    "simulator": ("simulator",),
    "loadtests": (
        "loadtests",
        *(
            f"simulator.{name}"
            for name in ("core", "load", "verify", "scenario", "scenario_expect", "errors")
        ),
        "simulator.quantities",
    ),
    "examples": ("examples",),  # a stranger to us, as every system under test
}
OURS = ("simulator", "loadtests", "examples", "tests", "benchmarks")
CORE_MAY_USE = frozenset({"msgspec", "numpy", "xxhash"})
LOAD_MAY_USE = frozenset({"msgspec", "numpy", "hdrh"})
CORE_MAY_NOT_USE = frozenset({"asyncio", "time", "random", "os", "logging", "uuid", "secrets"})
ASYNCIO_IN = (
    "simulator.engine.driver",
    "simulator.web",
    "simulator.run",
    "simulator.testing",
    "simulator.cli",
)
_VERSION = "simulator.__version__"
NEVER_IN_SIMULATOR = frozenset({"locust", "gevent", "loadtests", "examples", "tests"})

_ARGUMENT = "take `now_us` as an argument; only the driver and the socket edges read a clock"
_DRAW = "derive it: chance.draw(seed, key, purpose, nth)"
BANNED_CALLS: Mapping[str, str] = {
    "random": _DRAW,
    "secrets": _DRAW,
    "numpy.random": _DRAW,
    "os.urandom": _DRAW,
    "time.time": _ARGUMENT,
    "time.time_ns": _ARGUMENT,
    "time.monotonic": _ARGUMENT,
    "time.monotonic_ns": _ARGUMENT,
    "time.perf_counter": _ARGUMENT,
    "time.sleep": "put a step on the agenda; only the driver sleeps",
    "datetime.datetime.now": _ARGUMENT,
    "datetime.datetime.utcnow": _ARGUMENT,
    "datetime.datetime.today": _ARGUMENT,
    "datetime.date.today": _ARGUMENT,
    "uuid.uuid1": "derive it: ids.public_id(key, epoch)",
    "uuid.uuid4": "derive it: ids.public_id(key, epoch)",
}
_TIMELESS = ("simulator.core", "simulator.engine", "simulator.plan")
CLOCK_READERS = frozenset({"simulator.engine.driver"})


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: its module name, path and text."""

    module: str
    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parse(self.text)


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


def source(module: str, text: str) -> Source:
    """Make a source that is in no file, for trying a rule."""
    return Source(module, module.replace(".", "/") + ".py", text)


def within(module: str, prefix: str) -> bool:
    """Tell whether a module is `prefix` or inside it."""
    return module == prefix or module.startswith(prefix + ".")


# Imports.


def imports(of: Source, *, typing_too: bool = True) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of every import, at any depth; `from a import b` yields a and a.b."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(of.tree):
        if node in skipped:
            continue
        if (
            not typing_too
            and isinstance(node, ast.If)
            and "TYPE_CHECKING" in ast.unparse(node.test)
        ):
            skipped.update(inner for part in node.body for inner in ast.walk(part))
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def wrong_directions(sources: Iterable[Source]) -> list[str]:
    """Find imports against the direction of dependency."""
    found = []
    for of in sources:
        prefix = max((p for p in DIRECTION if within(of.module, p)), key=len)
        for line, module in imports(of):
            ours = module.split(".")[0] in OURS and module not in {"simulator", _VERSION}
            if ours and not any(within(module, p) for p in (*DIRECTION[prefix], of.module)):
                allowed = ", ".join(DIRECTION[prefix])
                found.append(f"{of.path}:{line} imports {module}; {prefix} may import {allowed}")
    return found


def impure_core(sources: Iterable[Source], stdlib: frozenset[str]) -> list[str]:
    """Find what the core imports besides the standard library and its three helpers."""
    found = []
    for of in sources:
        pure_room = any(within(of.module, room) for room in ("simulator.core", "simulator.plan"))
        for line, module in imports(of) if pure_room else ():
            top = module.split(".")[0]
            pure = top in CORE_MAY_USE or top in OURS or top in stdlib - CORE_MAY_NOT_USE
            if not pure:
                found.append(f"{of.path}:{line} imports {module}; the core is pure: pass it in")
    return found


def stray_asyncio(sources: Iterable[Source]) -> list[str]:
    """Find asyncio outside the rooms it may live in."""
    return [
        f"{of.path}:{line} imports {module}; asyncio lives in {', '.join(ASYNCIO_IN)} only"
        for of in sources
        if not within(of.module, "examples") and not any(within(of.module, p) for p in ASYNCIO_IN)
        for line, module in imports(of)
        if module.split(".")[0] in {"asyncio", "uvloop"} and module in {"asyncio", "uvloop"}
    ]


def load_in_simulator(sources: Iterable[Source]) -> list[str]:
    """Find the load generator, or what is built on us, inside the simulator."""
    return [
        f"{of.path}:{line} imports {module}; a process with gevent in it is not the simulator's"
        for of in sources
        if within(of.module, "simulator")
        for line, module in imports(of)
        if module.split(".")[0] in NEVER_IN_SIMULATOR
    ]


def impure_load(sources: Iterable[Source], stdlib: frozenset[str]) -> list[str]:
    """Find what the offer imports that would tie it to one kind of process, or to a clock."""
    return [
        f"{of.path}:{line} imports {module}; simulator/load is read by gevent and by asyncio: "
        "pass it in"
        for of in sources
        if within(of.module, "simulator.load")
        for line, module in imports(of)
        if (top := module.split(".")[0]) not in LOAD_MAY_USE | frozenset(OURS)
        and top not in stdlib - CORE_MAY_NOT_USE
    ]


def unreachable(sources: Iterable[Source], roots: Iterable[str]) -> list[str]:
    """Find modules that no root imports, directly or not; imports for typing do not count."""
    by_name = {of.module: of for of in sources}
    seen: set[str] = set()
    edge = [root for root in roots if root in by_name]
    while edge:
        name = edge.pop()
        if name in seen:
            continue
        seen.add(name)
        parts = name.split(".")
        parents = (".".join(parts[:n]) for n in range(1, len(parts)))
        asked = (module for _, module in imports(by_name[name], typing_too=False))
        edge += [module for module in (*parents, *asked) if module in by_name]
    return [
        f"{by_name[name].path} is imported by nothing that runs; delete it or use it"
        for name in sorted(set(by_name) - seen)
    ]


# What is written inside.


def banned_calls(sources: Iterable[Source]) -> list[str]:
    """Find clocks, generators and random ids in the core and the engine."""
    found = []
    for of in sources:
        if not any(within(of.module, p) for p in _TIMELESS):
            continue
        for line, name in _names(of.tree):
            banned = next((b for b in BANNED_CALLS if within(name, b)), None)
            clock = banned is not None and BANNED_CALLS[banned] is _ARGUMENT
            if banned is not None and not (clock and of.module in CLOCK_READERS):
                found.append(f"{of.path}:{line} uses {name}; {BANNED_CALLS[banned]}")
    return sorted(set(found))


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every dotted name as it would be written in full."""
    alias: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            alias.update((a.asname, a.name) for a in node.names if a.asname)
        elif isinstance(node, ast.ImportFrom):
            alias.update((a.asname or a.name, f"{node.module}.{a.name}") for a in node.names)
            yield from ((node.lineno, f"{node.module}.{a.name}") for a in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, dot, rest = ast.unparse(node).partition(".")
            yield node.lineno, alias.get(first, first) + dot + rest


def message_writers(sources: Iterable[Source]) -> list[str]:
    """Find who changes a live message besides `engine/state.py`."""
    found = []
    for of in sources:
        if of.module == "simulator.engine.state":
            continue
        for node in ast.walk(of.tree):
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, ast.AugAssign | ast.AnnAssign):
                targets = [node.target]
            found += [
                f"{of.path}:{target.lineno} writes {ast.unparse(target)}; emit a fact, and let "
                "engine/state.py change the message"
                for target in targets
                for target in ast.walk(target)
                if isinstance(target, ast.Attribute)
                and isinstance(target.ctx, ast.Store)
                and _is_message(target.value)
            ]
    return found


def _is_message(owner: ast.expr) -> bool:
    if isinstance(owner, ast.Attribute):
        return owner.attr == "message"
    return isinstance(owner, ast.Name) and owner.id == "message"


def too_long(sources: Iterable[Source]) -> list[str]:
    """Find files and functions that are too long to be read at once."""
    found = []
    for of in sources:
        lines = of.text.count("\n")
        if lines >= FILE_LINES:
            found.append(f"{of.path} has {lines} lines, not under {FILE_LINES}; split it")
        for node in ast.walk(of.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines >= FUNCTION_LINES:
                    found.append(
                        f"{of.path}:{node.lineno} {node.name} has {lines} lines, not under "
                        f"{FUNCTION_LINES}; split it"
                    )
    return found


_MACHINE = re.compile(
    "|".join(
        [
            r"(?<![\w.$}])/" + "(?:work|root|home)" + r"/[\w.]",
            "pypi" + r"\.org/simple",
            "python" + r"hosted\.org",
            r"/opt/" + "pypi",
            "--(?:extra-)?" + "index-url",
            "--" + "find-links",
        ]
    )
)


def machine_addresses(texts: Mapping[str, str]) -> list[str]:
    """Find paths of the machine this was written on, and addresses of package registries."""
    return [
        f"{path}:{number} names {match[0]!r}; it means nothing elsewhere: leave it out"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := _MACHINE.search(line))
    ]


# Values.

_PLAIN = frozenset({int, float, bool, str, bytes, type(None)})


def cyclic_structs(kinds: Iterable[type[msgspec.Struct]]) -> list[str]:
    """Find per-message structs in whose fields a reference cycle could hide, uncollected."""
    found = []
    for kind in kinds:
        if kind.__struct_config__.gc:
            found.append(f"{kind.__name__} is tracked by the collector; say gc=False")
        for field, hint in get_type_hints(kind).items():
            if wrong := _not_plain(hint, (kind,)):
                found.append(
                    f"{kind.__name__}.{field} holds {wrong}; only int, float, bool, str, bytes, "
                    "None, Enum, another such struct and tuples of these cannot hide a cycle"
                )
    return found


def _not_plain(hint: Any, inside: tuple[type, ...]) -> str:
    """Return what in a type hint may hold a cycle, or nothing."""
    if hint in _PLAIN or (isinstance(hint, type) and issubclass(hint, Enum)):
        return ""
    if get_origin(hint) in {tuple, Union, types.UnionType}:
        parts = (part for part in get_args(hint) if part is not Ellipsis)
        return next((wrong for part in parts if (wrong := _not_plain(part, inside))), "")
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        if hint in inside:
            return f"{hint.__name__} inside itself"
        fields = get_type_hints(hint).values()
        deeper = (*inside, hint)
        return next((wrong for part in fields if (wrong := _not_plain(part, deeper))), "")
    return getattr(hint, "__name__", None) or str(hint)
