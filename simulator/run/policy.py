"""From a run's folder to what policy is judged on: touches, what the system was told, and when.

    events.bin (facts in order) + commands.bin (texts) + arrivals.bin (a real clock) --> Traffic

The one rule: the log says what happened and in which order; a text is the one of the command that
led to the fact, found by account, recipient and instant; of an answer to a webhook, by its key.
Where there is none it is not known. What the provider answers by itself is no touch of the system.
"""

from __future__ import annotations

import time
from array import array
from collections import deque
from typing import TYPE_CHECKING, Any

from simulator.core import events as ev
from simulator.core.chance import key_of
from simulator.core.command import Refusal, Submission
from simulator.core.ids import public_id
from simulator.core.message import Cause, Reason, State
from simulator.engine.log import Settled, decode, read_encoded, read_recording
from simulator.run.facts import PREFIX
from simulator.run.foresee import carries_replies
from simulator.run.people import on_record
from simulator.scenario_policy import asked_of
from simulator.verify.policy import judge_policy
from simulator.verify.touch import News, Notice, Touch, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from simulator.engine.log import Recorded
    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims
    from simulator.verify.policy import Policy

_ARRIVALS = "arrivals.bin"
_UNREACHED = frozenset({State.UNDELIVERED, State.EXPIRED, State.FAILED})


