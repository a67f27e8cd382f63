"""Recipients as systems write them, made E.164, so that they can be compared with ours.

The one rule: what is mended is counted, by what it was, and what cannot be read stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from simulator.core.number import Number, NumberFault, NumberProblem, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.number import NumberFault as Fault

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_NATIONAL = {"JP": re.compile(r"0([5-9]0[0-9]{8})"), "US": re.compile(r"1?([2-9][0-9]{9})")}
_HYPHENS = re.compile(r"0[5-9]0-[0-9]{4}-[0-9]{4}")  # as most Japanese lists have them
_CODES = {"JP": "+81", "US": "+1", "GB": "+44"}
_TRUNK = {"JP": "0", "US": "", "GB": "0"}
_KINDS = (  # what was mended, and how it shows; one number may show several
    ("full-width", re.compile(r"[\uff01-\uff5e]")),
    ("hyphens or spaces", re.compile(r"[^0-9+\uff10-\uff19\uff0b.']")),
    ("a spreadsheet's .0", re.compile(r"\.0$")),
    ("an apostrophe", re.compile(r"^'")),
)


class Recipients:
    """Reads recipients of one region and counts what it mended.

    Args:
        region: whose national form is meant where there is no plus: JP, US or GB.
    """

    def __init__(self, region: str = "JP") -> None:
        self._region = region
        self._quick = _NATIONAL.get(region)
        self.mended: Counter[str] = Counter()
        self.unread = 0

    def read(self, raw: str) -> str:
        """Return a number in E.164, or the text itself where it cannot be read as one."""
        if not raw or _E164.fullmatch(raw):
            return raw
        if self._region == "JP" and _HYPHENS.fullmatch(raw):
            self.mended["hyphens or spaces"] += 1
            raw = raw.replace("-", "")
        if self._quick and (found := self._quick.fullmatch(raw)):
            self.mended["national form"] += 1
            return _CODES[self._region] + found[1]
        text = raw.strip().removeprefix("'")
        number = parse(text, self._region)
        lost_zero = _has_lost_zero(number)
        if lost_zero:
            bare = re.sub(r"[^0-9]", "", text.removesuffix(".0"))
            number = parse(_TRUNK[self._region] + bare, self._region)
        if not isinstance(number, Number):
            self.unread += 1
            return raw
        for kind, shape in _KINDS:
            if shape.search(raw):
                self.mended[kind] += 1
        if lost_zero:
            self.mended["a lost zero"] += 1
        elif not text.startswith(("+", "\uff0b")):
            self.mended["national form"] += 1
        return number.e164

    def notes(self) -> Iterator[str]:
        """Say what was mended, and how often."""
        if self.mended:
            parts = ", ".join(f"{kind} {n:,} x" for kind, n in sorted(self.mended.items()))
            yield f"recipients normalised: {parts}"
        if self.unread:
            yield f"recipients that are no phone number, left as they are: {self.unread:,}"


def _has_lost_zero(number: Number | Fault) -> bool:
    return isinstance(number, NumberFault) and number.reason is NumberProblem.LOST_ZERO
