"""The closed set of facts. One log of them is the truth; everything else is a fold over it.

Events carry the *due* instant (lateness is a metric, not a fact), keys and small integers, and
never a text: bodies lie beside the log by key. Fields come in wire order; the tag comes first.
"""

from __future__ import annotations

import msgspec

from simulator.core.cause import Cause
from simulator.core.consent import Wish
from simulator.core.faults import Seam
from simulator.core.message import OutcomeKind, Reason, State
from simulator.core.trouble import Forgery, Trouble


class Event(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A fact.

    Attributes:
        at_us: its instant, microseconds of virtual time since 1970.
        key: of the message it is about; 0 where there is none.
    """

    at_us: int
    key: int


class AccountOpened(Event, frozen=True, gc=False, tag=1):
    """An account was made or changed."""

    account: str
    dialect: str
    policy: str


class Accepted(Event, frozen=True, gc=False, tag=2):
    """The provider accepted a message: `segments` units of `encoding`, bound for `carrier`."""

    account: str
    to: str
    sender: str
    encoding: int
    segments: int
    carrier: int


class Rejected(Event, frozen=True, gc=False, tag=3):
    """A request was refused, with the reason; nothing was accepted, nothing will be charged.

    `contended`: another order of arrival would have refused another one.
    """

    account: str
    to: str
    reason: Reason
    contended: bool = False


class Sending(Event, frozen=True, gc=False, tag=4):
    """The provider took the message from its queue."""


class Sent(Event, frozen=True, gc=False, tag=5):
    """The carrier took the message."""


class Attempted(Event, frozen=True, gc=False, tag=6):
    """The `nth` attempt at the handset failed for now."""

    nth: int
    cause: Cause


class Delivered(Event, frozen=True, gc=False, tag=7):
    """Fate: the handset has the message, after `attempts` attempts."""

    attempts: int


class Undelivered(Event, frozen=True, gc=False, tag=8):
    """Fate: the carrier gave up for a cause."""

    cause: Cause


class Expired(Event, frozen=True, gc=False, tag=9):
    """Fate: validity ran out while the handset could not be reached."""

    cause: Cause


class Failed(Event, frozen=True, gc=False, tag=10):
    """Fate: the message never left the provider."""

    cause: Cause


class Canceled(Event, frozen=True, gc=False, tag=11):
    """The client took the message back before it left the provider."""


class Receipted(Event, frozen=True, gc=False, tag=12):
    """Known: a receipt reached the provider and said `state` for `cause`."""

    state: State
    cause: Cause


class Told(Event, frozen=True, gc=False, tag=13):
    """Told: the customer was told `state`, by its own read or by a callback answered 2xx."""

    state: State
    by_read: bool


class CallbackTried(Event, frozen=True, gc=False, tag=14):
    """The `nth` attempt at calling back about `state` ended so."""

    state: State
    nth: int
    outcome: OutcomeKind
    status: int


class CallbackAbandoned(Event, frozen=True, gc=False, tag=15):
    """No further attempt will be made at calling back about `state`."""

    state: State
    outcome: OutcomeKind


class Noticed(Event, frozen=True, gc=False, tag=16):
    """The person saw the banner."""


class Opened(Event, frozen=True, gc=False, tag=17):
    """The person read the message."""


class Clicked(Event, frozen=True, gc=False, tag=29):
    """The person followed the link."""


class Replied(Event, frozen=True, gc=False, tag=18):
    """The person answered; `stops`: with a word that means STOP."""

    stops: bool


class Received(Event, frozen=True, gc=False, tag=19):
    """A person's message, `key`, reached the provider; it answers message `answers`, or 0."""

    account: str
    person: str
    answers: int


class OptedOut(Event, frozen=True, gc=False, tag=20):
    """The provider noted that a person wants nothing more from this sender of this account."""

    account: str
    person: str
    sender: str


class OptedIn(Event, frozen=True, gc=False, tag=21):
    """The person wants messages again."""

    account: str
    person: str
    sender: str


class Redacted(Event, frozen=True, gc=False, tag=22):
    """The text was forgotten."""


class Deleted(Event, frozen=True, gc=False, tag=23):
    """The message was forgotten; counters stay."""


class FeedbackGiven(Event, frozen=True, gc=False, tag=24):
    """The client said whether the message did its work."""

    confirmed: bool


class Scheduled(Event, frozen=True, gc=False, tag=25):
    """The message, just accepted, is to be sent at `send_at_us` and not before."""

    send_at_us: int


class Released(Event, frozen=True, gc=False, tag=26):
    """The instant that a message was scheduled for has come."""


class Queued(Event, frozen=True, gc=False, tag=27):
    """The messaging service has put the message into its sender's queue."""


class MediaDeleted(Event, frozen=True, gc=False, tag=28):
    """The `nth` medium of the message was forgotten."""

    nth: int


class AutoReplied(Event, frozen=True, gc=False, tag=32):
    """The provider itself answered inbound `answers`, which held a keyword, with message `key`."""

    account: str
    person: str
    answers: int
    wish: Wish


class Warned(Event, frozen=True, gc=False, tag=33):
    """A webhook about a message, or its answer, was in trouble and was ignored so far."""

    account: str
    trouble: Trouble


class InstantCut(Event, frozen=True, gc=False, tag=34):
    """An instant had more than `steps` steps that it caused itself: what followed was dropped."""

    steps: int


class RulesSet(Event, frozen=True, gc=False, tag=40):
    """From now on these rules hold, by name, and no others."""

    rules: tuple[str, ...]


class RuleFired(Event, frozen=True, gc=False, tag=41):
    """A rule acted at a seam; `verdict` names what it did, several joined by a plus.

    `contended`: another order of arrival would have hit another one.
    """

    account: str
    rule: str
    seam: Seam
    verdict: str
    contended: bool = False


class ForgeryTried(Event, frozen=True, gc=False, tag=42):
    """A forged call about `state`, which is a lie, ended so; nobody was told anything by it."""

    state: State
    forgery: Forgery
    outcome: OutcomeKind
    status: int


AnyEvent = (
    AccountOpened
    | Accepted
    | Rejected
    | Sending
    | Sent
    | Attempted
    | Delivered
    | Undelivered
    | Expired
    | Failed
    | Canceled
    | Receipted
    | Told
    | CallbackTried
    | CallbackAbandoned
    | Noticed
    | Opened
    | Clicked
    | Replied
    | Received
    | OptedOut
    | OptedIn
    | Redacted
    | Deleted
    | FeedbackGiven
    | Scheduled
    | Released
    | Queued
    | MediaDeleted
    | AutoReplied
    | Warned
    | InstantCut
    | RulesSet
    | RuleFired
    | ForgeryTried
)

KINDS: tuple[type[Event], ...] = AnyEvent.__args__
