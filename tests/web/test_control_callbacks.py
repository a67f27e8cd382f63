"""The control port's callbacks: attempts, dead letters, and what we would not call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.web import control_callbacks
from tests.servers import MESSAGES, SID, running, us
from tests.web.test_control_gate import refused

if TYPE_CHECKING:
    import pytest

    from tests.servers import Running

WORLD = "/v1/worlds/default"
CALLBACKS = f"{WORLD}/callbacks"


def everything(server: Running, **query: Any) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while cursor is not None:
        page = server.get(CALLBACKS, cursor=cursor, **query)
        found += page["callbacks"]
        cursor = page["next"]
    return found


def test_a_dead_letter_says_what_it_was_about_and_how_it_ended(server: Running) -> None:
    url = f"{server.url}/nobody"
    key = server.accepted(StatusCallback=url)
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    dead = everything(server, kind="abandoned")
    assert [found["state"] for found in dead] == ["delivered", "sent", "sending"]
    for found in dead:
        assert (found["message"], found["account"], found["url"]) == (key, SID, url)
        assert (found["outcome"], found["status"], found["attempt"]) == ("answered", None, None)
    tried = everything(server, kind="tried")
    assert {found["status"] for found in tried} == {404}
    assert min(found["attempt"] for found in tried) == 1
    instants = [found["at_us"] for found in everything(server)]
    assert instants == sorted(instants, reverse=True)
    timeline = server.get(f"{WORLD}/messages/{key}")["timeline"]
    kinds = [event["kind"] for event in timeline]
    assert kinds.count("CallbackTried") == len(tried)
    assert kinds.count("CallbackAbandoned") == len(dead)


def test_why_a_callback_was_refused_is_told_in_words(server: Running) -> None:
    server.accepted(StatusCallback="http://169.254.169.254/latest?secret=x")
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    dead = everything(server, kind="abandoned", outcome="forbidden")
    assert dead
    found = server.get(f"{CALLBACKS}/refusals", limit=1)["refusals"]
    assert len(found) == 1
    assert "169.254.169.254" in found[0]["origin"]
    assert "secret" not in str(found)
    assert found[0]["reason"]
    server.control("PUT", "/v1/worlds/other/accounts/a", {"dialect": "twilio"})
    assert server.get("/v1/worlds/other/callbacks/refusals") == {"refusals": []}


def test_attempts_are_filtered_by_account_and_outcome(server: Running) -> None:
    server.accepted(StatusCallback=f"{server.url}/nobody")
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    server.control("PUT", f"{WORLD}/accounts/empty", {"dialect": "twilio"})
    assert everything(server, account="empty") == []
    assert everything(server, outcome="timed_out") == []
    assert everything(server, account=SID, outcome="answered")
    refused(server.control("GET", f"{CALLBACKS}?account=nobody"), 404, "not_found")
    refused(
        server.control("GET", f"{CALLBACKS}?outcome=timedout"), 400, "bad_request", "timed_out?"
    )


def test_bad_input_15_a_page_looks_at_so_many_facts(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(5):
        server.accepted(us(i), StatusCallback=f"{server.url}/nobody" if i == 0 else "")
    server.post(f"{WORLD}/clock/advance", {"by": "4d"})
    whole = everything(server)
    monkeypatch.setattr(control_callbacks, "SCANNED_MAX", 4)
    monkeypatch.setattr(control_callbacks, "_AT_ONCE", 3)
    assert everything(server) == whole
    assert everything(server, limit=1) == whole


def test_bad_input_15_a_cursor_beyond_the_log_is_400(server: Running) -> None:
    refused(server.control("GET", f"{CALLBACKS}?cursor=999999"), 400, "bad_request", "cursor")


def test_what_the_log_has_dropped_is_no_longer_listed() -> None:
    with running(balanced=False) as server:
        server.accepted(StatusCallback=f"{server.url}/nobody")
        server.post(f"{WORLD}/clock/advance", {"by": "4d"})
        assert everything(server)
        server.world.log._tail_max = 2
        for _ in range(600):
            server.accepted(us(1))
        assert everything(server) == []
        assert server.twilio(us(1)).status == 201, MESSAGES
