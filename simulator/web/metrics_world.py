"""One world's part of a scrape, added to that of the others under the same label.

The one rule: a sample is a sum of what is there already, so worlds without a label of their own
can share one; of lags and clocks the largest counts.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simulator.core.carrier import CARRIERS
from simulator.views.metrics import outcome_name, sums_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulator.core.cause import Cause
    from simulator.core.message import State
    from simulator.engine.driver import Driver
    from simulator.engine.world import World

Samples = dict[str, dict[tuple[str, ...], float]]
Counted = dict[tuple[str, ...], float]

CURRENCIES_SHOWN = 32  # an account may name any three letters
_LARGEST = frozenset({"time_lag_seconds", "time_lag_max_seconds", "clock_seconds", "clock_rate"})


def add(samples: Samples, driver: Driver, label: str) -> None:
    """Add a world's counts to what was counted so far."""
    world = driver.world
    for name, counted in {
        **_traffic(world),
        **_callbacks(world),
        **_books(world),
        **_state(driver),
    }.items():
        into = samples.setdefault(f"todoku_{name}", {})
        for values, value in counted.items():
            key = (label, *values)
            before = into.get(key, 0)
            into[key] = max(before, value) if name in _LARGEST else before + value


def _traffic(world: World) -> dict[str, Counted]:
    accepted: Counter[tuple[str, ...]] = Counter()
    segments: Counter[tuple[str, ...]] = Counter()
    ended: Counter[tuple[State, Cause, int]] = Counter()
    receipts: Counter[State] = Counter()
    told: Counter[State] = Counter()
    plain: Counter[str] = Counter()
    for name, tally in world.truth.tallies.items():
        dialect = (world.account(name).dialect,)
        accepted[dialect] += tally.accepted
        segments[dialect] += tally.segments
        ended.update(tally.fate)
        receipts.update(tally.known)
        told.update(tally.told)
        for each in _PLAIN:
            plain[each] += getattr(tally, each)
    refused: Counter[str] = Counter()
    for (_, reason), n in world.truth.refused.items():
        refused[reason.value] += n
    return {
        "messages_accepted": dict(accepted),
        "segments_accepted": dict(segments),
        "requests_refused": {(reason,): n for reason, n in refused.items()},
        "messages_ended": {
            (CARRIERS[carrier].name, state.name.lower(), cause.name.lower()): n
            for (state, cause, carrier), n in ended.items()
        },
        "receipts": _by_state(receipts),
        "told": _by_state(told),
        "reactions": {(kind,): plain[kind] for kind in _REACTIONS},
        "handset_attempts_failed": {(): plain["attempts_failed"]},
        "inbound_messages": {(): plain["inbound"]},
        "opt_outs": {(): plain["opted_out"]},
        "messages_in_flight": {(): sum(accepted.values()) - sum(receipts.values())},
    }


_REACTIONS = ("noticed", "opened", "clicked", "replied", "stopped")
_PLAIN = (*_REACTIONS, "attempts_failed", "inbound", "opted_out")


def _by_state(counts: Mapping[State, int]) -> Counted:
    return {(state.name.lower(),): n for state, n in counts.items()}


def _callbacks(world: World) -> dict[str, Counted]:
    tried: Counter[tuple[str, ...]] = Counter()
    for (kind, hundreds, again), n in world.metrics.tried.items():
        tried["retry" if again else "first", outcome_name(kind, hundreds)] += n
    abandoned: Counted = {(kind.name.lower(),): n for kind, n in world.metrics.abandoned.items()}
    forged: Counter[tuple[str, ...]] = Counter()
    for (kind, hundreds), n in world.firings.forged.items():
        forged[outcome_name(kind, hundreds),] += n
    fired: Counted = {(f.rule, f.seam.value, f.verdict): n for f, n in world.firings.fired.items()}
    return {
        "callback_attempts": dict(tried),
        "callbacks_abandoned": abandoned,
        "forged_callbacks": dict(forged),
        "rules_fired": fired,
    }


def _books(world: World) -> dict[str, Counted]:
    billed: Counted = {}
    pending: Counted = {}
    excluded: Counted = {}
    amounts: Counted = {}
    found = sums_of(world.ledger)
    shown = _shown(currency for _, currency in found)
    for (policy, currency), sums in found.items():
        billed[policy,] = billed.get((policy,), 0) + sums.billed
        pending[policy,] = pending.get((policy,), 0) + sums.pending
        for cause, units in sums.excluded.items():
            key = (policy, cause.name.lower())
            excluded[key] = excluded.get(key, 0) + units
        if currency in shown:
            amounts[policy, currency] = sums.micros / 1e6
    return {
        "billed_units": billed,
        "pending_units": pending,
        "excluded_units": excluded,
        "billed_amount": amounts,
    }


def _shown(currencies: Iterable[str]) -> frozenset[str]:
    """Return the currencies that get a label: the first by name, since sums of all mean nothing."""
    return frozenset(sorted(set(currencies))[:CURRENCIES_SHOWN])


def _state(driver: Driver) -> dict[str, Counted]:
    world = driver.world
    store, gateway = world.store, world.gateway
    return {
        "messages_kept": {
            ("unfinished",): len(store.live),
            ("finished",): len(store.finished),
        },
        "messages_pruned": {(): store.pruned},
        "accounts": {(): len(store.shelves)},
        "events": {(): world.log.count},
        "faults": {(): len(world.audit.seen) + len(world.log.detached)},
        "callbacks_outstanding": {(): driver.outstanding},
        "agenda_entries": {(): len(gateway.agenda)},
        "time_lag_seconds": {(): driver.lag_us() / 1e6},
        "time_lag_max_seconds": {(): driver.lag_us_max / 1e6},
        "clock_seconds": {(): driver.now() / 1e6},
        "clock_rate": {(): driver.clock.rate},
    }
