"""What can be wrong with a webhook, or with what is answered to it."""

from __future__ import annotations

from enum import IntEnum


class Trouble(IntEnum):
    """What was wrong with a webhook, or its answer. The numbers are Twilio's: no other has any."""

    __hash__ = int.__hash__

    NONE = 0
    HTTP = 11200  # answered, but not with 2xx
    CONNECTION = 11205
    TOO_LARGE = 11750
    MALFORMED = 12100
    UNKNOWN_VERB = 12200
    CONTENT_TYPE = 12300
    BAD_TO = 14101
    BAD_FROM = 14102
    BAD_BODY = 14103
    REDIRECTS = 14106  # one led to the next too often
    REPLY_LOOP = 14107  # too many automatic replies between two numbers
    TOO_MANY_REPLIES = 14109  # to one inbound message


class Forgery(IntEnum):
    """How the signature of a call is wrong that is not the provider's."""

    __hash__ = int.__hash__

    NONE = 0
    WRONG = 1  # made with another secret
    STALE = 2  # the provider's own, for something else that it said before
