"""Who may speak to the control port, and how it says no."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from simulator.web import control_worlds
from simulator.web.control import ROUTES
from tests.servers import TOKEN, request, running

if TYPE_CHECKING:
    from tests.servers import Answer, Running

BEARER = {"Authorization": f"Bearer {TOKEN}"}
CLOCK = "/v1/worlds/default/clock"


def refused(answer: Answer, status: int, code: str, *words: str) -> None:
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Todoku-Now"].isdecimal()
    assert set(answer.json) == {"error", "message"}
    assert answer.json["error"] == code
    assert all(word in answer.json["message"] for word in words), answer.json


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        "Bearer é",
    ],
)
def test_without_the_token_nothing_is_served(server: Running, given: str) -> None:
    headers = {"Authorization": given.encode().decode("latin-1")}
    answer = request("GET", server.control_url + CLOCK, headers=headers)
    refused(answer, 401, "unauthorized", "Bearer")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert TOKEN not in str(answer)


def test_every_route_but_those_of_health_and_words_needs_the_token(server: Running) -> None:
    open_paths = []
    for method, path, _ in ROUTES:
        named = path.replace("{world}", "default").replace("{id}", "x").replace("{number}", "1")
        where = server.control_url + named
        answer = request(method, where, b"{}" if method != "GET" else None)
        if answer.status == 401:
            refused(answer, 401, "unauthorized")
        else:
            open_paths.append(path)
    assert open_paths == [
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/openapi/native.yaml",
        "/metrics",
    ]


def test_the_scheme_is_spelled_in_any_case(server: Running) -> None:
    for scheme in ("bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {TOKEN}"}
        assert request("GET", server.control_url + CLOCK, headers=headers).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8081",
        "LOCALHOST.",
        "127.0.0.1",
        "10.1.2.3:80",
        "[::1]:8081",
        "sim.test",
    ],
)
def test_our_own_hosts_are_served(host: str) -> None:
    with running(allow_host=["sim.test"]) as server:
        answer = request("GET", server.control_url + CLOCK, headers={**BEARER, "Host": host})
        assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "evil.test:8081",
        "",
        "[evil",
        "a b",
    ],
)
def test_bad_input_46_a_rebound_host_is_refused(server: Running, host: str) -> None:
    for path in (CLOCK, "/healthz", "/v1/worlds/default/events/stream"):
        answer = request("GET", server.control_url + path, headers={**BEARER, "Host": host})
        refused(answer, 403, "forbidden", "--allow-host")


@pytest.mark.parametrize(
    "origin", ["http://evil.test", "null", "https://localhost", "http://[", "x"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/reset"),
        ("POST", f"{CLOCK}/advance"),
        ("PUT", "/v1/worlds/default/accounts/x"),
        ("GET", "/v1/worlds/default/events/stream"),
        ("GET", CLOCK),
    ],
)
def test_bad_input_46_another_sites_page_is_refused(
    server: Running, method: str, path: str, origin: str
) -> None:
    answer = server.control(method, path, b"{}", headers={"Origin": origin})
    refused(answer, 403, "forbidden", "Origin")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert server.get("/v1/worlds/default")["epoch"] == 0


def test_our_own_page_is_served(server: Running) -> None:
    headers = {"Origin": server.control_url}
    assert server.control("POST", "/v1/reset", headers=headers).status == 200


def test_a_preflight_is_not_answered_with_leave(server: Running) -> None:
    headers = {"Origin": "http://evil.test", "Access-Control-Request-Method": "POST"}
    answer = request("OPTIONS", server.control_url + CLOCK, headers=headers)
    refused(answer, 403, "forbidden")


def test_unknown_paths_and_methods_are_told_in_our_shape(server: Running) -> None:
    refused(server.control("GET", "/v1/nothing"), 404, "not_found", "/v1/nothing", "openapi.json")
    refused(server.control("GET", "/v1/worlds/none"), 404, "not_found", "'none'")
    answer = server.control("DELETE", CLOCK)
    refused(answer, 405, "method_not_allowed", "DELETE", "GET")
    assert answer.headers["Allow"] == "GET"


DEEP = b'{"rate": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ["not JSON"]),
        (b"{", ["not JSON"]),
        (b"[]", ["expected a mapping"]),
        (b"null", ["expected a mapping"]),
        (b'{"rate": NaN}', ["NaN"]),
        (b'{"rate": -Infinity}', ["-Infinity"]),
        (b'{"rate": 1e999}', ["rate"]),
        (b'{"rate": ' + b"9" * 100_000 + b"}", ["not JSON"]),
        (b'{"rate": ' + b"9" * 4_000 + b"}", ["rate", "a huge number"]),
        (b'{"rate": true}', ["rate", "True"]),
        (b'{"rate": "1"}', ["rate", "'1'"]),
        (b'{"rate": -1}', ["rate", "at least 0"]),
        (b'{"rate": 1, "rate": 2}', ["twice"]),
        (b'{"raet": 1}', ["rate: is missing", "did you mean rate?"]),
        (b'\xef\xbb\xbf{"rate": 1}', ["not JSON", "BOM"]),
        (b'{"rate": "\xff"}', ["not UTF-8"]),
        (DEEP, ["too deep"]),
    ],
)
def test_bad_input_6_a_bad_body_is_told_what_is_wrong(
    server: Running, body: bytes, words: list[str]
) -> None:
    refused(server.control("POST", f"{CLOCK}/rate", body), 400, "bad_request", *words)
    assert server.get(CLOCK)["rate"] == 0


def test_bad_input_6_another_content_type_is_told_which_is_right(server: Running) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/json5", ""):
        answer = server.control("POST", f"{CLOCK}/rate", b"{}", {"Content-Type": kind})
        refused(answer, 415, "unsupported_media_type", "application/json", kind[:20])


def test_bad_input_1_a_body_over_the_limit_is_refused() -> None:
    with running(body_limit_bytes=1_000) as server:
        for body in (b" " * 1_001, b" " * 1_000_000):
            answer = server.control("POST", f"{CLOCK}/rate", body)
            refused(answer, 413, "too_large")
            assert answer.headers["Connection"] == "close"
        assert server.control("POST", f"{CLOCK}/rate", b'{"rate": 0}'.ljust(1_000)).status == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=0", ["limit", "at least 1"]),
        ("limit=-1", ["limit"]),
        ("limit=1001", ["limit", "at most 1000"]),
        ("limit=1e3", ["limit"]),
        ("limit=" + "9" * 5_000, ["limit"]),
        ("limit=1&limit=2", ["twice", "limit"]),
        ("state=lost", ["unknown value 'lost'", "known: "]),
        ("cursor=17-" + "0" * 32, ["cursor"]),
        ("cursor=../../etc/passwd", ["cursor"]),
        ("frm=1", ["did you mean from?"]),
    ],
)
def test_bad_input_15_a_bad_query_is_told_what_is_wrong(
    server: Running, query: str, words: list[str]
) -> None:
    answer = server.control("GET", f"/v1/worlds/default/messages?{query}")
    refused(answer, 400, "bad_request", *words)


def test_a_bug_is_reported_in_the_log_and_to_nobody_else(
    server: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_driver: object, _accounts: object) -> None:
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(control_worlds.books, "truth", broken)
    with caplog.at_level(logging.ERROR):
        refused(server.control("GET", "/v1/worlds/default/truth"), 500, "internal", "bug")
    assert "secret words" in caplog.text
