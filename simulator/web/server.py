"""The server: worlds, their drivers, the gateway port, the control port and the calls we make.

gateway port   web.Server -> Front      (providers' APIs, by dict)
control port   web.Application          (control.py)
effects        Driver -> dialect.callback -> Caller
"""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
import time
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from simulator.core.message import Call, Outcome, OutcomeKind, Wake
from simulator.core.wire import HttpCall
from simulator.dialects import DIALECTS, FORGERS
from simulator.engine.clock import Clock
from simulator.engine.driver import OUTSTANDING_MAX, Driver
from simulator.engine.world import World, Worlds
from simulator.errors import UsageError
from simulator.web.answers import obeyed
from simulator.web.app import Front
from simulator.web.callbacks import Caller
from simulator.web.control import control_app
from simulator.web.door import Door, Rules
from simulator.web.egress import Allow
from simulator.web.latency import Histogram, Latency
from simulator.web.prompt import NOW_HEADER
from simulator.web.quick import LOG, QuickServer
from simulator.web.stopwatch import Timed
from simulator.web.tls import server_context

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from simulator.settings import Settings
    from simulator.web.control_claims import Judge, Posted

_LINGER_S = 2.0  # for a body that we have refused, so that its sender can read why
_LOOK_S = 0.01
_PORTS = {"gateway": "port", "tls": "TLS port", "control": "control port"}
_CLOSE_S = 0.5  # for handlers, once stopping has been told to everyone


