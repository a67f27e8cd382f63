"""Claims from a real endpoint, a real file, a real database and a real post; and each failing."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from simulator.errors import ConfigError, ProvesNothing, UsageError
from simulator.run.claims_source import Source, reading_of
from simulator.run.claims_sql import check_sql
from simulator.run.given import Given
from simulator.run.saved_claims import saved
from simulator.run.sut import System
from simulator.scenario import load_scenario
from tests.run.runs import JAPAN, written
from tests.servers import running, until_true

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulator.scenario import Sut
    from simulator.verify.claims import Claims
    from tests.servers import Running

ROWS = [{"id": f"m{n}", "to": f"090-1234-567{n}", "s": "着信済", "amount": "15"} for n in range(5)]
FIELDS = {
    "own_id": "id",
    "to": "to",
    "state": {"field": "s", "values": {"着信済": "delivered"}},
    "amount": "amount",
}
HOW = {"fields": FIELDS, "currency": "JPY"}
CSV = "id,to,s,amount\n" + "".join("{id},{to},{s},{amount}\n".format(**row) for row in ROWS)
VERSION_1 = {
    "currency": "JPY",
    "messages": [],
    "totals": {"accepted": 0, "delivered": 0, "units": 0, "excluded_units": 0}
    | {"subtotal": "0", "tax": "0", "total": "0"},
}


class Page(NamedTuple):
    body: bytes | str
    status: int = 200
    kind: str = "application/json"
    link: str = ""
    leads_to: str = ""
    hangs: bool = False


@contextmanager
def system(pages: dict[str, Page]) -> Iterator[str]:
    """Serve pages on loopback, and say where; a page that hangs never ends."""
    free = threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path, Page(b"", 404))
            body = page.body.encode() if isinstance(page.body, str) else page.body
            self.send_response(page.status)
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(len(body) + page.hangs))
            if page.link:
                self.send_header("Link", page.link)
            if page.leads_to:
                self.send_header("Location", page.leads_to)
            self.end_headers()
            self.wfile.write(body)
            if page.hangs:
                free.wait(30)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        free.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def ours() -> Iterator[Running]:
    with running() as found:
        yield found


def sut(tmp_path: Path, url: str, claims: object) -> Sut:
    path = written(tmp_path, JAPAN, sut={"command": None, "url": url, "claims": claims})
    found = load_scenario(path).sut
    assert found is not None
    return found


def had(tmp_path: Path, ours: Running, claims: Any, pages: dict[str, Page] | None = None) -> Claims:
    """Get claims as a run does."""

    async def work(url: str) -> Claims:
        wanted = sut(tmp_path, url, claims)
        given = Given(*[""] * 7, out=str(tmp_path))
        asked = System(wanted, given, 0, tmp_path / "sut.log")
        await asked.start()
        assert wanted.claims is not None
        try:
            return await Source(
                source=wanted.claims,
                reading=reading_of(wanted.claims, currency="JPY", region="JP"),
                system=asked,
                posted=ours.server.posted,
                fill=lambda text: given.fill(text, 0, url),
                out=tmp_path,
            ).claims()
        finally:
            await asked.stop()

    with system(pages or {}) as url:
        return asyncio.run(work(url))


def why_not(
    tmp_path: Path, ours: Running, claims: Any, pages: dict[str, Page] | None = None
) -> str:
    with pytest.raises(ProvesNothing) as caught:
        had(tmp_path, ours, claims, pages)
    assert "\n" not in caught.value.reason
    return caught.value.reason


def ids(claims: Claims) -> list[str]:
    return [claim.own_id for claim in claims.rows]


def in_pages(*sizes: int) -> list[str]:
    rows = iter(ROWS)
    return [json.dumps([next(rows) for _ in range(size)]) for size in sizes]


def test_a_request_alone_is_version_1_and_kept_byte_for_byte(tmp_path: Path, ours: Running) -> None:
    body = json.dumps(VERSION_1)
    claims = had(tmp_path, ours, "GET /claims", {"/claims": Page(body)})
    assert (tmp_path / "claims.json").read_text() == body
    assert saved(tmp_path) == claims


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_an_endpoint_may_answer_csv_in_any_of_the_encodings(
    tmp_path: Path, ours: Running, encoding: str
) -> None:
    page = Page(CSV.encode(encoding), kind="text/csv")
    claims = had(tmp_path, ours, {"request": "GET /claims", **HOW}, {"/claims": page})
    assert ids(claims) == ["m0", "m1", "m2", "m3", "m4"]
    assert claims.totals.subtotal_micros == 75_000_000
    assert saved(tmp_path) == claims


def test_pages_are_followed_by_a_link_of_the_header(tmp_path: Path, ours: Running) -> None:
    first, second, third = in_pages(2, 2, 1)
    pages = {
        "/claims": Page(first, link='</claims?at=2>; rel="next"'),
        "/claims?at=2": Page(second, link='<claims?at=4>; rel="next", </claims>; rel="first"'),
        "/claims?at=4": Page(third),
    }
    claims = had(tmp_path, ours, {"request": "GET /claims", **HOW}, pages)
    assert ids(claims) == ["m0", "m1", "m2", "m3", "m4"]


def test_pages_are_followed_by_a_link_in_the_document(tmp_path: Path, ours: Running) -> None:
    first, second = (json.loads(text) for text in in_pages(3, 2))
    pages = {
        "/c": Page(json.dumps({"items": first, "paging": {"next": "/c?page=2"}})),
        "/c?page=2": Page(json.dumps({"items": second, "paging": {"next": None}})),
    }
    how = {"request": "GET /c", "next": "paging.next", "rows": "items", **HOW}
    assert ids(had(tmp_path, ours, how, pages)) == ["m0", "m1", "m2", "m3", "m4"]


def test_numbered_pages_end_with_one_that_is_empty(tmp_path: Path, ours: Running) -> None:
    texts = [*in_pages(2, 3), "[]"]
    pages = {f"/c?size=9&p={n}": Page(text) for n, text in enumerate(texts)}
    how = {"request": "GET /c?size=9", "page": {"parameter": "p", "first": "0"}, **HOW}
    assert ids(had(tmp_path, ours, how, pages)) == ["m0", "m1", "m2", "m3", "m4"]


def test_numbered_pages_of_lines_end_with_one_that_has_no_byte(
    tmp_path: Path, ours: Running
) -> None:
    texts = ["\n".join(map(json.dumps, part)) for part in (ROWS[:3], ROWS[3:], [])]
    kind = "application/x-ndjson"
    pages = {f"/c?p={n}": Page(text, kind=kind) for n, text in enumerate(texts, start=1)}
    how = {"request": "GET /c", "page": {"parameter": "p"}, **HOW}
    assert ids(had(tmp_path, ours, how, pages)) == ["m0", "m1", "m2", "m3", "m4"]


def test_a_file_in_cp932_is_read_and_that_is_said(tmp_path: Path, ours: Running) -> None:
    (tmp_path / "export.csv").write_bytes(CSV.encode("cp932"))
    claims = had(tmp_path, ours, {"file": "{out}/export.csv", **HOW})
    assert ids(claims) == ["m0", "m1", "m2", "m3", "m4"]
    assert claims.rows[0].to == "+819012345670"
    assert claims.notes == (
        "the encoding was guessed to be cp932; write `encoding: cp932` to be sure",
        "recipients normalised: hyphens or spaces 5 x, national form 5 x",
    )


def test_version_1_may_be_a_file_in_another_encoding(tmp_path: Path, ours: Running) -> None:
    (tmp_path / "x.json").write_bytes(json.dumps(VERSION_1).encode("utf-16"))
    claims = had(tmp_path, ours, {"file": "{out}/x.json"})
    assert claims.empty
    assert claims.notes == ("a byte order mark was passed over: the encoding is utf-16",)


def database(tmp_path: Path) -> str:
    path = tmp_path / "books.db"
    with sqlite3.connect(path) as books:
        books.execute("CREATE TABLE letters (id TEXT, number TEXT, told TEXT, price REAL, n INT)")
        books.executemany(
            "INSERT INTO letters VALUES (?, ?, ?, ?, ?)",
            [("m0", "9012345670", "delivered", 15.0, 1), ("m1", None, "failed", None, 0)],
        )
    return f"sqlite:///{path}"


SQL_FIELDS = {"own_id": "id", "to": "number", "state": "told", "units": "n", "amount": "price"}


def test_a_query_of_a_database_is_claims(tmp_path: Path, ours: Running) -> None:
    query = {"url": database(tmp_path), "query": "SELECT * FROM letters ORDER BY id"}
    claims = had(tmp_path, ours, {"sql": query, "fields": SQL_FIELDS, "currency": "JPY"})
    assert [(c.own_id, c.to, c.units, c.micros) for c in claims.rows] == [
        ("m0", "+819012345670", 1, 15_000_000),
        ("m1", "", 0, 0),
    ]
    assert claims.notes == (
        "amount: empty in 1 row, read as 0",
        "recipients normalised: a lost zero 1 x",
    )


def test_sums_of_a_database_are_claims_too(tmp_path: Path, ours: Running) -> None:
    query = {
        "url": database(tmp_path),
        "query": "SELECT count(*) sent, sum(told = 'delivered') ok, sum(price) cost FROM letters",
    }
    totals = {"accepted": "sent", "delivered": "ok", "subtotal": "cost"}
    claims = had(tmp_path, ours, {"sql": query, "totals": totals})
    found = claims.totals
    assert (found.accepted, found.delivered, found.subtotal_micros) == (2, 1, 15_000_000)
    assert claims.aggregates
    assert saved(tmp_path) == claims


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM letters", "'ref', which is no column; known: id, n, number, price, told"),
        ("SELECT * FROM absent", "the query failed: no such table: absent [claims-sql]"),
        ("SELEC", 'the query failed: near "SELEC": syntax error [claims-sql]'),
        ("CREATE TABLE x (y)", "the query answers no rows; write a SELECT [claims-sql]"),
        ("SELECT ':a' || :b", "the query has a parameter, :a :b; write \\: for a mere colon"),
    ],
)
def test_a_query_that_fails_is_one_line(
    tmp_path: Path, ours: Running, query: str, said: str
) -> None:
    claims = {
        "sql": {"url": database(tmp_path), "query": query},
        "fields": {"own_id": "ref"},
    }
    assert said in why_not(tmp_path, ours, claims)


def test_a_query_that_never_ends_is_given_up(tmp_path: Path, ours: Running) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT max(i) id FROM n"
    claims = {
        "sql": {"url": "sqlite://", "query": endless},
        "fields": {"own_id": "id"},
        "within": "50ms",
    }
    words = "no claims: the query took longer than 0.05 s [claims-slow]"
    assert why_not(tmp_path, ours, claims) == words
    until_true(lambda: all(thread.name != "claims" for thread in threading.enumerate()))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("books.db", "expected an SQLAlchemy URL such as sqlite:///books.db"),
        ("oracle9://x", "expected an SQLAlchemy URL"),
        ("mysql+mysqldb://me:secret@host/x", "the driver 'MySQLdb' is missing; pip install it"),
    ],
)
def test_a_url_that_no_query_can_use_is_told_before_the_run(url: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_sql(url)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_claims_may_be_posted_and_the_last_post_counts(tmp_path: Path, ours: Running) -> None:
    path = "/v1/worlds/default/claims"
    kind = {"Content-Type": "text/csv"}
    assert ours.control("POST", path, b"nothing of use", kind).json["times"] == 1
    answer = ours.control("POST", path, CSV.encode("cp932"), kind)
    assert (answer.status, answer.json) == (202, {"bytes": len(CSV.encode("cp932")), "times": 2})
    claims = had(tmp_path, ours, {"posted": "true", **HOW})
    assert ids(claims) == ["m0", "m1", "m2", "m3", "m4"]
    assert claims.notes[0] == "claims were posted 2 times; the last post counts"
    ours.server.posted.clear()


def test_a_system_may_be_asked_to_post(tmp_path: Path, ours: Running) -> None:
    how = {"request": "GET /please", "posted": "true", "within": "20ms", **HOW}
    said = why_not(tmp_path, ours, how, {"/please": Page(b"soon")})
    assert said.startswith(
        "no claims: nothing was posted to /v1/worlds/default/claims until 0.02 s"
    )
    assert said.endswith("[claims-not-posted]")
    said = why_not(tmp_path, ours, how, {"/please": Page(b"no", 503)})
    assert said == "no claims: GET /please answered 503 [claims-status]"
    ours.server.posted.clear()


NEXT = json.dumps({"items": ROWS, "next": "{}"})
BROKEN: dict[str, tuple[dict[str, Any], dict[str, Page], str]] = {
    "a status": ({}, {"/c": Page(b"oops", 500)}, "GET /c answered 500 [claims-status]"),
    "a redirection": (
        {},
        {"/c": Page(b"", 302, leads_to="/d"), "/d": Page(json.dumps(ROWS))},
        "GET /c answered 302 and leads to '/d'; name where the claims are [claims-status]",
    ),
    "pages that are all the same": (
        {"page": {"parameter": "page"}},
        {f"/c?page={n}": Page(json.dumps(ROWS)) for n in (1, 2)},
        "/c?page=2 is byte for byte the page before it; look at `page` [claims-pages]",
    ),
    "utf-16 without a mark": (
        {"encoding": "utf-16", "format": "csv"},
        {"/c": Page(CSV.encode("utf-16-le"))},
        "there is no byte order mark; name utf-16-le or utf-16-be",
    ),
    "no such path": ({}, {}, "GET /c answered 404 [claims-status]"),
    "hanging": (
        {"within": "100ms"},
        {"/c": Page(b"[", hangs=True)},
        "GET /c: no whole answer within 0.1 s of real time (`within`) [claims-slow]",
    ),
    "no json": ({}, {"/c": Page(b"<html>")}, "is not JSON as it should be"),
    "a page that comes again": (
        {"next": "next", "rows": "items"},
        {"/c": Page(NEXT.replace("{}", "/c"))},
        "/c would be the next page again; look at its `next` [claims-pages]",
    ),
    "a page elsewhere": (
        {"next": "next", "rows": "items"},
        {"/c": Page(NEXT.replace("{}", "http://203.0.113.7/c"))},
        "the next page is at http://203.0.113.7, and the system at http://127.0.0.1",
    ),
    "a page nowhere": (
        {"next": "next", "rows": "items"},
        {"/c": Page(NEXT.replace("{}", "http://[/"))},
        "the next page 'http://[/' is no URL [claims-pages]",
    ),
    "a wrong byte": (
        {"encoding": "utf-8", "format": "csv"},
        {"/c": Page(CSV.encode("cp932"))},
        "byte 32 (line 2) is 0x92, which is not utf-8; name the right `encoding`",
    ),
    "a field that is not there": (
        {"fields": {"own_id": "ident"}},
        {"/c": Page(json.dumps(ROWS))},
        "the mapping names 'ident', which no row has; known: amount, id, s, to [claims-unmapped]",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_had_is_one_line_with_a_code(
    tmp_path: Path, ours: Running, name: str
) -> None:
    how, pages, said = BROKEN[name]
    assert said in why_not(tmp_path, ours, {"request": "GET /c", **HOW, **how}, pages)


def test_a_system_that_is_gone_is_one_line(tmp_path: Path, ours: Running) -> None:
    with system({}) as url:
        pass
    how = sut(tmp_path, url, "GET /claims").claims
    assert how is not None

    async def work() -> None:
        gone = System(sut(tmp_path, url, "GET /c"), Given(*[""] * 7), 0, tmp_path / "log")
        await gone.start()
        assert how.request is not None
        try:
            await gone.claims(how.request, {}, 5)
        finally:
            await gone.stop()

    with pytest.raises(ProvesNothing, match=r"no claims: GET /claims: .*\[claims-unreachable\]"):
        asyncio.run(work())


def test_a_file_that_is_none_is_one_line(tmp_path: Path, ours: Running) -> None:
    said = why_not(tmp_path, ours, {"file": "{out}/export.csv", **HOW})
    assert said.endswith("is not there; name the file that it writes [claims-file]")
    os.mkfifo(tmp_path / "export.csv")  # a file that would hang
    said = why_not(tmp_path, ours, {"file": "{out}/export.csv", **HOW})
    assert said.endswith("is no plain file; name the file that it writes [claims-file]")


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"file": "x", "sql": {"url": "a", "query": "b"}}, "needs exactly one of request, file"),
        ({"fields": FIELDS, "request": "GET /c"}, "amounts of which currency? Add `currency: JPY`"),
        ({"file": "x", "fields": {"state": "s"}}, "needs own_id, provider_id or to"),
        ({"file": "x", "encoding": "latin1", **HOW}, "unknown value 'latin1'; known: cp932"),
        ({"file": "x", "format": "csv"}, "belongs to a mapping: add `fields` or `totals`"),
        ({"file": "x", "next": "n", **HOW}, "belongs to a request that answers with claims"),
        ({"sql": {"url": "a", "query": "b"}}, "a query has columns: map them with `fields`"),
        ({"file": "x", "totals": {}, **HOW}, "rows or totals: map `fields` or `totals`, not both"),
        ({"file": "x", "totals": {"sum": "s"}}, "unknown key 'sum'"),
        (
            {"file": "x", "fields": {"own_id": "i", "state": {"field": "s", "values": {"a": "b"}}}},
            "unknown value 'b'",
        ),
    ],
)
def test_a_mapping_that_cannot_be_is_told_before_the_run(
    tmp_path: Path, claims: object, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        sut(tmp_path, "http://127.0.0.1:1", claims)
    assert said in str(caught.value)


def test_claims_that_were_kept_and_changed_are_refused_in_words(tmp_path: Path) -> None:
    assert saved(tmp_path) is None
    (tmp_path / "claims.jsonl").write_bytes(b'{"schema": "else"}\n')
    with pytest.raises(UsageError, match=r"claims\.jsonl cannot be read"):
        saved(tmp_path)
