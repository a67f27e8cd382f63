"""From a run's folder to what policy is judged on: touches, what the system was told, and when.

    events.bin (facts in order) + commands.bin (texts) + arrivals.bin (a real clock) --> Traffic

The one rule: the log says what happened and in which order; a text is the one of the command that
made the message. Where there is none, or it was forgotten since, it is not known. A scheduled
message is a touch when it is released; what the provider answers by itself is none of the system's.
"""

from __future__ import annotations

import time
from array import array
from collections import deque
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from simulator.core import events as ev
from simulator.core.cause import Cause
from simulator.core.command import Refusal, Submission
from simulator.core.ids import public_id
from simulator.core.message import FINAL, Reason, State
from simulator.engine.log import Settled, decode, read_encoded, read_recording
from simulator.engine.ordering import reply_key
from simulator.run.foresee import carries_replies
from simulator.run.people import on_record
from simulator.run.survey import PREFIX
from simulator.scenario_policy import asked_of
from simulator.verify.policy import judge_policy
from simulator.verify.touch import Forged, News, Notice, Touch, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from simulator.engine.log import Recorded
    from simulator.scenario import Scenario
    from simulator.verify.claims import Claims
    from simulator.verify.policy import Policy

_ARRIVALS = "arrivals.bin"
_WAITS = "scheduled"  # accepted, and not released in this run
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
        forged=reading.forged,
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
            self._note(item, wall_us)

    def _note(self, item: Recorded, wall_us: int) -> None:
        what = item.what
        if isinstance(what, (Submission, Refusal)):
            asked = what if isinstance(what, Submission) else None
            if item.key:
                self._by_key[item.key] = asked, wall_us
            else:
                place = (what.account, what.to, item.at_us)
                self._by_place.setdefault(place, deque()).append((asked, wall_us))
        elif isinstance(what, Settled) and what.orders is not None:
            for n, said in enumerate(what.orders.says):
                self._by_key[reply_key(what.key, n)] = said, wall_us

    def find(self, event: ev.Accepted | ev.Rejected) -> _Request:
        """Return the request that led to a fact, once; of a refused one by where it was for."""
        if event.key:
            return self._by_key.pop(event.key, _NONE)
        place = self._by_place.get((event.account, event.to, event.at_us))
        return place.popleft() if place else _NONE


class _Reading:
    """A fold over a run's facts, in their order."""

    def __init__(self, asked: _Asked) -> None:
        self._touches: list[Touch] = []
        self._of: dict[int, int] = {}  # a message's place among them
        self.notices: list[Notice] = []
        self._asked = asked
        self._nth = 0
        self._told: dict[int, State] = {}  # the end that was told of a message
        self._forgeries: list[ev.ForgeryTried] = []
        self._prefix: dict[str, str] = {}
        self._nobody: set[int] = set()  # messages whose number is not in use
        self._inbound: dict[tuple[str, str], int] = {}  # the last one of a person
        self._stops: dict[int, str] = {}  # inbound that says STOP and was not told yet

    @property
    def touches(self) -> list[Touch]:
        """Every touch, in the order of the log."""
        return sorted(self._touches, key=lambda touch: touch.nth)

    @property
    def forged(self) -> list[Forged]:
        """Every callback with a bad signature, and what the system was told in the end."""
        return [
            Forged(
                at_us=event.at_us,
                to=touch.to,
                own_id=touch.own_id,
                provider_id=touch.own_id,
                said=event.state,
                told=self._told.get(event.key, State.NONE),
            )
            for event in self._forgeries
            for touch in (self._touches[self._of[event.key]],)
        ]

    def take(self, event: ev.Event) -> None:
        """Take in the next fact."""
        self._nth += 2  # a notice may follow a touch that is the same fact
        take = _TAKES.get(type(event))
        if take is not None:
            take(self, event)

    def opened(self, event: ev.AccountOpened) -> None:
        self._prefix[event.account] = PREFIX.get(event.dialect, "")

    def accepted(self, event: ev.Accepted) -> None:
        self._of[event.key] = len(self._touches)
        self._touch(event, event.sender, "")

    def rejected(self, event: ev.Rejected) -> None:
        self._touch(event, "", event.reason.value)
        if event.reason is Reason.OPTED_OUT:
            self._know(event, event.to, News.OPTED_OUT, later=1)

    def scheduled(self, event: ev.Scheduled) -> None:
        self._change(event.key, at_us=event.send_at_us, refused=_WAITS)

    def released(self, event: ev.Released) -> None:
        self._change(event.key, nth=self._nth, at_us=event.at_us, refused="")

    def canceled(self, event: ev.Canceled) -> None:
        self._change(event.key, refused="canceled")

    def forgotten(self, event: ev.Redacted | ev.Deleted) -> None:
        self._change(event.key, text=None)

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

    def forgery_tried(self, event: ev.ForgeryTried) -> None:
        self._forgeries.append(event)

    def told(self, event: ev.Told) -> None:
        if event.state in FINAL:
            self._told[event.key] = event.state
        if (person := self._stops.pop(event.key, None)) is not None:
            self._know(event, person, News.OPTED_OUT)
        if event.key in self._nobody and event.state in _UNREACHED:
            self._know(event, self._touches[self._of[event.key]].to, News.GONE)

    def _touch(self, event: ev.Accepted | ev.Rejected, sender: str, why: str) -> None:
        asked, wall_us = self._asked.find(event)
        prefix = self._prefix.get(event.account, "")
        if asked is not None and asked.extra is not None and asked.extra.media:
            prefix = prefix and "MM"  # Twilio's, with media
        mine = prefix + public_id(event.key, 0) if event.key else ""
        self._touches.append(
            Touch(
                nth=self._nth,
                at_us=event.at_us,
                asked_us=event.at_us,
                to=event.to,
                account=event.account,
                sender=sender or (asked.sender if asked else ""),
                text=asked.body if asked else None,
                own_id=(asked.reference if asked else "") or mine,
                refused=why,
                wall_us=wall_us,
            )
        )

    def _change(self, key: int, **changes: Any) -> None:
        """Change what is known of a message, unless it is a person's."""
        if (place := self._of.get(key)) is not None:
            self._touches[place] = replace(self._touches[place], **changes)

    def _know(self, event: ev.Event, person: str, news: News, later: int = 0) -> None:
        notice = Notice(nth=self._nth + later, at_us=event.at_us, person=person, news=news)
        self.notices.append(notice)


_TAKES: Mapping[type[ev.Event], Callable[[_Reading, Any], None]] = {
    ev.AccountOpened: _Reading.opened,
    ev.Accepted: _Reading.accepted,
    ev.Rejected: _Reading.rejected,
    ev.Scheduled: _Reading.scheduled,
    ev.Released: _Reading.released,
    ev.Canceled: _Reading.canceled,
    ev.Redacted: _Reading.forgotten,
    ev.Deleted: _Reading.forgotten,
    ev.Received: _Reading.received,
    ev.OptedOut: _Reading.opted_out,
    ev.OptedIn: _Reading.opted_in,
    ev.Receipted: _Reading.receipted,
    ev.Told: _Reading.told,
    ev.ForgeryTried: _Reading.forgery_tried,
}
