"""Chance as a function of keys: `draw(seed, key, purpose, nth)`.

The one rule: no sequential generator anywhere. A decision is recomputed from the keys, so arrival
order, concurrency and clock mode cannot change it, and raising one rate changes only the messages
between the two quantiles.

    stream = xxh3_64(purpose, seed)              one per world and purpose
    draw   = xxh3_64(key, stream + nth * PHI)    65 ns a piece in C; eight bytes of key

XXH3 of exactly eight bytes is a short closed formula (xxHash specification, "XXH3, medium inputs
4 to 8 bytes"), so the same draw over a million keys is a few numpy operations, bit for bit equal.
A quantile law is compiled once to integer microseconds and interpolated in integers, in both forms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from xxhash import xxh3_64_intdigest as _xxh3

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

MASK = 2**64 - 1
PHI = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd: keeps the streams of repeats apart
DAY_US = 86_400_000_000
LAW_CAP_US = 90 * DAY_US  # 2^43 us and 20 bits of fraction stay inside 63 bits

_CELL_BITS = 10
_CELLS = 1 << _CELL_BITS
_FRACTION_BITS = 20
_FRACTION_MASK = (1 << _FRACTION_BITS) - 1
_FRACTION_SHIFT = 64 - _CELL_BITS - _FRACTION_BITS
_CELL_SHIFT = 64 - _CELL_BITS
_DIGITS = 6  # tables keep six significant digits, so that libm's last bit cannot show

_XXH3_SECRET = 0x1CAD21F72C81017C ^ 0xDB979083E96DD4DE
_XXH3_MIX = 0x9FB21C651E98DF25


class Purpose(Enum):
    """What a draw decides. The value is hashed: renaming a member does not move fates."""

    CARRIER_BLOCK = "carrier of the number block"
    PORTED = "number moved to another carrier"
    PORTED_TO = "carrier it moved to"
    SEGMENT = "segment of the person"
    GONE = "number not in use"
    REFUSES = "person refuses business messages"
    TRANSIT = "acceptance to handset"
    CONGESTION = "carrier congested"
    RECEIPT_DELAY = "handset to receipt"
    DAILY_SPELL = "phone off on this day"
    DAILY_START = "start of the daily spell"
    DAILY_LENGTH = "length of the daily spell"
    WEEKLY_SPELL = "away in this week"
    WEEKLY_START = "start of the weekly spell"
    WEEKLY_LENGTH = "length of the weekly spell"
    NOTICED = "notices the message"
    NOTICE_DELAY = "delivery to notice"
    OPENED = "opens the message"
    OPEN_DELAY = "notice to opening"
    CLICKED = "follows the link"
    CLICK_DELAY = "opening to click"
    REPLIES = "replies"
    STOPS = "replies STOP"
    REPLY_DELAY = "delivery to reply"
    REPLY_TEXT = "words of the reply"
    CONSENT = "agreed to be contacted"
    NOISE = "value that the provider documents as undefined"
    SENDER = "sender that a messaging service chooses for a person"


def key_bytes(key: int) -> bytes:
    """Eight little-endian bytes of a 64-bit key, the form `draw64` wants."""
    return key.to_bytes(8, "little")


# `draw64` of a decision that is not repeated: bits = once(key8, stream). Just the C function.
once = _xxh3


def person_key(number: str) -> bytes:
    """Return `key_bytes(key_of(number))`: what a person's traits are drawn from."""
    return _xxh3(number.encode("utf-8", "surrogatepass")).to_bytes(8, "little")


def key_of(*parts: str | int) -> int:
    """Derive a 64-bit key from its parts; order matters, and no two splits of a text collide."""
    return _xxh3("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"))


def message_key(owner: str, recipient: str, k: int, body: str | None) -> int:
    """Return the key of the k-th accepted message to a recipient; `key_of`, made for the hot path.

    Args:
        owner: the account for identities, the lane for fates.
        recipient: E.164.
        k: how many were accepted before it, 0 or more.
        body: the text under `identity: content`, else None.
    """
    if body is None:
        return _xxh3(f"{owner}\0{recipient}\0{k}".encode())
    return _xxh3(f"{owner}\0{recipient}\0{k}\0{body}".encode("utf-8", "surrogatepass"))


def stream_of(seed: int, purpose: Purpose) -> int:
    """Return the stream, a 64-bit integer, of one purpose in a world with this seed."""
    return stream_named(seed, purpose.value)


def stream_named(seed: int, words: str) -> int:
    """Return the stream of a decision that people have named, such as a rule's."""
    return _xxh3(words.encode(), seed & MASK)


def draw64(stream: int, key8: bytes, nth: int = 0) -> int:
    """Draw 64 uniform bits.

    Args:
        stream: from `stream_of`.
        key8: the key, from `key_bytes`.
        nth: which repeat of this decision for this key, 0 or more.
    """
    return _xxh3(key8, (stream + nth * PHI) & MASK)


def draw(seed: int, key: int, purpose: Purpose, nth: int = 0) -> float:
    """Draw a number in [0, 1), 53 bits: the definition that all faster forms agree with."""
    return (draw64(stream_of(seed, purpose), key_bytes(key), nth) >> 11) * 2.0**-53


def draw64_many(
    stream: int, keys: NDArray[np.uint64], nth: int | NDArray[np.int64] = 0
) -> NDArray[np.uint64]:
    """`draw64` for many keys: bit for bit the same, about 10 ns each; `nth` may be one for each."""
    seed = np.atleast_1d(np.asarray(nth, dtype=np.int64)).astype(np.uint64)
    seed = seed * np.uint64(PHI) + np.uint64(stream)
    low = seed.astype(np.uint32).byteswap().astype(np.uint64)
    thirty_two = np.uint64(32)
    flip = np.uint64(_XXH3_SECRET) - (seed ^ (low << thirty_two))
    x = ((keys << thirty_two) | (keys >> thirty_two)) ^ flip
    x ^= _rotate(x, 49) ^ _rotate(x, 24)
    x *= np.uint64(_XXH3_MIX)
    x ^= (x >> np.uint64(35)) + np.uint64(8)
    x *= np.uint64(_XXH3_MIX)
    x ^= x >> np.uint64(28)
    return x


