"""Checks on who is contacted, how often, and after what the system had been told of them.

The one rule: a person is their number, whatever account or sender the touch came from.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simulator.core.number import NumberKind
from simulator.verify.touch import (
    Channel,
    Found,
    News,
    Touch,
    breach,
    by_person,
    country_of,
    in_order,
    kind_of,
    lasting,
)

if TYPE_CHECKING:
    from simulator.policy_checks import (
        AtMostPerWindow,
        ConsentOnRecord,
        NoDuplicateText,
        NoSendAfterOptOut,
        NoSendToGone,
        NoSendToLandline,
        StopAfter,
        StopAfterUnanswered,
    )
    from simulator.verify.touch import Breach, Notice, Traffic

_NOTHING = "nothing was sent"
_NO_TEXT = "its text is not known"
_NOT_TOLD_APART = "its numbering plan does not tell mobiles from landlines"
_NOT_MOBILE = frozenset(NumberKind) - {NumberKind.MOBILE, NumberKind.UNKNOWN}


def no_send_after_opt_out(check: NoSendAfterOptOut, traffic: Traffic) -> Found:
    """Find attempts after the system was told of an opt-out; refused attempts count as well."""
    out: dict[str, Notice] = {}
    confirmed: set[str] = set()
    breaches: list[Breach] = []
    told = 0
    for item in in_order(traffic, News.OPTED_OUT, News.OPTED_IN):
        if not isinstance(item, Touch):
            if item.news is News.OPTED_IN:
                out.pop(item.person, None)
            elif item.person not in out:
                out[item.person] = item
                confirmed.discard(item.person)
                told += 1
            continue
        since = out.get(item.to)
        if since is None or item.at_us - since.at_us < check.grace_us:
            continue
        late_us = item.at_us - since.at_us
        confirms = 0 < check.confirmation_us >= late_us
        if confirms and item.to not in confirmed:
            confirmed.add(item.to)
            continue
        breaches.append(breach(item, f"{lasting(late_us)} after the system was told of an opt-out"))
    return Found(breaches, told, "the system was told of no opt-out")


def no_send_to_gone(check: NoSendToGone, traffic: Traffic) -> Found:
    """Find attempts to a number after the system was told that nobody has it."""
    gone: dict[str, Notice] = {}
    breaches: list[Breach] = []
    for item in in_order(traffic, News.GONE):
        if not isinstance(item, Touch):
            gone.setdefault(item.person, item)
        elif (since := gone.get(item.to)) and item.at_us - since.at_us >= check.grace_us:
            late = lasting(item.at_us - since.at_us)
            breaches.append(breach(item, f"{late} after the system was told: not in use"))
    return Found(breaches, len(gone), "the system was told of no number that is not in use")


def no_send_to_landline(_check: NoSendToLandline, traffic: Traffic) -> Found:
    """Find messages to numbers that cannot have any, by their numbering plan."""
    breaches: list[Breach] = []
    occasions = 0
    unjudged: Counter[str] = Counter()
    for touch in traffic.touches:
        if touch.channel is not Channel.SMS:
            continue
        kind = kind_of(touch.to)
        if kind is NumberKind.UNKNOWN or (
            kind is NumberKind.MOBILE and country_of(touch.to) == "US"
        ):
            unjudged[_NOT_TOLD_APART] += 1
            continue
        occasions += 1
        if kind in _NOT_MOBILE:
            breaches.append(breach(touch, f"an SMS to a number that is {kind.value}"))
    return Found(breaches, occasions, _NOTHING, unjudged)


def consent_on_record(check: ConsentOnRecord, traffic: Traffic) -> Found:
    """Find touches of people who have not agreed, strangers to the scenario among them."""
    breaches: list[Breach] = []
    touches = traffic.of(check.channel)
    for touch in touches:
        person = traffic.people.get(touch.to)
        if person is None:
            breaches.append(breach(touch, "the recipient is not among the scenario's people"))
        elif not person.consent:
            breaches.append(breach(touch, "no consent is on record"))
    return Found(breaches, len(touches), _NOTHING)


def at_most_per_window(check: AtMostPerWindow, traffic: Traffic) -> Found:
    """Find each touch that is one too many in a window that ends with it."""
    breaches: list[Breach] = []
    touches = traffic.of(check.channel)
    what = {"sms": "SMS", "mail": "mails", "call": "calls"}[check.channel]
    for to, own in by_person(touches).items():
        own.sort(key=lambda touch: (touch.at_us, touch.nth))
        window_us = check.within_us
        if traffic.business(to) and check.business_us is not None:
            window_us = check.business_us
        where = "in the run" if window_us is None else f"within {lasting(window_us)}"
        for first, touch in zip(own, own[check.count :], strict=False):
            if window_us is None or touch.at_us - first.at_us < window_us:
                words = f"more than {check.count} {what} to one person {where}"
                breaches.append(breach(touch, words))
    return Found(breaches, len(touches), _NOTHING)


def no_duplicate_text(check: NoDuplicateText, traffic: Traffic) -> Found:
    """Find texts that a person has had within the window before."""
    breaches: list[Breach] = []
    touches = traffic.of("any")
    last: dict[tuple[str, str], Touch] = {}
    unjudged: Counter[str] = Counter()
    for touch in sorted(touches, key=lambda touch: (touch.at_us, touch.nth)):
        if touch.text is None:
            unjudged[_NO_TEXT] += 1
            continue
        before = last.get((touch.to, touch.text))
        last[touch.to, touch.text] = touch
        if before is not None and touch.at_us - before.at_us < check.within_us:
            words = f"the same text {lasting(touch.at_us - before.at_us)} after the last time"
            breaches.append(breach(touch, words))
    return Found(breaches, len(touches) - unjudged.total(), _NOTHING, unjudged)


def stop_after_unanswered(check: StopAfterUnanswered, traffic: Traffic) -> Found:
    """Find touches after so many in a row that nobody answered."""
    breaches: list[Breach] = []
    unanswered: Counter[str] = Counter()
    occasions = 0
    for item in in_order(traffic, News.ANSWERED):
        if not isinstance(item, Touch):
            unanswered[item.person] = 0
            continue
        if item.refused or item.channel.value != check.channel:
            continue
        occasions += 1
        if unanswered[item.to] >= check.count:
            words = f"after {unanswered[item.to]} in a row without an answer"
            breaches.append(breach(item, words))
        unanswered[item.to] += 1
    return Found(breaches, occasions, _NOTHING)


def stop_after(check: StopAfter, traffic: Traffic) -> Found:
    """Find touches longer than the span after the first."""
    breaches: list[Breach] = []
    touches = traffic.of("any")
    for to, own in by_person(touches).items():
        longer = traffic.business(to) and check.business_us is not None
        span_us = (check.business_us if longer else None) or check.span_us
        first_us = min(touch.at_us for touch in own)
        for touch in own:
            if touch.at_us - first_us > span_us:
                late = lasting(touch.at_us - first_us)
                words = f"{late} after the first touch, later than {lasting(span_us)}"
                breaches.append(breach(touch, words))
    return Found(breaches, len(touches), _NOTHING)
