"""What a webhook's answer has ordered is carried out: messages that cause messages, with an end.

    at most 10 messages to one inbound      at most 10 redirections, one behind the other
    at most 15 automatic replies between two numbers in 30 seconds of virtual time
    at most 10,000 steps that an instant causes itself

The one rule: orders need no answer, so they are carried out in `run_due` in the agenda's order; and
the keys of what they cause derive from the cause, so that no order of arrival can change a fate.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from simulator.core import events as ev
from simulator.core.chance import key_of
from simulator.core.command import Caused
from simulator.core.message import Call, Origin
from simulator.core.orders import HOPS_MAX, SAYS_MAX, Orders
from simulator.core.trouble import Trouble

if TYPE_CHECKING:
    from simulator.engine.gateway import Gateway

LOOP_US, LOOP_MAX = 30_000_000, 15


class Errand(NamedTuple):
    """Orders that wait on the agenda, and the call whose answer they are."""

    call: Call
    orders: Orders


class Replies:
    """Automatic replies between two numbers; it remembers those of the last 30 seconds only."""

    def __init__(self) -> None:
        self._recent: OrderedDict[tuple[str, ...], list[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._recent)

    def may(self, account: str, numbers: tuple[str, str], at_us: int) -> bool:
        """Tell whether one more may be sent now, and count it if so."""
        recent, since_us = self._recent, at_us - LOOP_US
        while recent and next(iter(recent.values()))[-1] <= since_us:
            recent.popitem(last=False)
        pair = (account, *sorted(numbers))
        instants = [past for past in recent.get(pair, ()) if past > since_us]
        if len(instants) >= LOOP_MAX:
            return False
        recent[pair] = [*instants, at_us]
        recent.move_to_end(pair)
        return True


def reply_key(callback: int, n: int) -> int:
    """Return the key of the `n`-th message that the answer to a callback orders."""
    return key_of("reply", callback, n)


def ordered(gateway: Gateway, errand: Errand, at_us: int) -> None:
    """Carry orders out."""
    call, orders = errand
    message = call.message
    said = call.said
    for n, asked in enumerate(orders.says):
        if said >= SAYS_MAX:
            _warn(gateway, call, at_us, Trouble.TOO_MANY_REPLIES)
            break
        if not gateway.causes(at_us):
            break
        if not gateway.replies.may(asked.account, (asked.sender, asked.to), at_us):
            _warn(gateway, call, at_us, Trouble.REPLY_LOOP)
            continue
        caused = Caused(
            reply_key(call.key, n),
            key_of("reply", message.fate_key, call.hop, int(call.trouble), n),
            message.depth + 1,
            Origin.REPLY,
        )
        gateway.carry_out(replace(asked, caused=caused), at_us)
        said += 1
    if orders.redirect:
        _redirect(gateway, errand, said, at_us)
    gateway.release(message, 1)


def _redirect(gateway: Gateway, errand: Errand, said: int, at_us: int) -> None:
    call, orders = errand
    if call.hop >= HOPS_MAX:
        _warn(gateway, call, at_us, Trouble.REDIRECTS)
    elif gateway.causes(at_us):
        following = Call(
            key_of("redirect", call.key),
            call.message,
            call.state,
            0,
            at_us,
            url=orders.redirect,
            method=orders.method,
            hop=call.hop + 1,
            said=said,
            trouble=call.trouble,
            failed_url=call.failed_url,
        )
        gateway.ask(following)


def _warn(gateway: Gateway, call: Call, at_us: int, trouble: Trouble) -> None:
    message = call.message
    gateway.emit(ev.Warned(at_us, message.key, message.account, trouble), message)
