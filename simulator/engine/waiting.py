"""How many messages of an account wait for the instant they are scheduled for."""

from __future__ import annotations

from heapq import heappop, heappush


class Waiting:
    """Scheduled messages by instant; a canceled one is struck out, and dropped at its instant."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        self._canceled: set[int] = set()

    def add(self, send_at_us: int, key: int) -> None:
        """Note a message that waits."""
        heappush(self._heap, (send_at_us, key))

    def cancel(self, key: int) -> None:
        """Note that a message waits no longer."""
        self._canceled.add(key)

    def count(self, at_us: int) -> int:
        """Return how many still wait after an instant."""
        while self._heap and self._heap[0][0] <= at_us:
            _, key = heappop(self._heap)
            self._canceled.discard(key)
        return len(self._heap) - len(self._canceled)
