"""Users for locust files: one in each worker, who lets the arrivals come.

The one rule: a user here is not a person but a worker's dispatcher. How many requests are under way
is what the arrivals and the target make of it, up to `in_flight`; `--users` is not asked.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, ClassVar

from locust import FastHttpUser, LoadTestShape

from loadtests.wire import Requests, requests_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.load.offer import Offer


class ArrivalUser(FastHttpUser):  # type: ignore[misc] # locust has no types
    """Lets this worker's share of the arrivals come.

    A locust file of one's own says in `requests` what is sent at each of them; everything else that
    a FastHttpUser has is there too.
    """

    abstract = True

    def requests(self, offer: Offer, people: Sequence[str] | None) -> Requests:
        """Return what is sent at each arrival; see `loadtests.wire.Requests`.

        Args:
            offer: the load.
            people: numbers of recipients, or None: such as are nobody's.
        """
        return requests_of(offer, people)

    def arrivals(self) -> None:
        """Play the share, then wait to be stopped."""
        self.environment.arrivals_worker.play(self)

    tasks: ClassVar[list[Any]] = [arrivals]


class Arrivals(LoadTestShape):  # type: ignore[misc] # locust has no types
    """One user for each worker, until the schedule is over; it reads the common options itself."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """Return how many users there are to be; None ends the load."""
        users: int | None = self.runner.environment.arrivals_master.tick()
        return None if users is None else (users, max(users, 1))


def lookup(host: str) -> list[str]:
    """Return the addresses of a host, for `loadtests.target.target`."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
