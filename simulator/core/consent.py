"""Opt-out words, and what they do. Who has opted out is state; which words mean it is data.

Source of the words: Twilio's documentation of default opt-out handling (providers' pages differ by
a word or two; the common ones agree). They count only as the single word of a message, in any case.
"""

from __future__ import annotations

from enum import Enum


class Wish(Enum):
    """What a person's message means for further messages."""

    NOTHING = "nothing"
    STOP = "stop"
    START = "start"
    HELP = "help"


_WORDS = {
    **dict.fromkeys(
        ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), Wish.STOP
    ),
    **dict.fromkeys(("START", "YES", "UNSTOP"), Wish.START),
    **dict.fromkeys(("HELP", "INFO"), Wish.HELP),
}


def wish_of(body: str) -> Wish:
    """Return what a person's text asks for."""
    return _WORDS.get(body.strip().upper(), Wish.NOTHING)
