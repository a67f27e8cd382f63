"""The people of a list: their keys, networks and segments, by the draws of `core/people.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.core.carrier import PORTED
from simulator.core.chance import Purpose, below_many, draw64_many, stream_of, threshold
from simulator.core.people import block_of
from simulator.plan.keys import person_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.core.carrier import Carrier
    from simulator.core.people import People
    from simulator.core.person import Persona


@dataclass(frozen=True, slots=True)
class Crowd:
    """The people behind a list of numbers, one row each.

    Attributes:
        persons: keys of their traits and handsets.
        carrier, persona: places in `carriers` and `personas`.
    """

    carriers: tuple[Carrier, ...]
    personas: tuple[Persona, ...]
    persons: NDArray[np.uint64]
    carrier: NDArray[np.int16]
    persona: NDArray[np.int16]

    def of(self, rows: NDArray[np.intp]) -> Crowd:
        """Return some of them."""
        return Crowd(
            self.carriers, self.personas, self.persons[rows], self.carrier[rows], self.persona[rows]
        )


def crowd_of(people: People, country: str, numbers: Sequence[str]) -> Crowd:
    """Draw who has these numbers, all of one country."""
    seed, persons = people.seed, person_keys(numbers)
    limits, personas = people.kinds(country)
    network = people.network(country)
    persona = np.zeros(len(numbers), dtype=np.int16)
    if len(limits) > 1:
        persona = rungs(limits, draw64_many(stream_of(seed, Purpose.SEGMENT), persons))
    carrier = np.zeros(len(numbers), dtype=np.int16)
    if len(network.carriers) > 1:
        blocks = person_keys([block_of(number) for number in numbers])
        carrier = rungs(network.shares, draw64_many(stream_of(seed, Purpose.CARRIER_BLOCK), blocks))
        ported = below_many(
            draw64_many(stream_of(seed, Purpose.PORTED), persons), threshold(PORTED.value)
        )
        now = rungs(network.shares, draw64_many(stream_of(seed, Purpose.PORTED_TO), persons))
        carrier = np.where(ported, now, carrier)
    return Crowd(network.carriers, personas, persons, carrier, persona)


def rungs(limits: Sequence[int], bits: NDArray[np.uint64]) -> NDArray[np.int16]:
    """Return `chance.rung` of each draw."""
    place = np.zeros(bits.shape, dtype=np.int16)
    for limit in limits[:-1]:  # the last one is above every draw
        place += ~below_many(bits, limit)
    return place
