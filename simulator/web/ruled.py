"""Rules at the edge: a request refused before it is carried out, a reply that never leaves.

The one rule: both are judged before anything is done, so that a read whose reply is lost tells
nobody anything; and what was judged goes to the gateway as a command, so that a recording has it.

    judge: API ──▶ refused, in the dialect's own form
           REPLY ──▶ carried out, once; then the connection is closed without a reply
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.chance import key_bytes, key_of, message_key
from simulator.core.command import Batch, Batched, Fire, Once, Refusal, Submission
from simulator.core.faults import Asks, Reject, Rule, Seam, Subject
from simulator.core.message import Message, Reason, Rejection
from simulator.core.query import ByReference, Find, Page
from simulator.core.wire import NO_REPLY
from simulator.dialects.shape import Ask, Reply

if TYPE_CHECKING:
    from simulator.core.wire import HttpReply
    from simulator.dialects.shape import Refused, Result
    from simulator.engine.gateway import Gateway
    from simulator.engine.ruling import Ruling
    from simulator.engine.world import World
    from simulator.web.routes import Match

_QUERIES = (Find, ByReference, Page)
_TOO_MANY = 429


class Judged:
    """One request under the rules of its world.

    Attributes:
        reply: what is answered at once, without the gateway; None: let it be carried out.
    """

    def __init__(self, world: World, match: Match, asked: Ask | Refused, now_us: int) -> None:
        gateway = world.gateway
        assert gateway.ruling is not None, "a world with rules has a ruling"
        self._world, self._asked, self._now_us = world, asked, now_us
        self._ruling: Ruling = gateway.ruling
        self._sends = sent_by(asked)
        self._to = self._sends[0].to if self._sends else getattr(asked, "to", "")
        self._key8 = key_bytes(_key_of(gateway, match, asked, self._sends))
        subject = Subject(
            asked.account, match.dialect, self._to, asks=_asks(asked), endpoint=match.label
        )
        at_us = gateway.instant(now_us)
        rule = self._ruling.judge(Seam.API, subject, self._key8, at_us)
        self._loses = None if rule else self._ruling.judge(Seam.REPLY, subject, self._key8, at_us)
        self.reply: HttpReply | None = None
        if rule is not None:
            self.reply = self._refused(match, rule)
        elif self._loses is not None and subject.asks is Asks.READ:
            self._ruling.tried(self._key8, accepted=False)
            self.reply = self._lost(self._loses)

    def _refused(self, match: Match, rule: Rule) -> HttpReply:
        (verdict,) = rule.then
        assert isinstance(verdict, Reject), f"no way to do {verdict!r} to a request"
        gateway, account = self._world.gateway, self._asked.account
        reason = Reason.THROTTLED if verdict.status == _TOO_MANY else Reason.BROKEN
        gateway.submit(Fire(account, rule.name, Seam.API), self._now_us)
        gateway.submit(Refusal(account, self._to, reason), self._now_us)
        self._ruling.tried(self._key8, accepted=False)
        rejection = Rejection(
            reason,
            detail=f"rule {rule.name}",
            status=verdict.status,
            retry_after_s=verdict.retry_after_s,
        )
        return match.route.render(
            self._asked, rejection, Reply(None, gateway.epoch, gateway.now_us)
        )

    def after(self, result: Result, reply: HttpReply) -> HttpReply:
        """Return what goes out once the request was carried out."""
        keys = _accepted(result) if self._sends else ()
        self._ruling.tried(self._key8, accepted=bool(keys))
        return reply if self._loses is None else self._lost(self._loses, keys)

    def _lost(self, rule: Rule, keys: tuple[int, ...] = ()) -> HttpReply:
        fired = Fire(self._asked.account, rule.name, Seam.REPLY, keys)
        self._world.gateway.submit(fired, self._now_us)
        return NO_REPLY


def sent_by(asked: Ask | Refused) -> tuple[Submission, ...]:
    """Return what a request wants to be sent, if it wants that."""
    what = asked.what if isinstance(asked, Ask) else None
    if isinstance(what, Once):
        what = what.what
    if isinstance(what, Batch):
        return tuple(item for item in what.items if isinstance(item, Submission))
    return (what,) if isinstance(what, Submission) else ()


def _accepted(result: Result) -> tuple[int, ...]:
    """Return the keys of the messages that were accepted just now."""
    results = result.results if isinstance(result, Batched) else (result,)
    return tuple(each.key for each in results if isinstance(each, Message))


def _asks(asked: Ask | Refused) -> Asks:
    if not isinstance(asked, Ask):
        return Asks.ANY
    if sent_by(asked):
        return Asks.SEND
    return Asks.READ if isinstance(asked.what, _QUERIES) else Asks.CHANGE


def _key_of(
    gateway: Gateway, match: Match, asked: Ask | Refused, sends: tuple[Submission, ...]
) -> int:
    """Return what chance derives from: the fate key a message would have, else what is asked."""
    if not sends:
        what = repr(asked.what) if isinstance(asked, Ask) else asked.to
        return key_of("asked", asked.account, match.label, what)
    keys = [_fate_key(gateway, each) for each in sends]
    return keys[0] if len(keys) == 1 else key_of("batch", *keys)


def _fate_key(gateway: Gateway, sends: Submission) -> int:
    shelf = gateway.store.shelves.get(sends.account)
    body = sends.body if gateway.by_content else None
    k, lane = (0, "") if shelf is None else (shelf.so_far(sends.to, body), shelf.account.lane)
    return message_key(lane, sends.to, k, body)