class Arrivals:
    """When each recorded command arrived, by a real clock: microseconds from any beginning."""

    def __init__(self) -> None:
        self._at_us = array("q")

    def note(self) -> None:
        """Note that one arrived now."""
        self._at_us.append(time.monotonic_ns() // 1000)

    def beside(self, record: Callable[[Recorded], None]) -> Callable[[Recorded], None]:
        """Note an arrival with everything that is recorded."""

        def both(item: Recorded) -> None:
            record(item)
            self.note()

        return both

    def write(self, out: Path) -> None:
        """Write them beside the commands, one for each."""
        (out / _ARRIVALS).write_bytes(self._at_us.tobytes())


def policy_of_run(scenario: Scenario, out: Path, claims: Claims | None) -> Policy | None:
    """Judge the policy of a finished run; None where the scenario has none."""
    if not scenario.policy:
        return None
    return judge_policy(asked_of(scenario.policy), traffic_of(scenario, out, claims))


def traffic_of(scenario: Scenario, out: Path, claims: Claims | None) -> Traffic:
    """Read a run's folder."""
    reading = _Reading(_Asked(out))
    for data in read_encoded((out / "events.bin").read_bytes()):
        reading.take(decode(data))
    own_clock = (scenario.sut.clock if scenario.sut else None) != "todoku"
    return Traffic(
        touches=reading.touches,
        notices=reading.notices,
        people={number: person for number, _, person in on_record(scenario)},
        by_wall=scenario.time.mode != "stepped" and own_clock,
        two_way=carries_replies(scenario),
        claims=claims,
    )


_Request = tuple[Submission | None, int]  # None: refused before it was read; and its arrival
_NONE: _Request = (None, -1)


class _Asked:
    """What the system asked, by where the facts will look for it."""

    def __init__(self, out: Path) -> None:
        self._by_place: dict[tuple[str, str, int], deque[_Request]] = {}
        self._by_key: dict[int, _Request] = {}
        arrivals = array("q")
        if (out / _ARRIVALS).is_file():
            arrivals.frombytes((out / _ARRIVALS).read_bytes())
        for n, item in enumerate(read_recording((out / "commands.bin").read_bytes())):
            wall_us = arrivals[n] if n < len(arrivals) else -1
            self._note(item.at_us, item.what, wall_us)

    def _note(self, at_us: int, what: object, wall_us: int) -> None:
        if isinstance(what, (Submission, Refusal)):
            asked = what if isinstance(what, Submission) else None
            place = self._by_place.setdefault((what.account, what.to, at_us), deque())
            place.append((asked, wall_us))
        elif isinstance(what, Settled) and what.orders is not None:
            for n, said in enumerate(what.orders.says):
                self._by_key[key_of("reply", what.key, n)] = said, wall_us

    def find(self, event: ev.Accepted | ev.Rejected) -> _Request:
        """Return the request that led to a fact, once."""
        if (reply := self._by_key.pop(event.key, None)) is not None:
            return reply
        place = self._by_place.get((event.account, event.to, event.at_us))
        return place.popleft() if place else _NONE


class _Reading:
    """A fold over a run's facts, in their order."""

    def __init__(self, asked: _Asked) -> None:
        self.touches: list[Touch] = []
        self.notices: list[Notice] = []
        self._asked = asked
        self._nth = 0
        self._prefix: dict[str, str] = {}
        self._to: dict[int, str] = {}
        self._nobody: set[int] = set()  # messages whose number is not in use
        self._inbound: dict[tuple[str, str], int] = {}  # the last one of a person
        self._stops: dict[int, str] = {}  # inbound that says STOP and was not told yet

    def take(self, event: ev.Event) -> None:
        """Take in the next fact."""
        self._nth += 2  # a notice may follow a touch that is the same fact
        take = _TAKES.get(type(event))
        if take is not None:
            take(self, event)

    def opened(self, event: ev.AccountOpened) -> None:
        self._prefix[event.account] = PREFIX.get(event.dialect, "")

    def accepted(self, event: ev.Accepted) -> None:
        self._to[event.key] = event.to
        mine = self._prefix.get(event.account, "") + public_id(event.key, 0)
        self._touch(event, event.sender, mine, "")

    def rejected(self, event: ev.Rejected) -> None:
        self._touch(event, "", "", event.reason.value)
        if event.reason is Reason.OPTED_OUT:
            self._know(event, event.to, News.OPTED_OUT, later=1)

    def received(self, event: ev.Received) -> None:
        self._inbound[event.account, event.person] = event.key
        self._know(event, event.person, News.ANSWERED)

    def opted_out(self, event: ev.OptedOut) -> None:
        inbound = self._inbound.get((event.account, event.person))
        if inbound is not None:
            self._stops[inbound] = event.person

    def opted_in(self, event: ev.OptedIn) -> None:
        self._stops = {key: who for key, who in self._stops.items() if who != event.person}
        self._know(event, event.person, News.OPTED_IN)

    def receipted(self, event: ev.Receipted) -> None:
        if event.cause is Cause.NOT_IN_USE:
            self._nobody.add(event.key)

    def told(self, event: ev.Told) -> None:
        if (person := self._stops.pop(event.key, None)) is not None:
            self._know(event, person, News.OPTED_OUT)
        if event.key in self._nobody and event.state in _UNREACHED:
            self._know(event, self._to[event.key], News.GONE)

    def _touch(self, event: ev.Accepted | ev.Rejected, sender: str, mine: str, why: str) -> None:
        asked, wall_us = self._asked.find(event)
        self.touches.append(
            Touch(
                nth=self._nth,
                at_us=event.at_us,
                to=event.to,
                account=event.account,
                sender=sender or (asked.sender if asked else ""),
                text=asked.body if asked else None,
                own_id=(asked.reference if asked else "") or mine,
                refused=why,
                wall_us=wall_us,
            )
        )

    def _know(self, event: ev.Event, person: str, news: News, later: int = 0) -> None:
        notice = Notice(nth=self._nth + later, at_us=event.at_us, person=person, news=news)
        self.notices.append(notice)


_TAKES: Mapping[type[ev.Event], Callable[[_Reading, Any], None]] = {
    ev.AccountOpened: _Reading.opened,
    ev.Accepted: _Reading.accepted,
    ev.Rejected: _Reading.rejected,
    ev.Received: _Reading.received,
    ev.OptedOut: _Reading.opted_out,
    ev.OptedIn: _Reading.opted_in,
    ev.Receipted: _Reading.receipted,
    ev.Told: _Reading.told,
}
