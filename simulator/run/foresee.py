"""What a scenario leads to by chance alone, before anything runs: a sample of lives.

The lives are the real ones: the world of the scenario, its laws and its billing, on a gateway
without a server, for people of other seeds. Each recipient is sent one message of one segment at
the first instant, and the world is let run to the horizon. So what is foreseen is the carriers',
the people's and the invoice's part; what the system under test adds (reminders, waiting for the
morning, longer texts) is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from simulator.core.chance import key_of
from simulator.core.command import Submission
from simulator.core.interval import foreseen, wilson
from simulator.core.tariff import invoice_tax
from simulator.engine.world import World
from simulator.run.facts import metrics_of
from simulator.run.people import numbers_of
from simulator.run.world import account_of, begins_at, options_of
from simulator.verify.expect import MONEY, Outcome, evaluate
from simulator.views.ledger import policy_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.scenario import Expectation, Scenario

LIVES = 10_000
WORLDS = 10  # seeds; a block of numbers shares its carrier, so one seed alone would not do
METHOD = (
    "a sample of lives, one message of one segment, with a link, to each recipient at the first "
    "instant"
)
COUNTED = (
    *("delivered", "undelivered", "expired", "failed", "in_flight", "known_delivered"),
    *("noticed", "opened", "clicked", "replied", "opted_out", "charged_units", "excluded_units"),
)
_ONE_WAY = frozenset({"zettai_reach"})  # dialects that carry no replies
_TWO_WAY = frozenset({"native"})  # dialects whose numbers can be answered in every country
_BODY, _SENDER = "https://x", "+12025550100"
_ALL = 2**62  # steps: no limit


@dataclass(frozen=True, slots=True)
class Count:
    """One metric over a sample of lives, and over the scenario's people to come.

    Attributes:
        seen: in the sample; `low` and `high`: 95% of runs lie between them.
        share, share_low, share_high: of one message, with its 95% Wilson interval.
    """

    metric: str
    seen: int
    expected: float
    low: int
    high: int
    share: float
    share_low: float
    share_high: float


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is expected of one scenario; `totals_micros`: low, expected and high, with tax."""

    lives: int
    worlds: int
    people: int
    counts: Mapping[str, Count]
    totals_micros: tuple[int, int, int]
    currency: str


def carries_replies(scenario: Scenario) -> bool:
    """Tell whether replies can come back on the account that the system is given."""
    account = scenario.sut_account
    if account.dialect in _ONE_WAY:
        return False
    return account.dialect in _TWO_WAY or account.two_way or scenario.people.country != "jp"


def foresee(scenario: Scenario, lives: int = LIVES) -> Foreseen:
    """Live `lives` lives of the scenario's people, and say what is to be expected of as many."""
    seen = dict.fromkeys((*COUNTED, "accepted"), 0)
    each = lives // WORLDS
    for n in range(WORLDS):
        for name, value in lived(scenario, key_of("explain", scenario.seed, n) >> 1, each).items():
            if name in seen:
                seen[name] += int(value)
    coming, of = scenario.people.count, seen["accepted"]
    counts = {name: _count(name, seen[name], of, coming) for name in COUNTED}
    account = account_of(scenario, scenario.sut_account, lambda _: "")
    policy = policy_of(account)
    failed = counts["failed"]
    units = counts["charged_units"]
    totals = []
    for charged, fees in (
        (units.low, failed.low),
        (units.expected, failed.expected),
        (units.high, failed.high),
    ):
        subtotal = round(charged * policy.price_micros)
        subtotal += round(fees * policy.fee_micros) if policy.fee_states else 0
        totals.append(subtotal + invoice_tax(policy, subtotal))
    low, middle, high = totals
    return Foreseen(of, WORLDS, coming, counts, (low, middle, high), policy.currency)


def lived(scenario: Scenario, seed: int, lives: int) -> Mapping[str, Fraction]:
    """Return the metrics of a world of so many people, at its horizon."""
    people = scenario.people.model_copy(update={"count": lives})
    here = scenario.model_copy(update={"seed": seed, "people": people})
    world = World("explain", options_of(here))
    account = account_of(here, here.sut_account, lambda _: "")
    start_us, _ = begins_at(here)
    world.configure(account, start_us)
    country, replies = people.country.upper(), carries_replies(here)
    for to in numbers_of(here):
        asked = Submission(account.id, to, country, _SENDER, _BODY, 1, 1, can_reply=replies)
        world.gateway.submit(asked, start_us)
    world.gateway.run_due(start_us + here.time.until_us, _ALL)
    assert not world.faults(), world.faults()
    metrics = metrics_of(world, None, None, 0)
    return {name: value for name, value in metrics.items() if value is not None}


