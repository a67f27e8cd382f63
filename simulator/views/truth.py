"""The counts on three levels: fate (at the handset), known (to the provider), told (the customer).

Retention prunes no counter.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from simulator.core import events as ev

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.cause import Cause
    from simulator.core.message import Message, Reason, State
    from simulator.core.trouble import Trouble

    Fold = Callable[[Any, Any], None]


class Tally:
    """What happened to one account's messages, in numbers of messages (件)."""

    def __init__(self) -> None:
        self.accepted = 0
        self.segments = 0
        self.fate: Counter[tuple[State, Cause, int]] = Counter()  # state, cause, carrier
        self.known: Counter[State] = Counter()
        self.told: Counter[State] = Counter()
        self.attempts_failed = 0
        self.noticed = self.opened = self.clicked = self.replied = self.stopped = 0
        self.inbound = self.opted_out = self.auto_replied = 0
        self.callbacks = self.callbacks_abandoned = 0

    def fated(self, state: State) -> int:
        """Return how many messages met this fate."""
        return sum(n for (fate, _, _), n in self.fate.items() if fate is state)


class Truth:
    """Tallies by account, refusals by account and reason, troubles, and instants that were cut."""

    name = "truth"

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.refused: Counter[tuple[str, Reason]] = Counter()
        self.warned: Counter[tuple[str, Trouble]] = Counter()
        self.cuts = 0

    def folds(self) -> Mapping[type[ev.Event], Fold]:
        """Want every fact that counts."""
        return {
            ev.Accepted: self._accepted,
            ev.Rejected: self._rejected,
            ev.Attempted: self._attempted,
            ev.Delivered: self._fate,
            ev.Undelivered: self._fate,
            ev.Expired: self._fate,
            ev.Failed: self._fate,
            ev.Canceled: self._fate,
            ev.Receipted: self._receipted,
            ev.Told: self._told,
            ev.CallbackTried: self._callback,
            ev.CallbackAbandoned: self._abandoned,
            ev.Noticed: self._noticed,
            ev.Opened: self._opened,
            ev.Clicked: self._clicked,
            ev.Replied: self._replied,
            ev.Received: self._received,
            ev.OptedOut: self._opted_out,
            ev.AutoReplied: self._auto_replied,
            ev.Warned: self._warned,
            ev.InstantCut: self._cut,
        }

    def tally(self, account: str) -> Tally:
        """Return an account's counts."""
        found = self.tallies.get(account)
        if found is None:
            found = self.tallies[account] = Tally()
        return found

    def _accepted(self, event: ev.Accepted, message: Message) -> None:
        tally = self.tally(message.account)
        tally.accepted += 1
        tally.segments += event.segments

    def _rejected(self, event: ev.Rejected, _message: None) -> None:
        self.refused[event.account, event.reason] += 1

    def _attempted(self, _event: ev.Event, message: Message) -> None:
        self.tallies[message.account].attempts_failed += 1

    def _fate(self, _event: ev.Event, message: Message) -> None:
        self.tallies[message.account].fate[message.fate, message.fate_cause, message.carrier] += 1

    def _receipted(self, event: ev.Receipted, message: Message) -> None:
        self.tallies[message.account].known[event.state] += 1

    def _told(self, event: ev.Told, message: Message) -> None:
        self.tallies[message.account].told[event.state] += 1

    def _callback(self, _event: ev.Event, message: Message) -> None:
        self.tallies[message.account].callbacks += 1

    def _abandoned(self, _event: ev.Event, message: Message) -> None:
        self.tallies[message.account].callbacks_abandoned += 1

    def _noticed(self, _event: ev.Event, message: Message) -> None:
        self.tallies[message.account].noticed += 1

    def _opened(self, _event: ev.Event, message: Message) -> None:
        self.tallies[message.account].opened += 1

    def _clicked(self, _event: ev.Event, message: Message) -> None:
        self.tallies[message.account].clicked += 1

    def _replied(self, event: ev.Replied, message: Message) -> None:
        tally = self.tallies[message.account]
        tally.replied += 1
        tally.stopped += event.stops

    def _received(self, event: ev.Received, _message: Message) -> None:
        self.tally(event.account).inbound += 1

    def _opted_out(self, event: ev.OptedOut, _message: None) -> None:
        self.tally(event.account).opted_out += 1

    def _auto_replied(self, event: ev.AutoReplied, _message: Message) -> None:
        self.tally(event.account).auto_replied += 1

    def _warned(self, event: ev.Warned, _message: Message) -> None:
        self.warned[event.account, event.trouble] += 1

    def _cut(self, _event: ev.InstantCut, _message: None) -> None:
        self.cuts += 1