class Server:
    """A running Todoku; see `start`.

    Args:
        settings: ports, limits, token.
        make_world: builds a world by name.
        base_us: virtual now at the start, microseconds since 1970.
        rate: of the worlds' clocks: 1 real, 0 stepped.
        open_accounts: make unknown accounts at first sight.
        judge: of posted claims, when somebody asks; None: nobody can.
    """

    def __init__(  # noqa: PLR0913 - each is named at the call
        self,
        settings: Settings,
        make_world: Callable[[str], World],
        *,
        token: str,
        base_us: int,
        rate: float,
        open_accounts: bool = True,
        judge: Judge | None = None,
    ) -> None:
        self.settings, self.token, self.judge = settings, token, judge
        self.posted: dict[str, Posted] = {}  # claims, by world
        self.drivers: dict[str, Driver] = {}
        self._base_us, self._rate = base_us, rate
        self._anchor_ns = time.monotonic_ns()
        self._make_world = make_world
        self._running = False
        self.worlds = Worlds(self._new_world)
        self.front = Front(
            self.worlds,
            self.driver,
            open_accounts=open_accounts,
            body_timeout_s=settings.body_timeout_s,
            body_limit=settings.body_limit_bytes,
            accounts_max=settings.accounts_limit,
        )
        self.caller = Caller(
            timeout_s=settings.callback_timeout_s,
            concurrency=settings.callback_concurrency,
            queue_limit=settings.callback_queue_limit,
            allow=Allow.of(settings.callback_allow),
        )
        self._runners: list[web.BaseRunner] = []
        self._doors: list[Door] = []
        self.latency, self.lateness = Latency(), Histogram()  # of the control port; of callbacks
        self.url = self.tls_url = self.control_url = ""

    def _new_world(self, name: str) -> World:
        world = self._make_world(name)
        clock = Clock(self._base_us, self._rate, self._anchor_ns)
        world.gateway.now_us = clock.now(time.monotonic_ns())
        at_once = min(OUTSTANDING_MAX, self.settings.callback_queue_limit)
        driver = self.drivers[name] = Driver(world, clock, self._perform, at_once)
        if self._running:
            driver.start()
        return world

    def driver(self, world: str) -> Driver:
        """Return the driver of a world that exists."""
        return self.drivers[world]

    async def start(self) -> None:
        """Bind all ports and let time begin.

        Raises:
            UsageError: a port is taken or may not be used; one line, no traceback.
        """
        await self.caller.start()
        settings = self.settings
        limits: dict[str, Any] = {
            "keepalive_timeout": settings.keepalive_s,
            "lingering_time": min(_LINGER_S, settings.body_timeout_s),
            "logger": LOG,
        }
        gateway, secure = (
            web.ServerRunner(QuickServer(self.front, **limits), shutdown_timeout=_CLOSE_S)
            for _ in range(2)
        )
        control = web.AppRunner(
            control_app(self),
            access_log=None,
            shutdown_timeout=_CLOSE_S,
            handler_cancellation=True,  # a client that leaves a long-poll takes it along
            **limits,
        )
        try:
            self.url = await self._bind(gateway, settings.port, "gateway")
            if settings.tls:
                tls = server_context(settings.tls_dir, settings.tls_name)
                self.tls_url = await self._bind(secure, settings.tls_port, "tls", tls)
            self.control_url = await self._bind(control, settings.control_port, "control")
        except UsageError:
            await self.stop(0.0)
            raise
        self._running = True
        for driver in self.drivers.values():
            driver.start()

    async def stop(self, drain_s: float = 2.0) -> None:
        """Stop accepting and ticking, let what is in flight end, then close everything.

        Args:
            drain_s: real time for requests and callbacks in flight; what is left is given up.
        """
        self.front.draining = True
        self._running = False
        for door in self._doors:
            if door.name != "control":  # which tells how it goes
                await door.close()
        for driver in self.drivers.values():
            driver.stop()
        deadline = time.monotonic() + drain_s
        while self.front.in_flight or self.caller.outstanding:
            if time.monotonic() >= deadline:
                break
            await asyncio.sleep(_LOOK_S)
        await self.caller.close()
        for door in self._doors:
            await door.close()
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()

    def ready(self) -> bool:
        """Tell whether both ports answer and nothing is being shut down."""
        return self._running and not self.front.draining

    def connections(self) -> dict[str, int]:
        """Return how many connections each port has."""
        return {door.name: door.inside for door in self._doors}

    async def _bind(
        self, runner: web.BaseRunner, port: int, name: str, tls: SSLContext | None = None
    ) -> str:
        await runner.setup()
        self._runners.append(runner)
        assert runner.server is not None
        rules = Rules(self.settings.connections_limit, self.settings.head_timeout_s)
        door = Door(name, runner.server, rules, tls)
        self._doors.append(door)
        # The name may mean two addresses, and we listen on one.
        host = "127.0.0.1" if self.settings.host == "localhost" else self.settings.host
        try:
            bound = await door.open(host, port)
        except OSError as error:
            raise UsageError(_cannot_bind(_PORTS[name], host, port, error)) from None
        return f"http{'' if tls is None else 's'}://{_bracketed(host)}:{bound}"

    def _perform(self, world: World, effect: Call | Wake, done: Callable[[Outcome], None]) -> None:
        """Make the call of an effect; a bug on the way is reported, and is no answer."""
        try:
            call = self._call(world, effect)
        except Exception as error:  # noqa: BLE001 - an effect without an outcome would stop time
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a callback could not be written", "exception": error}
            )
            call = None
        if call is None:
            asyncio.get_running_loop().call_soon(done, Outcome(OutcomeKind.FORBIDDEN))
            return
        if call.wants_body and isinstance(effect, Call):
            done = obeyed(world, effect, done)
        headers = (*call.headers, (NOW_HEADER, str(effect.due_us)))
        clock, now_ns = self.drivers[world.name].clock, time.monotonic_ns()
        late_us = (clock.now(now_ns) - effect.due_us) / clock.rate if clock.rate else 0.0
        due_ns = now_ns - max(0, int(late_us * 1_000))  # stepped time stands still for it
        timed = None
        if isinstance(effect, Call) and not effect.forged:
            timed = Timed(due_ns, now_ns, effect.nth, effect.key)
        self.caller.submit(
            world.name,
            msgspec.structs.replace(call, headers=headers),
            self._timed(due_ns, done),
            timed,
        )

    def _timed(self, due_ns: int, done: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
        """Note how late an outcome is, in real time."""

        def ended(outcome: Outcome) -> None:
            self.lateness.observe((time.monotonic_ns() - due_ns) / 1e9)
            done(outcome)

        return ended

    def _call(self, world: World, effect: Call | Wake) -> HttpCall | None:
        if isinstance(effect, Wake):
            body = msgspec.json.encode({"now_us": effect.due_us})
            return HttpCall(effect.url, body, "application/json")
        account = world.account(effect.message.account)
        dialect, epoch = DIALECTS[account.dialect], world.gateway.epoch
        write = FORGERS[account.dialect] if effect.forged else dialect.callback
        return write(effect, account, epoch, int(time.time()))


def calm_collector() -> None:
    """Spare the garbage collector what it will never find garbage in.

    Messages and facts are outside its sight, but the indexes beside them are not: with the usual
    thresholds it walks through them again and again, a tenth of all work at a hundred thousand.
    """
    gc.collect()
    gc.freeze()  # what is alive now stays
    gc.set_threshold(20_000, 50, 1_000)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _cannot_bind(what: str, host: str, port: int, error: OSError) -> str:
    where = f"{what} {port} on {host}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another program; choose another, or 0 for a free one"
    if error.errno == errno.EACCES:
        return f"{where} needs rights that this user does not have; choose one from 1024 on"
    if isinstance(error, socket.gaierror):
        return f"{host} is not an address of this machine"
    return f"cannot listen on {where}: {error.strerror}"
