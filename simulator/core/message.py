"""The values that the house is built of: accounts, messages, rejections, effects.

The one rule: per-message values are msgspec structs outside the garbage
collector's sight; `tests/test_tidy.py` reads their annotations, so that no cycle can hide.
"""

from __future__ import annotations

from enum import Enum, IntEnum

import msgspec

from simulator.core.account import ApiKey, Retry, Schedule, Service
from simulator.core.cause import Cause
from simulator.core.consent import SILENT, Keywords
from simulator.core.extra import Extra
from simulator.core.queue import Throughput
from simulator.core.trouble import Forgery, Trouble


class State(IntEnum):
    """Where a message stands; at the provider (*known*), at the handset (*fate*), as *told*."""

    __hash__ = int.__hash__  # Enum's own is a Python function: 0.2 us per dict look-up

    NONE = 0
    ACCEPTED = 1
    SENDING = 2
    SENT = 3
    DELIVERED = 4
    UNDELIVERED = 5
    EXPIRED = 6
    FAILED = 7
    CANCELED = 8
    RECEIVED = 9
    SCHEDULED = 10  # accepted, and to be sent at an instant of the client's choice
    QUEUED = 11  # a messaging service has chosen the sender


FINAL = frozenset({State.DELIVERED, State.UNDELIVERED, State.EXPIRED, State.FAILED, State.CANCELED})


class Origin(IntEnum):
    """What made a message."""

    __hash__ = int.__hash__

    CLIENT = 0  # a request; or a person, if it is inbound
    REPLY = 1  # the answer to an inbound webhook
    AUTOMATIC = 2  # an opt-out word: the provider's own, costs nothing, not in its API


class Reason(Enum):
    """Why a request was refused; every dialect maps every one of them to its own reply."""

    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    METHOD = "method_not_allowed"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    NO_TO = "no_to"
    NO_FROM = "no_from"
    NO_BODY = "no_body"
    BAD_TO = "bad_to"
    BAD_FROM = "bad_from"
    BAD_PARAMETER = "bad_parameter"
    MISSING_PARAMETER = "missing_parameter"
    UNKNOWN_PARAMETER = "unknown_parameter"
    NOT_MOBILE = "not_mobile"
    TOO_LONG = "too_long"
    OPTED_OUT = "opted_out"
    DUPLICATE_REFERENCE = "duplicate_reference"
    KEY_REUSED = "key_reused"
    OVER_QUOTA = "over_quota"
    QUEUE_FULL = "queue_full"
    TOO_MANY_REQUESTS = "too_many_requests"
    SCHEDULE_FULL = "schedule_full"
    NO_SUCH_SERVICE = "no_such_service"
    SERVICE_CLOSED = "service_closed"
    SERVICE_EMPTY = "service_empty"
    SERVICE_UNFIT = "service_unfit"
    NOT_IN_SERVICE = "not_in_service"
    FORBIDDEN_REGION = "forbidden_region"
    UNREACHABLE = "unreachable"
    NOT_VERIFIED = "not_verified"
    INVALID_FROM = "invalid_from"
    TEST_CREDENTIALS = "test_credentials"
    TOO_MANY_MEDIA = "too_many_media"
    NOT_CANCELABLE = "not_cancelable"
    NOT_FINISHED = "not_finished"
    THROTTLED = "throttled_by_rule"  # the rule says with which status
    BROKEN = "broken_by_rule"


# What was refused because of who came first: another order of arrival would have refused others.
CONTENDED = frozenset(
    {Reason.OVER_QUOTA, Reason.QUEUE_FULL, Reason.TOO_MANY_REQUESTS, Reason.SCHEDULE_FULL}
)


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """The client broke a rule. A value, not an exception.

    Attributes:
        reason: which rule.
        field: the parameter's name as the client wrote it, or empty.
        detail: what was seen, for people; already shortened.
        status: HTTP status; 0: the dialect's own for the reason.
        retry_after_s: of the Retry-After header; -1: the dialect's own, if it has one.
    """

    reason: Reason
    field: str = ""
    detail: str = ""
    status: int = 0
    retry_after_s: int = -1


