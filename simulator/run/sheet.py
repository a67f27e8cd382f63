"""CSV that a spreadsheet opens without harm: in its encoding, with its numbers as they are.

The one rule: a text that a spreadsheet would run, count or take for a date begins with an
apostrophe, which says "text"; who reads the file with a program takes one away. Amounts and units
are numbers and stay so.
"""

from __future__ import annotations

import re

SHEET_ENCODINGS = ("utf-8-sig", "cp932")
_PLAIN = re.compile(r"(?s)[A-Za-z\u3040-\u30ff\u4e00-\u9fff].*")
_DATE_OR_TRUTH = re.compile(
    r"(?i)(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?[ -/]?\d+.*|true|false"
)


def cell(text: str) -> str:
    """Write a text so that a spreadsheet leaves it alone."""
    if not text or (_PLAIN.fullmatch(text) and not _DATE_OR_TRUTH.fullmatch(text)):
        return text
    return f"'{text}"


def encoded(text: str, encoding: str, *, begins: bool = True) -> bytes:
    """Return a text, or a further part of one, in a spreadsheet's encoding.

    Args:
        text: a table as CSV.
        encoding: one of `SHEET_ENCODINGS`; what it does not have is written as an escape.
        begins: it is the first part, which has the mark.
    """
    mark = begins and encoding == "utf-8-sig"
    name = "utf-8" if encoding == "utf-8-sig" else encoding
    return (b"\xef\xbb\xbf" if mark else b"") + text.encode(name, "backslashreplace")
