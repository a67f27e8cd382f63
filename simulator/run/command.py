"""What the commands of `cli.py` do that needs an event loop."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from simulator import quantities as q
from simulator import strict_yaml
from simulator.engine.clock import RATE_MAX
from simulator.engine.world import DEFAULT, Options, World
from simulator.errors import ConfigError, ExitCode, Problem, UsageError
from simulator.run.given import Given
from simulator.run.job import Run
from simulator.run.judging import Wanted
from simulator.run.kept import SCENARIO
from simulator.run.policy_report import policy_csv
from simulator.run.posted import judgement
from simulator.run.progress import Progress
from simulator.run.report import findings_csv
from simulator.run.report_files import Outputs, encoded, prepare, write, write_all
from simulator.run.sheet import encoded as in_sheets
from simulator.run.show import show
from simulator.run.sut import last_lines
from simulator.run.world import account_of, begins_at, options_of, rules_of
from simulator.scenario import Scenario, load_scenario, parse_scenario
from simulator.settings import is_loopback
from simulator.web.descriptors import room_for
from simulator.web.server import Server, calm_collector

if TYPE_CHECKING:
    from simulator.settings import Settings

_DIRECTORY = Path(".todoku")


async def run_command(  # noqa: PLR0913 - one parameter for each flag
    scenario: Path,
    outputs: Outputs,
    wanted: Wanted,
    *,
    seed: int | None,
    out: Path | None,
    sut: str | None,
    limit: str | None,
) -> int:
    """Run a scenario; print the report; return the exit code."""
    source = strict_yaml.read_text(scenario)
    found = parse_scenario(source, str(scenario), sut=sut)
    if found.load is not None:
        raise UsageError(f"{scenario} is a load test: use `todoku load {scenario}`")
    if seed is not None:
        found = found.model_copy(update={"seed": seed})
    folder = out or _DIRECTORY / found.name
    return await _run(found, source.encode(), folder, outputs, wanted, seconds_of(limit))


async def _run(  # noqa: PLR0913, PLR0917 - what to run, and where it goes
    scenario: Scenario,
    source: bytes,
    out: Path,
    outputs: Outputs,
    wanted: Wanted,
    timeout_s: float | None,
) -> int:
    assert scenario.sut is not None
    prepare(out, outputs)
    write(out / SCENARIO, source)
    timeout_s = timeout_s or scenario.sut.timeout_us / 1e6
    with Progress(scenario) as progress:
        job = Run(scenario, out, timeout_s, progress.step, wanted=wanted)
        work = asyncio.ensure_future(job.judged())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, job.interrupt)
        try:
            document = await work
        except OSError as error:
            raise UsageError(f"cannot write to {out}: {error.strerror or error}") from None
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, judged_already)
    write(out / "report.json", encoded(document))
    write_all(document, outputs)
    write(out / "findings.csv", in_sheets(findings_csv(document), wanted.encoding))
    if document["policy"]["checks"]:
        write(out / "policy.csv", in_sheets(policy_csv(document["policy"]), wanted.encoding))
    show(document, out, job.details, last_lines(out / "sut.log"))
    return int(document["verdict"]["exit_code"])


def judged_already() -> None:
    """Let an interrupt pass that comes when all is over: what is left is to write it down."""


def seconds_of(text: str | None) -> float | None:
    """Read --timeout: real seconds, or None where it was not given."""
    if text is None:
        return None
    try:
        return q.positive_duration_us(text) / 1e6
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from None


async def serve_command(
    settings: Settings,
    *,
    scenario: Path | None,
    rate: float | None,
    start: str | None,
    fixed_accounts: bool,
) -> int:
    """Serve until SIGTERM or SIGINT; a second one stops at once."""
    found = None if scenario is None else load_scenario(scenario, needs_sut=False)
    options = Options(seed=settings.seed, retention=settings.retention)
    base_us, speed = time.time_ns() // 1000, 1.0
    if found is not None:
        _check_egress(found, settings)
        options = replace(options_of(found), also=tuple)  # nobody expects anything
        base_us, speed = begins_at(found)
    if start is not None:
        try:
            base_us = q.instant_us(start)
        except ValueError as error:
            raise UsageError(f"--start: {error}") from None
    if rate is not None and not 0 <= rate <= RATE_MAX:
        raise UsageError(f"--rate: from 0 (stepped) to {RATE_MAX:g}, not {rate:g}")
    token = settings.token or secrets.token_urlsafe(24)
    room = room_for(settings.connections_limit)
    server = Server(
        settings,
        lambda name: World(name, options),
        token=token,
        base_us=base_us,
        rate=speed if rate is None else rate,
        open_accounts=not fixed_accounts,
        judge=judgement,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await server.start()
    try:
        if found is not None:
            _open_accounts(server, found)
        _greet(server, settings, options)
        if room < settings.connections_limit:
            print(f"warning: room for {room} connections: raise `ulimit -n`", file=sys.stderr)
        calm_collector()
        await stop.wait()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: sys.exit(ExitCode.INTERRUPTED))
    finally:
        await server.stop()
    print("stopped", flush=True)
    return ExitCode.OK


def _check_egress(scenario: Scenario, settings: Settings) -> None:
    """Refuse plausible numbers together with any target outside this machine's networks."""
    if scenario.people.numbers == "assignable" and settings.callback_allow:
        words = "assignable numbers may belong to people, so callbacks stay on private networks"
        raise ConfigError([Problem("callback_allow", f"{words}: leave --callback-allow out")])


