"""Bytes to text: UTF-8 with or without a mark, CP932 or UTF-16; named, or guessed and said.

The one rule: a byte that is not of the encoding is an error that names the byte and its line.
Nothing is replaced, and nothing is guessed without a word.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from simulator.verify.claim_codes import ClaimCode, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCODINGS = {  # as people call them -> the codec, which passes over a mark where it may stand
    "utf-8": "utf-8-sig",
    "utf-8-sig": "utf-8-sig",
    "cp932": "cp932",
    "shift_jis": "cp932",
    "windows-31j": "cp932",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK = 1 << 20
_SAMPLE = 4096
_MANY_ZEROS = 0.3  # of every other byte: ASCII in UTF-16


def guessed(data: bytes) -> tuple[str, str]:
    """Return the name of an encoding in which these bytes are text, and what to say of it.

    Raises:
        ClaimsError: they are text in none of them.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            said = "a byte order mark was passed over"
            return name, said if name == "utf-8" else f"{said}: the encoding is {name}"
    sample = data[:_SAMPLE]
    if sample and sample[1::2].count(0) > _MANY_ZEROS * len(sample) / 2:
        return "utf-16-le", _GUESS.format("utf-16-le")
    if sample and sample[0::2].count(0) > _MANY_ZEROS * len(sample) / 2:
        return "utf-16-be", _GUESS.format("utf-16-be")
    where = _first_wrong(data, "utf-8")
    if where is None:
        return "utf-8", ""
    if _first_wrong(data, "cp932") is None:
        return "cp932", _GUESS.format("cp932")
    at, line = where
    said = (
        f"byte {at} (line {line}) is {data[at]:#04x}, which is not UTF-8, and the whole is not "
        "CP932 either; name its `encoding`"
    )
    raise unreadable(ClaimCode.ENCODING, said)


_GUESS = "the encoding was guessed to be {0}; write `encoding: {0}` to be sure"


def lines_of(data: bytes, encoding: str) -> Iterator[str]:
    r"""Yield the lines of a text, each with its "\n".

    Raises:
        ClaimsError: a byte is not of this encoding; it names the byte and the line.
    """
    if encoding == "utf-16" and not data.startswith(_MARKS_OF_UTF_16):
        said = "there is no byte order mark; name utf-16-le or utf-16-be, or leave `encoding` out"
        raise unreadable(ClaimCode.ENCODING, said)
    decoder = codecs.getincrementaldecoder(ENCODINGS[encoding])("strict")
    rest = ""
    for start in range(0, len(data), _CHUNK):
        try:
            text = decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK >= len(data))
        except UnicodeDecodeError:
            found = _first_wrong(data, encoding)
            assert found is not None, "wrong in parts, right as a whole"
            raise unreadable(ClaimCode.ENCODING, _wrong_byte(data, encoding, *found)) from None
        *parts, rest = (rest + text).split("\n")
        for part in parts:
            yield f"{part}\n"
    if rest:
        yield rest


def as_utf8(data: bytes, encoding: str) -> bytes:
    """Write a text again, in UTF-8 without a mark.

    Raises:
        ClaimsError: as `lines_of`.
    """
    return "".join(lines_of(data, encoding)).encode("utf-8")


def _wrong_byte(data: bytes, encoding: str, at: int, line: int) -> str:
    return (
        f"byte {at} (line {line}) is {data[at]:#04x}, which is not {encoding}; "
        "name the right `encoding`, or leave it out to have it guessed"
    )


def _first_wrong(data: bytes, encoding: str) -> tuple[int, int] | None:
    """Return the first byte that is not of an encoding and its line, from 1; or None."""
    try:
        codecs.decode(data, ENCODINGS[encoding])
    except UnicodeDecodeError as error:
        before = codecs.decode(data[: error.start], ENCODINGS[encoding], "ignore")
        return error.start, before.count("\n") + 1
    return None
