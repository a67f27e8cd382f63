"""The one shape of a dialect: tables and pure functions; sockets are somebody else's.

    HttpRequest --parse--> Ask | Refused --gateway--> outcome --render--> HttpReply
    Call (a state of a message) --callback--> HttpCall

A dialect module has: `NAME`, `ROUTES`, `REASONS` (every `Reason` to status, code and text),
`RETRY`, `new_account(id, secret)` and `callback(call, account, epoch, wall_s)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from simulator.core.command import Aimed, Batch, Batched, Once, Replayed, Submission
from simulator.core.message import Account, Message, Reason, Rejection
from simulator.core.query import ByReference, Find, Listing, Query
from simulator.core.wire import HttpReply, HttpRequest

# Why those providers refuse that have messaging services, media or trial accounts; others do not.
RARE: tuple[Reason, ...] = (
    Reason.NO_SUCH_SERVICE,
    Reason.SERVICE_CLOSED,
    Reason.SERVICE_EMPTY,
    Reason.SERVICE_UNFIT,
    Reason.NOT_IN_SERVICE,
    Reason.FORBIDDEN_REGION,
    Reason.UNREACHABLE,
    Reason.NOT_VERIFIED,
    Reason.INVALID_FROM,
    Reason.TEST_CREDENTIALS,
    Reason.TOO_MANY_MEDIA,
)


class Ask(msgspec.Struct, frozen=True, gc=False):
    """A request understood.

    Attributes:
        account: whose it is.
        what: the command or query for the gateway.
        about: the message that a command is about; whoever finds it fills in the command's key.
        opens: an account seen for the first time, to be made before.
        echo: what the renderer wants back from the request.
    """

    account: str
    what: Submission | Batch | Once | Aimed | Query
    opens: Account | None = None
    echo: tuple[str, ...] = ()
    about: Find | ByReference | None = None


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A request refused before the gateway; `account` and `to` as far as they were seen."""

    rejection: Rejection
    account: str = ""
    to: str = ""
    echo: tuple[str, ...] = ()


# None: done, nothing to show (a deletion).
Result = Message | Listing | Batched | Replayed | Rejection | None


@dataclass(frozen=True, slots=True)
class Desk:
    """What a dialect may know of the worlds behind it.

    Attributes:
        accounts: by id; the dialect must check `Account.dialect`.
        open_accounts: make an account at first sight.
        accounts_max: from so many on, none is made so.
    """

    accounts: Mapping[str, Account]
    open_accounts: bool
    accounts_max: int = 2**63


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What `render` is given beside the result.

    Attributes:
        account: the account, where one is known.
        epoch: for `ids.public_id`.
        now_us: the world's virtual now.
    """

    account: Account | None
    epoch: int
    now_us: int


Parse = Callable[[HttpRequest, Desk], Ask | Refused]
Render = Callable[[Ask | Refused, Result, Reply], HttpReply]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `path` may hold `*` for one whole part, put into `HttpRequest.tail`."""

    method: str
    path: str
    parse: Parse
    render: Render
