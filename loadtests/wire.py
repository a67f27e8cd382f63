"""Requests as bytes, and what their answers mean: the clients of three provider APIs and a system.

The one rule: whatever does not change from arrival to arrival is written once. A request is one
piece of bytes, so that a load of thousands a second is not spent on building headers.

    (n, account) -> build -> bytes ... status, body -> read -> Answer
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from loadtests.dialects import READERS, WRITERS, read_any, read_zettai
from loadtests.http import Answer, head, read_plain, whole
from simulator.core.number import (
    JAPAN_ASSIGNABLE_COUNT,
    US_FICTIONAL_COUNT,
    japan_assignable,
    us_fictional,
)
from simulator.errors import UsageError
from simulator.load.offer import own_id, turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.load.offer import Ask, Offer


class About(NamedTuple):
    """Whom an arrival is about; `k`: earlier arrivals of this load to the same recipient."""

    account: str
    recipient: str
    k: int


class Requests(Protocol):
    """What is sent at each arrival."""

    name: str  # as locust's tables call it
    method: str

    def build(self, n: int, account: int) -> bytes:
        """Return the request of arrival n by an account of the offer."""

    def read(self, status: int, body: bytes) -> Answer:
        """Say what an answer means."""

    def about(self, n: int, account: int) -> About:
        """Say whom arrival n is about."""


class People:
    """Recipients by their place: of a list, or numbers that are nobody's."""

    def __init__(self, numbers: Sequence[str] | None, dialects: frozenset[str]) -> None:
        self._numbers = numbers
        self._fictional, self.count = (us_fictional, US_FICTIONAL_COUNT)
        if numbers is not None:
            self.count = len(numbers)
        elif "zettai_reach" in dialects:
            self._fictional, self.count = (japan_assignable, JAPAN_ASSIGNABLE_COUNT)

    def __getitem__(self, place: int) -> str:
        return self._fictional(place) if self._numbers is None else self._numbers[place]


class GatewayRequests:
    """One message at each arrival, sent to the gateway in the dialect of the arrival's account."""

    name, method = "create", "POST"

    def __init__(self, offer: Offer, people: Sequence[str] | None) -> None:
        if not offer.accounts:
            raise UsageError("an offer against the gateway needs an account at least")
        self._people = People(people, frozenset(a.dialect for a in offer.accounts))
        self._run = offer.run
        self._accounts = offer.accounts
        self._writers = [WRITERS[account.dialect](account, offer) for account in offer.accounts]
        self._readers = {account.dialect: READERS[account.dialect] for account in offer.accounts}
        self._mixed = len(self._readers) > 1
        self._read = next(iter(self._readers.values()))

    def build(self, n: int, account: int) -> bytes:
        """Return the request of arrival n by an account of the offer."""
        to = self._people[n % self._people.count]
        return self._writers[account](n, to, own_id(self._run, n))

    def read(self, status: int, body: bytes) -> Answer:
        """Say what an answer means."""
        if self._mixed and body.startswith(b'{"responseCode"'):
            return read_zettai(status, body)
        return (read_any if self._mixed else self._read)(status, body)

    def about(self, n: int, account: int) -> About:
        """Say whom arrival n is about."""
        place, k = turn(n, self._people.count)
        return About(self._accounts[account].id, self._people[place], k)


ARRIVAL = "$arrival"  # in the body of a start: the arrival's own id, so that no two are the same


class SystemRequests:
    """A campaign for so many recipients at each arrival, started in a system under test."""

    method: str

    def __init__(self, offer: Offer, people: Sequence[str] | None) -> None:
        if offer.system is None or offer.system.batch < 1:
            raise UsageError("an offer against a system needs `system`, with a batch of 1 or more")
        self._people = People(people, frozenset())
        self._batch = offer.system.batch
        start = offer.system.start
        self.name, self.method = f"{start.method} {start.path}", start.method
        self._head = head(offer.url, start.method, start.path, "application/json")
        self._run = offer.run
        self._before, self._slot, self._after = start.body.partition('"$recipients"')

    def build(self, n: int, account: int) -> bytes:  # noqa: ARG002 - a system has its own accounts
        """Return the request that starts the campaign of arrival n."""
        first = n * self._batch
        there = [self._people[i % self._people.count] for i in range(first, first + self._batch)]
        body = self._before + (msgspec.json.encode(there).decode() if self._slot else "")
        own = own_id(self._run, n)
        return whole(self._head, (body + self._after).replace(ARRIVAL, own))

    def read(self, status: int, body: bytes) -> Answer:
        """Say what an answer means."""
        return read_plain(status, body)

    def about(self, n: int, account: int) -> About:  # noqa: ARG002
        """Say who the first recipient of arrival n is."""
        place, k = turn(n * self._batch, self._people.count)
        return About("", self._people[place], k)


def requests_of(offer: Offer, people: Sequence[str] | None) -> Requests:
    """Return what is sent at each arrival of an offer.

    Args:
        offer: what was asked for.
        people: numbers of recipients; None: such as are nobody's.

    Raises:
        UsageError: the offer does not say enough.
    """
    if offer.against == "gateway":
        return GatewayRequests(offer, people)
    return SystemRequests(offer, people)


def poll(offer: Offer, ask: Ask) -> bytes:
    """Return the request of a poll."""
    return whole(head(offer.url, ask.method, ask.path, "application/json"), ask.body)
