"""The population of a world: from a number to its person, carrier and segment, by draws alone.

A recipient is drawn, not stored. The carrier is drawn twice: the number block has an original
carrier, and a portability share of people has moved (MNP), so a prefix never tells for sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.core.carrier import CONGESTION, NETWORKS, NO_ROUTE, PORTED, Carrier, Network
from simulator.core.chance import (
    Purpose,
    ladder,
    once,
    person_key,
    rung,
    stream_of,
    threshold,
)
from simulator.core.person import (
    COUNTRY_PRESET,
    DEFAULT_PRESET,
    PRESETS,
    Persona,
    compile_persona,
    segment_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BLOCK = 10  # +81 90 ABCDE: finer than real blocks, so that small populations keep the shares
_NO_NETWORK = Network("ZZ", (NO_ROUTE,), (2**64,))


@dataclass(frozen=True, slots=True)
class Segment:
    """A weighted part of the population, with rates of its own (see `person.RATE_NAMES`)."""

    name: str
    share: float
    rates: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Habits:
    """Whom a country's people are like: a preset, rates changed for all, and segments."""

    preset: str
    rates: Mapping[str, float]
    segments: Sequence[Segment] = ()


class People:
    """Everyone who can have a number, compiled for one seed.

    Args:
        seed: of the world.
        habits: by country code; countries not named live by their default preset.

    Raises:
        ValueError: a rate or a preset is unknown, or rates contradict each other.
    """

    def __init__(self, seed: int, habits: Mapping[str, Habits] | None = None) -> None:
        self.seed = seed
        self._segment_stream = stream_of(seed, Purpose.SEGMENT)
        self._block = stream_of(seed, Purpose.CARRIER_BLOCK)
        self._ported = stream_of(seed, Purpose.PORTED)
        self._ported_to = stream_of(seed, Purpose.PORTED_TO)
        self._ported_limit = threshold(PORTED.value)
        self.congestion_limit = threshold(CONGESTION.value)
        named = dict(habits or {})
        self._tables: dict[str, tuple[tuple[int, ...], tuple[Persona, ...]]] = {}
        for country in sorted({*NETWORKS, "ZZ", *named}):
            preset = COUNTRY_PRESET.get(country, DEFAULT_PRESET)
            self._tables[country] = self._compile(named.get(country, Habits(preset, {})))

    def _compile(self, habits: Habits) -> tuple[tuple[int, ...], tuple[Persona, ...]]:
        if habits.preset not in PRESETS:
            msg = f"unknown preset {habits.preset!r}; known are {', '.join(PRESETS)}"
            raise ValueError(msg)
        preset = PRESETS[habits.preset]
        segments = habits.segments or (Segment(preset.name, 1.0, {}),)
        personas = tuple(
            compile_persona(self.seed, s.name, preset, {**habits.rates, **s.rates})
            for s in segments
        )
        return ladder([s.share for s in segments]), personas

    def persona(self, country: str, person8: bytes) -> Persona:
        """Return how this person behaves; `person8` is `person_key(number)`."""
        limits, personas = self._tables.get(country) or self._tables["ZZ"]
        return personas[segment_of(limits, self._segment_stream, person8)]

    def kinds(self, country: str) -> tuple[tuple[int, ...], tuple[Persona, ...]]:
        """Return the kinds of people of a country, and the thresholds that choose among them."""
        return self._tables.get(country) or self._tables["ZZ"]

    def carrier(self, number: str, country: str, person8: bytes) -> Carrier:
        """Return the network this number is on now."""
        net = NETWORKS.get(country, _NO_NETWORK)
        if len(net.carriers) == 1:
            return net.carriers[0]
        if once(person8, self._ported) < self._ported_limit:
            return net.carriers[rung(net.shares, once(person8, self._ported_to))]
        return net.carriers[rung(net.shares, once(person_key(block_of(number)), self._block))]

    @staticmethod
    def network(country: str) -> Network:
        """Return the networks of a country."""
        return NETWORKS.get(country, _NO_NETWORK)


def block_of(number: str) -> str:
    """Return the name of a number's block, which was given to one carrier."""
    return f"block\0{number[:_BLOCK]}"
