"""What only few messages have: a schedule, a sender chosen by a service, media, no effect at all.

The one rule: an ordinary message pays nothing for it but the look whether `extra` is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from simulator.core import events as ev
from simulator.core.chance import key_bytes, key_of, once
from simulator.core.message import Message, Reason, Rejection

if TYPE_CHECKING:
    from simulator.core.account import Service
    from simulator.core.command import Submission
    from simulator.core.message import Account
    from simulator.engine.gateway import Gateway
    from simulator.engine.steps import Physics
    from simulator.engine.store import Shelf


def with_sender(physics: Physics, asked: Submission) -> Submission:
    """Choose the sender from a service's pool, if it is not given.

    The choice hangs on the person, the service and each sender alone: it stays the same, and few
    people get another where a sender is added or taken away.
    """
    extra = asked.extra
    if extra is None or not extra.pool:
        return asked
    stream, person = physics.sender, (extra.service, asked.to)
    bits = {one: once(key_bytes(key_of(*person, one)), stream) for one in extra.pool}
    sender = max(extra.pool, key=lambda one: (bits[one], one))
    return replace(
        asked,
        sender=sender,
        can_reply=asked.can_reply and sender.removeprefix("+").isdigit(),
        extra=replace(extra, pool=(), chosen=True),
    )


def unschedulable(shelf: Shelf, send_at_us: int, at_us: int) -> Rejection | None:
    """Say what is against sending at an instant."""
    limits, lead_us = shelf.account.schedule, send_at_us - at_us
    if lead_us < max(limits.lead_us_min, 1) or 0 < limits.lead_us_max < lead_us:
        least_s, most_s = (us // 1_000_000 for us in (limits.lead_us_min, limits.lead_us_max))
        span = f"{least_s} to {most_s} s" if most_s else f"{least_s} s or more"
        words = f"saw an instant {lead_us // 1_000_000} s ahead of now; send {span} ahead"
        return Rejection(Reason.BAD_PARAMETER, "SendAt", words)
    if 0 <= limits.most <= shelf.waiting.count(at_us):
        return Rejection(Reason.SCHEDULE_FULL, detail=f"{limits.most} messages")
    return None


def scheduled(gateway: Gateway, shelf: Shelf, message: Message) -> None:
    """Note that a message, just accepted, waits for its instant."""
    shelf.waiting.add(message.begins_us, message.key)
    gateway.emit(ev.Scheduled(message.accepted_us, message.key, message.begins_us), message)


def pretended(shelf: Shelf, asked: Submission, at_us: int) -> Message:
    """Answer as if: nothing is kept, sent, charged or noted."""
    k = shelf.next_k(f"pretended {asked.to}", None)
    key = key_of("pretended", asked.account, asked.to, k)
    return Message(
        key,
        key,
        asked.account,
        asked.to,
        asked.country,
        asked.sender,
        asked.body,
        asked.encoding,
        asked.segments,
        asked.reference,
        "",
        0,
        0,
        can_reply=False,
        carrier=0,
        accepted_us=at_us,
        extra=asked.extra,
    )


def service_of(account: Account, sender: str) -> Service | None:
    """Return the messaging service whose pool has a sender, if any."""
    return next((service for service in account.services if sender in service.senders), None)


def scope_of(account: Account, sender: str) -> str:
    """Return what an opt-out from a sender covers: its messaging service, or the sender alone."""
    service = service_of(account, sender)
    return service.id if service else sender