def _open_accounts(server: Server, scenario: Scenario) -> None:
    given = Given(server.url, server.control_url, server.token, "", "", "", "")
    now_us = server.driver(DEFAULT).now()
    for written in scenario.accounts:
        account = account_of(scenario, written, lambda text: given.fill(text, 0, ""))
        server.worlds.configure(account, now_us=now_us)
        print(f"account   {written.name}: {account.dialect} {account.id} {account.secret}")
    if scenario.rules:
        server.worlds.rule(rules_of(scenario, now_us), now_us=now_us)
        print(f"rules     {', '.join(rule.name for rule in scenario.rules)}")


def _greet(server: Server, settings: Settings, options: Options) -> None:
    print(f"gateway   {server.url}")
    if server.tls_url:
        print(f"tls       {server.tls_url} (trust its CA: todoku ca --out DIR)")
    print(f"control   {server.control_url}")
    if settings.token is None:
        print(f"token     {server.token}")
    print(f"seed      {options.seed}")
    print("state     in memory: it ends with this process", flush=True)
    if not is_loopback(settings.host):
        print("warning: not bound to loopback; anyone who reaches it can use it", file=sys.stderr)


async def ready_command(control: str, limit: str | None) -> int:
    """Ask a server whether it is ready; with a limit, until it is."""
    if not control.startswith(("http://", "https://")):
        raise UsageError(
            f"--control: an http address such as http://127.0.0.1:8081, not {control!r}"
        )
    deadline = time.monotonic() + (seconds_of(limit) or 0.0)
    said = "no answer"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with session.get(f"{control.rstrip('/')}/readyz") as reply:
                    if reply.status == 200:
                        print(f"ready: {control}")
                        return ExitCode.OK
                    said = f"status {reply.status}"
            if time.monotonic() >= deadline:
                print(f"not ready: {control}: {said}", file=sys.stderr)
                return ExitCode.FAILED
            await asyncio.sleep(0.1)


_CONTRACT = """\
version: 1
name: contract
time: {mode: stepped, start: 2026-03-02T09:00:00+09:00, until: 3d}
people: {count: 3, country: COUNTRY}
accounts: [{name: contract, dialect: DIALECT, ADDRESS}]
sut: {start: {request: POST /campaigns, body: {name: contract, recipients: $recipients}}, \
claims: GET /claims, idle: GET /idle, timeout: 60s}
expect:
- {name: everybody was written to, that: accepted, at_least: 3}
- {name: no request came after its instant had been left, that: stragglers, equals: 0}
- {name: every callback was answered 2xx, that: callbacks_failed, equals: 0}
"""
_ADDRESSES = {
    "zettai_reach": ("{count: 3, country: jp, numbers: assignable}", 'push: "{sut_url}/receipts"'),
    "twilio": ("{count: 3, country: us}", 'inbound: "{sut_url}/twilio/inbound"'),
    "native": ("{count: 3, country: jp}", 'inbound: "{sut_url}/inbound"'),
}


async def check_command(sut: str, dialect: str, limit: str) -> int:
    """Run a campaign of three messages, to see that a system keeps the contract."""
    if dialect not in _ADDRESSES:
        raise UsageError(f"--dialect: {' or '.join(_ADDRESSES)}, not {dialect!r}")
    people, address = _ADDRESSES[dialect]
    text = _CONTRACT.replace("{count: 3, country: COUNTRY}", people)
    text = text.replace("DIALECT", dialect).replace("ADDRESS", address)
    scenario = parse_scenario(text, "the contract", sut=sut)
    folder = _DIRECTORY / "contract"
    return await _run(scenario, text.encode(), folder, Outputs(), Wanted(), seconds_of(limit))
