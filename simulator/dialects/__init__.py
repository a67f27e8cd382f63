"""Providers, one file each, all of one shape (`shape.py`); the dict here is the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from simulator.dialects import (
    native,
    native_webhook,
    twilio,
    twilio_twiml,
    twilio_webhook,
    zettai_reach,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.core.account import Retry
    from simulator.core.message import Account, Call, Outcome, Reason
    from simulator.core.orders import Orders
    from simulator.core.wire import HttpCall
    from simulator.dialects.shape import Route

__all__ = ["DIALECTS", "FORGERS", "READERS", "Dialect"]


class Dialect(Protocol):
    """What a dialect module has (see `shape.py`)."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a module's constant
        """Its name in the registry and in `Account.dialect`."""

    @property
    def ROUTES(self) -> tuple[Route, ...]:  # noqa: N802 - as above
        """Its endpoints."""

    @property
    def REASONS(self) -> Mapping[Reason, tuple[int, int | str, str]]:  # noqa: N802 - as above
        """Every reason to HTTP status, the provider's code, and text."""

    @property
    def RETRY(self) -> Retry:  # noqa: N802 - as above
        """How it repeats a failed callback, unless an account says otherwise."""

    def new_account(self, account_id: str, secret: str, /) -> Account:
        """Make an account as this provider's customers have it."""

    def callback(
        self, call: Call, account: Account, epoch: int, wall_s: int = ..., /
    ) -> HttpCall | None:
        """Write the HTTP call about one state of a message; None: this provider has none.

        `wall_s` is the real time, seconds since 1970, for what is signed.
        """


DIALECTS: Mapping[str, Dialect] = {
    native.NAME: native,
    twilio.NAME: twilio,
    zettai_reach.NAME: zettai_reach,
}
# What the answer to a call orders, for the providers that take orders (`HttpCall.wants_body`).
READERS: Mapping[str, Callable[[Call, Account, Outcome], Orders]] = {
    twilio.NAME: twilio_twiml.orders
}
# Calls that are not the provider's, for the rules; only of providers that sign theirs.
FORGERS: Mapping[str, Callable[[Call, Account, int, int], HttpCall | None]] = {
    native.NAME: native_webhook.forged,
    twilio.NAME: twilio_webhook.forged,
}
