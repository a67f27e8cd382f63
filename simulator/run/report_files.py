"""Where a report goes besides its folder: files that were asked for, and GitHub where we are there.

The one rule: whether a file can be written is found out before the run, not after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.errors import UsageError
from simulator.run.report_github import Github, add_to_summary, commands_for
from simulator.run.report_junit import junit
from simulator.run.report_markdown import markdown

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the command line asks for; None: not wanted."""

    json: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
    github: Github = field(default_factory=Github)


def prepare(out: Path, outputs: Outputs) -> None:
    """Make the run's folder, and see that every file can be written.

    Raises:
        UsageError: one cannot.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {error.strerror}") from None
    touch(outputs)


def touch(outputs: Outputs) -> None:
    """See that every file can be written, and leave nothing of an earlier run in it.

    Raises:
        UsageError: one cannot.
    """
    for file in (outputs.json, outputs.junit, outputs.markdown):
        if file is not None:
            write(file, b"")


def write_all(report: dict[str, Any], outputs: Outputs) -> None:
    """Write a report everywhere it was asked for; print annotations where they are read."""
    if outputs.json is not None:
        write(outputs.json, encoded(report))
    if outputs.junit is not None:
        write(outputs.junit, junit([report]))
    if outputs.markdown is not None or outputs.github.summary is not None:
        page = markdown(report)
        if outputs.markdown is not None:
            write(outputs.markdown, page.encode())
        if outputs.github.summary is not None:
            add_to_summary(outputs.github.summary, page)
    if outputs.github.annotates:
        for line in commands_for(report):
            print(line)


def encoded(report: dict[str, Any]) -> bytes:
    """Write a document as JSON for people and programs."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def write(file: Path, data: bytes) -> None:
    """Write a report.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None
