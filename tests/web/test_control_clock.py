"""The control port's clock: looking, advancing, and the rate."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.command import Wait
from tests.servers import PATIENCE_S, until_true
from tests.web.test_control_gate import refused
from tests.worlds import DAY_US, HOUR_US, SECOND_US, START_US

if TYPE_CHECKING:
    from tests.servers import Running

CLOCK = "/v1/worlds/default/clock"


def test_it_says_what_time_it_is_in_both_forms_and_in_the_header(server: Running) -> None:
    answer = server.control("GET", CLOCK)
    assert answer.json == {"now": "2025-06-02T00:00:00.000000Z", "now_us": START_US, "rate": 0}
    assert answer.headers["X-Todoku-Now"] == str(START_US)


@pytest.mark.parametrize(
    ("body", "by_us"),
    [
        ({"by": "2d"}, 2 * DAY_US),
        ({"by": "1h30m"}, HOUR_US * 3 // 2),
        ({"by_us": 1}, 1),
        ({"by_us": 0}, 0),
        ({"to_us": START_US + 5}, 5),
        ({"to": "2025-06-02T09:00:01+09:00"}, SECOND_US),
    ],
)
def test_it_advances_by_a_duration_or_to_an_instant(
    server: Running, body: dict[str, object], by_us: int
) -> None:
    found = server.post(f"{CLOCK}/advance", body)
    assert (found["now_us"], found["instants"]) == (START_US + by_us, 0)
    assert server.get(CLOCK)["now_us"] == START_US + by_us


def test_it_answers_after_every_instant_on_the_way_was_lived_through(server: Running) -> None:
    key = server.accepted()
    found = server.post(f"{CLOCK}/advance", {"by": "100d"})
    message = server.get(f"/v1/worlds/default/messages/{key}")
    assert message["finished"]
    instants = {event["at_us"] for event in message["timeline"]}
    assert found["instants"] == len(instants) - 1  # the first was before


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, ["exactly one"]),
        ({"by": "1d", "by_us": 3}, 400, ["exactly one"]),
        ({"by": "3"}, 400, ["a unit is needed"]),
        ({"by": 3}, 400, ["by"]),
        ({"by": "-1d"}, 400, ["by"]),
        ({"by_us": -1}, 400, ["by_us"]),
        ({"by_us": 1.5}, 400, ["by_us"]),
        ({"by": "3654d"}, 400, ["ten years"]),
        ({"by_us": 10**30}, 400, ["ten years"]),
        ({"to": "2025-06-01T00:00:00Z"}, 409, ["does not run back", "2025-06-02T00:00:00.000000Z"]),
        ({"to": "2025-06-03T00:00:00"}, 400, ["offset"]),
        ({"to": "2025-02-30T00:00:00Z"}, 400, ["day"]),
        ({"to": "9999-01-01T00:00:00Z"}, 400, ["2199"]),
    ],
)
def test_an_advance_that_cannot_be_is_refused(
    server: Running, body: dict[str, object], status: int, words: list[str]
) -> None:
    code = {400: "bad_request", 409: "conflict"}[status]
    refused(server.control("POST", f"{CLOCK}/advance", body), status, code, *words)
    assert server.get(CLOCK)["now_us"] == START_US


def test_time_has_an_end(server: Running) -> None:
    for _ in range(17):
        server.post(f"{CLOCK}/advance", {"by": "3652d"})
    for _ in range(2):
        answer = server.control("POST", f"{CLOCK}/advance", {"by": "3652d"})
    refused(answer, 409, "conflict", "time ends")


def test_a_clock_that_runs_is_not_advanced(server: Running) -> None:
    server.post(f"{CLOCK}/rate", {"rate": 60})
    refused(server.control("POST", f"{CLOCK}/advance", {"by": "1d"}), 409, "conflict", "rate 60")


def test_the_rate_changes_from_now_on(server: Running) -> None:
    assert server.post(f"{CLOCK}/rate", {"rate": 1e9})["rate"] == 1e9
    until_true(lambda: server.get(CLOCK)["now_us"] > START_US + DAY_US)
    stopped = server.post(f"{CLOCK}/rate", {"rate": 0})
    assert server.get(CLOCK)["now_us"] == stopped["now_us"] > START_US + DAY_US


def test_a_clock_that_has_left_the_calendar_still_answers(server: Running) -> None:
    server.post(f"{CLOCK}/rate", {"rate": 1e9})
    year_10000_us = 253_402_300_800_000_000
    server.call(server.server.driver("default").clock.jump, year_10000_us, time.monotonic_ns())
    assert server.get(CLOCK)["now"] == "9999-12-31T23:59:59.999999Z"


def test_bad_input_30_ten_years_with_many_timers_leave_the_port_responsive(server: Running) -> None:
    timers, day_us = 20_000, DAY_US
    driver = server.server.driver("default")

    def plan() -> None:
        for i in range(timers):  # half of them at one instant
            driver.submit(Wait(START_US + day_us + max(0, i - timers // 2), -i - 1))

    server.call(plan)
    done: list[Any] = []
    by = threading.Thread(
        target=lambda: done.append(server.post(f"{CLOCK}/advance", {"by": "3650d"})), daemon=True
    )
    by.start()
    until_true(lambda: server.get("/v1/worlds/default")["advancing"] or done)
    asked = 0
    while not done:
        assert server.control("GET", "/healthz").status == 200
        answer = server.control("POST", f"{CLOCK}/rate", {"rate": 0})
        if answer.status == 409:
            refused(answer, 409, "conflict", "an advance is under way")
            asked += 1
    by.join(PATIENCE_S)
    assert asked > 0
    assert done[0]["instants"] == timers // 2
    assert server.world.gateway.waits == {}
