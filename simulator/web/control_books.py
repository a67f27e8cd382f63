"""The control port's sums: truth on three levels, ledger and invoices, written as JSON. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simulator.core.carrier import CARRIERS
from simulator.core.cause import Cause
from simulator.core.written import decimal
from simulator.views.truth import Tally
from simulator.web.control_show import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.core.message import Reason, State
    from simulator.core.tariff import EntryKind
    from simulator.engine.driver import Driver
    from simulator.engine.world import World
    from simulator.views.ledger import Book
    from simulator.web.control_pages import Place
    from simulator.web.control_show import Json

    Sheet = tuple[Book, str]

_COUNTS = (
    "accepted",
    "segments",
    "attempts_failed",
    "noticed",
    "opened",
    "clicked",
    "replied",
    "stopped",
    "inbound",
    "opted_out",
    "auto_replied",
    "callbacks",
    "callbacks_abandoned",
)


def names(world: World, account: str) -> list[str]:
    """Return the accounts that have counts, by name; account "" is all."""
    if account:
        return [account]
    counted = world.truth
    refused = {name for name, _ in counted.refused}
    return sorted({*counted.tallies, *refused, *world.store.shelves} - {""})


def truth(driver: Driver, accounts: Sequence[str]) -> Json:
    """Write what happened in a world, by these accounts and in all."""
    world = driver.world
    counted = world.truth
    refused: dict[str, Counter[Reason]] = {}
    for (name, reason), n in counted.refused.items():
        refused.setdefault(name, Counter())[reason] += n
    total = Tally()
    for tally in counted.tallies.values():
        _add(total, tally)
    return {
        "accounts": [
            {"account": name, **_tally(counted.tallies.get(name), refused.get(name))}
            for name in accounts
        ],
        "total": _tally(total, sum(refused.values(), Counter())),
        "digest": world.log.digest(),
        "time_lag_us": driver.lag_us(),
        "time_lag_us_max": driver.lag_us_max,
        "retention": retention(world),
    }


def retention(world: World) -> Json:
    """Write how many messages are kept and were forgotten; `limit` is for finished ones."""
    store = world.store
    return {
        "limit": store.retention,
        "kept": len(store.live) + len(store.finished),
        "unfinished": len(store.live),
        "pruned": store.pruned,
    }


def _add(total: Tally, tally: Tally) -> None:
    for name in _COUNTS:
        setattr(total, name, getattr(total, name) + getattr(tally, name))
    total.fate += tally.fate
    total.known += tally.known
    total.told += tally.told


def _tally(tally: Tally | None, refused: Counter[Reason] | None) -> Json:
    found = tally or Tally()
    fate: Counter[State] = Counter()
    causes: dict[str, Counter[Cause]] = {}
    for (state, cause, carrier), n in found.fate.items():
        fate[state] += n
        if cause is not Cause.NONE:
            causes.setdefault(CARRIERS[carrier].name, Counter())[cause] += n
    return {
        **{name: getattr(found, name) for name in _COUNTS},
        "refused": {reason.value: n for reason, n in sorted((refused or {}).items(), key=str)},
        "in_flight": found.accepted - sum(found.known.values()),
        "fate": _named(fate),
        "known": _named(found.known),
        "told": _named(found.told),
        "causes": {carrier: _named(causes[carrier]) for carrier in sorted(causes)},
    }


def _named(counts: Mapping[State, int] | Mapping[Cause, int]) -> dict[str, int]:
    return {member.name.lower(): n for member, n in sorted(counts.items())}


def sheets(world: World, account: str) -> list[tuple[Place, Sheet]]:
    """Return each book's months, in order of account and month; account "" is all.

    An account has another book for each policy or price that it has had.
    """
    found = [
        ((book.account, month, place), (book, month))
        for place, book in enumerate(world.ledger.books)
        if account in ("", book.account)
        for month in book.months
    ]
    return sorted(found, key=lambda item: item[0])


def sheet(of: Sheet) -> Json:
    """Write one month of one book, equal lines once."""
    book, month = of
    sums: dict[tuple[EntryKind, Cause], list[int]] = {}
    for n, line in book.lines(month):
        line_sums = sums.setdefault((line.kind, line.cause), [0, 0, 0])
        line_sums[0] += n
        line_sums[1] += n * line.units
        line_sums[2] += n * line.micros
    return {
        "account": book.account,
        "month": month,
        "policy": book.policy.name,
        "label": book.policy.label,
        "currency": book.policy.currency,
        "lines": [
            {
                "kind": kind.value,
                "cause": cause.name.lower() if cause else None,
                "count": count,
                "units": units,
                "amount": decimal(micros),
            }
            for (kind, cause), (count, units, micros) in sorted(
                sums.items(), key=lambda item: (item[0][0].value, item[0][1])
            )
        ],
    }


def invoice(of: Sheet) -> Json:
    """Write the invoice of one month of one book."""
    book, month = of
    found = book.invoice(month)
    return {
        "account": found.account,
        "month": found.month,
        "policy": found.policy,
        "currency": found.currency,
        "units": found.units,
        "excluded": {cause.name.lower(): n for cause, n in found.excluded.items()},
        "excluded_units": found.excluded_units,
        "pending_units": found.pending_units,
        "fees": decimal(found.fees_micros),
        "subtotal": decimal(found.subtotal_micros),
        "tax_percent": percent(found.tax_bp),
        "tax": decimal(found.tax_micros),
        "total": decimal(found.total_micros),
    }
