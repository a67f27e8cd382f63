"""The answer of `todoku plan`, as plain values: how long, how much, how many, hour by hour."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.core.written import decimal
from simulator.errors import UsageError
from simulator.plan.campaign import carried_out
from simulator.plan.estimate import Estimate, estimate, share
from simulator.plan.outcomes import HOUR_US, cells, hourly, messages_of, on_carriers, people_of
from simulator.run.expanded import instant
from simulator.run.plan_bills import billed
from simulator.run.plan_hours import DAYS_MAX
from simulator.verify.zones import ZONES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from simulator.plan.campaign import Campaign, Sent
    from simulator.plan.people import Crowd
    from simulator.run.plan_ask import Asked
    from simulator.run.plan_bills import Billed

SCHEMA = "todoku/plan/1"
CONFIDENCE = 0.95
PROVIDER = "provider"
ASSUMES = (
    "the sender holds each message until provider and carrier have a slot for it, within the hours",
    "the sender writes to nobody whose consent is not on record (people.consent)",
    "the sender writes no more to who has said STOP, nor to a number it knows is not in use",
    "the sender goes through its list in order; a later round goes when the one before has gone",
    "the sample is spread evenly over the list, and each of its messages stands for its share",
    "nothing is refused, no callback is lost, no rule of the scenario hits anything",
    "each life is lived to its end, also beyond the scenario's time.until",
)
_SENDERS_OWN = frozenset({"accepted", "units"})  # what becomes of them is chance
_KNOWN = (0.5, 0.9, 0.99, 0.999)


def planned(asked: Asked, progress: Callable[[int], None]) -> dict[str, Any]:
    """Carry a plan out, and say what came of it.

    Raises:
        UsageError: there are not hours enough.
    """
    campaign = asked.campaign
    crowd, rounds = carried_out(asked.people, asked.laws, campaign, progress)
    people, recipients = len(campaign.numbers), campaign.recipients
    if not len(rounds[0].rows):
        raise UsageError(f"nobody of {people:,} has agreed to be written to (people.consent)")
    if max(rounds[-1].ends_us.values()) > campaign.pace.hours.total_us:
        years = f"{DAYS_MAX // 366} years"
        raise UsageError(f"within these hours it takes more than {years}: raise --rate or --slot")
    outcomes = list(cells(rounds, recipients, people))
    scale = people, recipients
    bills = [billed(name, asked.account, outcomes, rounds, campaign) for name in asked.policies]
    messages = messages_of(rounds, people)
    return {
        "schema": SCHEMA,
        "scenario": {
            "name": asked.scenario.name,
            "title": asked.scenario.title,
            "seed": asked.scenario.seed,
        },
        "recipients": recipients,
        "sample": people,
        "lives": sum(len(sent.rows) for sent in rounds),
        "confidence": CONFIDENCE,
        "settings": [setting._asdict() for setting in asked.settings],
        "assumes": list(ASSUMES),
        "notes": list(asked.notes),
        "time": _time(asked, crowd, rounds),
        "messages": _all_shared(asked, messages),
        "people": _all_shared(asked, people_of(messages, rounds)),
        "bills": [_bill(each) for each in bills],
        "hours": list(_hours(asked, rounds, scale)),
    }


def _all_shared(asked: Asked, columns: Mapping[str, NDArray[np.int64]]) -> dict[str, Any]:
    """Return every figure; where no reply can come back, or no link is sent, none is spoken of."""
    silent = set() if asked.laws.can_reply else {"replied", "opted_out"}
    if not any(each.has_link for each in asked.campaign.rounds):
        silent.add("clicked")
    told = {name: each for name, each in columns.items() if name not in silent}
    return {name: _shared(asked.campaign, name, each) for name, each in told.items()}


def _shared(campaign: Campaign, name: str, each: NDArray[np.int64]) -> dict[str, float]:
    """Return what a quantity of each person adds up to, and what it is for one of them."""
    by_chance = campaign.by_chance or name not in _SENDERS_OWN
    found = estimate(each, campaign.recipients, by_chance=by_chance)
    return {**_whole(found), "per_recipient": found.expected / campaign.recipients}


def _whole(found: Estimate) -> dict[str, Any]:
    return {"expected": round(found.expected), "low": round(found.low), "high": round(found.high)}


def _time(asked: Asked, crowd: Crowd, rounds: Sequence[Sent]) -> dict[str, Any]:
    """Say when it is over, and what it waits for."""
    pace = asked.campaign.pace
    servers = list(_servers(asked, crowd, rounds))
    last = max(servers, key=lambda server: server["done_work_us"])
    known = np.sort(np.concatenate([sent.lives.known_us for sent in rounds]))
    at = {f"{part:.1%}": known[int(part * (len(known) - 1))] for part in _KNOWN}
    done = [int(pace.hours.wall(np.array([max(s.ends_us.values())]))[0]) for s in rounds]
    queued = rounds[-1].queued or len(rounds) == 1
    margin = [last[end] - last["expected"] if queued else 0 for end in ("expected", "low", "high")]
    ends = [last["done_work_us"] + round(more * 1_000_000 / last["rate"]) for more in margin]
    hours = (pace.hours.wall(np.array(ends)) - pace.start_us) / HOUR_US
    for server in servers:
        server["work_hours"] = server["expected"] / server["rate"] / 3600
        server["done"] = instant(int(pace.hours.wall(np.array([server.pop("done_work_us")]))[0]))
    return {
        "start": instant(pace.start_us),
        "zone": ZONES[asked.campaign.country],
        "hours_needed": dict(zip(("expected", "low", "high"), map(float, hours), strict=True)),
        "waits_for": last["name"] if queued else "the time between messages",
        "first_round_done": instant(done[0]),
        "all_sent": instant(done[-1]),
        "servers": servers,
        "known": {part: instant(int(us)) for part, us in at.items()},
    }


def _servers(asked: Asked, crowd: Crowd, rounds: Sequence[Sent]) -> Iterator[dict[str, Any]]:
    """Yield the provider and the carriers: how many units go there, how fast, until when."""
    campaign = asked.campaign
    pace, of = campaign.pace, campaign.recipients
    ends = {name: us for sent in rounds for name, us in sent.ends_us.items()}
    everything = messages_of(rounds, len(campaign.numbers))["units"]
    yield {
        "name": PROVIDER,
        "rate": pace.rate_micro / 1e6,
        **_whole(estimate(everything, of, by_chance=campaign.by_chance)),
        "done_work_us": ends[""],
    }
    for index, carrier in enumerate(crowd.carriers):
        if carrier.name in pace.slots_micro and carrier.name in ends:
            units = estimate(on_carriers(rounds, crowd.carrier, index), of)
            yield {
                "name": carrier.name,
                "rate": pace.slots_micro[carrier.name] / 1e6,
                **_whole(units),
                "done_work_us": ends[carrier.name],
            }


def _bill(found: Billed) -> dict[str, Any]:
    """Say what one policy makes of it."""
    policy = found.policy
    excluded: dict[str, int] = {}
    for invoice in found.invoices:
        for cause, units in invoice.excluded.items():
            excluded[cause.name.lower()] = excluded.get(cause.name.lower(), 0) + units
    total = found.total_micros
    return {
        "policy": policy.name,
        "label": policy.label,
        "cite": policy.cite,
        "price": decimal(policy.price_micros),
        "unit": policy.unit.value,
        "currency": policy.currency,
        "charged_units": {
            **_whole(found.charged),
            "expected": sum(invoice.units for invoice in found.invoices),
        },
        "excluded_units": {**_whole(found.excluded), "expected": sum(excluded.values())},
        "excluded_by_cause": excluded,
        "subtotal": decimal(sum(invoice.subtotal_micros for invoice in found.invoices)),
        "tax": decimal(sum(invoice.tax_micros for invoice in found.invoices)),
        "total": decimal(found.total),
        "total_low": decimal(floor(total.low / policy.minor_micros) * policy.minor_micros),
        "total_high": decimal(ceil(total.high / policy.minor_micros) * policy.minor_micros),
        "invoices": [
            {
                "month": invoice.month,
                "units": invoice.units,
                "excluded_units": invoice.excluded_units,
                "fees": decimal(invoice.fees_micros),
                "subtotal": decimal(invoice.subtotal_micros),
                "tax": decimal(invoice.tax_micros),
                "total": decimal(invoice.total_micros),
            }
            for invoice in found.invoices
        ],
    }


def _hours(
    asked: Asked, rounds: Sequence[Sent], scale: tuple[int, int]
) -> Iterator[dict[str, Any]]:
    """Yield what goes out and comes back in each hour since the start in which anything does.

    Nearly everybody has at most one message an hour, so a share of the people stands for a count.
    """
    people, recipients = scale
    start_us = asked.campaign.pace.start_us
    columns: Mapping[str, NDArray[np.int64]] = hourly(rounds, start_us)
    for hour, row in enumerate(zip(*columns.values(), strict=True)):
        if any(row):
            seen = {name: min(int(n), people) for name, n in zip(columns, row, strict=True)}
            found = {name: share(n, people, recipients) for name, n in seen.items()}
            found["sent"] = _within_reach(found["sent"], asked.campaign)
            if not asked.laws.can_reply:
                found["replies"] = Estimate(0, 0, 0)
            counts = {name: _whole(each) for name, each in found.items()}
            yield {"hour": hour, "from": instant(start_us + hour * HOUR_US), **counts}


def _within_reach(sent: Estimate, campaign: Campaign) -> Estimate:
    """Return what is sent in an hour: never more than the provider takes.

    Where nobody is spared it is a matter of the schedule, and not of chance.
    """
    work = campaign.pace.rate_micro * 3600
    most = -(-work // (1_000_000 * min(each.units for each in campaign.rounds)))
    found = sent if campaign.by_chance else Estimate(*[sent.expected] * 3)
    return Estimate(*(min(value, most) for value in found))
