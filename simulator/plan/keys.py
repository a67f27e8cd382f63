"""Keys for many: of people, messages and number blocks, as `core/chance.py` makes them.

XXH3 of 9 to 16 bytes without a seed is a closed formula (xxHash specification, "XXH3, medium
inputs"), and nearly every key here is that long; others are hashed one at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from xxhash import xxh3_64_intdigest as _xxh3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FLIP_LOW = np.uint64(0x6782737BEA4239B9)  # of the specification's secret: bytes 24.. and 32..
_FLIP_HIGH = np.uint64(0xAF56BC3B0996523A)  # bytes 40.. and 48..
_AVALANCHE = np.uint64(0x165667919E3779F9)
_THIRTY_TWO, _THIRTY_SEVEN = np.uint64(32), np.uint64(37)
_LOW = np.uint64(0xFFFFFFFF)
_SHORT, _LONG = 9, 16  # bytes, of the closed formula


def keys_of(texts: Sequence[bytes]) -> NDArray[np.uint64]:
    """Return `xxh3_64` of each text."""
    found = np.zeros(len(texts), dtype=np.uint64)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    for length in np.unique(lengths):
        where = np.flatnonzero(lengths == length)
        some = [texts[int(i)] for i in where] if len(where) < len(texts) else texts
        if _SHORT <= length <= _LONG:
            found[where] = _medium(b"".join(some), len(where), int(length))
        else:
            found[where] = np.fromiter(map(_xxh3, some), dtype=np.uint64, count=len(where))
    return found


def _medium(joined: bytes, count: int, length: int) -> NDArray[np.uint64]:
    """XXH3 of `count` texts of one length, 9 to 16 bytes each."""
    octets = np.frombuffer(joined, dtype=np.uint8).reshape(count, length)
    low, high = (
        np.ascontiguousarray(part).view("<u8").ravel().astype(np.uint64)
        for part in (octets[:, :8], octets[:, length - 8 :])
    )
    low, high = low ^ _FLIP_LOW, high ^ _FLIP_HIGH
    x = low.byteswap() + high + (high_of(low, high) ^ (low * high)) + np.uint64(length)
    x = (x ^ (x >> _THIRTY_SEVEN)) * _AVALANCHE
    return x ^ (x >> _THIRTY_TWO)


def high_of(a: NDArray[np.uint64], b: NDArray[np.uint64] | np.uint64) -> NDArray[np.uint64]:
    """Return the upper 64 bits of a product, which numpy does not keep."""
    a_low, a_high = a & _LOW, a >> _THIRTY_TWO
    b_low, b_high = b & _LOW, b >> _THIRTY_TWO
    middle = a_high * b_low + (a_low * b_low >> _THIRTY_TWO)
    other = a_low * b_high + (middle & _LOW)
    upper: NDArray[np.uint64] = a_high * b_high + (middle >> _THIRTY_TWO) + (other >> _THIRTY_TWO)
    return upper


def person_keys(numbers: Sequence[str]) -> NDArray[np.uint64]:
    """Return `person_key` of each number."""
    return keys_of([number.encode() for number in numbers])


def fate_keys(
    lane: str, numbers: Sequence[str], k: int, body: str | None = None
) -> NDArray[np.uint64]:
    """Return `message_key` of the k-th message to each number; `body` under `identity: content`."""
    after = f"\0{k}" if body is None else f"\0{k}\0{body}"
    before, behind = f"{lane}\0".encode(), after.encode("utf-8", "surrogatepass")
    return keys_of([before + number.encode() + behind for number in numbers])
