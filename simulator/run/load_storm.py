"""A storm of callbacks, in the process that serves the world: held back, then let come on schedule.

    the system sends its campaign -> every receipt waits at its carrier (and replies at us)
    release                       -> arrival n of the shape is the n-th that waited

The one rule: the storm is about the system's own messages, which it knows by the ids that it was
given; what it claims afterwards is held against what it was told, as after any run. Two rules hold,
and they come last, so that what the scenario's own rules do to a receipt is done before.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.core.chance import below_many, draw64_many, stream_named, threshold
from simulator.core.command import Inject, Release
from simulator.core.faults import Hold, Rule, Seam, When
from simulator.core.message import OutcomeKind, State
from simulator.engine.world import DEFAULT
from simulator.load import offer as offers
from simulator.load.shape import lasting_us
from simulator.run.load_callbacks import keys_of
from simulator.run.load_offer import OFFER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from simulator.core.message import Message
    from simulator.engine.driver import Driver
    from simulator.engine.ruling import Waiting
    from simulator.run.load_child import Handler
    from simulator.scenario import Scenario
    from simulator.web.server import Server

RECEIPTS, REPLIES = "storm of receipts", "storm of replies"
HELD = (
    Rule(RECEIPTS, Seam.RECEIPT, (Hold(),)),
    Rule(REPLIES, Seam.CALLBACK, (Hold(),), When(states=(State.RECEIVED,))),
)
LEAD_US = 250_000  # real time, so that nothing is due while it is all being planned
_WORDS = {"JP": "はい"}
_YES = "Yes"
_GOOD = (OutcomeKind.ANSWERED, 2)
_IS_REPLY = "a callback of the storm is a reply"


class Held(NamedTuple):
    """How many wait."""

    receipts: int
    replies: int


class Turns(NamedTuple):
    """Which instants are whose: microseconds from the release, each sorted."""

    receipts: NDArray[np.int64]
    replies: NDArray[np.int64]


def turns(times_us: NDArray[np.int64], share: float, seed: int) -> Turns:
    """Share a schedule between receipts and replies, by a draw for each arrival."""
    numbers = np.arange(times_us.size, dtype=np.uint64)
    bits = draw64_many(stream_named(seed, _IS_REPLY), numbers)
    reply = below_many(bits, threshold(share))
    return Turns(times_us[~reply], times_us[reply])


class Storm:
    """What is held in one world, and its release; `released`: what has been let come."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._driver: Driver = server.driver(DEFAULT)
        self.released: list[Waiting] = []

    def hold(self, *, replies: bool) -> None:
        """Hold receipts from now on, beside the rules that hold already; replies too, if asked."""
        rules = self._driver.world.rules()
        held = HELD if replies else HELD[:1]
        self._server.worlds.rule((*rules, *held), now_us=self._driver.now())

    def held(self) -> Held:
        """Return how many wait now."""
        ruling = self._driver.world.gateway.ruling
        lives = [None if ruling is None else ruling.named(name) for name in (RECEIPTS, REPLIES)]
        return Held(*(0 if live is None else len(live.waiting) for live in lives))

    def release(self, asked: Turns) -> int:
        """Let them come; people write as many replies as are asked for and do not wait yet.

        Returns:
            The instant that the turns count from: monotonic microseconds.
        """
        driver = self._driver
        self._write(asked.replies.size - self.held().replies)
        gateway, rate, now_ns = driver.world.gateway, driver.clock.rate, time.monotonic_ns()
        now_us = driver.clock.now(now_ns)
        at_us = gateway.instant(now_us)  # one for both; earlier, if the world is behind its clock
        for name, times_us in ((RECEIPTS, asked.receipts), (REPLIES, asked.replies)):
            if not times_us.size:
                continue
            after_us = tuple(int((us + LEAD_US) * rate) for us in times_us.tolist())
            ruling = gateway.ruling
            live = None if ruling is None else ruling.named(name)
            self.released += () if live is None else islice(live.waiting, len(after_us))
            gateway.submit(Release(name, after_us), at_us)
        driver.poke()
        return now_ns // 1_000 + round((at_us + 1 - now_us) / rate) + LEAD_US

    def missing(self, asked: Turns) -> str:
        """Say why these turns cannot be taken; empty: they can."""
        receipts = self.held().receipts
        if receipts < asked.receipts.size:
            words = f"the storm has {asked.receipts.size:,} receipts, and {receipts:,} wait"
            return f"{words}: have the campaign send to more people, or give it longer (`campaign`)"
        if asked.replies.size and not self._answerable():
            return "nobody can reply: the system has sent nothing that can be answered"
        return ""

    def let_replies(self) -> None:
        """Hold no more replies; those that still wait come now."""
        rules = self._driver.world.rules()
        kept = tuple(rule for rule in rules if rule.name != REPLIES)
        self._server.worlds.rule(kept, now_us=self._driver.now())

    def _write(self, n: int) -> None:
        """Let `n` people answer, each the message that he was sent; more than one, if need be."""
        asked = self._answerable() if n > 0 else []
        for i in range(n):
            message = asked[i * len(asked) // n if n <= len(asked) else i % len(asked)]
            words = _WORDS.get(message.country, _YES)
            self._driver.submit(Inject(message.account, message.to, message.sender, words))

    def _answerable(self) -> list[Message]:
        store = self._driver.world.store
        keys = [
            key
            for shelf in store.shelves.values()
            if shelf.account.inbound_url
            for key in shelf.keys
        ]
        found = (store.get(key) for key in keys)
        sent = (m for m in found if m is not None and not m.inbound and m.can_reply)
        return sorted(sent, key=lambda m: (m.accepted_us, m.key))


class StormServed:
    """What can be asked of the process that serves the world, for a storm: load_child.py.

    Attributes:
        window: first instant of the storm without its warm-up, and its end: monotonic us.
    """

    def __init__(self, server: Server, scenario: Scenario, out: Path) -> None:
        self._storm, self._out = Storm(server), out
        self._server, self._world = server, server.driver(DEFAULT).world
        assert scenario.load is not None
        self._share, self._released, self._first = float(scenario.load.mix.replies), 0, 0
        self.window = (0, 0)

    def keys(self) -> NDArray[np.uint64]:
        """Return the keys of the storm's callbacks, its warm-up's among them."""
        return keys_of(self._storm.released)

    def hold(self) -> None:
        """Let the carrier be out from now on."""
        self._storm.hold(replies=self._share > 0)

    def handlers(self) -> Mapping[str, Handler]:
        """Return what is asked in turn: until enough wait, release, until none are left."""
        return {
            "held": self._held,
            "release": self._release,
            "over": self._over,
            "left": self._left,
        }

    async def _held(self) -> Mapping[str, Any]:
        accepted = sum(tally.accepted for tally in self._world.truth.tallies.values())
        requests = self._server.front.in_flight
        return {**self._storm.held()._asdict(), "accepted": accepted, "requests": requests}

    async def _release(self) -> Mapping[str, Any]:
        offer = offers.read(self._out / OFFER)
        planned = offers.schedule(offer)
        asked = turns(planned.times_us + offer.warm_up_us, self._share, offer.seed)
        if missing := self._storm.missing(asked):
            return {"missing": missing}
        self._released, self._first = planned.times_us.size, self._settled()[0]
        start_us = self._storm.release(asked) + offer.warm_up_us
        self.window = (start_us, start_us + lasting_us(offer.shape) + 1)
        return {
            "start_us": start_us,
            "arrivals": planned.times_us.size - planned.warm,
            "warm": planned.warm,
            "replies": asked.replies.size,
            "ends_in_s": (self.window[1] - time.monotonic_ns() // 1_000) / 1e6,
        }

    async def _over(self) -> Mapping[str, Any]:
        if self._share:
            self._storm.let_replies()
        return {}

    async def _left(self) -> Mapping[str, Any]:
        first, ended = self._settled()
        return {"left": max(0, self._released - (first - self._first)) + first - ended}

    def _settled(self) -> tuple[int, int]:
        """Return how many callbacks have been tried, and how many of them are over."""
        metrics = self._world.metrics
        tried = metrics.tried.items()
        first = sum(n for (_, _, again), n in tried if not again)
        good = sum(n for (kind, hundreds, _), n in tried if (kind, hundreds) == _GOOD)
        return first, good + sum(metrics.abandoned.values())
