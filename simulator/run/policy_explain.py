"""What `todoku explain` says of a policy: each check, its source, and what is out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.run.foresee import carries_replies
from simulator.scenario_policy import asked_of
from simulator.verify.policy import lacking
from simulator.verify.touch import CHANNELS
from simulator.verify.zones import ASSUMED, ZONES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.scenario import Scenario


def policy_asked(scenario: Scenario) -> Iterator[dict[str, str]]:
    """Yield every check that the policy comes to, with its source."""
    for asked in asked_of(scenario.policy):
        what = (type(asked.check).__doc__ or "").strip().splitlines()[0]
        yield {"check": asked.name, "what": what, "level": asked.level, "source": asked.source}


def policy_can(scenario: Scenario) -> Iterator[str]:
    """Yield what the run can judge of the policy."""
    able = [a for a in asked_of(scenario.policy) if not lacking(a.check, CHANNELS)]
    if able:
        yield f"{len(able)} policy check(s) on the traffic, where there is an occasion for them"


def policy_cannot(scenario: Scenario) -> Iterator[str]:
    """Yield what it cannot, and what it assumes."""
    unable: dict[str, int] = {}
    kinds = set()
    for asked in asked_of(scenario.policy):
        kinds.add(asked.kind)
        for channel in lacking(asked.check, CHANNELS):
            unable[channel] = unable.get(channel, 0) + 1
    for channel, count in unable.items():
        yield f"{count} policy check(s) that need {channel}: no such channel in this run"
    if "no_send_after_opt_out" in kinds and not carries_replies(scenario):
        yield "no_send_after_opt_out: nobody can opt out where no replies are carried"
    country = scenario.people.country.upper()
    if kinds & {"quiet_hours", "no_holidays", "in_chosen_band"} and country in ASSUMED:
        yield f"the hour where each person is: {ZONES[country]} is assumed, unless `zone` is given"
