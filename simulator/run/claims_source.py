"""Claims from wherever a scenario says: an endpoint, a file, a query, or posted to us.

    request -> pages --+
    file ------ bytes --+--> version 1: parse_claims      else: TableReader --> Claims
    posted ---- bytes --+
    sql ------- rows ---+

The one rule: what cannot be had is one line with a code, and what was had is kept in the run's
folder, so that the run can be judged again.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yarl import URL

from simulator.core.tariff import POLICIES
from simulator.engine.world import DEFAULT
from simulator.quantities import Request
from simulator.run.claims_sql import query
from simulator.run.saved_claims import FILE_OF_ROWS, FILE_OF_VERSION_1, save
from simulator.scenario_claims import Fields
from simulator.verify.claim_codes import ClaimCode, NoClaims
from simulator.verify.claim_map import AS_THEY_ARE, OPTED_OUT, Reading
from simulator.verify.claim_records import value_at
from simulator.verify.claim_rows import ClaimedState
from simulator.verify.claim_table import FORMATS, SUFFIXES, TableReader
from simulator.verify.claim_text import as_utf8, guessed
from simulator.verify.claims import BYTES_MAX, parse_claims
from simulator.web.control_claims import Posted

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.run.sut import Answer, System
    from simulator.scenario import Scenario
    from simulator.scenario_claims import ClaimsSource
    from simulator.verify.claims import Claims

PAGES_MAX = 100_000
COARSE_S = 2.0  # how coarse the times of files may be


def source_of(
    scenario: Scenario, posted: dict[str, Posted], system: System, fill: Callable[[str], str]
) -> Source | None:
    """Return where a scenario's claims are from; None where it wants none.

    Args:
        scenario: what is run.
        posted: what was posted to a server, by world.
        system: the system under test.
        fill: replaces the placeholders of a text.
    """
    claims, account = system.sut.claims, scenario.sut_account
    if claims is None:
        return None
    currency = account.price.currency if account.price else POLICIES[account.billing].currency
    return Source(
        source=claims,
        reading=reading_of(claims, currency=currency, region=scenario.people.country.upper()),
        system=system,
        posted=posted,
        fill=fill,
        out=system.log.parent,
        since_s=time.time(),
    )


def reading_of(source: ClaimsSource, *, currency: str, region: str) -> Reading:
    """Return how to read the rows.

    Args:
        source: what the scenario says of them.
        currency: of the account, where the scenario names none.
        region: of its people.
    """
    fields = source.fields or Fields()
    totals = source.totals.model_dump(exclude_none=True) if source.totals else {}
    states = fields.state.values if fields.state else {}
    opted_out = fields.opted_out.values if fields.opted_out else {}
    return Reading(
        fields=fields.names,
        totals=totals,
        states={value: ClaimedState(state) for value, state in states.items()} or AS_THEY_ARE,
        opted_out=opted_out or OPTED_OUT,
        format=source.format or "",
        encoding=source.encoding or "",
        delimiter=_DELIMITERS[source.delimiter] if source.delimiter else "",
        rows=source.rows or "",
        currency=source.currency or currency,
        region=region,
    )


_DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";"}


class Source:
    """Gets claims, for one run.

    Args:
        source: what the scenario says of them.
        reading: how to read their rows.
        system: the system under test.
        posted: what was posted to the server, by world.
        fill: replaces the placeholders of a text.
        out: the run's folder.
        since_s: when the run began, by the wall clock; an older file is of something else.
    """

    def __init__(  # noqa: PLR0913 - each is named at the call
        self,
        *,
        source: ClaimsSource,
        reading: Reading,
        system: System,
        posted: dict[str, Posted],
        fill: Callable[[str], str],
        out: Path,
        since_s: float = 0,
    ) -> None:
        self._source, self._reading = source, reading
        self._system, self._posts = system, posted
        self._fill, self._out, self._since_s = fill, out, since_s
        self._within_s = source.within_us / 1e6
        self._notes: list[str] = []

    async def claims(self) -> Claims:
        """Get and read the claims.

        Raises:
            NoClaims, ClaimsError: they cannot be had, or not be read.
        """
        found = await (self._mapped() if self._source.mapped else self._version_1())
        return replace(found, notes=(*self._notes, *found.notes))

    async def _version_1(self) -> Claims:
        data, _ = await self._document()
        encoding: str = self._source.encoding or ""
        if self._source.file is not None and not encoding:
            encoding, said = guessed(data)
            self._notes += [said] if said and encoding != "utf-8" else []
        if encoding not in ("", "utf-8"):
            data = as_utf8(data, encoding)
        (self._out / FILE_OF_VERSION_1).write_bytes(data)
        source = self._source
        return parse_claims(data, self._reading.region, aggregates=source.aggregates)

    async def _mapped(self) -> Claims:
        source, reader = self._source, TableReader(self._reading)
        if source.sql is not None:
            url, wanted = self._fill(source.sql.url), self._reading.wanted
            await query(url, source.sql.query, wanted, reader, self._within_s)
        elif source.request is not None and not source.posted:
            await self._pages(reader)
        else:
            data, kind = await self._document()
            reader.page(data, kind)
        claims = reader.claims()
        save(claims, self._out / FILE_OF_ROWS)
        return claims

    async def _document(self) -> tuple[bytes, str]:
        """Return the whole, and its format as far as the source says it."""
        source = self._source
        if source.file is not None:
            return await asyncio.to_thread(self._file, Path(self._fill(source.file)))
        assert source.request is not None or source.posted, "the scenario's checks want a source"
        answer = None if source.request is None else await self._ask(source.request)
        if source.posted:
            return await self._posted()
        assert answer is not None
        return answer.body, _kind(answer)

    def _file(self, path: Path) -> tuple[bytes, str]:
        try:
            if not path.is_file():
                state = "is no plain file" if path.exists() else "is not there"
                raise NoClaims(ClaimCode.FILE, f"{path} {state}; name the file that it writes")
            if path.stat().st_size > BYTES_MAX:
                words = f"{path} has more than {BYTES_MAX} bytes; claim fewer messages in one run"
                raise NoClaims(ClaimCode.TOO_LARGE, words)
            if path.stat().st_mtime < self._since_s - COARSE_S:
                words = f"{path} was last written before this run began; write it in each run"
                raise NoClaims(ClaimCode.FILE, words)
            return path.read_bytes(), SUFFIXES.get(path.suffix.lower(), "")
        except OSError as error:
            raise NoClaims(ClaimCode.FILE, f"cannot read {path}: {error.strerror}") from None

    async def _posted(self) -> tuple[bytes, str]:
        posted = self._posts.setdefault(DEFAULT, Posted())
        try:
            async with asyncio.timeout(self._within_s):
                await posted.came.wait()
        except TimeoutError:
            path = f"/v1/worlds/{DEFAULT}/claims"
            words = f"nothing was posted to {path} until {self._within_s:g} s after the end"
            raise NoClaims(ClaimCode.NOT_POSTED, words) from None
        if posted.times > 1:
            self._notes.append(f"claims were posted {posted.times} times; the last post counts")
        return posted.data, FORMATS.get(posted.kind, "")

    async def _pages(self, reader: TableReader) -> None:
        source = self._source
        assert source.request is not None
        line, number = source.request, source.page.first if source.page else 0
        seen: set[str] = set()
        before = b""
        for _ in range(PAGES_MAX):
            request = _numbered(line, source.page.parameter, number) if source.page else line
            if request.path in seen:
                words = f"{request.path} would be the next page again; look at its `next`"
                raise NoClaims(ClaimCode.PAGES, words)
            seen.add(request.path)
            answer = await self._ask(request)
            if source.page and reader.count and not answer.body.strip():
                return  # in CSV and JSON lines, no rows may be no bytes
            rows = reader.page(answer.body, _kind(answer))
            if source.page and rows and answer.body == before:
                words = f"{request.path} is byte for byte the page before it; look at `page`"
                raise NoClaims(ClaimCode.PAGES, words)
            before = answer.body
            number += 1
            following = self._next(request, answer)
            if source.page is None and following is None:
                return
            if source.page is not None and rows == 0:
                return
            line = following or line
        raise NoClaims(ClaimCode.PAGES, f"there were more than {PAGES_MAX} pages; send larger ones")

    def _next(self, request: Request, answer: Answer) -> Request | None:
        """Return the request of the next page, if this page names one."""
        source = self._source
        if source.page is not None:
            return None
        link: Any = answer.next_link
        if source.next is not None:
            link = value_at(answer.body, source.next)
        if link is None or link in ("", False):
            return None
        try:
            url = URL(self._system.url + request.path).join(URL(str(link)))
        except ValueError:
            words = f"the next page {str(link)[:100]!r} is no URL"
            raise NoClaims(ClaimCode.PAGES, words) from None
        if url.origin() != URL(self._system.url).origin():
            words = f"the next page is at {url.origin()}, and the system at {self._system.url}"
            raise NoClaims(ClaimCode.PAGES, f"{words}; pages stay on one host")
        return Request("GET", url.raw_path_qs)

    async def _ask(self, request: Request) -> Answer:
        headers = {name: self._fill(value) for name, value in self._source.headers.items()}
        return await self._system.claims(request, headers, self._within_s)


def _numbered(line: Request, parameter: str, number: int) -> Request:
    url = URL(line.path).update_query({parameter: str(number)})
    return Request(line.method, str(url))


def _kind(answer: Answer) -> str:
    return FORMATS.get(answer.kind, "")
