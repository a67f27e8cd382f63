"""Lives without HTTP: one thread sends, and lets come due what is due, as fast as it can.

The lives are Japanese, 70 characters long, with people who read, and may answer and say STOP. One
begins in each virtual second, so that a steady number is under way.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness import ACCOUNT, BODY, PEOPLE, SENDER

from simulator.core.command import Submission
from simulator.core.message import Message
from simulator.core.number import japan_unassigned
from simulator.core.text import count
from simulator.engine.gateway import BATCH

if TYPE_CHECKING:
    from simulator.engine.world import World

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
LIVES_PER_SECOND = 1  # virtual
_GAP_US = SECOND_US // LIVES_PER_SECOND
_VALIDITY_US = 10 * HOUR_US  # Twilio's
_RUN_EVERY = 16  # lives between two turns of the agenda
_LOOK_EVERY = 256  # lives between two looks at the clock


class Lives:
    """A world under way.

    Args:
        world: with the account `harness.ACCOUNT`.
        start_us: the first virtual instant.
        replies: people may answer.
    """

    def __init__(self, world: World, start_us: int, *, replies: bool = False) -> None:
        self.world = world
        self.accepted = self.begun = 0
        self._start_us = start_us
        self._replies = replies
        self._encoding, self._segments = count(BODY)

    @property
    def finished(self) -> int:
        """How many lives have nothing left to come."""
        return ended(self.world)

    def prepare(self, lives: int) -> list[Submission]:
        """Make the next submissions, as parsed: what a client does is no part of a life."""
        return [self.send(i) for i in range(self.begun, self.begun + lives)]

    def run(self, lives: int) -> None:
        """Begin so many lives."""
        self.live(self.prepare(lives))

    def live(self, asked: list[Submission], *, until_s: float = float("inf")) -> None:
        """Begin these lives, or fewer if `time.perf_counter` reaches `until_s`."""
        gateway = self.world.gateway
        submit, next_due = gateway.submit, gateway.next_due
        for i, one in enumerate(asked, start=self.begun):
            at_us = self._start_us + i * _GAP_US
            if i % _RUN_EVERY == 0 and (due_us := next_due()) is not None and due_us <= at_us:
                self.run_due(at_us)  # a busy server does several at each turn, too
            self.accepted += isinstance(submit(one, at_us), Message)
            self.begun += 1
            if i % _LOOK_EVERY == 0 and time.perf_counter() > until_s:
                return

    def drain(self) -> None:
        """Let every life end."""
        while (due_us := self.world.gateway.next_due()) is not None:
            self.run_due(due_us + HOUR_US)

    def burst(self, lives: int) -> None:
        """Begin so many lives at the first instant."""
        for i in range(lives):
            self.world.gateway.submit(self.send(i), self._start_us)

    def run_due(self, at_us: int) -> None:
        """Let come due what is due."""
        while self.world.gateway.run_due(at_us) >= BATCH:
            pass

    def send(self, i: int) -> Submission:
        """Make the i-th submission; its text is its own, as a parsed form's is."""
        return Submission(
            account=ACCOUNT,
            to=japan_unassigned(i * 7919 % PEOPLE),
            country="JP",
            sender="".join(SENDER),
            body=f"{i:07d}{BODY[7:]}",
            encoding=self._encoding,
            segments=self._segments,
            validity_us=_VALIDITY_US,
            can_reply=self._replies,
        )


def ended(world: World) -> int:
    """Return how many lives of a world are over; what people wrote does not count as one."""
    inbound = sum(tally.inbound for tally in world.truth.tallies.values())
    return len(world.store.finished) + world.store.pruned - inbound
