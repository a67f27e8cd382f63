"""A batch, and what a client asks under an idempotency key: carried out once, answered again.

The one rule: a key and what came of it are the gateway's own state, made by recorded commands, so a
replay has the same keys. An answer is kept as values; written again, it is the same bytes.

    key unknown, or forgotten ──▶ carried out ──▶ kept for 24 virtual hours
    key known, same request ──▶ `Replayed`: what came of it then; no fact, no charge
    key known, another request ──▶ KEY_REUSED

Kept: what was accepted, and refusals that asking again would not change (`KEPT`). A refusal that
passes with time leaves the key free.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, cast

import msgspec

from simulator.core import events as ev
from simulator.core.command import Batch, Batched, Once, Replayed, Submission
from simulator.core.message import Message, Reason, Rejection
from simulator.engine.store import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.command import Answer, Command
    from simulator.engine.gateway import Gateway

KEPT_US: Final = 86_400_000_000
KEYS_MAX: Final = 100_000  # of an account; the oldest is forgotten first
KEPT: Final = frozenset({Reason.OPTED_OUT, Reason.DUPLICATE_REFERENCE})

Packed = bytes | Rejection


class _Entry(msgspec.Struct, frozen=True, gc=False):
    """What came of a key: a result, or those of a batch."""

    at_us: int
    fingerprint: int
    results: tuple[Packed, ...]
    batch: bool


class Keys:
    """The idempotency keys of one account, oldest first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: str, at_us: int) -> _Entry | None:
        """Return what came of a key, after forgetting those whose time is over."""
        entries = self._entries
        while entries and next(iter(entries.values())).at_us + KEPT_US <= at_us:
            entries.popitem(last=False)
        return entries.get(key)

    def keep(self, key: str, entry: _Entry) -> None:
        """Keep what came of a key."""
        if len(self._entries) >= KEYS_MAX:
            self._entries.popitem(last=False)
        self._entries[key] = entry


def once(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Carry out what is asked for the first time; else answer as then."""
    asked = cast("Once", command)
    shelf = gateway.store.shelves[asked.account]
    if shelf.used_keys is None:
        shelf.used_keys = Keys()
    entry = shelf.used_keys.find(asked.key, at_us)
    if entry is None:
        answer = gateway.carry_out(asked.what, at_us)
        if _lasts(answer):
            kept = _entry(at_us, asked.fingerprint, answer)
            shelf.used_keys.keep(asked.key, kept)
        return answer
    if entry.fingerprint != asked.fingerprint:
        to = asked.what.to if isinstance(asked.what, Submission) else ""
        gateway.emit(ev.Rejected(at_us, 0, asked.account, to, Reason.KEY_REUSED), None)
        return Rejection(Reason.KEY_REUSED, "Idempotency-Key")
    return Replayed(_answer(entry))


def batch(gateway: Gateway, command: Command, at_us: int) -> Answer:
    """Carry out several submissions, each for itself."""
    results: list[Message | Rejection] = []
    for item in cast("Batch", command).items:
        answer = gateway.carry_out(item, at_us)
        if answer is None:  # a dialect had refused it; now it is noted
            assert not isinstance(item, Submission)
            answer = Rejection(item.reason, item.field, item.detail)
        assert isinstance(answer, Message | Rejection)
        results.append(answer)
    return Batched(tuple(results))


VERBS: Mapping[type[Command], Callable[[Gateway, Command, int], Answer]] = {
    Batch: batch,
    Once: once,
}


def _lasts(answer: Answer) -> bool:
    return not isinstance(answer, Rejection) or answer.reason in KEPT


def _entry(at_us: int, fingerprint: int, answer: Answer) -> _Entry:
    assert isinstance(answer, Message | Rejection | Batched)
    results = answer.results if isinstance(answer, Batched) else (answer,)
    packed = tuple(pack(r) if isinstance(r, Message) else r for r in results)
    return _Entry(at_us, fingerprint, packed, isinstance(answer, Batched))


def _answer(entry: _Entry) -> Message | Rejection | Batched:
    results = tuple(unpack(r) if isinstance(r, bytes) else r for r in entry.results)
    return Batched(results) if entry.batch else results[0]
