"""What the end of the suite says, whichever process it was that found it out.

Tests run in two processes (`make test`): each hands its words to the one that talks to the
terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS = pytest.StashKey[list[str]]()
_FIELD = "todoku_last_words"


def say(config: pytest.Config, lines: Iterable[str]) -> None:
    """Have these lines printed after the last test; a line is printed once."""
    said = config.stash.setdefault(_WORDS, [])
    said.extend(line for line in dict.fromkeys(lines) if line not in said)


def hand_over(config: pytest.Config) -> None:
    """In a process that runs tests for another: give it the words."""
    if hasattr(config, "workeroutput"):
        config.workeroutput[_FIELD] = config.stash.get(_WORDS, [])


def take(config: pytest.Config, node: Any) -> None:
    """Take the words of a process that is done; one that died has none."""
    say(config, getattr(node, "workeroutput", {}).get(_FIELD, []))


def spoken(config: pytest.Config) -> list[str]:
    """Return all the lines, in the order they came."""
    return config.stash.get(_WORDS, [])
