"""The commands in the pages: found, and made into scripts by the rules of CONTRIBUTING.md."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FENCE = re.compile(
    r"^(?P<indent>[ \t]*)```(?P<kind>[^\n`]*)\n(?P<text>.*?)^[ \t]*```[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_NOT_RUN = re.compile(r"\s# not run: (?P<why>\S.*)$")
_EXIT = re.compile(r"\s# exit (?P<code>\d+)$")
_SERVE = re.compile(r"^\s*todoku serve\b(?!.*&\s*$)")
RUN = ("sh", "python")
REFUSED = ("bash", "shell", "console", "shell-session", "zsh", "terminal", "py", "python3")
_LOOKS_LIKE_ONE = re.compile(r"^\s*(\$ |todoku |curl |pip |make |docker )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page: `line` is where its first line stands, from 1."""

    kind: str
    text: str
    line: int
    not_run: list[str] = field(default_factory=list)

    def script(self) -> str:
        """Return what is run, noting what is not."""
        if self.kind == "python":
            first, _, _ = self.text.partition("\n")
            if found := _NOT_RUN.search(" " + first):
                self.not_run.append(f"python: {found['why']}")
                return ""
            return self.text
        lines = [self._line(line) for line in _logical(self.text)]
        return "\n".join(line for line in lines if line)

    def _line(self, line: str) -> str:
        if found := _NOT_RUN.search(line):
            self.not_run.append(f"{line[: found.start()].strip()}: {found['why']}")
            return ""
        if found := _EXIT.search(line):
            return _EXPECTED.format(line=line[: found.start()], code=found["code"])
        return _SERVED.format(line=line.split(" #", maxsplit=1)[0]) if _SERVE.search(line) else line


_EXPECTED = """\
set +e
{line}
seen=$?
set -e
[ "$seen" = {code} ] || {{ echo "exit $seen, not {code}" >&2; exit 97; }}"""
_SERVED = """\
{line} >served.log 2>&1 &
served=$!
until grep -q '^state' served.log; do
  kill -0 $served || {{ cat served.log >&2; exit 98; }}
  sleep 0.05
done
kill $served
wait $served"""


def _logical(text: str) -> Iterator[str]:
    """Yield lines, those that end in a backslash together with the next."""
    held = ""
    for line in text.splitlines():
        held += line
        if line.endswith("\\"):
            held += "\n"
            continue
        yield held
        held = ""
    if held:
        yield held


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page that are run.

    Raises:
        AssertionError: a block looks like commands and is not fenced as such.
    """
    text, found = page.read_text("utf-8"), []
    for match in _FENCE.finditer(text):
        kind, line = match["kind"].strip(), text.count("\n", 0, match.start()) + 2
        where = f"{page.name}:{line}"
        assert kind.split()[:1] not in [[word] for word in REFUSED], f"{where}: write ```sh"
        if kind in RUN:
            found.append(Block(kind, textwrap.dedent(match["text"]), line))
        elif not kind:
            assert not _LOOKS_LIKE_ONE.search(match["text"]), f"{where}: commands? write ```sh"
    return found


def inline_commands(page: Path) -> list[list[str]]:
    """Return the words of every `todoku ...` in running text."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    return [span.split() for span in re.findall(r"`(todoku [^`]+)`", text)]
