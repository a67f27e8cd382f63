"""The system under test: a process group of its own, or a URL; asked over HTTP, ended for certain.

docs/system-under-test.md is the contract; this file is our side of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

from simulator.errors import ProvesNothing, UsageError
from simulator.run.bundled import EXAMPLE, share
from simulator.verify.claim_codes import ClaimCode, NoClaims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.quantities import Request
    from simulator.run.given import Given
    from simulator.scenario import Sut

LOG_LINES = 20
_POLL_S = 0.02
_REAP_S = 0.5  # a process that drops its connections is often about to end
_STOP_S = 5.0
_ANSWER_BYTES_MAX = 1 << 30  # the largest claims that can be read
_TEXT_BYTES_MAX = 2_000
_LOG_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answered; `kind`: its Content-Type; `next_link`: of `Link: rel="next"`.

    `leads_to`: the address of a redirection; it is not followed, since it may leave this machine.
    """

    status: int
    body: bytes
    kind: str
    next_link: str | None
    leads_to: str = ""


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
        if EXAMPLE in words:  # it comes with us, and is nobody's installed module
            found = (environment.get("PYTHONPATH"), str(share()))
            environment["PYTHONPATH"] = os.pathsep.join(part for part in found if part)
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

    def ended(self) -> str:
        """Say how it ended by itself; empty while it runs, or where it is not ours."""
        code = None if self._process is None else self._process.returncode
        if code is None:
            return ""
        how = f"exit status {code}" if code >= 0 else f"signal {_signal_name(-code)}"
        return f"the system under test ended by itself ({how})"

    async def ready(self, timeout_s: float) -> None:
        """Return when it says that it can work.

        Raises:
            ProvesNothing: it ended, or did not answer 2xx in time.
        """
        line = _line(self.sut.ready)
        seen = "no answer"
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if ended := self.ended():
                        raise ProvesNothing(f"{ended} before it was ready ({line}: {seen})")
                    with suppress(aiohttp.ClientError, OSError):
                        status, _ = await self.ask(self.sut.ready)
                        if _good(status):
                            return
                        seen = f"status {status}"
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            words = f"the system under test was not ready within {timeout_s:g} s of real time"
            raise ProvesNothing(f"{words} ({line}: {seen})") from None

    async def ask(
        self, request: Request, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request; return status and body.

        Raises:
            ProvesNothing: the answer is larger than any we expect.
        """
        answer = await self.answer(request, body, headers)
        return answer.status, answer.body

    async def answer(
        self, request: Request, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request; return all of the answer. See `ask`."""
        assert self._session is not None
        data = None if body is None else msgspec.json.encode(body)
        sent = {"Content-Type": "application/json"} if data is not None else {}
        async with self._session.request(
            request.method,
            self.url + request.path,
            data=data,
            headers={**sent, **(headers or {})},
            allow_redirects=False,
        ) as reply:
            said = bytearray()
            async for chunk in reply.content.iter_any():
                said += chunk
                if len(said) > _ANSWER_BYTES_MAX:
                    words = f"more than {_ANSWER_BYTES_MAX} bytes were answered"
                    raise ProvesNothing(f"{_line(request)}: {words}")
            link = reply.links["next"]["url"] if "next" in reply.links else None
            following = None if link is None else str(link)
            leads_to = reply.headers.get("Location", "")
            return Answer(reply.status, bytes(said), reply.content_type, following, leads_to)

    async def begin(self, numbers: list[str], headers: Mapping[str, str]) -> None:
        """Send the request that starts the campaign.

        Raises:
            ProvesNothing: it was not answered 2xx.
        """
        request = self.sut.start.request
        body = _with_recipients(self.sut.start.body, numbers)
        try:
            status, text = await self.ask(request, body, headers)
        except (aiohttp.ClientError, OSError) as error:
            why = await self._why(error)
            raise ProvesNothing(
                f"the campaign could not be started: {_line(request)}: {why}"
            ) from None
        if not _good(status):
            said = text[:_TEXT_BYTES_MAX].decode("utf-8", "replace").strip()
            words = f"the campaign could not be started: {_line(request)} answered {status}"
            raise ProvesNothing(f"{words}: {said}" if said else words)

    async def idle(self, headers: Mapping[str, str]) -> bool:
        """Ask whether nothing is left to do at this instant.

        Raises:
            ProvesNothing: it answers something other than 204 and 409, or has ended.
        """
        assert self.sut.idle is not None
        try:
            status, _ = await self.ask(self.sut.idle, None, headers)
        except (aiohttp.ClientError, OSError) as error:
            words = f"no answer to {_line(self.sut.idle)} (`idle`)"
            raise ProvesNothing(f"{words}: {await self._why(error)}") from None
        if status not in {204, 409}:
            words = f"{_line(self.sut.idle)} (`idle`) answers 204 or 409, not {status}"
            raise ProvesNothing(words)
        return status == 204

    async def claims(self, request: Request, headers: Mapping[str, str], within_s: float) -> Answer:
        """Ask what it believes.

        Raises:
            NoClaims: it does not say, or not in time.
        """
        line = _line(request)
        try:
            async with asyncio.timeout(within_s):
                answer = await self.answer(request, None, headers)
        except TimeoutError:
            words = f"{line}: no whole answer within {within_s:g} s of real time (`within`)"
            raise NoClaims(ClaimCode.SLOW, words) from None
        except (aiohttp.ClientError, OSError) as error:
            words = f"{line}: {await self._why(error)}"
            raise NoClaims(ClaimCode.UNREACHABLE, words) from None
        if not _good(answer.status):
            words = f"{line} answered {answer.status}"
            if answer.leads_to:
                words += f" and leads to {answer.leads_to[:200]!r}; name where the claims are"
            raise NoClaims(ClaimCode.STATUS, words)
        return answer

    async def _why(self, error: Exception) -> str:
        """Say why there was no answer: its end, if that shows in a moment, or the error."""
        if self._process is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_REAP_S):
                    await self._process.wait()
        if isinstance(error, aiohttp.ClientPayloadError):
            return self.ended() or "the answer broke off before its end"
        return self.ended() or str(error) or type(error).__name__

    async def stop(self) -> None:
        """End it and everything it started, at once if this is cancelled; nothing survives."""
        process = self._process
        try:
            if self._session is not None:
                await self._session.close()
            if process is not None and process.returncode is None:
                _signal_group(process.pid, getattr(signal, self.sut.stop))
                with suppress(TimeoutError):
                    async with asyncio.timeout(_STOP_S):
                        await process.wait()
        finally:
            if process is not None:
                _signal_group(process.pid, signal.SIGKILL)
                await process.wait()


def last_lines(log: Path) -> list[str]:
    """Return the last lines of a system's output, control characters removed."""
    if not log.is_file():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_BYTES))
        text = file.read(_LOG_BYTES).decode("utf-8", "replace")
    clean = "".join(c if c == "\n" or c.isprintable() else " " for c in text)
    return clean.splitlines()[-LOG_LINES:]


def _line(request: Request) -> str:
    return f"{request.method} {request.path}"


def _signal_name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else str(number)


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
