"""The master's side of a load: it makes the offer, deals the shares and adds up the parts.

The one rule: a load ends with an outcome, however it ends. A worker that falls silent ends it; one
process is master and worker in one, by the same way.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from locust.runners import STATE_MISSING, MasterRunner

from loadtests.clocks import now_us
from loadtests.player import Begin
from loadtests.worker import BEGIN, PING, REPORT, pong
from simulator.errors import ProvesNothing, TodokuError
from simulator.load import outcome as o
from simulator.load.merging import End, merge, newest
from simulator.load.shape import US, expected, lasting_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.worker import Worker
    from simulator.load.offer import Offer

LEAD_US = US  # until every worker has heard of the start
SCHEDULED_A_SECOND = 2_000_000  # arrivals that a worker lays out in a second, at the least
LAST_WORDS_US = 15 * US  # from a worker's last answer until it must have said that it is over
OUTCOME = "outcome.json"


class Load:
    """One load, while it lasts and after."""

    def __init__(self, offer: Offer, names: list[str]) -> None:
        lead_us = LEAD_US + round(US * expected(offer.shape) / SCHEDULED_A_SECOND)
        self.offer, self.names = offer, names
        self.start_us = now_us() + lead_us + offer.warm_up_us
        patience_us = round(1000 * offer.drop_after_ms + 2 * US * offer.timeout_s) + LAST_WORDS_US
        self.last_us = self.start_us + lasting_us(offer.shape) + patience_us
        self.parts: dict[str, o.Part] = {}
        self.lost: tuple[str, ...] = ()
        self.ended: Literal["finished", "stopped", "lost"] | None = None
        self.end_us = 0

    def shares(self) -> dict[str, Begin]:
        """Return what each worker is told."""
        workers = len(self.names)
        return {
            name: Begin(self.offer, worker, workers, self.start_us)
            for worker, name in enumerate(self.names)
        }

    def hear(self, part: o.Part) -> None:
        """Take in a worker's report."""
        if part.run == self.offer.run and part.name in self.names:
            self.parts[part.name] = newest(self.parts.get(part.name), part)

    def over(self, name: str) -> bool:
        """Tell whether a worker has said that its share is over."""
        return name in self.parts and self.parts[name].done

    def outcome(self) -> o.Outcome:
        """Add up what is known."""
        end = End(self.ended or "stopped", self.start_us, self.end_us or now_us(), self.lost)
        return merge(self.offer, self.parts.values(), end)


class Master:
    """What the process that leads knows of its loads.

    Args:
        environment: locust's.
        worker: this process as a worker, if it is alone.
        make: returns the offer of the next load, for so many workers.
    """

    def __init__(
        self, environment: Any, worker: Worker | None, make: Callable[[int], Offer]
    ) -> None:
        self._environment, self._worker, self._make = environment, worker, make
        self._offer: Offer | None = None
        self.load: Load | None = None
        environment.events.test_start.add_listener(self._start)
        environment.events.test_stop.add_listener(self._stop)
        if isinstance(environment.runner, MasterRunner):
            environment.runner.register_message(PING, pong)
            environment.events.worker_report.add_listener(self._report)

    def tick(self) -> int | None:
        """Return how many users there are to be; None: the load is over, or cannot be."""
        load = self.load
        if load is None or load.ended:
            names = self._names()
            try:
                if not names:
                    raise ProvesNothing("no worker is connected: nobody would send")
                self._offer = self._make(len(names))
            except TodokuError as error:
                sys.stderr.write(f"{error}\n")
                self._environment.process_exit_code = int(error.exit_code)
                return None
            return len(names)
        self._ask()
        load.lost = tuple(name for name in load.names if self._gone(name))
        if now_us() > load.last_us:
            load.lost = tuple(name for name in load.names if not load.over(name))
        if load.lost:
            self._end("lost")
            return None
        if all(load.over(name) for name in load.names):
            self._end("finished")
            return None
        return len(load.names)

    def outcome(self) -> o.Outcome | None:
        """Return the outcome of the latest load, written to its folder; None: there was none."""
        if self.load is None:
            return None
        self._ask()
        outcome = self.load.outcome()
        if self.load.offer.out:
            folder = Path(self.load.offer.out)
            folder.mkdir(parents=True, exist_ok=True)
            o.write(outcome, folder / OUTCOME)
        return outcome

    def _names(self) -> list[str]:
        """Return the names of the workers that can take a share."""
        runner = self._environment.runner
        if self._worker is not None:
            return [runner.client_id]
        clients = (*runner.clients.ready, *runner.clients.spawning, *runner.clients.running)
        return sorted((node.id for node in clients), key=runner.get_worker_index)

    def _start(self, environment: Any, **_: Any) -> None:
        if self._offer is None:
            return  # not by our shape
        self.load = Load(self._offer, self._names())
        for name, begin in self.load.shares().items():
            if self._worker is not None:
                self._worker.begin(begin)
            else:
                data = {REPORT: msgspec.json.encode(begin)}
                environment.runner.send_message(BEGIN, data, client_id=name)

    def _stop(self, **_: Any) -> None:
        if self.load is not None and not self.load.ended:
            self.load.lost = tuple(name for name in self.load.names if self._gone(name))
            self._end("lost" if self.load.lost else "stopped")
        self.outcome()

    def _end(self, ended: Literal["finished", "stopped", "lost"]) -> None:
        assert self.load is not None
        self.load.ended, self.load.end_us = ended, now_us()

    def _gone(self, name: str) -> bool:
        """Tell whether a worker has fallen silent before its share was over."""
        if self._worker is not None or (self.load and self.load.over(name)):
            return False
        node = self._environment.runner.clients.get(name)
        return node is None or node.state == STATE_MISSING

    def _ask(self) -> None:
        """Hear our own part, where this process is its own worker."""
        part = self._worker.part() if self._worker is not None else None
        if part is not None and self.load is not None:
            self.load.hear(part)

    def _report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:  # noqa: ARG002
        if self.load is not None and REPORT in data:
            self.load.hear(msgspec.json.decode(data[REPORT], type=o.Part))
