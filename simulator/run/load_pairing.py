"""Which request became which message, where neither names the other: by what is known of both.

    what its answer says  ->  it became a message (SAID), may have (UNSURE), cannot have (NEVER)
    of one person         ->  requests and messages, both in the order of time

The one rule: a request that cannot have become a message takes none, and one that surely has goes
before one that only may have. Which of two alike it was is nobody's to know, and counts the same.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from simulator.load.books import Row

SLACK_US = 1_000_000  # no two clocks of one machine are so far apart
_BROKEN = 500
_REFUSED = "ECONNREFUSED"  # nobody has heard it
_UNREADABLE = "unreadable"


class Sent(NamedTuple):
    """A message that we accepted, as far as books can name it; `at_us`: when, epoch."""

    key: int
    account: str
    to: str
    own_id: str
    provider_id: str
    at_us: float = 0.0


class Became(Enum):
    """What a request became, by its answer alone."""

    SAID = auto()
    UNSURE = auto()
    NEVER = auto()


def became(row: Row) -> Became:
    """Read an answer; a code in a 2xx is 絶対リーチ!'s, which answers 200 whatever it means."""
    if 200 <= row.status < 300:
        if not row.code:
            return Became.SAID
        broken = row.code.isdecimal() and int(row.code) >= _BROKEN
        return Became.UNSURE if broken or row.code == _UNREADABLE else Became.NEVER
    if row.status == 0:
        return Became.NEVER if row.code == _REFUSED else Became.UNSURE
    return Became.UNSURE if row.status >= _BROKEN else Became.NEVER


def by_start(row: Row) -> tuple[int, int]:
    """Order requests as they were sent."""
    return row.started_us, row.n


def by_acceptance(message: Sent) -> tuple[float, int]:
    """Order messages as they were accepted."""
    return message.at_us, message.key


def in_order(rows: Iterable[Row], messages: Iterable[Sent]) -> Iterator[tuple[Row, Sent]]:
    """Pair requests of one person with the messages that they have, or may have, become.

    No message is older than its request. As many requests as can be have one.
    """
    coming = deque(sorted((row for row in rows if became(row) is not Became.NEVER), key=by_start))
    surely: deque[Row] = deque()
    perhaps: deque[Row] = deque()
    asked, answers = [], []
    for message in sorted(messages, key=by_acceptance):
        while coming and coming[0].started_us <= message.at_us + SLACK_US:
            row = coming.popleft()
            (surely if became(row) is Became.SAID else perhaps).append(row)
        if waiting := surely or perhaps:
            asked.append(waiting.popleft())
            answers.append(message)
    return zip(sorted(asked, key=by_start), answers, strict=True)
