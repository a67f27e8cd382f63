"""What a search ran into first: the system, its provider's limit, or our own machinery.

The one rule: the system is named only while the generator and the simulator had time left. What
was out of breath itself cannot say that another one was.
"""

from __future__ import annotations

from enum import Enum

import msgspec

BUSY = 0.8  # share of a core; above it, the one that measures is the slow one
SOME = 0.001  # share of the requests that is more than an accident
TWICE = 2  # times what it was at the knee: then it is new
ALL = 0.98  # of the places: looked at once a second


class Signs(msgspec.Struct, frozen=True, kw_only=True):
    """What a step showed besides its numbers; shares are of what finished.

    Attributes:
        against: what was loaded: gateway, system or callbacks.
        generator: CPU of its busiest worker in the busiest second, in cores; None: unknown.
        simulator: how busy its event loop was at worst, 0 to 1; None: unknown.
        throttled: answered 429 by what was loaded.
        broken: answered 5xx, not answered in time, or not let in.
        limited: refused by the provider for its limits, whoever asked it.
        places: most requests under way at once, as a share of those that may be.
    """

    against: str = "gateway"
    generator: float | None = None
    simulator: float | None = None
    throttled: float = 0.0
    broken: float = 0.0
    limited: float = 0.0
    places: float = 0.0


class Who(Enum):
    """Who it was."""

    SYSTEM = "system"
    PROVIDER = "provider"
    GENERATOR = "generator"
    SIMULATOR = "simulator"
    UNKNOWN = "unknown"


class Bottleneck(msgspec.Struct, frozen=True):
    """Who it was, and why that is said, in words without a full stop."""

    who: Who
    words: str


def bottleneck(
    signs: Signs,
    why: str,
    p99_ms: tuple[float | None, float | None],
    at_knee: Signs | None = None,
) -> Bottleneck:
    """Return what stood in the way of a step.

    Args:
        signs: of the step that failed, or that proved nothing.
        why: what it was that was not met, in its own words.
        p99_ms: at the knee, and in that step.
        at_knee: the signs at the knee, if there is one: what was so there too is no reason.
    """
    for who, share in ((Who.SIMULATOR, signs.simulator), (Who.GENERATOR, signs.generator)):
        if share is not None and share >= BUSY:
            words = f"the {who.value} itself was busy ({share:.0%} of a core)"
            return Bottleneck(who, f"{words}: what it measured is its own limit")
    loaded = "system" if signs.against != "gateway" else "provider"
    before = at_knee or Signs()
    if _new(signs.limited, before.limited):
        words = f"the provider's limit: it refused {signs.limited:.1%} for it (429)"
        return Bottleneck(Who.PROVIDER, f"{words}{_idle(signs)}")
    if _new(signs.throttled, before.throttled):
        words = f"the {loaded} refuses: {signs.throttled:.1%} were answered 429"
        return Bottleneck(Who(loaded), f"{words}{_idle(signs)}")
    if _new(signs.broken, before.broken):
        words = f"the {loaded} breaks: {signs.broken:.1%} got 5xx, or no answer"
        return Bottleneck(Who(loaded), f"{words}{_idle(signs)}")
    then, here = p99_ms
    if then and here and here >= TWICE * then:
        words = f"the {loaded} slows down: p99 from {then:.3g} ms at the knee to {here:.3g} ms"
        return Bottleneck(Who(loaded), f"{words}{_idle(signs)}")
    return Bottleneck(Who.UNKNOWN, f"no one thing stands out{_idle(signs)}: {why}")


def overwhelmed(signs: Signs) -> bool:
    """Tell whether a generator that was late or dropped arrivals was made to by what it loads.

    All the requests that may be under way were, and neither the generator nor the simulator was
    busy: then it is the target that does not keep up, and the step has failed.
    """
    busy = [share for share in (signs.generator, signs.simulator) if share is not None]
    return signs.places >= ALL and bool(busy) and max(busy) < BUSY


def _new(share: float, before: float) -> bool:
    return share - before >= SOME and share >= TWICE * before


def _idle(signs: Signs) -> str:
    known = {"generator": signs.generator, "simulator": signs.simulator}
    said = [f"{name} {share:.0%}" for name, share in known.items() if share is not None]
    return f" while others had time left ({', '.join(said)} of a core)" if said else ""