def _count(name: str, seen: int, of: int, coming: int) -> Count:
    low, high = foreseen(seen, of, coming)
    share_low, share_high = wilson(seen, of)
    return Count(name, seen, coming * seen / of, low, high, seen / of, share_low, share_high)


@dataclass(frozen=True, slots=True)
class Prospect:
    """What chance alone does to one expectation; `words` says it."""

    name: str
    that: str
    answer: str  # holds, fails, chance, system
    words: str


def prospects(scenario: Scenario, found: Foreseen) -> list[Prospect]:
    """Return for each expectation whether chance alone can break it."""
    return [_prospect(expectation, found) for expectation in scenario.expect]


def _prospect(expectation: Expectation, found: Foreseen) -> Prospect:
    measure = expectation.that
    that = f"{measure.metric} / {measure.over}" if measure.over else measure.metric
    if expectation.of.words:
        words = f"foreseen for all messages only, not for {expectation.of.words} (see --seeds)"
        return Prospect(expectation.name, that, "system", words)
    values = _values(measure.metric, measure.over, found)
    if values is None:
        words = "decided by your system: chance alone says nothing about it"
        return Prospect(expectation.name, that, "system", words)
    low, middle, high = values
    ends = [_holds(expectation, each, found) for each in (low, middle, high)]
    share = bool(measure.over)
    shown = [f"{float(v):.2%}" if share else f"{float(v):,.6g}" for v in (middle, low, high)]
    between = f"expected {shown[0]}, 95% of runs between {shown[1]} and {shown[2]}"
    answer = "holds" if all(ends) else "chance" if any(ends) else "fails"
    return Prospect(expectation.name, that, answer, f"{between}: {_ANSWERS[answer]}")


_ANSWERS = {
    "holds": "holds with room",
    "chance": "a run may fail by luck alone (see --seeds)",
    "fails": "chance alone fails it, unless your system sends more",
}


def _values(
    metric: str, over: str | None, found: Foreseen
) -> tuple[Fraction, Fraction, Fraction] | None:
    """Return low, expected and high of a measure, or None where it is not chance that decides."""
    if metric in MONEY and metric == "total" and over is None:
        low, middle, high = (Fraction(micros, 1_000_000) for micros in found.totals_micros)
        return low, middle, high
    if metric == "accepted" and over is None:
        people = Fraction(found.people)
        return people, people, people
    if metric not in found.counts or (over is not None and over not in _sampled(found)):
        return None
    count = found.counts[metric]
    if over is None:
        return Fraction(count.low), Fraction(count.expected), Fraction(count.high)
    of = _seen(over, found)
    if not count.seen <= of or not of:
        return None
    coming = _coming(over, found)
    low_count, high_count = foreseen(count.seen, of, coming)
    return Fraction(low_count, coming), Fraction(count.seen, of), Fraction(high_count, coming)


def _sampled(found: Foreseen) -> Sequence[str]:
    return ("accepted", *found.counts)


def _seen(metric: str, found: Foreseen) -> int:
    return found.lives if metric == "accepted" else found.counts[metric].seen


def _coming(metric: str, found: Foreseen) -> int:
    """Return how many a metric is expected to count in the run."""
    return max(1, round(found.people * _seen(metric, found) / found.lives))


def _holds(expectation: Expectation, value: Fraction, found: Foreseen) -> bool:
    """Judge one expectation as a run would, its measure being `value`."""
    measure = expectation.that
    metrics: dict[str, Fraction] = {measure.metric: value}
    if measure.over:
        of = _coming(measure.over, found) if expectation.confidence else 1
        metrics = {measure.metric: value * of, measure.over: Fraction(of)}
    if measure.over == measure.metric:
        return True
    (result,) = evaluate((expectation,), metrics)
    return result.outcome is Outcome.PASSED
