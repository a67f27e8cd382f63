"""Load through the Twilio dialect: each user sends one message a second to nobody's numbers.

    locust -f loadtests/gateway.py --headless --users 100 --run-time 1m --host http://127.0.0.1:8080

Exit code: 0 every message was taken; 1 a request failed; 2 the host is refused; 3 none was taken,
which proves nothing. A recipient who has said STOP is refused, as at the provider, and that is no
failure.
"""

from __future__ import annotations

import itertools
import socket
import sys
from typing import Any

from locust import FastHttpUser, constant_pacing, events
from locust.exception import StopTest
from locust.runners import WorkerRunner

from loadtests.target import target
from simulator.core.number import US_FICTIONAL_COUNT, us_fictional
from simulator.errors import ExitCode, UsageError

ACCOUNT, SECRET = "AC" + 32 * "d", "for-load-tests-only"  # made at first sight
SENDER = "+15005550006"
BODY = "Example Dental: your appointment is tomorrow at 3 pm. Reply STOP to opt out."
OPTED_OUT = 21610
WORKER_SHARE = 1_009  # recipients between the first of one worker and the first of the next


class GatewayUser(FastHttpUser):  # type: ignore[misc] # locust has no types
    """Someone who sends; users of one process deal the recipients out between them."""

    host: str | None = None
    wait_time = constant_pacing(1)
    dealt = itertools.count()

    def __init__(self, environment: Any) -> None:
        """Refuse, before there is a connection, to go where a load may not."""
        try:
            self.host = target(self.host or "", _lookup)
        except UsageError as error:
            environment.process_exit_code = int(ExitCode.USAGE)
            raise StopTest(str(error)) from None
        super().__init__(environment)
        options = environment.parsed_options
        self._path = f"/2010-04-01/Accounts/{options.account}/Messages.json"
        self._credentials = (options.account, options.secret)
        self._first = getattr(environment.runner, "worker_index", 0) * WORKER_SHARE

    def create(self) -> None:
        """Send one message."""
        to = us_fictional((self._first + next(self.dealt)) % US_FICTIONAL_COUNT)
        with self.client.post(
            self._path,
            data={"To": to, "From": SENDER, "Body": BODY},
            auth=self._credentials,
            name="create",
            allow_redirects=False,
            catch_response=True,
        ) as reply:
            if reply.status_code == 201 or _opted_out(reply):
                reply.success()
            else:
                reply.failure(f"status {reply.status_code}: {(reply.text or '')[:200]}")

    tasks = [create]  # noqa: RUF012 - locust wants a list


def _opted_out(reply: Any) -> bool:
    return reply.status_code == 400 and f'"code":{OPTED_OUT},' in (reply.text or "")


def _lookup(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def add_options(parser: Any) -> None:
    """Take the account from flags, or from what a system under test is given."""
    account = {"default": ACCOUNT, "env_var": "TODOKU_ACCOUNT"}
    secret = {"default": SECRET, "env_var": "TODOKU_SECRET", "is_secret": True}
    parser.add_argument("--account", help="AccountSid, made at first sight", **account)
    parser.add_argument("--secret", help="its token", **secret)


def check_host(environment: Any, web_ui: Any, **_: Any) -> None:
    """End in one line, before anything starts, where the host is refused."""
    if environment.host is None and (web_ui or isinstance(environment.runner, WorkerRunner)):
        return  # told later; every user looks for itself
    try:
        environment.host = target(environment.host or "", _lookup)
    except UsageError as error:
        sys.stderr.write(f"--host: {error}\n")
        sys.exit(ExitCode.USAGE)


def judge(environment: Any, **_: Any) -> None:
    """Say that a run proves nothing if no message was taken; workers leave that to the master."""
    total = environment.stats.total
    taken = total.num_requests - total.num_failures
    if isinstance(environment.runner, WorkerRunner) or environment.process_exit_code is not None:
        return
    if not taken:
        sys.stderr.write("proves nothing: no message was taken\n")
        environment.process_exit_code = int(ExitCode.PROVES_NOTHING)


events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(check_host)
events.quitting.add_listener(judge)
