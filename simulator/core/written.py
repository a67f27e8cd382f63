"""Instants and amounts as text, one way everywhere: RFC 3339 with microseconds, plain decimals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

MICROS: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US: Final = 253_402_300_799_999_999  # the end of the year 9999: as far as RFC 3339 goes


def rfc3339(at_us: int) -> str:
    """Write an instant; what lies beyond the year 9999 is its end."""
    moment = _EPOCH + timedelta(microseconds=min(at_us, _LAST_US))
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def decimal(micros: int) -> str:
    """Write millionths as people write amounts: "15", "0.0083", "-0.5"."""
    whole, rest = divmod(abs(micros), MICROS)
    digits = f"{whole}.{rest:06}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{digits}" if micros < 0 else digits
