"""How an attempt at a callback ended, and what follows: told, again, the fallback, or given up.

    answered 2xx    told; what an inbound's answer orders goes on the agenda (`ordering.py`)
    failed          again by the table of repeats; then the fallback, for inbound; then given up

The one rule: everything here happens at the attempt's own instant, however late the socket is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core import events as ev
from simulator.core.chance import key_of
from simulator.core.message import FINAL, Call, OutcomeKind, State
from simulator.core.orders import Ordered
from simulator.core.trouble import Trouble
from simulator.core.webhook import address_of, next_attempt_us, retry_of
from simulator.engine import steps
from simulator.engine.ordering import Errand

if TYPE_CHECKING:
    from simulator.core.message import Outcome
    from simulator.engine.gateway import Gateway


def settled(gateway: Gateway, call: Call, outcome: Outcome) -> None:
    """Take in the outcome of an attempt whose message is live."""
    message, at_us = call.message, call.due_us
    kind, status = outcome.kind, outcome.status
    if call.forged:
        gateway.emit(
            ev.ForgeryTried(at_us, message.key, call.state, call.forged, kind, status), message
        )
        gateway.release(message, 1)
        return
    call.began_us = call.began_us or at_us
    tried = ev.CallbackTried(at_us, message.key, call.state, call.nth, kind, status)
    gateway.emit(tried, message)
    if kind is OutcomeKind.ANSWERED and 200 <= status < 300:
        _answered(gateway, call, outcome)
        return
    account = gateway.store.shelves[message.account].account
    retry = retry_of(account.retry, address_of(call))
    due_us = next_attempt_us(retry, call, kind, status)
    if due_us is not None:
        call.due_us = due_us
        call.nth += 1
        gateway.agenda.push((due_us, call.key, steps.CALLBACK, call))
        return
    trouble = Trouble.HTTP if kind is OutcomeKind.ANSWERED else Trouble.CONNECTION
    if kind is OutcomeKind.DROPPED or not _falls_back(gateway, call, trouble):
        gateway.emit(ev.CallbackAbandoned(at_us, message.key, call.state, kind), message)
        gateway.release(message, 1)


def _answered(gateway: Gateway, call: Call, outcome: Outcome) -> None:
    message, at_us = call.message, call.due_us
    if _is_news(call):
        gateway.emit(ev.Told(at_us, message.key, call.state, by_read=False), message)
    orders = outcome.orders if isinstance(outcome, Ordered) else None
    if orders is None or orders.is_idle:
        gateway.release(message, 1)
        return
    for trouble in orders.troubles:
        gateway.emit(ev.Warned(at_us, message.key, message.account, trouble), message)
    if not orders.fatal:
        # Later than everything that is settled at this instant: in the agenda's order, then.
        due_us = max(at_us, gateway.now_us) + 1
        gateway.agenda.push((due_us, call.key, steps.ORDERS, Errand(call, orders)))
    elif not _falls_back(gateway, call, orders.troubles[0]):
        gateway.release(message, 1)


def _is_news(call: Call) -> bool:
    """Tell whether an answered call tells something: each state is told once by calls about it."""
    told = call.message.told
    if call.again:
        return told is not call.state and told not in FINAL
    return not call.hop or told is not call.state


def _falls_back(gateway: Gateway, call: Call, trouble: Trouble) -> bool:
    """Ask the account's fallback address instead, once for each inbound message."""
    account = gateway.store.shelves[call.message.account].account
    if call.state is not State.RECEIVED or call.trouble or not account.fallback_url:
        return False
    key, due_us = key_of("fallback", call.key), call.due_us + 1
    instead = Call(
        key,
        call.message,
        call.state,
        0,
        due_us,
        url=account.fallback_url,
        hop=call.hop,
        said=call.said,
        trouble=trouble,
        failed_url=address_of(call),
    )
    gateway.agenda.push((due_us, key, steps.CALLBACK, instead))
    return True
