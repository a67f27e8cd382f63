"""What a plan is of: the scenario's `plan:` with the flags over it, and every default named.

The one rule: whatever goes into the figures is in `Asked.settings`, with who said it: a flag, the
file, or nobody (assumed).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator import quantities as q
from simulator.core.carrier import NETWORKS
from simulator.core.people import People
from simulator.core.tariff import POLICIES
from simulator.errors import UsageError, did_you_mean, shown
from simulator.plan.campaign import Campaign, Pace
from simulator.plan.lives import Laws
from simulator.policy_checks import QuietHours
from simulator.run.expanded import Setting, instant, percent
from simulator.run.foresee import carries_replies
from simulator.run.people import capacity_of, consents_of, habits_of, numbers_of
from simulator.run.plan_flags import ASSUMED, Flags, Settling, read
from simulator.run.plan_hours import Closed, closed_by, hours_of
from simulator.run.plan_letters import rounds_of
from simulator.run.world import account_of, begins_at
from simulator.scenario_plan import (
    carrier_name,
    per_second,
)
from simulator.verify.zones import ZONES
from simulator.views.ledger import policy_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.core.message import Account
    from simulator.scenario import Scenario

SAMPLE = 200_000
SAMPLE_MAX = 2_000_000
RECIPIENTS_MAX = 1_000_000_000
RATE = 100.0  # units a second, where nobody says


@dataclass(frozen=True, slots=True)
class Asked:
    """A plan, ready to be carried out."""

    scenario: Scenario
    people: People
    laws: Laws
    campaign: Campaign
    account: Account
    policies: Sequence[str]
    settings: Sequence[Setting]
    notes: Sequence[str]


def asked_for(scenario: Scenario, flags: Flags) -> Asked:
    """Return the plan that a scenario and a command line ask for.

    Raises:
        UsageError: a flag cannot be read.
        ConfigError: there are no such people.
    """
    made = _Making(scenario, flags)
    account = account_of(scenario, scenario.sut_account, lambda _: "")
    recipients, sample = made.people()
    rounds = tuple(rounds_of(made))
    pace = made.pace()
    policies = made.policies(account)
    replies = carries_replies(scenario)
    made.say("replies", "come back" if replies else "none on this account", "file")
    if scenario.rules:
        names = ", ".join(rule.name for rule in scenario.rules)
        made.notes.append(f"left out are the rules of the scenario: {names}")
    country, numbers = scenario.people.country.upper(), _numbers(scenario, sample)
    return Asked(
        scenario,
        People(scenario.seed, habits_of(scenario)),
        Laws(scenario.seed, can_reply=replies),
        Campaign(recipients, numbers, country, account.lane, rounds, pace, consents_of(scenario)),
        account,
        policies,
        made.settings,
        made.notes,
    )


class _Making(Settling):
    """Settles who is written to, how fast, and by which bills."""

    def people(self) -> tuple[int, int]:
        """Return how many recipients there are, and how many people are in the sample."""
        flags, scenario = self.flags, self.scenario
        recipients = scenario.people.count
        if flags.recipients is not None:
            recipients = read("--recipients", flags.recipients, q.positive_count, RECIPIENTS_MAX)
        self.say("recipients", f"{recipients:,}", "flag" if flags.recipients else "file")
        wanted = SAMPLE
        if flags.sample is not None:
            wanted = read("--sample", flags.sample, q.positive_count, SAMPLE_MAX)
        capacity = capacity_of(scenario)
        size = min(wanted, capacity)
        if size < wanted:
            kind = f"{scenario.people.numbers} numbers of {scenario.people.country}"
            self.notes.append(f"the sample is {size:,}: there are no more {kind}")
        self.say("sample", f"{size:,} people like these", self.by(flags.sample))
        shares = {s.name: s.consent for s in scenario.people.segments if s.consent is not None}
        shares = {"": scenario.people.consent, **shares}
        if any(share < 1 for share in shares.values()):
            said = ", ".join(f"{name} {percent(share)}".strip() for name, share in shares.items())
            self.say("consent", f"{said}; nobody else is written to", "file")
        return recipients, size

    def pace(self) -> Pace:
        """Return how fast it goes, and when."""
        start_us, _ = begins_at(self.scenario)
        self.say("start", instant(start_us), "file" if self.scenario.time.start_us else ASSUMED)
        rate, by = self._rate()
        self.say("provider takes", f"{_said(rate)} (units)", by)
        slots = {**self.plan.slots}
        for at, text in enumerate(self.flags.slots):
            name, sign, value = text.partition("=")
            if not sign:
                raise UsageError(f"--slot: a carrier and its rate, docomo=50/s; seen {shown(text)}")
            if any(other.startswith(f"{name}=") for other in self.flags.slots[:at]):
                raise UsageError(f"--slot: {name} is given twice")
            slots[read("--slot", name, carrier_name)] = read("--slot", value, q.rate, of=per_second)
        here = [carrier.name for carrier in NETWORKS[self.scenario.people.country.upper()].carriers]
        for name in slots:
            if name not in here:
                raise UsageError(
                    f"--slot, plan.slots: {name} carries nobody in {self.scenario.people.country}, "
                    f"where these people are: {', '.join(here)}"
                )
        named = ", ".join(f"{name} {_said(value)}" for name, value in slots.items())
        self.say("carriers take", named or "as much as comes", self.by(self.flags.slots, "slots"))
        closed = list(self._closed())
        for each in closed:
            self.say("hours", str(each), each.by)
        if not closed:
            self.say("hours", "any, day and night", ASSUMED)
        hours = hours_of(closed, start_us)
        if not len(hours.opens_us):
            said = " and ".join(map(str, closed))
            raise UsageError(f"no hour is left in which anything may be sent: {said}")
        return Pace(start_us, _micro(rate), {n: _micro(v) for n, v in slots.items()}, hours)

    def _rate(self) -> tuple[float, str]:
        if self.flags.rate is not None:
            return read("--rate", self.flags.rate, q.rate, of=per_second), "flag"
        if self.plan.rate is not None:
            return self.plan.rate, "file"
        account = self.scenario.sut_account
        limits = [x.rate for x in account.limits if account.sender in (None, x.sender)]
        if limits:
            return sum(limits), "file: limits of the account's senders"
        return RATE, ASSUMED

    def _closed(self) -> Iterator[Closed]:
        if not self.flags.quiet:
            yield from closed_by(self.scenario)
        if len(self.flags.quiet) > 1 and "none" in self.flags.quiet:
            raise UsageError("--quiet: none and other hours are both given: keep one")
        country = self.scenario.people.country.upper()
        for text in self.flags.quiet:
            if text == "none":
                continue
            start, _, until = text.partition("-")
            try:
                check = QuietHours.model_validate({"from": start, "until": until})
            except ValueError:
                words = f"hours such as 21:00-8:00, or none; seen {shown(text)}"
                raise UsageError(f"--quiet: {words}") from None
            yield Closed(ZONES[country], country, (check.start, check.until), "flag")

    def policies(self, account: Account) -> tuple[str, ...]:
        """Return the billing policies to compare; the account's own is the first by default."""
        own = policy_of(account)
        for name in self.flags.policies:
            if name not in POLICIES:
                words = f"unknown policy {shown(name)}; {did_you_mean(name, tuple(POLICIES))}"
                raise UsageError(f"--policy: {words}")
        if self.flags.policies:
            return tuple(dict.fromkeys(self.flags.policies))
        others = (p.name for p in POLICIES.values() if p.currency == own.currency)
        return tuple(dict.fromkeys((own.name, *others)))


def _numbers(scenario: Scenario, count: int) -> list[str]:
    people = scenario.people.model_copy(update={"count": count})
    return list(numbers_of(scenario.model_copy(update={"people": people})))


def _said(per_s: float) -> str:
    """Write a rate by the second, or by the hour where that would be a fraction."""
    return f"{per_s:g}/s" if per_s >= 1 else f"{per_s * 3600:g}/h"


def _micro(per_s: float) -> int:
    return round(per_s * 1_000_000)
