"""A run against an earlier one: an expectation may hold and yet have become worse.

The one rule: worse is what the expectation itself says: less where it wants at least, more where it
wants at most. `equals` and `between` say all that there is to say, and are not compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.verify.expect import Outcome, Result
from simulator.verify.expect_words import exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from fractions import Fraction

PREFIX = "not worse: "


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier report.

    Attributes:
        name: of its file, for people.
        values: of each measure, by (that, of); None where it had no data.
        regress_max: by which share of its earlier value a measure may be worse.
    """

    name: str
    values: Mapping[tuple[str, str], Fraction | None]
    regress_max: Fraction


def against(baseline: Baseline, results: Iterable[Result]) -> tuple[Result, ...]:
    """Return one more result for each measure that can be worse than it was."""
    return tuple(_against(baseline, results))


def _against(baseline: Baseline, results: Iterable[Result]) -> Iterator[Result]:
    seen: set[tuple[str, str, bool]] = set()
    for result in results:
        wants_more = result.upper is None
        measure = (result.that, result.of)
        if (result.lower is None) is not wants_more and (*measure, wants_more) not in seen:
            seen.add((*measure, wants_more))
            yield _compared(baseline, result, wants_more=wants_more)


def _compared(baseline: Baseline, result: Result, *, wants_more: bool) -> Result:
    name = f"{PREFIX}{result.name}"
    before, now = baseline.values.get((result.that, result.of)), result.value
    about = result.that + (f" of {result.of}" if result.of else "")
    far = exact(baseline.regress_max, share=True)
    limit = f"{'less' if wants_more else 'more'} than before by at most {far}"
    edge: Fraction | None = None
    margin: Fraction | None = None
    outcome = Outcome.NO_DATA
    if before is None:
        said = f"no data, {baseline.name} does not know {about}"
    elif now is None:
        said = f"no data in this run ({about})"
    else:
        way = 1 if wants_more else -1
        edge = before * (1 - way * baseline.regress_max)
        margin = way * (now - edge)
        outcome = Outcome.PASSED if margin >= 0 else Outcome.FAILED
        said = f"{_plain(now)} now, {_plain(before)} before ({about}), {_WAYS[outcome]}"
    return Result(
        name=name,
        that=result.that,
        value=now,
        limit=limit,
        margin=margin,
        upper=None if wants_more else edge,
        outcome=outcome,
        words=f"{name}: expected {limit}; {said}",
        lower=edge if wants_more else None,
        of=result.of,
        excused=before is None,
        warning=result.warning,
    )


_WAYS = {Outcome.PASSED: "holds", Outcome.FAILED: "fails"}


def _plain(value: Fraction) -> str:
    return f"{float(value):.6g}"
