"""One campaign, many orders of arrival. Also a script, to live it in another process.

python -m tests.shuffles live     prints the digests of both identities, as JSON
python -m tests.shuffles replay RECORDING recipient|content   prints the digest of a replay
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from simulator.core.account import Retry
from simulator.core.chance import key_of
from simulator.core.command import SetRules
from simulator.core.message import Call, Outcome, OutcomeKind
from simulator.engine.log import read_recording
from simulator.engine.replay import replay
from simulator.engine.world import Options, World
from tests.worlds import (
    EVERY_STATE,
    LONG_US,
    MINUTE_US,
    SECOND_US,
    START_US,
    URL,
    account,
    phone,
    sms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.core.command import Submission
    from simulator.core.faults import Rule
    from simulator.engine.log import Recorded

MESSAGES, PEOPLE, IN_ONE_INSTANT = 400, 150, 20
SHUFFLES = 12
END_US = START_US + LONG_US
IDENTITIES = ("recipient", "content")
_RETRY = Retry(delays_us=(5 * SECOND_US, 60 * SECOND_US, 600 * SECOND_US))
_OUTCOMES = (
    Outcome(OutcomeKind.ANSWERED, 200),
    Outcome(OutcomeKind.ANSWERED, 204),
    Outcome(OutcomeKind.ANSWERED, 500),
    Outcome(OutcomeKind.UNREACHABLE),
    Outcome(OutcomeKind.TIMED_OUT),
)


def plan(identity: str) -> list[tuple[int, Submission]]:
    """Name instants and submissions; several are in flight to one person at once.

    Under identity by content the texts are distinct; under identity by recipient they are equal.
    """
    instants = [START_US + i // IN_ONE_INSTANT * 2 * MINUTE_US for i in range(MESSAGES)]
    persons = [phone(key_of("whom", i) % PEOPLE) for i in range(MESSAGES)]
    link = "https://example.com/"
    bodies = [f"{link}{i}" if identity == "content" else link + "a" for i in range(MESSAGES)]
    return [
        (at_us, sms(to, body, notify=EVERY_STATE, callback_url=URL, can_reply=True))
        for at_us, to, body in zip(instants, persons, bodies, strict=True)
    ]


def answer(call: Call) -> Outcome:
    """Fail by the hash of (message, state, attempt), and by nothing else."""
    return _OUTCOMES[key_of(call.message.key, call.state, call.nth) % len(_OUTCOMES)]


def world_of(identity: str, record: Callable[[Recorded], None] | None = None) -> World:
    """Make the world of the campaign, without its account."""
    return World("test", Options(seed=15, by_content=identity == "content", record=record))


def live(
    identity: str,
    shuffle: int,
    record: Callable[[Recorded], None] | None = None,
    rules: Sequence[Rule] = (),
) -> World:
    """Live the campaign: what comes at one instant arrives, and is answered, in any order."""
    chance = Random(shuffle)
    here = world_of(identity, record)
    here.configure(account(retry=_RETRY, inbound_url=URL), START_US)
    if rules:
        here.gateway.submit(SetRules(tuple(rules)), START_US)
    for at_us, group in groupby(plan(identity), key=itemgetter(0)):
        _advance(here, at_us, chance)
        arrivals = [asked for _, asked in group]
        chance.shuffle(arrivals)
        for asked in arrivals:
            here.gateway.submit(asked, at_us)
    _advance(here, END_US, chance)
    assert here.faults() == []
    return here


def _advance(here: World, until_us: int, chance: Random) -> None:
    gateway = here.gateway
    while True:
        effects = gateway.take_effects()
        chance.shuffle(effects)
        for effect in effects:
            assert isinstance(effect, Call)
            gateway.settle(effect, answer(effect))
        due_us = gateway.next_due()
        if due_us is None or due_us > until_us:
            gateway.run_due(until_us)
            return
        gateway.run_due(due_us)


def main(arguments: list[str]) -> None:
    """Print what was asked for."""
    if arguments == ["live"]:
        print(json.dumps([live(identity, 0).log.digest() for identity in IDENTITIES]))  # noqa: T201
        return
    _, recording, identity = arguments
    here = world_of(identity)
    replay(here, read_recording(Path(recording).read_bytes()), END_US)
    assert here.faults() == []
    print(here.log.digest())  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
