"""The gateway: commands go in, facts come out, five verbs, no clock and no socket.

    submit(command, now)   run_due(now)   next_due()   take_effects()   settle(call, outcome)

Its one rule: what is submitted at an instant comes after every step due at that instant or before,
and before every later one. So `now` is clamped to just before the oldest step that has not run: a
world never runs ahead of its agenda, and a recording replays to the same digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from simulator.core import events as ev
from simulator.core.chance import key_of
from simulator.core.command import Aimed, Wait
from simulator.core.message import Call, Effect, Message, Outcome, OutcomeKind, Wake
from simulator.core.orders import CAUSED_MAX, Ordered
from simulator.engine import steps
from simulator.engine.commands import VERBS
from simulator.engine.detours import Held
from simulator.engine.inbound import replied
from simulator.engine.log import Recorded, Settled
from simulator.engine.ordering import Errand, Replies, ordered
from simulator.engine.settling import settled
from simulator.engine.state import hold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.command import Answer, Command
    from simulator.core.message import State
    from simulator.core.people import People
    from simulator.core.person import Reaction
    from simulator.engine.agenda import Agenda
    from simulator.engine.detours import Detours
    from simulator.engine.log import Log
    from simulator.engine.ruling import Ruling
    from simulator.engine.steps import StepOf
    from simulator.engine.store import Store

# After these steps the provider knows a new state (a failure in its queue is known at once).
_KNOWN_BY = frozenset({steps.RELEASE, steps.QUEUE, steps.SENDING, steps.HANDOVER, steps.RECEIPT})
_CODE_MASK, _CODE_BITS = steps.CODE_MASK, steps.CODE_BITS
_REPLY, _GIVE_UP = steps.REPLY, steps.GIVE_UP
_DROPPED = Outcome(OutcomeKind.DROPPED)
BATCH = 500  # steps in one go, before the owner of the loop gets a turn


class Gateway:
    """One world's provider, carriers, handsets and people.

    Args:
        people: who can have a number, and the seed.
        log: where facts go.
        store: where messages are kept.
        agenda: what is due.
        by_content: message identity includes the body.
        epoch: how often this world was reset.
        record: called with every command and outcome that takes effect.
    """

    def __init__(  # noqa: PLR0913 - everything it owns is handed to it
        self,
        people: People,
        log: Log,
        store: Store,
        agenda: Agenda,
        *,
        by_content: bool = False,
        epoch: int = 0,
        record: Callable[[Recorded], None] | None = None,
    ) -> None:
        self.people, self.log, self.store, self.agenda = people, log, store, agenda
        self.by_content, self.epoch, self.record = by_content, epoch, record
        self.now_us = 0
        self.steps_run = 0
        self.waits: dict[int, Wait] = {}
        self.physics = steps.Physics(people)
        self.replies = Replies()
        self.table: Mapping[int, StepOf] = steps.STEPS
        self.ruling: Ruling | None = None  # None, as the next: there has never been a rule
        self.detours: Detours | None = None
        self._effects: list[Effect] = []
        self._caused_us = self._caused = 0

    # The five verbs.

    def submit(self, command: Command, now_us: int) -> Answer:
        """Carry out a command at `now_us` (clamped, see above).

        Returns:
            The message where one was made or changed, a `Rejection`, or None.
        """
        at_us = self.instant(now_us)
        self.now_us = at_us
        answer = VERBS[type(command)](self, command, at_us)
        if self.record is not None:
            self.record(Recorded(at_us, command, _key_of(command, answer)))
        return answer

    def run_due(self, now_us: int, limit: int = BATCH, *, whole: bool = True) -> int:
        """Run what is due at `now_us` or before, about `limit` steps; return how many ran.

        It has run everything if it returns less than `limit`.

        Args:
            now_us: the instant to reach.
            limit: steps after which it stops.
            whole: stop between instants only; otherwise in the midst of one as well, and the
                caller keeps the effects back until it is done.
        """
        pop, push = self.agenda.pop, self.agenda.push
        live, append, physics, table = self.store.live, self.log.append, self.physics, self.table
        ran, at_us = 0, self.now_us
        while (entry := pop(now_us)) is not None:
            at_us, key, nth, data = entry
            ran += 1
            code = nth & _CODE_MASK
            message = live.get(key)
            if message is None:
                self._outward(at_us, nth, data)
            elif code == _REPLY:
                replied(self, message, at_us, cast("Reaction", data))
            elif code <= _GIVE_UP and message.fate:
                self.release(message, 1)  # canceled meanwhile
            else:
                facts, following = table[code](physics, message, at_us, nth >> _CODE_BITS, data)
                for fact in facts:
                    append(fact, message)
                if message.notify and code in _KNOWN_BY and facts:
                    self.call(message, message.state, at_us)
                for due_us, after, more in following:
                    push((due_us, key, after, more))
                if len(following) != 1 and hold(message, len(following) - 1) == 0:
                    self.store.finish(message)
            if ran >= limit and not (whole and self.agenda.next_due() == at_us):
                self.now_us = max(self.now_us, at_us)
                break
        else:
            self.now_us = max(self.now_us, now_us)
        self.steps_run += ran
        return ran

    def _outward(self, due_us: int, nth: int, data: object) -> None:
        """Let a callback's next attempt or somebody's wait come due."""
        if nth < steps.CALLBACK:
            return  # a step of a message that is no longer there
        if isinstance(data, Call):
            self._effects.append(data)
        elif isinstance(data, Errand):
            ordered(self, data, due_us)
        elif isinstance(data, Held):
            if self.detours is not None and (call := self.detours.waited(data, due_us)):
                self._effects.append(call)
        elif isinstance(data, Wait):
            self.waits.pop(data.token, None)
            self._effects.append(Wake(data.token, due_us, data.url))

    def next_due(self) -> int | None:
        """Return the instant of the oldest step that has not run, or None."""
        return self.agenda.next_due()

    def take_effects(self) -> list[Effect]:
        """Return, once, what has to be done outside."""
        effects, self._effects = self._effects, []
        return effects

    def take_caused(self) -> list[Effect]:
        """Take the effects that an instant, seen to its end, has caused itself.

        If it has caused too many, its calls are dropped, and nobody answers them any more.
        """
        effects = self.take_effects()
        if not effects or self.causes(self.now_us, len(effects)):
            return effects
        for effect in effects:
            if isinstance(effect, Call):
                self.settle(effect, _DROPPED)
        return [effect for effect in effects if isinstance(effect, Wake)]

    def settle(self, call: Call, outcome: Outcome) -> None:
        """Take in how an attempt at a callback ended; its instant is the attempt's own.

        What was taken before a reset is nothing to the world after it.
        """
        if self.store.live.get(call.message.key) is not call.message:
            return
        if self.record is not None:
            orders = outcome.orders if isinstance(outcome, Ordered) else None
            item = Settled(call.key, call.nth, outcome.kind, outcome.status, orders)
            self.record(Recorded(max(call.due_us, self.now_us), item))
        settled(self, call, outcome)

    # What the verbs are made of.

    def instant(self, now_us: int) -> int:
        """Return the instant at which something submitted now takes effect."""
        due_us = self.agenda.next_due()
        if due_us is not None and now_us >= due_us:
            now_us = due_us - 1
        return max(now_us, self.now_us)

    def emit(self, event: ev.Event, message: Message | None) -> None:
        """Write a fact: into its message, into the log, to the views."""
        self.log.append(event, message)

    def release(self, message: Message, steps_done: int) -> None:
        """Count steps as done; with the last one the message is finished."""
        if hold(message, -steps_done) == 0:
            self.store.finish(message)

    def call(self, message: Message, state: State, at_us: int) -> None:
        """Ask for a callback about a state, if the client wants one."""
        if message.notify >> state & 1:
            key = key_of("callback", message.key, state)
            self.ask(Call(key, message, state, 0, at_us))

    def ask(self, call: Call) -> None:
        """Have a call made, unless a rule decides otherwise."""
        if self.detours is not None and self.detours.takes(call):
            return
        self.expect(call.message)
        self._effects.append(call)

    def expect(self, message: Message) -> None:
        """Keep a message from being finished before one more call about it is settled."""
        self.store.revive(message)
        hold(message, 1)

    def carry_out(self, command: Command, at_us: int) -> Answer:
        """Carry out a command that is part of something else, at the instant of that."""
        return VERBS[type(command)](self, command, at_us)

    def causes(self, at_us: int, steps: int = 1) -> bool:
        """Tell whether an instant may cause so many more steps; the first time not, it is cut."""
        if at_us != self._caused_us:
            self._caused_us, self._caused = at_us, 0
        before, self._caused = self._caused, self._caused + steps
        if self._caused <= CAUSED_MAX:
            return True
        if before <= CAUSED_MAX:
            self.emit(ev.InstantCut(at_us, 0, CAUSED_MAX), None)
        return False


def _key_of(command: Command, answer: Answer) -> int:
    """Return the key of the message that a command made or changed, or 0."""
    if isinstance(answer, Message):
        return answer.key
    return command.key if answer is None and isinstance(command, Aimed) else 0
