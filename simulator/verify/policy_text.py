"""Checks on what a text says: who sends it, how to refuse more of it, where to find the sender.

The one rule: texts and words are compared after NFKC and without case, so that full-width letters
are no way round. A page behind a link is not opened: that it says what it must is taken on trust,
and docs/policies.md says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from simulator.verify.touch import Channel, Found, breach

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.policy_checks import NamesSender, OffersRefusal, ReachesContact
    from simulator.verify.touch import Breach, Traffic

_NOTHING = "nothing was sent"
_NO_TEXT = "its text is not known"
_LINK = re.compile(r"https?://[^\s/]+\.[^\s/]+|\bwww\.[^\s/]+\.[^\s/]+|\b[\w-]+(?:\.[a-z]{2,})+/\S")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<!\d)(?:\+\d|0)\d{0,4}[-(). ]{0,2}\d{1,5}[-(). ]{0,2}\d{3,4}(?!\d)")
_PHONE_DIGITS_MIN = 9


def names_sender(check: NamesSender, traffic: Traffic) -> Found:
    """Find texts without the sender's name."""
    names = [folded(name) for name in check.any_of]

    def fault(text: str) -> str:
        return "" if any(name in text for name in names) else "the text does not name the sender"

    return _by_the_text(traffic, fault)


def offers_refusal(check: OffersRefusal, traffic: Traffic) -> Found:
    """Find texts that do not say how to refuse, or say it where no refusal can arrive."""
    words = [_word(word) for word in check.any_of]

    def fault(text: str) -> str:
        if not any(word.search(text) for word in words):
            return "the text does not say how to refuse further ones"
        if traffic.two_way or _LINK.search(text) or _MAIL.search(text) or _has_phone(text):
            return ""
        return "the text offers a refusal by reply, and this route carries no replies"

    return _by_the_text(traffic, fault)


def reaches_contact(check: ReachesContact, traffic: Traffic) -> Found:
    """Find texts with neither a link nor both the address and a contact."""
    address = None if check.address is None else folded(check.address)

    def fault(text: str) -> str:
        if _LINK.search(text):
            return ""
        wanted = []
        if address is None or address not in text:
            wanted.append("address")
        if not _MAIL.search(text) and not _has_phone(text):
            wanted.append("contact")
        return f"no link, and no {' and no '.join(wanted)} in the text" if wanted else ""

    return _by_the_text(traffic, fault)


def folded(text: str) -> str:
    """Return a text as it is compared: NFKC, without case."""
    return unicodedata.normalize("NFKC", text).casefold()


def _word(word: str) -> re.Pattern[str]:
    """Match a word: a Latin one as a whole, others anywhere, since they have no spaces."""
    escaped = re.escape(folded(word))
    return re.compile(rf"\b{escaped}\b" if word.isascii() else escaped)


def _has_phone(text: str) -> bool:
    found = (re.sub(r"\D", "", match.group()) for match in _PHONE.finditer(text))
    return any(len(digits) >= _PHONE_DIGITS_MIN for digits in found)


def _by_the_text(traffic: Traffic, fault: Callable[[str], str]) -> Found:
    breaches: list[Breach] = []
    unjudged: Counter[str] = Counter()
    said: dict[str, str] = {}  # a campaign has few texts
    occasions = 0
    for touch in traffic.of("any"):
        if touch.channel is Channel.CALL:
            continue
        if touch.text is None:
            unjudged[_NO_TEXT] += 1
            continue
        occasions += 1
        if touch.text not in said:
            said[touch.text] = fault(folded(touch.text))
        if words := said[touch.text]:
            breaches.append(breach(touch, words))
    return Found(breaches, occasions, _NOTHING, unjudged)
