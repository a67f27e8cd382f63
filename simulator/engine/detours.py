"""What becomes of a receipt or a callback that a rule has hit: later, again, overtaken, lost, lied.

    fate --- RECEIPT ---> known --- CALLBACK ---> told
             the carrier's          the provider's

The one rule: nothing here draws who is hit; each detour is steps on the agenda, so that order is
the agenda's, and what was begun goes on when the rules are changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from simulator.core import events as ev
from simulator.core.chance import key_bytes, key_of
from simulator.core.faults import Corrupt, Delay, Duplicate, Hold, Lose, Reorder, Seam
from simulator.core.message import Call, State
from simulator.engine import steps
from simulator.engine.ruling import Ruling, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.core.command import Command, Fire, Release, SetRules
    from simulator.core.message import Message
    from simulator.core.trouble import Forgery
    from simulator.engine.gateway import Gateway
    from simulator.engine.ruling import Live
    from simulator.engine.steps import Next, Physics, Step

SECOND_US = 1_000_000

# A receipt's repeat count: judged when 0; late when 1; a copy of one that has come from 2 on.
_LATE, _COPY = 1, 2
_LATER = 1 << steps.CODE_BITS | steps.CALLBACK  # a callback has waited long enough for another


class Held(NamedTuple):
    """On the agenda: a callback that waits for the next one about its message."""

    call: Call


class Detours:
    """The receipts and callbacks of one world that do not come as they should."""

    def __init__(self, gateway: Gateway, ruling: Ruling) -> None:
        self._gateway, self._ruling = gateway, ruling
        self._held: dict[int, list[Call]] = {}

    def receipt(
        self, physics: Physics, message: Message, at_us: int, nth: int, data: Duplicate | None
    ) -> Step:
        """Let the provider know the fate: a step in the place of `steps.receipt`."""
        if nth >= _COPY:
            self._say_again(message, nth, at_us)
            return (), ()
        if nth == _LATE:
            return _known(physics, message, at_us, data)
        live = self._ruling.first(Seam.RECEIPT, message, message.fate, at_us)
        if live is None:
            return steps.receipt(physics, message, at_us, nth, None)
        first = live.rule.then[0]
        if isinstance(first, Lose | Hold):
            return (), self._receipt_held(live, first, message)
        late_us, copies = self._bent(live, message)
        if late_us:
            return (), ((at_us + late_us, _LATE << steps.CODE_BITS | steps.RECEIPT, copies),)
        return _known(physics, message, at_us, copies)

    @staticmethod
    def _bent(live: Live, message: Message) -> tuple[int, Duplicate | None]:
        """Return how late a receipt is, and how often it comes again."""
        late_us, copies = 0, None
        key8 = key_bytes(message.fate_key)
        for verdict in live.rule.then:
            if isinstance(verdict, Duplicate):
                copies = verdict
            elif isinstance(verdict, Delay):
                late_us += live.drawn_us(verdict.low_us, verdict.high_us, key8, 0)
            elif isinstance(verdict, Reorder):
                late_us += live.drawn_us(0, verdict.within_us, key8, 1)
        return late_us, copies

    def _receipt_held(self, live: Live, hold: Hold | Lose, message: Message) -> tuple[Next, ...]:
        """Let a receipt come in its turn, or wait for one; or never."""
        if isinstance(hold, Lose):
            return ()
        code = _LATE << steps.CODE_BITS | steps.RECEIPT
        end_us = live.rule.until_us
        if end_us:
            return ((live.turn_us(hold, live.hits - 1, end_us), code, None),)
        self._gateway.expect(message)
        live.waiting.append(Waiting(message.key, code, None))
        return ()

    def _say_again(self, message: Message, nth: int, at_us: int) -> None:
        """Call the customer back about a receipt that has come once more."""
        if message.notify >> message.state & 1:
            key = key_of("receipt again", message.key, nth)
            self._gateway.ask(Call(key, message, message.state, 0, at_us, again=True))

    def takes(self, call: Call) -> bool:
        """Decide about a callback that is to be made now; True: it is seen to here."""
        if call.hop or call.again or call.trouble:
            return False
        message, state, at_us = call.message, call.state, call.due_us
        self._let_go(message.key, at_us + SECOND_US)
        live = self._ruling.first(Seam.CALLBACK, message, state, at_us)
        if live is None:
            return False
        first = live.rule.then[0]
        if isinstance(first, Lose):
            return True
        if isinstance(first, Hold):
            self._call_held(live, first, call)
            return True
        late_us, held_us = self._bend(call, live)
        if not late_us and not held_us:
            return False
        call.due_us = at_us + late_us
        if held_us:
            self._hold(call, held_us)
        else:
            self._plan(call)
        return True

    def _call_held(self, live: Live, hold: Hold, call: Call) -> None:
        """Let a callback be made in its turn, or wait for one."""
        if live.rule.until_us:
            call.due_us = live.turn_us(hold, live.hits - 1, live.rule.until_us)
            self._plan(call)
            return
        self._gateway.expect(call.message)
        live.waiting.append(Waiting(call.key, steps.CALLBACK, call))

    def release(self, live: Live, instants_us: Iterable[int]) -> None:
        """Let the oldest of what a rule holds come, one at each instant."""
        waiting = live.waiting
        for due_us, _ in zip(instants_us, range(len(waiting)), strict=False):
            key, nth, call = waiting.popleft()
            if call is not None:
                call.due_us = due_us
            self._gateway.agenda.push((due_us, key, nth, call))

    def end(self, lives: Iterable[Live], at_us: int) -> None:
        """Let come what rules hold that do not hold any more, as fast as each of them says."""
        for live in lives:
            hold = live.rule.then[0]
            if isinstance(hold, Hold) and live.waiting:
                turns = (live.turn_us(hold, n, at_us + 1) for n in range(len(live.waiting)))
                self.release(live, turns)

    def _bend(self, call: Call, live: Live) -> tuple[int, int]:
        """Plan what comes beside a callback; return how late it is, and how long it may be held."""
        at_us, key8, late_us, held_us = call.due_us, key_bytes(call.message.fate_key), 0, 0
        for verdict in live.rule.then:
            if isinstance(verdict, Delay):
                late_us += live.drawn_us(verdict.low_us, verdict.high_us, key8, call.state)
            elif isinstance(verdict, Reorder):
                held_us = verdict.within_us
            elif isinstance(verdict, Corrupt):
                late_us += SECOND_US
        for verdict in live.rule.then:
            if isinstance(verdict, Corrupt):
                self._forge(call, verdict.forgery, at_us + late_us)
            elif isinstance(verdict, Duplicate):
                self._repeat(call, verdict, at_us + late_us)
        return late_us, held_us

    def _plan(self, call: Call, nth: int = steps.CALLBACK) -> None:
        """Have a call made at its instant."""
        self._gateway.expect(call.message)
        self._gateway.agenda.push((call.due_us, call.key, nth, call))

    def _repeat(self, call: Call, verdict: Duplicate, at_us: int) -> None:
        for n in range(1, verdict.copies + 1):
            key, due_us = key_of("again", call.key, n), at_us + n * verdict.after_us
            self._plan(Call(key, call.message, call.state, 0, due_us, url=call.url, again=True))

    def _forge(self, call: Call, forgery: Forgery, at_us: int) -> None:
        """Plan two lies, a second before the genuine call and a second after it."""
        lie = State.FAILED if call.state is State.DELIVERED else State.DELIVERED
        for n, due_us in enumerate((at_us - SECOND_US + 1, at_us + SECOND_US)):
            key = key_of("forged", call.key, n)
            self._plan(Call(key, call.message, lie, 0, due_us, url=call.url, forged=forgery))

    def _hold(self, call: Call, within_us: int) -> None:
        self._gateway.expect(call.message)
        self._held.setdefault(call.message.key, []).append(call)
        self._gateway.agenda.push((call.due_us + within_us, call.key, _LATER, Held(call)))

    def _let_go(self, key: int, at_us: int) -> None:
        """Let the callbacks of a message come that have waited for the one after them."""
        for call in self._held.pop(key, ()):
            call.due_us = max(call.due_us, at_us)
            self._gateway.agenda.push((call.due_us, call.key, steps.CALLBACK, call))

    def waited(self, held: Held, at_us: int) -> Call | None:
        """Return a callback that has waited long enough, unless it has been made meanwhile."""
        call, key = held.call, held.call.message.key
        waiting = self._held.get(key, [])
        if not any(other is call for other in waiting):
            return None
        self._held[key] = [other for other in waiting if other is not call]
        if not self._held[key]:
            del self._held[key]
        call.due_us = at_us
        return call


def _known(physics: Physics, message: Message, at_us: int, copies: Duplicate | None) -> Step:
    """Let the provider know now, and hear it again where the receipt is repeated."""
    facts, following = steps.receipt(physics, message, at_us, 0, None)
    if copies is None:
        return facts, following
    again: list[Next] = [
        (at_us + n * copies.after_us, (_COPY + n) << steps.CODE_BITS | steps.RECEIPT, None)
        for n in range(1, copies.copies + 1)
    ]
    return facts, (*following, *again)


def set_rules(gateway: Gateway, command: Command, at_us: int) -> None:
    """Let other rules hold from now on."""
    rules = cast("SetRules", command).rules
    if gateway.ruling is None:
        ruling = gateway.ruling = Ruling(gateway)
        detours = gateway.detours = Detours(gateway, ruling)
        gateway.table = {**steps.STEPS, steps.RECEIPT: detours.receipt}
    assert gateway.detours is not None, "they come together"
    gateway.detours.end(gateway.ruling.set(rules), at_us)
    gateway.emit(ev.RulesSet(at_us, 0, tuple(rule.name for rule in rules)), None)


def release(gateway: Gateway, command: Command, at_us: int) -> None:
    """Let come what a rule has held, each at its time from now on."""
    asked = cast("Release", command)
    assert gateway.ruling is not None, "what is held is held by a rule"
    assert gateway.detours is not None, "they come together"
    live = gateway.ruling.named(asked.rule)
    assert live is not None, f"no rule is called {asked.rule}"
    gateway.detours.release(live, (at_us + 1 + us for us in asked.after_us))


def fire(gateway: Gateway, command: Command, at_us: int) -> None:
    """Note that a rule has acted on a request, or on its reply."""
    assert gateway.ruling is not None, "a rule fires where there is none"
    gateway.ruling.fire(cast("Fire", command), at_us)
