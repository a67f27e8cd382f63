"""What must hold between the keys of `load:`, and with the rest of the file.

The one rule: as in `scenario_checks.py`, the file's text is read, and what has another shape than
expected is passed over, since the models report that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from simulator.errors import KeyPath
from simulator.quantities import duration_us, rate

if TYPE_CHECKING:
    from simulator.strict_yaml import Node

Found: TypeAlias = Iterator[tuple[KeyPath, str]]

SHAPES = ("constant", "poisson", "ramp", "steps", "spike", "trace")
RATE_MAX = 100_000.0  # a second, of all workers; more is a typing mistake
ARRIVALS_MAX = 20_000_000  # their instants are held in memory
LASTS_US_MAX = 24 * 3_600_000_000
WARM_UP_US = 60_000_000  # may be longer than a short load
STEPS_MAX = 1_000
IN_FLIGHT_MAX = 20_000
WORKERS_MAX = 64
TENANTS_MAX = 10_000
LATE_OVER, DROPPED_AFTER = "100ms", "10s"  # where the file does not say
_HERE: KeyPath = ("load",)
_ARRIVALS: KeyPath = ("load", "arrivals")
_OWN_LENGTH = ("steps", "trace")  # shapes that say themselves how long they last
_GENERATORS = ("in_flight", "workers", "timeout", "refused", "texts")
_STORMS = ("mix", "campaign")
_ALONE = ("policy",)  # sections that a load cannot judge


def rate_or_none(value: object) -> float:
    """Read a rate, or "0/s" for a pause."""
    return 0.0 if value in ("0/s", "0/min", "0/h") else rate(value)


def load_checks(tree: Node) -> Found:
    """Yield what is wrong between the keys of `load:`, and with the rest of the file."""
    if not isinstance(tree, dict) or "load" not in tree:
        return
    yield from _time(_inner(tree, "time"))
    load = tree["load"]
    if not isinstance(load, dict):
        return
    yield from _alone(tree)
    yield from _target(tree, load)
    if "tenants" in load:
        yield from _tenants(tree, load)
    yield from _storm(tree, load)
    arrivals = load.get("arrivals")
    if isinstance(arrivals, dict):
        yield from _shape(arrivals)
        yield from _sizes(arrivals, load)


def _time(time: dict[str, Node]) -> Found:
    if time.get("mode", "stepped") == "stepped":
        said = "stepped time waits for everybody, so nothing could be late under a load"
        yield ("time", "mode"), f"{said}: write `mode: real`, or scaled with a rate"
    if "until" in time:
        said = "a load ends by its arrivals and `load.drain`: remove it"
        yield ("time", "until"), said


def _alone(tree: dict[str, Node]) -> Found:
    for key in _ALONE:
        if key in tree:
            yield (key,), f"is judged by `todoku run` only: leave {key} or load out"
    for index, each in enumerate(_list(tree.get("expect"))):
        if isinstance(each, dict) and "abort_after" in each:
            said = "a load is judged at its end: leave abort_after out"
            yield ("expect", index, "abort_after"), said
    if "posted" in _inner(_inner(tree, "sut"), "claims"):
        said = "a load asks for claims or reads them: write a request, a file or a query"
        yield ("sut", "claims", "posted"), said


def _target(tree: dict[str, Node], load: dict[str, Node]) -> Found:
    against, sut = load.get("against", "gateway"), tree.get("sut")
    if against in {"system", "callbacks"} and sut is None:
        said = f"{against} is the system under test: add `sut:`, or write against: gateway"
        yield (*_HERE, "against"), said
    if against == "gateway" and "claims" in _inner(tree, "sut"):
        said = "a system cannot claim what the load itself sends to the gateway"
        yield ("sut", "claims"), f"{said}: remove it, or write against: system"
    if "callbacks" in load and sut is not None:
        said = "receipts go to the system under test (`sut:`), or to nobody: remove it"
        yield (*_HERE, "callbacks"), said
    if "callback" in load and (sut is None or against != "gateway"):
        said = "tells a `sut:` of messages that the load itself sends to the gateway: remove it"
        yield (*_HERE, "callback"), said


def _tenants(tree: dict[str, Node], load: dict[str, Node]) -> Found:
    here: KeyPath = (*_HERE, "tenants")
    if load.get("against", "gateway") != "gateway":
        yield here, "belongs to against: gateway: remove it"
    if "sut" in tree:
        yield here, "a system under test has one account: remove one of the two"
    for section, key in (("rules", "when"), ("expect", "of")):
        for index, each in enumerate(_list(tree.get(section))):
            if isinstance(each, dict) and "account" in _inner(each, key):
                said = "names one account, and tenants are many: leave it out"
                yield (section, index, key, "account"), said
    accounts = _list(tree.get("accounts"))
    if len(accounts) > 1:
        yield here, "are made like the first account: leave the other accounts out"
    for key in ("id", "secret"):
        if accounts and isinstance(accounts[0], dict) and key in accounts[0]:
            yield ("accounts", 0, key), "each tenant has its own: remove it"


def _storm(tree: dict[str, Node], load: dict[str, Node]) -> Found:
    """Yield what belongs to storms of callbacks only, or to everything but them."""
    storm = load.get("against") == "callbacks"
    for key in _GENERATORS if storm else _STORMS:
        if key in load:
            own = "is the generator's, and callbacks are the simulator's own"
            said = own if storm else "belongs to against: callbacks"
            yield (*_HERE, key), f"{said}: remove it"
    mix, accounts = load.get("mix"), _list(tree.get("accounts"))
    replies = mix.get("replies") if isinstance(mix, dict) else None
    answered = any(isinstance(each, dict) and "inbound" in each for each in accounts)
    if storm and replies not in {None, "0%", "0"} and not answered:
        said = "replies go to an account's `inbound` address, and none has one"
        yield (*_HERE, "mix", "replies"), said


def _shape(arrivals: dict[str, Node]) -> Found:
    shapes = [name for name in SHAPES if name in arrivals]
    if len(shapes) != 1:
        seen = " and ".join(shapes) or "none"
        yield _ARRIVALS, f"needs exactly one of {', '.join(SHAPES)}; seen {seen}"
        return
    [shape] = shapes
    if shape in _OWN_LENGTH and "for" in arrivals:
        yield (*_ARRIVALS, "for"), f"{shape} says itself how long it lasts: remove it"
    elif shape not in _OWN_LENGTH and "for" not in arrivals:
        yield _ARRIVALS, f"{shape} needs a length: add `for: 30s`"
    inner = arrivals[shape]
    if shape == "spike" and isinstance(inner, dict):
        yield from _spike(inner, arrivals)
    if shape == "ramp" and isinstance(inner, dict):
        ends = _numbers(lambda: [rate_or_none(inner.get(key)) for key in ("from", "to")])
        if ends and ends[0] == ends[1]:
            yield (*_ARRIVALS, "ramp"), "from and to are the same rate: write `constant`"


def _spike(spike: dict[str, Node], arrivals: dict[str, Node]) -> Found:
    rates = _numbers(lambda: [rate_or_none(spike.get(key)) for key in ("base", "peak")])
    if rates and rates[0] >= rates[1]:
        said = "is not more than the base: a spike goes up"
        yield (*_ARRIVALS, "spike", "peak"), said
    at = _numbers(lambda: [duration_us(spike.get("at")), duration_us(spike.get("for"))])
    whole = _numbers(lambda: [duration_us(arrivals.get("for"))])
    if at and whole and at[0] + at[1] > whole[0]:
        said = "ends after the arrivals do (`arrivals.for`): begin it earlier, or make it shorter"
        yield (*_ARRIVALS, "spike", "at"), said


def _sizes(arrivals: dict[str, Node], load: dict[str, Node]) -> Found:
    found = _numbers(lambda: [*_expected(arrivals)])
    if found is None:
        return
    count, lasts_us = found
    if lasts_us > LASTS_US_MAX:
        yield _ARRIVALS, "lasts more than a day: a soak is a `todoku run` of a long virtual time"
    elif count > ARRIVALS_MAX:
        said = f"comes to about {count:,.0f} requests; a load has at most {ARRIVALS_MAX:,}"
        yield _ARRIVALS, f"{said}: lower the rate or the length"
    elif count < 1:
        said = f"comes to {count:.2g} requests, and a run that sends nothing proves nothing"
        yield _ARRIVALS, f"{said}: raise the rate or the length"
    yield from _lengths(load, lasts_us)
    late = _numbers(lambda: [duration_us(_inner(load, "late").get("over", LATE_OVER))])
    waits = _numbers(lambda: [duration_us(_inner(load, "dropped").get("after", DROPPED_AFTER))])
    if late and waits and waits[0] <= late[0]:
        said = "is not after late.over, so nothing could ever be late: make it longer"
        yield (*_HERE, "dropped", "after"), said


def _lengths(load: dict[str, Node], lasts_us: float) -> Found:
    warm_up = _numbers(partial(_duration, load, "warm_up"))
    if warm_up and warm_up[0] > max(lasts_us, WARM_UP_US):
        said = "is longer than the arrivals that count (and than a minute): make it shorter"
        yield (*_HERE, "warm_up"), said
    for key in ("timeout", "drain"):
        found = _numbers(partial(_duration, load, key))
        if found and found[0] > LASTS_US_MAX:
            yield (*_HERE, key), "is longer than a day, and so is no load: make it shorter"


def _duration(load: dict[str, Node], key: str) -> list[float]:
    return [duration_us(load.get(key, "0s"))]


def _expected(arrivals: dict[str, Node]) -> tuple[float, float]:
    """Return about how many arrivals a shape means, and how long it lasts.

    Raises:
        ValueError: it cannot be read, or says neither.
    """
    if isinstance(steps := arrivals.get("steps"), list):
        parts = [step for step in steps if isinstance(step, dict)]
        each = [(rate_or_none(p.get("rate")), duration_us(p.get("for"))) for p in parts]
        return sum(r * us for r, us in each) / 1e6, sum(us for _, us in each)
    lasts_us = duration_us(arrivals.get("for"))
    for name in ("constant", "poisson"):
        if name in arrivals:
            return rate(arrivals[name]) * lasts_us / 1e6, lasts_us
    if isinstance(ramp := arrivals.get("ramp"), dict):
        middle = (rate_or_none(ramp.get("from")) + rate_or_none(ramp.get("to"))) / 2
        return middle * lasts_us / 1e6, lasts_us
    if isinstance(spike := arrivals.get("spike"), dict):
        base, peak = rate_or_none(spike.get("base")), rate(spike.get("peak"))
        more_us = duration_us(spike.get("for"))
        return (base * lasts_us + (peak - base) * more_us) / 1e6, lasts_us
    raise ValueError("a trace is counted when it is read")


def _inner(node: dict[str, Node], key: str) -> dict[str, Node]:
    section = node.get(key, {})
    return section if isinstance(section, dict) else {}


def _list(node: Node | None) -> Sequence[Node]:
    return node[:STEPS_MAX] if isinstance(node, list) else []


def _numbers(read: Callable[[], list[float]]) -> list[float] | None:
    """Return what can be read, or None where the models will say what is wrong."""
    try:
        return read()
    except ValueError:
        return None
