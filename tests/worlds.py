"""Small worlds for tests: accounts, submissions, campaigns, and virtual time without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.core.command import Submission
from simulator.core.message import FINAL, Account, Call, Message, Outcome, OutcomeKind, State
from simulator.core.number import japan_unassigned
from simulator.core.people import Habits
from simulator.core.text import count
from simulator.engine.gateway import BATCH
from simulator.engine.log import decode
from simulator.engine.world import Options, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.core.events import Event
    from simulator.core.message import Effect, Wake

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
START_US = 1_748_822_400 * SECOND_US  # 2025-06-02T00:00:00Z, 9 in the morning in Japan
LONG_US = 100 * DAY_US  # every life is over

OK = Outcome(OutcomeKind.ANSWERED, 200)
BUSY = Outcome(OutcomeKind.ANSWERED, 503)
UNREACHABLE = Outcome(OutcomeKind.UNREACHABLE)
TIMED_OUT = Outcome(OutcomeKind.TIMED_OUT)
URL = "http://127.0.0.1/callback"
EVERY_STATE = sum(1 << state for state in (State.SENDING, State.SENT, *FINAL))

# People without accidents: what is sent arrives, and nobody does anything with it unless asked.
CALM = {
    "gone": 0.0,
    "refuses": 0.0,
    "absent": 0.0,
    "away": 0.0,
    "noticed": 0.0,
    "opened": 0.0,
    "reply": 0.0,
    "stop": 0.0,
}


def habits(**rates: float) -> dict[str, Habits]:
    """Japanese people who are `CALM` but for these rates."""
    return {"JP": Habits("jp-direct", {**CALM, **rates})}


def account(name: str = "shop", **settings: Any) -> Account:
    """Make an account of no dialect in particular."""
    return Account(id=name, dialect="native", **settings)


def world(*accounts: Account, **options: Any) -> World:
    """Make a world; without accounts it gets one, `shop`."""
    made = World("test", Options(**options))
    for each in accounts or (account(),):
        made.configure(each, START_US)
    return made


def phone(i: int) -> str:
    """Number of the i-th person."""
    return japan_unassigned(i)


def sms(to: str | None = None, body: str = "Hello", **more: Any) -> Submission:
    """What a client asks; the first person and account `shop` unless told otherwise."""
    encoding, segments = count(body)
    settings: dict[str, Any] = {"account": "shop", "country": "JP", "sender": "12345", **more}
    to = phone(0) if to is None else to
    return Submission(to=to, body=body, encoding=encoding, segments=segments, **settings)


def send(into: World, asked: Submission, at_us: int = START_US) -> Message:
    """Submit what must be accepted."""
    message = into.gateway.submit(asked, at_us)
    assert isinstance(message, Message)
    return message


def campaign(
    into: World, n: int, people: int, *, gap_us: int = SECOND_US, **more: Any
) -> Iterator[Message]:
    """Send `n` messages round `people` persons, one every `gap_us`, running what comes due.

    Yields what is accepted; somebody may have said STOP meanwhile.
    """
    for i in range(n):
        at_us = START_US + i * gap_us
        run(into, at_us)
        answer = into.gateway.submit(sms(phone(i % people), **more), at_us)
        if isinstance(answer, Message):
            yield answer


def run(into: World, until_us: int) -> int:
    """Run all that is due, leaving effects where they are; return how many steps ran."""
    total = 0
    while (ran := into.gateway.run_due(until_us)) >= BATCH:
        total += ran
    return total + ran


def effects(into: World, until_us: int) -> list[Effect]:
    """Run all that is due and take the effects."""
    run(into, until_us)
    return into.gateway.take_effects()


def calls(into: World, until_us: int) -> list[Call]:
    """Run all that is due and take the effects, which must be callbacks."""
    taken = effects(into, until_us)
    assert all(isinstance(effect, Call) for effect in taken)
    return [effect for effect in taken if isinstance(effect, Call)]


def advance(
    into: World,
    until_us: int = START_US + LONG_US,
    answer: Callable[[Call], Outcome] = lambda _call: OK,
) -> list[Wake]:
    """Walk instant by instant, answering callbacks in between; return the waits that came due."""
    woken: list[Wake] = []
    gateway = into.gateway
    while True:
        for effect in gateway.take_effects():
            if isinstance(effect, Call):
                gateway.settle(effect, answer(effect))
            else:
                woken.append(effect)
        due_us = gateway.next_due()
        if due_us is None or due_us > until_us:
            gateway.run_due(until_us)
            return woken
        gateway.run_due(due_us)


def facts(of: World, key: int | None = None) -> list[Event]:
    """Read the log: every fact, or those about one message."""
    found = [decode(data) for data in of.log.since(0, 10**9)[1]]
    return [fact for fact in found if key is None or fact.key == key]


def kinds(of: World, key: int | None = None) -> list[str]:
    """Read the log as a transcript: the names of its facts in order."""
    names = [type(fact).__name__ for fact in facts(of, key)]
    return [name for name in names if name != "AccountOpened"]


def fates(of: World) -> dict[tuple[str, str, int], tuple[object, ...]]:
    """Collect what happened at each handset, by (account, recipient, k)."""
    shelves = of.store.shelves
    found: dict[tuple[str, str, int], tuple[object, ...]] = {}
    seen: dict[tuple[str, str], int] = {}
    for name, shelf in shelves.items():
        for key in shelf.keys:
            message = of.store.get(key)
            assert message is not None
            if message.inbound:
                continue
            k = seen.get((name, message.to), 0)
            seen[name, message.to] = k + 1
            found[name, message.to, k] = fate(message)
    return found


def fate(message: Message) -> tuple[object, ...]:
    """Say what chance alone decides of a message, with instants counted from its acceptance."""
    return (
        message.carrier,
        message.fate,
        message.fate_cause,
        message.attempts,
        *(
            at_us and at_us - message.accepted_us
            for at_us in (
                message.sent_us,
                message.fate_us,
                message.known_us,
                message.noticed_us,
                message.opened_us,
                message.replied_us,
            )
        ),
    )