class Account(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A customer of the provider, in one world.

    Attributes:
        id: the provider's name for it (AccountSid, clientId).
        dialect: which provider's API it speaks.
        secret: token or password; empty until first seen where accounts are open.
        lane: stands for the account in fate keys; empty: shared with other accounts.
        policy: name of the billing policy in `tariff.POLICIES`.
        price_micros: per unit, millionths of `currency`; -1: the policy's own.
        tax_bp: tax in hundredths of a percent; -1: the policy's own.
        push_url: where receipts go, if the dialect sets that per account.
        inbound_url: where replies go; fallback_url: where they go when that has failed.
        senders: the sender codes it may use; empty: any.
        quota: messages it may send in all; -1: any number.
        two_way: replies come where the provider says they do not (a named departure).
        retry: how callbacks are repeated.
        keywords: which words of people it obeys, and what is answered to them.
        limits: how fast its senders send; one that is not named has no limit.
        concurrency: requests under way at once; -1: any number.
        signature_time: whose time a signature holds: "real" or "virtual", where it holds one.
        services: messaging services: pools of senders under one id.
        api_keys: further credentials, beside the id and its secret.
        schedule: when messages may be scheduled for, and how many at a time.
        countries: where it may send to, ISO codes; empty: anywhere.
        verified: a trial account: the only numbers it may send to; empty: any.
        test: its credentials are test credentials: nothing is sent, kept or charged.
    """

    id: str
    dialect: str
    secret: str = ""
    lane: str = ""
    policy: str = ""
    price_micros: int = -1
    currency: str = ""
    tax_bp: int = -1
    push_url: str = ""
    inbound_url: str = ""
    senders: tuple[str, ...] = ()
    quota: int = -1
    two_way: bool = False
    retry: Retry = Retry()
    fallback_url: str = ""
    keywords: Keywords = SILENT
    limits: tuple[Throughput, ...] = ()
    concurrency: int = -1
    signature_time: str = "real"
    services: tuple[Service, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    schedule: Schedule = Schedule()
    countries: tuple[str, ...] = ()
    verified: tuple[str, ...] = ()
    test: bool = False


class Message(msgspec.Struct, gc=False, array_like=True):
    """One accepted message, changed by `engine/state.py` alone; instants are us since 1970, or 0.

    Attributes:
        key: its identity; `fate_key`: what its chance derives from.
        state, cause, known_us: what the provider knows.
        fate, fate_cause, fate_us: what happened at the handset.
        told, told_us: what the customer was last told.
        pending: outstanding agenda steps and callbacks; 0: the message is finished.
        origin: what made it; depth: how many messages stand between it and one nobody caused.
        extra: schedule, service, media; None: an ordinary message.
    """

    key: int
    fate_key: int
    account: str
    to: str
    country: str
    sender: str
    body: str
    encoding: int
    segments: int
    reference: str
    callback_url: str
    notify: int
    validity_us: int
    can_reply: bool
    carrier: int
    accepted_us: int
    inbound: bool = False
    state: State = State.ACCEPTED
    cause: Cause = Cause.NONE
    sending_us: int = 0
    sent_us: int = 0
    known_us: int = 0
    fate: State = State.NONE
    fate_cause: Cause = Cause.NONE
    fate_us: int = 0
    attempts: int = 0
    told: State = State.NONE
    told_us: int = 0
    noticed_us: int = 0
    opened_us: int = 0
    clicked_us: int = 0
    replied_us: int = 0
    feedback: int = 0
    redacted: bool = False
    pending: int = 0
    origin: Origin = Origin.CLIENT
    depth: int = 0
    extra: Extra | None = None

    @property
    def begins_us(self) -> int:
        """The instant from which the provider may send it."""
        return self.accepted_us if self.extra is None else self.extra.send_at_us or self.accepted_us


class OutcomeKind(IntEnum):
    """How an attempt at a callback ended."""

    ANSWERED = 1  # with any status
    UNREACHABLE = 2  # no connection, reset, invalid HTTP
    TIMED_OUT = 3
    FORBIDDEN = 4  # our own egress policy: never repeated
    DROPPED = 5  # our own queue was full: never repeated


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What came of one attempt.

    Attributes:
        status: the HTTP status where there was one.
        body, content_type: the answer, where the call wanted it (`HttpCall.wants_body`).
    """

    kind: OutcomeKind
    status: int = 0
    body: bytes = b""
    content_type: str = ""


class Call(msgspec.Struct, gc=False):
    """Effect: call the customer back about one state of one message.

    Attributes:
        key: of this callback; `nth`: which attempt, from 0.
        due_us: the attempt's instant; it goes into the event, however late the socket is.
        began_us: the first attempt's instant; 0: this one's.
        url: where to; empty: the message's own address. `method`: POST or GET.
        hop: how many redirections led here; `said`: messages that its inbound has caused.
        trouble: of a fallback: why the address before, `failed_url`, was given up.
        again: it repeats another call; forged: it only pretends to come from the provider.
    """

    key: int
    message: Message
    state: State
    nth: int
    due_us: int
    began_us: int = 0
    url: str = ""
    method: str = "POST"
    hop: int = 0
    said: int = 0
    trouble: Trouble = Trouble.NONE
    failed_url: str = ""
    again: bool = False
    forged: Forgery = Forgery.NONE


class Wake(msgspec.Struct, frozen=True, gc=False):
    """Effect: a wait or an alarm has come due; `url` is the alarm's."""

    token: int
    due_us: int
    url: str = ""


Effect = Call | Wake
