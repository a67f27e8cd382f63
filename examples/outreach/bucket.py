"""A limit on what we take in: a token bucket, so that we refuse early and do what we have taken.

One recipient is one token. Tokens come back at the rate, up to a quarter of a second's worth: less
would refuse who comes in a bunch, more would for a while let a load pass that we cannot keep up
with. A campaign larger than the bucket is
taken when there is a token at all, and leaves a debt; so the mean holds, whatever the size.
"""

from __future__ import annotations

BURST_S = 0.25  # of the rate: how much may come at once


class Bucket:
    """Lets so many recipients in each second of real time, and refuses the rest.

    Args:
        rate: recipients a second, more than 0.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._full = max(1.0, rate * BURST_S)
        self._tokens = self._full
        self._at_s: float | None = None

    def take(self, count: int, now_s: float) -> float:
        """Take tokens for so many recipients; return 0, or after how many seconds to come again.

        Args:
            count: recipients, 0 or more.
            now_s: of a clock that never goes back.
        """
        passed_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._at_s = now_s
        self._tokens = min(self._full, self._tokens + passed_s * self._rate)
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= count
        return 0.0
