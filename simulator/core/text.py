"""What a message's text costs on the air: its alphabet, its units, its segments.

One rule: a count is made by C code over the whole text, and only a long text that holds
two-unit characters is walked, part by part; never character by character.

    text ──▶ alphabet ── GSM7 (septets) ─── at most 160 ──▶ one segment
                     └── UCS2 (UTF-16) ──── at most 70 ───▶ one segment
                              more ──▶ parts of 153 or 67, never cutting a pair in half

Sources: 3GPP TS 23.038 (alphabet, extension table) and TS 23.040 9.2.3.24.1 (an 8-bit reference
takes six octets of every part). Carriers cut by unit, not by grapheme: so do we. The extension
table and a UTF-16 surrogate pair are the only characters of two units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SINGLE_SEPTETS: Final = 160
PART_SEPTETS: Final = 153
SINGLE_UTF16: Final = 70
PART_UTF16: Final = 67

ESCAPE: Final = "\x1b"  # opens the extension table; a place in the alphabet, not a character
ALPHABET: Final = (  # the index is the septet
    "@£$¥èéùìòÇ\nØø\rÅå"
    f"Δ_ΦΓΛΩΠΨΣΘΞ{ESCAPE}ÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
EXTENSION: Final = {  # the septet that follows the escape
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}


class Encoding(IntEnum):
    """The alphabet a text needs; the value is what events carry."""

    GSM7 = 0
    UCS2 = 1


@dataclass(frozen=True, slots=True)
class Segments:
    """How one text is carried.

    Attributes:
        encoding: the cheapest alphabet that holds the whole text.
        units: septets or UTF-16 code units, without headers; 0 and up.
        count: segments (通), 1 and up. An empty text is one empty segment: legal on the air,
            and a provider's to refuse.
    """

    encoding: Encoding
    units: int
    count: int


def count(text: str) -> tuple[Encoding, int]:
    """Count segments; the hot path of every submission.

    Returns:
        The encoding and the number of segments, 1 and up.

    Raises:
        ValueError: the text is not `is_sendable`.
    """
    encoding, total = _measure(text)
    if total <= _SINGLE[encoding]:
        return encoding, 1
    return encoding, _count_parts(text, encoding, total)


def segments(text: str) -> Segments:
    """Measure a text in full.

    Raises:
        ValueError: the text is not `is_sendable`.
    """
    encoding, total = _measure(text)
    if total <= _SINGLE[encoding]:
        return Segments(encoding, total, 1)
    return Segments(encoding, total, _count_parts(text, encoding, total))


def split(text: str) -> list[str]:
    """Cut a text into what each segment carries.

    Returns:
        `count(text)` parts that join to the text again. None cuts an escape pair or a surrogate
        pair, so a part may be one unit shorter than the limit.

    Raises:
        ValueError: the text is not `is_sendable`.
    """
    encoding, total = _measure(text)
    if total <= _SINGLE[encoding]:
        return [text]
    part = _PART[encoding]
    if total == len(text):
        return [text[start : start + part] for start in range(0, total, part)]
    data, ends = _walk(text, encoding, total)
    cuts = pairwise((0, *ends))
    if encoding == Encoding.UCS2:
        return [data[2 * start : 2 * end].decode("utf-16-le") for start, end in cuts]
    return [decode_gsm7(data[start:end]) for start, end in cuts]


def encoding_of(text: str) -> Encoding:
    """Choose GSM7 if every character is in the alphabet or its extension, else UCS2.

    Raises:
        ValueError: the text is not `is_sendable`.
    """
    return _measure(text)[0]


def units(text: str, encoding: Encoding) -> int:
    """Count the units of a text in a given encoding, without headers.

    Returns:
        Septets (GSM7) or UTF-16 code units (UCS2), 0 and up.

    Raises:
        ValueError: GSM7 was asked for a text it cannot hold, or the text is not `is_sendable`.
    """
    if encoding == Encoding.UCS2:
        return len(text.encode("utf-16-le")) >> 1
    fits, total = _measure(text)
    if fits:
        raise ValueError(_not_gsm7(text))
    return total


def is_sendable(text: str) -> bool:
    """Tell whether the text has a form on the air: it has none with a lone surrogate.

    JSON can smuggle one in, escaped without its partner. An edge asks here and answers 400;
    further in, every function of this module raises ValueError (a UnicodeEncodeError) for it.
    """
    try:
        text.encode("utf-16-le")
    except UnicodeEncodeError:
        return False
    return True


def has_link(text: str) -> bool:
    """Tell whether a person can follow a link in it: http or https, and written out."""
    return "://" in text and _LINK.search(text) is not None


def encode_gsm7(text: str) -> bytes:
    """Write a text as unpacked septets, one an octet: SMPP's usual `data_coding` 0.

    Returns:
        `units(text, GSM7)` octets of 0x00-0x7F.

    Raises:
        ValueError: a character is not in the alphabet.
    """
    try:
        return b"".join([_SEPTETS[char] for char in text])
    except KeyError:
        raise ValueError(_not_gsm7(text)) from None


def decode_gsm7(data: bytes) -> str:
    """Read unpacked septets as TS 23.038 asks a handset to.

    After an escape, a septet that the extension table lacks is read from the main table; an
    escape that opens nothing is a space.

    Args:
        data: octets of 0x00-0x7F.

    Raises:
        ValueError: an octet is above 0x7F.
    """
    if not data.isascii():
        raise ValueError(f"not unpacked septets: saw an octet above 0x7F in {data[:40]!r}")
    out: list[str] = []
    escaped = False
    for septet in data:
        if escaped:
            out.append(_EXTENDED.get(septet) or ALPHABET[septet].replace(ESCAPE, " "))
            escaped = False
        elif septet == _ESC:
            escaped = True
        else:
            out.append(ALPHABET[septet])
    return "".join(out) + (" " if escaped else "")


_SINGLE: Final = (SINGLE_SEPTETS, SINGLE_UTF16)  # by Encoding
_PART: Final = (PART_SEPTETS, PART_UTF16)
_ESC: Final = ord(ESCAPE)
_EXTENDED: Final = {septet: char for char, septet in EXTENSION.items()}
_SEPTETS: Final = {
    **{char: bytes((septet,)) for septet, char in enumerate(ALPHABET) if char != ESCAPE},
    **{char: bytes((_ESC, septet)) for char, septet in EXTENSION.items()},
}
_PLAIN_ASCII: Final = bytes(ord(c) for c in ALPHABET if c.isascii() and c != ESCAPE)
_WIDE_ASCII: Final = bytes(ord(c) for c in EXTENSION if c.isascii())
_OUTSIDE: Final = re.compile(f"[^{re.escape(''.join(_SEPTETS))}]")
_LINK: Final = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_WIDE: Final = re.compile(f"[{re.escape(''.join(EXTENSION))}]")
# Bound once: an enum member costs a class lookup and a descriptor at each use.
_GSM7: Final = Encoding.GSM7
_UCS2: Final = Encoding.UCS2


def _measure(text: str) -> tuple[Encoding, int]:
    """Find the encoding and the units in at most three passes, all of them in C.

    `isascii` reads a flag. Deleting the plain characters leaves what is wide or outside; for
    ASCII that is five times faster than a regular expression. Other scripts usually show
    themselves at their first character, where the expression stops.
    """
    if text.isascii():
        odd = text.encode().translate(None, _PLAIN_ASCII)
        if not odd:
            return _GSM7, len(text)
        if not odd.translate(None, _WIDE_ASCII):
            return _GSM7, len(text) + len(odd)
        return _UCS2, len(text)
    if _OUTSIDE.search(text):
        return _UCS2, len(text.encode("utf-16-le")) >> 1
    return _GSM7, len(text) + len(_WIDE.findall(text))


def _count_parts(text: str, encoding: Encoding, total: int) -> int:
    """Count the parts of a text that is too long for one segment."""
    if total == len(text):  # nothing is two units wide, so nothing can straddle
        return -(-total // _PART[encoding])
    _, ends = _walk(text, encoding, total)
    return sum(1 for _ in ends)


def _walk(text: str, encoding: Encoding, total: int) -> tuple[bytes, Iterator[int]]:
    """Write the text out and find its cuts, in units."""
    if encoding == Encoding.UCS2:
        data = text.encode("utf-16-le")
        return data, _ends(total, PART_UTF16, lambda unit: 0xD8 <= data[2 * unit + 1] <= 0xDB)
    data = encode_gsm7(text)
    return data, _ends(total, PART_SEPTETS, lambda unit: data[unit] == _ESC)


def _ends(total: int, part: int, opens_pair: Callable[[int], bool]) -> Iterator[int]:
    """Yield where each part ends: a unit early when its last one would open a pair."""
    end = 0
    while total - end > part:
        end += part
        if opens_pair(end - 1):
            end -= 1
        yield end
    yield total


def _not_gsm7(text: str) -> str:
    odd = _OUTSIDE.search(text)
    assert odd is not None
    return f"not a GSM 03.38 text: saw {odd[0]!r} at {odd.start()}; send it as UCS2"
