"""How fast a sender sends: a limit as data, and the queue that forms before it.

The one rule: a queue is two instants, however long it is. A place in it is a reservation: the next
message's turn comes when all segments before it have gone. A message that is canceled while it
waits leaves its place empty.

    door   submit: is the queue full?           follows arrival, so it is contended
    free   run_due: when is this one's turn?    follows the agenda's order, so it is repeatable
"""

from __future__ import annotations

import msgspec


class Throughput(msgspec.Struct, frozen=True, gc=False):
    """What one sender of an account can do; a sender that has none has no limit.

    Attributes:
        sender: as messages name it.
        mps_milli: segments in a thousand seconds, 1 or more.
        queue_us: a submission finds the queue full when it holds more than can be sent in this
            time; 0: never.
        patience_us: a message whose turn comes later than this fails after it; 0: never.
    """

    sender: str
    mps_milli: int
    queue_us: int = 0
    patience_us: int = 0

    def takes_us(self, segments: int) -> int:
        """Return how long the sender is busy with so many segments."""
        return segments * _MILLI_US // self.mps_milli


_MILLI_US = 1_000_000_000


class Queue:
    """The queue of one sender.

    Attributes:
        limit: what holds for whoever comes from now on.
        free_us: when everything that has a place is gone.
        door_us: the same, counted where messages come in.
    """

    __slots__ = ("door_us", "free_us", "limit")

    def __init__(self, limit: Throughput) -> None:
        self.limit = limit
        self.free_us = self.door_us = 0

    def is_full(self, at_us: int) -> bool:
        """Tell whether a submission finds no room."""
        most = self.limit.queue_us
        return most > 0 and max(self.door_us, self.free_us) - at_us > most

    def enter(self, at_us: int, segments: int) -> None:
        """Note a message that was let in."""
        begin_us = max(self.door_us, self.free_us, at_us)
        self.door_us = begin_us + self.limit.takes_us(segments)

    def place(self, at_us: int, segments: int) -> int | None:
        """Give a message its turn.

        Returns:
            The instant, after `at_us`; None: it would have to wait longer than it may, and has
            taken no place.
        """
        first_us = at_us + 1
        turn_us = max(self.free_us, first_us)
        patience_us = self.limit.patience_us
        if patience_us and turn_us - first_us > patience_us:
            return None
        self.free_us = turn_us + self.limit.takes_us(segments)
        return turn_us
