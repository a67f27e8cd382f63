"""People: whether they notice, open, reply, say STOP; drawn from their keys, never stored.

Two stages of reading, since the two published claims are different variables: *noticed* (a banner
was seen; 90% within 30 minutes) and *opened* (86% in the end). Each is per delivered message.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from simulator.core.chance import (
    Law,
    Purpose,
    lognormal,
    lognormal_through,
    once,
    rung,
    stream_of,
    threshold,
)
from simulator.core.handset import Absence, absence
from simulator.core.preset import Certainty, Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class PersonPreset:
    """The figures that one kind of recipients is made of. Rates are shares, 0 to 1."""

    name: str
    gone: Figure
    refuses: Figure
    absent: Figure
    away: Figure
    noticed: Figure
    opened: Figure
    click: Figure
    reply: Figure
    stop: Figure
    notice_delay: Law
    open_delay: Law
    click_delay: Law
    reply_delay: Law


RATE_NAMES = ("gone", "refuses", "absent", "away", "noticed", "opened", "click", "reply", "stop")

_SPLIT = (
    "Assumed: no public breakdown of Japanese failures exists. Chosen so that 98% of accepted "
    "messages are delivered, as KDDI Message Cast states for its direct routes (vendor)."
)
_NOTICED_EVER = Figure(
    0.983,
    "share",
    "delivered message",
    "Conroy et al., JMIR mHealth 2020;8(4):e14270: 5,504 of 5,598 confirmed; paid panel, so high.",
    Certainty.MEASURED,
)
# 90% of delivered messages noticed within 30 min: INST Messenger (vendor); median 3 min assumed.
_NOTICE_DELAY = lognormal_through(
    0.5 / _NOTICED_EVER.value, 180, 0.9 / _NOTICED_EVER.value, 1800, "notice_inst"
)
_OPEN_DELAY = lognormal_through(0.5, 20, 0.9, 1800, "notice to opening: median 20 s (assumed)")
_CLICK_DELAY = lognormal_through(0.5, 15, 0.9, 300, "opening to click: median 15 s (assumed)")
# 43% within 15 min (Dynmark 2013, about 1 bn SMS) and 60% within 45 min (Chow et al. 2022).
REPLY_GENERAL = lognormal(7.253, 2.557, "reply_general")

JP_DIRECT = PersonPreset(
    name="jp-direct",
    gone=Figure(0.0114, "share", "recipient", _SPLIT, Certainty.ASSUMED),
    refuses=Figure(0.0055, "share", "recipient", _SPLIT, Certainty.ASSUMED),
    absent=Figure(0.07, "share", "recipient and day", _SPLIT, Certainty.ASSUMED),
    away=Figure(0.006, "share", "recipient and week", _SPLIT, Certainty.ASSUMED),
    noticed=_NOTICED_EVER,
    opened=Figure(
        0.86,
        "share",
        "delivered message",
        "KDDI Message Cast: 86% opened in the end. Not measurable for a plain SMS.",
        Certainty.VENDOR,
    ),
    click=Figure(
        0.04,
        "share",
        "delivered message with a link",
        "Dynmark 2013 (own traffic, about 1 bn SMS): click-through 4% in the mean, retail 8%, "
        "entertainment 14%; its denominator is not stated, and nothing Japanese was found.",
        Certainty.VENDOR,
    ),
    reply=Figure(
        0.05, "share", "delivered message", "Assumed: depends on the campaign.", Certainty.ASSUMED
    ),
    stop=Figure(
        0.003, "share", "delivered message", "Assumed: known customers.", Certainty.ASSUMED
    ),
    notice_delay=_NOTICE_DELAY,
    open_delay=_OPEN_DELAY,
    click_delay=_CLICK_DELAY,
    reply_delay=REPLY_GENERAL,
)

US_GENERIC_PEOPLE = replace(
    JP_DIRECT,
    name="us-generic",
    gone=Figure(
        0.04,
        "share",
        "recipient",
        "Burst SMS: 95% delivered once hard bounces are removed (own data, no n); split assumed.",
        Certainty.VENDOR,
    ),
    reply=Figure(
        0.25,
        "share",
        "delivered message",
        "25 to 35% for opted-in, engaged lists (atmssg.com); Dynmark 2013: up to 24% on request.",
        Certainty.VENDOR,
    ),
    stop=Figure(
        0.035,
        "share",
        "delivered message",
        "Burst SMS: 3 to 4% opt out on later sends (own data, no n).",
        Certainty.VENDOR,
    ),
)

PRESETS: Mapping[str, PersonPreset] = {p.name: p for p in (JP_DIRECT, US_GENERIC_PEOPLE)}
COUNTRY_PRESET: Mapping[str, str] = {"JP": "jp-direct"}
DEFAULT_PRESET = "us-generic"


@dataclass(frozen=True, slots=True)
class Persona:
    """A preset compiled for one world: thresholds for `draw64` instead of rates."""

    name: str
    gone: int
    refuses: int
    away: Absence
    noticed: int
    opened_of_noticed: int
    clicks_of_opened: int
    replies_of_opened: int
    stops_of_opened: int
    notice_delay: Law
    open_delay: Law
    click_delay: Law
    reply_delay: Law


_STAGES = (("reply", "opened"), ("stop", "opened"), ("click", "opened"), ("opened", "noticed"))


def rates_of(preset: PersonPreset, rates: Mapping[str, float]) -> dict[str, float]:
    """Return every rate of a preset, some of them overridden (see `RATE_NAMES`).

    Who replies has opened, and who has opened has noticed: where a later stage is raised above an
    earlier one that was not given, the earlier one is raised with it. Clicks that were not given
    are at most the openings.

    Raises:
        ValueError: a rate has an unknown name, or a later stage exceeds an earlier one.
    """
    unknown = sorted(set(rates) - set(RATE_NAMES))
    if unknown:
        msg = f"unknown rate {unknown[0]!r}; known are {', '.join(RATE_NAMES)}"
        raise ValueError(msg)
    value = {n: rates.get(n, getattr(preset, n).value) for n in RATE_NAMES}
    if "click" not in rates:
        value["click"] = min(value["click"], value["opened"])
    for late, early in _STAGES:
        if value[late] > value[early] and early not in rates:
            value[early] = value[late]
        if value[late] > value[early]:
            msg = f"{late} ({value[late]:g}) cannot exceed {early} ({value[early]:g})"
            raise ValueError(msg)
    return value


def compile_persona(
    seed: int, name: str, preset: PersonPreset, rates: Mapping[str, float]
) -> Persona:
    """Compile a preset, with some of its rates overridden: see `rates_of`, and what it raises."""
    value = rates_of(preset, rates)
    return Persona(
        name=name,
        gone=threshold(value["gone"]),
        refuses=threshold(value["refuses"]),
        away=absence(seed, threshold(value["absent"]), threshold(value["away"])),
        noticed=threshold(value["noticed"]),
        opened_of_noticed=threshold(_part(value["opened"], value["noticed"])),
        clicks_of_opened=threshold(_part(value["click"], value["opened"])),
        replies_of_opened=threshold(_part(value["reply"], value["opened"])),
        stops_of_opened=threshold(_part(value["stop"], value["opened"])),
        notice_delay=preset.notice_delay,
        open_delay=preset.open_delay,
        click_delay=preset.click_delay,
        reply_delay=preset.reply_delay,
    )


def _part(inner: float, outer: float) -> float:
    return min(inner / outer, 1.0) if outer > 0 else 0.0


class Reaction(msgspec.Struct, frozen=True, gc=False):
    """What one person does with one delivered message: instants in us, 0 for never."""

    noticed_us: int
    opened_us: int
    replied_us: int
    stops: bool
    clicked_us: int = 0


@dataclass(frozen=True, slots=True)
class ReactionStreams:
    """The streams of reaction in one world, in the order of `react`'s draws."""

    noticed: int
    notice_delay: int
    opened: int
    open_delay: int
    stops: int
    replies: int
    reply_delay: int
    clicks: int
    click_delay: int


