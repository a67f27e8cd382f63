"""The books: what the provider accepted and what it told us since, in SQLite.

A receipt may be late, double, out of order, or earlier than the reply that names its message. So
receipts are only ever added, and a message's state is a fold over them, made when someone asks.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from examples.outreach.provider import Accepted, Letter

    Holds = Callable[["Receipt", Iterable["Receipt"]], "Receipt"]

# From each state, the states that a receipt may lead to; any other receipt is stale. A state with
# no way out is final. "Undelivered" has one: a carrier may correct itself.
MOVES = {
    "accepted": frozenset({"sent", "delivered", "undelivered", "failed"}),
    "sent": frozenset({"delivered", "undelivered", "failed"}),
    "undelivered": frozenset({"delivered"}),
    "delivered": frozenset[str](),
    "failed": frozenset[str](),
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS campaigns (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS messages (
  own_id TEXT PRIMARY KEY, provider_id TEXT, number TEXT NOT NULL, body TEXT NOT NULL,
  segments INTEGER NOT NULL, accepted_us INTEGER NOT NULL,
  ref TEXT NOT NULL UNIQUE  -- what receipts call it: the provider's id, or ours if it has none
);
CREATE TABLE IF NOT EXISTS receipts (
  nth INTEGER PRIMARY KEY, ref TEXT NOT NULL, state TEXT NOT NULL, units INTEGER, error INTEGER,
  at_us INTEGER NOT NULL, signed INTEGER NOT NULL, gone INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS receipts_by_ref ON receipts (ref);
CREATE INDEX IF NOT EXISTS messages_by_number ON messages (number);
CREATE TABLE IF NOT EXISTS people (
  number TEXT PRIMARY KEY, replied INTEGER NOT NULL, opted_out INTEGER NOT NULL
);
"""
MESSAGES = """
SELECT own_id, provider_id, number, body, segments, accepted_us,
  state, units, error, at_us, signed, gone
FROM messages LEFT JOIN receipts USING (ref)
"""
STRAYS = """
SELECT ref, state, units, error, at_us, signed, gone FROM receipts
WHERE ref NOT IN (SELECT ref FROM messages) ORDER BY ref, nth
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the provider said of one message, and when we heard it.

    `units` and `error` only where they mean something; `gone`: nobody has this number.
    """

    ref: str
    state: str
    units: int | None = None
    error: int = 0
    at_us: int = 0
    signed: bool = True
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """An accepted message, and the receipt that holds now."""

    own_id: str
    provider_id: str | None
    to: str
    segments: int
    told: Receipt
    text: str = ""
    receipts: int = 0  # how many there have been


class Books:
    """Everything we know. A path of `:memory:` is forgotten at the end."""

    def __init__(self, path: str, holds: Holds | None = None) -> None:
        self._holds = holds or fold
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def open_campaign(self, name: str) -> bool:
        """Note a campaign; False if there has been one of that name."""
        added = self._db.execute("INSERT OR IGNORE INTO campaigns VALUES (?)", (name,))
        return added.rowcount == 1

    def accept(self, letter: Letter, accepted: Accepted, now_us: int) -> None:
        """Note that the provider has accepted a letter."""
        own_id, sid = letter.own_id, accepted.provider_id
        row = (own_id, sid, letter.to, letter.text, accepted.segments, now_us, sid or own_id)
        self._db.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def add_receipts(
        self, receipts: Iterable[Receipt], now_us: int, *, signed: bool = True
    ) -> None:
        """Note receipts, also of messages we do not know (yet)."""
        self._db.executemany(
            "INSERT INTO receipts (ref, state, units, error, at_us, signed, gone)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(r.ref, r.state, r.units, r.error, now_us, signed, r.gone) for r in receipts],
        )

    def note_person(self, number: str, *, opted_out: bool) -> None:
        """Note that a person has replied or opted out. There is no way back in."""
        self._db.execute(
            "INSERT INTO people VALUES (?, ?, ?) ON CONFLICT (number) DO UPDATE SET"
            " replied = replied OR excluded.replied, opted_out = opted_out OR excluded.opted_out",
            (number, not opted_out, opted_out),
        )

    def opted_out(self, number: str) -> bool:
        """Whether nothing may be sent to a number any more."""
        return self._exists("SELECT 1 FROM people WHERE opted_out AND number = ?", number)

    def replied(self, number: str) -> bool:
        """Whether a person has written anything but STOP."""
        return self._exists("SELECT 1 FROM people WHERE replied AND number = ?", number)

    def knows(self, provider_id: str) -> bool:
        """Whether a message of the provider's is in the books."""
        return self._exists("SELECT 1 FROM messages WHERE ref = ?", provider_id)

    def delivered(self, own_id: str) -> bool:
        """Whether a letter is known to have been delivered."""
        found = self._messages(MESSAGES + "WHERE own_id = ? ORDER BY nth", own_id)
        return any(message.told.state == "delivered" for message in found)

    def gone(self, number: str) -> bool:
        """Whether we were told that nobody has a number, and nothing else since."""
        found = self._messages(MESSAGES + "WHERE number = ? ORDER BY own_id, nth", number)
        return any(message.told.gone for message in found)

    def ended(self, own_id: str) -> bool:
        """Whether something final is known of a letter."""
        found = self._messages(MESSAGES + "WHERE own_id = ? ORDER BY nth", own_id)
        return any(message.told.state not in ("accepted", "sent") for message in found)

    def messages(self, holds: Holds | None = None) -> Iterator[Message]:
        """Return the accepted messages by own id, each with what we believe of it now."""
        return self._messages(MESSAGES + "ORDER BY own_id, nth", holds=holds)

    def strays(self) -> Iterator[Receipt]:
        """Return what holds of messages that we never knew were accepted, by their refs."""
        rows = self._db.execute(STRAYS)
        for ref, told in groupby(rows, key=lambda row: row[0]):
            yield self._holds(Receipt(ref, "accepted"), [Receipt(*row) for row in told])

    def _exists(self, query: str, key: str) -> bool:
        return self._db.execute(query, (key,)).fetchone() is not None

    def _messages(self, query: str, *keys: str, holds: Holds | None = None) -> Iterator[Message]:
        holds = holds or self._holds
        rows = self._db.execute(query, keys)
        for message, told in groupby(rows, key=lambda row: row[:6]):
            own_id, sid, number, text, count, accepted_us = message
            receipts = [Receipt(own_id, *row[6:]) for row in told if row[6] is not None]
            now = holds(Receipt(own_id, "accepted", at_us=accepted_us), receipts)
            yield Message(own_id, sid, number, count, now, text, len(receipts))


def fold(holds: Receipt, receipts: Iterable[Receipt]) -> Receipt:
    """Return the receipt that holds, of all those of one message in the order of their arrival.

    `holds` is what we know without one: that it was accepted.
    """
    for told in receipts:
        if told.signed and told.state in MOVES[holds.state]:
            holds = told
    return holds


def believed(_path: str, signed: bool) -> bool:
    """Tell whether a callback is let in."""
    return signed
