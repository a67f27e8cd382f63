"""JSON read with every problem kept: each with its path, what is wrong, and what to do.

The one rule: nothing raises for what the bytes hold. A wrong value is reported and read as None; an
unknown field is noted and passed over.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from simulator.errors import Problem, shown
from simulator.verify.claim_codes import ClaimCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROBLEMS_KEPT_MAX = 20
UNKNOWN_NAMED_MAX = 20

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class Shape(Generic[S]):
    """A struct in two strictnesses: `strict` forbids unknown fields, `loose` passes them over."""

    def __init__(self, loose: type[S], strict: type[S]) -> None:
        self.known = frozenset(loose.__struct_fields__)
        self.loose, self.strict = msgspec.json.Decoder(loose), msgspec.json.Decoder(strict)


class Report:
    """What was wrong (the first `problems`, and how many `more`), and what was unknown."""

    def __init__(self, what_to_do: Mapping[str, str]) -> None:
        """Begin; `what_to_do` advises by field name, "messages[]" for a row, "" for all else."""
        self.problems: list[Problem] = []
        self.more = 0
        self._what_to_do = what_to_do
        self._unknown: Counter[str] = Counter()

    def add(self, path: str, message: str, code: ClaimCode) -> None:
        """Keep a problem, or count it."""
        if len(self.problems) < PROBLEMS_KEPT_MAX:
            self.problems.append(Problem(path, message, code=code.value))
        else:
            self.more += 1

    def note_unknown(self, path: str, name: str) -> None:
        """Note an unknown field; rows of one list are one place."""
        place = ".".join(filter(None, (_place(path), shown(name))))
        room = place in self._unknown or len(self._unknown) < UNKNOWN_NAMED_MAX
        self._unknown[place if room else "others"] += 1

    def notes(self) -> Iterator[str]:
        """Say which unknown fields were passed over, and how often."""
        for place, times in sorted(self._unknown.items()):
            yield f"unknown field {place} passed over {times} x"

    def decode(
        self, decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw, path: str
    ) -> T | None:
        """Decode, or report and return None."""
        try:
            return decoder.decode(raw)
        except _UNREADABLE as error:
            self.add(*self._said(error, path))
            return None

    def struct(self, shape: Shape[S], raw: msgspec.Raw, path: str) -> S | None:
        """Decode a struct, noting unknown fields; or report and return None."""
        try:
            return shape.strict.decode(raw)
        except _UNREADABLE:
            found = self.decode(shape.loose, raw, path)
        if found is not None:
            for name in sorted(_FIELDS.decode(raw).keys() - shape.known):
                self.note_unknown(path, name)
        return found

    def _said(self, error: Exception, path: str) -> tuple[str, str, ClaimCode]:
        """Put msgspec's words into ours."""
        code = ClaimCode.SHAPE
        text, _, place = str(error).replace("`", "").partition(" - at $")
        path += place
        missing = text.removeprefix("Object missing required field ")
        if isinstance(error, RecursionError):
            text, code = "is nested too deeply", ClaimCode.NOT_JSON
        elif missing != text:
            path, text, code = f"{path}.{missing}", "is missing", ClaimCode.MISSING
        elif not isinstance(error, msgspec.ValidationError):
            text, code = f"is not JSON: {text}", ClaimCode.NOT_JSON
        advice = self._what_to_do.get(_place(path).rpartition(".")[2], self._what_to_do[""])
        return path, f"{text[0].lower()}{text[1:]}; {advice}", code


def _place(path: str) -> str:
    return re.sub(r"\[[0-9]+\]", "[]", path)


_UNREADABLE = (msgspec.DecodeError, RecursionError)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
