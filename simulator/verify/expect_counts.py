"""What expectations count: a fold over the facts by account, carrier and segment.

The one rule: a message is counted where it stands, not each time somebody says so: a receipt that
corrects itself, or a state that is told by a callback and by a read, is one message. Retention
prunes no counter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.core import events as ev
from simulator.core.message import FINAL, OutcomeKind, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.message import Message

    Fold = Callable[[Any, Any], None]
    Cell = tuple[str, int, str]  # account, carrier, segment

NOWHERE = -1  # the carrier of what was refused

_FATES = {state: state.name.lower() for state in FINAL}
_KNOWN = {
    State.SENDING: "sending",
    State.SENT: "sent",
    **{state: f"known_{state.name.lower()}" for state in FINAL},
}
_TOLD = {state: f"told_{state.name.lower()}" for state in FINAL}
_STAGES = ("noticed", "opened", "clicked", "replied", "stopped", "opted_out", "callbacks_failed")
_COUNTED = (
    *("accepted", "rejected", "sending", "sent", *sorted(_FATES.values())),
    *("known_delivered", "told_delivered", *_STAGES),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which messages are counted: those of one of each set; None: of any."""

    accounts: frozenset[str] | None = None
    carriers: frozenset[int] | None = None
    segments: frozenset[str] | None = None

    def has(self, cell: Cell) -> bool:
        """Tell whether messages of a cell are counted."""
        sets = (self.accounts, self.carriers, self.segments)
        return all(
            chosen is None or part in chosen for part, chosen in zip(cell, sets, strict=True)
        )


EVERY = Chosen()


class Counts:
    """The counts.

    Args:
        segment: tells a person's segment by country and number; None: nobody asks.
    """

    name = "counts"

    def __init__(self, segment: Callable[[str, str], str] | None = None) -> None:
        self._segment = segment
        self._cells: dict[Cell, Counter[str]] = {}
        self._known: dict[int, State] = {}
        self._told: dict[int, State] = {}
        self._waiting: dict[tuple[int, State], Cell] = {}

    def folds(self) -> Mapping[type[ev.Event], Fold]:
        """Want every fact that counts."""
        return {
            ev.Accepted: self._accepted,
            ev.Rejected: self._rejected,
            ev.Sending: self._knows,
            ev.Sent: self._knows,
            ev.Receipted: self._knows,
            ev.Delivered: self._fated,
            ev.Undelivered: self._fated,
            ev.Expired: self._fated,
            ev.Failed: self._fated,
            ev.Canceled: self._fated,
            ev.Told: self._tells,
            ev.CallbackTried: self._tried,
            ev.CallbackAbandoned: self._abandoned,
            ev.Noticed: self._noticed,
            ev.Opened: self._opened,
            ev.Clicked: self._clicked,
            ev.Replied: self._replied,
            ev.OptedOut: self._opted_out,
        }

    def forget(self, key: int) -> None:
        """Drop where a message stood; it is counted."""
        self._known.pop(key, None)
        self._told.pop(key, None)

    def values(self, chosen: Chosen = EVERY) -> dict[str, int]:
        """Return every metric that is counted here, for the chosen messages."""
        total: Counter[str] = Counter()
        for cell, counts in self._cells.items():
            if chosen.has(cell):
                total.update(counts)
        found = {name: total[name] for name in _COUNTED}
        found["requested"] = found["accepted"] + found["rejected"]
        found["finished"] = sum(total[name] for name in _FATES.values())
        found["in_flight"] = found["accepted"] - found["finished"]
        found["known_final"] = sum(total[_KNOWN[state]] for state in FINAL)
        found["told_final"] = sum(total[name] for name in _TOLD.values())
        found["callbacks_pending"] = sum(chosen.has(cell) for cell in self._waiting.values())
        return found

    def _cell(self, message: Message) -> Cell:
        segment = ""
        if self._segment is not None and not message.inbound:
            segment = self._segment(message.country, message.to)
        return message.account, message.carrier, segment

    def _of(self, message: Message) -> Counter[str]:
        return self._at(self._cell(message))

    def _at(self, cell: Cell) -> Counter[str]:
        found = self._cells.get(cell)
        if found is None:
            found = self._cells[cell] = Counter()
        return found

    def _accepted(self, _event: ev.Accepted, message: Message) -> None:
        self._of(message)["accepted"] += 1

    def _rejected(self, event: ev.Rejected, _message: None) -> None:
        self._at((event.account, NOWHERE, ""))["rejected"] += 1

    def _knows(self, _event: ev.Event, message: Message) -> None:
        """Move a message from one known state to the next."""
        counts, before = self._of(message), self._known.get(message.key)
        if before is not None:
            counts[_KNOWN[before]] -= 1
        self._known[message.key] = message.state
        counts[_KNOWN[message.state]] += 1

    def _fated(self, _event: ev.Event, message: Message) -> None:
        self._of(message)[_FATES[message.fate]] += 1

    def _tells(self, event: ev.Told, message: Message) -> None:
        if not event.by_read:
            self._waiting.pop((message.key, event.state), None)
        before, now = self._told.get(message.key), message.told
        if now is before or now not in FINAL:
            return
        counts = self._of(message)
        if before is not None:
            counts[_TOLD[before]] -= 1
        self._told[message.key] = now
        counts[_TOLD[now]] += 1

    def _tried(self, event: ev.CallbackTried, message: Message) -> None:
        if event.outcome is not OutcomeKind.ANSWERED or not 200 <= event.status < 300:
            self._waiting[message.key, event.state] = self._cell(message)

    def _abandoned(self, event: ev.CallbackAbandoned, message: Message) -> None:
        self._waiting.pop((message.key, event.state), None)
        self._of(message)["callbacks_failed"] += 1

    def _noticed(self, _event: ev.Event, message: Message) -> None:
        self._of(message)["noticed"] += 1

    def _opened(self, _event: ev.Event, message: Message) -> None:
        self._of(message)["opened"] += 1

    def _clicked(self, _event: ev.Event, message: Message) -> None:
        self._of(message)["clicked"] += 1

    def _replied(self, event: ev.Replied, message: Message) -> None:
        counts = self._of(message)
        counts["replied"] += 1
        counts["stopped"] += event.stops

    def _opted_out(self, event: ev.OptedOut, _message: None) -> None:
        self._at((event.account, NOWHERE, ""))["opted_out"] += 1
