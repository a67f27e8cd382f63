"""What a client may ask of the store, and what it gets: values only.

Reading is telling: the gateway notes that a customer who read a message was told its state.
"""

from __future__ import annotations

import msgspec

from simulator.core.message import Message


class Find(msgspec.Struct, frozen=True, gc=False):
    """One message of an account by its public id (32 hex digits, without a provider's prefix).

    Attributes:
        media: only if it was sent with media, or only if without; None: either.
        tells: the reply shows the message's state.
    """

    account: str
    public_id: str
    media: bool | None = None
    tells: bool = True


class ByReference(msgspec.Struct, frozen=True, gc=False):
    """One message of an account by the client's own reference."""

    account: str
    reference: str


class Page(msgspec.Struct, frozen=True, gc=False):
    """Messages of an account, newest first.

    Attributes:
        to, sender: only those; empty: any.
        sent_from_us, sent_before_us: half-open range of the instant the carrier took them; 0: open.
        accepted_from_us, accepted_before_us: half-open range of acceptance; 0: open.
        size: 1 to 10,000.
        cursor: public id the page starts after (before, if `back`), exclusive; empty: newest.
    """

    account: str
    to: str = ""
    sender: str = ""
    sent_from_us: int = 0
    sent_before_us: int = 0
    accepted_from_us: int = 0
    accepted_before_us: int = 0
    size: int = 50
    cursor: str = ""
    back: bool = False


Query = Find | ByReference | Page


class Listing(msgspec.Struct, frozen=True, gc=False):
    """A page: messages newest first, whether older ones follow and newer ones precede."""

    messages: tuple[Message, ...]
    older: bool
    newer: bool
