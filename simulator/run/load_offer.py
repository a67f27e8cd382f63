"""From a scenario to the offer that locust is given: the shape, the accounts, the limits.

The one rule: everything the generator needs is in `offer.json`; it reads no scenario.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from simulator.errors import ConfigError, Problem, UsageError
from simulator.load.offer import Account, Ask, Offer, SystemAsks
from simulator.load.shape import (
    Constant,
    Poisson,
    Ramp,
    Shape,
    Spike,
    Step,
    Steps,
    Trace,
    check,
    lasting_us,
)
from simulator.run.load_tenants import weights
from simulator.run.world import credentials
from simulator.scenario_load_checks import ARRIVALS_MAX, LASTS_US_MAX

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.quantities import Request
    from simulator.scenario import Scenario
    from simulator.scenario_load import Arrivals, Load

OFFER = "offer.json"
TRACE_BYTES_MAX = 1 << 30
_SENDERS = {
    "twilio": "+15005550006",
    "native": "20345",
    "zettai_reach": "000512",
}  # where the scenario names none
_TEXTS = {
    "jp": ("ご予約は明日15時です。変更はお電話ください。",),
    "us": ("Your appointment is tomorrow at 3 pm. Reply STOP to opt out.",),
}


def shape_of(arrivals: Arrivals, folder: Path) -> Shape:
    """Return the shape of arrivals; `folder` is the scenario's, where a trace is looked for.

    Raises:
        ConfigError: the trace cannot be read, or the shape cannot be.
    """
    lasts_us = arrivals.lasts_us or 0
    shape: Shape
    if arrivals.constant is not None:
        shape = Constant(arrivals.constant, lasts_us)
    elif arrivals.poisson is not None:
        shape = Poisson(arrivals.poisson, lasts_us)
    elif arrivals.ramp is not None:
        shape = Ramp(arrivals.ramp.start, arrivals.ramp.end, lasts_us)
    elif arrivals.steps is not None:
        shape = Steps(tuple(Step(step.rate, step.lasts_us) for step in arrivals.steps))
    elif arrivals.spike is not None:
        spike = arrivals.spike
        shape = Spike(spike.base, spike.peak, spike.at_us, spike.lasts_us, lasts_us)
    else:
        assert arrivals.trace is not None, "the scenario's checks want a shape"
        shape = Trace(_trace(folder / arrivals.trace))
    try:
        check(shape)
    except UsageError as error:
        raise ConfigError([Problem("load.arrivals", str(error))]) from None
    return shape


def _trace(file: Path) -> tuple[int, ...]:
    """Read seconds, one a line, from whatever instant: a log's own times will do."""

    def wrong(words: str) -> ConfigError:
        return ConfigError([Problem("load.arrivals.trace", words)])

    try:
        if file.stat().st_size > TRACE_BYTES_MAX:
            raise wrong(f"{file} has more than {TRACE_BYTES_MAX:,} bytes: take a part of it")
        lines = file.read_text("utf-8-sig").split()  # spreadsheets begin with a BOM
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is no text"
        raise wrong(f"cannot read {file}: {said}") from None
    times = []
    for number, text in enumerate(lines, 1):
        try:
            times.append(round(float(text) * 1e6))
        except (ValueError, OverflowError):
            said = f"{file}:{number}: expected seconds such as 12.5; seen {text[:40]!r}"
            raise wrong(said) from None
    if not 0 < len(times) <= ARRIVALS_MAX:
        raise wrong(f"{file} has {len(times):,} times: expected 1 to {ARRIVALS_MAX:,}")
    first = min(times)
    if max(times) - first > LASTS_US_MAX:
        raise wrong(f"{file} goes over more than a day: take a part of it")
    return tuple(sorted(at - first for at in times))


def lasts_s(offer: Offer) -> float:
    """Return how long the load lasts, warm-up included: real seconds."""
    return (offer.warm_up_us + lasting_us(offer.shape)) / 1e6


def offer_of(  # noqa: PLR0913 - what the scenario cannot know
    scenario: Scenario,
    shape: Shape,
    *,
    run: str,
    url: str,
    callback: str,
    clock: tuple[str, str],
    out: Path,
) -> Offer:
    """Return the offer.

    Args:
        scenario: with `load:`; its tenants are accounts already.
        shape: from `shape_of`.
        run: the run's id.
        url: of what is loaded: the gateway, or the system under test.
        callback: where the receipts of its own messages are to be told; empty: nowhere.
        clock: URL and token of the run's clock.
        out: the run's folder.
    """
    load = scenario.load
    assert load is not None
    against_system = load.against == "system"
    return Offer(
        run=run,
        seed=scenario.seed,
        url=url,
        shape=shape,
        against="system" if against_system else "gateway",
        accounts=() if against_system else _accounts(scenario, load),
        warm_up_us=load.warm_up_us,
        in_flight=load.in_flight,
        late_after_ms=load.late.over_us / 1000,
        late_at_most=float(load.late.at_most),
        drop_after_ms=load.dropped.after_us / 1000,
        dropped_at_most=float(load.dropped.at_most),
        timeout_s=load.timeout_us / 1e6,
        refused=load.refused,
        people=str((out / "people.csv").resolve()),
        texts=load.texts or _TEXTS[scenario.people.country],
        callback=callback,
        clock_url=clock[0],
        token=clock[1],
        system=_asks(scenario) if against_system else None,
        workers=load.workers,
        out=str(out.resolve()),
    )


def _accounts(scenario: Scenario, load: Load) -> tuple[Account, ...]:
    shares = weights(scenario) if load.tenants else None
    found = []
    for n, written in enumerate(scenario.accounts):
        name, secret = credentials(written)
        known = {
            "dialect": written.dialect,
            "id": name,
            "secret": secret,
            "sender": written.sender or _SENDERS.get(written.dialect, ""),
            "weight": 1.0 if shares is None else shares[n],
        }
        found.append(msgspec.convert(known, Account))
    return tuple(found)


def _asks(scenario: Scenario) -> SystemAsks:
    assert scenario.sut is not None
    start = scenario.sut.start
    body = "" if start.body is None else json.dumps(start.body, ensure_ascii=False)
    return SystemAsks(_ask(start.request, body))


def _ask(request: Request, body: str) -> Ask:
    return Ask(request.method, request.path, body)
