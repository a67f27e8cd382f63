"""What a GitHub workflow shows by itself: annotations, and a page in the step's summary.

The one rule: GitHub's limits are kept here and not found out there. Of one step it shows ten errors
and ten warnings, and its summary holds a megabyte, or is not shown at all. What is written after
`::error` is escaped, so that no system under test can give the workflow a command.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import UsageError
from simulator.run.report_cases import cases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ANNOTATIONS_MAX = 10  # of each level, by step
SUMMARY_BYTES_MAX = 1024 * 1024
MESSAGE_CHARS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Github:
    """Where this process runs: in a workflow (`annotates`), with a summary's file or None."""

    annotates: bool = False
    summary: Path | None = None


def github_of(environment: Mapping[str, str] = os.environ) -> Github:
    """Return what the environment says; outside of a workflow it says nothing."""
    summary = environment.get("GITHUB_STEP_SUMMARY")
    annotates = environment.get("GITHUB_ACTIONS") == "true"
    return Github(annotates, Path(summary) if summary else None)


def commands_for(report: dict[str, Any]) -> list[str]:
    """Return workflow commands for one report: what fails it, then what it warns of."""
    errors = [(report["scenario"]["name"], why) for why in report["validity"]["why"]]
    warnings: list[tuple[str, str]] = []
    for result in cases(report):
        if not result["holds"] and result["outcome"] != "not_judged":
            found = warnings if result["level"] == "warn" else errors
            found.append((result["name"], result["words"]))
    findings = report["findings"]
    if findings["count"]:
        first = findings["rows"][0]
        words = f"{findings['count']:,} findings; the first: {first['kind']}: {first['words']}"
        (warnings if findings["allowed"] else errors).append(("findings", words))
    return [*_commands("error", errors), *_commands("warning", warnings)]


def _commands(level: str, found: list[tuple[str, str]]) -> Iterator[str]:
    room = ANNOTATIONS_MAX if len(found) <= ANNOTATIONS_MAX else ANNOTATIONS_MAX - 1
    for title, words in found[:room]:
        yield command(level, title, words)
    if len(found) > room:
        yield command(level, "and more", f"{len(found) - room} more are in the step's summary")


def command(level: str, title: str, words: str) -> str:
    """Write one annotation; every character that means something to GitHub is escaped."""
    name = _escaped(title[:MESSAGE_CHARS_MAX]).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{_escaped(words[:MESSAGE_CHARS_MAX])}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def add_to_summary(file: Path, page: str) -> None:
    """Append a page to the step's summary, while there is room in it.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        there = file.stat().st_size if file.exists() else 0
        if there + len(page.encode()) < SUMMARY_BYTES_MAX:
            with file.open("a", encoding="utf-8") as summary:
                summary.write(page)
    except OSError as error:
        raise UsageError(f"cannot write GITHUB_STEP_SUMMARY {file}: {error.strerror}") from None
