"""YAML without its surprises: every scalar stays the text that was written, and nothing is hidden.

The one rule: no implicit typing, so that `+15550001111`, `0009`, `22:30:00`, `NO` and `1e3` remain
what they are; the schema gives types. Duplicate keys, anchors, aliases, tags, a second document and
keys that are not plain text are refused, and so is a file that is too large, too deep or not UTF-8.
It is built from the parser's events with a stack of our own: nesting cannot exhaust Python's.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

import yaml

from simulator.errors import ConfigError, Problem, dotted, shown

if TYPE_CHECKING:
    import pathlib

    from simulator.errors import KeyPath

BYTES_MAX = 1024 * 1024
DEPTH_MAX = 32
NODES_MAX = 20_000

Node: TypeAlias = "str | list[Node] | dict[str, Node]"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is some 15 times faster
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NEVER_TEXT = re.compile("[\0\ud800-\udfff]")


class Document(NamedTuple):
    """What a file says, where it says it, and what is wrong that did not stop the reading.

    `positions` holds for each path the line and column, from 1, of its key, or of the item in a
    list; `()` is the root.
    """

    tree: Node
    positions: dict[KeyPath, tuple[int, int]]
    problems: tuple[Problem, ...]


def load(path: pathlib.Path) -> Document:
    """Read and parse a file.

    Raises:
        ConfigError: anything at all is wrong with it.
    """
    document = parse(read_text(path), str(path))
    if document.problems:
        raise ConfigError(document.problems)
    return document


def parse(text: str, file: str) -> Document:
    """Parse one YAML document.

    Args:
        text: what `read_text` or `decode` returned.
        file: its name, for messages.

    Returns:
        The tree; duplicate keys, anchors, aliases and tags are in its `problems`.

    Raises:
        ConfigError: nothing after the fault can be read.
    """
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise ConfigError([*builder.problems, _syntax_problem(error, text, file)]) from None
    if not builder.documents:
        raise ConfigError([Problem("", "the file is empty: write keys and values", file, 1, 1)])
    return Document(builder.root, builder.positions, tuple(builder.problems))


def read_text(path: pathlib.Path) -> str:
    """Read a file of at most `BYTES_MAX` bytes of UTF-8; TOML files too.

    Raises:
        ConfigError: it cannot be read, is too large, or is not text.
    """
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError([Problem("", f"cannot be read: {reason}", str(path))]) from error
    return decode(data, str(path))


def decode(data: bytes, file: str) -> str:
    """Turn a file's bytes into text.

    Raises:
        ConfigError: too large, not UTF-8, or binary; with line and column.
    """
    if len(data) > BYTES_MAX:
        message = f"the file is larger than {BYTES_MAX} bytes (1 MiB): make it smaller"
        raise ConfigError([Problem("", message, file)])
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        message = (
            f"not UTF-8: byte 0x{data[error.start]:02x} (Windows-1252, Shift_JIS or UTF-16?); "
            "save the file as UTF-8"
        )
        raise ConfigError([Problem("", message, file, *_line_column(before))]) from None
    found = _UNPRINTABLE.search(text)
    if found:
        message = f"a binary file? character U+{ord(found[0]):04X} is not text; remove it"
        place = _line_column(text[: found.start()])
        raise ConfigError([Problem("", message, file, *place)])
    return text


def _line_column(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return Problem("", f"not YAML: {error}", file)
    lines = text.splitlines()
    indent = re.match(r"\s*", lines[mark.line] if mark.line < len(lines) else "")
    if indent and "\t" in indent[0]:
        column = indent[0].index("\t") + 1
        return Problem("", "a tab indents this line: use spaces", file, mark.line + 1, column)
    said = [getattr(error, name, None) for name in ("problem", "context")]
    message = f"not YAML: {' '.join(part for part in said if part)}"
    return Problem("", message, file, mark.line + 1, mark.column + 1)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read."""

    node: list[Node] | dict[str, Node]
    path: KeyPath
    key: str | None = None
    duplicate: bool = False


@dataclass(slots=True)
class _Builder:
    """Folds parser events into a tree; the stack is `nest`."""

    file: str
    root: Node = ""
    positions: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    documents: int = 0
    nodes: int = 0
    nest: list[_Open] = field(default_factory=list)

    def take(self, event: yaml.Event) -> None:
        """Fold one event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(event, "a second document starts here: a scenario is one document")
        elif isinstance(event, yaml.CollectionEndEvent):
            self.nest.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)

    def _node(self, event: yaml.NodeEvent) -> None:
        self.nodes += 1
        if self.nodes > NODES_MAX:
            self._stop(event, f"more than {NODES_MAX} keys and values: make the file smaller")
        self._refuse_hidden(event)
        inside = self.nest[-1] if self.nest else None
        if inside and isinstance(inside.node, dict) and inside.key is None:
            self._key(inside, event)
            return
        value: Node = ""
        if isinstance(event, yaml.ScalarEvent):
            value = event.value
            if _NEVER_TEXT.search(value):
                self._note(event, "an escape for NUL or for half a character is refused: remove it")
        elif isinstance(event, yaml.CollectionStartEvent):
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._place(inside, value, event)
        if not isinstance(value, str):
            if len(self.nest) >= DEPTH_MAX:
                self._stop(event, f"nested deeper than {DEPTH_MAX} levels: make it flatter")
            self.nest.append(_Open(value, path))

    def _key(self, inside: _Open, event: yaml.NodeEvent) -> None:
        assert isinstance(inside.node, dict), "only mappings have keys"
        if not isinstance(event, yaml.ScalarEvent):
            self._stop(event, "a key must be plain text, not a list, a mapping or an alias")
        inside.key = event.value
        inside.duplicate = event.value in inside.node
        path = (*inside.path, inside.key)
        if inside.duplicate:
            line, _ = self.positions[path]
            self._note(
                event, f"the key {shown(inside.key)} stands twice, first in line {line}", path
            )
        else:
            self.positions.setdefault(path, _position(event))

    def _place(self, inside: _Open | None, value: Node, event: yaml.NodeEvent) -> KeyPath:
        if inside is None:
            self.root = value
            self.positions[()] = _position(event)
            return ()
        if isinstance(inside.node, list):
            path: KeyPath = (*inside.path, len(inside.node))
            inside.node.append(value)
            self.positions.setdefault(path, _position(event))
            return path
        assert inside.key is not None, "a value has a key"
        path = (*inside.path, inside.key)
        if not inside.duplicate:
            inside.node[inside.key] = value
        inside.key = None
        return path

    def _refuse_hidden(self, event: yaml.NodeEvent) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._note(event, f"the alias *{event.anchor} is refused: write the value out")
        elif event.anchor is not None:
            self._note(event, f"the anchor &{event.anchor} is refused: write values out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._note(event, f"the tag {shown(tag)} is refused: values are plain text")

    def _note(self, event: yaml.Event, message: str, path: KeyPath = ()) -> None:
        self.problems.append(Problem(dotted(path), message, self.file, *_position(event)))

    def _stop(self, event: yaml.Event, message: str) -> NoReturn:
        self._note(event, message)
        raise ConfigError(self.problems)


def _position(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark is not None, "the parser marks every event"
    return event.start_mark.line + 1, event.start_mark.column + 1
