"""What only few messages have: a schedule, a messaging service, media, no effect at all."""

from __future__ import annotations

import msgspec


class Extra(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What only few messages have; most have none of it.

    Attributes:
        send_at_us: the instant it is scheduled for; 0: at once.
        service: id of the messaging service it goes through, or empty.
        pool: the senders that the service may choose from; empty: the sender is given.
        chosen: the service has chosen the sender.
        media: addresses of what goes with it; a deleted one is empty.
        feedback: the client intends to say whether the message did its work.
        dry: test credentials: answer as if, and do nothing.
    """

    send_at_us: int = 0
    service: str = ""
    pool: tuple[str, ...] = ()
    chosen: bool = False
    media: tuple[str, ...] = ()
    feedback: bool = False
    dry: bool = False
