"""A real server in stepped time, a customer's server, and what lies between a test and both."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from simulator.core.message import FINAL, State
from simulator.core.people import Habits
from simulator.engine.world import Options
from tests.sdk.served import Receiver
from tests.servers import Running, running
from tests.worlds import CALM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.message import Message
    from tests.sdk.served import Post

WORLD = "/v1/worlds/default"


class Stage:
    """The server, the customer and the world between them.

    Attributes:
        server: see `tests/servers.py`.
        receiver: where callbacks arrive.
    """

    def __init__(self, server: Running, receiver: Receiver) -> None:
        self.server, self.receiver = server, receiver

    def advance(self, us: int) -> None:
        """Let virtual time pass; every callback on the way has been answered, or given up."""
        self.server.post(f"{WORLD}/clock/advance", {"by_us": us})

    def advance_to_fate(self) -> Message:
        """Step from instant to instant until the only message has met its fate; return it."""
        while (message := self.only()).fate is State.NONE:
            due_us = self.server.call(self.server.world.gateway.next_due)
            self.server.post(f"{WORLD}/clock/advance", {"to_us": due_us})
        assert message.state not in FINAL
        return message

    def only(self) -> Message:
        """Return the only message there is."""
        [message] = self.server.world.store.live.values()
        return message

    def only_finished(self) -> Message:
        """Return the only message there is, whose every step is done."""
        store = self.server.world.store
        [key] = store.finished
        message = store.get(key)
        assert message is not None
        return message

    def configure(self, account: str, **settings: Any) -> None:
        """Make an account, or change it."""
        answer = self.server.control("PUT", f"{WORLD}/accounts/{account}", settings)
        assert answer.status in {200, 201}, answer

    def says(self, account: str, person: str, sender: str, words: str) -> None:
        """Let a person write to an account's sender."""
        body = {"account": account, "from": person, "to": sender, "body": words}
        self.server.post(f"{WORLD}/replies", body)

    def posts(self) -> list[Post]:
        """Return what has arrived at the customer's server."""
        return self.receiver.posts("/")

    def accepted(self) -> int:
        total: int = self.server.get(f"{WORLD}/truth")["total"]["accepted"]
        return total

    def refused(self) -> int:
        return sum(self.server.get(f"{WORLD}/truth")["total"]["refused"].values())

    def invoice(self) -> dict[str, Any]:
        """Return the only invoice."""
        [found] = self.server.get(f"{WORLD}/invoices")["invoices"]
        invoice: dict[str, Any] = found
        return invoice


@contextmanager
def stage(**rates: float) -> Iterator[Stage]:
    """Open a stage; people are calm but for these rates."""
    made = {**CALM, **rates}
    people = {"JP": Habits("jp-direct", made), "US": Habits("us-generic", made)}
    with running(options=Options(habits=people)) as server, Receiver().open() as receiver:
        yield Stage(server, receiver)
