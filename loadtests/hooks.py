"""What ties a load to locust: its options, its start, its reports and its exit code.

install(events, against) in a locust file; `ArrivalUser` and `Arrivals` do the rest
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent
from locust.runners import MasterRunner, WorkerRunner

from loadtests.flags import Against, add_options, offer_of
from loadtests.master import Master
from loadtests.target import target
from loadtests.users import lookup
from loadtests.worker import Worker
from simulator.errors import ExitCode, UsageError
from simulator.load.outcome import OK

if TYPE_CHECKING:
    from simulator.load.offer import Offer

STARTED_BY = "TODOKU_STARTED_BY"  # the process that this one must not outlive
WATCH_S = 0.5


def install(events: Any, against: Against) -> None:
    """Listen to locust's events, for a locust file whose load is against one kind of target."""
    events.init_command_line_parser.add_listener(partial(add_options, against=against))
    events.init.add_listener(partial(_begin, against=against))
    events.quitting.add_listener(_judge)


def _begin(environment: Any, web_ui: Any, against: Against, **_: Any) -> None:
    """End in one line, before anything starts, where the load may not go; else take our places."""
    worker = isinstance(environment.runner, WorkerRunner)
    options = environment.parsed_options
    later = environment.host is None and (web_ui or options.offer)  # told later, checked then
    if not worker and not later:
        try:
            environment.host = _where(environment.host or "")
        except UsageError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(ExitCode.USAGE)
    alone = not worker and not isinstance(environment.runner, MasterRunner)
    hand = Worker(environment, distributed=worker) if worker or alone else None
    environment.arrivals_worker = hand

    def make(workers: int) -> Offer:
        offer = offer_of(options, against, environment.host or "", workers, _where)
        environment.host = offer.url
        return offer

    environment.arrivals_master = None if worker else Master(environment, hand, make)
    if not worker and web_ui is None:
        # Locust listens for it only when a shape is over; until then it would end without a word.
        gevent.signal_handler(signal.SIGTERM, environment.runner.quit)
    if starter := os.environ.get(STARTED_BY):
        gevent.spawn(_outlive_nobody, int(starter), environment.runner)


def _outlive_nobody(starter: int, runner: Any) -> None:
    """End with whoever started us: nobody else will take what we find, or stop us."""
    while os.getppid() == starter:
        gevent.sleep(WATCH_S)
    sys.stderr.write("whoever started this load is gone: it ends\n")
    runner.quit()


def _where(url: str) -> str:
    try:
        return target(url, lookup)
    except UsageError as error:
        raise UsageError(f"--host: {error}") from None


def _judge(environment: Any, **_: Any) -> None:
    """Say why a load proves nothing, if it does; workers leave that to the master."""
    master = getattr(environment, "arrivals_master", None)
    if master is None:
        return
    outcome = master.outcome()
    if environment.process_exit_code is not None:
        return
    reasons = list(outcome.unproven) if outcome is not None else []
    if outcome is None or not outcome.load.results.get(OK, 0):
        reasons.append("no message was taken")
    for reason in reasons:
        sys.stderr.write(f"proves nothing: {reason}\n")
    if reasons:
        environment.process_exit_code = int(ExitCode.PROVES_NOTHING)
