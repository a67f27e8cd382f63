"""The recipients of a scenario: numbers nobody has, names nobody needs to keep.

Faker makes the names, never the numbers: half of its "phone numbers" belong to somebody.
"""

from __future__ import annotations

import csv
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from faker import Faker

from simulator.core.chance import Purpose, key_of, once, person_key, stream_of, threshold
from simulator.core.number import (
    JAPAN_ASSIGNABLE_COUNT,
    JAPAN_UNASSIGNED_COUNT,
    US_FICTIONAL_COUNT,
    japan_assignable,
    japan_unassigned,
    us_fictional,
)
from simulator.core.people import Habits, People, Segment
from simulator.errors import ConfigError, Problem
from simulator.run.spelling import spelled
from simulator.verify.touch import Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from simulator.scenario import Scenario

_RANGES = {
    "unassigned": (japan_unassigned, JAPAN_UNASSIGNED_COUNT),
    "assignable": (japan_assignable, JAPAN_ASSIGNABLE_COUNT),
    "reserved": (us_fictional, US_FICTIONAL_COUNT),
}
_LOCALES = {"jp": "ja_JP", "us": "en_US"}
_NAMES = 512  # a pool; Faker makes 11,000 names a second
_STRIDE = 7_654_321  # walks a range so that neighbours in the list are far apart in it
COLUMNS = ("number", "name", "segment", "consent", "kind")


class Recipient(NamedTuple):
    """One row of the list that the system under test is given."""

    number: str
    name: str
    segment: str
    consent: str
    kind: str


def habits_of(scenario: Scenario) -> Mapping[str, Habits]:
    """Return how the scenario's people live, for the world."""
    people = scenario.people
    segments = [Segment(s.name, float(s.share), {**s.rates}) for s in people.segments]
    return {people.country.upper(): Habits(people.preset, {**people.rates}, segments)}


def capacity_of(scenario: Scenario) -> int:
    """Return how many numbers the scenario's range has."""
    return _RANGES[scenario.people.numbers][1]


def numbers_of(scenario: Scenario) -> Iterator[str]:
    """Yield the scenario's numbers, E.164, distinct, the same for the same seed.

    Raises:
        ConfigError: the range has fewer numbers than people.
    """
    people = scenario.people
    number, capacity = _RANGES[people.numbers]
    if people.count > capacity:
        words = (
            f"{people.numbers} numbers of {people.country} are {capacity:,}, not {people.count:,}"
        )
        raise ConfigError([Problem("people.count", f"{words}; ask for fewer people")])
    stride = _STRIDE
    while gcd(stride, capacity) != 1:
        stride += 1
    offset = key_of("people", scenario.seed) % capacity
    found = (number((offset + i * stride) % capacity) for i in range(people.count))
    return map(_opened, found) if people.with_060 else found


def _opened(number: str) -> str:
    """Return the number with 060, opened in 2024, in place of 070."""
    return number.replace("+8170", "+8160", 1)


def listed(scenario: Scenario) -> Iterator[str]:
    """Yield the scenario's numbers as the list has them that the system under test is given."""
    people = scenario.people
    for number in numbers_of(scenario):
        yield number if people.spelling == "e164" else spelled(number, people.country)


def segment_in(scenario: Scenario) -> Callable[[str, str], str] | None:
    """Return what tells a person's segment by country and number; None: there are no segments."""
    if not scenario.people.segments:
        return None
    world = People(scenario.seed, habits_of(scenario))
    return lambda country, number: world.persona(country, person_key(number)).name


def recipients(scenario: Scenario) -> Iterator[Recipient]:
    """Yield the scenario's recipients."""
    faker = Faker(_LOCALES[scenario.people.country])
    faker.seed_instance(scenario.seed)
    names = [faker.name() for _ in range(min(_NAMES, scenario.people.count))]
    both = zip(on_record(scenario), listed(scenario), strict=True)
    for (number, segment, person), written in both:
        name = names[key_of("name", number) % len(names)]
        consent = "yes" if person.consent else "no"
        kind = "business" if person.business else "consumer"
        yield Recipient(written, name, segment, consent, kind)


def consents_of(scenario: Scenario) -> dict[str, int]:
    """Return how many of each segment have agreed, as a threshold; "": of those of no segment."""
    people = scenario.people
    own = {s.name: people.consent if s.consent is None else s.consent for s in people.segments}
    return {name: threshold(share) for name, share in {"": people.consent, **own}.items()}


def on_record(scenario: Scenario) -> Iterator[tuple[str, str, Person]]:
    """Yield each number, its segment, and what is on record about its person."""
    people = scenario.people
    world = People(scenario.seed, habits_of(scenario))
    country, stream = people.country.upper(), stream_of(scenario.seed, Purpose.CONSENT)
    limits = consents_of(scenario)
    terms = {s.name: (limits[s.name], s.business) for s in people.segments}
    everybody = (limits[""], False)
    for number in numbers_of(scenario):
        person8 = person_key(number)
        segment = world.persona(country, person8).name
        limit, business = terms.get(segment, everybody)
        yield number, segment, Person(consent=once(person8, stream) < limit, business=business)


def write_csv(scenario: Scenario, path: Path) -> None:
    """Write the recipients as UTF-8 CSV with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(recipients(scenario))
