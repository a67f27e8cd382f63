"""One formula: virtual = base + rate x elapsed.

Rate 1 is real time, 60 is scaled, 0 is stepped; `jump` moves a stepped clock. The clock never reads
the machine's time: whoever owns a socket passes its monotonic nanoseconds in.
"""

from __future__ import annotations

RATE_MAX = 1e9  # virtual seconds per real second


class Clock:
    """The virtual time of one world.

    Args:
        base_us: virtual now at the start, microseconds since 1970.
        rate: virtual seconds per real second, 0 or more.
        mono_ns: the machine's monotonic nanoseconds now.
    """

    def __init__(self, base_us: int, rate: float, mono_ns: int = 0) -> None:
        _check_rate(rate)
        self._base_us = base_us
        self._anchor_ns = mono_ns
        self.rate = rate

    def now(self, mono_ns: int) -> int:
        """Return virtual microseconds at this monotonic instant."""
        if self.rate == 0:
            return self._base_us
        return self._base_us + int((mono_ns - self._anchor_ns) * self.rate) // 1000

    def real_seconds_until(self, due_us: int, mono_ns: int) -> float | None:
        """Return how long to sleep until a virtual instant, or None where time stands still."""
        if self.rate == 0:
            return None
        return max(0.0, (due_us - self.now(mono_ns)) / (self.rate * 1e6))

    def set_rate(self, rate: float, mono_ns: int) -> None:
        """Change the rate from now on; the past does not move."""
        _check_rate(rate)
        self._base_us, self._anchor_ns, self.rate = self.now(mono_ns), mono_ns, rate

    def jump(self, to_us: int, mono_ns: int = 0) -> None:
        """Move to a later instant; an earlier one leaves the clock where it is."""
        if to_us > self.now(mono_ns):
            self._base_us, self._anchor_ns = to_us, mono_ns


def _check_rate(rate: float) -> None:
    if not 0.0 <= rate <= RATE_MAX:
        msg = f"a clock's rate lies between 0 (stepped) and {RATE_MAX:g}, not {rate!r}"
        raise ValueError(msg)
