"""`todoku load --find-capacity`: one load after another, until the knee is known.

    finder.following -> a rate -> `todoku load FILE --rate` in a process of its own -> Step -> again

The one rule: each step is a whole load, with a fresh simulator and a fresh system, so that no step
pays for the one before it.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import uvloop

from simulator.errors import ExitCode, UsageError
from simulator.load.finder import Ask, Plan, following
from simulator.quantities import rate as rate_of
from simulator.quantities import ratio
from simulator.run.capacity_files import FILES, STEPS, Search
from simulator.run.capacity_show import coming, line, show
from simulator.run.capacity_step import measured
from simulator.run.capacity_verdict import verdict
from simulator.run.children import Children
from simulator.run.load_locust import needs_locust
from simulator.run.plot import drawable
from simulator.run.suite import GRACE_S, Ended, Item
from simulator.scenario import load_scenario
from simulator.scenario_load_checks import RATE_MAX
from simulator.scenario_overlays import Offered

_DIRECTORY = Path(".todoku")
WITHIN_MIN, WITHIN_MAX = 0.01, 0.5
_START_S = 5.0  # a guess at what a step takes besides its load and its drain


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line wants of a search, as it was written; empty: the default.

    Attributes:
        first, most: rates to begin with, and never to go beyond.
        at_least: a rate that must be met, or the command fails.
        within: how exact the knee has to be.
        lasts: how long each step offers its rate.
        flags: for each step's `todoku load`.
        limit_s: real time a step may take.
    """

    first: str = ""
    most: str = ""
    at_least: str = ""
    within: str = ""
    lasts: str = ""
    flags: tuple[str, ...] = ()
    limit_s: float | None = None


def plan_of(wish: Wish) -> tuple[Plan, float | None]:
    """Return how to search, and the rate that must be met.

    Raises:
        UsageError: a rate or a share cannot be read, or they do not fit each other.
    """
    default = Plan()
    first = _rate("--from", wish.first, default.first)
    most = _rate("--up-to", wish.most, max(default.most, first))
    at_least = _rate("--at-least", wish.at_least, 0.0) or None
    if first > most:
        raise UsageError(f"--from {first:g}/s is more than --up-to {most:g}/s")
    if at_least is not None and at_least > most:
        raise UsageError(f"--at-least {at_least:g}/s is more than --up-to {most:g}/s")
    try:
        within = ratio(wish.within) if wish.within else default.within
    except ValueError as error:
        raise UsageError(f"--within: {error}") from None
    if not WITHIN_MIN <= within <= WITHIN_MAX:
        raise UsageError(f"--within: {WITHIN_MIN:.0%} to {WITHIN_MAX:.0%}, not {wish.within}")
    plan = Plan(first=first, most=most, within=within, wanted=at_least)
    return msgspec.structs.replace(plan, least=min(plan.least, first)), at_least


def _rate(flag: str, text: str, default: float) -> float:
    if not text:
        return default
    try:
        found = rate_of(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None
    if found > RATE_MAX:
        raise UsageError(f"{flag}: at most {RATE_MAX:g}/s, not {text}")
    return found


def capacity_command(
    file: Path, wish: Wish, *, seed: int | None, out: Path | None, sut: str | None
) -> int:
    """Search for the knee of a scenario, and say what it is.

    Returns:
        0 a knee was found (and is at least what was asked); 1 it is below that; 2 a step cannot be
        run; 3 something else broke first; 130 stopped by hand.
    """
    plan, at_least = plan_of(wish)
    offered = Offered(f"{plan.first:g}/s", wish.lasts)
    scenario = load_scenario(file, sut=sut, needs_sut=False, offered=offered)
    if scenario.load is None:
        raise UsageError(f"{file} describes no load: add `load:`, or choose a scenario that does")
    needs_locust()
    drawable("--find-capacity")
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    search = Search(scenario, plan, out or _DIRECTORY / f"{scenario.name}-capacity", at_least)
    _empty(search.out)
    flags = (*wish.flags, *(("--sut", sut) if sut is not None else ()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        refused = runner.run(_walk(search, file, flags, wish))
    if refused is not None:
        print(refused.words, file=sys.stderr)
        return ExitCode.USAGE
    search.write()
    search.draw()
    show(search)
    why = search.bottleneck()
    code, words = verdict(
        search.found, at_least, why.words if why else "", interrupted=search.interrupted
    )
    print(words)
    return code


async def _walk(search: Search, file: Path, flags: tuple[str, ...], wish: Wish) -> Ended | None:
    """Take one step after another; return the one that could not be run, if there is one."""
    scenario = search.scenario
    assert scenario.load is not None
    lasts_us = scenario.load.arrivals.lasts_us or 0
    guess_s = (lasts_us + scenario.load.warm_up_us + scenario.load.drain_us) / 1e6 + _START_S
    print(f"todoku load {scenario.name} --find-capacity (seed {scenario.seed})", file=sys.stderr)
    while isinstance(wanted := following(search.plan, search.steps), Ask):
        print(coming(wanted, search.steps, guess_s), file=sys.stderr, flush=True)
        item = _item(search, file, wanted.rate, wish)
        words = ("--rate", f"{wanted.rate:g}/s", *(("--for", wish.lasts) if wish.lasts else ()))
        children = Children([item], 1, (*words, *flags), lambda _: None, "load")
        [ended] = await children.run()
        if children.interrupted:
            search.interrupted = True
            return None
        if ended.code == ExitCode.USAGE:
            return ended
        got = measured(item.out, wanted.rate, ended.code, ended.words, ended.seconds)
        search.measured.append(got)
        print(line(len(search.steps), got.step), file=sys.stderr, flush=True)
        search.write()
    search.found = wanted
    return None


def _item(search: Search, file: Path, rate: float, wish: Wish) -> Item:
    scenario, nth = search.scenario, len(search.steps) + 1
    assert scenario.load is not None
    timeout_us = scenario.sut.timeout_us if scenario.sut is not None else scenario.load.drain_us
    lasts_us = (scenario.load.arrivals.lasts_us or 0) + scenario.load.warm_up_us
    own_s = (timeout_us + lasts_us + scenario.load.drain_us) / 1e6
    return Item(
        file=file,
        name=scenario.name,
        out=search.out / STEPS / f"{nth:02}-{rate:g}",
        seed=scenario.seed,
        limit_s=(wish.limit_s or own_s) + GRACE_S,
    )


def _empty(out: Path) -> None:
    """Make the folder, without what a search before has left in it."""
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / STEPS, ignore_errors=True)
