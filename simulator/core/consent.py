"""Opt-out words, what they do and what is answered. Who has opted out is state; the rest is data.

Source of the words: Twilio's page on opt-out keywords (help.twilio.com, "SMS STOP filtering");
providers' pages differ by a word or two, and the common ones agree. They count only as the single
word of a message, in any case. Automatic replies cost nothing, says the same page; their words here
are ours.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class Wish(Enum):
    """What a person's message means for further messages."""

    NOTHING = "nothing"
    STOP = "stop"
    START = "start"
    HELP = "help"


class Keywords(msgspec.Struct, frozen=True, gc=False):
    """Which words an account obeys, and what it answers by itself.

    Attributes:
        stop, start, help: words in capitals; none: that wish is not known.
        on_stop, on_start, on_help: the automatic reply; empty: none.
    """

    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    on_stop: str = ""
    on_start: str = ""
    on_help: str = ""

    def wish_of(self, body: str) -> Wish:
        """Return what a person's text asks for."""
        word = body.strip().upper()
        if word in self.stop:
            return Wish.STOP
        if word in self.start:
            return Wish.START
        return Wish.HELP if word in self.help else Wish.NOTHING

    def answer_to(self, wish: Wish) -> str:
        """Return the automatic reply, or nothing."""
        return {Wish.STOP: self.on_stop, Wish.START: self.on_start, Wish.HELP: self.on_help}.get(
            wish, ""
        )


SILENT = Keywords(
    stop=("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"),
    start=("START", "YES", "UNSTOP"),
    help=("HELP", "INFO"),
)
"""The common words; nobody answers."""

SPOKEN = msgspec.structs.replace(
    SILENT,
    on_stop="You will get no more messages from this number. Answer START to get them again.",
    on_start="You will get messages from this number again. Answer STOP to end them.",
    on_help="Answer STOP to get no more messages from this number. Message and data rates apply.",
)
"""The common words, answered."""
