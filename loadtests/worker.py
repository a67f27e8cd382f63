"""A worker's side of a load: told its share by the master, plays it, and reports.

The one rule: there is one start, the master's. Between machines it is carried over by the best of
ten round trips of a message.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import gevent
import msgspec
from gevent.event import AsyncResult, Event
from locust.exception import CatchResponseError, StopTest

from loadtests.clocks import Reading, best_of, now_us
from loadtests.player import Begin, Player
from loadtests.target import target
from loadtests.users import lookup
from simulator.errors import TodokuError
from simulator.load.offer import people_of

if TYPE_CHECKING:
    from loadtests.player import Tell, Told
    from loadtests.users import ArrivalUser
    from simulator.load.outcome import Part

BEGIN, PING, PONG = (f"todoku_{word}" for word in ("begin", "ping", "pong"))
REPORT = "todoku"  # the key in locust's own reports
_PONG_S = 5.0


class Worker:
    """What a process that sends knows of its load.

    Args:
        environment: locust's.
        distributed: whether there is a master elsewhere to be told.
    """

    def __init__(self, environment: Any, *, distributed: bool) -> None:
        self._environment, self._distributed = environment, distributed
        self._begin: Begin | None = None
        self._begun = Event()
        self._pong: AsyncResult = AsyncResult()
        self._player: Player | None = None
        if distributed:
            environment.runner.register_message(BEGIN, self._told, concurrent=True)
            environment.runner.register_message(PONG, self._answered)
            environment.events.report_to_master.add_listener(self._report)

    def begin(self, begin: Begin) -> None:
        """Take a share; the user who waits for it begins."""
        self._begin, self._player = begin, None
        self._begun.set()

    def part(self) -> Part | None:
        """Return the running totals; None: nothing has begun."""
        return None if self._player is None else self._player.part()

    def play(self, user: ArrivalUser) -> None:
        """Play the share that was told; wait to be stopped when it is over."""
        self._begun.wait()
        self._begun.clear()
        begin = self._begin
        assert begin is not None
        try:
            url = target(begin.offer.url, lookup)
            requests = user.requests(begin.offer, people_of(begin.offer))
            name = self._environment.runner.client_id
            self._player = Player(begin, name, url, requests, self._teller())
        except TodokuError as error:
            raise self._ended_by(error) from None
        try:
            self._player.play()
        except TodokuError as error:
            raise self._ended_by(error) from None
        finally:
            self._last_words()
        while True:
            gevent.sleep(3600)

    def _ended_by(self, error: TodokuError) -> StopTest:
        """Say why the load cannot be, or proves nothing, and return what ends it."""
        sys.stderr.write(f"{error}\n")
        self._environment.process_exit_code = int(error.exit_code)
        return StopTest(str(error))

    def _last_words(self) -> None:
        """Report at once, locust's own tables too: the master ends the load when it has heard."""
        if self._distributed:
            runner = self._environment.runner
            data: dict[str, Any] = {}
            self._environment.events.report_to_master.fire(client_id=runner.client_id, data=data)
            runner.send_message("stats", data)

    def _report(self, client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002 - locust's
        part = self.part()
        if part is not None:
            data[REPORT] = msgspec.json.encode(part)

    def _told(self, environment: Any, msg: Any, **_: Any) -> None:  # noqa: ARG002 - locust's
        begin = msgspec.json.decode(msg.data[REPORT], type=Begin)
        master = best_of(self._ask)
        ours = master.at_us + begin.start_us - master.there_us
        sure = master.uncertainty_us
        self.begin(msgspec.structs.replace(begin, start_us=ours, uncertainty_us=sure))

    def _ask(self) -> Reading:
        """Ask the master for its time."""
        self._pong = AsyncResult()
        self._environment.runner.send_message(PING)
        return Reading(self._pong.get(timeout=_PONG_S))

    def _answered(self, environment: Any, msg: Any, **_: Any) -> None:  # noqa: ARG002 - locust's
        self._pong.set(msg.data["now_us"])

    def _teller(self) -> Tell:
        """Return what tells locust of a request, so that its tables have them all."""
        fire = self._environment.events.request.fire

        def tell(told: Told) -> None:
            fire(
                request_type=told.method,
                name=told.name,
                response_time=told.api_ms,
                response_length=told.size,
                exception=CatchResponseError(told.trouble) if told.trouble else None,
                context={},
            )

        return tell


def pong(environment: Any, msg: Any, **_: Any) -> None:
    """Answer a worker who asks what time it is."""
    environment.runner.send_message(PONG, {"now_us": now_us()}, client_id=msg.node_id)
