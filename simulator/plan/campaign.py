"""A campaign in columns: who is written to when, and what becomes of it.

The one rule: a sample of the people stands for all of them, evenly spread over the list, so each
message of the sample keeps a server as long as all those it stands for. Assumed of the sender:

    * it holds each message until the provider and the carrier have a slot for it, within the hours,
      so nothing waits in the provider's queue, and nothing is refused;
    * it goes through its list in order, and a later round begins when the one before has gone out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.cause import Cause
from simulator.core.chance import Purpose, below_many, draw64_many, stream_of, threshold
from simulator.core.message import State
from simulator.plan.keys import fate_keys
from simulator.plan.lives import Laws, Lives, lived
from simulator.plan.people import Crowd, crowd_of
from simulator.plan.queues import turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from simulator.core.people import People
    from simulator.plan.hours import Hours

CHUNK = 50_000  # lives in one go: their columns stay in the processor's cache
WAITED_US = 60_000_000  # less is no waiting, but two that came at once
_MICRO_US = 1_000_000_000_000  # microseconds in a million seconds


@dataclass(frozen=True, slots=True)
class Round:
    """One message to each person who is still to be written to.

    Attributes:
        after_us: since the person's first message.
        units: segments of its text; body: the text, where it is a part of the identity.
        has_link: people can follow a link in it.
        unless: "delivered" (to the provider's knowledge), "replied" or nothing: who is spared.
        spares_gone: so is who has a number that is known not to be in use.
    """

    after_us: int
    units: int
    body: str | None = None
    unless: str = ""
    spares_gone: bool = False
    has_link: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast it goes.

    Attributes:
        start_us: the first instant.
        rate_micro: units in a million seconds that the provider takes.
        slots_micro: the same, of those carriers that have a limit, by name.
        hours: in which it may be sent.
    """

    start_us: int
    rate_micro: int
    slots_micro: Mapping[str, int]
    hours: Hours


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is planned: `recipients` people of whom `numbers` are the sample.

    Attributes:
        consents: who may be written to at all: a threshold (`core/chance.py`) for each segment, ""
            for those of no other; where there is none, everybody has agreed.
    """

    recipients: int
    numbers: Sequence[str]
    country: str
    lane: str
    rounds: Sequence[Round]
    pace: Pace
    consents: Mapping[str, int] = field(default_factory=dict)

    @property
    def by_chance(self) -> bool:
        """Whether it is up to people how many messages they are sent."""
        all_agree = all(limit >= threshold(1) for limit in self.consents.values())
        return len(self.rounds) > 1 or not all_agree


@dataclass(frozen=True, slots=True)
class Sent:
    """One round as it went: rows of the sample, when each was accepted, and their lives.

    Attributes:
        ends_us: in working time, when each server was done, by name; "" is the provider.
        queued: the last message had to wait for a server, not only for its own time.
    """

    round: Round
    rows: NDArray[np.intp]
    accepted_us: NDArray[np.int64]
    lives: Lives
    ends_us: Mapping[str, int]
    queued: bool


@dataclass(slots=True)
class _Servers:
    """The provider and the carriers, in working time: until when each is busy."""

    pace: Pace
    recipients: int
    sample: int
    free_us: dict[str, int] = field(default_factory=dict)

    def slots(
        self, first_us: NDArray[np.int64], crowd: Crowd, rows: NDArray[np.intp], units: int
    ) -> NDArray[np.int64]:
        """Give each message its slot at the provider, and then at its carrier."""
        found = self._serve("", first_us, self.pace.rate_micro, units)
        for index, carrier in enumerate(crowd.carriers):
            micro = self.pace.slots_micro.get(carrier.name)
            if micro is not None:
                mine = np.flatnonzero(crowd.carrier[rows] == index)
                found[mine] = self._serve(carrier.name, found[mine], micro, units)
        return found

    def _serve(
        self, name: str, first_us: NDArray[np.int64], micro: int, units: int
    ) -> NDArray[np.int64]:
        if not len(first_us):
            return first_us
        takes_us = units * _MICRO_US * self.recipients // (self.sample * micro)
        begins = np.maximum(first_us, self.free_us.get(name, 0))
        found = turns(begins, np.full(len(begins), takes_us))
        self.free_us[name] = int(found[-1]) + takes_us
        return found


def carried_out(
    people: People, laws: Laws, campaign: Campaign, progress: Callable[[int], None]
) -> tuple[Crowd, list[Sent]]:
    """Live a campaign to the end of every life.

    Args:
        people: of the world.
        laws: of the world.
        campaign: what is planned.
        progress: told how many lives are over.
    """
    numbers, hours = campaign.numbers, campaign.pace.hours
    crowd = _crowd(people, campaign)
    servers = _Servers(campaign.pace, campaign.recipients, len(numbers))
    history = _History(_agreed(people.seed, campaign, crowd))
    sent: list[Sent] = []
    done = 0
    for each in campaign.rounds:
        wanted_us = history.first_us + each.after_us if sent else history.first_us
        wanted_us = np.maximum(wanted_us, campaign.pace.start_us)
        everybody = np.arange(len(numbers))
        rows = np.flatnonzero(history.wants(each, wanted_us, everybody))
        earliest = hours.work(wanted_us[rows])
        slots = servers.slots(earliest, crowd, rows, each.units)
        queued = _queued(earliest, slots)
        accepted_us = hours.wall(slots)
        still = history.wants(each, accepted_us, rows)  # by then; else the slot stays empty
        rows, accepted_us = rows[still], accepted_us[still]
        lives, linked = Lives.empty(len(rows)), replace(laws, has_link=each.has_link)
        for at in range(0, len(rows), CHUNK):
            some = slice(at, at + CHUNK)
            fates = _fates(campaign, each, rows[some], history)
            lives.put(some, lived(linked, crowd.of(rows[some]), fates, accepted_us[some]))
            done += len(rows[some])
            progress(done)
        sent.append(Sent(each, rows, accepted_us, lives, dict(servers.free_us), queued))
        history.note(sent[-1])
    return crowd, sent


def _queued(earliest_us: NDArray[np.int64], slots_us: NDArray[np.int64]) -> bool:
    """Tell whether the last of a round has waited for its slot."""
    if not len(slots_us):
        return False
    last = int(np.argmax(slots_us))
    return bool(slots_us[last] - earliest_us[last] > WAITED_US)


def _crowd(people: People, campaign: Campaign) -> Crowd:
    parts = [
        crowd_of(people, campaign.country, campaign.numbers[at : at + CHUNK])
        for at in range(0, len(campaign.numbers), CHUNK)
    ]
    persons, carriers, personas = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("persons", "carrier", "persona")
    )
    return Crowd(parts[0].carriers, parts[0].personas, persons, carriers, personas)


def _agreed(seed: int, campaign: Campaign, crowd: Crowd) -> NDArray[np.bool_]:
    """Tell who is on record as having agreed, by the draws of the recipients' list."""
    found = np.ones(len(crowd.persons), dtype=np.bool_)
    bits = draw64_many(stream_of(seed, Purpose.CONSENT), crowd.persons)
    for index, persona in enumerate(crowd.personas):
        limit = campaign.consents.get(persona.name, campaign.consents.get(""))
        if limit is not None:
            mine = crowd.persona == index
            found[mine] = below_many(bits[mine], limit)
    return found


def _fates(
    campaign: Campaign, each: Round, rows: NDArray[np.intp], history: _History
) -> NDArray[np.uint64]:
    """Return the fate keys of the next message to each of these."""
    count = history.count(each.body)[rows]
    found = np.zeros(len(rows), dtype=np.uint64)
    for k in np.unique(count):
        same = np.flatnonzero(count == k)
        numbers = [campaign.numbers[int(row)] for row in rows[same]]
        found[same] = fate_keys(campaign.lane, numbers, int(k), each.body)
    return found


class _History:
    """What a sender knows of each person: what went there, what came of it, and when."""

    def __init__(self, agreed: NDArray[np.bool_]) -> None:
        people, never = len(agreed), np.iinfo(np.int64).max
        self._agreed = agreed
        self.first_us = np.zeros(people, dtype=np.int64)
        self._delivered_us = np.full(people, never)
        self._replied_us = np.full(people, never)
        self._stopped_us = np.full(people, never)
        self._gone_us = np.full(people, never)
        self._counts: dict[str | None, NDArray[np.int16]] = {}

    def count(self, body: str | None) -> NDArray[np.int16]:
        """Return how many messages of this identity each person was sent."""
        return self._counts.setdefault(body, np.zeros(len(self.first_us), dtype=np.int16))

    def wants(
        self, each: Round, at_us: NDArray[np.int64], rows: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        """Tell who is to be written to: who has agreed, not said STOP, and is not to be spared."""
        wanted = self._agreed[rows] & (self._stopped_us[rows] > at_us)
        if each.spares_gone:
            wanted &= self._gone_us[rows] > at_us
        if each.unless == "delivered":
            wanted &= self._delivered_us[rows] > at_us
        elif each.unless == "replied":
            wanted &= self._replied_us[rows] > at_us
        return wanted

    def note(self, sent: Sent) -> None:
        """Remember a round."""
        rows, lives = sent.rows, sent.lives
        new = self.first_us[rows] == 0
        self.first_us[rows[new]] = sent.accepted_us[new]
        self.count(sent.round.body)[rows] += 1
        delivered, replied = lives.state == State.DELIVERED, lives.replied_us > 0
        gone = (lives.state == State.UNDELIVERED) & (lives.cause == Cause.NOT_IN_USE)
        for known, which, at_us in (
            (self._delivered_us, delivered, lives.known_us),
            (self._gone_us, gone, lives.known_us),
            (self._replied_us, replied, lives.replied_us),
            (self._stopped_us, lives.stops, lives.replied_us),
        ):
            known[rows[which]] = np.minimum(known[rows[which]], at_us[which])
