"""Checks on the order of channels: mail first, an SMS before the first call, one after it.

The one rule: these are written for touches of any channel. Until mails and calls exist in a run,
`policy.py` says of each that it cannot be judged, and never that it holds.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from simulator.verify.touch import Channel, Found, breach, by_person

if TYPE_CHECKING:
    from simulator.policy_checks import (
        MailFirst,
        OneCallerNumber,
        SmsAfterUnansweredCall,
        SmsBeforeFirstCall,
    )
    from simulator.verify.touch import Breach, Touch, Traffic

_NOTHING = "nothing was sent"
_NO_CALL = "nobody was called"
_NO_TEXT = "the text of the SMS after it is not known"
_TAIL_DIGITS = 9  # of a number in national and in international form alike


def mail_first(_check: MailFirst, traffic: Traffic) -> Found:
    """Find people whose first touch is no mail."""
    people = by_person(traffic.of("any"))
    wrong = [own[0] for own in people.values() if own[0].channel is not Channel.MAIL]
    words = [breach(touch, f"the first touch is by {touch.channel.value}") for touch in wrong]
    return Found(words, len(people), _NOTHING)


def sms_before_first_call(_check: SmsBeforeFirstCall, traffic: Traffic) -> Found:
    """Find first calls with no SMS before them."""
    breaches: list[Breach] = []
    called = 0
    for own in by_person(traffic.of("any")).values():
        first = next((n for n, touch in enumerate(own) if touch.channel is Channel.CALL), None)
        if first is None:
            continue
        called += 1
        if not any(touch.channel is Channel.SMS for touch in own[:first]):
            breaches.append(breach(own[first], "no SMS came before the first call"))
    return Found(breaches, called, _NO_CALL)


def sms_after_unanswered_call(check: SmsAfterUnansweredCall, traffic: Traffic) -> Found:
    """Find unanswered calls that no SMS with the calling number followed in time."""
    breaches: list[Breach] = []
    unjudged: Counter[str] = Counter()
    occasions = 0
    for own in by_person(traffic.of("any")).values():
        for n, call in enumerate(own):
            if call.channel is not Channel.CALL or call.answered:
                continue
            soon = [
                touch
                for touch in own[n + 1 :]
                if touch.channel is Channel.SMS and touch.at_us - call.at_us <= check.within_us
            ]
            named = any(_names(touch, call.sender) for touch in soon)
            if not named and any(touch.text is None for touch in soon):
                unjudged[_NO_TEXT] += 1
                continue
            occasions += 1
            if not named:
                why = "names the calling number" if soon else "followed the unanswered call"
                breaches.append(breach(call, f"no SMS {why} in time"))
    return Found(breaches, occasions, "no call went unanswered", unjudged)


def one_caller_number(_check: OneCallerNumber, traffic: Traffic) -> Found:
    """Find calls from another number than the first."""
    calls = traffic.of("call")
    others = [call for call in calls if call.sender != calls[0].sender]
    words = "a call from another number than the first one"
    return Found([breach(call, words) for call in others], len(calls), _NO_CALL)


def _names(sms: Touch, number: str) -> bool:
    """Tell whether a text holds a number, in whatever form it is written."""
    text = re.sub(r"\D", "", unicodedata.normalize("NFKC", sms.text or ""))
    digits = re.sub(r"\D", "", number)
    return bool(digits) and digits[-_TAIL_DIGITS:] in text
