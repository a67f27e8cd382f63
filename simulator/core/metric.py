"""The closed list of what an expectation may name: each metric, its unit, what it is part of.

The one rule: `part` names the smallest group that every counted message of this metric belongs to
for certain, so that only a true share of a count is ever treated as one (`confidence`).
`docs/expectations.md` shows this list to people, and a test holds it to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGES = ("account", "carrier", "segment")  # what is counted message by message
BOOKS = ("account",)  # what is known of an account as a whole
FILTERS = MESSAGES
COUNT, UNITS, MONEY = "件", "通", "money"
MS, PER_S = "ms", "/s"  # of a load: real time
REAL = frozenset({MS, PER_S})  # these are measured, so they need not be whole


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        words: what it counts.
        unit: COUNT, UNITS, MONEY (in currency units), MS or PER_S.
        filters: the keys of `of:` that it knows.
        part: the metric it is a part of, message by message; empty: of none for certain.
        claimed: known only where the system makes claims.
        late: known only when the run is over, so nothing can be stopped by it.
        load: measured by a load test only (`todoku load`), all accounts together.
    """

    words: str
    unit: str = COUNT
    filters: tuple[str, ...] = MESSAGES
    part: str = ""
    claimed: bool = False
    late: bool = False
    load: bool = False


def _load(words: str, unit: str = COUNT, part: str = "") -> Metric:
    return Metric(words, unit, (), part, late=True, load=True)


METRIC: Mapping[str, Metric] = {
    "requested": Metric("requests to send, accepted or refused", filters=BOOKS),
    "accepted": Metric("messages that the provider accepted", part="requested"),
    "rejected": Metric("requests that it refused", filters=BOOKS, part="requested"),
    "sending": Metric("known to have left the provider's queue and not yet gone", part="accepted"),
    "sent": Metric("known to be with the carrier, without a receipt", part="accepted"),
    "in_flight": Metric("without a fate at the end", part="accepted"),
    "finished": Metric("with a fate: the next five together", part="accepted"),
    "delivered": Metric("fate: the handset has it", part="finished"),
    "undelivered": Metric("fate: the carrier gave up", part="finished"),
    "expired": Metric("fate: validity ran out", part="finished"),
    "failed": Metric("fate: it never left the provider", part="finished"),
    "canceled": Metric("fate: the client took it back", part="finished"),
    "known_final": Metric("the provider has a receipt", part="accepted"),
    "known_delivered": Metric("the receipt says delivered", part="known_final"),
    "told_final": Metric("the customer was told a final state", part="accepted"),
    "told_delivered": Metric("the customer was told delivered", part="told_final"),
    "noticed": Metric("the person saw the banner", part="delivered"),
    "opened": Metric("the person read it", part="noticed"),
    "clicked": Metric("the person followed the link in it", part="opened"),
    "replied": Metric("the person answered", part="opened"),
    "stopped": Metric("the person answered STOP", part="replied"),
    "opted_out": Metric("opt-outs that the provider noted", filters=BOOKS),
    "callbacks_failed": Metric("callbacks given up without a 2xx"),
    "callbacks_pending": Metric("callbacks that failed and wait for their next attempt"),
    "charged_units": Metric("units on the invoice", UNITS, BOOKS),
    "excluded_units": Metric("units left out of it", UNITS, BOOKS),
    "subtotal": Metric("the invoice before tax", MONEY, BOOKS),
    "tax": Metric("its tax", MONEY, BOOKS),
    "total": Metric("the invoice with tax", MONEY, BOOKS),
    "stragglers": Metric("requests that came after their instant had been left", filters=()),
    "findings": Metric("differences between claims and truth", filters=(), claimed=True, late=True),
    "claimed_delivered": Metric(
        "what the system says arrived", filters=(), claimed=True, late=True
    ),
    "claimed_total": Metric("what it says it owes", MONEY, (), claimed=True, late=True),
    "arrivals": _load("requests that the load had planned, without the warm-up's"),
    "started": _load("requests of these that were sent", part="arrivals"),
    "late": _load("requests that were sent later than planned by `late.over`", part="started"),
    "dropped": _load("requests that found no place in time and were never sent", part="arrivals"),
    "load_errors": _load("requests that got no answer, or one that is no 2xx", part="started"),
    "refused_connections": _load("requests whose connection was refused", part="load_errors"),
    "achieved_rate": _load("requests really sent in a second, late ones at their own time", PER_S),
    "api_p50": _load("from the planned instant to the answer: half took at most this", MS),
    "api_p90": _load("the same, 90%", MS),
    "api_p99": _load("the same, 99%", MS),
    "api_p999": _load("the same, 99.9%", MS),
    "receipt_p50": _load("from the planned instant to the final receipt, as it was taken", MS),
    "receipt_p90": _load("the same, 90% of all accepted messages, told or not", MS),
    "receipt_p99": _load("the same, 99%", MS),
    "receipt_p999": _load("the same, 99.9%", MS),
    "ack_p50": _load("from the sending of a callback to its 2xx: half took at most this", MS),
    "ack_p99": _load("the same, 99%", MS),
}

METRICS = tuple(METRIC)


def is_part(metric: str, whole: str) -> bool:
    """Tell whether each message that `metric` counts is counted by `whole` as well."""
    while metric and metric != whole:
        metric = METRIC[metric].part
    return bool(metric)
