"""The closed set of commands.

The one rule: a command is everything the gateway is ever told, so a list of (instant, command) and
of callbacks' outcomes is a complete recording of a world.
"""

from __future__ import annotations

import msgspec

from simulator.core.extra import Extra
from simulator.core.faults import Rule, Seam
from simulator.core.message import Account, Message, Origin, Reason, Rejection


class Caused(msgspec.Struct, frozen=True, gc=False):
    """Where a message comes from that no client asked for: its keys derive from its cause's.

    Attributes:
        key, fate_key: of the message to be.
        depth: one more than its cause's.
    """

    key: int
    fate_key: int
    depth: int
    origin: Origin


class Submission(msgspec.Struct, frozen=True, gc=False, tag="send"):
    """What a client asked to be sent, provider-neutral; parsed, so its types are true.

    Attributes:
        account: account id.
        to: E.164 with a plus; `country` is its ISO code, or "ZZ".
        sender: as given.
        body: the text, 1 character or more.
        encoding, segments: from `text.count`.
        reference: the client's own id (clientTag), or empty.
        callback_url: where status callbacks go, or empty.
        notify: bit 1 << state for each state that calls back.
        validity_us: longest time in the provider's queue; 0: any.
        can_reply: whether this route carries replies.
        unique_reference: refuse a reference that the account has used before.
        caused: what caused it; None: a client's request.
        extra: schedule, service, media; None: an ordinary message. Where `extra.pool` is given, the
            sender is empty and chosen from it.
    """

    account: str
    to: str
    country: str
    sender: str
    body: str
    encoding: int
    segments: int
    reference: str = ""
    callback_url: str = ""
    notify: int = 0
    validity_us: int = 0
    can_reply: bool = False
    unique_reference: bool = False
    caused: Caused | None = None
    extra: Extra | None = None


class Refusal(msgspec.Struct, frozen=True, gc=False, tag="refuse"):
    """A request that a dialect refused before it became a submission; for the log's sake."""

    account: str
    to: str
    reason: Reason
    field: str = ""
    detail: str = ""


class Batch(msgspec.Struct, frozen=True, gc=False, tag="batch"):
    """Several submissions at one instant, each with its own result; refused ones keep their place.

    Attributes:
        items: all of `account`.
    """

    account: str
    items: tuple[Submission | Refusal, ...]


class Once(msgspec.Struct, frozen=True, gc=False, tag="once"):
    """A command under the client's idempotency key: carried out once, then only answered again.

    Attributes:
        key: as the client wrote it.
        fingerprint: of what was asked, so that the key cannot stand for something else.
    """

    account: str
    key: str
    fingerprint: int
    what: Submission | Batch


class Batched(msgspec.Struct, frozen=True, gc=False):
    """What came of a batch: a result for each item, in order."""

    results: tuple[Message | Rejection, ...]


class Replayed(msgspec.Struct, frozen=True, gc=False):
    """What came of a `Once` the first time, as it was then."""

    answer: Message | Rejection | Batched


Answer = Message | Rejection | Batched | Replayed | None


class Configure(msgspec.Struct, frozen=True, gc=False, tag="configure"):
    """Make an account, or change it; fates do not depend on its settings, except `lane`."""

    account: Account


class Touch(msgspec.Struct, frozen=True, gc=False, tag="touch"):
    """A client has read these messages: what is known is now also told."""

    keys: tuple[int, ...]


class Inject(msgspec.Struct, frozen=True, gc=False, tag="inject"):
    """A person writes to the account, unprompted or by hand from the control port."""

    account: str
    person: str
    sender: str
    body: str


class Cancel(msgspec.Struct, frozen=True, gc=False, tag="cancel"):
    """Take back a message that has not left the provider.

    Attributes:
        scheduled: only if it still waits for its instant.
    """

    key: int = 0
    scheduled: bool = False


class Redact(msgspec.Struct, frozen=True, gc=False, tag="redact"):
    """Forget a finished message's text."""

    key: int = 0


class Delete(msgspec.Struct, frozen=True, gc=False, tag="delete"):
    """Forget a finished message; counters stay."""

    key: int = 0


class DeleteMedia(msgspec.Struct, frozen=True, gc=False, tag="delete-media"):
    """Forget the `nth` medium of a message, from 0."""

    key: int = 0
    nth: int = 0


class Feedback(msgspec.Struct, frozen=True, gc=False, tag="feedback"):
    """The client says whether the message did its work."""

    key: int = 0
    confirmed: bool = True


class Wait(msgspec.Struct, frozen=True, gc=False, tag="wait"):
    """Someone outside sleeps until an instant of virtual time; `url` turns it into an alarm."""

    until_us: int
    token: int
    url: str = ""


class SetRules(msgspec.Struct, frozen=True, gc=False, tag="rules"):
    """Let these rules hold from now on, in this order, and no others."""

    rules: tuple[Rule, ...]


class Fire(msgspec.Struct, frozen=True, gc=False, tag="fire"):
    """A rule has acted on a request, or on its reply.

    Attributes:
        keys: of the messages whose acceptance the client was not told.
    """

    account: str
    rule: str
    seam: Seam
    keys: tuple[int, ...] = ()


class Release(msgspec.Struct, frozen=True, gc=False, tag="release"):
    """Let come what a rule without an end has held, in the order in which it began to wait.

    Attributes:
        after_us: how long after now each of the first so many comes; what is left waits on.
    """

    rule: str
    after_us: tuple[int, ...]


# About one message that exists; a dialect leaves the key to whoever finds the message.
Aimed = Cancel | Redact | Delete | DeleteMedia | Feedback
Command = (
    Submission
    | Refusal
    | Batch
    | Once
    | Configure
    | Touch
    | Inject
    | Cancel
    | Redact
    | Delete
    | DeleteMedia
    | Feedback
    | Wait
    | SetRules
    | Fire
    | Release
)
