"""The control port's people: what is said of a number comes true when it is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.number import japan_assignable
from tests.servers import SID, us
from tests.web.test_control_gate import refused
from tests.worlds import DAY_US, START_US

if TYPE_CHECKING:
    from tests.servers import Running

WORLD = "/v1/worlds/default"
LATER = 400 * DAY_US


def test_what_is_foreseen_is_what_happens(server: Running) -> None:
    server.accepted(us(0))  # so that the account is there
    numbers = [us(i) for i in range(1, 120)]
    foreseen = {n: server.get(f"{WORLD}/people/{n}", account=SID) for n in numbers}
    keys = {n: server.accepted(n, Body="See https://example.com/a") for n in numbers}
    server.post(f"{WORLD}/clock/advance", {"by_us": LATER})
    delivered = 0
    for number, key in keys.items():
        said, found = foreseen[number], server.get(f"{WORLD}/messages/{key}")
        assert said["carrier"] == found["carrier"]
        gone = found["fate"]["cause"] == "not_in_use"
        assert said["in_use"] is not gone
        if found["fate"]["state"] != "delivered":
            continue
        delivered += 1
        at_us = found["fate"]["at_us"]
        for name in ("noticed", "opened"):
            after = said["next"][f"{name}_after_us"]
            assert found[f"{name}_at_us"] == (after and at_us + after)
        replied = said["next"]["replies_after_us"]
        clicked = said["next"]["clicks_after_us"]
        assert found["clicked_at_us"] == (clicked and at_us + clicked)
        assert found["replied_at_us"] == (replied and at_us + replied)
    assert delivered > 40
    assert any(not said["in_use"] for said in foreseen.values())
    for name in ("clicks", "replies"):
        assert any(said["next"][f"{name}_after_us"] for said in foreseen.values())


def test_looking_changes_nothing_and_needs_no_account(server: Running) -> None:
    digest = server.world.log.digest()
    found = server.get(f"{WORLD}/people/{japan_assignable(3)}")
    assert found["next"] is None
    assert (found["country"], found["kind"], found["at_us"]) == ("JP", "mobile", START_US)
    assert server.world.log.digest() == digest


def test_a_handset_that_is_off_says_until_when(server: Running) -> None:
    off = [
        found
        for i in range(200)
        if (found := server.get(f"{WORLD}/people/{us(i)}", at=START_US))["absent"]
    ]
    assert off
    for found in off[:5]:
        until = found["absent_until_us"]
        assert until > START_US
        before = server.get(f"{WORLD}/people/{found['number']}", at=until - 1)
        assert before["absent"]


def test_who_said_stop_is_shown(server: Running) -> None:
    server.accepted()
    reply = {"account": SID, "from": us(0), "to": "+15005550006", "body": "STOP"}
    server.post(f"{WORLD}/replies", reply)
    found = server.get(f"{WORLD}/people/{us(0)}")
    assert found["opted_out_of"] == [{"account": SID, "sender": "+15005550006"}]
    assert server.get(f"{WORLD}/people/{us(1)}")["opted_out_of"] == []


def test_bad_input_8_what_is_no_number_is_400(server: Running) -> None:
    for seen in ("x", "%00", "+", "1" * 41, "%E2%80%AE+12025550100x", "..%2F.."):
        refused(server.control("GET", f"{WORLD}/people/{seen}"), 400, "bad_request", "number")
    where = f"{WORLD}/people/{us(0)}"
    refused(server.control("GET", f"{where}?account=nobody"), 404, "not_found")
    refused(server.control("GET", f"{where}?at=yesterday"), 400, "bad_request", "at")
