"""Many customers of one provider: who sends how much, and a volume that grows.

The one rule: the same count and seed give the same customers. The figures are assumed, not
measured: of a provider's customers some have gone quiet, and a few send most.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from simulator.core.chance import draw64, key_bytes, key_of, stream_named
from simulator.load.offer import Account
from simulator.load.shape import Ramp

if TYPE_CHECKING:
    from typing import Literal

COUNT = 300
ACTIVE = 0.8  # of the customers send in a month; the rest have gone quiet
SPREAD = 1.0  # of the logarithm of what they send: the largest tenth sends about four tenths
GROWTH = 1.5  # how many times the volume at the start there is at the end
_WEIGHT = "volume of a customer"
_ID = {"twilio": ("AC", 32), "native": ("tenant-", 12), "zettai_reach": ("", 0)}
_SENDERS = {"twilio": "+15005550006", "native": "20345", "zettai_reach": "20345"}


def tenants(
    dialect: Literal["native", "twilio", "zettai_reach"], seed: int, count: int = COUNT
) -> tuple[Account, ...]:
    """Return customers with their weights; those who have gone quiet have weight 0.

    Args:
        dialect: how all of them speak.
        seed: of the load.
        count: how many there are, quiet ones included.
    """
    active = max(math.ceil(count * ACTIVE), 1)
    stream, normal = stream_named(seed, _WEIGHT), NormalDist(0, SPREAD)
    made = []
    for index in range(count):
        uniform = ((draw64(stream, key_bytes(index)) >> 11) + 0.5) * 2.0**-53
        weight = math.exp(normal.inv_cdf(uniform)) if index < active else 0.0
        prefix, digits = _ID[dialect]
        name = f"{key_of('tenant', seed, index):016x}" * 2
        written = f"{prefix}{name[:digits]}" if digits else f"{10_000_000 + index}"
        made.append(Account(dialect, written, name, _SENDERS[dialect], weight))
    return tuple(made)


def growing(mean_rate: float, for_us: int) -> Ramp:
    """Return arrivals whose rate grows by `GROWTH` over the load, with this mean."""
    first = 2 * mean_rate / (1 + GROWTH)
    return Ramp(first, first * GROWTH, for_us)
