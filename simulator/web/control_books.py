"""The control port's sums: truth on three levels, ledger and invoices, written as JSON. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simulator.core.carrier import CARRIERS
from simulator.core.message import Cause, Reason
from simulator.views.ledger import INVOICE_HEAD
from simulator.views.truth import Tally
from simulator.web.control_show import decimal, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.message import State
    from simulator.core.tariff import EntryKind
    from simulator.engine.driver import Driver
    from simulator.engine.world import World
    from simulator.views.ledger import Book
    from simulator.web.control_show import Json

_COUNTS = (
    "accepted",
    "segments",
    "attempts_failed",
    "noticed",
    "opened",
    "replied",
    "stopped",
    "inbound",
    "opted_out",
    "callbacks",
    "callbacks_abandoned",
)


def truth(driver: Driver) -> Json:
    """Write what happened in a world, by account and in all."""
    world = driver.world
    counted = world.truth
    refused: dict[str, Counter[Reason]] = {}
    for (name, reason), n in counted.refused.items():
        refused.setdefault(name, Counter())[reason] += n
    total = Tally()
    for tally in counted.tallies.values():
        _add(total, tally)
    names = sorted({*counted.tallies, *refused, *world.store.shelves} - {""})
    return {
        "accounts": [
            {"account": name, **_tally(counted.tallies.get(name), refused.get(name))}
            for name in names
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


def ledger(world: World, account: str) -> Json:
    """Write the books, equal lines once; account "" is all."""
    books = [book for book in world.ledger.books if account in ("", book.account)]
    sheets = [_sheet(book, month) for book in books for month in book.months]
    return {"sheets": sorted(sheets, key=lambda sheet: (sheet["account"], sheet["month"]))}


def _sheet(book: Book, month: str) -> Json:
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


def invoices(world: World, account: str) -> Json:
    """Write the invoices; account "" is all."""
    return {
        "head": INVOICE_HEAD,
        "invoices": [
            {
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
            for found in world.ledger.invoices()
            if account in ("", found.account)
        ],
    }
