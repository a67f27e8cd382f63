"""What the answer to a webhook orders: messages to send, another address to ask; or its trouble.

A dialect reads the answer; the gateway carries the orders out, in its own time and limits.
"""

from __future__ import annotations

import msgspec

from simulator.core.command import Submission
from simulator.core.message import Outcome
from simulator.core.trouble import Trouble


class Orders(msgspec.Struct, frozen=True, gc=False):
    """What an answer says.

    Attributes:
        says: messages, in the order of the answer.
        redirect: the address to ask next, or empty; `method`: how.
        troubles: what could not be read; the rest holds.
        fatal: nothing holds, and the first trouble is why.
    """

    says: tuple[Submission, ...] = ()
    redirect: str = ""
    method: str = "POST"
    troubles: tuple[Trouble, ...] = ()
    fatal: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.says or self.redirect or self.troubles)


class Ordered(Outcome, frozen=True, gc=False):
    """An outcome whose answer was read."""

    orders: Orders = Orders()


SAYS_MAX = 10  # messages to one inbound: Twilio's page on error 14109
HOPS_MAX = 10  # redirections; Twilio's own limit is 50 documents (page on error 14106)
CAUSED_MAX = 10_000  # steps that one instant may cause itself
