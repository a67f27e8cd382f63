"""Twilio's test credentials: magic numbers decide, and nothing is sent, kept or charged.

Facts: twilio.com/docs/iam/test-credentials. From is looked at before To (assumed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulator.core.message import Reason, Rejection
from simulator.dialects.forms import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

GOOD_SENDER: Final = "+15005550006"
SENDERS: Mapping[str, Reason] = {
    "+15005550001": Reason.INVALID_FROM,
    "+15005550007": Reason.BAD_FROM,
    "+15005550008": Reason.QUEUE_FULL,
}
RECIPIENTS: Mapping[str, Reason] = {
    "+15005550001": Reason.BAD_TO,
    "+15005550002": Reason.UNREACHABLE,
    "+15005550003": Reason.FORBIDDEN_REGION,
    "+15005550004": Reason.OPTED_OUT,
    "+15005550009": Reason.NOT_MOBILE,
}


def refusal(to: str, sender: str) -> Rejection | None:
    """Return what the magic numbers say; any other From is nobody's."""
    if sender and sender != GOOD_SENDER:
        reason = SENDERS.get(sender, Reason.BAD_FROM)
        return Rejection(reason, "From", f"saw {shown(sender)}; test credentials")
    reason_to = RECIPIENTS.get(to)
    return Rejection(reason_to, "To", f"saw {to}; test credentials") if reason_to else None
