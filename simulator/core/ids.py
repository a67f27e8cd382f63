"""Public ids: 32 hex digits derived from a message key, so that an id is reproducible.

The first half is the key under a mask, so that no index from id to key is needed; the second half
is a check. The world's reset count goes into both: ids do not come back after a reset.
"""

from __future__ import annotations

import re
from functools import lru_cache

from simulator.core.chance import key_bytes, key_of, once

_DIGITS = 16
_ID = re.compile(r"[0-9A-Fa-f]{32}")


def public_id(key: int, epoch: int) -> str:
    """Return the id of a message: 32 lower-case hex digits.

    Args:
        key: the message key, 64 bits.
        epoch: how often the world was reset.
    """
    mask, check = _of_epoch(epoch)
    return f"{key ^ mask:016x}{once(key_bytes(key), check):016x}"


def key_of_id(text: str, epoch: int) -> int | None:
    """Return the message key of a public id, or None if it is not one of this epoch."""
    if not _ID.fullmatch(text):
        return None
    key = int(text[:_DIGITS], 16) ^ _of_epoch(epoch)[0]
    return key if public_id(key, epoch) == text.lower() else None


@lru_cache(maxsize=1024)
def _of_epoch(epoch: int) -> tuple[int, int]:
    return key_of("id mask", epoch), key_of("id check", epoch)
