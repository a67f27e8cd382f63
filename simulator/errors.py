"""Every way Todoku can refuse or give up, and the exit code of each.

    TodokuError              1
    ├── UsageError           2   the command line asks for what cannot be done
    ├── ConfigError          2   a file, a flag or a variable is wrong; carries every Problem found
    └── ProvesNothing        3   the run is over and says nothing about the system under test
        └── ClaimsError      3   what it claims cannot be read (verify/claims.py)

What a client does wrong is a value (`Rejection`), what we do wrong is an `assert`: neither is here.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

KeyPath: TypeAlias = tuple[str | int, ...]

PROBLEMS_LISTED_MAX = 100
PROBLEMS_TOLD_MAX = 1000
SHOWN_CHARS_MAX = 60
BITS_SHOWN_MAX = 256
SECRET_KEYS = frozenset({"secret", "token", "api_keys"})


class ExitCode(IntEnum):
    """What the process ends with; the last line of output says it in words."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PROVES_NOTHING = 3
    INTERRUPTED = 130


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that stands for several: 130 > 2 > 3 > 1 > 0."""
    return max(codes, key=_GRAVITY.index, default=ExitCode.OK)


_GRAVITY = (
    ExitCode.OK,
    ExitCode.FAILED,
    ExitCode.PROVES_NOTHING,
    ExitCode.USAGE,
    ExitCode.INTERRUPTED,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in what the operator wrote.

    Attributes:
        path: the key, as in `accounts[0].price.tax`; empty for the whole.
        message: what is wrong, what was seen, what to do.
        file: the file, the flag or the environment variable it was read from.
        line: from 1, where known.
        column: from 1, in characters, where known.
        code: what kind of problem it is, as machines call it; empty where it has no name.
    """

    path: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    code: str = ""

    def __str__(self) -> str:
        where = ":".join(str(p) for p in (self.file, self.line, self.column) if p is not None)
        return ": ".join(part for part in (where, self.path, self.message) if part)


class TodokuError(Exception):
    """The root: whatever Todoku raises on purpose. The command prints it without a traceback."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class UsageError(TodokuError):
    """The command line asks for what cannot be done."""

    exit_code = ExitCode.USAGE


class ConfigError(TodokuError):
    """The operator's files, flags or variables are wrong: every problem found, in reading order."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=_reading_order))
        assert self.problems, "a ConfigError without a problem"
        listed = [f"  {p}" for p in self.problems[:PROBLEMS_LISTED_MAX]]
        if len(self.problems) > PROBLEMS_LISTED_MAX:
            listed.append(f"  ... and {len(self.problems) - PROBLEMS_LISTED_MAX} more")
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{count}:", *listed]))


class ProvesNothing(TodokuError):  # noqa: N818 - a verdict on a run, named as the verdict is
    """The run ended, but nothing can be concluded from it."""

    exit_code = ExitCode.PROVES_NOTHING

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def _reading_order(problem: Problem) -> tuple[str, int, int, str, str]:
    return (
        problem.file or "",
        problem.line or 0,
        problem.column or 0,
        problem.path,
        problem.message,
    )


def dotted(path: Sequence[str | int]) -> str:
    """Write a path as people say it: `accounts[0].price.tax`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def shown(value: object) -> str:
    """Write what was seen, short, on one line, with control characters escaped."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value == "":
        return "nothing"
    if isinstance(value, int) and value.bit_length() > BITS_SHOWN_MAX:
        return "a huge number"
    if isinstance(value, str) and len(value) > SHOWN_CHARS_MAX:
        return f"{value[:SHOWN_CHARS_MAX]!r}... ({len(value)} characters)"
    return repr(value)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word, or list them: "did you mean x?" or "known: a, b, c"."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1) if len(word) <= SHOWN_CHARS_MAX else []
    if close:
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(words)}" if words else "none is known here"


def problems_of(
    error: ValidationError, schema: Mapping[str, Any], problem_at: Callable[[KeyPath, str], Problem]
) -> list[Problem]:
    """Turn what pydantic says into what we say.

    Args:
        error: from `model_validate`.
        schema: the model's JSON Schema, for the names of the keys that exist.
        problem_at: puts file, line and column to a path and a message.
    """
    problems = []
    for detail in error.errors(include_url=False)[:PROBLEMS_TOLD_MAX]:
        path, kind, limits = detail["loc"], detail["type"], detail.get("ctx", {})
        # These two only follow from other problems in the same list.
        if kind == "default_factory_not_called":
            continue
        if kind == "too_short" and len(detail["input"]) >= limits["min_length"]:
            continue
        if path[-1:] == (_KEY_MARK,):
            path = path[:-1]
        problems.append(problem_at(path, _say(detail, path, schema)))
    return problems


_KEY_MARK = "[key]"  # pydantic's last step where a dict's key is wrong itself


def _say(detail: ErrorDetails, path: KeyPath, schema: Mapping[str, Any]) -> str:
    seen, limits, kind = shown(detail["input"]), detail.get("ctx", {}), detail["type"]
    last = path[-1] if path else ""
    if kind == "missing":
        return "is missing: add it"
    if kind == "extra_forbidden":
        return f"unknown key {shown(last)}; {did_you_mean(str(last), _keys(schema, path[:-1]))}"
    if kind == "value_error":
        return str(limits["error"])
    if not SECRET_KEYS.isdisjoint(path):
        seen = "(a secret, not shown)"
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", limits["expected"])
        return f"unknown value {seen}; {did_you_mean(str(detail['input']), options)}"
    template = _SAYINGS.get(kind, detail["msg"])
    return f"{template.format_map(limits)}; seen {seen}"


def _keys(schema: Mapping[str, Any], path: KeyPath) -> Iterable[str]:
    node: Any = schema
    for step in path:
        if "anyOf" in node:  # something, or null
            node = node["anyOf"][0]
        node = node["items"] if isinstance(step, int) else node["properties"][step]
        while "anyOf" in node or "$ref" in node:  # a section that may be null, or a short text
            if "$ref" in node:
                node = schema["$defs"][node["$ref"].rpartition("/")[2]]
            else:
                some = [each for each in node["anyOf"] if each.get("type") != "null"]
                node = next((each for each in some if each.get("type") != "string"), some[0])
    return list(node["properties"])


_SAYINGS = {
    "model_type": "expected a mapping of keys and values",
    "dict_type": "expected a mapping of keys and values",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "string_type": "expected text",
    "string_unicode": "expected text without halves of characters",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a number",
    "bool_type": "expected true or false",
    "string_pattern_mismatch": "expected text of the form {pattern}",
    "string_too_short": "expected at least {min_length} character(s)",
    "string_too_long": "expected at most {max_length} characters",
    "too_short": "expected at least {min_length} of them",
    "too_long": "expected at most {max_length} of them",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}
