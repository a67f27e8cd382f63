"""A world built again from its log: the facts as they are written, nothing recomputed.

The one rule: no law and no chance is asked. What `replay.py` proves by living through a recording,
this takes as told, so that a run can be judged again by a Todoku whose laws have changed since.
Commands lend what facts leave out: an account's settings, a message's text and reference.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from simulator.core import events as ev
from simulator.core.command import Batch, Configure, Once, Submission
from simulator.core.message import Message, Origin, State
from simulator.engine.log import Settled
from simulator.engine.ordering import reply_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulator.core.command import Refusal
    from simulator.core.events import Event
    from simulator.engine.log import Recorded
    from simulator.engine.world import World


class RereadError(ValueError):
    """The log and the recording do not belong together, or parts of them are lost."""


def reread(world: World, events: Iterable[Event], items: Iterable[Recorded]) -> None:
    """Fill a new world from a log.

    Args:
        world: new, without accounts; its messages all stay, whatever its retention.
        events: of the log, in its order.
        items: the recording of the same world.

    Raises:
        RereadError: a fact is about what never was.
    """
    _Reader(world, items).read(events)


class _Reader:
    def __init__(self, world: World, items: Iterable[Recorded]) -> None:
        self._world = world
        self._settings: deque[Configure] = deque()
        self._asked: dict[int, Submission] = {}  # by the message's key
        self._replies: set[int] = set()
        self._batches: dict[tuple[int, str, str], deque[Submission | Refusal]] = {}
        for item in items:
            self._take(item)

    def _take(self, item: Recorded) -> None:
        what = item.what.what if isinstance(item.what, Once) else item.what
        if isinstance(what, Configure):
            self._settings.append(what)
        elif isinstance(what, Submission):
            self._asked[item.key] = what  # 0: refused, and nobody asks for it
        elif isinstance(what, Batch):
            for one in what.items:
                place = (item.at_us, one.account, one.to)
                self._batches.setdefault(place, deque()).append(one)
        elif isinstance(what, Settled) and what.orders is not None:
            for n, said in enumerate(what.orders.says):
                key = reply_key(what.key, n)
                self._asked[key] = said
                self._replies.add(key)

    def read(self, events: Iterable[Event]) -> None:
        store, log = self._world.store, self._world.log
        for event in events:
            message = self._about(event)
            try:
                log.append(event, message)
            except AssertionError as error:
                raise RereadError(str(error)) from None
            if isinstance(event, ev.Deleted) and message is not None:
                store.delete(message)

    def _about(self, event: Event) -> Message | None:
        """Return the message that a fact is about, made where the fact makes it."""
        if isinstance(event, ev.Accepted):
            return self._accept(event)
        if isinstance(event, ev.Received):
            inbound = {"sender": event.person, "inbound": True, "state": State.RECEIVED}
            return self._make(event, event.account, **inbound)
        if isinstance(event, ev.AutoReplied):
            return self._make(event, event.account, to=event.person, **_AUTOMATIC)
        if isinstance(event, ev.AccountOpened):
            self._open(event)
        elif isinstance(event, ev.Rejected):
            self._refuse(event)
        elif event.key:
            found = self._world.store.live.get(event.key)
            if found is None:
                raise RereadError(f"message {event.key:016x} was never accepted")
            return found
        return None

    def _open(self, event: ev.AccountOpened) -> None:
        store = self._world.store
        while self._settings:
            account = self._settings.popleft().account
            if account.id != event.account:
                continue  # that change was refused
            if account.id in store.shelves:
                store.shelves[account.id].account = account
            else:
                store.open(account)
            return
        raise RereadError(f"account {event.account} has no settings in the recording")

    def _refuse(self, event: ev.Rejected) -> None:
        """Drop what was refused of a batch; a person's others in it keep their order."""
        if batch := self._batches.get((event.at_us, event.account, event.to)):
            batch.popleft()

    def _accept(self, event: ev.Accepted) -> Message:
        shelf = self._world.store.shelves.get(event.account)
        asked = self._asked.pop(event.key, None) if event.key else None
        if asked is None and (batch := self._batches.get((event.at_us, event.account, event.to))):
            found = batch.popleft()
            asked = found if isinstance(found, Submission) else None
        if shelf is None or asked is None:
            raise RereadError(f"message {event.key:016x} was accepted, but nobody sent it")
        extra, replies = asked.extra, event.key in self._replies
        state = State.SCHEDULED if extra is not None and extra.send_at_us else State.ACCEPTED
        shelf.accepted += 1
        return self._make(
            event,
            event.account,
            to=event.to,
            sender=event.sender,
            encoding=event.encoding,
            segments=event.segments,
            carrier=event.carrier,
            country=asked.country,
            body=asked.body,
            reference=asked.reference,
            notify=asked.notify,
            extra=extra,
            state=state,
            told=state,
            feedback=2 if extra is not None and extra.feedback else 0,
            origin=Origin.REPLY if replies else Origin.CLIENT,
        )

    def _make(self, event: Event, account: str, **fields: Any) -> Message:
        """Make a message; no chance is in it, since its fates are told."""
        own = {"account": account, "accepted_us": event.at_us, "told_us": event.at_us}
        message = Message(**{**_BLANK, "key": event.key, "fate_key": event.key, **own, **fields})
        self._world.store.add(message, self._world.store.shelves[account])
        return message


_AUTOMATIC = {"origin": Origin.AUTOMATIC, "state": State.SENT, "told": State.SENT}
_BLANK: Mapping[str, Any] = {
    **dict.fromkeys(("to", "country", "sender", "body", "reference", "callback_url"), ""),
    **dict.fromkeys(("encoding", "notify", "validity_us", "carrier"), 0),
    "segments": 1,
    "can_reply": False,
    "told": State.ACCEPTED,
    "pending": 1,
}
