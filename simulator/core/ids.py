"""Public ids: 32 hex digits derived from a message key, so that an id is reproducible.

The first half is the key under a mask, so that no index from id to key is needed; the second half
is a check. The world's reset count goes into both: ids do not come back after a reset.
"""

from __future__ import annotations

from simulator.core.chance import key_of

_DIGITS = 16


def public_id(key: int, epoch: int) -> str:
    """Return the id of a message: 32 lower-case hex digits.

    Args:
        key: the message key, 64 bits.
        epoch: how often the world was reset.
    """
    return f"{key ^ key_of('id mask', epoch):016x}{key_of('id check', epoch, key):016x}"


def key_of_id(text: str, epoch: int) -> int | None:
    """Return the message key of a public id, or None if it is not one of this epoch."""
    try:
        key = int(text[:_DIGITS], 16) ^ key_of("id mask", epoch)
    except ValueError:
        return None
    return key if public_id(key, epoch) == text.lower() else None
