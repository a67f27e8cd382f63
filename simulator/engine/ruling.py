"""Rules at work: which of them fires, on what, and how often it has.

The one rule: the first that does not pass wins; whom it hits is a draw from the fate key, and every
firing is a fact. At the edge (API, REPLY) somebody else asks `judge` and submits `Fire`, so that a
recording holds what was decided there; receipts and callbacks are decided here in the agenda's
order (`detours.py`).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, NamedTuple

from simulator.core import events as ev
from simulator.core.carrier import CARRIERS
from simulator.core.chance import draw64, key_bytes, person_key, stream_named, threshold
from simulator.core.faults import STEPS, Corrupt, Reorder, Rule, Seam, Subject, asked_for, fits
from simulator.core.message import FINAL, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.core.command import Fire
    from simulator.core.faults import Hold
    from simulator.core.message import Call, Message
    from simulator.engine.gateway import Gateway

TRIES_MAX = 100_000  # requests remembered that were asked for and not accepted; then the oldest go
_MILLI_US = 1_000_000_000


class Waiting(NamedTuple):
    """What a rule holds: a step for the agenda that has no instant yet; a call, if it is one."""

    key: int
    nth: int
    call: Call | None


class Live:
    """A rule compiled for one world.

    Attributes:
        hits: how often it has fired; seen: how many requests have fitted so far.
        waiting: what it holds without an end, oldest first.
    """

    __slots__ = ("_amount", "_limit", "_stream", "hits", "rule", "seen", "waiting")

    def __init__(self, rule: Rule, seed: int) -> None:
        self.rule = rule
        self.waiting: deque[Waiting] = deque()
        self.hits = self.seen = 0
        self._limit = threshold(rule.chance)
        self._stream = stream_named(seed, f"rule {rule.name}")
        self._amount = stream_named(seed, f"rule {rule.name}: how long")

    def fires(self, key8: bytes, nth: int, at_us: int) -> bool:
        """Decide for what fits."""
        rule, when = self.rule, self.rule.when
        if at_us < rule.from_us or (rule.until_us and at_us >= rule.until_us):
            return False
        self.seen += 1
        if when.nth_from and not when.nth_from <= self.seen <= when.nth_to:
            return False
        if 0 <= rule.at_most <= self.hits:
            return False
        return draw64(self._stream, key8, nth) < self._limit

    def drawn_us(self, low_us: int, high_us: int, key8: bytes, nth: int) -> int:
        """Draw a time between two, both included."""
        return low_us + (draw64(self._amount, key8, nth) * (high_us - low_us + 1) >> 64)

    def turn_us(self, hold: Hold, nth: int, from_us: int) -> int:
        """Return when the `nth` of its backlog comes, from 0, if the first comes at `from_us`."""
        return from_us + (nth * _MILLI_US // hold.release_milli if hold.release_milli else 0)


class Ruling:
    """The rules of one world. Once it is there it stays, even without a rule."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._tries: OrderedDict[bytes, int] = OrderedDict()
        self.live: list[Live] = []
        self._by_name: dict[str, Live] = {}
        self._at: dict[Seam, list[Live]] = {}
        self.set(())

    def set(self, rules: Sequence[Rule]) -> list[Live]:
        """Let other rules hold; one that stays as it is keeps its hits. Return those that go."""
        known = {live.rule: live for live in self.live}
        seed, before = self._gateway.people.seed, self.live
        self.live = [known.get(rule) or Live(rule, seed) for rule in rules]
        self._by_name = {live.rule.name: live for live in self.live}
        assert len(self._by_name) == len(self.live), "two rules of one name"
        self._at = {seam: [x for x in self.live if x.rule.seam is seam] for seam in Seam}
        return [live for live in before if self._by_name.get(live.rule.name) is not live]

    def named(self, name: str) -> Live | None:
        """Return a rule that holds, by its name."""
        return self._by_name.get(name)

    # At the edge.

    def judge(self, seam: Seam, subject: Subject, key8: bytes, at_us: int) -> Rule | None:
        """Return the first rule that fires on a request or on its reply."""
        nth = self._tries.get(key8, 0)
        for live in self._at[seam]:
            when = live.rule.when
            if asked_for(when, subject) and fits(when, subject) and live.fires(key8, nth, at_us):
                return live.rule
        return None

    def tried(self, key8: bytes, *, accepted: bool) -> None:
        """Count a request, so that another try of it is another decision."""
        nth = self._tries.pop(key8, 0)
        if not accepted:
            self._tries[key8] = nth + 1
            if len(self._tries) > TRIES_MAX:
                self._tries.popitem(last=False)

    def fire(self, asked: Fire, at_us: int) -> None:
        """Note that a rule has acted at the edge: once for each message it concerns."""
        live, store = self._by_name[asked.rule], self._gateway.store
        live.hits += 1
        for key in asked.keys or (0,):
            message = store.get(key) if key else None
            self._note(live.rule, asked.account, message, at_us)
            if message is not None:
                store.rewrite(message)

    def _note(self, rule: Rule, account: str, message: Message | None, at_us: int) -> None:
        verdict = "+".join(kind.value for kind in rule.kinds)
        key = 0 if message is None else message.key
        contended = rule.counts_arrivals
        fact = ev.RuleFired(at_us, key, account, rule.name, rule.seam, verdict, contended)
        self._gateway.emit(fact, message)

    # Between fate, known and told.

    def first(self, seam: Seam, message: Message, state: State, at_us: int) -> Live | None:
        """Return the first rule that fires on a receipt or a callback, and note it."""
        lives = self._at[seam]
        if not lives:
            return None
        gateway, key8 = self._gateway, key_bytes(message.fate_key)
        person8 = person_key(message.sender if message.inbound else message.to)
        subject = Subject(
            message.account,
            gateway.store.shelves[message.account].account.dialect,
            message.sender if message.inbound else message.to,
            CARRIERS[message.carrier].name,
            gateway.people.persona(message.country, person8).name,
            state,
        )
        for live in lives:
            if not _concerns(live.rule, state) or not fits(live.rule.when, subject):
                continue
            if live.fires(key8, state, at_us):
                live.hits += 1
                self._note(live.rule, message.account, message, at_us)
                return live
        return None


def _concerns(rule: Rule, state: State) -> bool:
    """Tell whether a rule's verdicts mean something for a callback about this state."""
    if rule.seam is Seam.RECEIPT:
        return True
    for verdict in rule.then:
        if isinstance(verdict, Corrupt) and state not in FINAL:
            return False
        if isinstance(verdict, Reorder) and state not in STEPS:
            return False
    return True
