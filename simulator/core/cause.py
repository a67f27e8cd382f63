"""Why a message failed: one list for the model; each dialect has its own code for every one."""

from __future__ import annotations

from enum import IntEnum


class Cause(IntEnum):
    """Why a message was not delivered (yet)."""

    __hash__ = int.__hash__

    NONE = 0
    NOT_IN_USE = 1  # 欠番: no such subscriber
    REFUSED = 2  # 受信拒否: the subscriber blocks such messages
    ABSENT = 3  # 圏外, 電源OFF
    CONGESTION = 4  # 輻輳
    NO_ROUTE = 5  # no network for this country
    TOO_LATE = 6  # validity ran out before the provider could send
    CANCELED = 7
    QUEUE_OVERFLOW = 8  # its turn in the sender's queue would have come too late
    # Of what follows the engine causes none yet; a dialect has its code for each.
    SUSPENDED = 9  # the account
    FILTERED = 10  # by the carrier or the provider, for its text
    UNKNOWN = 11  # no reason was given
    MISSING_SEGMENT = 12
    TOO_DEAR = 13  # dearer than the client's limit
    TTL_TOO_SHORT = 14
    SENDER_UNREGISTERED = 15  # with the carrier
    TOO_BIG = 16  # for the carrier
    SENDER_RATE = 17  # more than the carrier takes from this sender
    SENDER_DAILY = 18  # the same, in a day
    BRAND_DAILY = 19
    TOLL_FREE_UNVERIFIED = 20
    CAMPAIGN_SUSPENDED = 21
    CAMPAIGN_UNREGISTERED = 22
    SENDER_PENDING = 23
    PROVIDER_TIMEOUT = 24
    PUMPING = 25  # blocked as traffic made for its own sake