def reaction_streams(seed: int) -> ReactionStreams:
    """Prepare the streams of `react` for a world with this seed."""
    return ReactionStreams(*(stream_of(seed, purpose) for purpose in _DRAWN))


_DRAWN = (
    *(Purpose.NOTICED, Purpose.NOTICE_DELAY, Purpose.OPENED, Purpose.OPEN_DELAY),
    *(Purpose.STOPS, Purpose.REPLIES, Purpose.REPLY_DELAY, Purpose.CLICKED, Purpose.CLICK_DELAY),
)


def react(  # noqa: PLR0913 - what of the message decides is given by name
    persona: Persona,
    streams: ReactionStreams,
    fate8: bytes,
    delivered_us: int,
    *,
    can_reply: bool,
    has_link: bool,
) -> Reaction:
    """Draw what the person does with a message delivered at `delivered_us`.

    Who replies has opened, who has opened has noticed; where a reply is drawn before the opening,
    the earlier stages are moved before it, so that each delay law stays true for its last stage.
    A click follows the opening, whether it comes before a reply or after.
    """
    if once(fate8, streams.noticed) >= persona.noticed:
        return Reaction(0, 0, 0, stops=False)
    noticed = delivered_us + 1 + persona.notice_delay.at(once(fate8, streams.notice_delay))
    if once(fate8, streams.opened) >= persona.opened_of_noticed:
        return Reaction(noticed, 0, 0, stops=False)
    opened = noticed + 1 + persona.open_delay.at(once(fate8, streams.open_delay))
    replied = clicked = 0
    stops = can_reply and once(fate8, streams.stops) < persona.stops_of_opened
    if stops or (can_reply and once(fate8, streams.replies) < persona.replies_of_opened):
        replied = delivered_us + 3 + persona.reply_delay.at(once(fate8, streams.reply_delay))
        opened = min(opened, replied - 1)
        noticed = min(noticed, opened - 1)
    if has_link and once(fate8, streams.clicks) < persona.clicks_of_opened:
        clicked = opened + 1 + persona.click_delay.at(once(fate8, streams.click_delay))
    return Reaction(noticed, opened, replied, stops=stops, clicked_us=clicked)


def segment_of(limits: Sequence[int], stream: int, person8: bytes) -> int:
    """Return the index of the person's segment, given compiled shares (`chance.ladder`)."""
    return rung(limits, once(person8, stream)) if len(limits) > 1 else 0


_WORDS = {
    "JP": (
        "はい、お願いします。",
        "了解しました。",
        "確認しました。ありがとうございます。",
        "変更したいです。",
    ),
    "": ("Yes, thanks", "OK, see you then", "Can we move it?", "Who is this?"),
}


def reply_words(country: str, bits: int) -> str:
    """Return what a person writes back, in the language of the country, by 64 uniform bits."""
    words = _WORDS.get(country, _WORDS[""])
    return words[bits * len(words) >> 64]
