"""Twilio's webhooks, status callbacks and inbound messages, and their signature.

The one rule: the address is signed exactly as it was configured, port included.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from simulator.core.account import Retry
from simulator.core.chance import key_of
from simulator.core.message import State
from simulator.core.trouble import Forgery
from simulator.core.webhook import retry_of
from simulator.core.wire import HttpCall
from simulator.dialects.forms import write_form
from simulator.dialects.twilio_render import API_VERSION, STATUS, error_of, sid_of, status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.message import Account, Call, Message

# By default one repeat (rc=1) after a failed connection (rp=ct), 5 s to connect, 15 s in all. How
# soon the repeat comes is not documented: assumed.
RETRY: Final = Retry(
    delays_us=(1_000_000,),
    timeout_us=15_000_000,
    on_status=False,
    on_timeout=False,
    connect_us=5_000_000,
    total_us=15_000_000,
    by_fragment=True,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RECEIPTED: Final = frozenset({State.DELIVERED, State.UNDELIVERED, State.EXPIRED})


def callback(call: Call, account: Account, epoch: int, _wall_s: int = 0) -> HttpCall | None:
    """Write the webhook about one state of a message: a status, or an inbound message.

    The fragment of the address (connection overrides) is obeyed, and neither sent nor signed.
    """
    message = call.message
    inbound = call.state is State.RECEIVED
    if inbound:
        address, fields = call.url or account.inbound_url, _inbound_fields(message, epoch)
        if call.trouble:
            fields |= {"ErrorCode": str(int(call.trouble)), "ErrorUrl": call.failed_url}
    else:
        address, fields = message.callback_url, _status_fields(call, epoch)
    url, overrides, _ = address.partition("#")
    if not url:
        return None
    body = write_form(fields)
    if call.method == "GET":
        url, body, fields = f"{url}{'&' if '?' in url else '?'}{body.decode()}", b"", {}
    headers = (
        ("X-Twilio-Signature", signature(account.secret, url, fields)),
        ("I-Twilio-Idempotency-Token", _idempotency_token(call.key, epoch)),
    )
    if not overrides and not inbound:
        return HttpCall(url, body, headers=headers)
    retry = retry_of(RETRY, address)
    return HttpCall(
        url,
        body,
        headers=headers,
        method=call.method,
        timeout_us=retry.timeout_us if overrides else 0,
        connect_us=retry.connect_us if overrides else 0,
        wants_body=inbound,
    )


def forged(call: Call, account: Account, epoch: int, _wall_s: int = 0) -> HttpCall | None:
    """Write a status callback that is not Twilio's, for a rule: only its signature tells.

    It is made with another auth token, or it is Twilio's own, of the earlier callback about "sent".
    """
    if call.forged is Forgery.WRONG:
        other = f"{key_of('forger', account.secret):032x}"
        return callback(call, replace(account, secret=other), epoch)
    lie, earlier = (
        callback(replace(call, state=state), account, epoch) for state in (call.state, State.SENT)
    )
    if lie is None or earlier is None:
        return None
    (stale, *_), (_, *rest) = earlier.headers, lie.headers
    return replace(lie, headers=(stale, *rest))


def signature(secret: str, url: str, fields: Mapping[str, str]) -> str:
    """Sign a webhook: HMAC-SHA1 over the address as configured and the sorted parameters."""
    text = url + "".join([name + fields[name] for name in sorted(fields)])
    return b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()


@lru_cache(maxsize=1024)
def _dlr_minute(minute: int) -> str:
    return f"{_EPOCH + timedelta(minutes=minute):%y%m%d%H%M}"


def _status_fields(call: Call, epoch: int) -> dict[str, str]:
    message = call.message
    sid, status = sid_of(message, epoch), status_of(message, call.state)
    fields = {
        "AccountSid": message.account,
        "ApiVersion": API_VERSION,
        "From": message.sender,
        "To": message.to,
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": status,
        "SmsStatus": status,
    }
    error = error_of(message, call.state)
    if message.extra is not None and message.extra.service:
        fields["MessagingServiceSid"] = message.extra.service
    if error:
        fields["ErrorCode"] = str(error)
    if call.state in _RECEIPTED:
        fields["RawDlrDoneDate"] = _dlr_minute(message.known_us // 60_000_000)
    return fields


def _inbound_fields(message: Message, epoch: int) -> dict[str, str]:
    sid = sid_of(message, epoch)
    extra = message.extra
    service = {"MessagingServiceSid": extra.service} if extra and extra.service else {}
    return {
        **service,
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": message.account,
        "From": message.sender,
        "To": message.to,
        "Body": message.body,
        "NumMedia": "0",
        "NumSegments": str(message.segments),
        "SmsStatus": STATUS[State.RECEIVED],
        "ApiVersion": API_VERSION,
    }


def _idempotency_token(key: int, epoch: int) -> str:
    """Return a UUID that stays equal over the repeats of one webhook."""
    digits = f"{key:016x}{key_of('idempotency', epoch, key):016x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
