"""Native callbacks: Standard Webhooks (github.com/standard-webhooks/standard-webhooks, 1.0.0).

    POST  webhook-id: evt_…  webhook-timestamp: seconds  webhook-signature: v1,base64
    {"type": "message.delivered", "timestamp": "…", "data": {a message}}

The one rule: what is signed is `id.timestamp.body`, by HMAC-SHA256. The id stays equal over the
repeats of one callback. The timestamp is real time, since validators compare it with their clock;
under `signature_time: virtual` it is the attempt's virtual instant. `timestamp` in the body is
always virtual: when the state became known.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from simulator.core.chance import key_of
from simulator.core.message import FINAL, State
from simulator.core.trouble import Forgery
from simulator.core.wire import HttpCall
from simulator.core.written import rfc3339
from simulator.dialects.native_json import JSON_TYPE
from simulator.dialects.native_render import STATUS, Resource, resource

if TYPE_CHECKING:
    from simulator.core.message import Account, Call

WHSEC: Final = "whsec_"  # what a secret of Standard Webhooks begins with
STALE_S: Final = 3_600  # of a forged callback; validators let five minutes pass
_SECOND_US: Final = 1_000_000


class Event(msgspec.Struct, gc=False):
    """The body of a callback."""

    type: str
    timestamp: str
    data: Resource


def callback(call: Call, account: Account, epoch: int, wall_s: int = 0) -> HttpCall | None:
    """Write the callback about one state of a message, or about an inbound message."""
    m, state = call.message, call.state
    url = account.inbound_url if state is State.RECEIVED else m.callback_url
    if not url:
        return None
    at_us = m.known_us if state in FINAL else m.sent_us or m.accepted_us
    name = f"message.{STATUS[state]}"
    body = msgspec.json.encode(Event(name, rfc3339(at_us), resource(m, state, account, epoch)))
    signed_s = call.due_us // _SECOND_US if account.signature_time == "virtual" else wall_s
    event_id = f"evt_{call.key:016x}{key_of('webhook', epoch, call.key):016x}"
    headers = (
        ("webhook-id", event_id),
        ("webhook-timestamp", str(signed_s)),
        ("webhook-signature", signature(account.secret, event_id, signed_s, body)),
    )
    return HttpCall(url, body, JSON_TYPE, headers)


def forged(call: Call, account: Account, epoch: int, wall_s: int = 0) -> HttpCall | None:
    """Write a callback that is not ours, for a rule: signed with another secret, or an hour old."""
    if call.forged is Forgery.WRONG:
        other = f"{key_of('forger', account.secret):032x}"
        return callback(call, replace(account, secret=other), epoch, wall_s)
    old = replace(call, due_us=call.due_us - STALE_S * _SECOND_US)
    return callback(old, account, epoch, wall_s - STALE_S)


def signature(secret: str, event_id: str, at_s: int, body: bytes) -> str:
    """Sign a callback."""
    signed = f"{event_id}.{at_s}.".encode() + body
    digest = hmac.digest(b64decode(webhook_secret(secret)[len(WHSEC) :]), signed, "sha256")
    return "v1," + b64encode(digest).decode()


@lru_cache(maxsize=1024)
def webhook_secret(secret: str) -> str:
    """Return what a validator is given: the account's secret, written as Standard Webhooks do.

    A secret that is one already (whsec_ and base64) is taken as it is.
    """
    if secret.startswith(WHSEC):
        try:
            if b64decode(secret[len(WHSEC) :], validate=True):
                return secret
        except ValueError:
            pass
    return WHSEC + b64encode(secret.encode()).decode()
