"""What we say: the texts, how many segments they take, and how a number is shown in a log.

A text names its sender first, then the matter, then whom to ask and how to stop.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """The two messages of a campaign; without a reminder there is only the first.

    Ours take one segment, then two.
    """

    opening: str
    reminder: str = ""


JAPANESE = Texts(
    opening=(
        "【とどく歯科】6か月検診の時期となりました。ご予約・お問合せ・配信停止は"
        " https://example.jp/todoku よりどうぞ。"
    ),
    reminder=(
        "【とどく歯科】先日お送りした6か月検診のご案内が届いていないようですので、"
        "あらためてご連絡いたします。行き違いの際は何とぞご容赦ください。"
        "ご予約・お問合せ・配信停止は https://example.jp/todoku よりお願いします。"
    ),
)

ENGLISH = Texts(
    opening=(
        "Todoku Dental: your six-month check-up is due. Book or ask at "
        "https://example.com/todoku or reply here. Reply STOP to opt out."
    ),
    reminder=(
        "Todoku Dental: a few days ago we wrote that your six-month check-up is due. We have not "
        "heard from you yet, so here is one last reminder. Book or ask at "
        "https://example.com/todoku or reply here. Reply STOP to opt out."
    ),
)

_NOT_IN_GSM_7 = frozenset("`^{}[]~|\\")  # the grave is absent; the others would count twice


def segments(text: str) -> int:
    """Count the segments of one of our own texts.

    Plain ASCII is sent as GSM-7 (160 characters, or 153 in each of several segments), all else as
    UCS-2 (70, or 67). Too simple for other people's texts: it never sends an accent in GSM-7.
    """
    if text.isascii() and not _NOT_IN_GSM_7 & set(text):
        size, alone, joined = len(text), 160, 153
    else:
        size, alone, joined = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if size <= alone else -(-size // joined)


def redacted(number: str) -> str:
    """Return a phone number as a log may show it: `+8190***4567`."""
    return f"{number[:5]}***{number[-4:]}"