def _rotate(x: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


def threshold(probability: float) -> int:
    """Compile a probability in [0, 1] to the integer t with `draw64(...) < t`."""
    if not 0.0 <= probability <= 1.0:
        msg = f"a probability lies between 0 and 1, not {probability!r}"
        raise ValueError(msg)
    return int(probability * 2.0**53) << 11


def below_many(draws: NDArray[np.uint64], limit: int) -> NDArray[np.bool_]:
    """`draw < limit` for many draws; `limit` may be 2**64, which no uint64 can hold."""
    if limit > MASK:
        return np.ones(draws.shape, dtype=np.bool_)
    return draws < np.uint64(limit)


def ladder(shares: Sequence[float]) -> tuple[int, ...]:
    """Compile shares (any positive scale) to cumulative thresholds, the last one 2**64."""
    total = math.fsum(shares)
    sums = [math.fsum(shares[: i + 1]) / total for i in range(len(shares))]
    return (*(threshold(s) for s in sums[:-1]), 2**64)


def rung(limits: Sequence[int], bits: int) -> int:
    """Return the index of the first threshold above `bits`; lists here have two to six entries."""
    for index, limit in enumerate(limits):
        if bits < limit:
            return index
    raise AssertionError(limits)


@dataclass(frozen=True, slots=True)
class Law:
    """A quantile law: 64 uniform bits to integer microseconds.

    Attributes:
        name: how reports call it.
        body: 1,025 quantiles at i/1024, microseconds, never decreasing.
        tail: 1,025 more inside the last cell, so that the tail reaches 1 - 2**-21.
    """

    name: str
    body: tuple[int, ...]
    tail: tuple[int, ...]
    _columns: tuple[NDArray[np.int64], NDArray[np.int64]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        columns = np.array(self.body, dtype=np.int64), np.array(self.tail, dtype=np.int64)
        object.__setattr__(self, "_columns", columns)

    def at(self, bits: int) -> int:
        """Return the delay in microseconds for 64 uniform bits."""
        cell, table = bits >> 54, self.body  # plain numbers: this runs six times in a life
        if cell == 1023:
            table = self.tail
            bits = (bits << 10) & MASK
            cell = bits >> 54
        low = table[cell]
        return low + ((table[cell + 1] - low) * (bits >> 34 & 0xFFFFF) >> 20)

    def at_many(self, bits: NDArray[np.uint64]) -> NDArray[np.int64]:
        """`at` for many draws: bit for bit the same."""
        in_tail = (bits >> np.uint64(_CELL_SHIFT)) == np.uint64(_CELLS - 1)
        shifted = np.where(in_tail, bits << np.uint64(_CELL_BITS), bits)
        cell = (shifted >> np.uint64(_CELL_SHIFT)).astype(np.int64)
        fraction = ((shifted >> np.uint64(_FRACTION_SHIFT)) & np.uint64(_FRACTION_MASK)).astype(
            np.int64
        )
        body, tail = self._columns
        low = np.where(in_tail, tail[cell], body[cell])
        high = np.where(in_tail, tail[cell + 1], body[cell + 1])
        result: NDArray[np.int64] = low + ((high - low) * fraction >> np.int64(_FRACTION_BITS))
        return result


def compile_law(name: str, quantile_us: Callable[[float], float]) -> Law:
    """Compile a quantile function on [0, 1) (microseconds, not decreasing) to a `Law`."""
    last = 1 - 1 / _CELLS
    body = [_table_value(quantile_us(i / _CELLS)) for i in range(_CELLS)]
    tail = [_table_value(quantile_us(last + i / _CELLS**2)) for i in range(_CELLS)]
    end = _table_value(quantile_us(1 - 2.0**-21))
    return Law(name, (*body, end), (*tail, end))


def _table_value(us: float) -> int:
    capped = min(max(us, 0.0), float(LAW_CAP_US))
    return int(float(f"{capped:.{_DIGITS}g}"))


def constant(us: int) -> Law:
    """Return the law of one value, microseconds."""
    return Law(f"constant {us} us", (us,) * (_CELLS + 1), (us,) * (_CELLS + 1))


def uniform(low_us: int, high_us: int) -> Law:
    """Return the uniform law between two delays, microseconds."""
    return compile_law(f"uniform {low_us}..{high_us} us", lambda p: low_us + p * (high_us - low_us))


def lognormal(mu: float, sigma: float, name: str = "lognormal") -> Law:
    """Return a log-normal law given in seconds: P(T <= t) = Phi((ln t - mu) / sigma)."""
    normal = NormalDist(mu, sigma)

    def quantile_us(p: float) -> float:
        return math.exp(normal.inv_cdf(p)) * 1e6 if p > 0.0 else 0.0

    return compile_law(name, quantile_us)


def lognormal_through(
    p1: float, seconds1: float, p2: float, seconds2: float, name: str = "lognormal"
) -> Law:
    """Return the log-normal law through two quantiles, such as (0.5, 180) and (0.9, 1800)."""
    standard = NormalDist()
    z1, z2 = standard.inv_cdf(p1), standard.inv_cdf(p2)
    sigma = (math.log(seconds2) - math.log(seconds1)) / (z2 - z1)
    return lognormal(math.log(seconds1) - sigma * z1, sigma, name)
