"""What the control port shows: values of the model, written as JSON objects. Pure.

Every instant is there twice: `at`, RFC 3339 for people, and `at_us`, microseconds since 1970 for
programs; null where it has not come. Amounts are decimal strings. Secrets are never shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.core.carrier import CARRIERS
from simulator.core.cause import Cause
from simulator.core.consent import Wish
from simulator.core.faults import Seam
from simulator.core.ids import public_id
from simulator.core.message import Origin, OutcomeKind, Reason, State
from simulator.core.tariff import bill
from simulator.core.text import Encoding
from simulator.core.trouble import Forgery, Trouble
from simulator.core.written import MICROS, decimal, rfc3339
from simulator.views.ledger import policy_of
from simulator.web.control_declared import service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.events import Event
    from simulator.core.message import Message
    from simulator.core.queue import Throughput
    from simulator.engine.driver import Driver
    from simulator.engine.world import World

Json = dict[str, Any]


def instant(name: str, at_us: int) -> Json:
    """Write an instant under a name, twice; 0 has not come."""
    return {name: rfc3339(at_us) if at_us else None, f"{name}_us": at_us or None}


def percent(basis_points: int) -> str:
    """Write hundredths of a percent as a percentage: "10", "7.25"."""
    return decimal(basis_points * MICROS // 100)


def clock(driver: Driver) -> Json:
    """Write what time it is."""
    now_us = driver.now()
    return {"now": rfc3339(now_us), "now_us": now_us, "rate": driver.clock.rate}


def account(world: World, name: str) -> Json:
    """Write an account's settings, with what follows from its policy; without its secret."""
    shelf = world.store.shelves[name]
    found = shelf.account
    policy = policy_of(found)
    return {
        "id": found.id,
        "world": world.name,
        "dialect": found.dialect,
        "secret_set": bool(found.secret),
        "lane": found.lane,
        "policy": policy.name,
        "price": decimal(policy.price_micros),
        "currency": policy.currency,
        "tax_percent": percent(policy.tax_bp),
        "push_url": found.push_url,
        "inbound_url": found.inbound_url,
        "senders": list(found.senders),
        "quota": None if found.quota < 0 else found.quota,
        "two_way": found.two_way,
        "signature_time": found.signature_time,
        "retry": {
            "delays_us": list(found.retry.delays_us),
            "timeout_us": found.retry.timeout_us,
            "on_status": found.retry.on_status,
        },
        "fallback_url": found.fallback_url,
        "keywords": msgspec.to_builtins(found.keywords),
        "limits": [_limit(limit) for limit in found.limits],
        "concurrency": None if found.concurrency < 0 else found.concurrency,
        "services": [service(each) for each in found.services],
        "api_keys": [key.id for key in found.api_keys],
        "scheduled_max": None if found.schedule.most < 0 else found.schedule.most,
        "countries": list(found.countries),
        "verified": list(found.verified),
        "test_credentials": found.test,
        "accepted": shelf.accepted,
        "opted_out": len(shelf.opted_out),
    }


def _limit(limit: Throughput) -> Json:
    """Write how fast a sender sends, as it is asked for."""
    return {
        "sender": limit.sender,
        "rate": f"{decimal(limit.mps_milli * 1_000)}/s",
        "queue": f"{decimal(limit.queue_us)}s",
        "patience": f"{decimal(limit.patience_us)}s",
    }


def message(world: World, found: Message) -> Json:
    """Write a message on its three levels, with its text and what it costs."""
    return {
        "id": public_id(found.key, world.gateway.epoch),
        "account": found.account,
        "direction": "inbound" if found.inbound else "outbound",
        "origin": found.origin.name.lower(),
        "depth": found.depth,
        "to": found.to,
        "from": found.sender,
        "country": found.country,
        "reference": found.reference,
        "callback_url": found.callback_url,
        "body": found.body,
        "redacted": found.redacted,
        "encoding": Encoding(found.encoding).name.lower(),
        "segments": found.segments,
        "carrier": None if found.inbound else CARRIERS[found.carrier].name,
        **instant("accepted_at", found.accepted_us),
        **instant("sending_at", found.sending_us),
        **instant("sent_at", found.sent_us),
        **instant("noticed_at", found.noticed_us),
        **instant("opened_at", found.opened_us),
        **instant("clicked_at", found.clicked_us),
        **instant("replied_at", found.replied_us),
        "known": _level(found.state, found.cause, _known_us(found)),
        "told": _level(found.told, None, found.told_us),
        "fate": _level(found.fate, found.fate_cause, found.fate_us),
        "attempts": found.attempts,
        "feedback": (None, "confirmed", "unconfirmed")[found.feedback],
        "finished": not found.pending,
        "bill": _bill(world, found),
    }


def _level(state: State, cause: Cause | None, at_us: int) -> Json:
    named = cause.name.lower() if cause else None
    return {"state": state.name.lower(), "cause": named, **instant("at", at_us)}


def _known_us(found: Message) -> int:
    if found.state in (State.ACCEPTED, State.SCHEDULED, State.QUEUED):
        return found.accepted_us if found.state is State.SCHEDULED else found.begins_us
    if found.state is State.SENDING:
        return found.sending_us
    return found.sent_us if found.state is State.SENT else found.known_us


def _bill(world: World, found: Message) -> Json | None:
    if found.inbound or found.origin is Origin.AUTOMATIC:
        return None
    policy = policy_of(world.account(found.account))
    due = bill(policy, found.segments, found.state, found.cause)
    return {
        "units": due.units,
        "excluded_units": due.excluded_units,
        "amount": decimal(due.micros),
        "currency": policy.currency,
        "final": due.final,
    }


def event(fact: Event, epoch: int) -> Json:
    """Write a fact: its kind, its instant, its message if it has one, and its own fields."""
    fields = msgspec.structs.asdict(fact)
    at_us, key = fields.pop("at_us"), fields.pop("key")
    return {
        "kind": type(fact).__name__,
        **instant("at", at_us),
        "message": public_id(key, epoch) if key else None,
        "fields": {name: _field(name, value, epoch) for name, value in fields.items()},
    }


def _field(name: str, value: Any, epoch: int) -> object:
    if isinstance(value, Trouble):
        return {"name": value.name.lower(), "code": int(value)}
    if isinstance(value, (State, Cause, OutcomeKind, Forgery)):
        return None if value is Cause.NONE else value.name.lower()
    if isinstance(value, (Reason, Wish, Seam)):
        return value.value
    write = _INTEGERS.get(name)
    return write(value, epoch) if write else value


_INTEGERS: Mapping[str, Callable[[int, int], str | None]] = {
    "answers": lambda key, epoch: public_id(key, epoch) if key else None,
    "carrier": lambda index, _epoch: CARRIERS[index].name,
    "encoding": lambda code, _epoch: Encoding(code).name.lower(),
}
