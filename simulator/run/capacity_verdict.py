"""What a search for the knee comes to: an exit code, and the line that says which, in words.

The one rule: without `--at-least` only a knee passes. With it the question is another one: a rate
that was met answers it, wherever the knee may be.
"""

from __future__ import annotations

from simulator.errors import ExitCode
from simulator.load.finder import End, Found
from simulator.verify.verdict import HEADS


def verdict(
    found: Found | None, at_least: float | None, why: str = "", *, interrupted: bool = False
) -> tuple[ExitCode, str]:
    """Return the exit code of a search, and its last line.

    Args:
        found: None: it did not come to its end.
        at_least: what the knee was asked to be at least, a second; None: nothing was asked.
        why: what the bottleneck was, in words.
        interrupted: it was stopped by hand.
    """
    code = _code(found, at_least, interrupted=interrupted)
    said = [found.words if found else "the search did not come to its end"]
    if at_least is not None and code in {ExitCode.OK, ExitCode.FAILED}:
        answer = "is met" if code is ExitCode.OK else "is not"
        said.insert(0, f"at least {at_least:g}/s was asked, and {answer}")
    if why:
        said.append(why)
    return code, f"{HEADS[code]}: {'; '.join(said)}"


def _code(found: Found | None, at_least: float | None, *, interrupted: bool) -> ExitCode:
    if interrupted or found is None:
        return ExitCode.INTERRUPTED
    if at_least is None:
        return ExitCode.OK if found.end is End.KNEE else ExitCode.PROVES_NOTHING
    if found.knee is not None and found.knee >= at_least:
        return ExitCode.OK
    if found.fails_at is not None and found.fails_at <= at_least:
        return ExitCode.FAILED
    return ExitCode.PROVES_NOTHING
