"""The system under test: a process group of its own, or a URL; asked over HTTP, ended for certain.

docs/system-under-test.md is the contract; this file is our side of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

from simulator.errors import ProvesNothing, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.scenario import Sut

LOG_LINES = 20
_POLL_S = 0.02
_STOP_S = 5.0
_CLAIMS_BYTES_MAX = 256 * 1024 * 1024
_TEXT_BYTES_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Given:
    """What a system under test is told; see the contract's first table."""

    url: str
    control_url: str
    token: str
    clock_url: str
    account: str
    secret: str
    people: str

    def environment(self, port: int) -> dict[str, str]:
        """Return the contract's environment variables."""
        named = {
            "URL": self.url,
            "CONTROL_URL": self.control_url,
            "TOKEN": self.token,
            "CLOCK_URL": self.clock_url,
            "ACCOUNT": self.account,
            "SECRET": self.secret,
            "PEOPLE": self.people,
        }
        return {"PORT": str(port), **{f"TODOKU_{name}": text for name, text in named.items()}}

    def fill(self, text: str, port: int, sut_url: str) -> str:
        """Replace `{url}`-style placeholders; other braces stay as they are."""
        names = {name: getattr(self, name) for name in self.__slots__}
        for name, value in {**names, "port": str(port), "sut_url": sut_url}.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class System:
    """A system under test that runs, or is about to.

    Args:
        sut: what the scenario says of it.
        given: what it is told.
        port: where it must listen, if we start it.
        log: where its output goes.
    """

    def __init__(self, sut: Sut, given: Given, port: int, log: Path) -> None:
        self.sut, self.given, self.log = sut, given, log
        self.url = sut.url or f"http://127.0.0.1:{port}"
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Start the process (if it is ours to start) and open a session to it."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=False,
        )
        if self.sut.command is None:
            return
        words = [self.given.fill(word, self._port, self.url) for word in self.sut.command]
        own = {k: self.given.fill(v, self._port, self.url) for k, v in self.sut.env.items()}
        beside_us = str(Path(sys.executable).parent)  # `python` is the one that runs Todoku
        path = os.pathsep.join((beside_us, os.environ.get("PATH", os.defpath)))
        environment = {**os.environ, "PATH": path, **self.given.environment(self._port), **own}
        with self.log.open("wb") as output:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *words,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,
                )
            except OSError as error:
                raise UsageError(f"cannot start {words[0]!r}: {error.strerror}") from None

    def alive(self) -> bool:
        """Tell whether it has not ended by itself."""
        return self._process is None or self._process.returncode is None

    async def ready(self, timeout_s: float) -> None:
        """Return when it says that it can work.

        Raises:
            ProvesNothing: it ended, or did not answer 2xx in time.
        """
        deadline = time.monotonic() + timeout_s
        seen = "no answer"
        while time.monotonic() < deadline:
            if not self.alive():
                raise ProvesNothing(
                    "the system under test ended before it was ready" + self._last()
                )
            try:
                status, _ = await self.ask(self.sut.ready.method, self.sut.ready.path)
            except (aiohttp.ClientError, OSError):
                status = 0
            if _good(status):
                return
            seen = f"status {status}" if status else seen
            await asyncio.sleep(_POLL_S)
        where = f"{self.sut.ready.method} {self.url}{self.sut.ready.path}"
        words = f"the system under test was not ready within {timeout_s:g} s ({where}: {seen})"
        raise ProvesNothing(words + self._last())

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request; return status and body."""
        assert self._session is not None
        data = None if body is None else msgspec.json.encode(body)
        sent = {"Content-Type": "application/json"} if data is not None else {}
        async with self._session.request(
            method, self.url + path, data=data, headers={**sent, **(headers or {})}
        ) as reply:
            return reply.status, await reply.content.read(_CLAIMS_BYTES_MAX)

    async def begin(self, numbers: list[str], headers: Mapping[str, str]) -> None:
        """Send the request that starts the campaign.

        Raises:
            ProvesNothing: it was not answered 2xx.
        """
        start = self.sut.start
        body = _with_recipients(start.body, numbers)
        line = f"{start.request.method} {start.request.path}"
        try:
            status, text = await self.ask(start.request.method, start.request.path, body, headers)
        except (aiohttp.ClientError, OSError) as error:
            raise ProvesNothing(f"the campaign could not be started: {line}: {error}") from None
        if not _good(status):
            said = text[:_TEXT_BYTES_MAX].decode("utf-8", "replace").strip()
            words = f"the campaign could not be started: {line} answered {status}: {said}"
            raise ProvesNothing(words + self._last())

    async def idle(self, headers: Mapping[str, str]) -> bool:
        """Ask whether nothing is left to do at this instant.

        Raises:
            ProvesNothing: it answers something other than 204 and 409, or has ended.
        """
        assert self.sut.idle is not None
        try:
            status, _ = await self.ask(self.sut.idle.method, self.sut.idle.path, None, headers)
        except (aiohttp.ClientError, OSError) as error:
            words = f"the system under test stopped answering `idle`: {error}"
            raise ProvesNothing(words + self._last()) from None
        if status not in {204, 409}:
            raise ProvesNothing(f"`idle` answers 204 or 409, not {status}" + self._last())
        return status == 204

    async def claims(self) -> bytes:
        """Fetch what it believes.

        Raises:
            ProvesNothing: it does not say.
        """
        assert self.sut.claims is not None
        line = f"{self.sut.claims.method} {self.sut.claims.path}"
        try:
            status, body = await self.ask(self.sut.claims.method, self.sut.claims.path)
        except (aiohttp.ClientError, OSError) as error:
            raise ProvesNothing(f"no claims: {line}: {error}" + self._last()) from None
        if not _good(status):
            raise ProvesNothing(f"no claims: {line} answered {status}" + self._last())
        return body

    async def stop(self) -> None:
        """End it and everything it started; nothing survives a run."""
        if self._session is not None:
            await self._session.close()
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            _signal_group(process.pid, getattr(signal, self.sut.stop))
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                pass
        _signal_group(process.pid, signal.SIGKILL)
        await process.wait()

    def _last(self) -> str:
        lines = self.last_lines()
        return "".join(f"\n  | {line}" for line in lines)

    def last_lines(self) -> list[str]:
        """Return the last lines of its output, control characters removed."""
        if self.sut.command is None or not self.log.exists():
            return []
        text = self.log.read_bytes()[-65_536:].decode("utf-8", "replace")
        clean = "".join(c if c == "\n" or c.isprintable() else " " for c in text)
        return clean.splitlines()[-LOG_LINES:]


def _good(status: int) -> bool:
    return 200 <= status < 300


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _with_recipients(body: Any, numbers: list[str]) -> Any:
    if body == "$recipients":
        return numbers
    if isinstance(body, dict):
        return {key: _with_recipients(value, numbers) for key, value in body.items()}
    if isinstance(body, list):
        return [_with_recipients(value, numbers) for value in body]
    return body
